/** All users: filter by state, search by name and address. */
import { resolvePath } from '../../domain/attribute-lookup.js';
import type { Filter } from '../../domain/filter.js';
import { textAt } from '../../domain/json.js';
import { BRIDGE_USER } from '../../domain/schema.js';
import type { UserStatus } from '../../domain/types.js';
import { USER } from '../../domain/user-schema.js';
import type { UserRecord } from '../../store/port.js';
import type { PageContext } from '../context.js';
import { html, path, type Content, type Html } from '../html.js';
import type { Page } from '../layout.js';
import { card, live, pager, pill, table, tabs } from '../parts.js';
import { refusalTable } from '../refusals.js';
import { numberText, plural, seatText, statusOfMany, USER_STATUS } from '../words.js';

const PAGE_SIZE = 50;
/** More groups than this are summed up. */
const GROUPS_SHOWN = 3;
const REFUSALS_SHOWN = 5;

export async function usersPage(context: PageContext): Promise<Page> {
  const { store, query, numbers } = context;
  const search = query.text('q');
  const status = asStatus(query.text('status'));
  const number = query.number('page', 1);
  const { items, total } = await store.listUsers({
    filter: filterOf(search, status),
    sortBy: null,
    sortOrder: 'ascending',
    startIndex: (number - 1) * PAGE_SIZE + 1,
    count: PAGE_SIZE,
  });
  if (total === 0) await context.flushCounters();
  const refused =
    total > 0 || search === '' ? [] : await store.refusedRequests({ about: [search], limit: REFUSALS_SHOWN });
  const seats = await seatsOf(items, context);
  const all = Object.values(numbers.users).reduce((sum, count) => sum + count, 0);
  const parameters = { q: search, status: status ?? '' };
  return {
    title: 'Users',
    section: 'users',
    lead: `${plural(all, 'user')} in the directory.`,
    main: html`
      <form method="get" action="${path(['users'])}" class="search" role="search">
        <label for="q" class="sr">Search by name or address</label>
        <input
          type="search"
          id="q"
          name="q"
          value="${search}"
          placeholder="Name or e-mail address"
          autocomplete="off"
          maxlength="200"
        />
        ${status !== null && html`<input type="hidden" name="status" value="${status}" />`}
        <button>Search</button>
      </form>
      ${live('user-tabs', statusTabs(context, search, status))}
      ${live('user-list', [
        search !== '' &&
          html`<p class="dim">
            ${plural(total, 'hit')} for “${search}”. <a href="${path(['users'], { status })}">Show all</a>
          </p>`,
        table(
          'Users',
          COLUMNS,
          items.map((user) => row(user, seats)),
          emptyText(search, status),
        ),
      ])}
      ${refused.length > 0 && card('Refused requests about this name', refusalTable(refused, context.now, ''))}
      ${pager(['users'], parameters, { number, size: PAGE_SIZE, total })}
    `,
  };
}

const COLUMNS = [{ name: 'User' }, { name: 'Status' }, { name: 'Seat' }, { name: 'Groups' }] as const;

function row(user: UserRecord, seats: ReadonlyMap<string, string | null>): readonly Content[] {
  const { bridge, managed, document } = user;
  const name = textAt(document, 'displayName');
  const userName = textAt(document, 'userName') ?? user.id;
  return [
    html`<a href="${path(['users', user.id])}" class="name">${name ?? userName}</a>
      <span class="sub">${name === null ? user.address !== userName.toLowerCase() && user.address : userName}</span>`,
    html`${pill(USER_STATUS[bridge.status])} ${!managed && html`<span class="dim">not managed</span>`}
    ${bridge.lastError !== null && html`<span class="sub clip">${bridge.lastError}</span>`}`,
    seatText(seats.get(bridge.memberId ?? user.id) ?? null),
    groupList(user),
  ];
}

function groupList({ groups }: UserRecord): Content {
  if (groups.length === 0) return html`<span class="dim">none</span>`;
  const shown = groups
    .slice(0, GROUPS_SHOWN)
    .map(({ displayName }) => displayName)
    .join(', ');
  const more = groups.length - GROUPS_SHOWN;
  return html`<span class="wrap">${shown}${more > 0 && ` and ${numberText(more)} more`}</span>`;
}

function statusTabs({ numbers }: PageContext, q: string, current: UserStatus | null): Html {
  const counted = Object.entries(numbers.users) as [UserStatus, number][];
  const order = Object.keys(USER_STATUS) as UserStatus[];
  const present = order.filter(
    (status) => status === current || counted.some(([known, count]) => known === status && count > 0),
  );
  return tabs('Status', [
    { text: 'All', href: path(['users'], { q }), isCurrent: current === null },
    ...present.map((status) => ({
      text: statusOfMany(status),
      count: numbers.users[status] ?? 0,
      href: path(['users'], { q, status }),
      isCurrent: status === current,
    })),
  ]);
}

function emptyText(search: string, status: UserStatus | null): string {
  if (search !== '') return 'Nobody of this name or address.';
  return status === null
    ? 'No users yet: they come with the first cycle of the identity provider.'
    : `Nobody is “${USER_STATUS[status].text}”.`;
}

function asStatus(text: string): UserStatus | null {
  return Object.hasOwn(USER_STATUS, text) ? (text as UserStatus) : null;
}

/** Parts of the name or of any address; a state. */
function filterOf(search: string, status: UserStatus | null): Filter | null {
  const nodes: Filter[] = [];
  if (status !== null) nodes.push(compare(`${BRIDGE_USER}:status`, 'eq', status));
  if (search !== '')
    nodes.push({
      kind: 'or',
      nodes: ['userName', 'displayName', 'emails.value'].map((name) => compare(name, 'co', search)),
    });
  const [only] = nodes;
  return nodes.length === 1 && only !== undefined ? only : nodes.length === 0 ? null : { kind: 'and', nodes };
}

function compare(name: string, op: 'eq' | 'co', value: string): Filter {
  const found = resolvePath(name, USER);
  if (found === null) throw new Error(`there is no attribute ${name}`);
  return { kind: 'compare', path: found, op, value };
}

/** Seats of members by member id, and those of invites by user id. */
async function seatsOf(
  users: readonly UserRecord[],
  { store }: PageContext,
): Promise<ReadonlyMap<string, string | null>> {
  const pairs = await Promise.all(
    users.map(async ({ id, bridge: { memberId, status } }): Promise<readonly [string, string | null]> => {
      if (memberId !== null) return [memberId, (await store.member(memberId))?.seatType ?? null];
      const [invite] = status === 'invited' ? await store.invites({ open: true, userId: id, limit: 1 }) : [];
      return [id, invite?.seatType ?? null];
    }),
  );
  return new Map(pairs);
}
