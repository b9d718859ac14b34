/**
 * Accounts: identities in the workspace that the bridge had to do with for a user. An account belongs to
 * at most one user. What ends that is an administrator, an IdP write that makes it another user's, and,
 * for a bare address, a confirmed revocation or time; never a reading, a deletion or a change of address.
 */
import type { Address, MemberId, Millis, SeatType, UserId, WorkspaceMember } from '../domain/types.js';
import type { Core } from './core.js';

export interface AccountRow {
  readonly id: number;
  readonly user_id: UserId | null;
  readonly address: Address;
  readonly member_id: MemberId | null;
  readonly tied_at: Millis;
  readonly copied: number | null;
  readonly unlock_since: Millis | null;
  readonly seat_declined: SeatType | null;
  readonly seat_found: SeatType | null;
  readonly gone_at: Millis | null;
  readonly mailed_at: Millis | null;
  readonly revoked_at: Millis | null;
  readonly ended_at: Millis | null;
}

/** ElevenLabs may apply a call late, and its lists may lag: absence proves nothing sooner. */
export const SETTLING_MS = 300_000;
/** After the last e-mail that may have been sent, an address at which nobody appeared is given up. */
const BARE_ADDRESS_MS = 90 * 86_400_000;

export function accountOfMember(core: Core, memberId: MemberId): AccountRow | undefined {
  return core.get<AccountRow>('SELECT * FROM accounts WHERE member_id = ?', memberId);
}

export function findAccount(core: Core, id: number | null): AccountRow | undefined {
  return id === null ? undefined : core.get<AccountRow>('SELECT * FROM accounts WHERE id = ?', id);
}

/** Those that are the user's, oldest first. */
export function accountsOfUser(core: Core, userId: UserId): readonly AccountRow[] {
  return core.all<AccountRow>('SELECT * FROM accounts WHERE user_id = ? ORDER BY id', userId);
}

export function hasAccount(core: Core, userId: UserId): boolean {
  return core.value('SELECT 1 FROM accounts WHERE user_id = ? LIMIT 1', userId) === 1;
}

/** The account that a call about this member concerns; a member whom no list has shown is the bare address. */
export function accountOfCall(core: Core, userId: UserId | null, memberId: MemberId): AccountRow | undefined {
  const known = accountOfMember(core, memberId);
  if (known !== undefined || userId === null) return known;
  return core.get<AccountRow>(SELECT_BARE, userId, memberId);
}

/** The member is this user's from now on, with all that is known of it. */
export function tieMember(core: Core, userId: UserId, member: WorkspaceMember): AccountRow {
  const bare = core.get<AccountRow>(SELECT_BARE, userId, member.address);
  const known = accountOfMember(core, member.memberId);
  if (known === undefined) {
    if (bare === undefined) core.run(INSERT, userId, member.address, member.memberId, core.now(), member.seatType);
    else core.run(NAME, member.memberId, member.seatType, bare.id);
  } else {
    if (known.user_id !== userId) core.run(MOVE, userId, core.now(), known.id);
    core.run('UPDATE accounts SET address = ?, gone_at = NULL, ended_at = NULL WHERE id = ?', member.address, known.id);
    if (bare !== undefined) core.run('DELETE FROM accounts WHERE id = ?', bare.id);
  }
  const account = accountOfMember(core, member.memberId);
  if (account === undefined) throw new Error(`no account of member ${member.memberId}`);
  return account;
}

/** Somebody may come in by this address: an invite is sent to it, or its user is deleted. */
export function tieAddress(core: Core, userId: UserId, address: Address, mailedAt: Millis | null): void {
  core.run(INSERT_BARE, userId, address, core.now(), mailedAt);
}

/** ElevenLabs confirmed that no link to this address works any more. */
export function noteRevoked(core: Core, address: Address): void {
  core.run('UPDATE accounts SET revoked_at = ? WHERE address = ? AND member_id IS NULL', core.now(), address);
}

/** An IdP says that the address is this user's: accounts of deleted users follow. */
export function takeAccountsAt(core: Core, userId: UserId, address: Address): void {
  core.run(DROP_OTHER_BARE, address, userId, userId, address);
  core.run(TAKE, userId, core.now(), address, userId);
}

/** Bare addresses that are not taken for their user's any more, as of a full reading that began then. */
export function endBareAddresses(core: Core, startedAt: Millis): void {
  core.run(END_BARE, core.now(), startedAt - SETTLING_MS, core.now() - BARE_ADDRESS_MS);
}

export function markGone(core: Core, memberId: MemberId): void {
  core.run('UPDATE accounts SET gone_at = ? WHERE member_id = ?', core.now(), memberId);
}

/** A turn of `active`: what is locked now, by anybody, may be unlocked. */
export function allowUnlock(core: Core, userId: UserId): void {
  core.run(ALLOW_UNLOCK, core.now(), userId);
}

export function forbidUnlock(core: Core, userId: UserId): void {
  core.run('UPDATE accounts SET unlock_since = NULL WHERE user_id = ? AND unlock_since IS NOT NULL', userId);
}

/** Everything is copied, once: what changes from now on is the business of whoever changes it. */
export function markCopied(core: Core, userId: UserId): void {
  core.run('UPDATE accounts SET copied = 1 WHERE user_id = ? AND copied = 0', userId);
}

/** An administrator's word: nothing but the present account is the user's. */
export function untieOthers(core: Core, userId: UserId, present: number | null): void {
  core.run('UPDATE accounts SET user_id = NULL WHERE user_id = ? AND id IS NOT ?', userId, present);
}

const SELECT_BARE = 'SELECT * FROM accounts WHERE user_id = ? AND address = ? AND member_id IS NULL';
const INSERT = 'INSERT INTO accounts (user_id, address, member_id, tied_at, seat_found) VALUES (?, ?, ?, ?, ?)';
const NAME = 'UPDATE accounts SET member_id = ?, seat_found = ? WHERE id = ?';
const MOVE = 'UPDATE accounts SET user_id = ?, tied_at = ?, copied = NULL, unlock_since = NULL WHERE id = ?';
const INSERT_BARE = `INSERT INTO accounts (user_id, address, tied_at, mailed_at) VALUES (?, ?, ?, ?)
  ON CONFLICT (user_id, address) WHERE member_id IS NULL
  DO UPDATE SET mailed_at = COALESCE(excluded.mailed_at, mailed_at), revoked_at = NULL, ended_at = NULL`;
const IS_ANOTHERS = `user_id IS NOT ? AND EXISTS
  (SELECT 1 FROM users AS u WHERE u.id = accounts.user_id AND u.deleted_at IS NOT NULL)`;
const DROP_OTHER_BARE = `DELETE FROM accounts WHERE address = ? AND member_id IS NULL AND ${IS_ANOTHERS}
  AND EXISTS (SELECT 1 FROM accounts AS own WHERE own.user_id = ? AND own.address = ? AND own.member_id IS NULL)`;
const TAKE = `UPDATE accounts SET user_id = ?, tied_at = ?, copied = NULL, unlock_since = NULL WHERE address = ? AND ${IS_ANOTHERS}`;
const END_BARE = `UPDATE accounts SET ended_at = ? WHERE member_id IS NULL AND ended_at IS NULL
  AND (revoked_at <= ? OR COALESCE(mailed_at, tied_at) < ?)
  AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.id = accounts.user_id AND u.address = accounts.address
    AND u.active = 1 AND u.deleted_at IS NULL)`;
const ALLOW_UNLOCK = `UPDATE accounts SET unlock_since = ? WHERE user_id = ? AND (
  EXISTS (SELECT 1 FROM workspace_members AS m WHERE m.member_id = accounts.member_id AND m.is_locked = 1)
  OR EXISTS (SELECT 1 FROM effects AS e WHERE e.account_id = accounts.id AND e.aspect = 'access'))`;
