/** Members at one address (domain/lookalikes.ts), as the mirror has them. */
import { inTheWay, lookalikesInWords } from '../domain/lookalikes.js';
import type { Lookalike } from '../domain/person.js';
import type { Address, UserId, WorkspaceMember } from '../domain/types.js';
import type { Core } from './core.js';
import { toMember, type MemberRow } from './mirror.js';
import { protectionOf } from './protection.js';
import { desiredOf, type UserRow } from './users.js';

/** Members at the address whose account is nobody else's. */
export function freeMembersAt(core: Core, address: Address | null, own: UserId | null): readonly WorkspaceMember[] {
  return address === null ? [] : core.all<MemberRow>(SELECT_FREE, address, own).map(toMember);
}

/** Members at the address whose account is nobody's, or that of a deleted user, which an IdP's word moves. */
export function membersForNewcomer(core: Core, address: Address | null): readonly WorkspaceMember[] {
  return address === null ? [] : core.all<MemberRow>(SELECT_FOR_NEWCOMER, address).map(toMember);
}

/** Whose member somebody of this address would be, is not known. */
export function isAmbiguous(core: Core, address: Address | null, own: UserId | null): boolean {
  return freeMembersAt(core, address, own).length > 1;
}

/** See Person.lookalikes. */
export function lookalikesOf(core: Core, row: UserRow): readonly Lookalike[] {
  if (row.managed === 0) return [];
  const isLookedFor = desiredOf(row) !== 'active' || row.member_id === null || row.handover_since !== null;
  return core
    .all<MemberRow>(
      SELECT_LOOKALIKES,
      row.id,
      isLookedFor ? null : row.account_id,
      isLookedFor ? row.address : null,
      row.id,
    )
    .map((member) => ({ member: toMember(member), isProtected: protectionOf(core, toMember(member), null) !== null }));
}

/** What keeps the user from becoming, or from ceasing to be, a member; null = nothing of the kind. */
export function ambiguityOf(core: Core, row: UserRow): string | null {
  const lookalikes = lookalikesOf(core, row);
  if (lookalikes.length === 0) return null;
  const members = inTheWay({ desired: desiredOf(row), address: row.address, lookalikes });
  return members.length === 0 ? null : lookalikesInWords(members);
}

/** SQL: the account of this member is no user's, live or deleted, but perhaps that of the user with the id `own`. */
export const isFree = (member: string, own = "''"): string =>
  `NOT EXISTS (SELECT 1 FROM accounts AS fa JOIN users AS fu ON fu.id = fa.user_id
    WHERE fa.member_id = ${member}.member_id AND fu.id IS NOT ${own})`;
/** SQL: the last reading showed it. */
export const isPresent = (member: string): string => `${member}.missing_since IS NULL`;

const SELECT_FREE = `SELECT * FROM workspace_members AS m WHERE address = ? AND ${isPresent('m')} AND ${isFree('m', '?')}
  ORDER BY member_id`;
const SELECT_FOR_NEWCOMER = `SELECT * FROM workspace_members AS m WHERE address = ? AND ${isPresent('m')}
  AND NOT EXISTS (SELECT 1 FROM accounts AS fa JOIN users AS fu ON fu.id = fa.user_id
    WHERE fa.member_id = m.member_id AND fu.deleted_at IS NULL) ORDER BY member_id`;
// Another live user who has claimed the address is the one to look there. What is known to be the asker's is not guessed.
const SELECT_LOOKALIKES = `WITH
    own (address) AS (SELECT address FROM accounts WHERE user_id = ? AND ended_at IS NULL AND id IS NOT ? UNION SELECT ?),
    asker (id) AS (SELECT ?)
  SELECT m.* FROM asker, own JOIN workspace_members AS m ON m.address = own.address
  WHERE ${isPresent('m')} AND ${isFree('m')}
    AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.address = m.address AND u.deleted_at IS NULL AND u.id <> asker.id)
    AND EXISTS (SELECT 1 FROM workspace_members AS o WHERE o.address = m.address AND o.member_id <> m.member_id
      AND ${isPresent('o')} AND ${isFree('o', 'asker.id')})
  ORDER BY m.member_id`;
