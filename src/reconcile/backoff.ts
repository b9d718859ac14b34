/** How long to wait before a transient failure is tried again. */

/** A number from 0 (inclusive) to 1 (exclusive). */
export type Random = () => number;

export interface BackoffBounds {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** Attempts of one change: 1 s, 2 s, 4 s … 15 min. */
export const CHANGE_BACKOFF: BackoffBounds = { baseMs: 1_000, maxMs: 900_000 };

/**
 * Exponential, with half of it left to chance, so that calls that failed together do not come back
 * together. `attempts` counts those already made, from 1.
 */
export function backoff(attempts: number, random: Random, bounds: BackoffBounds = CHANGE_BACKOFF): number {
  // The exponent is limited before it overflows.
  const doublings = Math.min(Math.max(attempts, 1) - 1, 40);
  const full = Math.min(bounds.baseMs * 2 ** doublings, bounds.maxMs);
  return Math.round(full * (0.5 + random() / 2));
}
