/** One user: what is, what should be and why, what happened, and what can be done about it. */
import { explain } from '../../domain/explain.js';
import type { About, Aspect } from '../../domain/explanation.js';
import { renderObstacle } from '../../domain/explain-text.js';
import { textAt } from '../../domain/json.js';
import { cleanText } from '../../domain/refusal.js';
import type { InviteRecord, LedgerRow, PersonRef, UserRecord } from '../../store/port.js';
import type { PageContext } from '../context.js';
import { html, path, type Content, type Html } from '../html.js';
import type { Page } from '../layout.js';
import { nameLookup } from '../names.js';
import { actionForm, card, confirmed, facts, live, pill, table } from '../parts.js';
import { refusalNotice } from '../refusals.js';
import { timeline } from '../timeline.js';
import { ago, seatText, USER_STATUS, type Word } from '../words.js';

const LEDGER_ROWS = 200;
const TRACE_ROWS = 60;

export async function userPage(context: PageContext, id: string): Promise<Page | null> {
  const { store, rules, now } = context;
  await context.flushCounters();
  const ref = (await store.peopleOf([`user:${id}`])).get(`user:${id}`);
  if (ref === undefined) return null;
  const [record, person, ledger, invites, workspaceGroups, trace, standing, { seats }, { unlinked, refusedRequest }] =
    await Promise.all([
      store.getUser(id),
      store.person(ref.id),
      store.ledger({ subject: `user:${id}`, limit: LEDGER_ROWS }),
      store.invites({ open: false, userId: ref.id, limit: 5 }),
      store.groups(),
      store.trace({ userId: ref.id, limit: TRACE_ROWS }),
      store.standingShares(ref.id),
      store.limitInputs([]),
      store.besideThePlan(ref.id),
    ]);
  const groupNames = new Map<string, string>(workspaceGroups.map(({ groupId, name }) => [groupId, name]));
  const groupName = (groupId: string): string | null => groupNames.get(groupId) ?? null;
  const explanation =
    person === null ? null : explain({ groupName, person, rules: rules(), now, ledger, standing, unlinked, seats });
  const nameOf = await nameLookup(
    context,
    trace.causes.flatMap(({ audit, changes }) => [
      ...audit.flatMap(({ subject }) => subject ?? []),
      ...changes.map(({ row }) => row.subject),
    ]),
  );
  return {
    title: (record === null ? null : textAt(record.document, 'displayName')) ?? ref.userName,
    section: 'users',
    lead: html`<a href="${path(['users'])}">Users</a> / ${ref.userName}`,
    actions: actions(context, ref, ledger),
    main: html`
      ${live('user', [
        refusedRequest !== null && refusalNotice(refusedRequest, now),
        card('Now', factsOf(context, ref, record, invites)),
        explanation !== null && card('Why', whyTable(explanation.aspects)),
      ])}
      ${card('What happened', live('trace', timeline(trace, { nameOf, groupName }, 'Nothing yet.')))}
      ${record !== null && card('As the identity provider wrote it', documentOf(record))}
    `,
  };
}

function actions(context: PageContext, ref: PersonRef, ledger: readonly LedgerRow[]): Content {
  const hasRefused = ledger.some(({ state, retryAt }) => state === 'refused' && retryAt !== null);
  return [
    hasRefused && actionForm(context, { to: ['users', ref.id, 'retry'], label: 'Try again now', kind: 'primary' }),
    ref.managed &&
      ref.deletedAt === null &&
      confirmed(
        context,
        'release',
        html`The bridge stops managing ${ref.userName}: nothing changes at ElevenLabs, and nothing follows the identity
        provider any more until it writes this user again.`,
        { to: ['users', ref.id, 'release'], label: 'Release', kind: 'danger' },
      ),
  ];
}

function factsOf(
  { now }: PageContext,
  ref: PersonRef,
  record: UserRecord | null,
  invites: readonly InviteRecord[],
): Html {
  const status = USER_STATUS[ref.status];
  const [invite] = invites;
  const bridge = record?.bridge;
  const pairs: (readonly [string, Content])[] = [
    ['Status', html`${pill(status)} <span class="dim">${status.meaning}</span>`],
    [
      'Managed',
      ref.deletedAt !== null ? 'deleted by the identity provider' : ref.managed ? 'yes' : 'no: nothing is changed',
    ],
    ['Address at ElevenLabs', ref.address ?? html`<span class="dim">none: no invite can be sent</span>`],
    [
      'Member',
      ref.memberId === null ? html`<span class="dim">no</span>` : html`<span class="id">${ref.memberId}</span>`,
    ],
    [
      'Groups',
      record === null || record.groups.length === 0
        ? html`<span class="dim">none</span>`
        : record.groups.map(({ displayName }) => displayName).join(', '),
    ],
  ];
  if (invite !== undefined)
    pairs.push([
      'Invite',
      html`${invite.state}, ${seatText(invite.seatType)} seat, sent ${ago(invite.sentAt, now)} (number ${invite.round})`,
    ]);
  if (bridge?.acceptedAt !== null && bridge?.acceptedAt !== undefined)
    pairs.push(['Accepted', ago(bridge.acceptedAt, now)]);
  if (record !== null) pairs.push(['Last written', ago(record.modifiedAt, now)]);
  if (bridge !== undefined && bridge.pendingChanges > 0) pairs.push(['Open changes', bridge.pendingChanges]);
  if (bridge !== undefined && bridge.lastError !== null)
    pairs.push(['Last error', html`<span class="error">${bridge.lastError}</span>`]);
  return facts(pairs);
}

const SETTLED: Word = { text: 'As wanted', tone: 'good' };
const OPEN: Word = { text: 'Open', tone: 'warn' };

function whyTable(aspects: readonly Aspect[]): Html {
  return table(
    'What this user has, should have, and why',
    [
      { name: 'What', kind: 'words' },
      { name: 'State' },
      { name: 'Has' },
      { name: 'Should have' },
      { name: 'Because', kind: 'words' },
      { name: 'In the way' },
    ],
    aspects.map(({ about, isSettled, actual, wanted, rule, obstacle }) => [
      aboutText(about),
      pill(isSettled ? SETTLED : OPEN),
      valueText(actual),
      valueText(wanted),
      html`<span class="wrap">${cleanText(rule)}</span>`,
      obstacle === null
        ? html`<span class="dim">nothing</span>`
        : html`<span class="wrap">${renderObstacle(obstacle)}</span>`,
    ]),
    'Nothing to explain.',
  );
}

const valueText = (value: string | null): Content =>
  value === null ? html`<span class="dim">–</span>` : seatText(value);

function aboutText(about: About): Content {
  switch (about.kind) {
    case 'access':
      return 'Access';
    case 'formerAddress':
      return `Former address ${about.address}`;
    case 'seat':
      return 'Seat';
    case 'group':
      return html`<span class="wrap">Group ${about.name ?? about.groupId}</span>`;
    case 'unlinkedGroup':
      return html`<span class="wrap">Group ${about.name}</span>`;
    case 'refusedValue':
      return html`<span class="wrap">Refused value of ${about.attribute}</span>`;
    case 'share':
      return about.via === undefined ? `Share ${about.resource}` : `Share ${about.resource} of ${about.via}`;
  }
}

function documentOf({ document, version, id }: UserRecord): Html {
  return html`<details id="document">
    <summary>Version ${version}, id <span class="id">${id}</span></summary>
    <pre>${JSON.stringify(document, null, 2)}</pre>
  </details>`;
}
