/**
 * The link between a user and a workspace member: adoption, acceptance, hand-over from a tombstone,
 * and its end. Invariants: a member is linked to at most one live user; an address claimed by a live
 * managed user is watched by nobody else.
 */
import { declinedSeat } from '../domain/seat.js';
import { changeKey, type Address, type MemberId, type WorkspaceMember } from '../domain/types.js';
import { unsettleUsers } from './agenda.js';
import type { Core } from './core.js';
import { leaveAllFound } from './found-members.js';
import { leaveMember } from './handover.js';
import { acceptInvites, OPEN_STATES } from './invites.js';
import { endAmbiguousInvites, forgetRefusedInvites } from './ledger.js';
import { freeMembersAt } from './lookalikes.js';
import { userSubject } from './subject.js';
import { seatOfUser } from './user-groups.js';
import { rowOfSeq, type UserRow } from './users.js';

/** The member of the first of these addresses that somebody has whom no live user has. Of several, none. */
export function findFreeMember(core: Core, ...addresses: readonly (Address | null)[]): WorkspaceMember | null {
  for (const address of addresses) {
    const [member, ...others] = freeMembersAt(core, address);
    if (member !== undefined) return others.length === 0 ? member : null;
  }
  return null;
}

/**
 * A live managed user holds this address from now on: others stop watching it, and a tombstone
 * hands over an invite that is still out, so that its withdrawal does not kill the newcomer's.
 */
export function claimAddress(core: Core, row: UserRow, address: Address): void {
  if (row.member_id === null) takeStrayLock(core, row, address);
  core.run('DELETE FROM watches WHERE address = ?', address);
  core.run(TAKE_INVITES, row.id, address, row.id);
}

/**
 * Who accepted at an address after it was given up was locked by the bridge, for its former holder:
 * for the newcomer that lock is the bridge's own to open.
 */
function takeStrayLock(core: Core, row: UserRow, address: Address): void {
  const member = findFreeMember(core, address);
  if (member?.isLocked !== true) return;
  const locked = core.value(
    WAS_LOCKED_FOR_WATCHER,
    changeKey({ kind: 'lock', memberId: member.memberId, reason: 'withdrawn' }),
    address,
  );
  if (locked === 1) core.run('UPDATE users SET locked_by_bridge = 1 WHERE seq = ?', row.seq);
}

/** Links the member and answers how: by an invite of ours, or found there (adopted). */
export function linkMember(core: Core, seq: number, member: WorkspaceMember): 'accepted' | 'adopted' {
  takeFromTombstone(core, seq, member.memberId);
  leaveMember(core, rowOfSeq(core, seq));
  const row = rowOfSeq(core, seq);
  const accepted = acceptInvites(core, row.id, member.address, member.memberId);
  const subject = userSubject(row.id);
  endAmbiguousInvites(core, subject, accepted ? 'done' : 'superseded');
  forgetRefusedInvites(core, subject);
  core.run('DELETE FROM watches WHERE user_id = ? AND address = ?', row.id, member.address);
  unsettleUsers(core, [seq]);
  const fresh = member.isLocked ? row.activation_fresh : 0;
  core.run(LINK, member.memberId, fresh, accepted ? core.now() : null, seq);
  joinMirrorGroups(core, seq, member.memberId);
  if (!accepted) markAdopted(core, seq, member);
  return accepted ? 'accepted' : 'adopted';
}

/** The linked groups in which the member was found: known to SCIM, so that a request can take the member out. */
export function joinMirrorGroups(core: Core, seq: number, memberId: MemberId): void {
  const joined = core.values<number>(JOIN_MIRROR_GROUPS, seq, core.now(), memberId, seq);
  if (joined.length > 0) core.run(MOVE_VERSIONS, core.now(), JSON.stringify(joined));
}

/** Adoption never demotes: remembers the lower seat that a rule gives now. */
export function markAdopted(core: Core, seq: number, member: WorkspaceMember): void {
  const row = rowOfSeq(core, seq);
  // A seat that the bridge itself gave may be taken back.
  const ownSeat = row.seat_given !== null && row.seat_given === member.seatType;
  const declined = row.managed === 0 || ownSeat ? null : declinedSeat(seatOfUser(core, row), member.seatType);
  core.run("UPDATE users SET origin = 'adopted', seat_declined = ? WHERE seq = ?", declined, seq);
}

/** The rule gives another seat than the one declined at adoption: it is free to be applied again. */
export function refreshDeclinedSeat(core: Core, row: UserRow): void {
  if (row.seat_declined === null) return;
  if (seatOfUser(core, row)?.seatType !== row.seat_declined)
    core.run('UPDATE users SET seat_declined = NULL WHERE seq = ?', row.seq);
}

interface Tombstone {
  readonly seq: number;
  readonly id: string;
}

/** What the bridge did to the member for the deleted predecessor, it did for this user. */
function takeFromTombstone(core: Core, seq: number, memberId: MemberId): void {
  const tombstone = core.get<Tombstone>(SELECT_TOMBSTONE, memberId);
  if (tombstone === undefined) return;
  const { id } = rowOfSeq(core, seq);
  core.run(COPY_LINK_STATE, tombstone.seq, seq);
  core.run('UPDATE users SET member_id = NULL WHERE seq = ?', tombstone.seq);
  core.run('UPDATE OR REPLACE given_memberships SET user_id = ? WHERE user_id = ?', id, tombstone.id);
  core.run(TAKE_WITHDRAWN, id, tombstone.id);
  core.run('DELETE FROM withdrawn_memberships WHERE user_id = ?', tombstone.id);
  core.run('UPDATE given_shares SET subject = ? WHERE subject = ?', `user:${id}`, `user:${tombstone.id}`);
}

/** The member has gone: with it went its groups and shares. */
export function unlinkGoneMember(core: Core, row: UserRow): void {
  core.run(UNLINK, core.now(), row.seq);
  leaveAllFound(core, row);
  core.run('DELETE FROM given_shares WHERE subject = ?', userSubject(row.id));
}

const TAKE_INVITES = `UPDATE invites SET user_id = ? WHERE address = ? AND user_id <> ?
  AND state IN ${OPEN_STATES}`;
const LINK = `UPDATE users SET member_id = ?, removed_at = NULL, activation_fresh = ?, accepted_at = COALESCE(?, accepted_at) WHERE seq = ?`;
const WAS_LOCKED_FOR_WATCHER = `SELECT 1 FROM watches AS w JOIN ledger AS l ON l.subject = 'user:' || w.user_id
  WHERE l.change_key = ? AND l.state = 'done' AND w.address = ? LIMIT 1`;
const UNLINK = `UPDATE users SET member_id = NULL, removed_at = ?, locked_by_bridge = 0, seat_before = NULL, seat_given = NULL,
  seat_declined = NULL, handover_since = NULL WHERE seq = ?`;
// Not done yet: the workspace groups are missing.
const TAKE_WITHDRAWN = `UPDATE OR IGNORE withdrawn_memberships SET user_id = ?
  WHERE user_id = ? AND workspace_group_id IN (SELECT group_id FROM gone_groups)`;
const SELECT_TOMBSTONE = 'SELECT seq, id FROM users WHERE member_id = ? AND deleted_at IS NOT NULL';
const COPY_LINK_STATE = `UPDATE users SET (locked_by_bridge, seat_before, seat_given) =
  (SELECT t.locked_by_bridge, t.seat_before, t.seat_given FROM users AS t WHERE t.seq = ?) WHERE seq = ?`;
const JOIN_MIRROR_GROUPS = `INSERT INTO memberships (group_seq, user_seq, origin, added_at)
  SELECT g.seq, ?, 'workspace', ? FROM workspace_group_members AS m JOIN groups AS g ON g.workspace_group_id = m.group_id
  WHERE m.member_id = ? AND NOT EXISTS (SELECT 1 FROM withdrawn_memberships AS w JOIN users AS u ON u.id = w.user_id
    WHERE u.seq = ? AND w.workspace_group_id = m.group_id)
  ON CONFLICT DO NOTHING RETURNING group_seq`;
const MOVE_VERSIONS = `UPDATE groups SET version = version + 1, modified_at = ? WHERE seq IN (SELECT value FROM json_each(?))`;
