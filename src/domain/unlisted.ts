/**
 * Where the API key may not list members, nobody can see who has accepted. What an invitee is to
 * have anyway is tried then, by address: if ElevenLabs does it, the person is a member. Until a list
 * says otherwise such a member has the address for an id; true ids have no `@`.
 */
import type { Person } from './person.js';
import type { PlannedChange } from './plan.js';
import type { Change, MemberId, WorkspaceMember } from './types.js';

export const isUnlisted = (memberId: MemberId): boolean => memberId.includes('@');

/** As whom the invitee would be a member; null: there is nothing to go by. */
export function presumedMember(person: Person): WorkspaceMember | null {
  const { address, invite, member, managed, protection, lookalikes } = person;
  if (!managed || protection !== null || member !== null || address === null || invite === null) return null;
  if (lookalikes.length > 0) return null;
  return {
    ...{ memberId: address as string as MemberId, email: address, address },
    ...{ firstName: null, seatType: invite.seatType, isOwner: false, isLocked: false },
  };
}

/** Does this change try whether somebody is a member by now? */
export function isTry(change: Change, person: Person | null): boolean {
  if (person?.member !== null || !('memberId' in change)) return false;
  return presumedMember(person)?.memberId === change.memberId;
}

/** What an invitee is to have on top of the invite: nothing wanted, nothing tried. */
export function planTries(person: Person): readonly PlannedChange[] {
  const { invite, groups, seat } = person;
  const member = presumedMember(person);
  const isOut = invite?.state === 'invited' || invite?.state === 'expired' || invite?.state === 'ambiguous';
  if (member === null || !isOut || person.desired !== 'active') return [];
  const { memberId } = member;
  const tries: PlannedChange[] = [...groups].map(([groupId, name]) => ({
    change: { kind: 'addToGroup', memberId, groupId },
    why: `member of "${name}"`,
    attribute: 'groups',
  }));
  if (seat !== null && seat.seatType !== invite.seatType)
    tries.push({
      change: { kind: 'setSeat', memberId, seatType: seat.seatType, from: invite.seatType },
      why: `seat by ${seat.rule}`,
      attribute: seat.attribute,
    });
  return tries;
}

/** The invite could not be revoked for sure: whoever has accepted it is locked. */
export function planLockInTheDark(person: Person): readonly PlannedChange[] {
  const member = presumedMember(person);
  if (member === null || person.desired === 'active') return [];
  const { memberId } = member;
  const why = 'the revocation of the invite was no clear yes, and the key may not list members';
  return [{ change: { kind: 'lock', memberId, reason: person.desired }, why, attribute: 'active' }];
}
