/**
 * Resources and who they are shared with. A resource has slots (the preset roles, and custom roles
 * of the workspace), each with the ids of its principals; a user stands there with its user id.
 */
import type { ShareRole } from '../domain/types.js';
import { SHARE_ROLES } from '../domain/types.js';
import type { Caller } from './members.js';
import { guess, Refusal } from './refusal.js';
import type { Resource, World } from './state.js';
import { memberByEmail, recordAudit } from './state.js';

/** A resource can be shared with at most so many principals. */
const PRINCIPAL_LIMIT = 100;

/** The literal that stands for every member of the workspace. */
const EVERYBODY = 'default';

export interface ShareTarget {
  readonly userEmail: string | null;
  readonly groupId: string | null;
  readonly keyId: string | null;
}

export interface WireResource {
  readonly resource_id: string;
  readonly resource_name: string | null;
  readonly resource_type: string;
  readonly creator_user_id: string | null;
  readonly anonymous_access_level_override: null;
  readonly role_to_group_ids: Readonly<Record<string, readonly string[]>>;
  readonly share_options: readonly ShareOption[];
}

export interface ShareOption {
  readonly name: string;
  readonly id: string;
  readonly type: 'user' | 'group' | 'key';
}

/** GET /v1/workspace/resources/{id} */
export function describeResource(world: World, type: string, id: string): WireResource {
  const resource = findResource(world, type, id);
  const slots = [...resource.slots].filter(([, principals]) => principals.size > 0);
  return {
    resource_id: resource.id,
    resource_name: resource.name,
    resource_type: resource.type,
    creator_user_id: resource.creatorId,
    anonymous_access_level_override: null,
    role_to_group_ids: Object.fromEntries(slots.map(([slot, principals]) => [slot, [...principals]])),
    share_options: shareOptions(world, resource),
  };
}

/** Those who have no access yet. */
function shareOptions(world: World, resource: Resource): readonly ShareOption[] {
  const { members, groups, serviceAccounts, keys } = world.workspace;
  const taken = principalsOf(resource);
  const options: ShareOption[] = [];
  for (const { userId, email } of members.values()) options.push({ name: email, id: userId, type: 'user' });
  for (const { id, name } of groups.values()) options.push({ name, id, type: 'group' });
  for (const { keyId, name, ownerId } of keys.values()) {
    if (serviceAccounts.has(ownerId) && !taken.has(ownerId)) options.push({ name, id: keyId, type: 'key' });
  }
  return options.filter((option) => !taken.has(option.id));
}

function principalsOf(resource: Resource): Set<string> {
  const principals = new Set<string>();
  for (const slot of resource.slots.values()) for (const principal of slot) principals.add(principal);
  return principals;
}

/** POST …/share: the new role replaces the one that the target has. */
export function share(
  world: World,
  caller: Caller,
  ref: { readonly type: string; readonly id: string },
  role: ShareRole,
  target: ShareTarget,
): void {
  const resource = findResource(world, ref.type, ref.id);
  requireResourceAdmin(world, caller, resource);
  const principal = resolvePrincipal(world, target);
  if (principal === resource.creatorId) {
    throw guess(world.switches.unshareCreator, 'forbidden', 'The creator of a resource keeps the admin role.');
  }
  const taken = principalsOf(resource);
  if (!taken.has(principal) && taken.size >= PRINCIPAL_LIMIT) {
    throw guess(400, 'too_many_principals', `A resource can be shared with at most ${PRINCIPAL_LIMIT} principals.`);
  }
  dropPresetRoles(resource, principal);
  addToSlot(resource, role, principal);
  recordAudit(world, caller, {
    classUid: 3005,
    activity: 'Assign Privileges',
    message: `${ref.type} ${ref.id} shared`,
  });
}

/** POST …/unshare */
export function unshare(
  world: World,
  caller: Caller,
  ref: { readonly type: string; readonly id: string },
  target: ShareTarget,
): void {
  const resource = findResource(world, ref.type, ref.id);
  requireResourceAdmin(world, caller, resource);
  const principal = resolvePrincipal(world, target);
  const { unshareCreator, unshareMissing } = world.switches;
  if (principal === resource.creatorId) {
    throw guess(unshareCreator, 'forbidden', 'You cannot remove permissions from the user who created the resource.');
  }
  if (!dropPresetRoles(resource, principal) && unshareMissing !== 'ok') {
    throw guess(unshareMissing, 'not_shared', 'The resource is not shared with this principal.');
  }
  recordAudit(world, caller, {
    classUid: 3005,
    activity: 'Revoke Privileges',
    message: `${ref.type} ${ref.id} unshared`,
  });
}

export function addToSlot(resource: Resource, slot: string, principal: string): void {
  const principals = resource.slots.get(slot);
  if (principals === undefined) resource.slots.set(slot, new Set([principal]));
  else principals.add(principal);
}

function dropPresetRoles(resource: Resource, principal: string): boolean {
  const had = SHARE_ROLES.map((role) => resource.slots.get(role)?.delete(principal) ?? false);
  return had.includes(true);
}

function findResource(world: World, type: string, id: string): Resource {
  const resource = world.workspace.resources.get(`${type}:${id}`);
  if (resource === undefined) throw guess(404, 'resource_not_found', `The resource ${id} was not found.`);
  return resource;
}

/** Workspace admins have admin on everything; others by a slot, directly or through a group. */
function requireResourceAdmin(world: World, caller: Caller, resource: Resource): void {
  if (caller.isAdmin || caller.userId === resource.creatorId) return;
  for (const principal of resource.slots.get('admin') ?? []) {
    if (principal === caller.userId || world.workspace.groups.get(principal)?.memberIds.has(caller.userId)) return;
  }
  throw new Refusal(403, 'insufficient_permissions', 'You need admin access to the resource.');
}

function resolvePrincipal(world: World, target: ShareTarget): string {
  const { workspace, switches } = world;
  const { userEmail, groupId, keyId } = target;
  const given = [userEmail, groupId, keyId].filter((value) => value !== null);
  if (given.length !== 1) {
    throw new Refusal(400, 'invalid_parameters', 'Pass exactly one of user_email, group_id, workspace_api_key_id.', {
      type: 'validation_error',
    });
  }
  if (userEmail !== null) {
    const member = memberByEmail(world, userEmail);
    if (member !== undefined) return member.userId;
    throw guess(switches.shareNonMember, 'user_not_in_workspace', `${userEmail} is not a member of the workspace.`);
  }
  if (groupId === EVERYBODY) {
    return switches.defaultPrincipal === 'default' ? EVERYBODY : workspace.everyoneGroupId;
  }
  if (groupId !== null) {
    if (workspace.groups.has(groupId)) return groupId;
    throw guess(404, 'group_not_found', `The group ${groupId} was not found.`);
  }
  for (const key of workspace.keys.values()) {
    if (key.keyId !== keyId || !workspace.serviceAccounts.has(key.ownerId)) continue;
    return switches.keyPrincipal === 'keyId' ? key.keyId : key.ownerId;
  }
  throw guess(404, 'api_key_not_found', `The API key ${keyId ?? ''} was not found.`);
}
