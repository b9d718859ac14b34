/**
 * The plan: a pure function of one person (desired and actual), the rules and the time.
 *
 * | desired            | workspace                                   | changes                                    |
 * |--------------------|---------------------------------------------|--------------------------------------------|
 * | active             | not there, never seen                       | invite                                     |
 * | active             | several members at the address              | none until only one is left                |
 * | active             | was a member, has gone                      | none until the IdP turns active on afresh  |
 * | active             | invite pending                              | none; invite again after the TTL, 3 times  |
 * | active             | pending, now wanting a lower seat           | revokeInvite, then invite                  |
 * | active             | invite ambiguous                            | a reading first, then one more invite;     |
 * |                    |                                             | then by time alone (unclear-invites.ts)    |
 * | active             | locked by the bridge or before the turn     | unlock, then the member rows               |
 * | active             | locked by somebody else                     | none                                       |
 * | active             | member, other seat than a rule gives        | setSeat                                    |
 * | active             | member, linked writable group lacks it      | addToGroup                                 |
 * | active             | in a group it was put in or taken out of    | removeFromGroup                            |
 * | active             | shares differ                               | share / unshare (only what was given)      |
 * | inactive           | invite pending                              | revokeInvite; the address stays watched    |
 * | inactive           | member unlocked                             | lock (what rules still give stays)         |
 * | inactive           | given or taken out, and no rule gives it    | removeFromGroup, unshare                   |
 * | deleted            | member                                      | lock, removeFromGroup, unshare             |
 * | any                | another account of the user is usable       | lock (plan-former.ts)                      |
 * | inactive, deleted  | several members at the address              | lock, all held (policies)                  |
 * | any                | e-mail changed, old invite pending          | revokeInvite old, then as above            |
 * | active             | e-mail changed, member                      | none, or hand-over (plan-former.ts)        |
 * | protected          | any                                         | none                                       |
 * | unmanaged          | member, an IdP wrote a membership           | addToGroup, removeFromGroup                |
 *
 * Law: in a workspace that accepts everything at once, plan(apply(plan)) is empty; otherwise the
 * second plan is a subset of what is unsettled.
 *
 * A deleted member is locked first and tidied afterwards: access must not hang on a group call.
 */
import { isSought } from './lookalikes.js';
import type { Invite, Person } from './person.js';
import { lockHandedOver, lockWithdrawn, planHandover, withdrawFromFormer } from './plan-former.js';
import { planShare } from './plan-shares.js';
import type { Rules } from './rules.js';
import { isSettledByReading, unclearLeftMs } from './unclear-invites.js';
import { changeKey, isHigherSeat, type Change, type Millis, type SeatType, type WorkspaceMember } from './types.js';

/** The SCIM attribute whose value asked for a change: what a refusal would restore. */
export type CausingAttribute = 'active' | 'emails' | 'seatType' | 'roles' | 'groups' | 'entitlements';

export interface PlannedChange {
  readonly change: Change;
  /** The rule in words, for `plan`, `explain` and the ledger. */
  readonly why: string;
  readonly attribute: CausingAttribute;
}

export interface Plan {
  readonly changes: readonly PlannedChange[];
  /** The plan cannot go on before the members have been read again (an ambiguous send). */
  readonly needsReading: boolean;
}

const DAY = 86_400_000;
/** Invites repeated after INVITE_TTL_DAYS, the first included. */
export const MAX_INVITE_ROUNDS = 3;

/** Plans one person. The first change of the result is the next call to make. */
export function planPerson(person: Person, rules: Rules, now: Millis): Plan {
  if (person.protection !== null) return EMPTY;
  const changes: PlannedChange[] = [];
  if (!person.managed) {
    if (person.isReleased === true) return EMPTY;
    // Whoever writes a membership says nothing about access.
    const isUsable = person.desired === 'active' && person.member?.isLocked === false && !person.isMissing;
    changes.push(...(isUsable ? joinGroups(person) : []), ...leaveGroups(person));
    return { changes: changes.filter(({ change }) => !isRefused(person, change, now)), needsReading: false };
  }
  changes.push(...lockWithdrawn(person));
  for (const { memberId, address, isLocked } of suspects(person)) {
    if (!isLocked)
      changes.push({
        change: { kind: 'lock', memberId, reason: 'withdrawn' },
        why: `access of ${address} was withdrawn`,
        attribute: 'active',
      });
  }
  for (const invite of person.staleInvites) changes.push(revoke(invite, 'the address changed', 'emails'));
  let needsReading = false;
  switch (person.desired) {
    case 'active':
      if (person.member !== null) changes.push(...planMember(person, rules, now));
      // A hand-made lock is not walked around by inviting another address.
      if (person.member === null || (person.isHandingOver && !person.member.isLocked))
        needsReading = planInvite(person, rules, changes);
      changes.push(...planHandover(person));
      break;
    case 'inactive':
      changes.push(...planWithdrawal(person, 'inactive'), ...lockHandedOver(person, 'inactive'));
      changes.push(...leaveGroups(person), ...withdrawShares(person));
      break;
    case 'deleted':
      changes.push(...planWithdrawal(person, 'deleted'), ...lockHandedOver(person, 'deleted'));
      changes.push(...leaveGroups(person), ...withdrawShares(person));
      break;
  }
  changes.push(...withdrawFromFormer(person));
  return { changes: changes.filter(({ change }) => !isRefused(person, change, now)), needsReading };
}

const EMPTY: Plan = { changes: [], needsReading: false };

/** One of these was to lose access, and it is not known which: policies/ambiguous-member.ts holds what is planned. */
function suspects(person: Person): readonly WorkspaceMember[] {
  return person.lookalikes.flatMap(({ member, isProtected }) =>
    isProtected || isSought(member, person) ? [] : [member],
  );
}

function isRefused(person: Person, change: Change, now: Millis): boolean {
  const refused = person.refused.get(changeKey(change));
  return refused !== undefined && now < refused.until;
}

/**
 * Refusals, by changeKey, of what would not be planned any more even if it had not been refused: it
 * came about by hand, or its reason has gone. Remembered longer, they would mark the user as failed.
 */
export function pointlessRefusals(person: Person, rules: Rules, now: Millis): readonly string[] {
  if (person.refused.size === 0) return [];
  const { changes } = planPerson({ ...person, refused: new Map() }, rules, now);
  const wanted = new Set(changes.map(({ change }) => changeKey(change)));
  return [...person.refused.keys()].filter((key) => !wanted.has(key));
}

/** No member yet: decides whether an invite is due. Returns whether a reading must come first. */
function planInvite(person: Person, rules: Rules, changes: PlannedChange[]): boolean {
  const { address, invite } = person;
  if (address === null || person.lookalikes.some(({ member }) => isSought(member, person))) return false;
  if (person.removedAt !== null && !person.mayReinvite && !isInvitedBack(person)) return false;
  const seat = person.seat?.seatType ?? person.member?.seatType ?? rules.defaultSeat;
  const wanted: PlannedChange = {
    change: { kind: 'invite', address, seatType: seat, usageLimit: person.usageLimit },
    why: whyInvite(person),
    attribute: person.isHandingOver ? 'emails' : 'active',
  };
  if (invite === null) {
    changes.push(wanted);
    return false;
  }
  switch (invite.state) {
    case 'planned':
    case 'revoked':
    case 'refused': // no longer remembered as refused, or it would be filtered
    case 'accepted': // accepted, gone, and activated afresh
      changes.push(wanted);
      return false;
    case 'sending': // its answer is still under way
      return false;
    case 'ambiguous': {
      if (!isSettledByReading(invite)) {
        const why = `${wanted.why}; the answers to ${String(invite.sends)} calls were lost`;
        if (unclearLeftMs(invite) === 0) changes.push({ ...wanted, why });
        return false;
      }
      const read = person.membersReadAt !== null && invite.sentAt !== null && person.membersReadAt > invite.sentAt;
      if (!read) return true;
      changes.push({ ...wanted, why: `${wanted.why}; the answer to the first call was lost` });
      return false;
    }
    case 'invited':
      if (isHigherSeat(invite.seatType, seat)) {
        changes.push(revoke(invite, `a lower seat is wanted (${seat})`, person.seat?.attribute ?? 'active'), wanted);
        return false;
      }
      break;
    case 'expired':
      break;
  }
  const expired = invite.ageMs !== null && invite.ageMs >= rules.inviteTtlDays * DAY;
  if (expired && invite.round < MAX_INVITE_ROUNDS)
    changes.push({ ...wanted, why: `not accepted within ${String(rules.inviteTtlDays)} days` });
  return false;
}

function whyInvite({ member, seat }: Person): string {
  const seatRule = seat === null ? (member === null ? 'default seat' : 'its seat') : `seat by ${seat.rule}`;
  return member === null ? `active, no member yet; ${seatRule}` : `takes over from ${member.email}; ${seatRule}`;
}

/** Was a member, has gone, and has been invited again since: that invite is looked after like any other. */
function isInvitedBack({ invite, removedAt }: Person): boolean {
  return invite !== null && invite.state !== 'accepted' && (invite.sentAt ?? 0) > (removedAt ?? 0);
}

/**
 * When the plan of this person changes by the passing of time alone: a refusal runs out, an
 * invite has not been accepted in time. Null = never.
 */
export function nextPlanAt(person: Person, rules: Rules, now: Millis): Millis | null {
  const times = [...person.refused.values()].map(({ until }) => until);
  const { invite } = person;
  const isWaiting = invite !== null && (invite.state === 'invited' || invite.state === 'expired');
  const isWanted = person.managed && person.desired === 'active' && (person.member === null || person.isHandingOver);
  if (isWanted && isWaiting && invite.round < MAX_INVITE_ROUNDS)
    times.push(now + Math.max(0, rules.inviteTtlDays * DAY - (invite.ageMs ?? 0)));
  const unclear = isWanted && invite !== null ? unclearLeftMs(invite) : null;
  if (unclear !== null) times.push(now + unclear);
  const ahead = times.filter((time) => time > now);
  return ahead.length === 0 ? null : Math.min(...ahead);
}

/** An active member. */
function planMember(person: Person, rules: Rules, now: Millis): PlannedChange[] {
  const { member } = person;
  if (member === null || !person.isCallable) return [];
  if (person.isMissing) return [...leaveGroups(person), ...withdrawShares(person)];
  const changes: PlannedChange[] = [];
  if (member.isLocked) {
    if (!person.lockedByBridge && !person.mayUnlock) return [...leaveGroups(person), ...withdrawShares(person)];
    const unlock: Change = { kind: 'unlock', memberId: member.memberId, allowDowngrade: rules.allowDowngrade };
    // Without a seat there is nothing to give groups or shares to.
    if (isRefused(person, unlock, now)) return [];
    changes.push({
      change: unlock,
      why: person.mayUnlock ? 'the IdP activated the user' : 'locked by the bridge, now active',
      attribute: 'active',
    });
  }
  const seat = wantedSeat(person);
  if (seat !== null && seat.seatType !== member.seatType) {
    changes.push({
      change: { kind: 'setSeat', memberId: member.memberId, seatType: seat.seatType, from: member.seatType },
      why: `seat by ${seat.rule}`,
      attribute: seat.attribute,
    });
  }
  changes.push(...joinGroups(person), ...leaveGroups(person), ...planShares(person));
  return changes;
}

function joinGroups({ member, groups, memberGroups }: Person): readonly PlannedChange[] {
  if (member === null) return [];
  return [...groups]
    .filter(([groupId]) => !memberGroups.has(groupId))
    .map(([groupId, name]) => ({
      change: { kind: 'addToGroup', memberId: member.memberId, groupId },
      why: `member of "${name}"`,
      attribute: 'groups',
    }));
}

/** Groups in which the bridge put the member, or from which the IdP took it, and that no rule gives. */
function leaveGroups(person: Person): readonly PlannedChange[] {
  const { member, groups, givenGroups, withdrawnGroups } = person;
  if (member === null || !person.isCallable) return [];
  const isDeleted = person.desired === 'deleted';
  return [...person.memberGroups].flatMap((groupId): readonly PlannedChange[] => {
    if (groups.has(groupId) && !isDeleted) return [];
    const isGiven = givenGroups.has(groupId);
    if (!isGiven && !withdrawnGroups.has(groupId)) return [];
    const why = isGiven ? 'no longer in a group that gave this' : 'the IdP took the member out';
    return [
      {
        change: { kind: 'removeFromGroup', memberId: member.memberId, groupId },
        why: isDeleted ? 'the user was deleted' : why,
        attribute: 'groups',
      },
    ];
  });
}

/** The seat that the member should hold; null = the seat found stays. */
export function wantedSeat(
  person: Person,
): { readonly seatType: SeatType; readonly rule: string; readonly attribute: CausingAttribute } | null {
  if (person.seat !== null) return person.seat.seatType === person.seatDeclined ? null : person.seat;
  if (person.seatBefore === null) return null;
  return { seatType: person.seatBefore, rule: 'the seat held before the bridge set one', attribute: 'roles' };
}

function planShares(person: Person): PlannedChange[] {
  const { member, shares, heldShares, givenShares } = person;
  if (member === null) return [];
  const principal = { kind: 'member', memberId: member.memberId } as const;
  return [...new Set([...shares.keys(), ...givenShares.keys()])].flatMap((key) => {
    const facts = { wanted: shares.get(key), held: heldShares.get(key), given: givenShares.get(key) };
    return planShare(facts, principal) ?? [];
  });
}

/** Of somebody without access: what the bridge gave and no rule gives any more. Nothing is given. */
function withdrawShares(person: Person): readonly PlannedChange[] {
  const { member, shares, givenShares, desired } = person;
  if (member === null || !person.isCallable) return [];
  const principal = { kind: 'member', memberId: member.memberId } as const;
  return [...givenShares]
    .filter(([key]) => desired === 'deleted' || !shares.has(key))
    .flatMap(([, given]) => planShare({ wanted: undefined, held: undefined, given }, principal) ?? []);
}

/** Inactive or deleted: no invite may be open, no member unlocked. */
function planWithdrawal(person: Person, reason: 'inactive' | 'deleted'): PlannedChange[] {
  const changes: PlannedChange[] = [];
  const { invite, member } = person;
  if (invite !== null && isOpen(invite)) changes.push(revoke(invite, `the user is ${reason}`, 'active'));
  if (member !== null && !member.isLocked && person.isCallable)
    changes.push({
      change: { kind: 'lock', memberId: member.memberId, reason },
      why: `the user is ${reason}`,
      attribute: 'active',
    });
  return changes;
}

function revoke(invite: Invite, why: string, attribute: CausingAttribute): PlannedChange {
  return { change: { kind: 'revokeInvite', address: invite.address }, why, attribute };
}

/** May an e-mail with a working link be out there? */
export function isOpen(invite: Invite): boolean {
  return (
    invite.state === 'sending' ||
    invite.state === 'invited' ||
    invite.state === 'ambiguous' ||
    invite.state === 'expired'
  );
}
