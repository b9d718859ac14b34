/**
 * Hand-over of a member to another address: begun by a change of the address (EMAIL_CHANGE) or by an
 * administrator, ended when the new address is a member. The old account then is a predecessor of
 * the user: never anybody else's, and locked for good.
 */
import type { Predecessor } from '../domain/person.js';
import type { Address, MemberId, WorkspaceGroupId, WorkspaceMember } from '../domain/types.js';
import { principalKey } from '../domain/types.js';
import { uniqueness } from '../errors.js';
import type { Core } from './core.js';
import { forgetPrincipalGifts, heldBy, refOfKey } from './given-shares.js';
import { findMember, groupsOfMember, membersAt, toMember, type MemberRow } from './mirror.js';
import { protectionOf } from './protection.js';
import { liveUserOfMember, rowOfSeq, type UserRow } from './users.js';

export function beginHandover(core: Core, row: UserRow): void {
  core.run('UPDATE users SET handover_since = COALESCE(handover_since, ?) WHERE seq = ?', core.now(), row.seq);
}

export function endHandover(core: Core, seq: number): void {
  core.run('UPDATE users SET handover_since = NULL WHERE seq = ?', seq);
}

/** The address is the member's own again, by a change back or by hand in ElevenLabs: nothing is to be handed over. */
export function endIfSettled(core: Core, seq: number): void {
  const { member_id: memberId, address, handover_since: since } = rowOfSeq(core, seq);
  if (since !== null && findMember(core, memberId)?.address === address) endHandover(core, seq);
}

/** The account that the user has had so far stays the user's, as a predecessor of the one that is linked next. */
export function leaveMember(core: Core, row: UserRow): void {
  if (row.member_id === null) return;
  core.run(INSERT, row.member_id, row.id, core.now());
  core.run(LEAVE, row.seq);
  forgetPrincipalGifts(core, principalKey({ kind: 'member', memberId: row.member_id }));
}

export function predecessorsOf(core: Core, userId: string): readonly Predecessor[] {
  return core.all<MemberRow & { readonly copied: number }>(SELECT_OF_USER, userId).map((row) => {
    const member = toMember(row);
    const held = heldBy(core, principalKey({ kind: 'member', memberId: member.memberId }));
    return {
      member,
      isCopied: row.copied === 1,
      isProtected: protectionOf(core, member, null) !== null,
      groups: new Set<WorkspaceGroupId>(groupsOfMember(core, member.memberId)),
      shares: [...held].map(([key, role]) => ({ resource: refOfKey(key), role })),
    };
  });
}

/** Whose predecessor this member is: seqs of users. */
export function heirsOf(core: Core, memberId: MemberId): readonly number[] {
  return core.values<number>(SELECT_HEIRS, memberId);
}

export function forgetPredecessor(core: Core, memberId: MemberId): void {
  core.run('DELETE FROM predecessors WHERE member_id = ?', memberId);
}

/** Everything is copied, once: what changes from now on is the business of whoever changes it. */
export function markCopied(core: Core, userId: string): void {
  core.run('UPDATE predecessors SET copied = 1 WHERE user_id = ? AND copied = 0', userId);
}

/**
 * An address by which ElevenLabs still knows somebody else: the newcomer would be given that
 * account, with everything in it.
 */
export function checkNobodysAccount(core: Core, address: Address | null, own: UserRow | null): void {
  for (const member of address === null ? [] : membersAt(core, address)) {
    const holder = holderOf(core, member);
    if (holder === null || holder.seq === own?.seq || holder.address === address) continue;
    throw uniqueness(
      `emails: ElevenLabs still knows user ${holder.id} (userName "${holder.user_name}", now "${holder.address ?? ''}") by the address "${member.address}". ` +
        'Change the address of that account in ElevenLabs, or remove the account there; then send the request again.',
    );
  }
}

function holderOf(core: Core, { memberId }: WorkspaceMember): UserRow | null {
  const live = liveUserOfMember(core, memberId);
  if (live !== undefined) return live.managed === 1 ? live : null;
  const [heir] = heirsOf(core, memberId);
  return heir === undefined ? null : rowOfSeq(core, heir);
}

const INSERT = 'INSERT OR REPLACE INTO predecessors (member_id, user_id, since) VALUES (?, ?, ?)';
const LEAVE = `UPDATE users SET member_id = NULL, locked_by_bridge = 0, seat_declined = NULL, handover_since = NULL WHERE seq = ?`;
const SELECT_OF_USER = `SELECT m.*, p.copied FROM predecessors AS p JOIN workspace_members AS m ON m.member_id = p.member_id
  WHERE p.user_id = ? ORDER BY p.since`;
const SELECT_HEIRS = 'SELECT u.seq FROM predecessors AS p JOIN users AS u ON u.id = p.user_id WHERE p.member_id = ?';
