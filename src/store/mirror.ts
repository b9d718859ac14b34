/** The workspace as last read: members and groups, and what the bridge itself wrote since. */
import type {
  Address,
  MemberId,
  SeatType,
  WorkspaceGroup,
  WorkspaceGroupId,
  WorkspaceMember,
} from '../domain/types.js';
import type { Core } from './core.js';
import type { Lacking, MemberCounts } from './port.js';

export interface MemberRow {
  readonly member_id: MemberId;
  readonly email: string;
  readonly address: Address;
  readonly first_name: string | null;
  readonly seat_type: SeatType | null;
  readonly is_owner: number;
  readonly is_locked: number;
  readonly touched_at: number;
  /** Since when readings do not show it; null: the last one did. */
  readonly missing_since: number | null;
  /** How many full ones in a row. */
  readonly missing_readings: number;
}

export function toMember(row: MemberRow): WorkspaceMember {
  return {
    memberId: row.member_id,
    email: row.email,
    address: row.address,
    firstName: row.first_name,
    seatType: row.seat_type,
    isOwner: row.is_owner === 1,
    isLocked: row.is_locked === 1,
  };
}

export function findMember(core: Core, memberId: MemberId | null): WorkspaceMember | null {
  if (memberId === null) return null;
  const row = core.get<MemberRow>('SELECT * FROM workspace_members WHERE member_id = ?', memberId);
  return row === undefined ? null : toMember(row);
}

/** Whether the last reading did not show it. */
export function isMissing(core: Core, memberId: MemberId): boolean {
  return core.value(IS_MISSING, memberId) === 1;
}

/** Mostly one: whether upstream tells addresses apart by case is not documented. */
export function membersAt(core: Core, address: Address): readonly WorkspaceMember[] {
  return core.all<MemberRow>(SELECT_BY_ADDRESS, address).map(toMember);
}

export function findOwner(core: Core): WorkspaceMember | null {
  const row = core.get<MemberRow>('SELECT * FROM workspace_members WHERE is_owner = 1');
  return row === undefined ? null : toMember(row);
}

/** How many of the members that the last reading showed are not in this list, and how many there are. */
export function lackingMembers(core: Core, memberIds: readonly MemberId[]): Lacking {
  return core.get<Lacking>(COUNT_LACKING, JSON.stringify(memberIds)) ?? { known: 0, lacking: 0 };
}

/** The same of workspace groups. */
export function lackingGroups(core: Core, groupIds: readonly WorkspaceGroupId[]): Lacking {
  return core.get<Lacking>(COUNT_LACKING_GROUPS, JSON.stringify(groupIds)) ?? { known: 0, lacking: 0 };
}

export function countMembers(core: Core): MemberCounts {
  return core.get<MemberCounts>(COUNT_MEMBERS) ?? { members: 0, seated: 0, fullSeats: 0 };
}

/** How many members without a lock have each seat. */
export function seatsInUse(core: Core): readonly (readonly [SeatType | null, number])[] {
  return core.raw<[SeatType | null, number]>(COUNT_SEATS);
}

export function listMembers(core: Core): readonly WorkspaceMember[] {
  return core.all<MemberRow>('SELECT * FROM workspace_members ORDER BY member_id').map(toMember);
}

export interface WorkspaceGroupRow {
  readonly group_id: WorkspaceGroupId;
  readonly name: string;
  readonly name_key: string;
  readonly read_only: number;
  readonly missing_readings: number;
}

export function findWorkspaceGroup(core: Core, groupId: WorkspaceGroupId): WorkspaceGroupRow | null {
  return core.get<WorkspaceGroupRow>('SELECT * FROM workspace_groups WHERE group_id = ?', groupId) ?? null;
}

/** A workspace group that has gone: nothing can be given to it or taken from it, and no answer tells of it. */
export function isGoneGroup(core: Core, principal: string): boolean {
  return core.value(IS_GONE, principal) === 1;
}

/** The workspace group that a principal is, where it is there. */
export function workspaceGroupOf(core: Core, principal: string): WorkspaceGroupRow | null {
  if (!principal.startsWith('group:')) return null;
  return findWorkspaceGroup(core, principal.slice('group:'.length) as WorkspaceGroupId);
}

export function workspaceGroupsNamed(core: Core, nameKey: string): readonly WorkspaceGroupRow[] {
  return core.all<WorkspaceGroupRow>('SELECT * FROM workspace_groups WHERE name_key = ? LIMIT 2', nameKey);
}

export function listWorkspaceGroups(core: Core): readonly WorkspaceGroup[] {
  const members = new Map<string, MemberId[]>();
  for (const [groupId, memberId] of core.raw<[string, MemberId]>(SELECT_GROUP_MEMBERS)) {
    const list = members.get(groupId);
    if (list === undefined) members.set(groupId, [memberId]);
    else list.push(memberId);
  }
  return core.all<WorkspaceGroupRow>('SELECT * FROM workspace_groups ORDER BY group_id').map((row) => ({
    groupId: row.group_id,
    name: row.name,
    memberIds: members.get(row.group_id) ?? [],
    readOnly: row.read_only === 1,
  }));
}

/** Writable workspace groups that a member is in. */
export function groupsOfMember(core: Core, memberId: MemberId): readonly WorkspaceGroupId[] {
  return core.values<WorkspaceGroupId>(SELECT_WRITABLE_GROUPS, memberId);
}

export function touchLocked(core: Core, memberId: MemberId, locked: boolean): void {
  core.run(
    'UPDATE workspace_members SET is_locked = ?, touched_at = ? WHERE member_id = ?',
    locked ? 1 : 0,
    core.now(),
    memberId,
  );
}

export function touchSeat(core: Core, memberId: MemberId, seat: SeatType): void {
  core.run(
    'UPDATE workspace_members SET seat_type = ?, touched_at = ? WHERE member_id = ?',
    seat,
    core.now(),
    memberId,
  );
}

export function touchGroupMember(core: Core, groupId: WorkspaceGroupId, memberId: MemberId): void {
  core.run(UPSERT_GROUP_MEMBER, groupId, memberId, core.now(), groupId);
}

export function dropGroupMember(core: Core, groupId: WorkspaceGroupId, memberId: MemberId): void {
  core.run('DELETE FROM workspace_group_members WHERE group_id = ? AND member_id = ?', groupId, memberId);
}

// Whom the bridge presumes (an address for an id), no list has ever shown.
const COUNT_LACKING = `SELECT COUNT(*) AS known, COUNT(*) FILTER (WHERE member_id NOT IN (SELECT value FROM json_each(?))) AS lacking
  FROM workspace_members WHERE missing_since IS NULL AND instr(member_id, '@') = 0`;
const COUNT_LACKING_GROUPS = `SELECT COUNT(*) AS known, COUNT(*) FILTER (WHERE group_id NOT IN (SELECT value FROM json_each(?))) AS lacking
  FROM workspace_groups WHERE missing_since IS NULL`;
const COUNT_SEATS = 'SELECT seat_type, COUNT(*) FROM workspace_members WHERE is_locked = 0 GROUP BY seat_type';
const SELECT_BY_ADDRESS = 'SELECT * FROM workspace_members WHERE address = ? ORDER BY member_id';
const SELECT_GROUP_MEMBERS = 'SELECT group_id, member_id FROM workspace_group_members ORDER BY group_id, member_id';
const SELECT_WRITABLE_GROUPS = `SELECT m.group_id FROM workspace_group_members AS m
  JOIN workspace_groups AS g ON g.group_id = m.group_id WHERE m.member_id = ? AND g.read_only = 0`;
const UPSERT_GROUP_MEMBER = `INSERT INTO workspace_group_members (group_id, member_id, touched_at)
  SELECT ?, ?, ? WHERE EXISTS (SELECT 1 FROM workspace_groups WHERE group_id = ?)
  ON CONFLICT (group_id, member_id) DO UPDATE SET touched_at = excluded.touched_at`;
const COUNT_MEMBERS = `SELECT COUNT(*) AS members, COUNT(*) FILTER (WHERE is_locked = 0) AS seated,
  COUNT(*) FILTER (WHERE is_locked = 0 AND seat_type IS NOT 'workspace_lite_member') AS fullSeats FROM workspace_members`;
const IS_MISSING = 'SELECT 1 FROM workspace_members WHERE member_id = ? AND missing_since IS NOT NULL';
const IS_GONE = "SELECT 1 FROM gone_groups WHERE 'group:' || group_id = ?";
