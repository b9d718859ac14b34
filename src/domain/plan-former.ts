/**
 * The plan of accounts that are a user's and not the present one. ElevenLabs knows people by their
 * address alone, so a changed address may leave an account behind (EMAIL_CHANGE=handover), and an invite
 * to an address that was given up may still be accepted. None of them may be usable.
 *
 * | present account        | former account          | changes                                             |
 * |------------------------|-------------------------|-----------------------------------------------------|
 * | not there              | to be handed over       | none here; the new address is invited (plan.ts)     |
 * | member, not all copied | to be handed over       | seat, groups and shares of it, for the present one  |
 * | member, all copied     | to be handed over       | lock                                                |
 * | locked by hand         | to be handed over       | none: a hand-made lock is not walked around         |
 * | any                    | never was the present   | lock                                                |
 * | none may be usable     | any                     | lock                                                |
 * | any                    | has what the bridge gave and no rule gives any more | removeFromGroup, unshare |
 *
 * What is copied is as hand-made as it was before: the bridge never takes it away by itself.
 */
import type { FormerAccount, Person } from './person.js';
import type { PlannedChange } from './plan.js';
import { planShare } from './plan-shares.js';
import { resourceKey } from './shares.js';
import { isHigherRole, isHigherSeat, type LockReason, type MemberId } from './types.js';

/** Accounts that came in by an address that had been given up. */
export function lockWithdrawn({ formerAccounts }: Person): readonly PlannedChange[] {
  return formerAccounts.filter(({ copy }) => copy === 'none').flatMap((former) => lock(former, 'withdrawn'));
}

/** Access by an account of before a hand-over ends with the access of the person. */
export function lockHandedOver({ formerAccounts }: Person, reason: 'inactive' | 'deleted'): readonly PlannedChange[] {
  return formerAccounts.filter(({ copy }) => copy !== 'none').flatMap((former) => lock(former, reason));
}

/** Of an active person whose present account is usable: what is still to be copied, then the locks. */
export function planHandover(person: Person): readonly PlannedChange[] {
  const { member } = person;
  if (member === null || member.isLocked) return [];
  const handedOver = person.formerAccounts.filter(({ copy }) => copy !== 'none');
  return [
    ...handedOver.filter(({ copy }) => copy === 'due').flatMap((one) => copies(one, person, member.memberId)),
    ...handedOver.flatMap((one) => lock(one, 'handover')),
  ];
}

/** What the bridge gave to a former account, and no rule gives the person any more. */
export function withdrawFromFormer(person: Person): readonly PlannedChange[] {
  return person.formerAccounts
    .filter(({ isProtected, isDoubtful }) => !isProtected && !isDoubtful)
    .flatMap((former) => [...leaveGroups(former, person), ...withdrawShares(former, person)]);
}

function lock({ member, isProtected }: FormerAccount, reason: LockReason): readonly PlannedChange[] {
  if (member.isLocked || isProtected) return [];
  const why =
    reason === 'withdrawn'
      ? `access of ${member.address} was withdrawn`
      : `the account ${member.email} was handed over`;
  const attribute = reason === 'withdrawn' ? 'active' : 'emails';
  return [{ change: { kind: 'lock', memberId: member.memberId, reason }, why, attribute }];
}

function leaveGroups(former: FormerAccount, { desired, groups }: Person): readonly PlannedChange[] {
  const { memberId } = former.member;
  return [...former.givenGroups]
    .filter((id) => former.groups.has(id) && (desired === 'deleted' || !groups.has(id)))
    .map((groupId) => ({
      change: { kind: 'removeFromGroup', memberId, groupId },
      why: `no longer in a group that gave this to ${former.member.email}`,
      attribute: 'groups',
    }));
}

function withdrawShares({ member, givenShares }: FormerAccount, { desired, shares }: Person): readonly PlannedChange[] {
  const principal = { kind: 'member', memberId: member.memberId } as const;
  return [...givenShares]
    .filter(([key]) => desired === 'deleted' || !shares.has(key))
    .flatMap(([, given]) => planShare({ wanted: undefined, held: undefined, given }, principal) ?? []);
}

function copies(from: FormerAccount, person: Person, memberId: MemberId): readonly PlannedChange[] {
  const why = `handed over from ${from.member.email}`;
  return [
    ...copySeat(from, person, memberId, why),
    ...copyGroups(from, person, memberId, why),
    ...copyShares(from, person, memberId, why),
  ];
}

/** A rule that gives a seat speaks for the new account by itself. Never downwards. */
function copySeat(from: FormerAccount, person: Person, memberId: MemberId, why: string): readonly PlannedChange[] {
  const held = person.member?.seatType ?? null;
  const { seatType } = from.member;
  if (person.seat !== null || person.seatBefore !== null || seatType === null || held === null) return [];
  if (!isHigherSeat(seatType, held)) return [];
  return [{ change: { kind: 'setSeat', memberId, seatType, from: held, isCopy: true }, why, attribute: 'emails' }];
}

/** What the bridge gave to the old account follows from the rules, and is no copy. */
function copyGroups(from: FormerAccount, person: Person, memberId: MemberId, why: string): readonly PlannedChange[] {
  const { memberGroups, groups, withdrawnGroups } = person;
  return [...from.groups]
    .filter((id) => !memberGroups.has(id) && !groups.has(id) && !withdrawnGroups.has(id) && !from.givenGroups.has(id))
    .map((groupId) => ({ change: { kind: 'addToGroup', memberId, groupId, isCopy: true }, why, attribute: 'groups' }));
}

function copyShares(from: FormerAccount, person: Person, memberId: MemberId, why: string): readonly PlannedChange[] {
  const principal = { kind: 'member', memberId } as const;
  return from.shares
    .filter(({ resource, role }) => {
      const key = resourceKey(resource);
      const held = person.heldShares.get(key);
      const isOurs = from.givenShares.has(key);
      return !isOurs && !person.shares.has(key) && (held === undefined || isHigherRole(role, held));
    })
    .map(({ resource, role }) => ({
      change: { kind: 'share', resource, role, principal, isCopy: true },
      why,
      attribute: 'groups',
    }));
}
