/**
 * The workspace as the bridge uses it: one method per upstream call, no retries inside.
 * Implemented by the SDK adapter (sdk-gateway.ts). Source of every shape: the workspace API of
 * the official SDK, see docs/api-limits.md.
 */
import type { RefusalHint } from '../domain/refusal.js';
import type {
  MemberId,
  ResourceRef,
  SeatType,
  ShareRole,
  WorkspaceGroup,
  WorkspaceGroupId,
  WorkspaceMember,
} from '../domain/types.js';

/**
 * What a failed call means:
 * - `transient`: try again later (timeout, lost connection, 429, 5xx, unreadable answer).
 * - `refused`: ElevenLabs will not do this; trying again is useless until something changes.
 * - `alreadySo`: the end that was wanted is there already (already a member, not in the group, …).
 * - `keyRejected`: the API key is invalid; no call can work.
 * - `scopeMissing`: the key lacks the permission for this call; others may work.
 */
export type FailureKind = 'transient' | 'refused' | 'alreadySo' | 'keyRejected' | 'scopeMissing';

/**
 * What code and words of a refusal suggest. Most upstream codes are unpublished, so a hint may
 * save a call or choose the wording, and never decides what is true.
 */
export type FailureHint = RefusalHint;

/** A failed call, classified by error body first and status second. Carries no secret. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly kind: FailureKind;
  /** HTTP status, if an answer came. */
  readonly status: number | null;
  /** `detail.code` or `detail.status` of the error body; without an answer, the code of the network error. */
  readonly code: string | null;
  readonly hint: FailureHint | null;
  /** The call may have been applied although no usable answer came (timeout, reset, 5xx, unreadable 2xx). */
  readonly maybeApplied: boolean;
  readonly requestId: string | null;
  /** From `Retry-After`, milliseconds. */
  readonly retryAfterMs: number | null;

  constructor(init: {
    readonly kind: FailureKind;
    readonly message: string;
    readonly status?: number | null;
    readonly code?: string | null;
    readonly hint?: FailureHint | null;
    readonly maybeApplied?: boolean;
    readonly requestId?: string | null;
    readonly retryAfterMs?: number | null;
    readonly cause?: unknown;
  }) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.kind = init.kind;
    this.status = init.status ?? null;
    this.code = init.code ?? null;
    this.hint = init.hint ?? null;
    this.maybeApplied = init.maybeApplied ?? false;
    this.requestId = init.requestId ?? null;
    this.retryAfterMs = init.retryAfterMs ?? null;
  }
}

/** Structural, not `instanceof`: errors may come from another realm. */
export function isGatewayError(error: unknown): error is GatewayError {
  return (
    typeof error === 'object' && error !== null && 'name' in error && error.name === 'GatewayError' && 'kind' in error
  );
}

/** Codes by which ElevenLabs says "too many calls", under whatever status. */
export const LIMIT_CODES: ReadonlySet<string> = new Set([
  'rate_limit_error',
  'rate_limit_exceeded',
  'concurrent_limit_exceeded',
  'too_many_concurrent_requests',
  'too_many_requests',
  'system_busy',
]);

/** The server is well and wants fewer calls: a matter of pace, not a sign of an outage. */
export function isRateLimited(error: GatewayError): boolean {
  return error.kind === 'transient' && (error.status === 429 || (error.code !== null && LIMIT_CODES.has(error.code)));
}

/** A successful call. */
export interface Answer<T> {
  readonly value: T;
  readonly status: number;
  readonly requestId: string | null;
}

export interface KeyIdentity {
  readonly workspaceId: string | null;
  readonly userId: MemberId;
  readonly seatType: string | null;
  /** Server clock (Date header), if sent: for the clock-skew check. */
  readonly serverTime: number | null;
}

export interface ResourceMetadata {
  readonly resource: ResourceRef;
  readonly name: string | null;
  readonly creator: MemberId | null;
  /** Principal id (member or group id) -> role slots it holds. Custom roles appear as they are. */
  readonly roles: ReadonlyMap<string, readonly string[]>;
}

/** Exactly one target. `default` is sent as group id "default". */
export type ShareTarget =
  { readonly userEmail: string } | { readonly groupId: string } | { readonly workspaceApiKeyId: string };

/** Which call it is, as the code has it; log, metrics and ledger have the names of domain/upstream-calls.ts. */
export type GatewayMethod = keyof WorkspaceGateway;

/** Every method rejects with GatewayError and nothing else. */
export interface WorkspaceGateway {
  /** GET /v1/user */
  identity(): Promise<Answer<KeyIdentity>>;
  /** GET /v1/workspace/members: the whole workspace, locked members included, no service accounts. */
  listMembers(): Promise<Answer<readonly WorkspaceMember[]>>;
  /** GET /v1/workspace/groups */
  listGroups(): Promise<Answer<readonly WorkspaceGroup[]>>;
  /** GET /v1/workspace/groups/search: for keys that may not list. Emails of members, not ids. */
  searchGroups(
    name: string,
  ): Promise<
    Answer<
      readonly { readonly groupId: WorkspaceGroupId; readonly name: string; readonly memberEmails: readonly string[] }[]
    >
  >;
  /** POST /v1/workspace/invites/add. Sends an e-mail. */
  invite(request: {
    readonly email: string;
    readonly seatType: SeatType;
    readonly usageLimit: number | null;
  }): Promise<Answer<null>>;
  /** POST /v1/workspace/invites/add-bulk. Verified domains only; no answer per address. */
  inviteMany(request: {
    readonly emails: readonly string[];
    readonly seatType: SeatType;
    readonly usageLimit: number | null;
  }): Promise<Answer<null>>;
  /** DELETE /v1/workspace/invites. 500 where there is no such invite. */
  revokeInvite(email: string): Promise<Answer<null>>;
  /** POST /v1/workspace/members with is_locked. */
  setLocked(request: {
    readonly email: string;
    readonly locked: boolean;
    readonly allowDowngrade?: boolean;
  }): Promise<Answer<null>>;
  /** POST /v1/workspace/members with workspace_seat_type. */
  setSeat(request: { readonly email: string; readonly seatType: SeatType }): Promise<Answer<null>>;
  addToGroup(groupId: WorkspaceGroupId, email: string): Promise<Answer<null>>;
  removeFromGroup(groupId: WorkspaceGroupId, email: string): Promise<Answer<null>>;
  getResource(resource: ResourceRef): Promise<Answer<ResourceMetadata>>;
  share(resource: ResourceRef, role: ShareRole, target: ShareTarget): Promise<Answer<null>>;
  unshare(resource: ResourceRef, target: ShareTarget): Promise<Answer<null>>;
}
