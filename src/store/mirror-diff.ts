/**
 * Brings the mirror up to a reading and answers what was different. Rows that the bridge wrote
 * itself after the reading began are left alone: the reading may not have seen that write yet.
 */
import {
  changeKey,
  type MemberId,
  type Millis,
  type WorkspaceGroup,
  type WorkspaceGroupId,
  type WorkspaceMember,
} from '../domain/types.js';
import { isUnlisted } from '../domain/unlisted.js';
import type { Core } from './core.js';
import { nameKeyOf } from './group-links.js';
import type { Belief } from './port.js';
import { toMember, type MemberRow, type WorkspaceGroupRow } from './mirror.js';

export interface ChangedMember {
  readonly before: WorkspaceMember;
  readonly after: WorkspaceMember;
}

export interface MemberDiff {
  readonly added: readonly WorkspaceMember[];
  readonly changed: readonly ChangedMember[];
  readonly gone: readonly WorkspaceMember[];
  /** Missing in the last reading, and listed now as they were. */
  readonly seenAgain: readonly MemberId[];
}

/** Full readings in a row, without a fault between them, after which who is missing has gone. */
const GONE_READINGS = 3;

/**
 * Rows come as one signature each and are read in full only where it differs: an unchanged
 * reading of 5,000 members must not be felt by those who wait for a SCIM answer meanwhile.
 */
export function diffMembers(
  core: Core,
  members: readonly WorkspaceMember[],
  { startedAt, belief }: { readonly startedAt: Millis; readonly belief: Belief },
): MemberDiff {
  const known = new Map(core.raw<[MemberId, string]>(SELECT_SIGNATURES));
  const added: WorkspaceMember[] = [];
  const changed: ChangedMember[] = [];
  for (const member of members) {
    const signature = known.get(member.memberId);
    if (signature === undefined) added.push(member);
    else if (signature !== signatureOf(member)) pushIfOlder(core, changed, member, startedAt);
    known.delete(member.memberId);
  }
  const listed = JSON.stringify(members.map(({ memberId }) => memberId));
  const seenAgain = core.values<MemberId>(SEE_AGAIN, listed);
  const gone = belief === 'doubted' ? [] : missing(core, [...known.keys()], { startedAt, belief });
  for (const member of added) core.run(INSERT_MEMBER, ...columnsOf(member), member.memberId);
  for (const { after } of changed) core.run(UPDATE_MEMBER, ...columnsOf(after), after.memberId);
  for (const row of gone) core.run('DELETE FROM workspace_members WHERE member_id = ?', row.member_id);
  return { added, changed, gone: gone.map(toMember), seenAgain };
}

/** Counts those whom a reading does not show, and answers who has gone by it. Whom no list ever showed is not missing. */
function missing(
  core: Core,
  memberIds: readonly MemberId[],
  { startedAt, belief }: { readonly startedAt: Millis; readonly belief: Belief },
): readonly MemberRow[] {
  const rows = memberIds.map((id) => memberRow(core, id)).filter((row) => row.touched_at < startedAt);
  const isCounted = belief === 'counted' || belief === 'whole';
  for (const { member_id: memberId } of rows) core.run(MISS, startedAt, isCounted ? 1 : 0, memberId);
  if (belief === 'whole') return rows;
  return isCounted ? rows.filter((row) => row.missing_readings + 1 >= GONE_READINGS) : [];
}

/** A reading failed: those that show somebody missing are not in a row any more. */
export function interruptReadings(core: Core): void {
  for (const table of ['workspace_members', 'workspace_groups'])
    core.run(`UPDATE ${table} SET missing_readings = 0 WHERE missing_readings > 0`);
}

function pushIfOlder(core: Core, changed: ChangedMember[], after: WorkspaceMember, startedAt: Millis): void {
  const row = memberRow(core, after.memberId);
  if (row.touched_at < startedAt) changed.push({ before: toMember(row), after });
}

function memberRow(core: Core, memberId: MemberId): MemberRow {
  const row = core.get<MemberRow>('SELECT * FROM workspace_members WHERE member_id = ?', memberId);
  if (row === undefined) throw new Error(`no member ${memberId}`);
  return row;
}

/** As SELECT_SIGNATURES: every column but the key. */
function signatureOf(member: WorkspaceMember): string {
  const { email, address, firstName, seatType, isOwner, isLocked } = member;
  return `${isOwner ? 1 : 0}${isLocked ? 1 : 0}${seatType ?? '-'}\n${email}\n${address}\n${firstName === null ? '-' : `+${firstName}`}`;
}

function columnsOf(member: WorkspaceMember): readonly (string | number | null)[] {
  return [
    member.email,
    member.address,
    member.firstName,
    member.seatType,
    member.isOwner ? 1 : 0,
    member.isLocked ? 1 : 0,
  ];
}

export interface Pair {
  readonly groupId: WorkspaceGroupId;
  readonly memberId: MemberId;
}

interface PairDiff {
  readonly joined: Pair[];
  readonly left: Pair[];
}

export interface GroupDiff {
  readonly added: readonly WorkspaceGroup[];
  readonly renamed: readonly { readonly before: string; readonly group: WorkspaceGroup }[];
  /** `readOnly` turned on or off. */
  readonly switched: readonly WorkspaceGroup[];
  readonly gone: readonly WorkspaceGroupId[];
  readonly joined: readonly Pair[];
  readonly left: readonly Pair[];
}

export function diffGroups(
  core: Core,
  groups: readonly WorkspaceGroup[],
  options: { readonly startedAt: Millis; readonly partial: boolean; readonly belief: Belief },
): GroupDiff {
  const known = new Map(
    core.all<WorkspaceGroupRow>('SELECT * FROM workspace_groups').map((row) => [row.group_id, row]),
  );
  const membersOf = new Map(core.raw<[WorkspaceGroupId, string]>(SELECT_MEMBERS_AS_TEXT));
  const diff = {
    added: [] as WorkspaceGroup[],
    renamed: [] as GroupDiff['renamed'][number][],
    switched: [] as WorkspaceGroup[],
    joined: [] as Pair[],
    left: [] as Pair[],
  };
  for (const group of groups) {
    const row = known.get(group.groupId);
    known.delete(group.groupId);
    if (row === undefined) diff.added.push(group);
    else {
      if (row.name !== group.name) diff.renamed.push({ before: row.name, group });
      if (row.read_only !== (group.readOnly ? 1 : 0)) diff.switched.push(group);
    }
    diffPairs(core, group, membersOf.get(group.groupId) ?? '', options.startedAt, diff);
  }
  core.run(SEE_GROUPS_AGAIN, JSON.stringify(groups.map(({ groupId }) => groupId)));
  const gone = options.partial ? [] : missingGroups(core, [...known.values()], options);
  storeGroups(core, { ...diff, gone });
  return { ...diff, gone };
}

function missingGroups(
  core: Core,
  rows: readonly WorkspaceGroupRow[],
  { startedAt, belief }: { readonly startedAt: Millis; readonly belief: Belief },
): readonly WorkspaceGroupId[] {
  const isCounted = belief === 'counted' || belief === 'whole';
  for (const { group_id: groupId } of rows) core.run(MISS_GROUP, startedAt, isCounted ? 1 : 0, groupId);
  const gone = rows.filter((row) => belief === 'whole' || (isCounted && row.missing_readings + 1 >= GONE_READINGS));
  return gone.map((row) => row.group_id);
}

/** Compares a group's members as one text first; most groups are as they were. */
function diffPairs(core: Core, group: WorkspaceGroup, known: string, startedAt: Millis, diff: PairDiff): void {
  if (known === [...group.memberIds].sort().join('\n')) return;
  const present = new Map(core.raw<[MemberId, Millis]>(SELECT_MEMBERS_OF_GROUP, group.groupId));
  for (const memberId of new Set(group.memberIds)) {
    if (!present.delete(memberId) && !wasRemovedSince(core, group.groupId, memberId, startedAt))
      diff.joined.push({ groupId: group.groupId, memberId });
  }
  for (const [memberId, touchedAt] of present) {
    // Whom no list has shown cannot be missing in one.
    const isPresumed = isUnlisted(memberId) && core.value(IS_MEMBER, memberId) === 1;
    if (touchedAt < startedAt && !isPresumed && core.value(IS_MISSING, memberId) !== 1)
      diff.left.push({ groupId: group.groupId, memberId });
  }
}

/** Pairs that the bridge took out after the reading began have no row that could say so: the ledger tells. */
function wasRemovedSince(core: Core, groupId: WorkspaceGroupId, memberId: MemberId, startedAt: Millis): boolean {
  return core.value(WAS_REMOVED, startedAt, changeKey({ kind: 'removeFromGroup', groupId, memberId })) === 1;
}

function storeGroups(core: Core, diff: GroupDiff): void {
  for (const { groupId, name, readOnly } of diff.added)
    core.run(INSERT_GROUP, groupId, name, nameKeyOf(name), readOnly ? 1 : 0);
  for (const { group } of diff.renamed)
    core.run(
      'UPDATE workspace_groups SET name = ?, name_key = ? WHERE group_id = ?',
      group.name,
      nameKeyOf(group.name),
      group.groupId,
    );
  for (const { groupId, readOnly } of diff.switched)
    core.run('UPDATE workspace_groups SET read_only = ? WHERE group_id = ?', readOnly ? 1 : 0, groupId);
  for (const { groupId, memberId } of diff.joined)
    core.run('INSERT INTO workspace_group_members (group_id, member_id) VALUES (?, ?)', groupId, memberId);
  for (const { groupId, memberId } of diff.left)
    core.run('DELETE FROM workspace_group_members WHERE group_id = ? AND member_id = ?', groupId, memberId);
  for (const groupId of diff.gone) core.run('DELETE FROM workspace_groups WHERE group_id = ?', groupId);
}

const SEE_AGAIN = `UPDATE workspace_members SET missing_since = NULL, missing_readings = 0
  WHERE missing_since IS NOT NULL AND member_id IN (SELECT value FROM json_each(?)) RETURNING member_id`;
const MISS = `UPDATE workspace_members SET missing_since = COALESCE(missing_since, ?), missing_readings = missing_readings + ?
  WHERE member_id = ?`;
const SEE_GROUPS_AGAIN = `UPDATE workspace_groups SET missing_since = NULL, missing_readings = 0
  WHERE missing_since IS NOT NULL AND group_id IN (SELECT value FROM json_each(?))`;
const MISS_GROUP = `UPDATE workspace_groups SET missing_since = COALESCE(missing_since, ?), missing_readings = missing_readings + ?
  WHERE group_id = ?`;
const INSERT_MEMBER =
  'INSERT INTO workspace_members (email, address, first_name, seat_type, is_owner, is_locked, member_id) VALUES (?, ?, ?, ?, ?, ?, ?)';
const UPDATE_MEMBER =
  'UPDATE workspace_members SET email = ?, address = ?, first_name = ?, seat_type = ?, is_owner = ?, is_locked = ? WHERE member_id = ?';
const SELECT_SIGNATURES = `SELECT member_id, is_owner || is_locked || COALESCE(seat_type, '-') || char(10) || email || char(10) || address
  || char(10) || CASE WHEN first_name IS NULL THEN '-' ELSE '+' || first_name END FROM workspace_members`;
const SELECT_MEMBERS_AS_TEXT = `SELECT group_id, group_concat(member_id, char(10) ORDER BY member_id)
  FROM workspace_group_members GROUP BY group_id`;
const SELECT_MEMBERS_OF_GROUP = 'SELECT member_id, touched_at FROM workspace_group_members WHERE group_id = ?';
// Whoever is missing among the members is missing in the groups, too.
const IS_MISSING = 'SELECT 1 FROM workspace_members WHERE member_id = ? AND missing_since IS NOT NULL';
const IS_MEMBER = 'SELECT 1 FROM workspace_members WHERE member_id = ?';
const WAS_REMOVED = `SELECT 1 FROM ledger WHERE ended_at >= ? AND change_key = ? AND state = 'done' LIMIT 1`;
const INSERT_GROUP = 'INSERT INTO workspace_groups (group_id, name, name_key, read_only) VALUES (?, ?, ?, ?)';
