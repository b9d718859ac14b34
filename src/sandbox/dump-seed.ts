/** The other way round: a workspace as the seed that gives it back. */
import type { Seed } from './seed.js';
import type { World } from './state.js';

/** The workspace as it stands now: loading the answer gives the same workspace, ids included. */
export function dumpSeed(world: World): Seed {
  const { workspace } = world;
  const nameOf = (id: string): string =>
    workspace.members.get(id)?.email ?? workspace.serviceAccounts.get(id)?.name ?? id;
  return {
    workspaceId: workspace.id,
    tier: workspace.tier,
    seatLimits: workspace.seatLimits,
    verifiedDomains: [...workspace.verifiedDomains],
    everyoneGroupId: workspace.everyoneGroupId,
    members: Array.from(workspace.members.values(), ({ isLocked, ...member }) => ({
      ...member,
      locked: isLocked,
      owner: member.userId === workspace.ownerId,
    })),
    groups: Array.from(workspace.groups.values(), ({ id, name, memberIds, scimSynced, scimFrozen }) => ({
      id,
      name,
      members: Array.from(memberIds, nameOf),
      scimSynced,
      scimFrozen,
    })),
    serviceAccounts: Array.from(workspace.serviceAccounts.values(), ({ name, userId }) => ({ name, userId })),
    keys: Array.from(workspace.keys.values(), ({ keyId, key, name, ownerId, scopes, disabled }) => ({
      keyId,
      key,
      name,
      owner: nameOf(ownerId),
      scopes,
      disabled,
    })),
    resources: Array.from(workspace.resources.values(), ({ slots, creatorId, ...resource }) => ({
      ...resource,
      creator: creatorId === null ? null : nameOf(creatorId),
      slots: Object.fromEntries(Array.from(slots, ([slot, ids]) => [slot, [...ids]])),
    })),
    invites: Array.from(workspace.invites.values()).flatMap(({ status, ...invite }) =>
      status === 'pending' ? [invite] : [],
    ),
    accounts: Array.from(workspace.accounts, ([email, account]) => ({ email, ...account })),
  };
}
