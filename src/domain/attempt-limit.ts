/**
 * Counts failed authentications per client address. Only failing attempts are ever counted or
 * refused: a valid token passes whatever others do from the same address (an IdP and a scanner may
 * share a NAT).
 */
import { isIP } from 'node:net';
import type { Clock } from '../clock.js';
import { clientAddress } from './client-address.js';

export interface AttemptLimitOptions {
  /** Failures allowed per window. */
  readonly limit: number;
  readonly windowMs: number;
  /** Addresses remembered; the oldest is forgotten, so an attacker cannot fill the memory. */
  readonly maxAddresses: number;
}

export const DEFAULT_ATTEMPT_LIMIT: AttemptLimitOptions = { limit: 30, windowMs: 60_000, maxAddresses: 10_000 };

export interface AttemptLimit {
  /** Counts one failure. Seconds to wait if the address is over the limit, else null. */
  fail(address: string): number | null;
}

interface Window {
  readonly startedAt: number;
  failures: number;
}

/**
 * A limit with its own memory; one per surface (SCIM, token endpoint, admin page). `keyOf`: what is
 * counted together, where the callers are not told apart by their addresses.
 */
export function createAttemptLimit(
  clock: Clock,
  options: AttemptLimitOptions = DEFAULT_ATTEMPT_LIMIT,
  keyOf: (address: string) => string = networkOf,
): AttemptLimit {
  const windows = new Map<string, Window>();
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
      if (window.failures <= options.limit) return null;
      return Math.max(1, Math.ceil((window.startedAt + options.windowMs - now) / 1000));
    },
  };
}

function forgetOldest(windows: Map<string, Window>, maxAddresses: number): void {
  for (const key of windows.keys()) {
    if (windows.size <= maxAddresses) return;
    windows.delete(key);
  }
}

/** One IPv6 client owns at least a /64: counting single addresses would limit nobody. */
export function networkOf(text: string): string {
  // What a proxy calls an address may be any text, and long: all that is none counts as one.
  const address = clientAddress(text);
  if (address === null) return '';
  if (isIP(address) === 4 || address.includes('.')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head.split(':').filter((group) => group !== '');
  if (tail !== undefined) {
    const rest = tail.split(':').filter((group) => group !== '');
    while (groups.length + rest.length < 8) groups.push('0');
    groups.push(...rest);
  }
  return groups.slice(0, 4).join(':');
}
