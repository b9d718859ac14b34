/**
 * The last line before a call: whatever the planner says, the bridge changes only what is its own.
 * The planner never plans what is dropped here; if something is, that is a bug, and it alerts.
 */
import type { FormerAccount, Person } from '../person.js';
import type { PlannedChange } from '../plan.js';
import { resourceKey } from '../shares.js';
import type { Change, MemberId, WorkspaceGroupId } from '../types.js';
import { memberOf } from '../effect.js';
import { withhold, type Policy } from './policy.js';

/** Drops changes of unmanaged and protected people, of other people, and withdrawals of what the bridge did not give. */
export const ownership: Policy = (sorted, { person }) => {
  const notes = sorted.send.flatMap((planned: PlannedChange) => {
    const reason = person === null ? foreignToHolder(planned.change) : foreignTo(planned.change, person);
    return reason === null ? [] : [{ planned, fate: 'dropped', policy: 'ownership', reason, alert: true } as const];
  });
  return withhold(sorted, notes);
};

/** Why a change is none of this person's; null = it is. */
export function foreignTo(change: Change, person: Person): string | null {
  const isMembership = change.kind === 'addToGroup' || change.kind === 'removeFromGroup';
  if (!person.managed && (!isMembership || person.isReleased === true)) return 'the user is not managed by an IdP';
  if (person.protection !== null) return `the member is protected (${person.protection})`;
  switch (change.kind) {
    case 'invite':
      return change.address === person.address ? null : 'the address is not that of the user';
    case 'revokeInvite': {
      const own = [person.address, person.invite?.address, ...person.staleInvites.map(({ address }) => address)];
      return own.includes(change.address) ? null : 'the invite is not one of the user';
    }
    case 'share':
    case 'unshare':
      if (change.principal.kind !== 'member' || !isOwn(change.principal.memberId, person))
        return 'the member is not the user';
      if (change.kind === 'share' || hasGivenShare(person, change.principal.memberId, resourceKey(change.resource)))
        return null;
      return 'the bridge did not give this share';
    case 'removeFromGroup':
      if (!isOwn(change.memberId, person)) return 'the member is not the user';
      if (givenGroupsOf(person, change.memberId).has(change.groupId) || person.withdrawnGroups.has(change.groupId))
        return null;
      return 'the bridge did not add this member to the group';
    case 'lock':
    case 'unlock':
    case 'setSeat':
    case 'addToGroup': {
      const member = memberOf(person, change.memberId);
      if (member === null) return 'the member is not the user';
      return member.isOwner ? 'the member owns the workspace' : null;
    }
  }
}

/** Groups and the mapping file give shares, and to no single member. */
function foreignToHolder(change: Change): string | null {
  if (change.kind !== 'share' && change.kind !== 'unshare') return 'only shares hang on a group or the mapping file';
  return change.principal.kind === 'member' ? 'a group or the mapping file shares with no single member' : null;
}

function formerOf({ formerAccounts }: Person, memberId: MemberId): FormerAccount | undefined {
  return formerAccounts.find(({ member }) => member.memberId === memberId);
}

const givenGroupsOf = (person: Person, memberId: MemberId): ReadonlySet<WorkspaceGroupId> =>
  formerOf(person, memberId)?.givenGroups ?? person.givenGroups;

const hasGivenShare = (person: Person, memberId: MemberId, key: string): boolean =>
  (formerOf(person, memberId)?.givenShares ?? person.givenShares).has(key);

function isOwn(memberId: Parameters<typeof memberOf>[1], person: Person): boolean {
  return memberOf(person, memberId) !== null;
}
