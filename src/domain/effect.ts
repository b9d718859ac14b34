/**
 * Whether the end that a change wanted is there, judged by the workspace as last read. This, and
 * no upstream error code, decides whether a refused call was in truth "already so".
 */
import type { Person } from './person.js';
import type { Change, MemberId, WorkspaceGroupId, WorkspaceMember } from './types.js';
import { isUnlisted, presumedMember } from './unlisted.js';

/** Null: the mirror cannot tell (shares are read from the resource itself; invites cannot be listed). */
export function isEffective(change: Change, person: Person): boolean | null {
  switch (change.kind) {
    case 'invite':
      // A pending invite is invisible: only membership proves that nothing is left to do.
      return person.member !== null && !person.isHandingOver ? true : null;
    case 'revokeInvite':
      return null;
    case 'lock':
      return memberOf(person, change.memberId)?.isLocked ?? null;
    case 'unlock': {
      const member = memberOf(person, change.memberId);
      return member === null ? null : !member.isLocked;
    }
    case 'setSeat': {
      const member = memberOf(person, change.memberId);
      return member === null ? null : member.seatType === change.seatType;
    }
    case 'addToGroup':
      return groupsOf(person, change.memberId).has(change.groupId);
    case 'removeFromGroup':
      return !groupsOf(person, change.memberId).has(change.groupId);
    case 'share':
    case 'unshare':
      return null;
  }
}

function groupsOf(person: Person, memberId: MemberId): ReadonlySet<WorkspaceGroupId> {
  const former = person.formerAccounts.find(({ member }) => member.memberId === memberId);
  return former?.groups ?? person.memberGroups;
}

/** The member a change is about, among those that belong to this person. */
export function memberOf(person: Person, memberId: MemberId): WorkspaceMember | null {
  if (person.member?.memberId === memberId) return person.member;
  if (isUnlisted(memberId)) {
    const presumed = presumedMember(person);
    if (presumed?.memberId === memberId) return presumed;
  }
  const others = [...person.lookalikes, ...person.formerAccounts].map(({ member }) => member);
  return others.find((other) => other.memberId === memberId) ?? null;
}
