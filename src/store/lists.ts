/**
 * Pages of users and groups. The page is found on a narrow index, then only its rows are read; what
 * is skipped to get to a deep page is remembered, so that the next page starts where this one ended.
 */
import type { Bind, Core, ListName } from './core.js';
import { compileFilter, type CompiledFilter } from './filter-sql.js';
import { groupRecordsOfSeqs } from './groups.js';
import type { GroupRecord, ListQuery, Page, UserRecord } from './port.js';
import { compileSort } from './sort-sql.js';
import { recordsOfSeqs } from './users.js';

export interface Lists {
  users(query: ListQuery): Page<UserRecord>;
  groups(query: ListQuery, options: { readonly members: boolean }): Page<GroupRecord>;
}

/** `base`: the URL of the SCIM root, for filters on `meta.location` and `$ref`. */
export function createLists(core: Core, base: () => string): Lists {
  const caches: Record<ListName, WholeList> = {
    User: createWholeList(core, 'User'),
    Group: createWholeList(core, 'Group'),
  };
  const page = (type: ListName, query: ListQuery): Page<number> => {
    if (query.filter === null && query.sortBy === null) return caches[type].page(query);
    return selectPage(core, type, query, base());
  };
  return {
    users(query) {
      const { items, total } = page('User', query);
      return { items: recordsOfSeqs(core, items), total };
    },
    groups(query, options) {
      const { items, total } = page('Group', query);
      return { items: groupRecordsOfSeqs(core, items, options), total };
    },
  };
}

const FROM: Readonly<Record<ListName, string>> = {
  User: 'FROM users AS u WHERE u.deleted_at IS NULL',
  Group: 'FROM groups AS g WHERE 1',
};
const SEQ: Readonly<Record<ListName, string>> = { User: 'u.seq', Group: 'g.seq' };

function selectPage(core: Core, type: ListName, query: ListQuery, base: string): Page<number> {
  const where = query.filter === null ? ALL : compileFilter(query.filter, type, base);
  const order = query.sortBy === null ? SEQ[type] : compileSort(query.sortBy, query.sortOrder, type).sql;
  const select = `${FROM[type]} AND (${where.sql})`;
  const skipped = query.startIndex - 1;
  const items =
    query.count === 0
      ? []
      : core.values<number>(
          `SELECT ${SEQ[type]} ${select} ORDER BY ${order} LIMIT ? OFFSET ?`,
          ...where.params,
          query.count,
          skipped,
        );
  return { items, total: totalOf(core, select, where.params, { skipped, found: items.length, count: query.count }) };
}

const ALL: CompiledFilter = { sql: '1', params: [] };

/** A page that is not full ends the list: then the total is known without counting. */
function totalOf(
  core: Core,
  select: string,
  params: readonly Bind[],
  page: { readonly skipped: number; readonly found: number; readonly count: number },
): number {
  const isLast = page.found < page.count && (page.found > 0 || page.skipped === 0);
  return isLast ? page.skipped + page.found : (core.value<number>(`SELECT COUNT(*) ${select}`, ...params) ?? 0);
}

interface WholeList {
  page(query: Pick<ListQuery, 'startIndex' | 'count'>): Page<number>;
}

/** Pages remembered per list; a page of 100 over 100,000 users makes 1,000 of them. */
const MAX_ANCHORS = 2_000;

/** The unfiltered list in the order of creation: its total, and where pages ended. */
function createWholeList(core: Core, type: ListName): WholeList {
  let state = { count: -1, stamp: '', anchors: new Map<number, number>() };
  const refresh = (): void => {
    const stamp = core.listStamp(type);
    if (stamp === state.stamp) return;
    const count = core.value<number>(COUNT[type]) ?? 0;
    state = { count, stamp, anchors: new Map() };
  };
  return {
    page({ startIndex, count }) {
      refresh();
      if (count === 0 || startIndex > state.count) return { items: [], total: state.count };
      const { position, after } = nearestAnchor(state.anchors, startIndex - 1);
      const items = core.values<number>(PAGE[type], after, count, startIndex - 1 - position);
      const last = items.at(-1);
      if (last !== undefined && state.anchors.size < MAX_ANCHORS)
        state.anchors.set(startIndex - 1 + items.length, last);
      return { items, total: state.count };
    },
  };
}

/** The last remembered page end at or before a position; pages usually follow each other. */
function nearestAnchor(
  anchors: ReadonlyMap<number, number>,
  skipped: number,
): { readonly position: number; readonly after: number } {
  const exact = anchors.get(skipped);
  if (exact !== undefined) return { position: skipped, after: exact };
  let position = 0;
  let after = 0;
  for (const [known, seq] of anchors) {
    if (known <= skipped && known > position) {
      position = known;
      after = seq;
    }
  }
  return { position, after };
}

const COUNT: Readonly<Record<ListName, string>> = {
  User: 'SELECT COUNT(*) FROM users WHERE deleted_at IS NULL',
  Group: 'SELECT COUNT(*) FROM groups',
};
const PAGE: Readonly<Record<ListName, string>> = {
  User: 'SELECT seq FROM users WHERE deleted_at IS NULL AND seq > ? ORDER BY seq LIMIT ? OFFSET ?',
  Group: 'SELECT seq FROM groups WHERE seq > ? ORDER BY seq LIMIT ? OFFSET ?',
};
