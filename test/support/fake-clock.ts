/**
 * A clock that moves only when told to. Timers run in order of their time, then of their making,
 * and see exactly the time they asked for, so a test of days takes no time and never depends on luck.
 */
import type { Clock } from '../../src/clock.js';

export interface FakeClock extends Clock {
  /** Moves both clocks forward and runs every timer that falls due, also those made on the way. */
  advance(ms: number): void;
  /** Like `advance`, but lets promises and I/O callbacks run before, between and after the timers. */
  advanceAsync(ms: number): Promise<void>;
  /** Moves to the next timer and runs it; false if there is none. */
  runNext(): Promise<boolean>;
  /** The wall clock is set: `now` jumps, `monotonic` and the timers do not notice. */
  jump(ms: number): void;
  /** Both clocks are later at once, and the timers of that time are late: for tests of days. */
  leap(ms: number): void;
  /** Milliseconds until each pending timer, soonest first. */
  pending(): readonly number[];
}

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
}

/** A Tuesday morning; any date would do, but a fixed one keeps snapshots stable. */
export const FAKE_START = Date.UTC(2026, 10, 24, 9, 0, 0);

/**
 * `drift`: how much faster the monotonic clock goes than the wall clock. As with the true ones, what is
 * worked out from both is then no whole number of milliseconds.
 */
export function createFakeClock(start: number = FAKE_START, drift = 0): FakeClock {
  let wallOffset = start;
  let elapsed = 0;
  let order = 0;
  let timers: Timer[] = [];

  const nextDue = (until: number): Timer | undefined => {
    let next: Timer | undefined;
    for (const timer of timers) {
      if (timer.at > until) continue;
      if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.order < next.order)) next = timer;
    }
    return next;
  };
  const fire = (timer: Timer): void => {
    timers = timers.filter((other) => other !== timer);
    elapsed = Math.max(elapsed, timer.at);
    timer.fn();
  };

  return {
    now: () => Math.floor(wallOffset + elapsed),
    monotonic: () => elapsed * (1 + drift),
    after(ms, fn) {
      const timer: Timer = { at: elapsed + Math.max(0, ms), order: order++, fn };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    advance(ms) {
      const until = elapsed + ms;
      for (let due = nextDue(until); due !== undefined; due = nextDue(until)) fire(due);
      elapsed = until;
    },
    async advanceAsync(ms) {
      const until = elapsed + ms;
      await settle();
      for (let due = nextDue(until); due !== undefined; due = nextDue(until)) {
        fire(due);
        await settle();
      }
      elapsed = until;
      await settle();
    },
    async runNext() {
      await settle();
      const due = nextDue(Infinity);
      if (due === undefined) return false;
      fire(due);
      await settle();
      return true;
    },
    jump(ms) {
      wallOffset += ms;
    },
    leap(ms) {
      elapsed += ms;
    },
    turn: settle,
    pending: () => timers.map((timer) => timer.at - elapsed).sort((a, b) => a - b),
  };
}

/** Lets every promise callback that is ready, and the I/O that is waiting, run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
