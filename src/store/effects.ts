/**
 * The end of a call: what the answer means for mirror, links, invites and what the bridge gave. One
 * transaction with the ledger row, so that a crash never leaves a change done but not remembered.
 */
import type { Change, UserId } from '../domain/types.js';
import { schedule, PRIORITY } from './agenda.js';
import type { Core } from './core.js';
import { leaveFound } from './found-members.js';
import { dropShare, endShare, holdShare } from './given-shares.js';
import { markCopied } from './handover.js';
import { endInvite, revokeInvites } from './invites.js';
import { endAmbiguousInvites, endCall, findLedgerRow } from './ledger.js';
import { giveBack, giveBackMail } from './limit-uses.js';
import { dropGroupMember, findMember, touchGroupMember, touchLocked, touchSeat } from './mirror.js';
import type { LedgerRow, Outcome, Revert } from './port.js';
import { revertWrite } from './revert.js';
import { userIdOf, userSubject } from './subject.js';
import { seatOfUser } from './user-groups.js';
import { linkUnlisted } from './unlisted.js';
import { refreshStatus } from './user-status.js';
import { watch } from './watches.js';
import { liveUserOfAddress, rowOfUser, type UserRow } from './users.js';

/** See WorkStore.finish. A row that is not being sent has had its end already: nothing happens. */
export function finishCall(
  core: Core,
  ledgerId: number,
  outcome: Outcome,
  revert: Revert | null,
): { readonly reverted: boolean } {
  const row = findLedgerRow(core, ledgerId);
  if (row?.state !== 'sending') return { reverted: false };
  applyOutcome(core, row, outcome);
  const reverted = outcome.kind === 'refused' && revert !== null && revertWrite(core, row, revert);
  const user = userOf(core, row);
  if (user !== undefined) refreshStatus(core, user.seq);
  return { reverted };
}

function applyOutcome(core: Core, row: LedgerRow, outcome: Outcome): void {
  const { call } = outcome;
  switch (outcome.kind) {
    case 'done':
      endCall(core, row, { state: 'done', outcome: outcome.found === true ? 'found' : 'done', call, retryAt: null });
      applyDone(core, row, outcome.found === true);
      if (outcome.found === true && row.change.kind !== 'share') giveBack(core, row);
      break;
    case 'transient':
      endCall(core, row, { state: 'planned', outcome: 'transient', call, retryAt: null });
      giveBackMail(core, row);
      break;
    case 'ambiguous':
      endCall(core, row, { state: 'ambiguous', outcome: 'ambiguous', call, retryAt: null });
      break;
    case 'refused':
      endCall(core, row, {
        state: 'refused',
        outcome: 'refused',
        call,
        retryAt: outcome.retryAt,
        foreseen: outcome.foreseen === true,
      });
      if (row.change.kind === 'share') endShare(core, row.change, 'notGiven');
      giveBack(core, row);
      break;
  }
  if (row.change.kind === 'invite') endInviteOf(core, row.change.address, outcome.kind);
}

function endInviteOf(core: Core, address: Extract<Change, { kind: 'invite' }>['address'], end: Outcome['kind']): void {
  const userId = endInvite(core, address, end);
  if (userId === null || end !== 'done') return;
  core.run(INVITED, core.now(), userId);
  core.run('DELETE FROM watches WHERE address = ? AND user_id = ?', address, userId);
}

function userOf(core: Core, row: LedgerRow): UserRow | undefined {
  const userId = userIdOf(row.subject);
  return userId === null ? undefined : rowOfUser(core, userId);
}

/** `found`: the end was there before any call of ours, so the bridge gave nothing. */
function applyDone(core: Core, row: LedgerRow, found: boolean): void {
  const { change } = row;
  const before = userOf(core, row);
  if (before !== undefined) linkUnlisted(core, before, change, row.cause);
  const user = userOf(core, row);
  switch (change.kind) {
    case 'invite':
      break;
    case 'revokeInvite':
      if (user !== undefined) afterRevoke(core, user, change.address);
      break;
    case 'lock':
      touchLocked(core, change.memberId, true);
      if (user?.member_id === change.memberId && !found)
        core.run('UPDATE users SET locked_by_bridge = 1 WHERE seq = ?', user.seq);
      if (user !== undefined && change.reason === 'handover') markCopied(core, user.id);
      break;
    case 'unlock':
      touchLocked(core, change.memberId, false);
      if (user?.member_id === change.memberId)
        core.run('UPDATE users SET locked_by_bridge = 0, activation_fresh = 0 WHERE seq = ?', user.seq);
      break;
    case 'setSeat':
      afterSetSeat(core, user, change, found);
      break;
    case 'addToGroup':
      touchGroupMember(core, change.groupId, change.memberId);
      if (user !== undefined && !found && change.isCopy !== true)
        core.run(GIVE_GROUP, user.id, change.groupId, core.now());
      break;
    case 'removeFromGroup':
      dropGroupMember(core, change.groupId, change.memberId);
      if (user !== undefined) leaveFound(core, user, change.groupId);
      break;
    case 'share':
      if (change.isCopy !== true) endShare(core, change, found ? 'notGiven' : 'given');
      holdShare(core, change);
      break;
    case 'unshare':
      dropShare(core, change);
      break;
  }
}

function afterRevoke(core: Core, user: UserRow, address: Extract<Change, { kind: 'revokeInvite' }>['address']): void {
  const concerned = revokeInvites(core, address);
  endAmbiguousInvites(core, userSubject(user.id), 'superseded');
  // Whoever claimed the address meanwhile lost the link, too.
  for (const other of concerned) if (other !== user.id) replan(core, other);
  const holder = liveUserOfAddress(core, address);
  const isWantedThere = holder !== undefined && (holder.id !== user.id || holder.active === 1);
  if (!isWantedThere) watch(core, address, user);
}

function replan(core: Core, userId: UserId): void {
  schedule(core, userSubject(userId), { priority: PRIORITY.grant, id: 'revoked', dueAt: core.now() });
  const row = rowOfUser(core, userId);
  if (row !== undefined) refreshStatus(core, row.seq);
}

/** The seat held before the bridge set its first one is what the member returns to when the last rule goes. */
function afterSetSeat(
  core: Core,
  user: UserRow | undefined,
  change: Extract<Change, { kind: 'setSeat' }>,
  found: boolean,
): void {
  const heldBefore = findMember(core, change.memberId)?.seatType ?? change.from;
  touchSeat(core, change.memberId, change.seatType);
  if (user?.member_id !== change.memberId || found || change.isCopy === true) return;
  const isReturned = user.seat_before === change.seatType && seatOfUser(core, user) === null;
  const before = isReturned ? null : (user.seat_before ?? heldBefore);
  core.run(SET_SEAT, before, isReturned ? null : change.seatType, user.seq);
}

const INVITED = `UPDATE users SET invited_at = ?, removed_at = NULL, activation_fresh = CASE WHEN member_id IS NULL THEN 0 ELSE activation_fresh END
  WHERE id = ?`;
const SET_SEAT = 'UPDATE users SET seat_before = ?, seat_given = ?, seat_declined = NULL WHERE seq = ?';
const GIVE_GROUP = 'INSERT OR IGNORE INTO given_memberships (user_id, workspace_group_id, given_at) VALUES (?, ?, ?)';
