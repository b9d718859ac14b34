/** Members at one address (domain/lookalikes.ts), as the mirror has them. */
import { inTheWay, lookalikesInWords } from '../domain/lookalikes.js';
import type { Lookalike } from '../domain/person.js';
import type { Address, WorkspaceMember } from '../domain/types.js';
import type { Core } from './core.js';
import { toMember, type MemberRow } from './mirror.js';
import { protectionOf } from './protection.js';
import { desiredOf, type UserRow } from './users.js';

/** Members at the address whom no live user has, by their id or as an account of before. */
export function freeMembersAt(core: Core, address: Address | null): readonly WorkspaceMember[] {
  return address === null ? [] : core.all<MemberRow>(SELECT_FREE, address).map(toMember);
}

/** Whose member somebody of this address would be, is not known. */
export function isAmbiguous(core: Core, address: Address | null): boolean {
  return freeMembersAt(core, address).length > 1;
}

/** See Person.lookalikes. */
export function lookalikesOf(core: Core, row: UserRow): readonly Lookalike[] {
  if (row.managed === 0) return [];
  const isLookedFor = desiredOf(row) !== 'active' || row.member_id === null || row.handover_since !== null;
  return core
    .all<MemberRow>(SELECT_LOOKALIKES, row.id, isLookedFor ? row.address : null, row.id, row.member_id)
    .map((member) => ({ member: toMember(member), isProtected: protectionOf(core, toMember(member), null) !== null }));
}

/** What keeps the user from becoming, or from ceasing to be, a member; null = nothing of the kind. */
export function ambiguityOf(core: Core, row: UserRow): string | null {
  const lookalikes = lookalikesOf(core, row);
  if (lookalikes.length === 0) return null;
  const members = inTheWay({ desired: desiredOf(row), address: row.address, lookalikes });
  return members.length === 0 ? null : lookalikesInWords(members);
}

/** SQL: no live user has this member, by its id or as an account of before. */
export const isFree = (member: string): string =>
  `NOT EXISTS (SELECT 1 FROM users WHERE users.member_id = ${member}.member_id AND users.deleted_at IS NULL)
   AND NOT EXISTS (SELECT 1 FROM predecessors WHERE predecessors.member_id = ${member}.member_id)`;

const SELECT_FREE = `SELECT * FROM workspace_members AS m WHERE address = ? AND ${isFree('m')} ORDER BY member_id`;
// Another live user who has claimed the address is the one to look there.
const SELECT_LOOKALIKES = `WITH
    own (address) AS (SELECT address FROM watches WHERE user_id = ? UNION SELECT ?),
    asker (id, member_id) AS (SELECT ?, ?)
  SELECT m.* FROM asker, own JOIN workspace_members AS m ON m.address = own.address
  WHERE m.member_id IS NOT asker.member_id AND ${isFree('m')}
    AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.address = m.address AND u.deleted_at IS NULL AND u.id <> asker.id)
    AND EXISTS (SELECT 1 FROM workspace_members AS o WHERE o.address = m.address AND o.member_id <> m.member_id
      AND (o.member_id = asker.member_id OR (${isFree('o')})))
  ORDER BY m.member_id`;
