/** Workspaces as plain data: what a sandbox starts from, and what it can be saved as. */
import type { SeatType } from '../domain/types.js';
import { addMember } from './members.js';
import { createGroup } from './groups.js';
import { alphanumeric, hex } from './random.js';
import { addToSlot } from './resources.js';
import { createKey } from './service-accounts.js';
import type { Resource, SeatCount, Tier, Workspace, World } from './state.js';
import { emailKey, emptyJournal, memberByEmail, writeInvite, writeMember, writeMembership } from './state.js';

export interface SeedMember {
  readonly email: string;
  readonly firstName?: string | null;
  readonly seatType?: SeatType | null;
  readonly owner?: boolean;
  readonly locked?: boolean;
  readonly usageLimit?: number | null;
  readonly joinedAt?: number;
  readonly userId?: string;
}

export interface SeedGroup {
  readonly name: string;
  readonly id?: string;
  /** Addresses of members; service accounts by name. */
  readonly members?: readonly string[];
  readonly scimSynced?: boolean;
  readonly scimFrozen?: boolean;
}

export interface SeedKey {
  readonly name: string;
  /** Address of a member, or the name of a service account. */
  readonly owner: string;
  readonly scopes?: 'all' | readonly string[];
  readonly key?: string;
  readonly keyId?: string;
  readonly disabled?: boolean;
}

export interface SeedResource {
  readonly type: string;
  readonly id?: string;
  readonly name?: string | null;
  /** Address of the creator. */
  readonly creator?: string | null;
  /** Slot -> ids of principals. The creator is admin in any case. */
  readonly slots?: Readonly<Record<string, readonly string[]>>;
}

export interface SeedInvite {
  readonly email: string;
  readonly seatType?: SeatType;
  readonly groupIds?: readonly string[];
  readonly usageLimit?: number | null;
  readonly createdAt?: number;
}

/** Whatever has no id here gets one from the seeded generator. */
export interface Seed {
  readonly workspaceId?: string;
  readonly tier?: Tier;
  readonly seatLimits?: Readonly<SeatCount>;
  readonly verifiedDomains?: readonly string[];
  readonly everyoneGroupId?: string;
  /** Exactly one is the owner. */
  readonly members: readonly SeedMember[];
  readonly groups?: readonly SeedGroup[];
  readonly serviceAccounts?: readonly { readonly name: string; readonly userId?: string }[];
  /** The first is the key that the sandbox hands out; none: the owner gets one with all scopes. */
  readonly keys?: readonly SeedKey[];
  readonly resources?: readonly SeedResource[];
  /** Pending ones. */
  readonly invites?: readonly SeedInvite[];
  /** Former members, who keep their id should they come back. */
  readonly accounts?: readonly { readonly email: string; readonly userId: string; readonly firstName: string | null }[];
}

/** A workspace of one: the owner, who owns the key as well. Room for a thousand of each seat. */
export function minimalSeed(changes: Partial<Seed> = {}): Seed {
  return {
    tier: 'business',
    seatLimits: { full: 1000, basic: 1000 },
    members: [{ email: 'owner@workspace.example', firstName: 'Olivia', owner: true }],
    ...changes,
  };
}

/** A world with the workspace of the seed. */
export function createWorld(rules: Pick<World, 'clock' | 'ids' | 'switches'>, seed: Seed = minimalSeed()): World {
  const world: World = { ...rules, workspace: emptyWorkspace(rules, seed), onInvited: () => undefined };
  loadSeed(world, seed);
  return world;
}

/**
 * Replaces the workspace of `world` by the seed. Throws a plain Error if the seed contradicts
 * itself, and then leaves the workspace as it was.
 */
export function loadSeed(world: World, seed: Seed): void {
  const before = world.workspace;
  try {
    load(world, seed);
  } catch (error) {
    world.workspace = before;
    throw error;
  }
}

function load(world: World, seed: Seed): void {
  world.workspace = emptyWorkspace(world, seed);
  for (const { email, ...account } of seed.accounts ?? []) {
    world.workspace.accounts.set(emailKey(world, email), account);
  }
  for (const member of seed.members) loadMember(world, member);
  if (seed.members.filter((member) => member.owner === true).length !== 1) {
    throw new Error('A seed needs exactly one owner.');
  }
  for (const account of seed.serviceAccounts ?? []) {
    const userId = account.userId ?? alphanumeric(world.ids, 28);
    world.workspace.serviceAccounts.set(userId, { userId, name: account.name, createdAt: world.clock.now() });
  }
  for (const group of seed.groups ?? []) loadGroup(world, group);
  for (const invite of seed.invites ?? []) {
    writeInvite(world, {
      email: invite.email,
      seatType: invite.seatType ?? 'workspace_member',
      groupIds: invite.groupIds ?? [],
      usageLimit: invite.usageLimit ?? null,
      createdAt: invite.createdAt ?? world.clock.now(),
      status: 'pending',
    });
  }
  loadKeys(world, seed);
  for (const resource of seed.resources ?? []) loadResource(world, resource);
  world.workspace.journal = emptyJournal();
}

function emptyWorkspace(world: Pick<World, 'ids'>, seed: Seed): Workspace {
  return {
    id: seed.workspaceId ?? hex(world.ids, 32),
    tier: seed.tier ?? 'business',
    ownerId: '',
    everyoneGroupId: seed.everyoneGroupId ?? alphanumeric(world.ids, 28),
    seatLimits: seed.seatLimits ?? { full: 10, basic: 20 },
    verifiedDomains: new Set(seed.verifiedDomains),
    keys: new Map(),
    members: new Map(),
    memberIds: new Map(),
    accounts: new Map(),
    invites: new Map(),
    groups: new Map(),
    serviceAccounts: new Map(),
    resources: new Map(),
    auditLog: [],
    mailbox: [],
    seatsTaken: { full: 0, basic: 0 },
    seatsReserved: { full: 0, basic: 0 },
    unlockedAdmins: 0,
    journal: emptyJournal(),
  };
}

function loadMember(world: World, seed: SeedMember): void {
  if (memberByEmail(world, seed.email) !== undefined) throw new Error(`The seed names ${seed.email} twice.`);
  const member = addMember(world, {
    email: seed.email,
    seatType:
      seed.seatType === undefined ? (seed.owner === true ? 'workspace_admin' : 'workspace_member') : seed.seatType,
    firstName: seed.firstName ?? null,
    usageLimit: seed.usageLimit ?? null,
    ...(seed.userId === undefined ? {} : { userId: seed.userId }),
  });
  if (seed.owner === true) world.workspace.ownerId = member.userId;
  const joinedAt = seed.joinedAt ?? member.joinedAt;
  writeMember(world, member.userId, { ...member, joinedAt, isLocked: seed.locked === true });
}

function loadGroup(world: World, seed: SeedGroup): void {
  const group = createGroup(world, seed.name, seed.id);
  group.scimSynced = seed.scimSynced === true;
  group.scimFrozen = seed.scimFrozen === true;
  if (group.scimSynced) {
    const { name } = seed;
    const at = Math.floor(world.clock.now() / 1000);
    group.scimGroup = {
      scim_external_id: null,
      display_name: name,
      created_at_unix: at,
      updated_at_unix: at,
      seat_type: null,
    };
  }
  for (const who of seed.members ?? []) writeMembership(world, group, principalId(world, who), true);
}

function loadKeys(world: World, seed: Seed): void {
  const owner = seed.members.find((member) => member.owner === true);
  const fallback: SeedKey[] = owner === undefined ? [] : [{ name: 'Provisioning', owner: owner.email }];
  for (const { owner: ownerName, scopes, ...rest } of seed.keys ?? fallback) {
    createKey(world, { ...rest, ownerId: principalId(world, ownerName), scopes: scopes ?? 'all' });
  }
}

/** Puts one resource into the workspace. */
export function loadResource(world: World, seed: SeedResource): Resource {
  const creatorId = seed.creator === undefined || seed.creator === null ? null : principalId(world, seed.creator);
  const resource: Resource = {
    id: seed.id ?? alphanumeric(world.ids, 20),
    type: seed.type,
    name: seed.name ?? null,
    creatorId,
    slots: new Map(Object.entries(seed.slots ?? {}).map(([slot, ids]) => [slot, new Set(ids)])),
  };
  if (creatorId !== null) addToSlot(resource, 'admin', creatorId);
  world.workspace.resources.set(`${resource.type}:${resource.id}`, resource);
  return resource;
}

/** The id behind the address of a member or the name of a service account. */
function principalId(world: World, who: string): string {
  const member = memberByEmail(world, who);
  if (member !== undefined) return member.userId;
  for (const account of world.workspace.serviceAccounts.values()) if (account.name === who) return account.userId;
  throw new Error(`The seed names ${who}, who is neither a member nor a service account.`);
}
