/**
 * The words of the bridge, as types. Everything here is plain, readonly data; see docs/design.md.
 *
 * - directory: users and groups as the IdP wants them.
 * - workspace: members and groups as ElevenLabs reported them last ("the mirror").
 * - Change: one upstream call as plain data. The ledger keeps one durable row per Change.
 */

declare const brand: unique symbol;
type Brand<T, B extends string> = T & { readonly [brand]: B };

/** Id of a SCIM User: a UUID made by the bridge. */
export type UserId = Brand<string, 'UserId'>;
/** Id of a SCIM Group: a UUID made by the bridge. */
export type GroupId = Brand<string, 'GroupId'>;
/** Id of a workspace member (`user_id` upstream, 28 characters). Known only after acceptance. */
export type MemberId = Brand<string, 'MemberId'>;
/** Id of a workspace group (`id` upstream). */
export type WorkspaceGroupId = Brand<string, 'WorkspaceGroupId'>;
/** An e-mail address folded for comparison (see `fold`). Upstream is always sent this form. */
export type Address = Brand<string, 'Address'>;
/** Milliseconds since the epoch. */
export type Millis = number;

/** ElevenLabs seat types, highest first. `workspace_lite_member` is the Basic seat. */
export const SEAT_TYPES = ['workspace_admin', 'workspace_member', 'workspace_lite_member'] as const;
export type SeatType = (typeof SEAT_TYPES)[number];

export function isHigherSeat(a: SeatType, b: SeatType): boolean {
  return SEAT_TYPES.indexOf(a) < SEAT_TYPES.indexOf(b);
}

/** Sharing roles, highest first. */
export const SHARE_ROLES = ['admin', 'editor', 'commenter', 'viewer'] as const;
export type ShareRole = (typeof SHARE_ROLES)[number];

export function isHigherRole(a: ShareRole, b: ShareRole): boolean {
  return SHARE_ROLES.indexOf(a) < SHARE_ROLES.indexOf(b);
}

/** A resource that can be shared, e.g. `{type: 'convai_agents', id: 'J3P…'}`. */
export interface ResourceRef {
  readonly type: string;
  readonly id: string;
}

/** Who a resource is shared with. `default` is the baseline of all members. */
export type Principal =
  | { readonly kind: 'member'; readonly memberId: MemberId }
  | { readonly kind: 'group'; readonly groupId: WorkspaceGroupId }
  | { readonly kind: 'default' }
  | { readonly kind: 'key'; readonly keyId: string };

/** One member of the workspace as `members.list` reports it. */
export interface WorkspaceMember {
  readonly memberId: MemberId;
  readonly email: string;
  readonly address: Address;
  readonly firstName: string | null;
  readonly seatType: SeatType | null;
  readonly isOwner: boolean;
  readonly isLocked: boolean;
}

/** One group of the workspace as `groups.list` reports it. */
export interface WorkspaceGroup {
  readonly groupId: WorkspaceGroupId;
  readonly name: string;
  /** Ids of members; ids that are no member (service accounts) are kept and ignored by the plan. */
  readonly memberIds: readonly MemberId[];
  /** `is_scim_synced || scim_frozen`: ElevenLabs' own SCIM manages it, the bridge must not. */
  readonly readOnly: boolean;
}

/** Why a lock is wanted; shown in `explain` and the audit log. */
export type LockReason = 'inactive' | 'deleted' | 'withdrawn' | 'handover';

/**
 * One upstream call as plain data. The dry run, the log, the ledger and the apply step share it.
 * Members are named by id; the e-mail for the call is taken from the mirror when it is sent.
 */
export type Change =
  | {
      readonly kind: 'invite';
      readonly address: Address;
      readonly seatType: SeatType;
      /** Credits per month; only known to the API at invite time. */
      readonly usageLimit: number | null;
    }
  | { readonly kind: 'revokeInvite'; readonly address: Address }
  | { readonly kind: 'lock'; readonly memberId: MemberId; readonly reason: LockReason }
  | { readonly kind: 'unlock'; readonly memberId: MemberId; readonly allowDowngrade: boolean }
  | {
      readonly kind: 'setSeat';
      readonly memberId: MemberId;
      readonly seatType: SeatType;
      /** The seat held when planned; null = unknown. */ readonly from: SeatType | null;
      readonly isCopy?: boolean;
    }
  | {
      readonly kind: 'addToGroup';
      readonly memberId: MemberId;
      readonly groupId: WorkspaceGroupId;
      /** Of a hand-over: no rule gives it, so the bridge never takes it away. */
      readonly isCopy?: boolean;
    }
  | { readonly kind: 'removeFromGroup'; readonly memberId: MemberId; readonly groupId: WorkspaceGroupId }
  | {
      readonly kind: 'share';
      readonly resource: ResourceRef;
      readonly role: ShareRole;
      readonly principal: Principal;
      readonly isCopy?: boolean;
    }
  | { readonly kind: 'unshare'; readonly resource: ResourceRef; readonly principal: Principal };

export type ChangeKind = Change['kind'];

/** Grants give something, withdrawals take it away (a lower seat is a withdrawal). */
export function isGrant(change: Change): boolean {
  switch (change.kind) {
    case 'invite':
    case 'unlock':
    case 'addToGroup':
    case 'share':
      return true;
    case 'setSeat':
      return change.from === null || isHigherSeat(change.seatType, change.from);
    case 'revokeInvite':
    case 'lock':
    case 'removeFromGroup':
    case 'unshare':
      return false;
  }
}

/**
 * Takes away access, a membership or a share: must not wait for long, and be known when it fails. A
 * lower seat is none, but that of an administrator.
 */
export function isWithdrawal(change: Change): boolean {
  switch (change.kind) {
    case 'revokeInvite':
    case 'lock':
    case 'removeFromGroup':
    case 'unshare':
      return true;
    case 'setSeat':
      return change.from === 'workspace_admin' && change.seatType !== 'workspace_admin';
    case 'invite':
    case 'unlock':
    case 'addToGroup':
    case 'share':
      return false;
  }
}

/** Identifies "the same change" across plans: equal keys mean an equal call for an equal end. */
export function changeKey(change: Change): string {
  switch (change.kind) {
    case 'invite':
      return `invite ${change.address} ${change.seatType}`;
    case 'revokeInvite':
      return `revokeInvite ${change.address}`;
    case 'lock':
      return `lock ${change.memberId}`;
    case 'unlock':
      return `unlock ${change.memberId}`;
    case 'setSeat':
      return `setSeat ${change.memberId} ${change.seatType}`;
    case 'addToGroup':
    case 'removeFromGroup':
      return `${change.kind} ${change.memberId} ${change.groupId}`;
    case 'share':
      return `share ${change.resource.type}:${change.resource.id}:${change.role} ${principalKey(change.principal)}`;
    case 'unshare':
      return `unshare ${change.resource.type}:${change.resource.id} ${principalKey(change.principal)}`;
  }
}

export function principalKey(principal: Principal): string {
  switch (principal.kind) {
    case 'member':
      return `member:${principal.memberId}`;
    case 'group':
      return `group:${principal.groupId}`;
    case 'default':
      return 'default';
    case 'key':
      return `key:${principal.keyId}`;
  }
}

/** State of a ledger row. `planned` and `held` rows that a newer plan lacks become `superseded`. */
export type LedgerState = 'planned' | 'sending' | 'done' | 'refused' | 'ambiguous' | 'held' | 'superseded';

/** State of one invite decision. */
export type InviteState =
  'planned' | 'sending' | 'invited' | 'accepted' | 'revoked' | 'expired' | 'ambiguous' | 'refused';

/** `status` of the User extension: what the workspace makes of the user right now. */
export type UserStatus =
  'none' | 'invitePending' | 'invited' | 'member' | 'locked' | 'held' | 'failed' | 'removed' | 'protected';

export type UserOrigin = 'idp' | 'adopted';
export type LinkStatus = 'linked' | 'unlinked' | 'ambiguous' | 'readOnly';

/**
 * Why nothing follows from membership in a group: `noGroup` = none of its name, `gone` = its workspace
 * group is no longer there, `byHand` = unlinked by a person, `ambiguous`, `readOnly` = as LinkStatus.
 */
export type LinkTrouble = 'noGroup' | 'gone' | 'byHand' | Exclude<LinkStatus, 'linked' | 'unlinked'>;
export type MembershipOrigin = 'idp' | 'workspace';

/** JSON as stored and sent. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/**
 * What the IdP wrote of a resource, under the canonical attribute names of the schema table:
 * core attributes at the top level, each extension under its URN. Without id, meta, groups,
 * members, password and every readOnly attribute.
 */
export type Document = JsonObject;
