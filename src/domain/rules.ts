/**
 * What the operator decided: configuration and mapping file, as the planner sees them.
 * Replaced as a whole when the mapping file is reloaded.
 */
import type { Address, Principal, ResourceRef, SeatType, ShareRole } from './types.js';

export interface MappedShare {
  readonly resource: ResourceRef;
  readonly role: ShareRole;
}

/** An entitlement that the mapping file names, for IdPs that list them (`/Entitlements`). */
export interface NamedEntitlement {
  /** `type:id:role` */
  readonly value: string;
  readonly display: string;
  readonly description: string | null;
}

export interface SeatLimits {
  readonly full: number | null;
  readonly basic: number | null;
}

export interface Rules {
  readonly defaultSeat: SeatType;
  readonly allowDowngrade: boolean;
  readonly seatLimits: SeatLimits;
  readonly requireEmail: boolean;
  readonly importExisting: boolean;
  readonly emailChange: 'keep' | 'handover' | 'reject';
  readonly drift: 'enforce' | 'report';
  readonly inviteTtlDays: number;
  /** Role value (folded) -> seat. Holds the built-in names unless they are switched off. */
  readonly roleSeats: ReadonlyMap<string, SeatType>;
  /** IdP group name (folded) -> seat of its members. */
  readonly groupSeats: ReadonlyMap<string, SeatType>;
  /** IdP group name (folded) -> workspace group name (trimmed, folded). */
  readonly groupAliases: ReadonlyMap<string, string>;
  /** IdP group name (folded) -> resources shared with the group. */
  readonly groupShares: ReadonlyMap<string, readonly MappedShare[]>;
  /** Workspace group name (trimmed, folded) -> resources shared with it, whoever its members are. */
  readonly workspaceGroupShares: ReadonlyMap<string, readonly MappedShare[]>;
  /** Shares to the baseline (`default`), to API keys, or to workspace groups by id. */
  readonly fixedShares: readonly { readonly principal: Principal; readonly share: MappedShare }[];
  /** Addresses that the bridge never changes. */
  readonly neverTouch: ReadonlySet<Address>;
  /** Patterns (`*@example.com`, exact addresses); null = everybody may be invited. */
  readonly inviteOnly: readonly string[] | null;
  /** Domains (folded) that are verified upstream: their addresses may go through createBatch. */
  readonly verifiedDomains: ReadonlySet<string>;
  /** Whether entitlements and group `shares[]` may hand out all dangerous resource types and role admin. */
  readonly dangerousSharesByScim: boolean;
  /** Those that they may hand out although `dangerousSharesByScim` is false: resource types and `admin` (see shares.ts). */
  readonly allowedDangerousShares: ReadonlySet<string>;
  /** Entitlements with a name, for governance. */
  readonly namedEntitlements: readonly NamedEntitlement[];
}

/** The role names that give a seat without any mapping file (design section 5). */
export const BUILT_IN_ROLE_SEATS: ReadonlyMap<string, SeatType> = new Map([
  ['workspace_admin', 'workspace_admin'],
  ['workspace_member', 'workspace_member'],
  ['workspace_lite_member', 'workspace_lite_member'],
  ['admin', 'workspace_admin'],
  ['member', 'workspace_member'],
  ['lite', 'workspace_lite_member'],
]);

/** Rules without configuration: every default of docs/configuration.md. */
export const DEFAULT_RULES: Rules = {
  defaultSeat: 'workspace_member',
  allowDowngrade: false,
  seatLimits: { full: null, basic: null },
  requireEmail: true,
  importExisting: true,
  emailChange: 'keep',
  drift: 'enforce',
  inviteTtlDays: 7,
  roleSeats: BUILT_IN_ROLE_SEATS,
  groupSeats: new Map(),
  groupAliases: new Map(),
  groupShares: new Map(),
  workspaceGroupShares: new Map(),
  fixedShares: [],
  neverTouch: new Set(),
  inviteOnly: null,
  verifiedDomains: new Set(),
  dangerousSharesByScim: false,
  allowedDangerousShares: new Set(),
  namedEntitlements: [],
};
