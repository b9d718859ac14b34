/**
 * Everything the planner may know of one user: what the IdP wants, what the workspace has, and
 * what the bridge did before. Built by the store in one read, so that a plan is a function of it.
 */
import type { RefusedValue } from './withdrawal.js';
import type {
  Address,
  InviteState,
  Millis,
  ResourceRef,
  SeatType,
  ShareRole,
  UserId,
  WorkspaceGroupId,
  WorkspaceMember,
} from './types.js';

/** Why a member may never be locked, demoted or taken out of a group. */
export type Protection = 'owner' | 'keyOwner' | 'lastAdmin' | 'neverTouch';

/** A seat that some rule gives, and which rule. */
export interface SeatDecision {
  readonly seatType: SeatType;
  /** For people: `roles "admin"`, `seatType`, `group "Sales"`. */
  readonly rule: string;
  /** The SCIM attribute that gave it: what a refusal restores. */
  readonly attribute: 'seatType' | 'roles' | 'groups';
}

/** One invite decision, see table `invites`. */
export interface Invite {
  readonly id: number;
  readonly address: Address;
  readonly seatType: SeatType;
  readonly usageLimit: number | null;
  readonly state: InviteState;
  /** Calls whose answer was yes or unknown: e-mails that may have been sent for this decision. */
  readonly sends: number;
  /** 1 for the first invite, then one more for each repetition after INVITE_TTL_DAYS. */
  readonly round: number;
  readonly sentAt: Millis | null;
  /** For how long it has been out, in time that the bridge was served; null = never sent. */
  readonly ageMs: Millis | null;
  /** Last answered revokeInvite calls that were no clear yes. */
  readonly revokeFailures: number;
}

export interface WantedShare {
  readonly resource: ResourceRef;
  readonly role: ShareRole;
  readonly rule: string;
  readonly attribute: 'entitlements' | 'groups';
}

/** A share that the bridge gave. */
export interface GivenShare {
  readonly resource: ResourceRef;
  readonly role: ShareRole;
  /** A call was sent whose answer is not known: the role may be there, or not. */
  readonly isUnsure?: boolean;
  /** The lower role that somebody else had given before: what is left when no rule speaks any more. */
  readonly before?: ShareRole | null;
}

/** One of several members at one address (lookalikes.ts). */
export interface Lookalike {
  readonly member: WorkspaceMember;
  /** Must never be locked. */
  readonly isProtected: boolean;
}

/** An account of the user that is not the present one: of before a hand-over, or come in by an address given up. */
export interface FormerAccount {
  readonly member: WorkspaceMember;
  /** `due`: what it has is still to be copied to the present account. `none`: it never was the present one. */
  readonly copy: 'none' | 'due' | 'done';
  /** It appeared at an address that was taken for the user's long ago: it may be somebody else's by now. */
  readonly isDoubtful: boolean;
  /** Must never be locked. */
  readonly isProtected: boolean;
  /** Writable workspace groups it is in. */
  readonly groups: ReadonlySet<WorkspaceGroupId>;
  readonly givenGroups: ReadonlySet<WorkspaceGroupId>;
  readonly shares: readonly { readonly resource: ResourceRef; readonly role: ShareRole }[];
  readonly givenShares: ReadonlyMap<string, GivenShare>;
}

export interface Person {
  readonly userId: UserId;
  readonly userName: string;
  readonly version: number;
  readonly desired: 'active' | 'inactive' | 'deleted';
  /** False: imported only, or released. Nothing may be changed but memberships that an IdP wrote. */
  readonly managed: boolean;
  /** An administrator ended the management: nothing may be changed. */
  readonly isReleased?: boolean;
  readonly address: Address | null;
  readonly seat: SeatDecision | null;
  readonly usageLimit: number | null;
  /** Linked, writable workspace groups that some SCIM group of the user wants; value = SCIM group name. */
  readonly groups: ReadonlyMap<WorkspaceGroupId, string>;
  /** Workspace groups where the user was found, and whose SCIM group shows the user though no IdP has asked for it; value = its name. */
  readonly foundGroups: ReadonlyMap<WorkspaceGroupId, string>;
  readonly givenGroups: ReadonlySet<WorkspaceGroupId>;
  readonly withdrawnGroups: ReadonlySet<WorkspaceGroupId>;
  /** Wanted shares by `type:id`, highest role only. */
  readonly shares: ReadonlyMap<string, WantedShare>;
  /** Shares the bridge gave this member, by `type:id`. */
  readonly givenShares: ReadonlyMap<string, GivenShare>;
  /** Roles the member holds according to the last `resources.get` and our own calls; absent = none known. */
  readonly heldShares: ReadonlyMap<string, ShareRole>;
  /** The IdP turned the user on after the account was locked, and it was not seen usable since. */
  readonly mayUnlock: boolean;
  /** The IdP turned the user on after the member had gone. */
  readonly mayReinvite: boolean;
  /** The bridge locked the account, or may have. */
  readonly lockedByBridge: boolean;
  /** Was a member and has gone. */
  readonly removedAt: Millis | null;
  /** The seat to return to when no rule speaks; null: the bridge gave none. */
  readonly seatBefore: SeatType | null;
  /** The seat that the bridge gave last, or may have given. */
  readonly seatGiven: SeatType | null;
  /** Seat that a rule gave at adoption and that was lower than the seat found: not applied until the rule changes. */
  readonly seatDeclined: SeatType | null;
  /** The seat that the account had when it came to the user. */
  readonly seatFound: SeatType | null;
  /** The linked member, from the mirror. */
  readonly member: WorkspaceMember | null;
  /** The last reading did not show the member: nothing is given to it. */
  readonly isMissing: boolean;
  /** False: the member is missing, and its address may be somebody else's by now. */
  readonly isCallable: boolean;
  /** Writable workspace groups the member is in, from the mirror. */
  readonly memberGroups: ReadonlySet<WorkspaceGroupId>;
  readonly formerAccounts: readonly FormerAccount[];
  /**
   * Members at an address of this user that several members have: which of them is the user's is not
   * known. None for an active user who is linked, whose own address is not looked at.
   */
  readonly lookalikes: readonly Lookalike[];
  /** The latest invite for `address`, any state; null if none was ever decided. */
  readonly invite: Invite | null;
  /** Open invites (sending, invited, ambiguous) for other addresses. */
  readonly staleInvites: readonly Invite[];
  readonly protection: Protection | null;
  /** Values that came with a withdrawal and were refused. */
  readonly refusedValues?: readonly RefusedValue[];
  /** Changes refused for good, by changeKey: not planned again before the time given. */
  readonly refused: ReadonlyMap<string, { readonly until: Millis; readonly error: string }>;
  /** Held changes released by an administrator, by changeKey. */
  readonly released: ReadonlySet<string>;
  /** Changes held now, by changeKey: they stay held until they are released or the plan lacks them. */
  readonly held: ReadonlySet<string>;
  /** The address is to be invited, and then to take over from `member`, whom ElevenLabs knows by another one. */
  readonly isHandingOver: boolean;
  /** Nothing was left to do after the last cause that was no reading: what is planned now repairs what a hand changed. */
  readonly isConverged: boolean;
  /** An administrator put the directory back, and the IdP has not written the user since. */
  readonly isUndone: boolean;
  /** When the last believed reading of the members began; null before the first. */
  readonly membersReadAt: Millis | null;
}
