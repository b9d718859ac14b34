/**
 * The one gate for all calls to ElevenLabs. It decides when a call starts (priority, concurrency,
 * pace) and whether it may at all (circuit breaker); it never repeats one.
 *
 * - A call that may not start soon is rejected at once, as transient, never applied, with the time
 *   to come back: nothing piles up here, the ledger is the queue.
 * - `call` runs when its turn comes, not before: what it sends should be decided inside it.
 */
import type { Clock } from '../clock.js';
import { GatewayError, isGatewayError, isRateLimited } from '../elevenlabs/port.js';
import type { Random } from './backoff.js';
import { createBreaker, type Breaker, type BreakerOutcome, type BreakerPosition } from './breaker.js';
import { createCallQueue } from './call-queue.js';
import { createPace, type Pace } from './pace.js';

/** What goes first: lower numbers. Every eighth turn is the oldest call's, whatever its priority. */
export const PRIORITY = { withdrawal: 0, interactive: 1, reading: 2, background: 3 } as const;

/** Why a call was not let out: the workspace fails, and nobody asks it but one probe. */
export const CIRCUIT_OPEN = 'circuit_open';

/** A pause longer than this empties the queue. */
const MAX_WAIT_MS = 30_000;

export interface RunOptions {
  readonly priority: number;
  /** Takes the call out of the queue; a call that has started runs on. */
  readonly signal?: AbortSignal;
  /**
   * False: an answered 5xx is no sign of an outage (`invites.delete` answers 500 where there is no
   * invite). Lost connections and timeouts always count. Default true.
   */
  readonly countsForBreaker?: boolean;
}

export interface LimiterState {
  readonly running: number;
  readonly queued: number;
  /** Calls allowed at once now, and at most. */
  readonly concurrency: number;
  readonly maxConcurrency: number;
  /** Calls per second; null while they are not spaced. */
  readonly ratePerSecond: number | null;
  /** Milliseconds until the next call may start. */
  readonly waitMs: number;
  readonly breaker: BreakerPosition;
  /** Milliseconds until the breaker lets a call through. */
  readonly blockedMs: number;
  /** Failures in a row that count for the breaker. */
  readonly failures: number;
}

export interface Limiter {
  /** Rejects with what `call` rejects with, or with a transient GatewayError if it was not started. */
  run<T>(call: () => Promise<T>, options: RunOptions): Promise<T>;
  state(): LimiterState;
  /** Rejects what waits and what comes; resolves when the calls that run have ended. */
  close(): Promise<void>;
}

interface Entry {
  readonly start: () => Promise<unknown>;
  readonly countsForBreaker: boolean;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export function createLimiter(init: {
  readonly clock: Clock;
  readonly maxConcurrency: number;
  readonly random: Random;
}): Limiter {
  const { clock, maxConcurrency } = init;
  const breaker = createBreaker(init);
  const pace = createPace(init);
  const queue = createCallQueue<Entry>();
  const closing: (() => void)[] = [];
  let running = 0;
  let closed = false;
  let cancelTimer: (() => void) | null = null;

  /** Starts what may start, refuses what will not, and sets the timer for the rest. */
  const pump = (): void => {
    cancelTimer?.();
    cancelTimer = null;
    while (queue.size() > 0) {
      const refusal = refusalNow();
      if (refusal !== null) {
        for (const entry of queue.drain()) entry.reject(refusal());
        return;
      }
      if (running >= pace.concurrency()) return;
      const wait = pace.waitMs();
      if (wait > 0) {
        cancelTimer = clock.after(Math.ceil(wait), pump);
        return;
      }
      const next = queue.shift();
      if (next !== undefined) void start(next);
    }
  };

  const refusalNow = (): (() => GatewayError) | null => {
    if (closed) return () => notStarted('shutting_down', 'the bridge is shutting down', null);
    const blocked = breaker.blockedMs();
    if (blocked > 0) return () => notStarted(CIRCUIT_OPEN, 'ElevenLabs does not answer at the moment', blocked);
    const wait = pace.waitMs();
    if (wait > MAX_WAIT_MS) return () => notStarted('paused', 'ElevenLabs asked for a pause', wait);
    return null;
  };

  const start = async (entry: Entry): Promise<void> => {
    running += 1;
    const pass = breaker.enter();
    const number = pace.started();
    try {
      const value = await entry.start();
      pace.good(number);
      breaker.leave(pass, 'answered');
      entry.resolve(value);
    } catch (error) {
      breaker.leave(pass, judge(error, entry.countsForBreaker, number, pace));
      entry.reject(error);
    } finally {
      running -= 1;
      if (running === 0) closing.splice(0).forEach((done) => done());
      pump();
    }
  };

  return {
    run<T>(call: () => Promise<T>, options: RunOptions): Promise<T> {
      const { signal } = options;
      const refusal = refusalNow();
      if (refusal !== null) return Promise.reject(refusal());
      if (signal?.aborted === true) return Promise.reject(cancelled());
      return new Promise<T>((resolve, reject) => {
        const entry: Entry = {
          start: async () => {
            signal?.removeEventListener('abort', abort);
            return call();
          },
          countsForBreaker: options.countsForBreaker ?? true,
          resolve: resolve as (value: unknown) => void,
          reject,
        };
        const abort = (): void => {
          if (queue.remove(entry)) reject(cancelled());
        };
        signal?.addEventListener('abort', abort, { once: true });
        queue.push(options.priority, entry);
        pump();
      });
    },
    state: () => stateOf({ breaker, pace, running, queued: queue.size(), maxConcurrency }),
    close() {
      closed = true;
      pump();
      return running === 0 ? Promise.resolve() : new Promise((resolve) => closing.push(resolve));
    },
  };
}

/** What a failed call tells breaker and pace. */
function judge(error: unknown, countsForBreaker: boolean, start: number, pace: Pace): BreakerOutcome {
  if (!isGatewayError(error)) return 'neutral';
  if (isRateLimited(error)) {
    pace.limited(start, error.retryAfterMs);
    return 'answered';
  }
  if (error.kind !== 'transient') {
    // Without a status it was refused before it was sent.
    if (error.status === null) return 'neutral';
    pace.good(start);
    return 'answered';
  }
  if (error.retryAfterMs !== null) pace.pause(error.retryAfterMs);
  return countsForBreaker || error.status === null ? 'failed' : 'neutral';
}

function stateOf(now: {
  readonly breaker: Breaker;
  readonly pace: Pace;
  readonly running: number;
  readonly queued: number;
  readonly maxConcurrency: number;
}): LimiterState {
  const { breaker, pace } = now;
  return {
    running: now.running,
    queued: now.queued,
    concurrency: pace.concurrency(),
    maxConcurrency: now.maxConcurrency,
    ratePerSecond: pace.rate(),
    waitMs: pace.waitMs(),
    breaker: breaker.position(),
    blockedMs: breaker.blockedMs(),
    failures: breaker.failures(),
  };
}

function notStarted(code: string, message: string, retryAfterMs: number | null): GatewayError {
  return new GatewayError({
    kind: 'transient',
    code,
    message,
    maybeApplied: false,
    retryAfterMs: retryAfterMs === null ? null : Math.ceil(retryAfterMs),
  });
}

const cancelled = (): GatewayError => notStarted('cancelled', 'the call was cancelled before it was sent', null);
