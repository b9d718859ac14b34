/** Members whom no list has shown, because the API key may not list them (domain/unlisted.ts). */
import { idIn, idsByAddress } from '../domain/lookalikes.js';
import { isUnlisted } from '../domain/unlisted.js';
import { principalKey, type Address, type Change, type MemberId, type WorkspaceMember } from '../domain/types.js';
import { PRIORITY, scheduleUsers } from './agenda.js';
import { appendAudit } from './audit.js';
import type { Core } from './core.js';
import { invitesOf, latestInvite } from './invites.js';
import { findMember } from './mirror.js';
import { userSubject } from './subject.js';
import { linkMember } from './user-links.js';
import type { UserRow } from './users.js';

/** A change about an invitee went through: so there is a member of that address. */
export function linkUnlisted(core: Core, user: UserRow, change: Change, cause: string | null): void {
  if (!('memberId' in change) || !isUnlisted(change.memberId) || user.member_id !== null) return;
  const { memberId } = change;
  const invite = latestInvite(invitesOf(core, user.id), user.address);
  core.run(INSERT, memberId, user.address, user.address, invite?.seat_type ?? null, core.now());
  const member = findMember(core, memberId);
  if (member === null) return;
  const how = linkMember(core, user.seq, member);
  appendAudit(core, {
    actor: 'bridge',
    action: `user.${how}`,
    subject: userSubject(user.id),
    requestId: cause,
    version: user.version,
    after: { memberId },
  });
}

/** A list at last: whom it shows gets the true id, with everything that hangs on the other one. */
export function nameUnlisted(core: Core, members: readonly WorkspaceMember[]): void {
  const presumed = core.raw<[MemberId, Address]>(SELECT_UNLISTED);
  if (presumed.length === 0) return;
  const ids = idsByAddress(members);
  for (const [unlisted, address] of presumed) {
    // Calls went to the address as it is here: that is how the right one is written, should several fold to it.
    const memberId = idIn(ids, address);
    if (memberId === undefined || findMember(core, memberId) !== null) continue;
    for (const sql of RENAME) core.run(sql, memberId, unlisted);
    const [to, from] = [memberId, unlisted].map((id) => principalKey({ kind: 'member', memberId: id }));
    for (const sql of RENAME_PRINCIPAL) core.run(sql, to ?? '', from ?? '');
  }
}

/** Invitees for whom more is wanted than the invite gives are planned: trying is all that tells. */
export function scheduleTries(core: Core, cause: string): number {
  const seqs = core.values<number>(SELECT_INVITEES);
  return scheduleUsers(core, seqs, { priority: PRIORITY.background, id: cause, dueAt: core.now(), isReading: true });
}

const INSERT = `INSERT INTO workspace_members (member_id, email, address, seat_type, is_owner, is_locked, touched_at)
  VALUES (?, ?, ?, ?, 0, 0, ?) ON CONFLICT DO NOTHING`;
const SELECT_UNLISTED = "SELECT member_id, address FROM workspace_members WHERE instr(member_id, '@') > 0";
const RENAME = [
  // Never at the cost of a user: two of them linked to one member are for the reading to sort out.
  'UPDATE OR IGNORE users SET member_id = ? WHERE member_id = ?',
  'UPDATE OR IGNORE accounts SET member_id = ? WHERE member_id = ?',
  ...['workspace_members', 'workspace_group_members', 'invites'].map(
    (table) => `UPDATE OR REPLACE ${table} SET member_id = ? WHERE member_id = ?`,
  ),
];
const RENAME_PRINCIPAL = ['given_shares', 'workspace_shares'].map(
  (table) => `UPDATE OR REPLACE ${table} SET principal = ? WHERE principal = ?`,
);
const SELECT_INVITEES = `SELECT u.seq FROM invites AS i JOIN users AS u ON u.id = i.user_id AND u.address = i.address
  WHERE i.state IN ('invited', 'ambiguous', 'expired') AND u.member_id IS NULL AND u.managed = 1 AND u.active = 1
    AND u.deleted_at IS NULL`;
