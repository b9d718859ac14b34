/**
 * What limits count (domain/policies/people-limit.ts), and what their percentages are of. A use is
 * reserved with the row of the ledger that is about to be sent, checked in the same transaction:
 * people are worked on at the same time, and each of them has seen a place.
 *
 * What was reserved stays, whatever becomes of the row: retried, killed, superseded. A certain
 * refusal of the first call gives it back. Rows go when they are older than the window and their
 * change has come to an end.
 */
import { isBeyond, useKey, WINDOW_MS, type LimitUse, type LimitWindow } from '../domain/policies/people-limit.js';
import { countSeats, isBasic, shortageFor, type SeatUsage } from '../domain/policies/seat-budget.js';
import type { Change, MemberId, Millis } from '../domain/types.js';
import type { Core } from './core.js';
import { invitedSeats } from './invites.js';
import { findMember, seatsInUse } from './mirror.js';
import type { LimitInputs, LedgerRow } from './port.js';

/** See WorkStore.limitInputs. */
export function limitInputs(core: Core, uses: readonly LimitUse[]): LimitInputs {
  return {
    windows: new Map(uses.map((use) => [useKey(use), readWindow(core, use, null)])),
    seats: { usage: seatUsage(core), invited: countSeats(invitedSeats(core)) },
  };
}

/** Reserves what this row costs. False: there is no place for it, and nothing was reserved. */
export function reserve(core: Core, row: LedgerRow, uses: readonly LimitUse[]): boolean {
  const fresh = uses.filter((use) => !readWindow(core, use, row.id).isCounted);
  if (fresh.some((use) => isBeyond(use, readWindow(core, use, row.id)))) return false;
  for (const { kind, scope, who } of fresh) core.run(INSERT, kind, scope, who, core.served(), row.id);
  return true;
}

/** Whether a seat that this change takes is free, those counted that are on their way to others. */
export function hasSeat(core: Core, change: Change): boolean {
  const { full, basic } = core.rules().seatLimits;
  if (full === null && basic === null) return true;
  const member = 'memberId' in change ? findMember(core, change.memberId) : null;
  return shortageFor(change, member, seatUsage(core), { full, basic }) === null;
}

/** Access or a membership is given again: what is taken next is another decision. */
export function endDecisions(core: Core, change: Change): void {
  switch (change.kind) {
    case 'invite':
      core.run(END, 'loss', '', change.address);
      break;
    case 'unlock':
      core.run(END, 'loss', '', accountOf(core, change.memberId));
      break;
    case 'setSeat':
      if (change.seatType === 'workspace_admin') core.run(END, 'loss', '', accountOf(core, change.memberId));
      break;
    case 'addToGroup':
      core.run(END, 'groupRemoval', change.groupId, change.memberId);
      break;
    case 'revokeInvite':
    case 'lock':
    case 'removeFromGroup':
    case 'share':
    case 'unshare':
      break;
  }
}

/** The call was certainly not carried out: what it cost is given back, unless an earlier one may have been. */
export function giveBack(core: Core, row: LedgerRow): void {
  core.run(row.attempts <= 1 ? DELETE_ALL : DELETE_LAST_MAIL, row.id);
}

/** The call was certainly not carried out and will be made again: only its e-mail was not sent. */
export function giveBackMail(core: Core, row: LedgerRow): void {
  core.run(DELETE_LAST_MAIL, row.id);
}

/** Drops what counts for nothing any more. */
export function pruneUses(core: Core): void {
  core.run(PRUNE, core.served() - WINDOW_MS);
}

/** `row`: the row that is to be sent; its own use costs nothing more. */
function readWindow(core: Core, { kind, scope, who }: LimitUse, row: number | null): LimitWindow {
  const now = core.served();
  const since = now - WINDOW_MS;
  const found = core.get<{ counted: number; oldest: Millis | null }>(COUNT, kind, scope, since);
  const oldest = found?.oldest ?? null;
  return {
    counted: found?.counted ?? 0,
    whole: wholeOf(core, { kind, scope }, since),
    isCounted: isCounted(core, { kind, scope, who }, row, since),
    freeInMs: oldest === null ? null : Math.max(0, oldest + WINDOW_MS - now),
  };
}

type Counted = Pick<LimitUse, 'kind' | 'scope' | 'who'>;

function isCounted(core: Core, { kind, scope, who }: Counted, row: number | null, since: Millis): boolean {
  switch (kind) {
    case 'loss':
    case 'groupRemoval':
    case 'invite':
    case 'repeatedInvite':
      return core.value(IS_COUNTED, kind, scope, who, since) === 1;
    case 'repair':
      return row !== null && core.value(IS_OWN, row, kind) === 1;
    case 'mail':
      return false;
  }
}

function wholeOf(core: Core, { kind, scope }: Omit<Counted, 'who'>, since: Millis): number {
  switch (kind) {
    case 'loss':
    case 'invite':
      return core.value<number>(COUNT_MANAGED, since, since) ?? 0;
    case 'groupRemoval':
      return core.value<number>(COUNT_GROUP, scope, scope, since) ?? 0;
    case 'repeatedInvite':
    case 'mail':
    case 'repair':
      return 0;
  }
}

const accountOf = (core: Core, memberId: MemberId): string => findMember(core, memberId)?.address ?? memberId;

/** Seats of members as last read, and those that calls under way take. */
function seatUsage(core: Core): SeatUsage {
  let { full, basic } = countSeats(seatsInUse(core));
  const add = (seat: string | null, by: number): void => {
    if (seat === 'workspace_lite_member') basic += by;
    else full += by;
  };
  for (const text of core.values<string>(SELECT_TAKING)) {
    const change = JSON.parse(text) as Change;
    if (change.kind !== 'unlock' && change.kind !== 'setSeat') continue;
    const member = findMember(core, change.memberId);
    if (member === null) continue;
    if (change.kind === 'unlock' && member.isLocked) add(member.seatType, 1);
    if (change.kind === 'setSeat' && !member.isLocked && !isBasic(change.seatType)) {
      add(member.seatType, -1);
      add(change.seatType, 1);
    }
  }
  return { full, basic };
}

const INSERT = 'INSERT INTO limit_uses (kind, scope, who, at, ledger_id) VALUES (?, ?, ?, ?, ?)';
const END = 'UPDATE limit_uses SET is_open = 0 WHERE kind = ? AND scope = ? AND who = ? AND is_open = 1';
const DELETE_ALL = 'DELETE FROM limit_uses WHERE ledger_id = ?';
const DELETE_LAST_MAIL = `DELETE FROM limit_uses WHERE id =
  (SELECT MAX(id) FROM limit_uses WHERE ledger_id = ? AND kind = 'mail')`;
const UNENDED = "('planned', 'held', 'sending', 'ambiguous')";
const PRUNE = `DELETE FROM limit_uses WHERE at <= ?
  AND NOT EXISTS (SELECT 1 FROM ledger AS l WHERE l.id = limit_uses.ledger_id AND l.state IN ${UNENDED})`;
// A repair that is still being tried is no repair that was changed by hand again.
const COUNT = `SELECT COUNT(*) AS counted, MIN(u.at) AS oldest FROM limit_uses AS u
  WHERE u.kind = ? AND u.scope = ? AND u.at > ? AND (u.kind <> 'repair'
    OR NOT EXISTS (SELECT 1 FROM ledger AS l WHERE l.id = u.ledger_id AND l.state IN ('planned', 'sending')))`;
// What is tried for longer than the window is not counted a second time.
const IS_COUNTED = `SELECT 1 FROM limit_uses AS u WHERE u.kind = ? AND u.scope = ? AND u.who = ? AND u.is_open = 1
  AND (u.at > ? OR EXISTS (SELECT 1 FROM ledger AS l WHERE l.id = u.ledger_id AND l.state IN ${UNENDED})) LIMIT 1`;
const IS_OWN = 'SELECT 1 FROM limit_uses WHERE ledger_id = ? AND kind = ? LIMIT 1';
/*
 * Accounts managed before the window began. Those deleted count while they have access and while their
 * loss counts: a limit must not shrink with each loss.
 */
const COUNT_MANAGED = `SELECT COUNT(*) FROM users AS u WHERE u.member_id IS NOT NULL AND u.managed = 1 AND u.managed_at <= ?
  AND (u.deleted_at IS NULL
    OR EXISTS (SELECT 1 FROM workspace_members AS m WHERE m.member_id = u.member_id AND m.is_locked = 0)
    OR EXISTS (SELECT 1 FROM limit_uses AS l WHERE l.kind = 'loss' AND l.scope = '' AND l.who = u.address AND l.at > ?))`;
// With those that were removed already, so that the limit does not shrink with each of them.
const COUNT_GROUP = `SELECT COUNT(*) FROM (SELECT member_id FROM workspace_group_members WHERE group_id = ?
  UNION SELECT who FROM limit_uses WHERE kind = 'groupRemoval' AND scope = ? AND at > ?)`;
const SELECT_TAKING = "SELECT change FROM ledger WHERE state = 'sending' AND kind IN ('unlock', 'setSeat')";
