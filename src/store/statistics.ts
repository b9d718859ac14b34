/** Numbers for the admin page and the metrics: open work, counters by the hour, calls that belong to no change. */
import { AMBIGUOUS_MEMBER } from '../domain/drift.js';
import type { LinkStatus, Millis, UserStatus } from '../domain/types.js';
import type { Core } from './core.js';
import type { DriftRow, HourlyCount, Numbers, ReadingCall, ReadingCallRow, StatisticsStore } from './port.js';

/** A quarter of a year: the page shows a day, an incident report looks back some weeks. */
const HOURS_KEPT = 90 * 24;

export function addHourly(core: Core, counts: readonly HourlyCount[]): void {
  for (const { hour, name, count } of counts) core.run(ADD, hour, name, count);
  const newest = Math.max(...counts.map(({ hour }) => hour));
  if (Number.isFinite(newest)) core.run('DELETE FROM hourly_counters WHERE hour < ?', newest - HOURS_KEPT);
}

export function readHourly(core: Core, sinceHour: number): readonly HourlyCount[] {
  return core.all<HourlyCount>(
    'SELECT hour, name, count FROM hourly_counters WHERE hour >= ? ORDER BY hour',
    sinceHour,
  );
}

export function addReadingCalls(
  core: Core,
  calls: readonly ReadingCall[],
  keep: { readonly rows: number; readonly since: Millis },
): void {
  for (const { endpoint, startedAt, latencyMs, outcome, status, requestId, error } of calls)
    core.run(INSERT_CALL, endpoint, startedAt, latencyMs, outcome, status, requestId, error);
  core.run(PRUNE_CALLS, keep.rows, keep.since);
}

export function listReadingCalls(core: Core, limit: number): readonly ReadingCallRow[] {
  return core.all<ReadingCallRow>(SELECT_CALLS, limit);
}

/** Everything that is cheap to know at any time. Only open rows of the ledger are counted. */
export function readNumbers(core: Core): Numbers {
  const open = { planned: 0, sending: 0, ambiguous: 0, held: 0, refused: 0 };
  for (const [state, count] of core.raw<[keyof typeof open, number]>(COUNT_OPEN)) open[state] = count;
  open.refused = core.value<number>(COUNT_REFUSED) ?? 0;
  const agenda = core.get<{ agenda: number; oldestDueAt: Millis | null }>(COUNT_AGENDA);
  return {
    users: Object.fromEntries(core.raw<[UserStatus, number]>(COUNT_USERS)),
    groups: Object.fromEntries(core.raw<[LinkStatus, number]>(COUNT_GROUPS)),
    invites: Object.fromEntries(core.raw<[string, number]>(COUNT_INVITES)),
    members: core.value<number>('SELECT COUNT(*) FROM workspace_members') ?? 0,
    open,
    oldestOpenAt: core.value<Millis | null>(OLDEST_OPEN) ?? null,
    oldestHeldAt: core.value<Millis | null>(OLDEST_HELD) ?? null,
    agenda: agenda?.agenda ?? 0,
    oldestDueAt: agenda?.oldestDueAt ?? null,
    driftOpen: core.value<number>('SELECT COUNT(*) FROM drift WHERE ended_at IS NULL') ?? 0,
    ambiguousMembers: core.value<number>(COUNT_AMBIGUOUS, AMBIGUOUS_MEMBER) ?? 0,
    bytes: (core.value<number>('PRAGMA page_count') ?? 0) * (core.value<number>('PRAGMA page_size') ?? 0),
  };
}

export function listDrift(core: Core, query: Parameters<StatisticsStore['drift']>[0]): readonly DriftRow[] {
  return core.all<DriftRow>(query.open ? SELECT_OPEN_DRIFT : SELECT_ENDED_DRIFT, query.limit);
}

const ADD = `INSERT INTO hourly_counters (hour, name, count) VALUES (?, ?, ?)
  ON CONFLICT (hour, name) DO UPDATE SET count = count + excluded.count`;
const INSERT_CALL = `INSERT INTO upstream_calls (ledger_id, endpoint, started_at, latency_ms, outcome, status, upstream_request_id, error)
  VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)`;
const PRUNE_CALLS = `DELETE FROM upstream_calls WHERE ledger_id IS NULL AND id < COALESCE((
    SELECT id FROM upstream_calls WHERE ledger_id IS NULL ORDER BY id DESC LIMIT 1 OFFSET ?), 0)
  OR (ledger_id IS NULL AND started_at < ?)`;
const SELECT_CALLS = `SELECT id, endpoint, started_at AS startedAt, latency_ms AS latencyMs, outcome, status,
  upstream_request_id AS requestId, error FROM upstream_calls WHERE ledger_id IS NULL ORDER BY id DESC LIMIT ?`;
const COUNT_OPEN = `SELECT state, COUNT(*) FROM ledger
  WHERE state IN ('planned', 'sending', 'ambiguous', 'held') GROUP BY state`;
const COUNT_REFUSED = "SELECT COUNT(*) FROM ledger WHERE state = 'refused' AND retry_at IS NOT NULL";
const OLDEST_OPEN = "SELECT MIN(created_at) FROM ledger WHERE state IN ('planned', 'sending', 'ambiguous')";
const OLDEST_HELD = "SELECT MIN(created_at) FROM ledger WHERE state = 'held'";
const COUNT_AGENDA = 'SELECT COUNT(*) AS agenda, MIN(due_at) AS oldestDueAt FROM agenda';
const COUNT_USERS = 'SELECT status, COUNT(*) FROM users WHERE deleted_at IS NULL GROUP BY status';
const COUNT_GROUPS = 'SELECT link_status, COUNT(*) FROM groups GROUP BY link_status';
const COUNT_INVITES = 'SELECT state, COUNT(*) FROM invites GROUP BY state';
const COUNT_AMBIGUOUS = 'SELECT COUNT(*) FROM drift WHERE ended_at IS NULL AND kind = ?';
const DRIFT_COLUMNS = 'SELECT id, subject, kind, detail, found_at AS foundAt, ended_at AS endedAt, outcome FROM drift';
const SELECT_OPEN_DRIFT = `${DRIFT_COLUMNS} WHERE ended_at IS NULL ORDER BY id DESC LIMIT ?`;
const SELECT_ENDED_DRIFT = `${DRIFT_COLUMNS} WHERE ended_at IS NOT NULL ORDER BY id DESC LIMIT ?`;
