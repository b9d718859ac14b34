/**
 * One event for every failed authentication, at whatever door: to the metrics each, to log and audit
 * log the first of an address at once and the rest of a window as one line with its count. The window
 * grows while an address goes on, so that a flood of a day is some thirty lines.
 */
import type { Clock } from '../clock.js';
import type { Log } from '../log.js';
import type { OperationsStore } from '../store/port.js';
import { networkOf } from '../domain/client-address.js';

export const DOORS = ['scim', 'token', 'admin', 'signIn', 'metrics'] as const;
/** `/scim`, `/oauth/token`, `/admin` by bearer, its log-in, `/metrics`. */
export type Door = (typeof DOORS)[number];

export const FAILURE_REASONS = [
  'missing',
  'unknown',
  'wrongKind',
  'revoked',
  'expired',
  'assertion',
  'notAllowed',
  'limited',
] as const;
/**
 * `wrongKind`: a valid token of another door. `assertion`: of an identity provider, not believed.
 * `notAllowed`: somebody who is known, and may not. `limited`: too many failures before.
 */
export type FailureReason = (typeof FAILURE_REASONS)[number];

export interface AuthFailure {
  readonly door: Door;
  readonly reason: FailureReason;
  /** Of the client, as TRUST_PROXY lets it be believed. */
  readonly address: string;
  /** Label of the token, where it is known. */
  readonly token: string | null;
  readonly clientId: string | null;
  /** What else the log should say, in words. */
  readonly detail?: string;
}

export interface AuthFailures {
  report(failure: AuthFailure): void;
  /** Writes what was counted and not told yet. */
  stop(): void;
}

const WINDOWS_MS = [60_000, 600_000, 3_600_000] as const;
const MOST_ADDRESSES = 10_000;
/** Lines about new addresses in one minute; the rest of them is told together. */
const MOST_LINES = 100;
const EVERYBODY_ELSE = 'others';

interface Window {
  count: number;
  last: AuthFailure;
  step: number;
  cancel: () => void;
}

/** Makes the reporter of one bridge. */
export function createAuthFailures(parts: {
  readonly store: Pick<OperationsStore, 'audit'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly count: (failure: AuthFailure) => void;
}): AuthFailures {
  const { store, clock, log } = parts;
  const windows = new Map<string, Window>();
  let lines = { minute: 0, written: 0 };

  const write = (failure: AuthFailure, count: number): void => {
    const { door, reason, token, clientId, detail } = failure;
    const address = failure.address.slice(0, 60);
    const event = { door, address, reason, token, clientId, count, ...(detail !== undefined && { detail }) };
    log.warn({ event: 'auth.fail', ...event }, 'authentication failed');
    store
      .audit({ actor: 'anonymous', action: 'auth.fail', subject: null, requestId: null, after: event })
      .catch((error: unknown) => log.error({ err: error }, 'a failed authentication is missing in the audit log'));
  };

  const open = (key: string, failure: AuthFailure, step: number): void => {
    const window: Window = { count: 0, last: failure, step, cancel: () => undefined };
    window.cancel = clock.after(WINDOWS_MS[Math.min(step, WINDOWS_MS.length - 1)] ?? WINDOWS_MS[0], () => {
      windows.delete(key);
      if (window.count === 0) return;
      write(window.last, window.count);
      open(key, window.last, step + 1);
    });
    windows.set(key, window);
  };

  const mayWriteAnother = (): boolean => {
    const minute = Math.floor(clock.monotonic() / 60_000);
    if (lines.minute !== minute) lines = { minute, written: 0 };
    return lines.written++ < MOST_LINES;
  };

  return {
    report(failure) {
      parts.count(failure);
      const own = networkOf(failure.address);
      const known = windows.get(own);
      const isOneTooMany = known === undefined && (windows.size >= MOST_ADDRESSES || !mayWriteAnother());
      const key = isOneTooMany ? EVERYBODY_ELSE : own;
      const window = windows.get(key);
      if (window !== undefined) {
        window.count += 1;
        window.last = failure;
        return;
      }
      if (!isOneTooMany) write(failure, 1);
      open(key, failure, 0);
      if (isOneTooMany) {
        const others = windows.get(key);
        if (others !== undefined) others.count = 1;
      }
    },
    stop() {
      for (const { count, last, cancel } of windows.values()) {
        cancel();
        if (count > 0) write(last, count);
      }
      windows.clear();
    },
  };
}
