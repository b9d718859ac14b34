/**
 * Rules that cut across the plan: each is one function over the change set. What a policy takes
 * out of `send` stays visible, as `held` (an administrator must release it) or as `waiting` (time,
 * or another mode of operation, will let it through). The planner never plans a change
 * that ownership or protection forbids; ownership.ts checks that once more.
 */
import type { Person } from '../person.js';
import type { PlannedChange } from '../plan.js';
import type { Millis } from '../types.js';
import type { LimitWindows } from './people-limit.js';
import type { SeatUsage } from './seat-budget.js';

export interface Sorted {
  /** To be sent, in order. */
  readonly send: readonly PlannedChange[];
  readonly held: readonly PlannedChange[];
  readonly waiting: readonly PlannedChange[];
  /** When a waiting change may go, if time alone decides. Whole, as every date: a monotonic clock has fractions. */
  readonly waitUntil: Millis | null;
  /** Why what is not in `send` is not there; `plan`, `explain`, the log and alerts tell it. */
  readonly notes: readonly PolicyNote[];
}

/** In the order in which they are asked. */
const POLICY_NAMES = [
  'ownership',
  'undoHold',
  'ambiguousMember',
  'formerAddress',
  'driftMode',
  'flapGuard',
  'repeatGuard',
  'seatBudget',
  'inviteLimit',
  'reinviteCap',
  'brake',
  'dryRun',
  'company',
] as const;
export type PolicyName = (typeof POLICY_NAMES)[number];
/** As the ledger names them in place of an error code. */
export const POLICIES: ReadonlySet<string> = new Set(POLICY_NAMES);

/** What one policy did to one change. */
export interface PolicyNote {
  readonly planned: PlannedChange;
  /** `dropped`: as if the planner had not planned it. */
  readonly fate: 'held' | 'waiting' | 'dropped';
  readonly policy: PolicyName;
  /** A sentence for people. */
  readonly reason: string;
  /** Somebody has to look at it. */
  readonly alert: boolean;
}

export interface PolicyContext {
  /** Null for the shares of a group or of the mapping file. */
  readonly person: Person | null;
  readonly now: Millis;
  /**
   * The plan of this subject was empty since the last cause that was no reading (IdP write,
   * acceptance, changed rules): what is planned now repairs what somebody changed by hand.
   */
  readonly isDrift?: boolean;
  /** Of a subject that is no person: changes, by changeKey, that were refused or released before. */
  readonly known?: ReadonlySet<string>;
  /** What has been counted lately of what these changes would cost; absent = nothing. */
  readonly windows?: LimitWindows;
  /** Seats in use; absent = nothing is foreseen. */
  readonly seats?: SeatUsage;
  /** Nobody waits for the answer: a change may wait for others that can go in the same call. */
  readonly mayWait?: boolean;
}

export type Policy = (sorted: Sorted, context: PolicyContext) => Sorted;

export function applyPolicies(
  changes: readonly PlannedChange[],
  policies: readonly Policy[],
  context: PolicyContext,
): Sorted {
  const start: Sorted = { send: changes, held: [], waiting: [], waitUntil: null, notes: [] };
  return policies.reduce((sorted, policy) => policy(sorted, context), start);
}

/** Takes what the notes name out of `send` and puts it where they say. */
export function withhold(sorted: Sorted, notes: readonly PolicyNote[], waitUntil: Millis | null = null): Sorted {
  if (notes.length === 0) return sorted;
  const taken = new Set(notes.map(({ planned }) => planned));
  const fated = (fate: PolicyNote['fate']) => notes.filter((note) => note.fate === fate).map(({ planned }) => planned);
  return {
    send: sorted.send.filter((planned) => !taken.has(planned)),
    held: [...sorted.held, ...fated('held')],
    waiting: [...sorted.waiting, ...fated('waiting')],
    waitUntil: earlier(sorted.waitUntil, waitUntil),
    notes: [...sorted.notes, ...notes],
  };
}

/** The earlier of two times, null being never. */
export function earlier(a: Millis | null, b: Millis | null): Millis | null {
  if (a === null) return b;
  return b === null ? a : Math.min(a, b);
}
