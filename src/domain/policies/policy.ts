/**
 * Rules that cut across the plan: each is one function over the change set. What a policy takes
 * out of `send` stays visible, as `held` (an administrator must release it) or as `waiting` (time,
 * or another mode of operation, will let it through). Ownership and protection are not here: the
 * planner never plans a change that they forbid.
 */
import type { Person } from '../person.js';
import type { PlannedChange } from '../plan.js';
import type { Millis } from '../types.js';

export interface Sorted {
  /** To be sent, in order. */
  readonly send: readonly PlannedChange[];
  readonly held: readonly PlannedChange[];
  readonly waiting: readonly PlannedChange[];
  /** When a waiting change may go, if time alone decides. */
  readonly waitUntil: Millis | null;
}

export interface PolicyContext {
  /** Null for the shares of a group or of the mapping file. */
  readonly person: Person | null;
  readonly now: Millis;
}

export type Policy = (sorted: Sorted, context: PolicyContext) => Sorted;

export function applyPolicies(
  changes: readonly PlannedChange[],
  policies: readonly Policy[],
  context: PolicyContext,
): Sorted {
  const start: Sorted = { send: changes, held: [], waiting: [], waitUntil: null };
  return policies.reduce((sorted, policy) => policy(sorted, context), start);
}

/** The earlier of two times, null being never. */
export function earlier(a: Millis | null, b: Millis | null): Millis | null {
  if (a === null) return b;
  return b === null ? a : Math.min(a, b);
}
