/**
 * What limits count, and how. A use is what one change costs one limit: it is reserved in the
 * transaction that marks the row of the ledger as being sent (store/limit-uses.ts). Policies look
 * at windows and spend nothing.
 */
import type { Millis } from '../types.js';

/** `N`, `P%` or `N,P%`: the larger of `count` and `percent` of a whole; both null = no limit. */
export interface PeopleLimit {
  readonly count: number | null;
  readonly percent: number | null;
}

export const NO_LIMIT: PeopleLimit = { count: null, percent: null };

/** The window of every limit: 60 minutes of accumulated serving time. */
export const WINDOW_MS = 3_600_000;

/** The number that a limit allows out of `whole`; null = any. Part persons do not count. */
export function allowed(limit: PeopleLimit, whole: number): number | null {
  if (limit.count === null && limit.percent === null) return null;
  return Math.max(limit.count ?? 0, Math.floor(((limit.percent ?? 0) * whole) / 100));
}

/**
 * `loss`: an account loses its access. `groupRemoval`: a member leaves a workspace group. `invite`: a
 * person is invited. `repeatedInvite`: after INVITE_TTL_DAYS. `mail`: one e-mail to one address.
 * `repair`: one change that a hand had undone.
 */
export type LimitKind = 'loss' | 'groupRemoval' | 'invite' | 'repeatedInvite' | 'mail' | 'repair';

export interface LimitUse {
  readonly kind: LimitKind;
  /** What is counted apart: a workspace group, an address, a change; '' = all people together. */
  readonly scope: string;
  readonly who: string;
  /** The limit in force; NO_LIMIT: counted only. */
  readonly limit: PeopleLimit;
}

/** What one use finds. */
export interface LimitWindow {
  /** Uses of this kind and scope in the window. */
  readonly counted: number;
  /** What a percentage is of. */
  readonly whole: number;
  /** This use has been counted: it costs nothing more. */
  readonly isCounted: boolean;
  /** Serving time until a place is free; null = nothing is counted. */
  readonly freeInMs: Millis | null;
}

export type LimitWindows = ReadonlyMap<string, LimitWindow>;

const EMPTY_WINDOW: LimitWindow = { counted: 0, whole: 0, isCounted: false, freeInMs: null };

export const useKey = ({ kind, scope, who }: LimitUse): string => `${kind} ${scope} ${who}`;

export function windowOf(windows: LimitWindows | undefined, use: LimitUse): LimitWindow {
  return windows?.get(useKey(use)) ?? EMPTY_WINDOW;
}

/** Whether there is no place for a use. `needed`: places wanted together. */
export function isBeyond({ limit }: LimitUse, window: LimitWindow, needed = 1): boolean {
  const most = allowed(limit, window.whole);
  return !window.isCounted && most !== null && window.counted + needed > most;
}

/** What a look at many plans has spent in thought: as if it had been sent. */
export interface Spent {
  readonly counts: Map<string, number>;
  readonly uses: Set<string>;
}

export const nothingSpent = (): Spent => ({ counts: new Map(), uses: new Set() });

const scopeKey = ({ kind, scope }: LimitUse): string => `${kind} ${scope}`;

export function spend(spent: Spent, use: LimitUse): void {
  if (spent.uses.has(useKey(use))) return;
  spent.uses.add(useKey(use));
  spent.counts.set(scopeKey(use), (spent.counts.get(scopeKey(use)) ?? 0) + 1);
}

export function afterSpending(windows: LimitWindows, uses: readonly LimitUse[], spent: Spent): LimitWindows {
  return new Map(
    uses.map((use) => {
      const window = windowOf(windows, use);
      const isCounted = window.isCounted || spent.uses.has(useKey(use));
      const counted = window.counted + (spent.counts.get(scopeKey(use)) ?? 0);
      return [useKey(use), { ...window, isCounted, counted, freeInMs: window.freeInMs ?? WINDOW_MS }];
    }),
  );
}
