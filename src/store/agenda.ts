/**
 * The agenda: whose plan must be computed again. Entries are written in the transaction of their
 * cause. A new cause makes an entry due now, forgets its failures, keeps the more urgent priority
 * and moves `generation`, so that whoever works on an older cause cannot strike it out.
 */
import type { Millis } from '../domain/types.js';
import type { Core } from './core.js';
import type { AgendaEntry, Subject } from './port.js';
import { userIdOf } from './subject.js';

export const PRIORITY = { interactive: 0, withdrawal: 1, grant: 2, background: 3 } as const;

export interface Cause {
  readonly priority: number;
  /** Request id, or a name such as `sync`. */
  readonly id: string;
  readonly dueAt: Millis;
  /** The workspace was read: nobody wants anything new, so what is found otherwise is drift. */
  readonly isReading?: boolean;
}

export function schedule(core: Core, subject: Subject, cause: Cause): void {
  const now = core.now();
  if (cause.isReading !== true) unsettleSubject(core, subject);
  core.run(UPSERT, subject, cause.priority, cause.dueAt, now, cause.id, now);
}

/**
 * The workspace may be otherwise than the subject wants: it is planned again. Unlike a cause, this
 * leaves an entry that is open its cause, urgency and date, so that whoever waits for it finds it.
 */
export function remind(core: Core, subject: Subject, cause: string): void {
  const now = core.now();
  core.run(REMIND, subject, PRIORITY.background, now, now, cause, now);
}

/**
 * Those among these rows who may have a plan, in one statement: managed users, and unmanaged ones of whom an
 * IdP wrote a membership. All others are nobody's business.
 */
export function scheduleUsers(core: Core, seqs: readonly number[], cause: Cause): number {
  if (seqs.length === 0) return 0;
  const now = core.now();
  if (cause.isReading !== true) unsettleUsers(core, seqs);
  return core.run(UPSERT_USERS, cause.priority, cause.dueAt, now, cause.id, now, JSON.stringify(seqs)).changes;
}

/** Somebody or something wants it otherwise than it was settled: what is planned now is no repair. */
export function unsettleSubject(core: Core, subject: Subject): void {
  const userId = userIdOf(subject);
  if (userId !== null) core.run('UPDATE users SET converged = 0 WHERE id = ? AND converged = 1', userId);
  else core.run('DELETE FROM settled_subjects WHERE subject = ?', subject);
}

export function unsettleUsers(core: Core, seqs: readonly number[]): void {
  core.run(UNSETTLE_USERS, JSON.stringify(seqs));
}

export function unschedule(core: Core, subject: Subject): void {
  core.run('DELETE FROM agenda WHERE subject = ?', subject);
}

export function dueEntries(core: Core, limit: number, skip: ReadonlySet<Subject>): readonly AgendaEntry[] {
  const range = [core.now(), limit + skip.size];
  const rows = core.all<AgendaEntry>(SELECT_DUE, ...DUE_RANGES.flatMap(() => range));
  return rows.filter(({ subject }) => !skip.has(subject)).slice(0, limit);
}

export function nextDueAt(core: Core, skip: ReadonlySet<Subject>): Millis | null {
  const rows = core.all<{ subject: Subject; dueAt: Millis }>(SELECT_NEXT, skip.size + 1);
  return rows.find(({ subject }) => !skip.has(subject))?.dueAt ?? null;
}

/** Strikes an entry out, or sets it to its next date. False: a newer cause has come. */
export function settleEntry(core: Core, entry: AgendaEntry, next: { readonly dueAt: Millis } | null): boolean {
  if (next === null) return core.run(DELETE_GENERATION, entry.subject, entry.generation).changes > 0;
  return core.run(WAIT, next.dueAt, PRIORITY.background, entry.subject, entry.generation).changes > 0;
}

/** `withdraws`: something is to be taken away. Nobody waits any more for what has failed repeatedly. */
export function postponeEntry(core: Core, entry: AgendaEntry, dueAt: Millis, withdraws: boolean): boolean {
  const priority = withdraws ? PRIORITY.withdrawal : Math.max(entry.priority, PRIORITY.grant);
  return core.run(POSTPONE, dueAt, priority, entry.subject, entry.generation).changes > 0;
}

/** The workspace is answered again: what takes something away and was put off goes at once. */
export function hurryWithdrawals(core: Core): number {
  const now = core.now();
  return core.run(HURRY, now, PRIORITY.withdrawal, now).changes;
}

/** See WorkStore.progress. `attempts` counts consecutive transient failures; a settled entry has none. */
export function progress(
  core: Core,
  query: { readonly subject: Subject } | { readonly cause: string },
): { readonly due: number; readonly postponed: number } {
  const row =
    'subject' in query
      ? core.get<{ due: number; postponed: number }>(
          `${COUNT_PROGRESS} WHERE subject = ?`,
          core.now(),
          core.now(),
          query.subject,
        )
      : core.get<{ due: number; postponed: number }>(
          `${COUNT_PROGRESS} WHERE cause = ?`,
          core.now(),
          core.now(),
          query.cause,
        );
  return row ?? { due: 0, postponed: 0 };
}

/** The open entries among these subjects. */
export function entriesOf(core: Core, subjects: readonly Subject[]): ReadonlyMap<Subject, AgendaEntry> {
  const rows = core.all<AgendaEntry>(SELECT_OF, JSON.stringify(subjects));
  return new Map(rows.map((row) => [row.subject, row]));
}

/** SQL for users AS u. */
export const MAY_HAVE_PLAN = `(u.managed = 1 OR (u.released_at IS NULL AND u.deleted_at IS NULL AND (
  EXISTS (SELECT 1 FROM memberships AS m WHERE m.user_seq = u.seq AND m.origin = 'idp')
  OR EXISTS (SELECT 1 FROM withdrawn_memberships AS w WHERE w.user_id = u.id)
  OR EXISTS (SELECT 1 FROM accounts AS a JOIN effects AS e ON e.account_id = a.id
    WHERE a.user_id = u.id AND e.aspect = 'group'))))`;
const COLUMNS = 'subject, priority, due_at AS dueAt, attempts, generation, cause';
// The generation follows the clock, so that an entry struck out and made anew never repeats one.
const ON_CONFLICT = `ON CONFLICT (subject) DO UPDATE SET
  priority = MIN(priority, excluded.priority), due_at = MIN(due_at, excluded.due_at), attempts = 0,
  generation = MAX(generation + 1, excluded.generation), cause = excluded.cause, caused_at = excluded.caused_at`;
const UPSERT = `INSERT INTO agenda (subject, priority, due_at, generation, cause, caused_at) VALUES (?, ?, ?, ?, ?, ?) ${ON_CONFLICT}`;
const REMIND = `INSERT INTO agenda (subject, priority, due_at, generation, cause, caused_at) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (subject) DO UPDATE SET generation = MAX(generation + 1, excluded.generation),
  cause = CASE WHEN attempts = 0 AND due_at > excluded.due_at THEN excluded.cause ELSE cause END,
  due_at = CASE WHEN attempts = 0 THEN MIN(due_at, excluded.due_at) ELSE due_at END`;
const UPSERT_USERS = `INSERT INTO agenda (subject, priority, due_at, generation, cause, caused_at)
  SELECT 'user:' || u.id, ?, ?, ?, ?, ? FROM json_each(?) AS j JOIN users AS u ON u.seq = j.value WHERE ${MAY_HAVE_PLAN} ${ON_CONFLICT}`;
const UNSETTLE_USERS = 'UPDATE users SET converged = 0 WHERE converged = 1 AND seq IN (SELECT value FROM json_each(?))';
// A bare parameter would have SQLite plan the statement anew for each value.
const A_LIMIT = '? + 0';
// One range per priority: thousands of entries that wait for an invite to expire must not be walked
// through to find the one that is due.
const DUE_RANGES = Object.values(PRIORITY).map(
  (priority) => `SELECT * FROM (SELECT ${COLUMNS} FROM agenda
    WHERE priority = ${String(priority)} AND due_at <= ? ORDER BY due_at LIMIT ${A_LIMIT})`,
);
const SELECT_DUE = `${DUE_RANGES.join(' UNION ALL ')} ORDER BY priority, dueAt`;
const SELECT_OF = `SELECT ${COLUMNS} FROM agenda WHERE subject IN (SELECT value FROM json_each(?))`;
const SELECT_NEXT = `SELECT subject, due_at AS dueAt FROM agenda ORDER BY due_at LIMIT ${A_LIMIT}`;
const DELETE_GENERATION = 'DELETE FROM agenda WHERE subject = ? AND generation = ?';
const WAIT = 'UPDATE agenda SET due_at = ?, attempts = 0, priority = ? WHERE subject = ? AND generation = ?';
const POSTPONE =
  'UPDATE agenda SET due_at = ?, priority = CASE WHEN attempts < 2 THEN priority ELSE ? END, attempts = attempts + 1 WHERE subject = ? AND generation = ?';
const HURRY = `UPDATE agenda SET due_at = ?, priority = MIN(priority, ?) WHERE attempts > 0 AND due_at > ? AND EXISTS (
  SELECT 1 FROM ledger AS l WHERE l.subject = agenda.subject AND l.state = 'planned'
    AND (l.kind IN ('lock', 'revokeInvite', 'removeFromGroup', 'unshare')
      OR (l.kind = 'setSeat' AND json_extract(l.change, '$.from') = 'workspace_admin')))`;
const COUNT_PROGRESS = `SELECT COUNT(*) FILTER (WHERE due_at <= ?) AS due,
  COUNT(*) FILTER (WHERE due_at > ? AND attempts > 0) AS postponed FROM agenda`;
