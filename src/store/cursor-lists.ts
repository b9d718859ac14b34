/**
 * Lists by key instead of by number: the rows after or before one, in the order of creation. Costs
 * what the page costs, wherever it is, and no write shifts what comes next, because `seq` is given
 * once and in the order of commits.
 */
import type { Filter } from '../domain/filter.js';
import type { Core, ListName } from './core.js';
import { compileFilter, type CompiledFilter } from './filter-sql.js';
import { groupRecordsOfSeqs } from './groups.js';
import { createLongSearch, FROM } from './long-search.js';
import type { CursorStore } from './port.js';
import { compileSort } from './sort-sql.js';
import { recordsOfSeqs } from './users.js';

export function createCursorLists(core: Core, base: () => string): CursorStore {
  const search = createLongSearch(core);
  const compiled = (type: ListName, filter: Filter | null): CompiledFilter =>
    filter === null ? ALL : compileFilter(filter, type, base());
  const matching = (type: ListName, seqs: readonly number[], where: CompiledFilter): readonly number[] => {
    if (where === ALL) return seqs;
    const among = `SELECT ${SEQ[type]} ${FROM[type]} AND ${SEQ[type]} IN (SELECT value FROM json_each(?)) AND (${where.sql})`;
    const found = new Set(core.values<number>(among, JSON.stringify(seqs), ...where.params));
    return seqs.filter((seq) => found.has(seq));
  };
  return {
    isLongList: async (type, { filter, sortBy }) =>
      sortBy !== null || (filter !== null && (await search.isNeeded(type, compiled(type, filter)))),
    seqsBeside(type, filter, { side, seq, limit }) {
      const where = compiled(type, filter);
      const [relation, order] = side === 'after' ? ['>', 'ASC'] : ['<', 'DESC'];
      const sql = `SELECT ${SEQ[type]} ${FROM[type]} AND ${SEQ[type]} ${relation} ? AND (${where.sql}) ORDER BY ${SEQ[type]} ${order} LIMIT ?`;
      return core.read(() => {
        const found = core.values<number>(sql, seq, ...where.params, limit);
        return side === 'after' ? found : found.reverse();
      });
    },
    async allSeqs(type, { filter, sortBy, sortOrder }) {
      const where = compiled(type, filter);
      const isLong = filter !== null && (await search.isNeeded(type, where));
      const order = sortBy === null ? SEQ[type] : compileSort(sortBy, sortOrder, type).sql;
      if (!isLong)
        return core.read(() =>
          core.values<number>(
            `SELECT ${SEQ[type]} ${FROM[type]} AND (${where.sql}) ORDER BY ${order}`,
            ...where.params,
          ),
        );
      const found = await search.find(type, where);
      if (sortBy === null) return found;
      const among = `SELECT ${SEQ[type]} ${FROM[type]} AND ${SEQ[type]} IN (SELECT value FROM json_each(?)) ORDER BY ${order}`;
      return core.read(() => core.values<number>(among, JSON.stringify(found)));
    },
    countOf(type, filter) {
      const where = compiled(type, filter);
      return core.read(
        () => core.value<number>(`SELECT COUNT(*) ${FROM[type]} AND (${where.sql})`, ...where.params) ?? 0,
      );
    },
    usersOfSeqs: (seqs, filter) =>
      core.read(() => recordsOfSeqs(core, matching('User', liveOnly(core, seqs), compiled('User', filter)))),
    groupsOfSeqs: (seqs, filter, options) =>
      core.read(() => groupRecordsOfSeqs(core, matching('Group', seqs, compiled('Group', filter)), options)),
  };
}

/** Rows of deleted users may still be there, as tombstones. */
function liveOnly(core: Core, seqs: readonly number[]): readonly number[] {
  const live = new Set(core.values<number>(SELECT_LIVE, JSON.stringify(seqs)));
  return seqs.filter((seq) => live.has(seq));
}

const ALL: CompiledFilter = { sql: '1', params: [] };
const SEQ: Readonly<Record<ListName, string>> = { User: 'u.seq', Group: 'g.seq' };
const SELECT_LIVE = `SELECT u.seq FROM json_each(?) AS j JOIN users AS u ON u.seq = j.value WHERE u.deleted_at IS NULL`;
