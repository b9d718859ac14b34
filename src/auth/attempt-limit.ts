/** Counts attempts per client address (or another key) in windows of fixed length. */
import type { Clock } from '../clock.js';
import { networkOf } from '../domain/client-address.js';

export interface AttemptLimitOptions {
  /** Attempts allowed per window. */
  readonly limit: number;
  readonly windowMs: number;
  /** Addresses remembered; the oldest is forgotten, so an attacker cannot fill the memory. */
  readonly maxAddresses: number;
}

export const DEFAULT_ATTEMPT_LIMIT: AttemptLimitOptions = { limit: 30, windowMs: 60_000, maxAddresses: 10_000 };

export interface AttemptLimit {
  /** Counts one attempt. Seconds to wait if the address is over the limit, else null. */
  fail(address: string): number | null;
  /** Seconds to wait where the limit is used up; null: the next attempt may be looked at. */
  blocked(address: string): number | null;
}

interface Window {
  readonly startedAt: number;
  failures: number;
}

/**
 * A limit with its own memory. `keyOf`: what is counted together, where the callers are not told
 * apart by their addresses.
 */
export function createAttemptLimit(
  clock: Clock,
  options: AttemptLimitOptions = DEFAULT_ATTEMPT_LIMIT,
  keyOf: (address: string) => string = networkOf,
): AttemptLimit {
  const windows = new Map<string, Window>();
  const secondsLeft = ({ startedAt }: Window): number =>
    Math.max(1, Math.ceil((startedAt + options.windowMs - clock.monotonic()) / 1000));
  return {
    fail(address) {
      const key = keyOf(address);
      const now = clock.monotonic();
      let window = windows.get(key);
      if (window === undefined || now - window.startedAt >= options.windowMs) {
        windows.delete(key); // a Map keeps insertion order: the new window goes to the end
        window = { startedAt: now, failures: 0 };
        windows.set(key, window);
        forgetOldest(windows, options.maxAddresses);
      }
      window.failures += 1;
      return window.failures <= options.limit ? null : secondsLeft(window);
    },
    blocked(address) {
      const window = windows.get(keyOf(address));
      if (window === undefined || window.failures < options.limit) return null;
      return clock.monotonic() - window.startedAt >= options.windowMs ? null : secondsLeft(window);
    },
  };
}

function forgetOldest(windows: Map<string, Window>, maxAddresses: number): void {
  for (const key of windows.keys()) {
    if (windows.size <= maxAddresses) return;
    windows.delete(key);
  }
}
