/** The first page: is it well, and if not, what is to be done first. */
import { findAttention, type Item } from '../attention.js';
import { FIRST_HOUR, hourlyChart, type Series } from '../chart.js';
import type { PageContext } from '../context.js';
import { html, path, type Html } from '../html.js';
import { stateOf, type Page } from '../layout.js';
import { actionForm, card, facts, live, pill } from '../parts.js';
import { tokenWarnings } from '../token-warnings.js';
import { ago, bytesText, numberText, plural, statusOfMany, USER_STATUS } from '../words.js';
import type { UserStatus } from '../../domain/types.js';

const DAY_MS = 86_400_000;
const MOST_REFUSALS = 1_000;

const REQUESTS: Series = {
  title: 'Requests of identity providers',
  all: 'requests',
  failed: 'requestFailures',
  unit: 'request',
};
const CALLS: Series = { title: 'Calls to ElevenLabs', all: 'calls', failed: 'callFailures', unit: 'call' };

export async function overviewPage(context: PageContext): Promise<Page> {
  const { store, now } = context;
  await context.flushCounters();
  const [tokens, warnings, links, counts, refused, { seats }] = await Promise.all([
    store.listTokens(),
    tokenWarnings(store, now),
    store.links(),
    store.hourly(FIRST_HOUR(now)),
    store.refusedRequests({ since: now - DAY_MS, limit: MOST_REFUSALS, standing: true }),
    store.limitInputs([]),
  ]);
  const items = findAttention(context, { tokens, warnings, links, refused, seats });
  return {
    title: 'Overview',
    section: 'overview',
    actions: actionForm(context, { to: ['sync'], label: 'Read the workspace now', kind: 'primary' }),
    main: html`
      ${live('attention', attention(items), true)} ${live('counts', countsOf(context))}
      <div class="columns">
        ${card('Last 24 hours', live('charts', [hourlyChart(REQUESTS, counts, now), hourlyChart(CALLS, counts, now)]))}
        ${card(
          'State',
          live(
            'facts',
            stateFacts(
              context,
              tokens.reduce((last, t) => (t.kind === 'admin' ? last : Math.max(last, t.lastUsedAt ?? 0)), 0),
            ),
          ),
        )}
      </div>
    `,
  };
}

function attention(items: readonly Item[]): Html {
  const urgent = items.filter(({ tone }) => tone === 'bad' || tone === 'warn');
  const lead =
    urgent.length === 0
      ? html`<div class="well">
          <span class="well-mark" aria-hidden="true">✓</span>
          <div>
            <h2>All is well</h2>
            <p>Nothing needs you.</p>
          </div>
        </div>`
      : html`<h2 class="attention-head">Needs attention</h2>`;
  return html`<section class="attention" aria-label="What needs attention">
    ${lead}
    ${
      items.length > 0 &&
      html`<ul>
        ${items.map(itemOf)}
      </ul>`
    }
  </section>`;
}

function itemOf({ tone, title, text, action }: Item): Html {
  return html`<li class="item ${tone}">
    <div>
      <h3>${title}</h3>
      <p>${text}</p>
    </div>
    ${action !== undefined && html`<div class="item-action">${action}</div>`}
  </li>`;
}

const SHOWN: readonly UserStatus[] = [
  'member',
  'invited',
  'invitePending',
  'locked',
  'held',
  'failed',
  'removed',
  'protected',
];

function countsOf({ numbers }: PageContext): Html {
  const { users, open } = numbers;
  const tiles = SHOWN.flatMap((status) => {
    const count = users[status] ?? 0;
    const always = status === 'member' || status === 'invited' || status === 'locked';
    if (count === 0 && !always) return [];
    return [tile(statusOfMany(status), count, path(['users'], { status }), USER_STATUS[status].tone)];
  });
  const waiting = open.planned + open.sending;
  return html`<section aria-label="Counts">
    <ul class="tiles">
      ${tiles}
      ${tile('Changes under way', waiting, path(['changes'], { state: 'planned' }), waiting > 0 ? 'busy' : 'calm')}
      ${tile('Groups linked', numbers.groups.linked ?? 0, path(['groups']), 'calm')}
    </ul>
  </section>`;
}

function tile(text: string, count: number, href: string, tone: string): Html {
  return html`<li>
    <a class="tile ${tone}" href="${href}"><span class="tile-count">${numberText(count)}</span><span>${text}</span></a>
  </li>`;
}

function stateFacts(context: PageContext, lastRequestAt: number): Html {
  const { engine, numbers, facts: known, now, publicUrl } = context;
  const { readings } = engine.state;
  return facts([
    ['Relation to ElevenLabs', pill(stateOf(context))],
    ['In the workspace', plural(numbers.members, 'member')],
    ['Read in full', ago(readings.lastFullAt, now, 'not since the start')],
    ['Last request of an IdP', ago(lastRequestAt === 0 ? null : lastRequestAt, now, 'none yet')],
    [
      'Oldest open change',
      numbers.oldestOpenAt === null ? html`<span class="dim">none</span>` : ago(numbers.oldestOpenAt, now),
    ],
    ['Changes by hand', known.drift === 'enforce' ? 'repaired (DRIFT=enforce)' : 'listed (DRIFT=report)'],
    ['Bridge', html`<span class="wrap">${publicUrl()}</span>`],
    ['Database', bytesText(numbers.bytes)],
    ['Version', known.version],
  ]);
}
