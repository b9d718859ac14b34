/** `groups list|show|link|unlink`. */
import type { Command } from 'commander';
import { fold } from '../domain/fold.js';
import type { WorkspaceGroup } from '../domain/types.js';
import type { LinkRecord } from '../store/port.js';
import { CommandError, type CommandContext } from './context.js';
import { act, withJson, withYes, type Json, type Yes } from './define.js';
import { findGroup, groupNameOf } from './find.js';
import { iso } from './output.js';

export function groupsCommands(program: Command, context: CommandContext): void {
  const groups = program.command('groups').description('groups of the directory, and their links to workspace groups');
  withJson(groups.command('list'))
    .description('list groups with their links')
    .action(act(context, (options: Json) => listGroups(context, options)));
  withJson(groups.command('show'))
    .description('show one group and its members')
    .argument('<group>', 'name or id')
    .action(act(context, (text: string, options: Json) => showGroup(context, text, options)));
  withYes(groups.command('link'))
    .description('link a group to a workspace group by hand; nobody is removed by it')
    .argument('<group>', 'name or id')
    .argument('<workspace group>', 'its name or id at ElevenLabs')
    .action(act(context, (text: string, target: string, options: Yes) => link(context, text, target, options)));
  withYes(groups.command('unlink'))
    .description('unlink a group: what the bridge added to the workspace group is taken out again')
    .argument('<group>', 'name or id')
    .action(act(context, (text: string, options: Yes) => unlink(context, text, options)));
}

async function listGroups(context: CommandContext, { json }: Json): Promise<void> {
  await context.withStore(async ({ store }) => {
    const links = await store.links();
    if (json === true) {
      context.output.json(links);
      return;
    }
    context.output.table(
      ['Group', 'Members', 'Link', 'Workspace group', 'Linked by', 'Managed'],
      links.map((link) => [
        link.displayName,
        link.members,
        link.linkStatus,
        groupOf(link),
        link.linkSource,
        link.managed,
      ]),
      'There are no groups.',
    );
  });
}

const groupOf = ({ groupName, groupId }: LinkRecord): string | null => groupName ?? groupId;

async function showGroup(context: CommandContext, text: string, { json }: Json): Promise<void> {
  const { output } = context;
  await context.withStore(async ({ store }) => {
    const group = await findGroup(store, text);
    const link = (await store.links()).find(({ id }) => id === group.id) ?? null;
    const members = group.members ?? [];
    if (json === true) {
      const { id, document, version, createdAt, modifiedAt } = group;
      const times = { createdAt: iso(createdAt), modifiedAt: iso(modifiedAt) };
      output.json({ id, document, version, ...times, link, members });
      return;
    }
    output.paragraph(`${groupNameOf(group)}, group ${group.id}, written ${iso(group.modifiedAt)}.`);
    output.paragraph(link === null ? 'No link.' : linkText(link));
    output.line();
    output.table(
      ['Member', 'User'],
      members.map(({ display, userId }) => [display, userId]),
      'It has no members.',
    );
  });
}

/** What the link is, and what to do where there is none. */
export function linkText(link: LinkRecord): string {
  const target = groupOf(link) ?? '';
  switch (link.trouble) {
    case null:
      return `Linked to the workspace group "${target}" (by ${link.linkSource ?? 'hand'}).`;
    case 'readOnly':
      return `Linked to the workspace group "${target}", which ElevenLabs' own SCIM manages: the bridge does not change it.`;
    case 'ambiguous':
      return 'Not linked: several workspace groups have this name. Link one by hand (groups link), or rename the others.';
    case 'noGroup':
      return (
        'Not linked: there is no workspace group of this name. Make one at ElevenLabs (the API cannot), name an alias in ' +
        'the mapping file, or link one by hand (groups link).'
      );
    case 'gone':
      return (
        'Not linked: its workspace group is no longer there. Link another one by hand (groups link). Should the same one ' +
        'come up again, it is linked by itself.'
      );
    case 'byHand':
      return 'Not linked: it was unlinked. Link it by hand (groups link).';
  }
}

async function link(context: CommandContext, text: string, target: string, options: Yes): Promise<void> {
  await context.withStore(async ({ store }) => {
    const group = await findGroup(store, text);
    const workspaceGroup = findWorkspaceGroup(await store.groups(), target);
    const name = groupNameOf(group);
    await context.confirm(`Link "${name}" to the workspace group "${workspaceGroup.name}"?`, options);
    const linked = await store.linkGroup(group.id, workspaceGroup.groupId, context.writer());
    context.output.line(`"${name}" is ${linked.bridge.linkStatus} to "${workspaceGroup.name}".`);
  });
}

function findWorkspaceGroup(groups: readonly WorkspaceGroup[], text: string): WorkspaceGroup {
  const byId = groups.find(({ groupId }) => groupId === text);
  const named = groups.filter(({ name }) => fold(name.trim()) === fold(text.trim()));
  const [first, second] = byId === undefined ? named : [byId];
  if (first === undefined)
    throw new CommandError(`The workspace has no group "${text}", as last read. Read it anew with \`sync\`.`);
  if (second === undefined) return first;
  const lines = named.map(({ name, groupId }) => `  ${name}  ${groupId}`);
  throw new CommandError([`Several workspace groups are called "${text}"; say the id:`, ...lines].join('\n'));
}

async function unlink(context: CommandContext, text: string, options: Yes): Promise<void> {
  await context.withStore(async ({ store }) => {
    const group = await findGroup(store, text);
    const name = groupNameOf(group);
    if (group.bridge.groupId === null) throw new CommandError(`"${name}" is not linked.`);
    await context.confirm(
      `Unlink "${name}"? Its members leave the workspace group, where the bridge had put them.`,
      options,
    );
    await store.linkGroup(group.id, null, context.writer());
    context.output.line(`"${name}" is unlinked.`);
  });
}
