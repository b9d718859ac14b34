/** What the members of a reading mean for users: accepted, found, changed, gone, not allowed to be there. */
import {
  changeKey,
  type Address,
  type MemberId,
  type Millis,
  type UserId,
  type WorkspaceMember,
} from '../domain/types.js';
import { PRIORITY, unsettleUsers } from './agenda.js';
import { appendAudit } from './audit.js';
import type { Core } from './core.js';
import { endIfSettled, forgetPredecessor, heirsOf } from './handover.js';
import { dropAmbiguous, dropImported, followMember, importMembers } from './imports.js';
import { isFree } from './lookalikes.js';
import { diffMembers, type ChangedMember, type MemberDiff } from './mirror-diff.js';
import type { ReadingEffect } from './port.js';
import type { Concerned } from './reading.js';
import { membersReadAt } from './settings.js';
import { userSubject } from './subject.js';
import { nameUnlisted } from './unlisted.js';
import { findFreeMember, joinMirrorGroups, linkMember, unlinkGoneMember } from './user-links.js';
import { rowOfSeq, type UserRow } from './users.js';

export interface ReadingContext {
  readonly startedAt: Millis;
  readonly cause: string;
  readonly concerned: Concerned;
}

const ACTOR = 'bridge';

export function applyMembers(
  core: Core,
  members: readonly WorkspaceMember[],
  context: ReadingContext,
): { readonly accepted: ReadingEffect['accepted']; readonly imported: number; readonly changed: number } {
  nameUnlisted(core, members);
  const diff = diffMembers(core, members, context.startedAt);
  for (const member of diff.gone) memberGone(core, member, context);
  for (const change of diff.changed) memberChanged(core, change, context);
  dropAmbiguous(core, context.cause);
  const accepted = linkByAddress(core, context);
  const came = [...diff.added, ...diff.changed.map(({ after }) => after)];
  for (const member of came) watchersOf(core, member, context);
  const moved = diff.changed.filter(({ before, after }) => before.address !== after.address);
  const left = [...diff.gone, ...moved.map(({ before }) => before)];
  for (const { address } of came) crowdAt(core, address, 2, context);
  for (const { address } of left) crowdAt(core, address, 1, context);
  const imported = importMembers(core, context.cause);
  for (const seq of imported) {
    const { member_id: memberId } = rowOfSeq(core, seq);
    if (memberId !== null) joinMirrorGroups(core, seq, memberId);
  }
  if (adminsMoved(diff)) context.concerned.users(core.values<number>(SELECT_ADMINS), PRIORITY.background);
  return { accepted, imported: imported.length, changed: diff.added.length + diff.changed.length + diff.gone.length };
}

/** Live user and tombstone alike may be linked to one member for a moment of hand-over. */
function usersOfMember(core: Core, memberId: MemberId): readonly UserRow[] {
  return core.all<UserRow>('SELECT * FROM users WHERE member_id = ?', memberId);
}

function memberGone(core: Core, member: WorkspaceMember, context: ReadingContext): void {
  forgetPredecessor(core, member.memberId);
  for (const row of usersOfMember(core, member.memberId)) {
    if (row.managed === 0) {
      dropImported(core, row, context.cause);
      continue;
    }
    unlinkGoneMember(core, row);
    appendAudit(core, {
      actor: ACTOR,
      action: 'user.memberGone',
      subject: userSubject(row.id),
      requestId: context.cause,
      version: row.version,
      before: { memberId: member.memberId },
    });
    context.concerned.users([row.seq], PRIORITY.background);
  }
}

function memberChanged(core: Core, change: ChangedMember, context: ReadingContext): void {
  const { before, after } = change;
  context.concerned.users(heirsOf(core, after.memberId), PRIORITY.withdrawal);
  for (const row of usersOfMember(core, after.memberId)) {
    if (row.managed === 0) {
      followMember(core, row, change, context.cause);
      context.concerned.show(row.seq);
      continue;
    }
    endIfSettled(core, row.seq);
    // Unlocked by a person: a later lock is that person's, too.
    if (before.isLocked && !after.isLocked) core.run('UPDATE users SET locked_by_bridge = 0 WHERE seq = ?', row.seq);
    if (wasDowngraded(core, change)) unsettleUsers(core, [row.seq]);
    context.concerned.users([row.seq], row.active === 1 ? PRIORITY.background : PRIORITY.withdrawal);
  }
}

/**
 * A basic seat at the first look after our unlock: with ALLOW_BASIC_DOWNGRADE that was ElevenLabs,
 * and no hand. The seat of the rules is still owed.
 */
function wasDowngraded(core: Core, { before, after }: ChangedMember): boolean {
  if (!core.rules().allowDowngrade || after.seatType !== 'workspace_lite_member' || before.seatType === after.seatType)
    return false;
  const key = changeKey({ kind: 'unlock', memberId: after.memberId, allowDowngrade: true });
  return core.value(UNLOCKED_SINCE, membersReadAt(core) ?? 0, key) === 1;
}

/** A member whose address is that of a user without one: an invite was accepted, or somebody was found. */
function linkByAddress(core: Core, context: ReadingContext): ReadingEffect['accepted'] {
  const accepted: { userId: UserId; address: Address }[] = [];
  for (const seq of core.values<number>(SELECT_LINKABLE)) {
    const row = rowOfSeq(core, seq);
    const isOpen = row.member_id === null || row.handover_since !== null;
    const member = isOpen ? findFreeMember(core, row.address) : null;
    if (member === null) continue;
    const { memberId } = member;
    const how = linkMember(core, seq, member);
    if (how === 'accepted') accepted.push({ userId: row.id, address: member.address });
    appendAudit(core, {
      actor: ACTOR,
      action: `user.${how}`,
      subject: userSubject(row.id),
      requestId: context.cause,
      version: row.version,
      after: { memberId },
    });
    context.concerned.users([seq], row.active === 1 ? PRIORITY.grant : PRIORITY.withdrawal);
  }
  return accepted;
}

/** Somebody is there whose access was withdrawn. */
function watchersOf(core: Core, member: WorkspaceMember, context: ReadingContext): void {
  if (member.isLocked || core.value(HAS_LIVE_USER, member.memberId) === 1) return;
  context.concerned.users(core.values<number>(SELECT_WATCHERS, member.address), PRIORITY.withdrawal);
}

/** Several members have, or had, this address: for those who are looked for there that may mean something else now. */
function crowdAt(core: Core, address: Address, atLeast: number, context: ReadingContext): void {
  if ((core.value<number>(COUNT_AT, address) ?? 0) < atLeast) return;
  context.concerned.users(core.values<number>(SELECT_LOOKED_FOR, address, address), PRIORITY.withdrawal);
}

function adminsMoved(diff: MemberDiff): boolean {
  const isAdmin = (member: WorkspaceMember): boolean => member.seatType === 'workspace_admin';
  return (
    diff.gone.some(isAdmin) ||
    diff.added.some(isAdmin) ||
    diff.changed.some(
      ({ before, after }) =>
        isAdmin(before) !== isAdmin(after) || (isAdmin(after) && before.isLocked !== after.isLocked),
    )
  );
}

const SELECT_LINKABLE = `SELECT DISTINCT u.seq FROM workspace_members AS m
  JOIN users AS u ON u.address = m.address AND u.deleted_at IS NULL
  WHERE (u.member_id IS NULL OR (u.handover_since IS NOT NULL AND u.member_id <> m.member_id)) AND ${isFree('m')}`;
const HAS_LIVE_USER = 'SELECT 1 FROM users WHERE member_id = ? AND deleted_at IS NULL';
const SELECT_WATCHERS = 'SELECT u.seq FROM watches AS w JOIN users AS u ON u.id = w.user_id WHERE w.address = ?';
const UNLOCKED_SINCE = `SELECT 1 FROM ledger WHERE ended_at >= ? AND change_key = ? AND state = 'done' LIMIT 1`;
const COUNT_AT = 'SELECT COUNT(*) FROM workspace_members WHERE address = ?';
const SELECT_LOOKED_FOR = `SELECT seq FROM users WHERE address = ? AND deleted_at IS NULL
  UNION SELECT u.seq FROM watches AS w JOIN users AS u ON u.id = w.user_id WHERE w.address = ?`;
const SELECT_ADMINS = `SELECT u.seq FROM workspace_members AS m JOIN users AS u ON u.member_id = m.member_id AND u.deleted_at IS NULL
  WHERE m.seat_type = 'workspace_admin' AND m.is_locked = 0`;
