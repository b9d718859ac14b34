/**
 * What travels with a request. The scimmy classes are declared once per process, so everything that
 * belongs to one application reaches them through the request, never through a global.
 */
import type { Response } from 'express';
import type { Clock } from '../clock.js';
import type { Provisioning } from '../domain/provisioning.js';
import { assertAllowedByScim } from '../domain/shares.js';
import type { Rules } from '../domain/rules.js';
import type { Tolerance } from '../domain/withdrawal.js';
import type { JsonObject } from '../domain/types.js';
import type { Log } from '../log.js';
import type { Store, WriteContext } from '../store/port.js';
import type { Principal } from '../auth/authenticate.js';
import type { Cursors } from './cursors.js';
import type { DocumentChecks } from './document-checks.js';
import type { VersionCondition } from './etags.js';
import type { ReadParameters } from './query.js';
import type { RequestRefusal } from './request-log.js';
import type { Route } from './routes.js';

export interface ScimLimits {
  /** Largest body in general. */
  readonly bodyBytes: number;
  /** Largest body for Groups and Bulk: whole groups are pushed in one request. */
  readonly largeBodyBytes: number;
  readonly bodyTimeoutMs: number;
  /** JSON values in one body. */
  readonly bodyValues: number;
  readonly largeBodyValues: number;
  readonly bulkOperations: number;
  /** Page size where a client asks for none, and the largest one. */
  readonly defaultCount: number;
  readonly maxCount: number;
  /** How long a cursor can be used. */
  readonly cursorTimeoutMs: number;
}

export const DEFAULT_LIMITS: ScimLimits = {
  bodyBytes: 1024 * 1024,
  largeBodyBytes: 8 * 1024 * 1024,
  bodyTimeoutMs: 30_000,
  bodyValues: 50_000,
  // More than members fit into the bytes, at two values each.
  largeBodyValues: 400_000,
  bulkOperations: 1000,
  defaultCount: 100,
  maxCount: 1000,
  cursorTimeoutMs: 3_600_000,
};

/** One application: what every request handler works with. */
export interface ScimApp {
  readonly store: Store;
  readonly provisioning: Provisioning;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: ScimLimits;
  /** Without a trailing slash, as `https://bridge.example/scim/v2`. */
  readonly baseUrl: () => string;
  /** The rules in force; the mapping file may be reloaded at any time. */
  readonly rules: () => Rules;
  /** Where people read how the bridge is connected; null = nowhere that clients can reach. */
  readonly documentationUri: (() => string) | null;
  readonly cursors: Cursors;
  /** Lets everything else have its turn; long requests call it. */
  readonly turn: () => Promise<void>;
}

/** Who asks, and on which condition. Bulk makes one per operation. */
export interface Caller {
  readonly app: ScimApp;
  readonly requestId: string;
  readonly principal: Principal;
  /** The request waits for its effects upstream (everything but Bulk). */
  readonly interactive: boolean;
  readonly ifMatch: VersionCondition | null;
  readonly ifNoneMatch: VersionCondition | null;
}

/** One HTTP request, as the resource classes see it. */
export interface ScimRequest extends Caller {
  readonly route: Route;
  readonly parameters: ReadParameters;
  /** Null: the request has none. */
  readonly body: JsonObject | null;
  readonly response: Response;
  /** Told of each operation of a bulk request that failed: the answer as a whole is no error. */
  readonly onRefused: (refusal: RequestRefusal) => void;
}

/** An answer, before it is put on the wire. `body` null = nothing to show. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object | null;
}

/** The store's view of a caller. `If-Match: *` asks only that the resource exists, which a write does anyway. */
export function writeContext(caller: Caller): WriteContext {
  return {
    requestId: caller.requestId,
    actor: caller.principal.actor,
    tokenId: caller.principal.tokenId,
    interactive: caller.interactive,
    ifMatch: caller.ifMatch?.kind === 'list' ? caller.ifMatch.versions : null,
  };
}

/** For a POST: there is no version yet that `If-Match` could name. */
export function creationContext(caller: Caller): WriteContext {
  return { ...writeContext(caller), ifMatch: null };
}

/** What the operator's rules forbid clients to write. */
export function documentChecks(caller: Caller, tolerance: Tolerance | null = null): DocumentChecks {
  const rules = caller.app.rules();
  return {
    share: (share, attribute) => assertAllowedByScim(share, rules, attribute),
    ...(tolerance !== null && { refuse: tolerance.refuse }),
  };
}
