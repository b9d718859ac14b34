/** What the reconciler's bookkeeping does to several tables at once. */
import type { LedgerState, Millis } from '../domain/types.js';
import { entriesOf, PRIORITY, postponeEntry, schedule, scheduleUsers, settleEntry } from './agenda.js';
import { recoverFromClock } from './clock-set-back.js';
import type { Core } from './core.js';
import { recordDrift } from './drift.js';
import { markCopied } from './accounts.js';
import { endDeadCalls } from './effects.js';
import { endInvite } from './invites.js';
import { findLedgerRow, recordPlan } from './ledger.js';
import type { AgendaEntry, LedgerRow, RecordedPlan, SettledPlan, Subject, WorkStore } from './port.js';
import { handOverShares, settleShares } from './share-subjects.js';
import { MAPPING_SUBJECT, userIdOf } from './subject.js';
import { refreshDeclinedSeat } from './user-links.js';
import { refreshStatusOf } from './user-status.js';
import { rowOfUser, type UserRow } from './users.js';

function userOf(core: Core, subject: Subject): UserRow | undefined {
  const userId = userIdOf(subject);
  return userId === null ? undefined : rowOfUser(core, userId);
}

export function record(core: Core, subject: Subject, plan: RecordedPlan): LedgerRow | null {
  const sent = writePlan(core, subject, plan);
  refreshUser(core, userOf(core, subject));
  return sent;
}

function writePlan(core: Core, subject: Subject, plan: RecordedPlan): LedgerRow | null {
  // First: what is sent while a difference is open repairs it, also for a process that comes later.
  if (plan.drift !== undefined) recordDrift(core, subject, plan.drift);
  return recordPlan(core, subject, plan);
}

/** `user`: as the row is now. */
function refreshUser(core: Core, user: UserRow | undefined): void {
  if (user === undefined) return;
  refreshDeclinedSeat(core, user);
  refreshStatusOf(core, user);
}

export function settle(
  core: Core,
  entry: AgendaEntry,
  next: { readonly dueAt: Millis } | null,
  { plan, converged = false }: SettledPlan = {},
): void {
  const { subject } = entry;
  if (plan !== undefined) writePlan(core, subject, plan);
  const user = userOf(core, subject);
  if (settleEntry(core, entry, next)) {
    handOverShares(core, subject);
    if (converged) settleShares(core, subject);
    if (user !== undefined) settleUser(core, user, converged);
  }
  refreshUser(core, user);
}

function settleUser(core: Core, user: UserRow, converged: boolean): void {
  if (converged && user.active === 1) markCopied(core, user.id);
  core.run(
    'UPDATE users SET settled_at = ?, converged = MAX(converged, ?) WHERE seq = ?',
    core.now(),
    converged ? 1 : 0,
    user.seq,
  );
}

export function postpone(core: Core, entry: AgendaEntry, dueAt: Millis, error: string, withdraws = false): void {
  if (!postponeEntry(core, entry, dueAt, withdraws)) return;
  const user = userOf(core, entry.subject);
  if (user === undefined) return;
  refreshStatusOf(core, user);
  core.run('UPDATE users SET last_error = ? WHERE seq = ?', error, user.seq);
}

/** Refused changes may be planned again from now on. */
export function retryRefused(core: Core, ledgerIds: readonly number[], cause: string): void {
  const subjects = new Set<Subject>();
  for (const id of ledgerIds) {
    const row = findLedgerRow(core, id);
    if (row?.state !== 'refused') continue;
    core.run('UPDATE ledger SET retry_at = NULL WHERE id = ?', id);
    subjects.add(row.subject);
  }
  for (const subject of subjects) {
    schedule(core, subject, { priority: PRIORITY.grant, id: cause, dueAt: core.now() });
    const user = userOf(core, subject);
    if (user !== undefined) refreshStatusOf(core, user);
  }
}

/** Whoever may have a plan, least urgently: the rules are others, or a dry run has ended. */
export function scheduleEverybody(core: Core, cause: string): number {
  const at = { priority: PRIORITY.background, id: cause, dueAt: core.now() };
  const subjects = core.values<Subject>("SELECT 'group:' || id FROM groups");
  for (const subject of [...subjects, MAPPING_SUBJECT]) schedule(core, subject, at);
  const seqs = core.values<number>('SELECT seq FROM users WHERE managed = 1 OR released_at IS NULL');
  return scheduleUsers(core, seqs, at);
}

/** What a policy keeps waiting may go now. */
export function scheduleWaiting(core: Core, policy: string, cause: string): number {
  const subjects = core.values<Subject>(SELECT_WAITING, policy);
  for (const subject of subjects) schedule(core, subject, { priority: PRIORITY.grant, id: cause, dueAt: core.now() });
  return subjects.length;
}

/** See WorkStore.waitingInvites. */
export function waitingInvites(
  core: Core,
  { seatType, usageLimit, limit }: Parameters<WorkStore['waitingInvites']>[0],
): Awaited<ReturnType<WorkStore['waitingInvites']>> {
  const ids = core.values<number>(SELECT_WAITING_INVITES, seatType, usageLimit, limit);
  const rows = ids.flatMap((id) => findLedgerRow(core, id) ?? []);
  const entries = entriesOf(
    core,
    rows.map(({ subject }) => subject),
  );
  return rows.flatMap(({ subject, change, why }) => {
    const entry = entries.get(subject);
    return entry === undefined || change.kind !== 'invite' ? [] : [{ entry, change, why }];
  });
}

const SELECT_WAITING_INVITES = `SELECT id FROM ledger WHERE state = 'planned' AND error_code = 'company' AND kind = 'invite'
  AND json_extract(change, '$.seatType') = ? AND json_extract(change, '$.usageLimit') IS ? ORDER BY id LIMIT ?`;
const SELECT_WAITING = "SELECT DISTINCT subject FROM ledger WHERE state = 'planned' AND error_code = ?";

/** The process that was sending is dead: whether its call arrived is unknown. */
export function recover(core: Core): { readonly ambiguous: number; readonly replanned: number } {
  let ambiguous = 0;
  let replanned = 0;
  recoverFromClock(core);
  endDeadCalls(core);
  for (const id of core.values<number>("SELECT id FROM ledger WHERE state = 'sending'")) {
    const row = findLedgerRow(core, id);
    if (row === null) continue;
    if (row.change.kind === 'invite') {
      core.run("UPDATE ledger SET state = 'ambiguous', error = ? WHERE id = ?", LOST_ANSWER, id);
      endInvite(core, row.change.address, 'ambiguous');
      ambiguous++;
    } else {
      core.run("UPDATE ledger SET state = 'planned' WHERE id = ?", id);
      replanned++;
    }
    schedule(core, row.subject, { priority: PRIORITY.grant, id: row.cause ?? 'restart', dueAt: core.now() });
    const user = userOf(core, row.subject);
    if (user !== undefined) refreshStatusOf(core, user);
  }
  return { ambiguous, replanned };
}

const LOST_ANSWER = 'The bridge was stopped while this was being sent.';

type Counts = Awaited<ReturnType<WorkStore['counts']>>;

export function counts(core: Core): Counts {
  const ledger: Record<LedgerState, number> = {
    planned: 0,
    sending: 0,
    done: 0,
    refused: 0,
    ambiguous: 0,
    held: 0,
    superseded: 0,
  };
  for (const [state, count] of core.raw<[LedgerState, number]>('SELECT state, COUNT(*) FROM ledger GROUP BY state'))
    ledger[state] = count;
  const invites = Object.fromEntries(core.raw<[string, number]>('SELECT state, COUNT(*) FROM invites GROUP BY state'));
  const agenda = core.get<{ agenda: number; oldestDueAt: Millis | null }>(
    'SELECT COUNT(*) AS agenda, MIN(due_at) AS oldestDueAt FROM agenda',
  );
  return { agenda: agenda?.agenda ?? 0, oldestDueAt: agenda?.oldestDueAt ?? null, ledger, invites };
}
