/**
 * The ledger: one durable row per Change, from the plan to its end, and one row per call in
 * upstream_calls. What a finished call means for the directory and the mirror is in effects.ts.
 */
import type { PlannedChange } from '../domain/plan.js';
import type { LimitUse } from '../domain/policies/people-limit.js';
import { POLICIES, type PolicyNote } from '../domain/policies/policy.js';
import { changeKey, type Change, type LedgerState, type Millis } from '../domain/types.js';
import { CALL_OF_CHANGE } from '../domain/upstream-calls.js';
import { tieAddress } from './accounts.js';
import { unsettleSubject } from './agenda.js';
import type { Bind, Core } from './core.js';
import { beginEffect, effectKeyOf } from './effects.js';
import { beginShare } from './given-shares.js';
import { beginInvite, dropPlannedInvite } from './invites.js';
import { endDecisions, hasSeat, reserve } from './limit-uses.js';
import { findMember } from './mirror.js';
import { takesLastAdmin } from './protection.js';
import type { CallFailure, CallResult, LedgerRow, RecordedPlan, Subject, WorkStore } from './port.js';
import { userIdOf } from './subject.js';

interface Row extends Omit<LedgerRow, 'change'> {
  readonly change: string;
}

const toRow = (row: Row): LedgerRow => ({ ...row, change: JSON.parse(row.change) as Change });

export function findLedgerRow(core: Core, id: number): LedgerRow | null {
  const row = core.get<Row>(`${SELECT} WHERE id = ?`, id);
  return row === undefined ? null : toRow(row);
}

/** See WorkStore.record. */
export function recordPlan(core: Core, subject: Subject, plan: RecordedPlan): LedgerRow | null {
  const open = new Map(core.all<Row>(SELECT_UNENDED, subject).map((row) => [row.changeKey, row]));
  const wanted = new Set<string>();
  const notes = new Map((plan.notes ?? []).map((note) => [changeKey(note.planned.change), note]));
  const keep = (planned: PlannedChange, state: 'planned' | 'held'): void => {
    const key = changeKey(planned.change);
    wanted.add(key);
    keepRow(core, subject, open.get(key), { planned, key, state, cause: plan.cause, note: notes.get(key) ?? null });
  };
  for (const planned of plan.changes) keep(planned, 'planned');
  for (const planned of plan.held) keep(planned, 'held');
  for (const row of open.values()) {
    if (!wanted.has(row.changeKey) && (row.state === 'planned' || row.state === 'held')) supersede(core, row);
  }
  for (const key of plan.pointless ?? []) core.run(FORGET_REFUSALS_OF_KEY, subject, key);
  return plan.send === null ? null : beginSending(core, subject, plan.send.change, plan.uses ?? []);
}

interface WantedRow {
  readonly planned: PlannedChange;
  readonly key: string;
  readonly state: 'planned' | 'held';
  readonly cause: string | null;
  /** Why it is held or waits. */
  readonly note: PolicyNote | null;
}

/** Errors of calls are kept until the next call; those of policies until the policy speaks otherwise. */
function errorOf(row: Row, { note, state }: WantedRow): Pick<Row, 'errorCode' | 'error'> {
  if (note !== null) return { errorCode: note.policy, error: note.reason };
  const isOfPolicy = row.errorCode !== null && POLICIES.has(row.errorCode);
  return isOfPolicy || (row.state === 'held' && state === 'planned') ? { errorCode: null, error: null } : row;
}

function keepRow(core: Core, subject: Subject, row: Row | undefined, wanted: WantedRow): void {
  const { planned, key, state, cause, note } = wanted;
  const change = JSON.stringify(planned.change);
  if (row === undefined) {
    const isRetry = core.run(FORGET_REFUSALS_OF_KEY, subject, key).changes > 0;
    if (isRetry) unsettleSubject(core, subject);
    const why = [planned.change.kind, key, change, planned.why] as const;
    core.run(INSERT, subject, ...why, state, cause, note?.policy ?? null, note?.reason ?? null, core.now());
    return;
  }
  if (row.state === 'sending') return;
  const { errorCode, error } = errorOf(row, wanted);
  const isSame = row.state === state && row.change === change && row.why === planned.why;
  if (isSame && row.errorCode === errorCode && row.error === error) return;
  core.run(REWRITE, state, change, planned.why, errorCode, error, row.id);
}

function supersede(core: Core, row: Row): void {
  core.run("UPDATE ledger SET state = 'superseded', ended_at = ? WHERE id = ?", core.now(), row.id);
  const change = JSON.parse(row.change) as Change;
  const userId = userIdOf(row.subject);
  if (change.kind === 'invite' && userId !== null) dropPlannedInvite(core, userId, change.address);
}

function beginSending(core: Core, subject: Subject, change: Change, uses: readonly LimitUse[]): LedgerRow | null {
  const row = core.get<Row>(
    `${SELECT} WHERE subject = ? AND change_key = ? AND state = 'planned' ORDER BY id DESC LIMIT 1`,
    subject,
    changeKey(change),
  );
  if (row === undefined) throw new Error(`${changeKey(change)} of ${subject} is not planned, so it cannot be sent`);
  if (takesLastAdmin(core, change) || !hasSeat(core, change) || !reserve(core, toRow(row), uses)) return null;
  endDecisions(core, change);
  core.run(BEGIN_SENDING, core.now(), row.id);
  const userId = userIdOf(subject);
  if (change.kind === 'invite' && userId !== null) {
    tieAddress(core, userId, change.address, core.now());
    beginInvite(core, userId, change);
  }
  noteIntent(core, subject, change);
  if (change.kind === 'share' && change.isCopy !== true) beginShare(core, subject, change);
  return { ...toRow(row), state: 'sending', attempts: row.attempts + 1, sentAt: core.now() };
}

/** What the call is to make of an account, before it goes out. */
function noteIntent(core: Core, subject: Subject, change: Change): void {
  const key = effectKeyOf(core, { subject, change });
  if (key === null) return;
  switch (change.kind) {
    case 'lock':
      beginEffect(core, key, 'locked', null);
      break;
    case 'setSeat':
      beginEffect(core, key, change.seatType, findMember(core, change.memberId)?.seatType ?? change.from);
      break;
    case 'addToGroup':
      beginEffect(core, key, 'in', null);
      break;
    case 'invite':
    case 'revokeInvite':
    case 'unlock':
    case 'removeFromGroup':
    case 'share':
    case 'unshare':
      break;
  }
}

/** Writes how a call went, and the state that the row takes with it. */
export function endCall(
  core: Core,
  row: LedgerRow,
  end: {
    readonly state: LedgerState;
    readonly outcome: string;
    readonly call: CallResult | CallFailure;
    readonly retryAt: Millis | null;
    /** No call was made after all. */
    readonly foreseen?: boolean;
  },
): void {
  const { call } = end;
  const failure = 'error' in call ? { code: call.code, error: call.error } : { code: null, error: null };
  if (end.foreseen === true) core.run(UNSENT, row.id);
  else insertCall(core, row, call, end.outcome);
  const endedAt = end.state === 'planned' || end.state === 'ambiguous' ? null : core.now();
  core.run(
    END,
    end.state,
    call.status,
    call.requestId,
    call.latencyMs,
    failure.code,
    failure.error,
    end.retryAt,
    endedAt,
    row.id,
  );
}

function insertCall(core: Core, row: LedgerRow, call: CallResult | CallFailure, outcome: string): void {
  const { startedAt, latencyMs, status, requestId } = call;
  const error = 'error' in call ? call.error : null;
  const endpoint = call.endpoint ?? CALL_OF_CHANGE[row.change.kind];
  core.run(INSERT_CALL, row.id, endpoint, startedAt, latencyMs, outcome, status, requestId, error);
}

/** A fresh cause: what was refused may be planned again. True: something was. */
export function forgetRefusals(core: Core, subject: Subject): boolean {
  return core.run(FORGET_REFUSALS, subject).changes > 0;
}

/** Ends what is planned and held for a subject that is no longer worked for. */
export function supersedeAll(core: Core, subject: Subject): void {
  for (const row of core.all<Row>(SELECT_UNENDED, subject)) {
    if (row.state === 'planned' || row.state === 'held') supersede(core, row);
  }
}

/** The invite calls whose answer was lost, once it is known what became of them. */
export function endAmbiguousInvites(core: Core, subject: Subject, state: 'done' | 'superseded'): void {
  core.run(END_AMBIGUOUS_INVITES, state, core.now(), subject);
}

/** Refused changes of one kind that have become pointless. */
export function forgetRefusedInvites(core: Core, subject: Subject): void {
  core.run(
    "UPDATE ledger SET retry_at = NULL WHERE subject = ? AND state = 'refused' AND kind = 'invite' AND retry_at IS NOT NULL",
    subject,
  );
}

/** In place of the code of an error: an administrator dropped the change, it was never sent. */
export const DROPPED = 'dropped';

export interface OpenLedgerRow {
  readonly state: LedgerState;
  readonly key: string;
  readonly error: string | null;
  readonly retryAt: Millis | null;
  readonly released: number;
  readonly code: string | null;
}

/** What of a subject has not come to an end, refusals that still count included; oldest first. */
export function openLedgerRows(core: Core, subject: Subject): readonly OpenLedgerRow[] {
  return core.all<OpenLedgerRow>(SELECT_OPEN, subject, subject);
}

export function queryLedger(core: Core, query: Parameters<WorkStore['ledger']>[0]): readonly LedgerRow[] {
  const conditions: string[] = [];
  const params: Bind[] = [];
  const where = (condition: string, ...values: readonly Bind[]): void => {
    conditions.push(condition);
    params.push(...values);
  };
  if (query.subject !== undefined) where('subject = ?', query.subject);
  if (query.cause !== undefined) where('cause = ?', query.cause);
  if (query.states !== undefined) where('state IN (SELECT value FROM json_each(?))', JSON.stringify(query.states));
  if (query.beforeId !== undefined) where('id < ?', query.beforeId);
  const filter = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  return core.all<Row>(`${SELECT} ${filter} ORDER BY id DESC LIMIT ?`, ...params, query.limit).map(toRow);
}

const SELECT = `SELECT id, subject, change, change_key AS changeKey, why, state, cause, attempts, upstream_status AS upstreamStatus,
  upstream_request_id AS upstreamRequestId, latency_ms AS latencyMs, error_code AS errorCode, error, retry_at AS retryAt,
  created_at AS createdAt, sent_at AS sentAt, ended_at AS endedAt FROM ledger`;
const SELECT_UNENDED = `${SELECT} WHERE subject = ? AND state IN ('planned', 'held', 'sending', 'ambiguous') ORDER BY id`;
const SELECT_OPEN = `SELECT state, change_key AS key, error, retry_at AS retryAt, released, error_code AS code FROM ledger
  WHERE subject = ? AND state IN ('planned', 'held', 'sending', 'ambiguous')
  UNION ALL SELECT state, change_key, error, retry_at, released, error_code FROM ledger
  WHERE subject = ? AND state = 'refused' AND retry_at IS NOT NULL`;
const INSERT =
  'INSERT INTO ledger (subject, kind, change_key, change, why, state, cause, error_code, error, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)';
const REWRITE = 'UPDATE ledger SET state = ?, change = ?, why = ?, error_code = ?, error = ? WHERE id = ?';
const BEGIN_SENDING = "UPDATE ledger SET state = 'sending', attempts = attempts + 1, sent_at = ? WHERE id = ?";
const UNSENT = 'UPDATE ledger SET attempts = attempts - 1, sent_at = NULL WHERE id = ?';
const END = `UPDATE ledger SET state = ?, upstream_status = ?, upstream_request_id = ?, latency_ms = ?, error_code = ?, error = ?,
  retry_at = ?, ended_at = ? WHERE id = ?`;
const INSERT_CALL = `INSERT INTO upstream_calls (ledger_id, endpoint, started_at, latency_ms, outcome, status, upstream_request_id, error)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
const FORGET_REFUSALS =
  "UPDATE ledger SET retry_at = NULL WHERE subject = ? AND state = 'refused' AND retry_at IS NOT NULL";
const FORGET_REFUSALS_OF_KEY = `${FORGET_REFUSALS} AND change_key = ?`;
const END_AMBIGUOUS_INVITES =
  "UPDATE ledger SET state = ?, ended_at = ? WHERE subject = ? AND state = 'ambiguous' AND kind = 'invite'";
