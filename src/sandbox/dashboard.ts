/**
 * What administrators do on the dashboard, beside the API. Not refused for seats or owners, so
 * that a test can make any state.
 */
import type { Control } from './control.js';
import { createGroup } from './groups.js';
import type { Caller } from './members.js';
import { addMember, removeMember } from './members.js';
import { Refusal } from './refusal.js';
import type { ShareTarget } from './resources.js';
import { share, unshare } from './resources.js';
import { loadResource } from './seed.js';
import type { Group, Member, World } from './state.js';
import { memberByEmail, writeMember, writeMembership } from './state.js';

type DashboardName =
  | `${'create' | 'rename' | 'delete' | 'mark'}Group`
  | 'putInGroup'
  | 'takeOutOfGroup'
  | 'addMember'
  | 'removeMember'
  | 'setLocked'
  | 'setSeat'
  | 'changeEmail'
  | 'transferOwner'
  | 'createResource'
  | 'share'
  | 'unshare'
  | 'setSeatLimits'
  | 'setTier'
  | 'setVerifiedDomains';

/** The part of the control interface that stands for the dashboard. */
export function dashboard(world: World): Pick<Control, DashboardName> {
  const change = (email: string, next: (member: Member) => Member): void => {
    const member = requireMember(world, email);
    writeMember(world, member.userId, next(member));
  };
  return {
    ...groupControls(world),
    ...resourceControls(world),
    addMember({ email, locked, owner, ...rest }) {
      if (memberByEmail(world, email) !== undefined)
        throw new Refusal(409, 'conflict', `${email} is a member already.`);
      const { userId } = addMember(world, {
        email,
        ...withoutUndefined(rest),
        seatType: rest.seatType ?? 'workspace_member',
      });
      if (locked === true) change(email, (member) => ({ ...member, isLocked: true }));
      if (owner === true) world.workspace.ownerId = userId;
      return userId;
    },
    removeMember: (email) => removeMember(world, ownerAsCaller(world), email),
    setLocked: (email, isLocked) => change(email, (member) => ({ ...member, isLocked })),
    setSeat: (email, seatType) => change(email, (member) => ({ ...member, seatType })),
    changeEmail: (email, to) => change(email, (member) => ({ ...member, email: to })),
    transferOwner(email) {
      change(email, (member) => ({ ...member, seatType: 'workspace_admin' }));
      world.workspace.ownerId = requireMember(world, email).userId;
    },
    setSeatLimits: (limits) => (world.workspace.seatLimits = limits),
    setTier: (tier) => (world.workspace.tier = tier),
    setVerifiedDomains: (domains) => {
      world.workspace.verifiedDomains = new Set(domains.map((domain) => domain.toLowerCase()));
    },
  };
}

function groupControls(
  world: World,
): Pick<Control, `${'create' | 'rename' | 'delete' | 'mark'}Group` | 'putInGroup' | 'takeOutOfGroup'> {
  const member = (email: string): Member => requireMember(world, email);
  return {
    createGroup: (name, id) => createGroup(world, name, id).id,
    renameGroup: (id, name) => (requireGroup(world, id).name = name),
    deleteGroup(id) {
      requireGroup(world, id);
      world.workspace.groups.delete(id);
      for (const { slots } of world.workspace.resources.values()) for (const slot of slots.values()) slot.delete(id);
    },
    markGroup(id, marks) {
      const group = requireGroup(world, id);
      group.scimSynced = marks.scimSynced ?? group.scimSynced;
      group.scimFrozen = marks.scimFrozen ?? group.scimFrozen;
    },
    putInGroup: (id, email) => writeMembership(world, requireGroup(world, id), member(email).userId, true),
    takeOutOfGroup: (id, email) => writeMembership(world, requireGroup(world, id), member(email).userId, false),
  };
}

function resourceControls(world: World): Pick<Control, 'createResource' | 'share' | 'unshare'> {
  const nobody: ShareTarget = { userEmail: null, groupId: null, keyId: null };
  return {
    createResource: (resource) => loadResource(world, resource).id,
    share: (ref, role, target) => share(world, ownerAsCaller(world), ref, role, { ...nobody, ...target }),
    unshare: (ref, target) => unshare(world, ownerAsCaller(world), ref, { ...nobody, ...target }),
  };
}

/** The dashboard acts for the owner. */
function ownerAsCaller(world: World): Caller {
  const owner = world.workspace.members.get(world.workspace.ownerId);
  return { userId: world.workspace.ownerId, email: owner?.email ?? null, isAdmin: true };
}

function requireMember(world: World, email: string): Member {
  const member = memberByEmail(world, email);
  if (member === undefined) throw new Refusal(404, 'not_found', `${email} is no member.`);
  return member;
}

function requireGroup(world: World, id: string): Group {
  const group = world.workspace.groups.get(id);
  if (group === undefined) throw new Refusal(404, 'not_found', `There is no group ${id}.`);
  return group;
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as Defined<T>;
}
