/** Changes that have not come to an end: held, refused, unclear, under way; and what can be done with each. */
import type { LedgerState } from '../../domain/types.js';
import type { LedgerRow } from '../../store/port.js';
import type { PageContext } from '../context.js';
import { html, path, type Content, type Html } from '../html.js';
import type { Page } from '../layout.js';
import { nameLookup } from '../names.js';
import { actionForm, confirmed, live, table, tabs } from '../parts.js';
import { requestLink, subjectLink } from '../timeline.js';
import { ago, changeText, LEDGER_STATE, plural } from '../words.js';

const MOST = 300;

type View = 'held' | 'refused' | 'ambiguous' | 'planned';

const VIEWS: readonly {
  readonly view: View;
  readonly states: readonly LedgerState[];
  readonly lead: string;
  readonly empty: string;
}[] = [
  {
    view: 'held',
    states: ['held'],
    lead: 'The bridge stopped before these, since too much would change at once. Release what is right; drop what is a mistake, and take it back in the identity provider.',
    empty: 'Nothing is held.',
  },
  {
    view: 'refused',
    states: ['refused'],
    lead: 'ElevenLabs refused these. They are tried again daily, when a seat is freed, when the identity provider writes the user, or now.',
    empty: 'Nothing was refused.',
  },
  {
    view: 'ambiguous',
    states: ['ambiguous'],
    lead: 'The answer to these was lost. The members are read before anything is sent again; an invite is repeated once at most.',
    empty: 'Every call was answered.',
  },
  {
    view: 'planned',
    states: ['planned', 'sending'],
    lead: 'These are sent as fast as ElevenLabs allows.',
    empty: 'Nothing is under way.',
  },
];

export async function changesPage(context: PageContext): Promise<Page> {
  const { store, query, numbers, links } = { ...context, links: await context.store.links() };
  const asked = VIEWS.find(({ view }) => view === query.text('state'));
  const current = asked ?? VIEWS.find(({ view }) => countOf(view, context) > 0) ?? VIEWS[0];
  if (current === undefined) throw new Error('there is no view of changes');
  const rows = (await store.ledger({ states: current.states, limit: MOST })).filter(
    ({ state, retryAt }) => state !== 'refused' || retryAt !== null,
  );
  const nameOf = await nameLookup(
    context,
    rows.map(({ subject }) => subject),
  );
  const groups = new Map<string, string>(
    links.flatMap(({ groupId, groupName }) => (groupId === null || groupName === null ? [] : [[groupId, groupName]])),
  );
  return {
    title: 'Changes',
    section: 'changes',
    lead: current.lead,
    main: html`
      ${live(
        'change-tabs',
        tabs(
          'State',
          VIEWS.map(({ view }) => ({
            text: LEDGER_STATE[view].text,
            count: countOf(view, context),
            href: path(['changes'], { state: view }),
            isCurrent: view === current.view,
          })),
        ),
      )}
      ${live(
        'change-list',
        [
          rows.length > 0 && bulk(context, current.view, current.view === 'planned' ? 0 : numbers.open[current.view]),
          table(
            LEDGER_STATE[current.view].text,
            COLUMNS,
            rows.map((row) => cells(row, context, nameOf, groups)),
            current.empty,
          ),
          rows.length >= MOST && html`<p class="dim">Only the newest ${MOST} are shown.</p>`,
        ],
        true,
      )}
    `,
  };
}

const COLUMNS = [
  { name: 'Change', kind: 'words' },
  { name: 'Because' },
  { name: 'Since' },
  { name: 'Request' },
  { name: 'Actions', isHidden: true },
] as const;

function countOf(view: View, { numbers: { open } }: PageContext): number {
  return view === 'planned' ? open.planned + open.sending : open[view];
}

function cells(
  row: LedgerRow,
  context: PageContext,
  nameOf: (subject: string) => string | null,
  groups: ReadonlyMap<string, string>,
): readonly Content[] {
  const { change, subject, why, error, cause, createdAt } = row;
  const name = nameOf(subject);
  const group = 'groupId' in change ? (groups.get(change.groupId) ?? null) : null;
  const text = changeText(change, name, group);
  return [
    html`<span class="name">${subjectLink(subject, () => text)}</span>`,
    html`<span class="wrap">${why}</span>${error !== null && html`<span class="sub error">${error}</span>`}`,
    ago(createdAt, context.now),
    cause === null ? '–' : requestLink(cause),
    html`<div class="row-actions">${rowActions(row, context, text)}</div>`,
  ];
}

function rowActions({ id, state }: LedgerRow, context: PageContext, about: string): Content {
  const fields = { id: String(id) };
  switch (state) {
    case 'held':
      return [
        actionForm(context, { to: ['changes', 'release'], label: 'Release', fields, about, kind: 'primary' }),
        confirmed(context, `drop-${String(id)}`, dropText, {
          to: ['changes', 'drop'],
          label: 'Drop',
          fields,
          about,
          kind: 'danger',
        }),
      ];
    case 'refused':
      return actionForm(context, { to: ['changes', 'retry'], label: 'Try again', fields, about });
    case 'planned':
    case 'sending':
    case 'ambiguous':
    case 'done':
    case 'superseded':
      return null;
  }
}

const dropText = 'It is not made, until the identity provider asks for it anew.';

function bulk(context: PageContext, view: View, count: number): Html | null {
  const all = { all: 'true' };
  switch (view) {
    case 'held':
      return html`<div class="bulk">
        ${confirmed(context, 'release-all', `${plural(count, 'change')} are made at once, whoever they concern.`, { to: ['changes', 'release'], label: `Release all ${String(count)}`, fields: all, kind: 'primary' })}
        ${confirmed(context, 'drop-all', `${plural(count, 'change')} are not made, until the identity provider asks for them anew.`, { to: ['changes', 'drop'], label: `Drop all ${String(count)}`, fields: all, kind: 'danger' })}
      </div>`;
    case 'refused':
      return html`<div class="bulk">
        ${actionForm(context, { to: ['changes', 'retry'], label: 'Try all again now', fields: all, kind: 'primary' })}
      </div>`;
    case 'ambiguous':
    case 'planned':
      return null;
  }
}
