/**
 * The end of a call: what the answer means for mirror, links, invites and what the bridge gave. One
 * transaction with the ledger row, so that a crash never leaves a change done but not remembered.
 */
import type { Change, MemberId, UserId } from '../domain/types.js';
import { accountOfCall, noteRevoked } from './accounts.js';
import { schedule, PRIORITY } from './agenda.js';
import type { Core } from './core.js';
import { dropEffect, effectKeyOf, endEffect, findEffect } from './effects.js';
import { leaveFound } from './found-members.js';
import { dropShare, endShare, holdShare } from './given-shares.js';
import { endInvite, revokeInvites } from './invites.js';
import { endAmbiguousInvites, endCall, findLedgerRow } from './ledger.js';
import { giveBack, giveBackMail } from './limit-uses.js';
import { dropGroupMember, touchGroupMember, touchLocked, touchSeat } from './mirror.js';
import type { LedgerRow, Outcome, Revert } from './port.js';
import { revertWrite } from './revert.js';
import { userIdOf, userSubject } from './subject.js';
import { seatOfUser } from './user-groups.js';
import { linkUnlisted } from './unlisted.js';
import { markCopied } from './accounts.js';
import { refreshStatus } from './user-status.js';
import { rowOfUser, type UserRow } from './users.js';

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
      applyDone(core, row, outcome.found === true, !('error' in call));
      if (outcome.found === true && row.change.kind !== 'share') giveBack(core, row);
      break;
    case 'transient':
      endCall(core, row, { state: 'planned', outcome: 'transient', call, retryAt: null });
      endEffectOf(core, row, outcome.isUnsure === true ? 'unsure' : 'refused');
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
      endEffectOf(core, row, 'refused');
      giveBack(core, row);
      break;
  }
  if (row.change.kind === 'invite') endInviteOf(core, row.change.address, outcome.kind);
}

function endInviteOf(core: Core, address: Extract<Change, { kind: 'invite' }>['address'], end: Outcome['kind']): void {
  const userId = endInvite(core, address, end);
  if (userId === null || end !== 'done') return;
  core.run(INVITED, core.now(), userId);
}

function endEffectOf(core: Core, row: LedgerRow, end: Parameters<typeof endEffect>[2]): void {
  const key = effectKeyOf(core, row);
  if (key !== null) endEffect(core, key, end);
}

function userOf(core: Core, row: LedgerRow): UserRow | undefined {
  const userId = userIdOf(row.subject);
  return userId === null ? undefined : rowOfUser(core, userId);
}

/** `found`: the end was there before this call. `isConfirmed`: ElevenLabs said yes. */
function applyDone(core: Core, row: LedgerRow, found: boolean, isConfirmed: boolean): void {
  const { change } = row;
  const before = userOf(core, row);
  if (before !== undefined) linkUnlisted(core, before, change, row.cause);
  const user = userOf(core, row);
  endEffectOf(core, row, found ? 'found' : 'made');
  switch (change.kind) {
    case 'invite':
      break;
    case 'revokeInvite':
      if (isConfirmed) noteRevoked(core, change.address);
      if (user !== undefined) afterRevoke(core, user, change.address);
      break;
    case 'lock':
      touchLocked(core, change.memberId, true);
      if (user !== undefined && change.reason === 'handover') markCopied(core, user.id);
      break;
    case 'unlock':
      touchLocked(core, change.memberId, false);
      afterUnlock(core, row, change.memberId);
      break;
    case 'setSeat':
      afterSetSeat(core, user, change);
      break;
    case 'addToGroup':
      touchGroupMember(core, change.groupId, change.memberId);
      break;
    case 'removeFromGroup':
      dropGroupMember(core, change.groupId, change.memberId);
      dropGroupEffect(core, row, change);
      if (user?.member_id === change.memberId) leaveFound(core, user, change.groupId);
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
}

function afterUnlock(core: Core, row: LedgerRow, memberId: MemberId): void {
  const account = accountOfCall(core, userIdOf(row.subject), memberId);
  if (account === undefined) return;
  dropEffect(core, { accountId: account.id, aspect: 'access', target: '' });
  core.run('UPDATE accounts SET unlock_since = NULL WHERE id = ?', account.id);
}

function dropGroupEffect(core: Core, row: LedgerRow, change: Extract<Change, { kind: 'removeFromGroup' }>): void {
  const account = accountOfCall(core, userIdOf(row.subject), change.memberId);
  if (account !== undefined) dropEffect(core, { accountId: account.id, aspect: 'group', target: change.groupId });
}

function replan(core: Core, userId: UserId): void {
  schedule(core, userSubject(userId), { priority: PRIORITY.grant, id: 'revoked', dueAt: core.now() });
  const row = rowOfUser(core, userId);
  if (row !== undefined) refreshStatus(core, row.seq);
}

/** The seat held before the bridge set its first one is what the member returns to when the last rule goes. */
function afterSetSeat(core: Core, user: UserRow | undefined, change: Extract<Change, { kind: 'setSeat' }>): void {
  touchSeat(core, change.memberId, change.seatType);
  if (user?.member_id !== change.memberId || user.account_id === null || change.isCopy === true) return;
  core.run('UPDATE accounts SET seat_declined = NULL WHERE id = ?', user.account_id);
  const key = { accountId: user.account_id, aspect: 'seat', target: '' } as const;
  const effect = findEffect(core, key);
  const isReturned = (effect?.before ?? core.rules().defaultSeat) === change.seatType;
  if (effect !== undefined && isReturned && seatOfUser(core, user) === null) dropEffect(core, key);
}

const INVITED = `UPDATE users SET invited_at = ?, removed_at = NULL, may_reinvite = CASE WHEN member_id IS NULL THEN 0 ELSE may_reinvite END
  WHERE id = ?`;
