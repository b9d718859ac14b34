/**
 * The circuit breaker: while ElevenLabs is down, calls fail at once instead of each waiting for its
 * timeout.
 *
 *   closed --(THRESHOLD failures in a row)--> open --(time is up)--> half open: one call
 *     ^                                        ^                          |
 *     +----------------- it was answered ------+---- it failed, longer ---+
 *
 * Calls that began before the breaker opened say nothing about now, so their outcome is ignored.
 */
import type { Clock } from '../clock.js';
import { backoff, type BackoffBounds, type Random } from './backoff.js';

const THRESHOLD = 5;
/** While the workspace fails there is at least one probe a minute, for everybody. */
const OPEN: BackoffBounds = { baseMs: 5_000, maxMs: 60_000 };
/** What a rejected call is told while the probe is under way. */
const PROBING_MS = 1_000;

export type BreakerPosition = 'closed' | 'open' | 'halfOpen';
export type BreakerOutcome = 'answered' | 'failed' | 'neutral';

/** Handed out when a call starts, handed back when it ends. */
export interface BreakerPass {
  readonly round: number;
  readonly probe: boolean;
}

export interface Breaker {
  /** Milliseconds for which no call may start; 0 if one may. */
  blockedMs(): number;
  /** Call only while `blockedMs()` is 0. */
  enter(): BreakerPass;
  leave(pass: BreakerPass, outcome: BreakerOutcome): void;
  position(): BreakerPosition;
  failures(): number;
}

export function createBreaker(init: { readonly clock: Clock; readonly random: Random }): Breaker {
  const { clock, random } = init;
  let failures = 0;
  /** How often it opened since it last was closed for a success. */
  let openings = 0;
  let openUntil: number | null = null;
  let probing = false;
  /** Counts openings for ever: tells calls from before from those after. */
  let round = 0;

  const open = (): void => {
    openings += 1;
    round += 1;
    openUntil = clock.monotonic() + backoff(openings, random, OPEN);
  };
  const close = (): void => {
    failures = 0;
    openings = 0;
    openUntil = null;
  };

  return {
    blockedMs() {
      if (openUntil === null) return 0;
      return probing ? PROBING_MS : Math.max(0, openUntil - clock.monotonic());
    },
    enter() {
      if (openUntil === null) return { round, probe: false };
      probing = true;
      return { round, probe: true };
    },
    leave(pass, outcome) {
      if (pass.probe) probing = false;
      if (pass.round !== round) return;
      if (outcome === 'answered') close();
      if (outcome !== 'failed') return;
      failures += 1;
      if (pass.probe || failures >= THRESHOLD) open();
    },
    position() {
      if (openUntil === null) return 'closed';
      return probing ? 'halfOpen' : 'open';
    },
    failures: () => failures,
  };
}
