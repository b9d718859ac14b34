/**
 * How many calls at once, and how fast. ElevenLabs publishes no limit for the workspace API, so the
 * limit is found: additive increase, multiplicative decrease.
 *
 * - "Too many": everything pauses for `Retry-After`, else for a growing while, and the number of
 *   calls at once is halved. Calls under way at that moment belong to the same event.
 * - "Too many" again within a minute: from now on calls are spaced, at first to 70 % of what went
 *   through lately; the rate grows by a fifth every five good seconds, until it no longer matters.
 */
import type { Clock } from '../clock.js';
import { backoff, type BackoffBounds, type Random } from './backoff.js';

const PAUSE: BackoffBounds = { baseMs: 1_000, maxMs: 60_000 };
const PERSISTS_WITHIN_MS = 60_000;
const FORGOTTEN_AFTER_MS = 600_000;
const RATE_WINDOW_S = 10;
const RATE_CUT = 0.7;
const RATE_GROWTH = 1.2;
const RATE_GROWS_EVERY_MS = 5_000;
const MIN_RATE = 0.2;
/** Calls per second beyond which spacing them makes no difference. */
const MAX_RATE = 50;
/** Share of a slot that one good answer gives back: about a dozen from 2 calls at once to 3. */
const SLOT_GROWTH = 0.25;

export interface Pace {
  /** Calls allowed at once. */
  concurrency(): number;
  /** Milliseconds until the next call may start. */
  waitMs(): number;
  /** Notes a start; returns its number, for `good` and `limited`. */
  started(): number;
  /** ElevenLabs answered, whatever it said. */
  good(start: number): void;
  /** ElevenLabs said "too many". */
  limited(start: number, retryAfterMs: number | null): void;
  /** `Retry-After` of an answer that was no limit (maintenance). */
  pause(ms: number): void;
  /** Calls per second; null while they are not spaced. */
  rate(): number | null;
}

export function createPace(init: {
  readonly clock: Clock;
  readonly random: Random;
  readonly maxConcurrency: number;
}): Pace {
  const { clock, random } = init;
  const max = Math.max(1, Math.floor(init.maxConcurrency));
  const throughput = createThroughput();
  let slots = max;
  let pausedUntil = 0;
  let starts = 0;
  let cutAt = -Infinity;
  /** The last call that was under way at the last cut. */
  let cutStart = 0;
  let cutsInARow = 0;
  let rate: number | null = null;
  let rateChangedAt = 0;
  let nextSlotAt = 0;

  const pause = (ms: number): void => {
    pausedUntil = Math.max(pausedUntil, clock.monotonic() + ms);
  };
  const slowDown = (now: number): void => {
    const before = rate ?? MAX_RATE;
    const through = throughput.perSecond(now) ?? before;
    rate = Math.max(MIN_RATE, Math.min(before, through) * RATE_CUT);
    rateChangedAt = now;
  };
  const speedUp = (now: number): void => {
    if (rate === null || now - rateChangedAt < RATE_GROWS_EVERY_MS) return;
    rate *= RATE_GROWTH;
    rateChangedAt = now;
    if (rate > MAX_RATE || now - cutAt > FORGOTTEN_AFTER_MS) rate = null;
  };

  return {
    concurrency: () => Math.max(1, Math.floor(slots)),
    waitMs: () => Math.max(0, pausedUntil - clock.monotonic(), rate === null ? 0 : nextSlotAt - clock.monotonic()),
    started() {
      const now = clock.monotonic();
      if (rate !== null) nextSlotAt = Math.max(now, nextSlotAt) + 1000 / rate;
      return (starts += 1);
    },
    good(start) {
      const now = clock.monotonic();
      throughput.add(now);
      if (start <= cutStart) return;
      cutsInARow = 0;
      slots = Math.min(max, slots + SLOT_GROWTH / slots);
      speedUp(now);
    },
    limited(start, retryAfterMs) {
      const now = clock.monotonic();
      if (retryAfterMs !== null) pause(retryAfterMs);
      if (start <= cutStart) return;
      cutsInARow += 1;
      if (retryAfterMs === null || retryAfterMs === 0) pause(backoff(cutsInARow, random, PAUSE));
      slots = Math.max(1, slots / 2);
      if (now - cutAt < PERSISTS_WITHIN_MS) slowDown(now);
      cutAt = now;
      cutStart = starts;
    },
    pause,
    rate: () => rate,
  };
}

/** Answers per second over the last seconds, counted by the second. */
function createThroughput(): { add(now: number): void; perSecond(now: number): number | null } {
  let counts: { readonly second: number; count: number }[] = [];
  const secondOf = (now: number): number => Math.floor(now / 1000);
  const recent = (now: number): typeof counts => counts.filter(({ second }) => second > secondOf(now) - RATE_WINDOW_S);
  return {
    add(now) {
      const last = counts.at(-1);
      if (last?.second === secondOf(now)) last.count += 1;
      else counts = [...recent(now), { second: secondOf(now), count: 1 }];
    },
    /** Null if nothing went through lately. */
    perSecond(now) {
      const window = recent(now);
      const first = window[0];
      if (first === undefined) return null;
      const total = window.reduce((sum, { count }) => sum + count, 0);
      return total / (secondOf(now) - first.second + 1);
    },
  };
}
