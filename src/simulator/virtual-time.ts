/**
 * Time that moves only when told to, for many lives of one process. What a dead life waits for never
 * comes: its timers and turns are dropped.
 */
import type { Clock } from '../clock.js';

export interface Life {
  isAlive: boolean;
}

interface Timer {
  readonly at: number;
  readonly life: Life;
  readonly fn: () => void;
  isCancelled: boolean;
}

export interface VirtualTime {
  /** Virtual milliseconds since the beginning; never jumps. */
  elapsed(): number;
  clockOf(life: Life): Clock;
  /** Sets the wall clock forward or back. */
  jump(ms: number): void;
  advance(ms: number): Promise<void>;
  /** Moves time until `work` has ended, at most `limitMs`; false if it has not. */
  until(isDone: () => boolean, limitMs: number): Promise<boolean>;
}

export const START = Date.UTC(2026, 10, 24, 9, 0, 0);

export function createVirtualTime(): VirtualTime {
  let elapsed = 0;
  let offset = START;
  let timers: Timer[] = [];
  let turns: { readonly life: Life; readonly resolve: () => void }[] = [];

  /** Lets everything run that needs no time. */
  const drain = async (): Promise<void> => {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (turns.length === 0) return;
      const ready = turns;
      turns = [];
      for (const { life, resolve } of ready) if (life.isAlive) resolve();
    }
  };
  const next = (until: number): Timer | null => {
    let first: Timer | null = null;
    for (const timer of timers) if (timer.at <= until && (first === null || timer.at < first.at)) first = timer;
    return first;
  };
  const fire = (timer: Timer): void => {
    timers = timers.filter((other) => other !== timer && !other.isCancelled && other.life.isAlive);
    elapsed = Math.max(elapsed, timer.at);
    if (!timer.isCancelled && timer.life.isAlive) timer.fn();
  };
  const until = async (isDone: () => boolean, limitMs: number): Promise<boolean> => {
    const end = elapsed + limitMs;
    await drain();
    while (!isDone()) {
      const timer = next(end);
      if (timer === null) {
        elapsed = end;
        return isDone();
      }
      fire(timer);
      await drain();
    }
    return true;
  };
  return {
    elapsed: () => elapsed,
    jump: (ms) => (offset += ms),
    until,
    async advance(ms) {
      await until(() => false, ms);
    },
    clockOf: (life) => ({
      now: () => Math.floor(offset + elapsed),
      monotonic: () => elapsed,
      after(ms, fn) {
        const timer: Timer = { at: elapsed + Math.max(0, ms), life, fn, isCancelled: false };
        timers.push(timer);
        return () => {
          timer.isCancelled = true;
        };
      },
      turn: () =>
        new Promise((resolve) => {
          turns.push({ life, resolve });
        }),
    }),
  };
}
