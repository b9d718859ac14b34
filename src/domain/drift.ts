/**
 * Drift: what in the workspace is not as it was once settled, in words. Found whenever somebody is
 * planned whose plan was empty before, so each full sync finds all of it and costs nothing where
 * nothing changed.
 *
 * | found                                         | DRIFT=enforce    | DRIFT=report |
 * |-----------------------------------------------|------------------|--------------|
 * | seat, group or share changed by hand          | repaired         | listed       |
 * | a leaver unlocked by hand                     | locked again     | locked again |
 * | a member locked by hand                       | listed           | listed       |
 * | a member removed by hand                      | listed           | listed       |
 * | ElevenLabs knows the member by another e-mail | listed           | listed       |
 * | a member made an admin by hand, by no rule    | listed           | listed       |
 * | several members have the address of a user    | listed           | listed       |
 */
import { inTheWay, lookalikesInWords } from './lookalikes.js';
import type { Person } from './person.js';
import type { PlannedChange } from './plan.js';
import type { MemberId } from './types.js';
import { describeChange } from './refusal.js';

/** Several members count as one: only ElevenLabs can tell them apart. */
export const AMBIGUOUS_MEMBER = 'ambiguousMember';

export type DriftKind =
  | 'seat'
  | 'group'
  | 'share'
  | 'unlockedLeaver'
  | 'lockedByHand'
  | 'removedByHand'
  | 'otherAddress'
  | 'promotedByHand'
  | typeof AMBIGUOUS_MEMBER;

/** For people. */
export const DRIFT_WORDS: Readonly<Record<DriftKind, string>> = {
  seat: 'Another seat',
  group: 'Another group',
  share: 'Another share',
  unlockedLeaver: 'Leaver unlocked',
  lockedByHand: 'Locked by hand',
  removedByHand: 'Removed by hand',
  otherAddress: 'Another address',
  promotedByHand: 'Made an admin by hand',
  ambiguousMember: 'Ambiguous member',
};

export interface DriftItem {
  readonly kind: DriftKind;
  /** What is otherwise, and which rule or write wants it as it was. */
  readonly detail: string;
}

/** `changes`: the plan before any policy. */
export function driftOf(person: Person, changes: readonly PlannedChange[], isDrift: boolean): readonly DriftItem[] {
  if (person.protection !== null) return [];
  const repairs = isDrift ? changes.flatMap((planned) => repairItem(planned, person) ?? []) : [];
  return person.managed ? [...repairs, ...ambiguity(person), ...standing(person)] : repairs;
}

/** Of a group or the mapping file: their shares are all that can drift. */
export function driftOfShares(changes: readonly PlannedChange[], isDrift: boolean): readonly DriftItem[] {
  return isDrift ? changes.flatMap((planned) => repairItem(planned, null) ?? []) : [];
}

function repairItem({ change, why }: PlannedChange, person: Person | null): DriftItem | null {
  const words = person === null ? {} : { person: person.address ?? person.userName };
  const detail = `${describeChange(change, words)}: ${why}`;
  switch (change.kind) {
    case 'setSeat':
      return { kind: 'seat', detail };
    case 'addToGroup':
    case 'removeFromGroup':
      return { kind: 'group', detail };
    case 'share':
    case 'unshare':
      return { kind: 'share', detail };
    case 'lock':
      if (person !== null && !isPresent(person, change.memberId)) return null;
      return change.reason === 'handover' ? null : { kind: 'unlockedLeaver', detail };
    case 'invite':
    case 'revokeInvite':
    case 'unlock':
      return null;
  }
}

const isPresent = ({ member }: Person, memberId: MemberId): boolean => member?.memberId === memberId;

function ambiguity(person: Person): readonly DriftItem[] {
  const members = inTheWay(person);
  return members.length === 0 ? [] : [{ kind: AMBIGUOUS_MEMBER, detail: lookalikesInWords(members) }];
}

/** What stays as the hand has left it, until the IdP writes the user afresh. */
function standing(person: Person): readonly DriftItem[] {
  const { member, desired, lockedByBridge, mayUnlock, mayReinvite, removedAt, address } = person;
  if (desired !== 'active') return [];
  if (member === null)
    return removedAt === null || mayReinvite
      ? []
      : [{ kind: 'removedByHand', detail: 'was removed from the workspace, and is not invited again by itself' }];
  const items: DriftItem[] = [];
  if (member.isLocked && !lockedByBridge && !mayUnlock)
    items.push({ kind: 'lockedByHand', detail: `${member.email} was locked in ElevenLabs, and is left locked` });
  if (address !== null && member.address !== address)
    items.push({
      kind: 'otherAddress',
      detail: `the IdP says ${address}, ElevenLabs knows the member by ${member.email}${
        person.isHandingOver ? '; a hand-over is under way' : ''
      }`,
    });
  if (member.seatType === 'workspace_admin' && isHandMade(person))
    items.push({
      kind: 'promotedByHand',
      detail: `${member.email} was made an admin in ElevenLabs, and no rule gives that; remove the role there, or map one`,
    });
  return items;
}

/** Neither a rule nor the bridge gave the seat, and the account did not have it when it came to the user. */
function isHandMade({ member, seat, seatGiven, seatFound }: Person): boolean {
  const held = member?.seatType;
  return held !== seat?.seatType && held !== seatGiven && seatFound !== null && held !== seatFound;
}
