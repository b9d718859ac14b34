/** Counts calls in a sliding window of monotonic time. */
import type { Clock } from '../clock.js';

export interface WindowLimit {
  /** Takes one of `limit` places of the last `windowMs`; false if none is left. */
  readonly take: (key: string, limit: number, windowMs: number) => boolean;
}

export function createWindowLimit(clock: Clock): WindowLimit {
  const taken = new Map<string, number[]>();
  return {
    take(key, limit, windowMs) {
      const now = clock.monotonic();
      const recent = (taken.get(key) ?? []).filter((at) => now - at < windowMs);
      const free = recent.length < limit;
      if (free) recent.push(now);
      taken.set(key, recent);
      return free;
    },
  };
}
