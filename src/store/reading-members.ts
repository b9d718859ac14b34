/**
 * What the members of a reading mean for users: accepted, found, changed, back, gone, not allowed to be
 * there. Presence is believed at once. Absence is not: a member that three full readings in a row do not
 * show has gone, and even then its account stays its user's.
 */
import {
  changeKey,
  type Address,
  type MemberId,
  type Millis,
  type UserId,
  type WorkspaceMember,
} from '../domain/types.js';
import { accountOfMember, endBareAddresses, markGone, tieMember } from './accounts.js';
import { PRIORITY, unsettleUsers } from './agenda.js';
import { appendAudit } from './audit.js';
import type { Core } from './core.js';
import { settleByMembers } from './effects.js';
import { endIfSettled } from './handover.js';
import { dropAmbiguous, dropImported, followMember, importMembers } from './imports.js';
import { isFree, isPresent } from './lookalikes.js';
import { toMember, type MemberRow } from './mirror.js';
import { diffMembers, type ChangedMember, type MemberDiff } from './mirror-diff.js';
import type { Belief, ReadingEffect } from './port.js';
import type { Concerned } from './reading.js';
import { membersReadAt } from './settings.js';
import { userSubject } from './subject.js';
import { nameUnlisted } from './unlisted.js';
import { findFreeMember, joinMirrorGroups, linkMember, relinkMember, unlinkGoneMember } from './user-links.js';
import { rowOfSeq, rowOfUser, type UserRow } from './users.js';

export interface ReadingContext {
  readonly startedAt: Millis;
  readonly cause: string;
  readonly concerned: Concerned;
  readonly belief: Belief;
}

const ACTOR = 'bridge';

export function applyMembers(
  core: Core,
  listed: readonly WorkspaceMember[],
  context: ReadingContext,
): { readonly accepted: ReadingEffect['accepted']; readonly imported: number; readonly changed: number } {
  const isDoubted = context.belief === 'doubted';
  const members = isDoubted ? leaversAmong(core, listed) : listed;
  nameUnlisted(core, members);
  const diff = diffMembers(core, members, context);
  settleByMembers(core, context.startedAt);
  for (const member of diff.gone) memberGone(core, member, context);
  for (const change of diff.changed) memberChanged(core, change, context);
  for (const member of diff.added) memberCameUp(core, member, context);
  context.concerned.users(
    diff.seenAgain.flatMap((memberId) => holderSeqs(core, memberId)),
    PRIORITY.background,
  );
  if (!isDoubted) dropAmbiguous(core, context.cause);
  const accepted = isDoubted ? [] : linkByAddress(core, context);
  const came = [...diff.added, ...diff.changed.map(({ after }) => after)];
  const moved = diff.changed.filter(({ before, after }) => before.address !== after.address);
  const left = [...diff.gone, ...moved.map(({ before }) => before)];
  for (const { address } of came) crowdAt(core, address, 2, context);
  for (const { address } of left) crowdAt(core, address, 1, context);
  for (const address of new Set([...came, ...left].map((member) => member.address)))
    tieToLeaver(core, address, context);
  const imported = isDoubted ? [] : importMembers(core, context.cause);
  for (const seq of imported) {
    const { member_id: memberId } = rowOfSeq(core, seq);
    if (memberId !== null) joinMirrorGroups(core, seq, memberId);
  }
  if (adminsMoved(diff)) context.concerned.users(core.values<number>(SELECT_ADMINS), PRIORITY.background);
  if (context.belief === 'counted' || context.belief === 'whole') endBareAddresses(core, context.startedAt);
  return { accepted, imported: imported.length, changed: diff.added.length + diff.changed.length + diff.gone.length };
}

/** Of a list that is not believed: those who must have no access, and have it. */
function leaversAmong(core: Core, listed: readonly WorkspaceMember[]): readonly WorkspaceMember[] {
  const ids = new Set(core.values<MemberId>(SELECT_LEAVERS_BY_ID));
  const addresses = new Set(core.values<Address>(SELECT_LEAVERS_BY_ADDRESS));
  const isKnown = (member: WorkspaceMember): boolean => accountOfMember(core, member.memberId) !== undefined;
  return listed.filter(
    (member) => ids.has(member.memberId) || (addresses.has(member.address) && !isKnown(member) && !member.isLocked),
  );
}

/** The users of whose accounts this member is one, or was the last. */
function holdersOf(core: Core, memberId: MemberId): readonly UserRow[] {
  return core.all<UserRow>(SELECT_HOLDERS, memberId);
}

const holderSeqs = (core: Core, memberId: MemberId): readonly number[] =>
  holdersOf(core, memberId).map(({ seq }) => seq);

function memberGone(core: Core, member: WorkspaceMember, context: ReadingContext): void {
  markGone(core, member.memberId);
  for (const row of holdersOf(core, member.memberId)) {
    context.concerned.users([row.seq], PRIORITY.background);
    if (row.member_id !== member.memberId) continue;
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
  }
}

/** Seen for the first time, or again after it had gone: its account is whose it was. */
function memberCameUp(core: Core, member: WorkspaceMember, context: ReadingContext): void {
  const account = accountOfMember(core, member.memberId);
  if (account === undefined) return;
  core.run('UPDATE accounts SET gone_at = NULL, address = ? WHERE id = ?', member.address, account.id);
  const row = account.user_id === null ? undefined : rowOfUser(core, account.user_id);
  if (row === undefined) return;
  if (row.account_id === account.id && row.member_id === null) {
    relinkMember(core, row, member);
    appendAudit(core, {
      actor: ACTOR,
      action: 'user.memberBack',
      subject: userSubject(row.id),
      requestId: context.cause,
      version: row.version,
      after: { memberId: member.memberId },
    });
  }
  const isLeaver = row.active === 0 || row.deleted_at !== null || row.member_id !== member.memberId;
  context.concerned.users([row.seq], isLeaver ? PRIORITY.withdrawal : PRIORITY.background);
}

function memberChanged(core: Core, change: ChangedMember, context: ReadingContext): void {
  const { before, after } = change;
  if (before.address !== after.address)
    core.run('UPDATE accounts SET address = ? WHERE member_id = ?', after.address, after.memberId);
  for (const row of holdersOf(core, after.memberId)) {
    if (row.managed === 0) {
      if (row.member_id === after.memberId) followMember(core, row, change, context.cause);
      context.concerned.show(row.seq);
      context.concerned.users([row.seq], PRIORITY.background);
      continue;
    }
    endIfSettled(core, row.seq);
    if (wasDowngraded(core, change)) unsettleUsers(core, [row.seq]);
    const isPresentAccount = row.member_id === after.memberId && row.active === 1;
    context.concerned.users([row.seq], isPresentAccount ? PRIORITY.background : PRIORITY.withdrawal);
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
    const member = isOpen ? findFreeMember(core, row.id, row.address) : null;
    if (member === null || member.memberId === row.member_id) continue;
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

/** Somebody is there by an address of a user that is not the address of a live one. Of several, none is guessed. */
function tieToLeaver(core: Core, address: Address, context: ReadingContext): void {
  const holders = core.values<number>(SELECT_TIED_AT, address, address);
  context.concerned.users(holders, PRIORITY.withdrawal);
  const [seq] = holders;
  const [free, ...others] = core.all<MemberRow>(SELECT_FREE_AT, address);
  if (seq === undefined || free === undefined || others.length > 0) return;
  const row = rowOfSeq(core, seq);
  const account = tieMember(core, row.id, toMember(free));
  // A tombstone without a member of its own shows this one.
  if (row.account_id === null && row.member_id === null && row.deleted_at !== null && account.ended_at === null)
    core.run('UPDATE users SET account_id = ?, member_id = ? WHERE seq = ?', account.id, free.member_id, seq);
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

const IS_LEAVER = '(u.deleted_at IS NOT NULL OR (u.managed = 1 AND u.active = 0))';
const SELECT_LEAVERS_BY_ID = `SELECT a.member_id FROM accounts AS a JOIN users AS u ON u.id = a.user_id
  WHERE a.member_id IS NOT NULL AND ${IS_LEAVER}`;
const SELECT_LEAVERS_BY_ADDRESS = `SELECT a.address FROM accounts AS a JOIN users AS u ON u.id = a.user_id
  WHERE a.ended_at IS NULL AND ${IS_LEAVER}
    AND NOT EXISTS (SELECT 1 FROM users AS o WHERE o.address = a.address AND o.deleted_at IS NULL AND o.id <> u.id)`;
// By its account, and by the link of a tombstone from before accounts.
const SELECT_HOLDERS = `SELECT u.* FROM accounts AS a JOIN users AS u ON u.id = a.user_id WHERE a.member_id = ?`;
const SELECT_LINKABLE = `SELECT DISTINCT u.seq FROM workspace_members AS m
  JOIN users AS u ON u.address = m.address AND u.deleted_at IS NULL
  WHERE (u.member_id IS NULL OR (u.handover_since IS NOT NULL AND u.member_id <> m.member_id))
    AND ${isPresent('m')} AND ${isFree('m', 'u.id')}`;
// Ended ones come last: the address may be somebody else's by now.
const SELECT_TIED_AT = `SELECT u.seq FROM accounts AS a JOIN users AS u ON u.id = a.user_id
  WHERE a.address = ? AND (u.managed = 1 OR u.deleted_at IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM users AS o WHERE o.address = ? AND o.deleted_at IS NULL AND o.id <> u.id)
    AND NOT (u.address = a.address AND u.deleted_at IS NULL)
  GROUP BY u.seq ORDER BY MIN(a.ended_at IS NOT NULL), MAX(a.tied_at) DESC`;
const SELECT_FREE_AT = `SELECT * FROM workspace_members AS m WHERE m.address = ? AND ${isPresent('m')} AND ${isFree('m')}`;
const UNLOCKED_SINCE = `SELECT 1 FROM ledger WHERE ended_at >= ? AND change_key = ? AND state = 'done' LIMIT 1`;
const COUNT_AT = 'SELECT COUNT(*) FROM workspace_members WHERE address = ? AND missing_since IS NULL';
const SELECT_LOOKED_FOR = `SELECT seq FROM users WHERE address = ? AND deleted_at IS NULL
  UNION SELECT u.seq FROM accounts AS a JOIN users AS u ON u.id = a.user_id WHERE a.address = ?`;
const SELECT_ADMINS = `SELECT u.seq FROM workspace_members AS m JOIN users AS u ON u.member_id = m.member_id AND u.deleted_at IS NULL
  WHERE m.seat_type = 'workspace_admin' AND m.is_locked = 0`;
