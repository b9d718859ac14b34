/**
 * Pages by cursor (RFC 9865). A page begins after, or ends before, a row that the cursor names, so that
 * a write in between neither skips nor repeats one, and the last of a hundred thousand costs what the
 * first does. One endpoint may join several lists (the root: users, then groups).
 */
import type { Filter } from '../domain/filter.js';
import { GROUP } from '../domain/group-schema.js';
import { USER } from '../domain/user-schema.js';
import { invalidCount, invalidCursor } from '../errors.js';
import type { ListQuery } from '../store/port.js';
import type { Caller } from './context.js';
import { digestOf, type CursorState, type Place } from './cursors.js';
import { LIST_URN, toListing } from './listing.js';
import { project, shows, type Projection } from './project.js';
import type { ReadParameters } from './query.js';
import { renderGroup, renderUser } from './render.js';

type Query = Pick<ListQuery, 'filter' | 'sortBy' | 'sortOrder'>;

/** One list of one type, as a cursor goes through it. */
export interface CursorList {
  readonly type: 'User' | 'Group';
  readonly query: Query;
  /** The resources of these rows as the client sees them; those that are gone are missing. */
  read(seqs: readonly number[]): Promise<readonly object[]>;
}

export function userList(parameters: ReadParameters, caller: Caller): CursorList {
  const { query, view } = toListing(parameters, USER, caller.app.limits);
  return listOfUsers(query, view, caller);
}

export function groupList(parameters: ReadParameters, caller: Caller): CursorList {
  const { query, view } = toListing(parameters, GROUP, caller.app.limits);
  return listOfGroups(query, view, caller);
}

export function listOfUsers(query: Query, view: Projection, { app }: Caller): CursorList {
  return {
    type: 'User',
    query,
    async read(seqs) {
      const records = await app.store.usersOfSeqs(seqs, query.filter);
      return records.map((record) => project(renderUser(record, app.baseUrl()), view));
    },
  };
}

export function listOfGroups(query: Query, view: Projection, { app }: Caller): CursorList {
  const options = { members: shows(view, 'members') };
  return {
    type: 'Group',
    query,
    async read(seqs) {
      const records = await app.store.groupsOfSeqs(seqs, query.filter, options);
      return records.map((record) => project(renderGroup(record, app.baseUrl()), view));
    },
  };
}

/** The page that the cursor of the parameters names, in its envelope. */
export async function cursorPage(
  caller: Caller,
  parameters: ReadParameters,
  lists: readonly CursorList[],
): Promise<object> {
  const { limits, cursors } = caller.app;
  const count = Math.min(parameters.count ?? limits.defaultCount, limits.maxCount);
  const query = digestOf([
    ...lists.map(({ type }) => type),
    ...[parameters.filter, parameters.sortBy, parameters.sortOrder],
    ...[parameters.attributes, parameters.excludedAttributes],
  ]);
  const state = await stateOf(caller, parameters.cursor ?? '', lists, { count, query });
  const envelope = { schemas: [LIST_URN], totalResults: state.total };
  if (count === 0) return { ...envelope, itemsPerPage: 0, Resources: [] };
  const source = state.memory === null ? stored(caller, lists) : remembered(cursors.recall(state.memory), lists);
  const found = await window(source, lists.length, state.place, count);
  const seal = (place: Place): Promise<string> => cursors.seal({ ...state, place });
  const resources = await source.read(found.rows);
  return {
    ...envelope,
    itemsPerPage: resources.length,
    ...(found.next !== null && { nextCursor: await seal(found.next) }),
    ...(found.previous !== null && { previousCursor: await seal(found.previous) }),
    Resources: resources,
  };
}

const START: Place = { side: 'after', list: 0, at: 0 };

async function stateOf(
  { app: { store, cursors } }: Caller,
  text: string,
  lists: readonly CursorList[],
  asked: { readonly count: number; readonly query: string },
): Promise<CursorState> {
  if (text !== '') {
    const state = await cursors.open(text);
    if (state.query !== asked.query)
      throw invalidCursor('The cursor belongs to another query: repeat every parameter of the first request.');
    if (state.count !== asked.count)
      throw invalidCount(`The count must stay as it was in the first request: ${String(state.count)}.`);
    return state;
  }
  const isLong = await Promise.all(lists.map(({ type, query }) => store.isLongList(type, query)));
  if (isLong.includes(true)) {
    const all = await Promise.all(lists.map(({ type, query }) => store.allSeqs(type, query)));
    const total = all.reduce((sum, { length }) => sum + length, 0);
    return { ...asked, place: START, total, memory: asked.count === 0 ? null : cursors.remember(all) };
  }
  const totals = await Promise.all(lists.map(({ type, query }) => store.countOf(type, query.filter)));
  return { ...asked, place: START, total: totals.reduce((sum, total) => sum + total, 0), memory: null };
}

/** A row of one of the lists; `at` as in Place. */
interface Row {
  readonly list: number;
  readonly at: number;
}

interface Source {
  /** At most `limit` rows of one list beside a place, in the order of the list. */
  beside(list: number, side: Place['side'], at: number, limit: number): Promise<readonly number[]>;
  read(rows: readonly Row[]): Promise<readonly object[]>;
}

function stored({ app: { store } }: Caller, lists: readonly CursorList[]): Source {
  const filterOf = (list: number): Filter | null => lists[list]?.query.filter ?? null;
  return {
    beside: (list, side, seq, limit) =>
      store.seqsBeside(lists[list]?.type ?? 'User', filterOf(list), { side, seq, limit }),
    read: (rows) => readAll(lists, rows, (_, at) => at),
  };
}

/** A list that was found as a whole: places are positions in it, from 1 on. */
function remembered(all: readonly (readonly number[])[], lists: readonly CursorList[]): Source {
  return {
    beside(list, side, at, limit) {
      const size = all[list]?.length ?? 0;
      const from = side === 'after' ? at + 1 : Math.max(1, Math.min(at, size + 1) - limit);
      const to = side === 'after' ? Math.min(size, at + limit) : Math.min(at - 1, size);
      return Promise.resolve(Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index));
    },
    read: (rows) => readAll(lists, rows, (list, at) => all[list]?.[at - 1] ?? 0),
  };
}

async function readAll(
  lists: readonly CursorList[],
  rows: readonly Row[],
  seqOf: (list: number, at: number) => number,
): Promise<readonly object[]> {
  const parts = lists.map((list, index) => {
    const seqs = rows.filter((row) => row.list === index).map(({ at }) => seqOf(index, at));
    return seqs.length === 0 ? Promise.resolve([]) : list.read(seqs);
  });
  return (await Promise.all(parts)).flat();
}

const END = Number.MAX_SAFE_INTEGER;

/** The rows of a page, and the places of its neighbours; null where there are none. One row more is looked for. */
async function window(
  source: Source,
  size: number,
  place: Place,
  count: number,
): Promise<{ readonly rows: readonly Row[]; readonly next: Place | null; readonly previous: Place | null }> {
  const { side } = place;
  const found: Row[] = [];
  const step = side === 'after' ? 1 : -1;
  for (let list = place.list; list >= 0 && list < size && found.length <= count; list += step) {
    const from = list === place.list ? place.at : side === 'after' ? 0 : END;
    const part = await source.beside(list, side, from, count + 1 - found.length);
    const rows = part.map((at) => ({ list, at }));
    if (side === 'after') found.push(...rows);
    else found.unshift(...rows);
  }
  const isMore = found.length > count;
  const rows = side === 'after' ? found.slice(0, count) : found.slice(-count);
  const [first, last] = [rows[0], rows.at(-1)];
  // Where nothing is left on this side, the place itself is the border.
  const before: Place = { side: 'before', ...(first ?? { list: place.list, at: place.at + 1 }) };
  const after: Place = { side: 'after', ...(last ?? { list: place.list, at: place.at - 1 }) };
  if (side === 'before') return { rows, next: after, previous: isMore ? before : null };
  const isFirst = place.list === 0 && place.at === 0;
  return { rows, next: isMore ? after : null, previous: isFirst ? null : before };
}
