/** Invites: created, sent again, revoked, accepted. There is one invite per address at a time. */
import type { SeatType } from '../domain/types.js';
import type { Caller } from './members.js';
import { addMember, noSeat } from './members.js';
import { guess, Refusal } from './refusal.js';
import { seatFree } from './seats.js';
import type { Invite, InviteStatus, Member, World } from './state.js';
import { memberByEmail, pendingInvite, recordAudit, writeInvite, writeMembership } from './state.js';

export interface InviteTerms {
  readonly seatType: SeatType | null;
  readonly groupIds: readonly string[];
  readonly usageLimit: number | null;
}

/** Upstream takes any string as an address, so a malformed one is a refusal and no 422. */
const ADDRESS = /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/;

/** POST /v1/workspace/invites/add */
export function invite(world: World, caller: Caller, email: string, terms: InviteTerms): void {
  checkAddress(email);
  checkTerms(world, terms);
  if (memberByEmail(world, email) !== undefined) throw alreadyMember(email);
  const pending = pendingInvite(world, email);
  const { duplicateInvite } = world.switches;
  if (pending !== undefined && duplicateInvite !== 'ok') {
    throw guess(duplicateInvite, 'user_already_invited', `${email} has already been invited to the workspace.`);
  }
  const seatType = terms.seatType ?? world.switches.defaultSeatOnInvite;
  if (world.switches.inviteWithoutSeat === 'refused' && !seatFree(world, seatType, reservation(world, pending))) {
    throw noSeat(400);
  }
  send(world, caller, email, { ...terms, seatType });
}

/** POST /v1/workspace/invites/add-bulk: checks all, then sends all. */
export function inviteAll(world: World, caller: Caller, emails: readonly string[], terms: InviteTerms): void {
  const { workspace, switches } = world;
  if (workspace.tier !== 'enterprise') {
    throw new Refusal(403, 'feature_not_available', 'Bulk invites need an Enterprise subscription.');
  }
  checkTerms(world, terms);
  const wanted: string[] = [];
  for (const email of emails) {
    checkAddress(email);
    const domain = email.slice(email.lastIndexOf('@') + 1).toLowerCase();
    if (!workspace.verifiedDomains.has(domain)) {
      throw guess(400, 'domain_not_verified', `The domain ${domain} is not verified for this workspace.`);
    }
    if (memberByEmail(world, email) === undefined) wanted.push(email);
    else if (!switches.bulkPartial) throw alreadyMember(email);
  }
  const seatType = terms.seatType ?? switches.defaultSeatOnInvite;
  const seats = switches.invitesReserveSeats ? wanted.length : Math.min(wanted.length, 1);
  if (switches.inviteWithoutSeat === 'refused' && !seatFree(world, seatType, null, seats)) throw noSeat(400);
  for (const email of wanted) send(world, caller, email, { ...terms, seatType });
}

function checkAddress(email: string): void {
  if (!ADDRESS.test(email)) {
    throw new Refusal(400, 'invalid_parameters', `${email} is not a valid email address.`, {
      type: 'validation_error',
      param: 'email',
    });
  }
}

function checkTerms(world: World, terms: InviteTerms): void {
  for (const groupId of terms.groupIds) {
    const group = world.workspace.groups.get(groupId);
    if (group === undefined) {
      throw guess(world.switches.inviteUnknownGroup, 'group_not_found', `The group ${groupId} was not found.`);
    }
    if (group.scimSynced || group.scimFrozen) {
      throw guess(world.switches.groupManagedByScim, 'group_managed_by_scim', `${group.name} is managed by SCIM.`);
    }
  }
}

/** That inviting a member gets 400 is documented; the code is not. */
function alreadyMember(email: string): Refusal {
  return guess(400, 'user_already_in_workspace', `${email} is already a member of the workspace.`);
}

function reservation(world: World, pending: Invite | undefined): SeatType | null {
  return world.switches.invitesReserveSeats && pending !== undefined ? pending.seatType : null;
}

function send(world: World, caller: Caller, email: string, terms: InviteTerms & { readonly seatType: SeatType }): void {
  const at = world.clock.now();
  writeInvite(world, { email, ...terms, createdAt: at, status: 'pending' });
  world.workspace.mailbox.push({ at, to: email, seatType: terms.seatType });
  recordAudit(world, caller, { classUid: 3005, activity: 'Assign Privileges', message: `${email} invited` });
  world.onInvited(email);
}

/** DELETE /v1/workspace/invites. Where nothing is pending the real API answers 500. */
export function revokeInvite(world: World, caller: Caller, email: string): void {
  const pending = pendingInvite(world, email);
  if (pending === undefined) {
    const status = world.switches.deleteUnknownInvite;
    if (status === 200) return;
    const code = status === 500 ? 'internal_server_error' : 'invite_not_found';
    throw new Refusal(status, code, `There is no pending invitation for ${email}.`, { guessed: status !== 500 });
  }
  writeInvite(world, { ...pending, status: 'revoked' });
  recordAudit(world, caller, { classUid: 3005, activity: 'Revoke Privileges', message: `Invite of ${email} revoked` });
}

/**
 * The invitee follows the link in the mail: takes a seat and joins the groups that still exist.
 * `as` is how its account spells the address, should it differ from the invite.
 */
export function acceptInvite(world: World, email: string, as: string = email, firstName?: string | null): Member {
  const pending = pendingInvite(world, email);
  if (pending === undefined) throw new Refusal(404, 'not_found', `There is no pending invitation for ${email}.`);
  if (!seatFree(world, pending.seatType, reservation(world, pending))) throw noSeat(409);
  writeInvite(world, { ...pending, status: 'accepted' });
  const { seatType, usageLimit } = pending;
  const spelled = as === email ? pending.email : as;
  const member = addMember(world, { email: spelled, seatType, usageLimit, firstName: firstName ?? null });
  for (const groupId of pending.groupIds) {
    const group = world.workspace.groups.get(groupId);
    if (group !== undefined) writeMembership(world, group, member.userId, true);
  }
  recordAudit(world, member, { classUid: 3001, activity: 'Create', message: `${member.email} joined the workspace` });
  return member;
}

/** The invitee says no, or the invite runs out; nobody is told. */
export function closeInvite(world: World, email: string, status: Extract<InviteStatus, 'declined' | 'expired'>): void {
  const pending = pendingInvite(world, email);
  if (pending === undefined) throw new Refusal(404, 'not_found', `There is no pending invitation for ${email}.`);
  writeInvite(world, { ...pending, status });
}
