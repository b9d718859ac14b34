/**
 * The plan of a hand-over: somebody's address has changed, and ElevenLabs knows people by nothing
 * else. The new address is invited; once it is a member, it is given what the old account has, and
 * then the old one is locked. An account that was handed over stays locked.
 *
 * | new address            | old account    | changes                                             |
 * |------------------------|----------------|-----------------------------------------------------|
 * | not there              | member         | invite, with the old account's seat                 |
 * | invite pending         | member         | none; the old account is served as ever             |
 * | member, not all copied | member         | seat, groups and shares of the old account          |
 * | member, all copied     | unlocked       | lock the old account                                |
 * | any                    | locked by hand | none: a hand-made lock is not walked around         |
 *
 * What is copied is as hand-made as it was before: the bridge never takes it away by itself.
 */
import type { Person, Predecessor } from './person.js';
import type { PlannedChange } from './plan.js';
import { resourceKey } from './shares.js';
import { isHigherRole, isHigherSeat, type MemberId } from './types.js';

/** Of an active person whose member is usable: what is still to be copied, then the locks. */
export function planPredecessors(person: Person): readonly PlannedChange[] {
  const { member, predecessors } = person;
  if (member === null || member.isLocked) return [];
  return [
    ...predecessors.filter(({ isCopied }) => !isCopied).flatMap((one) => copies(one, person, member.memberId)),
    ...lockPredecessors(person, 'handover'),
  ];
}

/** Access by an earlier account ends with the access of the person. */
export function lockPredecessors(
  { predecessors }: Person,
  reason: 'handover' | 'inactive' | 'deleted',
): readonly PlannedChange[] {
  return predecessors
    .filter(({ member, isProtected }) => !member.isLocked && !isProtected)
    .map(({ member }) => ({
      change: { kind: 'lock', memberId: member.memberId, reason },
      why: `the account ${member.email} was handed over`,
      attribute: 'emails',
    }));
}

function copies(from: Predecessor, person: Person, memberId: MemberId): readonly PlannedChange[] {
  const why = `handed over from ${from.member.email}`;
  return [
    ...copySeat(from, person, memberId, why),
    ...copyGroups(from, person, memberId, why),
    ...copyShares(from, person, memberId, why),
  ];
}

/** A rule that gives a seat speaks for the new account by itself. Never downwards. */
function copySeat(from: Predecessor, person: Person, memberId: MemberId, why: string): readonly PlannedChange[] {
  const held = person.member?.seatType ?? null;
  const { seatType } = from.member;
  if (person.seat !== null || person.seatBefore !== null || seatType === null || held === null) return [];
  if (!isHigherSeat(seatType, held)) return [];
  return [{ change: { kind: 'setSeat', memberId, seatType, from: held, isCopy: true }, why, attribute: 'emails' }];
}

function copyGroups(from: Predecessor, person: Person, memberId: MemberId, why: string): readonly PlannedChange[] {
  const { memberGroups, groups, withdrawnGroups } = person;
  return [...from.groups]
    .filter((id) => !memberGroups.has(id) && !groups.has(id) && !withdrawnGroups.has(id))
    .map((groupId) => ({ change: { kind: 'addToGroup', memberId, groupId, isCopy: true }, why, attribute: 'groups' }));
}

function copyShares(from: Predecessor, person: Person, memberId: MemberId, why: string): readonly PlannedChange[] {
  const principal = { kind: 'member', memberId } as const;
  return from.shares
    .filter(({ resource, role }) => {
      const key = resourceKey(resource);
      const held = person.heldShares.get(key);
      return !person.shares.has(key) && (held === undefined || isHigherRole(role, held));
    })
    .map(({ resource, role }) => ({
      change: { kind: 'share', resource, role, principal, isCopy: true },
      why,
      attribute: 'groups',
    }));
}
