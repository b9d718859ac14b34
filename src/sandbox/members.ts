/** Members: list, update (seat and lock), and what only the dashboard can do. */
import type { SeatType } from '../domain/types.js';
import { alphanumeric } from './random.js';
import { guess, Refusal } from './refusal.js';
import { seatFree } from './seats.js';
import type { Account, Member, World } from './state.js';
import {
  emailKey,
  hiddenWrites,
  memberByEmail,
  recordAudit,
  seatClass,
  writeMember,
  writeMembership,
} from './state.js';

/** Who makes a call: a member or a service account. */
export interface Caller {
  readonly userId: string;
  readonly email: string | null;
  readonly isAdmin: boolean;
}

/** One member as the API shows it. */
export interface WireMember {
  readonly user_id: string;
  readonly email: string;
  readonly first_name: string | null;
  readonly seat_type: SeatType | null;
  readonly is_owner: boolean;
  readonly is_locked: boolean;
}

export interface MemberPatch {
  readonly email: string;
  readonly isLocked: boolean | null;
  readonly seatType: SeatType | null;
  readonly allowDowngrade: boolean;
}

export function toWireMember(world: World, member: Member): WireMember {
  return {
    user_id: member.userId,
    email: member.email,
    first_name: member.firstName,
    seat_type: member.seatType,
    is_owner: member.userId === world.workspace.ownerId,
    is_locked: member.isLocked,
  };
}

/** The whole workspace in the order of joining, locked members included, no service accounts. */
export function listMembers(world: World): readonly WireMember[] {
  const { workspace } = world;
  const toWire = (member: Member): WireMember => toWireMember(world, member);
  const hidden = hiddenWrites(world, 'member');
  if (hidden.length === 0) return Array.from(workspace.members.values(), toWire);
  const seen = new Map(workspace.members);
  for (const entry of hidden) {
    if (entry.before === null) seen.delete(entry.userId);
    else seen.set(entry.userId, entry.before);
  }
  return Array.from(seen.values(), toWire);
}

/** POST /v1/workspace/members: changes what is given, all or nothing. */
export function updateMember(world: World, caller: Caller, patch: MemberPatch): void {
  const member = memberByEmail(world, patch.email);
  if (member === undefined) throw unknownMember(world, patch.email);
  const locks = patch.isLocked === true && !member.isLocked;
  const unlocks = patch.isLocked === false && member.isLocked;
  const wanted = patch.seatType ?? member.seatType;
  refuseProtected(world, caller, member, locks, wanted);

  const isLocked = patch.isLocked ?? member.isLocked;
  const seatType = isLocked ? wanted : seatFor(world, member, wanted, unlocks && patch.allowDowngrade);
  writeMember(world, member.userId, { ...member, isLocked, seatType });
  if (locks && world.switches.lockRemovesFromGroups) leaveGroups(world, member.userId);
  recordAudit(world, caller, {
    classUid: patch.seatType === null ? 3001 : 3005,
    activity: locks ? 'Lock' : unlocks ? 'Unlock' : 'Update',
    message: `Member ${member.email} updated`,
  });
}

function unknownMember(world: World, email: string): Refusal {
  const status = world.switches.unknownMember;
  const code = status === 500 ? 'internal_server_error' : 'user_not_found';
  return new Refusal(status, code, `User ${email} was not found in the workspace.`);
}

function refuseProtected(world: World, caller: Caller, member: Member, locks: boolean, wanted: SeatType | null): void {
  const { switches, workspace } = world;
  const changesSeat = wanted !== member.seatType;
  if (member.userId === workspace.ownerId && (locks || changesSeat)) {
    throw new Refusal(switches.changeOwner, 'forbidden', 'Cannot modify the workspace owner.');
  }
  if (locks && member.userId === caller.userId && switches.lockSelf === 400) {
    throw guess(400, 'cannot_lock_self', 'You cannot lock your own account.');
  }
  const endsAdmin = member.seatType === 'workspace_admin' && !member.isLocked && (locks || changesSeat);
  if (endsAdmin && workspace.unlockedAdmins <= 1 && switches.demoteLastAdmin === 400) {
    throw guess(400, 'last_admin', 'The workspace must keep at least one administrator.');
  }
}

/** The seat on which the member may be unlocked, or to which it may move. */
function seatFor(world: World, member: Member, wanted: SeatType | null, allowDowngrade: boolean): SeatType | null {
  const held = member.isLocked ? null : member.seatType;
  if (wanted === null || seatClass(wanted) === seatClass(held)) return wanted;
  if (seatFree(world, wanted, held)) return wanted;
  if (allowDowngrade && seatFree(world, 'workspace_lite_member', held)) return 'workspace_lite_member';
  throw noSeat(world.switches.unlockWithoutSeat);
}

export function noSeat(status: number): Refusal {
  return guess(status, 'no_seats_available', 'There are no seats available in the workspace.');
}

/** Makes somebody a member; the caller has checked the seat. An address known before keeps its user id. */
export function addMember(
  world: World,
  init: {
    readonly email: string;
    readonly seatType: SeatType | null;
    readonly firstName?: string | null;
    readonly usageLimit?: number | null;
    readonly userId?: string;
  },
): Member {
  const account = accountOf(world, init.email, init.firstName ?? null, init.userId);
  const member: Member = {
    userId: account.userId,
    email: init.email,
    firstName: account.firstName,
    seatType: init.seatType,
    isLocked: false,
    joinedAt: world.clock.now(),
    usageLimit: init.usageLimit ?? null,
  };
  writeMember(world, member.userId, member);
  return member;
}

function accountOf(world: World, email: string, firstName: string | null, userId?: string): Account {
  const key = emailKey(world, email);
  const known = world.workspace.accounts.get(key);
  if (known !== undefined && userId === undefined) return known;
  const account: Account = { userId: userId ?? alphanumeric(world.ids, 28), firstName };
  world.workspace.accounts.set(key, account);
  return account;
}

/** Removes a member from the workspace and from its groups; the owner stays. */
export function removeMember(world: World, caller: Caller, email: string): void {
  const member = memberByEmail(world, email);
  if (member === undefined) throw unknownMember(world, email);
  if (member.userId === world.workspace.ownerId) {
    throw new Refusal(403, 'forbidden', 'Cannot remove the workspace owner.');
  }
  leaveGroups(world, member.userId);
  writeMember(world, member.userId, null);
  recordAudit(world, caller, { classUid: 3001, activity: 'Delete', message: `Member ${member.email} removed` });
}

function leaveGroups(world: World, userId: string): void {
  for (const group of world.workspace.groups.values()) writeMembership(world, group, userId, false);
}
