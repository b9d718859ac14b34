/**
 * Slows down whoever guesses, at all doors together. Beyond the limit of failures an address is
 * answered without a look at what it sends, so that a right guess is as slow as a wrong one.
 *
 * An address that has shown a valid token within a day is never locked out: an IdP may share its
 * address with a scanner behind the same gateway. There only what fails is answered 429.
 */
import type { Clock } from '../clock.js';
import { networkOf } from '../domain/client-address.js';
import { createAttemptLimit, type AttemptLimitOptions } from './attempt-limit.js';

export const DEFAULT_GUESS_LIMIT: AttemptLimitOptions = { limit: 30, windowMs: 60_000, maxAddresses: 10_000 };

export const TRUSTED_FOR_MS = 86_400_000;

export interface GuessLimit {
  /** Seconds to wait; null: the attempt may be looked at. */
  blocked(address: string): number | null;
  /** Counts a failure. Seconds to wait if the address is over the limit, else null. */
  fail(address: string): number | null;
  /** A valid token came from this address, `ago` milliseconds before now. */
  succeeded(address: string, ago?: number): void;
}

/** Makes the limit of one bridge. */
export function createGuessLimit(clock: Clock, options: AttemptLimitOptions = DEFAULT_GUESS_LIMIT): GuessLimit {
  const failures = createAttemptLimit(clock, options);
  const trusted = new Map<string, number>();
  const isTrusted = (address: string): boolean => {
    const since = trusted.get(networkOf(address));
    return since !== undefined && clock.monotonic() - since < TRUSTED_FOR_MS;
  };
  return {
    blocked: (address) => (isTrusted(address) ? null : failures.blocked(address)),
    fail: (address) => failures.fail(address),
    succeeded(address, ago = 0) {
      const key = networkOf(address);
      if (key === '') return;
      trusted.delete(key); // a Map keeps insertion order: the latest goes to the end
      trusted.set(key, clock.monotonic() - ago);
      for (const oldest of trusted.keys()) {
        if (trusted.size <= options.maxAddresses) break;
        trusted.delete(oldest);
      }
    },
  };
}
