/** Requests that were answered with an error. They name people, so a purge and the retention remove them. */
import { fold } from '../domain/fold.js';
import type { Millis } from '../domain/types.js';
import type { Core } from './core.js';
import type { RefusedRequest, StatisticsStore } from './port.js';

interface Row extends Omit<RefusedRequest, 'about'> {
  readonly about: string;
}

export function addRefusedRequests(
  core: Core,
  requests: readonly RefusedRequest[],
  keep: { readonly rows: number; readonly since: Millis },
): void {
  for (const { requestId, at, method, template, status, tokenLabel, detail, about } of requests)
    core.run(INSERT, requestId, at, method, template, status, tokenLabel, detail, JSON.stringify(about.map(fold)));
  core.run(PRUNE, keep.since, keep.rows);
}

export function listRefusedRequests(
  core: Core,
  query: Parameters<StatisticsStore['refusedRequests']>[0],
): readonly RefusedRequest[] {
  const [where, ...values] =
    'requestId' in query
      ? (['request_id = ?', query.requestId] as const)
      : 'about' in query
        ? ([OF_ANY, JSON.stringify(query.about.map((word) => fold(word.trim())))] as const)
        : ([query.standing === true ? `at >= ? AND NOT ${IS_SETTLED}` : 'at >= ?', query.since] as const);
  return core
    .all<Row>(
      `${SELECT} WHERE ${where} ORDER BY id ${'requestId' in query ? 'ASC' : 'DESC'} LIMIT ?`,
      ...values,
      query.limit,
    )
    .map((row) => ({ ...row, about: JSON.parse(row.about) as readonly string[] }));
}

/** Forgets what names somebody by this word, which is folded. */
export function forgetRefusedRequests(core: Core, word: string): void {
  core.run(FORGET, word, word);
}

const INSERT = `INSERT INTO refused_requests (request_id, at, method, template, status, token_label, detail, about)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
const PRUNE = `DELETE FROM refused_requests WHERE at < ?
  OR id <= (SELECT MAX(id) FROM refused_requests) - ?`;
const SELECT = `SELECT request_id AS requestId, at, method, template, status, token_label AS tokenLabel, detail, about
  FROM refused_requests`;
const OF_ANY = `EXISTS (SELECT 1 FROM json_each(about) AS a JOIN json_each(?) AS w ON a.value = w.value)`;
/** A user of that id, name or address has been written since. `+`: the time finds fewer than a name. */
const WRITTEN_SINCE = (column: string): string => `EXISTS (SELECT 1 FROM users AS u
  WHERE u.${column} = a.value AND u.deleted_at IS NULL AND +u.modified_at > refused_requests.at)`;
/** Or was deleted, so that nobody waits for anything. The deleted have no index by name. */
const DELETED_SINCE = (column: string): string => `EXISTS (SELECT 1 FROM users AS u
  WHERE u.${column} = a.value AND u.deleted_at IS NOT NULL AND +u.deleted_at > refused_requests.at)`;
const IS_SETTLED = `EXISTS (SELECT 1 FROM json_each(about) AS a
  WHERE ${[...['id', 'user_name_key', 'address'].map(WRITTEN_SINCE), ...['id', 'address'].map(DELETED_SINCE)].join(' OR ')})`;
const FORGET = 'DELETE FROM refused_requests WHERE instr(lower(detail), ?) > 0 OR instr(about, ?) > 0';
