/**
 * A gateway whose calls go through the limiter and are told to an observer: one record per call
 * that was really made, for logs, metrics and the table of upstream calls. What the limiter turned
 * away was never sent and is no call.
 */
import type { Clock } from '../clock.js';
import { UPSTREAM_CALLS, type CallName } from '../domain/upstream-calls.js';
import {
  isGatewayError,
  type Answer,
  type FailureKind,
  type GatewayError,
  type GatewayMethod,
  type WorkspaceGateway,
} from '../elevenlabs/port.js';
import type { Limiter } from './limiter.js';

/** One call, made and ended. `bug` is a failure that is no GatewayError. */
export interface UpstreamCall {
  readonly endpoint: CallName;
  readonly priority: number;
  /** Whatever the view was made for: a ledger row, a request. */
  readonly tag: CallTag | null;
  /** Wall time. */
  readonly startedAt: number;
  readonly latencyMs: number;
  readonly outcome: 'ok' | FailureKind | 'bug';
  readonly status: number | null;
  readonly requestId: string | null;
  readonly error: GatewayError | null;
}

export interface CallTag {
  readonly ledgerId?: number;
  readonly subject?: string;
  /** Of the SCIM request, the sync or the command that caused the call. */
  readonly requestId?: string;
  /** Of the person it is about. */
  readonly address?: string;
}

export interface LimitedGatewayOptions {
  readonly gateway: WorkspaceGateway;
  readonly limiter: Limiter;
  readonly clock: Clock;
  /** Must not throw; if it does, that never reaches the caller. */
  readonly observe: (call: UpstreamCall) => void;
}

export interface LimitedGateway {
  /** The gateway for calls of this priority (see PRIORITY), made for `tag`. Cheap: make one per use. */
  withPriority(priority: number, tag?: CallTag): WorkspaceGateway;
}

export function createLimitedGateway(options: LimitedGatewayOptions): LimitedGateway {
  return { withPriority: (priority, tag) => createView(options, priority, tag ?? null) };
}

function createView(options: LimitedGatewayOptions, priority: number, tag: CallTag | null): WorkspaceGateway {
  const { gateway, limiter } = options;
  const through = <T>(method: GatewayMethod, call: () => Promise<Answer<T>>): Promise<Answer<T>> =>
    limiter.run(() => observed(options, { endpoint: UPSTREAM_CALLS[method], priority, tag }, call), {
      priority,
      // It answers 500 where there is no such invite: that is no outage.
      countsForBreaker: method !== 'revokeInvite',
    });
  return {
    identity: () => through('identity', () => gateway.identity()),
    listMembers: () => through('listMembers', () => gateway.listMembers()),
    listGroups: () => through('listGroups', () => gateway.listGroups()),
    searchGroups: (name) => through('searchGroups', () => gateway.searchGroups(name)),
    invite: (request) => through('invite', () => gateway.invite(request)),
    inviteMany: (request) => through('inviteMany', () => gateway.inviteMany(request)),
    revokeInvite: (email) => through('revokeInvite', () => gateway.revokeInvite(email)),
    setLocked: (request) => through('setLocked', () => gateway.setLocked(request)),
    setSeat: (request) => through('setSeat', () => gateway.setSeat(request)),
    addToGroup: (groupId, email) => through('addToGroup', () => gateway.addToGroup(groupId, email)),
    removeFromGroup: (groupId, email) => through('removeFromGroup', () => gateway.removeFromGroup(groupId, email)),
    getResource: (resource) => through('getResource', () => gateway.getResource(resource)),
    share: (resource, role, target) => through('share', () => gateway.share(resource, role, target)),
    unshare: (resource, target) => through('unshare', () => gateway.unshare(resource, target)),
  };
}

async function observed<T>(
  { clock, observe }: LimitedGatewayOptions,
  about: Pick<UpstreamCall, 'endpoint' | 'priority' | 'tag'>,
  call: () => Promise<Answer<T>>,
): Promise<Answer<T>> {
  const startedAt = clock.now();
  const start = clock.monotonic();
  const tell = (end: Pick<UpstreamCall, 'outcome' | 'status' | 'requestId' | 'error'>): void => {
    try {
      observe({ ...about, startedAt, latencyMs: clock.monotonic() - start, ...end });
    } catch {
      // A log that cannot be written must not turn a call that was made into one that failed.
    }
  };
  try {
    const answer = await call();
    tell({ outcome: 'ok', status: answer.status, requestId: answer.requestId, error: null });
    return answer;
  } catch (error) {
    if (isGatewayError(error)) {
      tell({ outcome: error.kind, status: error.status, requestId: error.requestId, error });
    } else {
      tell({ outcome: 'bug', status: null, requestId: null, error: null });
    }
    throw error;
  }
}
