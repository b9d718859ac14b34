/**
 * Brings the mirror up to a reading and answers what was different. Rows that the bridge wrote
 * itself after the reading began are left alone: the reading may not have seen that write yet.
 */
import type { MemberId, Millis, WorkspaceGroup, WorkspaceGroupId, WorkspaceMember } from '../domain/types.js';
import type { Core } from './core.js';
import { nameKeyOf } from './group-links.js';
import { toMember, type MemberRow, type WorkspaceGroupRow } from './mirror.js';

export interface ChangedMember {
  readonly before: WorkspaceMember;
  readonly after: WorkspaceMember;
}

export interface MemberDiff {
  readonly added: readonly WorkspaceMember[];
  readonly changed: readonly ChangedMember[];
  readonly gone: readonly WorkspaceMember[];
}

export function diffMembers(core: Core, members: readonly WorkspaceMember[], startedAt: Millis): MemberDiff {
  const known = new Map(core.all<MemberRow>('SELECT * FROM workspace_members').map((row) => [row.member_id, row]));
  const added: WorkspaceMember[] = [];
  const changed: ChangedMember[] = [];
  for (const member of members) {
    const row = known.get(member.memberId);
    known.delete(member.memberId);
    if (row === undefined) added.push(member);
    else if (row.touched_at < startedAt && !isSame(row, member)) changed.push({ before: toMember(row), after: member });
  }
  const gone = [...known.values()].filter((row) => row.touched_at < startedAt).map(toMember);
  for (const member of added) core.run(INSERT_MEMBER, ...columnsOf(member), member.memberId);
  for (const { after } of changed) core.run(UPDATE_MEMBER, ...columnsOf(after), after.memberId);
  for (const { memberId } of gone) core.run('DELETE FROM workspace_members WHERE member_id = ?', memberId);
  return { added, changed, gone };
}

function isSame(row: MemberRow, member: WorkspaceMember): boolean {
  return (
    row.is_locked === (member.isLocked ? 1 : 0) &&
    row.seat_type === member.seatType &&
    row.email === member.email &&
    row.is_owner === (member.isOwner ? 1 : 0) &&
    row.first_name === member.firstName &&
    row.address === member.address
  );
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
  options: { readonly startedAt: Millis; readonly partial: boolean },
): GroupDiff {
  const known = new Map(
    core.all<WorkspaceGroupRow>('SELECT * FROM workspace_groups').map((row) => [row.group_id, row]),
  );
  const membersOf = knownMembers(core);
  const removedByUs = removedSince(core, options.startedAt);
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
    const present = membersOf.get(group.groupId) ?? new Map<MemberId, Millis>();
    for (const memberId of new Set(group.memberIds)) {
      if (present.delete(memberId)) continue;
      if (!removedByUs.has(`${group.groupId} ${memberId}`)) diff.joined.push({ groupId: group.groupId, memberId });
    }
    for (const [memberId, touchedAt] of present) {
      if (touchedAt < options.startedAt) diff.left.push({ groupId: group.groupId, memberId });
    }
  }
  const gone = options.partial ? [] : [...known.keys()];
  storeGroups(core, { ...diff, gone });
  return { ...diff, gone };
}

function knownMembers(core: Core): Map<WorkspaceGroupId, Map<MemberId, Millis>> {
  const known = new Map<WorkspaceGroupId, Map<MemberId, Millis>>();
  let lastId: WorkspaceGroupId | null = null;
  let last = new Map<MemberId, Millis>();
  for (const [groupId, memberId, touchedAt] of core.raw<[WorkspaceGroupId, MemberId, Millis]>(SELECT_PAIRS)) {
    if (groupId !== lastId) {
      lastId = groupId;
      last = new Map();
      known.set(groupId, last);
    }
    last.set(memberId, touchedAt);
  }
  return known;
}

/** Pairs that the bridge took out after the reading began: their rows are gone, so the ledger tells. */
function removedSince(core: Core, startedAt: Millis): ReadonlySet<string> {
  return new Set(core.values<string>(SELECT_REMOVED, startedAt));
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

const INSERT_MEMBER =
  'INSERT INTO workspace_members (email, address, first_name, seat_type, is_owner, is_locked, member_id) VALUES (?, ?, ?, ?, ?, ?, ?)';
const UPDATE_MEMBER =
  'UPDATE workspace_members SET email = ?, address = ?, first_name = ?, seat_type = ?, is_owner = ?, is_locked = ? WHERE member_id = ?';
const SELECT_PAIRS = 'SELECT group_id, member_id, touched_at FROM workspace_group_members ORDER BY group_id';
const SELECT_REMOVED = `SELECT json_extract(change, '$.groupId') || ' ' || json_extract(change, '$.memberId') FROM ledger
  WHERE ended_at >= ? AND kind = 'removeFromGroup' AND state = 'done'`;
const INSERT_GROUP = 'INSERT INTO workspace_groups (group_id, name, name_key, read_only) VALUES (?, ?, ?, ?)';
