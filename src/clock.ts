/** Time as a parameter: nothing else in the bridge reads a clock or starts a timer. */
export interface Clock {
  /** Wall time, milliseconds since the epoch. May jump. */
  now(): number;
  /** Milliseconds from an arbitrary point that never jump. */
  monotonic(): number;
  /** Calls `fn` once after `ms`; returns a function that cancels it. Never keeps the process alive. */
  after(ms: number, fn: () => void): () => void;
  /** Resolves in the next turn of the event loop: what is ready goes first. */
  turn(): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
  turn: () =>
    new Promise((resolve) => {
      setImmediate(resolve);
    }),
};
