import { foldAddress } from '../../src/domain/fold.js';
import type { FormerAccount, Invite, Person } from '../../src/domain/person.js';
import type { MemberId, UserId, WorkspaceGroupId, WorkspaceMember } from '../../src/domain/types.js';

export const memberId = (id: string) => id as MemberId;
export const groupId = (id: string) => id as WorkspaceGroupId;

export function member(name: string, more: Partial<WorkspaceMember> = {}): WorkspaceMember {
  const email = `${name}@example.com`;
  return {
    ...{ memberId: memberId(`m-${name}`), email, address: foldAddress(email), firstName: name },
    ...{ seatType: 'workspace_member', isOwner: false, isLocked: false },
    ...more,
  };
}

export function invite(name: string, more: Partial<Invite> = {}): Invite {
  return {
    ...{
      id: 1,
      address: foldAddress(`${name}@example.com`),
      seatType: 'workspace_member',
      usageLimit: null,
    },
    ...{ state: 'invited' as const, sends: 1, round: 1, sentAt: 0, ageMs: 0, revokeFailures: 0 },
    ...more,
  };
}

/** An account that came in by an address that was given up. */
export function former(found: WorkspaceMember, more: Partial<FormerAccount> = {}): FormerAccount {
  return {
    ...{ member: found, copy: 'none', isDoubtful: false, isProtected: false, groups: new Set() },
    ...{ givenGroups: new Set(), shares: [], givenShares: new Map() },
    ...more,
  };
}

/** A managed, active user whom nothing distinguishes. */
export function person(name: string, more: Partial<Person> = {}): Person {
  return {
    userId: `u-${name}` as UserId,
    userName: `${name}@example.com`,
    version: 1,
    desired: 'active',
    managed: true,
    address: foldAddress(`${name}@example.com`),
    seat: null,
    usageLimit: null,
    groups: new Map(),
    foundGroups: new Map(),
    givenGroups: new Set(),
    withdrawnGroups: new Set(),
    shares: new Map(),
    givenShares: new Map(),
    heldShares: new Map(),
    mayUnlock: false,
    mayReinvite: false,
    lockedByBridge: false,
    removedAt: null,
    seatBefore: null,
    seatGiven: null,
    seatDeclined: null,
    seatFound: null,
    member: null,
    isMissing: false,
    isCallable: true,
    memberGroups: new Set(),
    formerAccounts: [],
    lookalikes: [],
    invite: null,
    staleInvites: [],
    protection: null,
    refused: new Map(),
    released: new Set(),
    held: new Set(),
    isHandingOver: false,
    isConverged: false,
    isUndone: false,
    membersReadAt: 0,
    ...more,
  };
}
