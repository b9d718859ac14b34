/**
 * Filters that no index helps with. Looking through 100,000 rows takes longer than others should wait
 * for their answers, so a few thousand are looked through at a time, and everybody else has a turn in
 * between. One search at a time, however many clients ask for one.
 *
 * Rows may be written meanwhile: what has been found is asked again when it is read (lists.ts), and
 * what has begun to match in a part that was passed is missed, as if it had been written after the answer.
 */
import type { Core, ListName } from './core.js';
import type { CompiledFilter } from './filter-sql.js';

export interface LongSearch {
  /** Whether the documents of many rows would have to be parsed: no index leads to the few that match. */
  isNeeded(type: ListName, where: CompiledFilter): Promise<boolean>;
  /** The `seq` of all rows that match, in order. */
  find(type: ListName, where: CompiledFilter): Promise<readonly number[]>;
}

/** The rows of a list; the caller adds conditions. */
export const FROM: Readonly<Record<ListName, string>> = {
  User: 'FROM users AS u WHERE u.deleted_at IS NULL',
  Group: 'FROM groups AS g WHERE 1',
};

/** Some milliseconds, even where each row has to be parsed. */
const ROWS_AT_ONCE = 4_000;

export function createLongSearch(core: Core): LongSearch {
  let last: Promise<unknown> = Promise.resolve();
  return {
    async isNeeded(type, { sql, params }) {
      if (!sql.includes(DOCUMENT)) return false;
      const explain = `EXPLAIN QUERY PLAN SELECT 1 ${FROM[type]} AND (${sql})`;
      const plan = await core.read(() => core.all<{ readonly detail: string }>(explain, ...params));
      return plan.some(({ detail }) => LOOKS_AT_MANY.test(detail));
    },
    find(type, where) {
      const search = last.then(() => lookThrough(core, type, where));
      last = search.catch(() => undefined);
      return search;
    },
  };
}

async function lookThrough(core: Core, type: ListName, where: CompiledFilter): Promise<readonly number[]> {
  const found: number[] = [];
  const end = await core.read(() => core.value<number | null>(LAST[type]) ?? 0);
  const select = `SELECT seq ${FROM[type]} AND seq > ? AND seq <= ? AND (${where.sql}) ORDER BY seq`;
  for (let after = 0; after < end; after += ROWS_AT_ONCE) {
    if (after > 0) await core.turn();
    const part = await core.read(() => core.values<number>(select, after, after + ROWS_AT_ONCE, ...where.params));
    found.push(...part);
  }
  return found;
}

/** What compiled filters parse (filter-columns.ts). Columns alone are compared fast enough. */
const DOCUMENT = '.document';
/** In the words of EXPLAIN QUERY PLAN: no index, one that most rows share, or a range of one. */
const LOOKS_AT_MANY = /^SCAN [ug]\b|^SEARCH [ug] .*(?:users_active|users_status|[<>]\?)/;

const LAST: Readonly<Record<ListName, string>> = {
  User: 'SELECT MAX(seq) FROM users',
  Group: 'SELECT MAX(seq) FROM groups',
};
