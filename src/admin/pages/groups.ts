/** Groups of identity providers and their links to workspace groups. */
import type { WorkspaceGroup } from '../../domain/types.js';
import type { LinkRecord } from '../../store/port.js';
import type { PageContext } from '../context.js';
import { html, type Content, type Html } from '../html.js';
import type { Page } from '../layout.js';
import { actionForm, card, confirmed, live, pill, table } from '../parts.js';
import { LINK_SOURCE, LINK_TROUBLE, LINKED, numberText } from '../words.js';

export async function groupsPage(context: PageContext): Promise<Page> {
  const [links, groups] = await Promise.all([context.store.links(), context.store.groups()]);
  const written = links.filter(({ managed }) => managed);
  const linked = new Set(written.flatMap(({ groupId }) => groupId ?? []));
  const order = (link: LinkRecord): number =>
    link.linkStatus === 'unlinked' || link.linkStatus === 'ambiguous' ? 0 : 1;
  const sorted = [...written].sort((a, b) => order(a) - order(b) || a.displayName.localeCompare(b.displayName));
  return {
    title: 'Groups',
    section: 'groups',
    lead: 'A link is made by name where exactly one workspace group has it, and survives renames. Linking removes nobody.',
    main: [
      card(
        'Groups of the identity provider',
        live(
          'links',
          table(
            'Groups and links',
            COLUMNS,
            sorted.map((link) => row(link, groups, context)),
            'None yet: they come when the identity provider pushes groups.',
          ),
        ),
      ),
      card(
        'Groups of the workspace',
        live(
          'workspace-groups',
          table(
            'Groups of the workspace',
            WORKSPACE_COLUMNS,
            groups.map((group) => workspaceRow(group, linked)),
            'The workspace has no groups, or they were not read yet.',
          ),
        ),
      ),
    ],
  };
}

const COLUMNS = [
  { name: 'Group' },
  { name: 'Link' },
  { name: 'Workspace group' },
  { name: 'Members', kind: 'number' },
  { name: 'Actions', isHidden: true },
] as const;
const WORKSPACE_COLUMNS = [{ name: 'Group' }, { name: 'State' }, { name: 'Members', kind: 'number' }] as const;

function row(link: LinkRecord, groups: readonly WorkspaceGroup[], context: PageContext): readonly Content[] {
  const { displayName, trouble, linkSource, groupId, groupName, members } = link;
  return [
    html`<span class="name">${displayName}</span>`,
    html`${pill(trouble === null ? LINKED : LINK_TROUBLE[trouble])}<span class="sub"
        >${trouble === null ? LINK_SOURCE[linkSource ?? ''] : LINK_TROUBLE[trouble].meaning}</span
      >`,
    groupId === null ? html`<span class="dim">none</span>` : html`<span class="wrap">${groupName ?? groupId}</span>`,
    numberText(members),
    html`<div class="row-actions">${linkForm(link, groups, context)}</div>`,
  ];
}

function linkForm(
  { id, displayName, groupId, groupName }: LinkRecord,
  groups: readonly WorkspaceGroup[],
  context: PageContext,
): Content {
  if (groupId !== null) {
    return confirmed(
      context,
      `unlink-${id}`,
      html`Members that the bridge added to “${groupName ?? groupId}” are taken out of it; nobody loses access to the
      workspace.`,
      { to: ['groups', id, 'unlink'], label: 'Unlink', about: displayName, kind: 'danger' },
    );
  }
  const writable = groups.filter(({ readOnly }) => !readOnly);
  if (writable.length === 0) return html`<span class="dim">no group to link to</span>`;
  return actionForm(context, {
    to: ['groups', id, 'link'],
    label: 'Link',
    about: displayName,
    kind: 'primary',
    content: choice(id, displayName, writable),
  });
}

function choice(id: string, displayName: string, groups: readonly WorkspaceGroup[]): Html {
  return html`<label class="sr" for="${`choice-${id}`}">Workspace group for ${displayName}</label>
    <select name="groupId" id="${`choice-${id}`}" required>
      <option value="">Choose…</option>
      ${groups.map(({ groupId, name }) => html`<option value="${groupId}">${name}</option>`)}
    </select>`;
}

function workspaceRow(
  { groupId, name, memberIds, readOnly }: WorkspaceGroup,
  linked: ReadonlySet<string>,
): readonly Content[] {
  const state = readOnly
    ? LINK_TROUBLE.readOnly
    : linked.has(groupId)
      ? LINKED
      : ({ text: 'Free', tone: 'calm' } as const);
  return [
    html`<span class="name">${name}</span><span class="sub id">${groupId}</span>`,
    pill(state),
    numberText(memberIds.length),
  ];
}
