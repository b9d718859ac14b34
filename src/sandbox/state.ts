/**
 * The in-memory workspace. Rows are immutable and replaced; every row of members and invites is
 * written through `writeMember` and `writeInvite`, which keep the indexes, the seat counters and
 * the journal of recent writes right. So no write costs more than O(1), whatever the size.
 */
import type { SeatType } from '../domain/types.js';
import type { Clock } from '../clock.js';
import type { Random } from './random.js';
import type { Switches } from './switches.js';

export type Tier = 'free' | 'starter' | 'creator' | 'pro' | 'scale' | 'business' | 'enterprise';

export interface Member {
  readonly userId: string;
  readonly email: string;
  readonly firstName: string | null;
  readonly seatType: SeatType | null;
  readonly isLocked: boolean;
  readonly joinedAt: number;
  readonly usageLimit: number | null;
}

export type InviteStatus = 'pending' | 'revoked' | 'accepted' | 'declined' | 'expired';

export interface Invite {
  readonly email: string;
  readonly seatType: SeatType;
  readonly groupIds: readonly string[];
  readonly usageLimit: number | null;
  readonly createdAt: number;
  readonly status: InviteStatus;
}

/** Who stands behind an address: kept when a member is removed, so that it returns with its id. */
export interface Account {
  readonly userId: string;
  readonly firstName: string | null;
}

export interface ScimGroup {
  readonly scim_external_id: string | null;
  readonly display_name: string;
  readonly created_at_unix: number | null;
  readonly updated_at_unix: number | null;
  readonly seat_type: SeatType | null;
}

export interface Group {
  readonly id: string;
  name: string;
  readonly memberIds: Set<string>;
  permissions: readonly string[] | null;
  scimSynced: boolean;
  scimFrozen: boolean;
  scimGroup: ScimGroup | null;
}

export interface ApiKey {
  readonly keyId: string;
  readonly key: string;
  readonly name: string;
  /** A member, or a service account. */
  readonly ownerId: string;
  readonly scopes: 'all' | readonly string[];
  readonly disabled: boolean;
  readonly createdAt: number;
}

export interface ServiceAccount {
  readonly userId: string;
  readonly name: string;
  readonly createdAt: number;
}

export interface Resource {
  readonly id: string;
  readonly type: string;
  readonly name: string | null;
  readonly creatorId: string | null;
  /** Preset roles and custom-role ids, each with the ids of its principals. */
  readonly slots: Map<string, Set<string>>;
}

export interface Mail {
  readonly at: number;
  readonly to: string;
  readonly seatType: SeatType;
}

export interface AuditRecord {
  readonly at: number;
  readonly actorId: string;
  readonly actorEmail: string | null;
  readonly classUid: 3001 | 3004 | 3005 | 3006;
  readonly activity: string;
  readonly message: string;
}

export interface SeatCount {
  full: number;
  basic: number;
}

/** Recent writes, with what stood there before: lets a lagging reading undo them. */
interface Writes {
  readonly member: { readonly userId: string; readonly before: Member | null };
  readonly membership: { readonly groupId: string; readonly userId: string; readonly wasIn: boolean };
}

type Dated<T> = T & { readonly at: number; readonly reads: number };

export type Journal = { readonly [K in keyof Writes]: { writes: Dated<Writes[K]>[]; reads: number } };

export interface Workspace {
  readonly id: string;
  tier: Tier;
  ownerId: string;
  readonly everyoneGroupId: string;
  seatLimits: Readonly<SeatCount>;
  verifiedDomains: ReadonlySet<string>;
  /** By the key itself. */
  readonly keys: Map<string, ApiKey>;
  /** By user id, in the order of joining. */
  readonly members: Map<string, Member>;
  readonly memberIds: Map<string, string>;
  readonly accounts: Map<string, Account>;
  /** The last invite of each address. */
  readonly invites: Map<string, Invite>;
  readonly groups: Map<string, Group>;
  readonly serviceAccounts: Map<string, ServiceAccount>;
  /** By `type:id`. */
  readonly resources: Map<string, Resource>;
  readonly auditLog: AuditRecord[];
  readonly mailbox: Mail[];
  readonly seatsTaken: SeatCount;
  readonly seatsReserved: SeatCount;
  unlockedAdmins: number;
  /** For `readLag`: by kind, the writes that may have to be hidden, and the readings so far. */
  journal: Journal;
}

/** What every operation needs: the state, the rules in force, and its sources of time and ids. */
export interface World {
  workspace: Workspace;
  switches: Switches;
  readonly clock: Clock;
  readonly ids: Random;
  /** Told of every invite mail, for accepting by itself. */
  onInvited: (email: string) => void;
}

const AUDIT_LIMIT = 100_000;

/** The key of an address in the indexes. */
export function emailKey(world: Pick<World, 'switches'>, email: string): string {
  return world.switches.emailCaseSensitive ? email : email.toLowerCase();
}

export function seatClass(seat: SeatType | null): keyof SeatCount | null {
  switch (seat) {
    case 'workspace_admin':
    case 'workspace_member':
      return 'full';
    case 'workspace_lite_member':
      return 'basic';
    case null:
      return null;
  }
}

export function memberByEmail(world: World, email: string): Member | undefined {
  const userId = world.workspace.memberIds.get(emailKey(world, email));
  return userId === undefined ? undefined : world.workspace.members.get(userId);
}

export function pendingInvite(world: World, email: string): Invite | undefined {
  const invite = world.workspace.invites.get(emailKey(world, email));
  return invite?.status === 'pending' ? invite : undefined;
}

function count(workspace: Workspace, member: Member | null, sign: 1 | -1): void {
  if (member === null || member.isLocked) return;
  const seat = seatClass(member.seatType);
  if (seat !== null) workspace.seatsTaken[seat] += sign;
  if (member.seatType === 'workspace_admin') workspace.unlockedAdmins += sign;
}

/** Writes (or, with null, removes) one member. */
export function writeMember(world: World, userId: string, next: Member | null): void {
  const { workspace } = world;
  const before = workspace.members.get(userId) ?? null;
  count(workspace, before, -1);
  count(workspace, next, 1);
  if (before !== null && before.email !== next?.email) workspace.memberIds.delete(emailKey(world, before.email));
  if (next === null) {
    workspace.members.delete(userId);
  } else {
    workspace.members.set(userId, next);
    workspace.memberIds.set(emailKey(world, next.email), userId);
  }
  note(world, 'member', { userId, before });
}

/** Puts a member into a group or takes it out. */
export function writeMembership(world: World, group: Group, userId: string, isIn: boolean): void {
  const wasIn = group.memberIds.has(userId);
  if (wasIn === isIn) return;
  if (isIn) group.memberIds.add(userId);
  else group.memberIds.delete(userId);
  note(world, 'membership', { groupId: group.id, userId, wasIn });
}

/** Writes the invite of an address; a pending one reserves its seat. */
export function writeInvite(world: World, next: Invite): void {
  const { workspace } = world;
  const key = emailKey(world, next.email);
  for (const [invite, sign] of [[workspace.invites.get(key), -1] as const, [next, 1] as const]) {
    const seat = invite?.status === 'pending' ? seatClass(invite.seatType) : null;
    if (seat !== null) workspace.seatsReserved[seat] += sign;
  }
  workspace.invites.set(key, next);
}

/** Rebuilds the address indexes after `emailCaseSensitive` has changed. */
export function reindexAddresses(world: World): void {
  const { workspace } = world;
  workspace.memberIds.clear();
  for (const member of workspace.members.values())
    workspace.memberIds.set(emailKey(world, member.email), member.userId);
  const invites = [...workspace.invites.values()];
  workspace.invites.clear();
  workspace.seatsReserved.full = 0;
  workspace.seatsReserved.basic = 0;
  for (const invite of invites) writeInvite(world, invite);
}

export function emptyJournal(): Journal {
  return { member: { writes: [], reads: 0 }, membership: { writes: [], reads: 0 } };
}

function note<K extends keyof Writes>(world: World, kind: K, write: Writes[K]): void {
  if (world.switches.readLag === null) return;
  const journal = world.workspace.journal[kind];
  journal.writes.push({ ...write, at: world.clock.monotonic(), reads: journal.reads });
}

/**
 * The writes of one kind that a reading made now must not show yet, newest first. What everybody
 * may see is forgotten.
 */
export function hiddenWrites<K extends keyof Writes>(world: World, kind: K): readonly Writes[K][] {
  const journal = world.workspace.journal[kind];
  const { ms = 0, reads = 0 } = world.switches.readLag ?? {};
  const now = world.clock.monotonic();
  journal.writes = journal.writes.filter((write) => now - write.at < ms || journal.reads - write.reads < reads);
  journal.reads += 1;
  return journal.writes.toReversed();
}

export function recordAudit(
  world: World,
  actor: { readonly userId: string; readonly email: string | null },
  record: Pick<AuditRecord, 'classUid' | 'activity' | 'message'>,
): void {
  const { auditLog } = world.workspace;
  auditLog.push({ ...record, at: world.clock.now(), actorId: actor.userId, actorEmail: actor.email });
  if (auditLog.length > AUDIT_LIMIT * 1.1) auditLog.splice(0, auditLog.length - AUDIT_LIMIT);
}
