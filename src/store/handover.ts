/**
 * Hand-over of a member to another address: begun by a change of the address (EMAIL_CHANGE) or by an
 * administrator, ended when the new address is a member. The account of before stays the user's: what it
 * has is copied, and then it is locked.
 */
import type { FormerAccount } from '../domain/person.js';
import { resourceKey } from '../domain/shares.js';
import { principalKey, type Address, type WorkspaceGroupId } from '../domain/types.js';
import { uniqueness } from '../errors.js';
import type { AccountRow } from './accounts.js';
import type { Core } from './core.js';
import { effectsOf } from './effects.js';
import { givenTo, heldBy, refOf, refOfKey, toGiven } from './given-shares.js';
import { findMember, groupsOfMember, toMember, type MemberRow } from './mirror.js';
import { protectionOf } from './protection.js';
import { rowOfSeq, type UserRow } from './users.js';

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

/** Accounts of the user beside the present one, as far as ElevenLabs knows them and can be asked about them. */
export function formerAccountsOf(core: Core, row: UserRow): readonly FormerAccount[] {
  return core
    .all<MemberRow & AccountRow & { readonly account_id: number }>(SELECT_FORMER, row.id, row.account_id, row.id)
    .map((found) => {
      const member = toMember(found);
      const principal = principalKey({ kind: 'member', memberId: member.memberId });
      const given = effectsOf(core, found.account_id).filter(({ aspect }) => aspect === 'group');
      return {
        member,
        copy: found.copied === null ? 'none' : found.copied === 1 ? 'done' : 'due',
        isDoubtful: found.ended_at !== null,
        isProtected: protectionOf(core, member, null) !== null,
        groups: new Set<WorkspaceGroupId>(groupsOfMember(core, member.memberId)),
        givenGroups: new Set(given.flatMap(({ target }) => (target === '' ? [] : [target]))),
        shares: [...heldBy(core, principal)].map(([key, role]) => ({ resource: refOfKey(key), role })),
        givenShares: new Map(givenTo(core, principal).map((share) => [resourceKey(refOf(share)), toGiven(share)])),
      };
    });
}

/** May a call about a member that the last reading did not show name its address? */
export function isCallable(
  core: Core,
  userId: string,
  row: Pick<MemberRow, 'member_id' | 'address' | 'missing_since'>,
): boolean {
  if (row.missing_since === null) return true;
  return core.value(IS_ADDRESS_TAKEN, row.address, row.member_id, row.address, userId) === 0;
}

/**
 * An address that is another user's, in ElevenLabs or by an invite that may still be accepted: the
 * newcomer would be given that account, with everything in it.
 */
export function checkNobodysAccount(core: Core, address: Address | null, own: UserRow | null): void {
  if (address === null) return;
  const holder = core.get<UserRow & { readonly is_bare: number }>(SELECT_HOLDER, address, own?.id ?? '', address);
  if (holder === undefined) return;
  throw uniqueness(
    holder.is_bare === 1
      ? `emails: an invite to "${address}" that was meant for user ${holder.id} (userName "${holder.user_name}") may still be accepted. The bridge is revoking it; send the request again in some minutes.`
      : `emails: ElevenLabs still knows user ${holder.id} (userName "${holder.user_name}", now "${holder.address ?? ''}") by the address "${address}". Change the address of that account in ElevenLabs, or remove the account there; then send the request again.`,
  );
}

// The last listed of several at one address is the one that a call reaches.
const SELECT_FORMER = `SELECT m.*, a.id AS account_id, a.copied, a.ended_at FROM accounts AS a
  JOIN workspace_members AS m ON m.member_id = a.member_id
  WHERE a.user_id = ? AND a.id IS NOT ? AND (m.missing_since IS NULL OR (
    NOT EXISTS (SELECT 1 FROM workspace_members AS o WHERE o.address = m.address AND o.member_id <> m.member_id)
    AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.address = m.address AND u.deleted_at IS NULL AND u.id <> ?)))
  ORDER BY a.id`;
const IS_ADDRESS_TAKEN = `SELECT EXISTS (SELECT 1 FROM workspace_members AS o WHERE o.address = ? AND o.member_id <> ?)
  OR EXISTS (SELECT 1 FROM users AS u WHERE u.address = ? AND u.deleted_at IS NULL AND u.id <> ?)`;
const SELECT_HOLDER = `SELECT u.*, a.member_id IS NULL AS is_bare FROM accounts AS a JOIN users AS u ON u.id = a.user_id
  WHERE a.address = ? AND a.ended_at IS NULL AND a.gone_at IS NULL AND u.id <> ? AND u.managed = 1 AND u.deleted_at IS NULL
    AND u.address IS NOT ? ORDER BY is_bare LIMIT 1`;
