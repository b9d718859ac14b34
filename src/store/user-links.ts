/**
 * The present account of a user: adoption, acceptance, hand-over, and its end. Invariants: a member is
 * the present account of at most one live user; what is known of an account moves with it.
 */
import { declinedSeat } from '../domain/seat.js';
import type { Address, MemberId, UserId, WorkspaceMember } from '../domain/types.js';
import { allowUnlock, findAccount, forbidUnlock, takeAccountsAt, tieMember } from './accounts.js';
import { unsettleUsers } from './agenda.js';
import type { Core } from './core.js';
import { findEffect, noteEffect } from './effects.js';
import { leaveAllFound } from './found-members.js';
import { acceptInvites, invitesOf, latestInvite, OPEN_STATES } from './invites.js';
import { endAmbiguousInvites, forgetRefusedInvites } from './ledger.js';
import { freeMembersAt } from './lookalikes.js';
import { findMember, isMissing } from './mirror.js';
import { userSubject } from './subject.js';
import { seatOfUser } from './user-groups.js';
import { rowOfSeq, type UserRow } from './users.js';

/** The member of the first of these addresses that somebody has whose account is nobody else's. Of several, none. */
export function findFreeMember(
  core: Core,
  own: UserId | null,
  ...addresses: readonly (Address | null)[]
): WorkspaceMember | null {
  for (const address of addresses) {
    const [member, ...others] = freeMembersAt(core, address, own);
    if (member !== undefined) return others.length === 0 ? member : null;
  }
  return null;
}

/** A live managed user holds this address from now on, by the IdP's word: accounts and invites of former users follow. */
export function claimAddress(core: Core, row: UserRow, address: Address): void {
  const losers = core.values<UserId>(SELECT_LOSERS, address, row.id);
  takeAccountsAt(core, row.id, address);
  for (const loser of losers) inheritFrom(core, row, loser);
  core.run(TAKE_INVITES, row.id, address, row.id);
}

/** What the IdP has taken back of a deleted user, and is not done yet, is done for the user who has the account now. */
function inheritFrom(core: Core, row: UserRow, loser: UserId): void {
  core.run('UPDATE OR IGNORE withdrawn_memberships SET user_id = ? WHERE user_id = ?', row.id, loser);
  core.run('DELETE FROM withdrawn_memberships WHERE user_id = ?', loser);
  core.run('UPDATE given_shares SET subject = ? WHERE subject = ?', userSubject(row.id), userSubject(loser));
  core.run(LEAVE_ACCOUNT, loser);
}

/** Makes the member the present account, and answers how: by an invite of ours, or found there (adopted). */
export function linkMember(core: Core, seq: number, member: WorkspaceMember): 'accepted' | 'adopted' {
  const before = rowOfSeq(core, seq);
  const present = findAccount(core, before.account_id);
  const account = tieMember(core, before.id, member);
  if (present !== undefined && present.id !== account.id && present.member_id !== null)
    core.run('UPDATE accounts SET copied = COALESCE(copied, 0) WHERE id = ?', present.id);
  const isHandover = present !== undefined && present.id !== account.id && before.member_id !== null;
  core.run(LINK, account.id, member.memberId, seq);
  core.run('UPDATE accounts SET copied = NULL WHERE id = ?', account.id);
  const invite = latestInvite(invitesOf(core, before.id), member.address);
  const accepted = acceptInvites(core, before.id, member.address, member.memberId);
  const subject = userSubject(before.id);
  endAmbiguousInvites(core, subject, accepted ? 'done' : 'superseded');
  forgetRefusedInvites(core, subject);
  unsettleUsers(core, [seq]);
  if (accepted) core.run('UPDATE users SET accepted_at = ? WHERE seq = ?', core.now(), seq);
  joinMirrorGroups(core, seq, member.memberId);
  if (!accepted) markAdopted(core, seq, member);
  else if (!isHandover && invite !== null) noteInvitedSeat(core, account.id, invite.seat_type);
  return accepted ? 'accepted' : 'adopted';
}

/** A seat that a rule gave with the invite is the bridge's to take back: DEFAULT_SEAT_TYPE is what is left then. */
function noteInvitedSeat(core: Core, accountId: number, seat: NonNullable<WorkspaceMember['seatType']>): void {
  if (seat === core.rules().defaultSeat) return;
  noteEffect(core, { accountId, aspect: 'seat', target: '' }, seat, null);
}

/** The linked groups in which the member was found: known to SCIM, so that a request can take the member out. */
export function joinMirrorGroups(core: Core, seq: number, memberId: MemberId): void {
  const joined = core.values<number>(JOIN_MIRROR_GROUPS, seq, core.now(), memberId, seq);
  if (joined.length > 0) core.run(MOVE_VERSIONS, core.now(), JSON.stringify(joined));
}

/** Adoption never demotes: remembers the lower seat that a rule gives now. */
export function markAdopted(core: Core, seq: number, member: WorkspaceMember): void {
  const row = rowOfSeq(core, seq);
  if (row.account_id === null) return;
  // A seat that the bridge itself gave may be taken back.
  const effect = findEffect(core, { accountId: row.account_id, aspect: 'seat', target: '' });
  const isOwn = effect !== undefined && (effect.value === member.seatType || effect.sent === member.seatType);
  const declined = row.managed === 0 || isOwn ? null : declinedSeat(seatOfUser(core, row), member.seatType);
  core.run("UPDATE users SET origin = 'adopted' WHERE seq = ?", seq);
  core.run('UPDATE accounts SET seat_declined = ? WHERE id = ?', declined, row.account_id);
}

/** The rule gives another seat than the one declined at adoption: it is free to be applied again. */
export function refreshDeclinedSeat(core: Core, row: UserRow): void {
  const account = findAccount(core, row.account_id);
  if (account === undefined || account.seat_declined === null) return;
  if (seatOfUser(core, row)?.seatType !== account.seat_declined)
    core.run('UPDATE accounts SET seat_declined = NULL WHERE id = ?', account.id);
}

/** The member has gone for certain. What is known of the account stays: it may come back under its id. */
export function unlinkGoneMember(core: Core, row: UserRow): void {
  core.run(UNLINK, core.now(), row.seq);
  leaveAllFound(core, row);
}

/** The member is listed again under its id: the same account. */
export function relinkMember(core: Core, row: UserRow, member: WorkspaceMember): void {
  const accepted = acceptInvites(core, row.id, member.address, member.memberId);
  endAmbiguousInvites(core, userSubject(row.id), accepted ? 'done' : 'superseded');
  core.run(RELINK, member.memberId, accepted ? core.now() : null, row.seq);
  unsettleUsers(core, [row.seq]);
  joinMirrorGroups(core, row.seq, member.memberId);
}

/**
 * A turn of `active` between two words of an IdP. Off to on allows the unlock of accounts that are locked by
 * now, and an invite to a member who has gone by now; on to off takes both back.
 */
export function noteTurn(core: Core, row: UserRow, isOn: boolean): void {
  if (!isOn) {
    forbidUnlock(core, row.id);
    core.run('UPDATE users SET may_reinvite = 0 WHERE seq = ? AND may_reinvite = 1', row.seq);
    return;
  }
  allowUnlock(core, row.id);
  const hasGone = row.removed_at !== null || (row.member_id !== null && isMissing(core, row.member_id));
  if (hasGone) core.run('UPDATE users SET may_reinvite = 1 WHERE seq = ?', row.seq);
}

/** The present member as last listed. */
export const presentMember = (core: Core, row: UserRow): WorkspaceMember | null => findMember(core, row.member_id);

const TAKE_INVITES = `UPDATE invites SET user_id = ? WHERE address = ? AND user_id <> ?
  AND state IN ${OPEN_STATES}
  AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.id = invites.user_id AND u.managed = 1 AND u.deleted_at IS NULL)`;
const SELECT_LOSERS = `SELECT DISTINCT u.id FROM accounts AS a JOIN users AS u ON u.id = a.user_id
  WHERE a.address = ? AND u.id <> ? AND u.deleted_at IS NOT NULL`;
const LEAVE_ACCOUNT = `UPDATE users SET member_id = NULL, account_id = NULL WHERE id = ? AND account_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM accounts AS a WHERE a.id = users.account_id AND a.user_id = users.id)`;
const LINK = `UPDATE users SET account_id = ?, member_id = ?, removed_at = NULL, may_reinvite = 0, handover_since = NULL WHERE seq = ?`;
const RELINK = `UPDATE users SET member_id = ?, removed_at = NULL, may_reinvite = 0, accepted_at = COALESCE(?, accepted_at) WHERE seq = ?`;
const UNLINK = `UPDATE users SET member_id = NULL, removed_at = ?, handover_since = NULL WHERE seq = ?`;
const JOIN_MIRROR_GROUPS = `INSERT INTO memberships (group_seq, user_seq, origin, added_at)
  SELECT g.seq, ?, 'workspace', ? FROM workspace_group_members AS m JOIN groups AS g ON g.workspace_group_id = m.group_id
  WHERE m.member_id = ? AND NOT EXISTS (SELECT 1 FROM withdrawn_memberships AS w JOIN users AS u ON u.id = w.user_id
    WHERE u.seq = ? AND w.workspace_group_id = m.group_id)
  ON CONFLICT DO NOTHING RETURNING group_seq`;
const MOVE_VERSIONS = `UPDATE groups SET version = version + 1, modified_at = ? WHERE seq IN (SELECT value FROM json_each(?))`;
