/** What SCIM requests would do, as plain data: the command line and the page show it. */
import type { PolicyNote } from './policies/policy.js';
import type { SeatDemand } from './policies/seat-budget.js';
import type { Address, Change, JsonObject, Millis } from './types.js';

/** One request as it was written down. `path` is below the base: `/Users/<id>`. */
export interface WrittenRequest {
  readonly method: string;
  readonly path: string;
  readonly body: JsonObject | null;
}

/** A request and its answer. */
export interface PlayedRequest extends WrittenRequest {
  readonly status: number;
  readonly answer: object | null;
}

/** One change, and whom it is for. */
export interface RehearsedChange {
  /** `user:<id>`, `group:<id>` or `mapping`. */
  readonly subject: string;
  readonly change: Change;
  /** The rule that gave it. */
  readonly why: string;
}

export interface WithheldChange extends RehearsedChange {
  readonly policy: PolicyNote['policy'];
  readonly reason: string;
}

export interface WhatIfCall extends RehearsedChange {
  /** It would be made anyway: it was planned before these requests. */
  readonly isPlannedAlready: boolean;
}

export interface WhatIf {
  readonly requests: readonly PlayedRequest[];
  readonly calls: readonly WhatIfCall[];
  readonly held: readonly WithheldChange[];
  readonly waiting: readonly WithheldChange[];
  /** Members would have to be read before these people can be planned on. */
  readonly unread: readonly string[];
  /** Seats that members hold, and those that invites take when they are accepted. */
  readonly seats: { readonly before: SeatDemand; readonly after: SeatDemand };
  /** Whether the limit on people who lose access would stop some of it. */
  readonly isBraked: boolean;
  readonly people: ReadonlyMap<string, { readonly userName: string; readonly address: Address | null }>;
  /** When the workspace was last read. */
  readonly readAt: Millis | null;
}
