/**
 * Memberships of origin `workspace`: known users who were found in the workspace group to which a
 * SCIM group is linked. IdPs see them there, and can take them out. No IdP has asked for them: they
 * give nothing (see `groupsOfUser`), and end with the link or when the person leaves the workspace
 * group. An IdP that writes such a membership makes it its own.
 */
import type { WorkspaceGroupId } from '../domain/types.js';
import type { Core } from './core.js';
import type { UserRow } from './users.js';

/** A new link. Answers whom the group gained, by seq. */
export function joinMembers(core: Core, groupSeq: number, groupId: WorkspaceGroupId): readonly number[] {
  return core.values<number>(JOIN_MEMBERS, groupSeq, core.now(), groupId, groupId);
}

/** The end of a link. Answers whom the group lost, by seq. */
export function leaveMembers(core: Core, groupSeq: number): readonly number[] {
  return core.values<number>(LEAVE_MEMBERS, groupSeq);
}

/** Put into the workspace group in the UI; nothing follows where an IdP took the person out. */
export function joinFound(core: Core, user: UserRow, groupId: WorkspaceGroupId): void {
  moveVersions(core, core.values<number>(JOIN, user.seq, core.now(), groupId, user.id));
}

/** No longer in the workspace group, whoever took the person out. */
export function leaveFound(core: Core, user: UserRow, groupId: WorkspaceGroupId): void {
  moveVersions(core, core.values<number>(LEAVE, user.seq, groupId));
}

/** No longer in the workspace. */
export function leaveAllFound(core: Core, user: UserRow): void {
  moveVersions(core, core.values<number>(LEAVE_ALL, user.seq));
}

function moveVersions(core: Core, groupSeqs: readonly number[]): void {
  if (groupSeqs.length > 0) core.run(MOVE_VERSIONS, core.now(), JSON.stringify(groupSeqs));
}

const JOIN_MEMBERS = `INSERT INTO memberships (group_seq, user_seq, origin, added_at)
  SELECT ?, u.seq, 'workspace', ? FROM workspace_group_members AS m
  JOIN users AS u ON u.member_id = m.member_id AND u.deleted_at IS NULL
  WHERE m.group_id = ? AND NOT EXISTS
    (SELECT 1 FROM withdrawn_memberships AS w WHERE w.user_id = u.id AND w.workspace_group_id = ?)
  ON CONFLICT DO NOTHING RETURNING user_seq`;
const JOIN = `INSERT INTO memberships (group_seq, user_seq, origin, added_at)
  SELECT g.seq, ?, 'workspace', ? FROM groups AS g WHERE g.workspace_group_id = ? AND NOT EXISTS
    (SELECT 1 FROM withdrawn_memberships AS w WHERE w.user_id = ? AND w.workspace_group_id = g.workspace_group_id)
  ON CONFLICT DO NOTHING RETURNING group_seq`;
const LEAVE_MEMBERS = "DELETE FROM memberships WHERE group_seq = ? AND origin = 'workspace' RETURNING user_seq";
const LEAVE = `DELETE FROM memberships WHERE user_seq = ? AND origin = 'workspace'
  AND group_seq IN (SELECT seq FROM groups WHERE workspace_group_id = ?) RETURNING group_seq`;
const LEAVE_ALL = `DELETE FROM memberships WHERE user_seq = ? AND origin = 'workspace' RETURNING group_seq`;
const MOVE_VERSIONS =
  'UPDATE groups SET version = version + 1, modified_at = ? WHERE seq IN (SELECT value FROM json_each(?))';
