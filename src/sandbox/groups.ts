/** Groups: list, search, and their members. The API can neither create nor rename nor delete one. */
import { alphanumeric } from './random.js';
import type { Caller } from './members.js';
import { guess } from './refusal.js';
import type { Group, ScimGroup, World } from './state.js';
import { hiddenWrites, memberByEmail, recordAudit, writeMembership } from './state.js';

export interface WireGroup {
  readonly name: string;
  readonly id: string;
  readonly members: readonly string[];
  readonly permissions: readonly string[] | null;
  readonly group_usage_limit: null;
  readonly group_pvc_limit: null;
  readonly character_count: number | null;
  readonly is_scim_synced: boolean;
  readonly scim_group: ScimGroup | null;
  readonly scim_frozen: boolean;
}

/** GET /v1/workspace/groups: an object, not a list. */
export function listGroups(world: World): Readonly<Record<string, WireGroup>> {
  const seen = new Map<string, Set<string>>();
  for (const entry of hiddenWrites(world, 'membership')) {
    const group = world.workspace.groups.get(entry.groupId);
    if (group === undefined) continue;
    const members = seen.get(group.id) ?? new Set(group.memberIds);
    if (entry.wasIn) members.add(entry.userId);
    else members.delete(entry.userId);
    seen.set(group.id, members);
  }
  const key = world.switches.groupMapKey;
  const groups = visibleGroups(world).map((group) => wireGroup(world, group, seen.get(group.id)));
  return Object.fromEntries(groups.map((group) => [group[key], group]));
}

export function wireGroup(world: World, group: Group, memberIds: ReadonlySet<string> = group.memberIds): WireGroup {
  const members = world.switches.memberIdsAsEmails ? emailsOf(world, memberIds) : [...memberIds];
  return {
    name: group.name,
    id: group.id,
    members,
    permissions: group.permissions,
    group_usage_limit: null,
    group_pvc_limit: null,
    character_count: 0,
    is_scim_synced: group.scimSynced,
    scim_group: group.scimGroup,
    scim_frozen: group.scimFrozen,
  };
}

function visibleGroups(world: World): readonly Group[] {
  const groups = [...world.workspace.groups.values()];
  if (!world.switches.everyoneGroup) return groups;
  const { everyoneGroupId, members } = world.workspace;
  return [emptyGroup(everyoneGroupId, 'Everyone', new Set(members.keys())), ...groups];
}

function emailsOf(world: World, memberIds: ReadonlySet<string>): string[] {
  const emails: string[] = [];
  for (const id of memberIds) {
    const member = world.workspace.members.get(id);
    if (member !== undefined) emails.push(member.email);
  }
  return emails;
}

/** GET /v1/workspace/groups/search */
export function searchGroups(
  world: World,
  name: string,
): readonly { readonly name: string; readonly id: string; readonly members_emails: readonly string[] }[] {
  const matches = (candidate: string): boolean => {
    switch (world.switches.groupSearch) {
      case 'exact':
        return candidate === name;
      case 'exactIgnoreCase':
        return candidate.toLowerCase() === name.toLowerCase();
      case 'substring':
        return candidate.toLowerCase().includes(name.toLowerCase());
    }
  };
  return visibleGroups(world)
    .filter((group) => matches(group.name))
    .map((group) => ({ name: group.name, id: group.id, members_emails: emailsOf(world, group.memberIds) }));
}

/** POST /v1/workspace/groups/{group_id}/members */
export function addToGroup(world: World, caller: Caller, groupId: string, email: string): void {
  const group = writableGroup(world, groupId);
  const member = memberByEmail(world, email);
  const { addNonMember, addExisting, groupAddWorksForLocked } = world.switches;
  if (member === undefined || (member.isLocked && !groupAddWorksForLocked)) {
    throw guess(addNonMember, 'user_not_in_workspace', `${email} is not a member of the workspace.`);
  }
  if (group.memberIds.has(member.userId)) {
    if (addExisting === 'ok') return;
    throw guess(addExisting, 'user_already_in_group', `${email} is already in the group.`);
  }
  writeMembership(world, group, member.userId, true);
  recordAudit(world, caller, { classUid: 3006, activity: 'Add User', message: `${email} added to ${group.name}` });
}

/** POST /v1/workspace/groups/{group_id}/members/remove */
export function removeFromGroup(world: World, caller: Caller, groupId: string, email: string): void {
  const group = writableGroup(world, groupId);
  const member = memberByEmail(world, email);
  if (member === undefined || !group.memberIds.has(member.userId)) {
    const status = world.switches.removeNonMember;
    if (status === 'ok') return;
    throw guess(status, 'user_not_in_group', `${email} is not in the group.`);
  }
  writeMembership(world, group, member.userId, false);
  recordAudit(world, caller, {
    classUid: 3006,
    activity: 'Remove User',
    message: `${email} removed from ${group.name}`,
  });
}

function writableGroup(world: World, groupId: string): Group {
  const { workspace, switches } = world;
  if (groupId === workspace.everyoneGroupId && switches.everyoneGroup) {
    throw guess(400, 'bad_request', 'The members of Everyone cannot be changed.');
  }
  const group = workspace.groups.get(groupId);
  if (group === undefined) throw guess(404, 'group_not_found', `The group ${groupId} was not found.`);
  if (group.scimSynced || group.scimFrozen) {
    throw guess(switches.groupManagedByScim, 'group_managed_by_scim', `${group.name} is managed by SCIM.`);
  }
  return group;
}

/** What an administrator does on the dashboard. Names need not be unique. */
export function createGroup(world: World, name: string, id: string = alphanumeric(world.ids, 28)): Group {
  const group = emptyGroup(id, name, new Set());
  world.workspace.groups.set(id, group);
  return group;
}

function emptyGroup(id: string, name: string, memberIds: Set<string>): Group {
  return { id, name, memberIds, permissions: [], scimSynced: false, scimFrozen: false, scimGroup: null };
}
