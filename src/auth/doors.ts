/**
 * Every door of the bridge asks here whether a secret opens it: one look-up, one limit for guesses,
 * one event for what fails.
 *
 * A token is looked up by its SHA-256 each time: a cache would save microseconds and cost the promise
 * that a revocation, also one by another process, is effective at once. The secret itself is never
 * compared with anything, only digests are.
 */
import type { Clock } from '../clock.js';
import { hashToken } from '../domain/secret-token.js';
import type { Millis } from '../domain/types.js';
import type { Log } from '../log.js';
import type { TokenRecord, TokenStore } from '../store/port.js';
import type { AuthFailure, Door, FailureReason } from './auth-failures.js';
import type { AttemptLimitOptions } from './attempt-limit.js';
import { createGuessLimit, DEFAULT_GUESS_LIMIT, TRUSTED_FOR_MS } from './guess-limit.js';
import { createLastUse, type UsedToken } from './last-use.js';

export type Verdict =
  | { readonly kind: 'valid'; readonly token: TokenRecord }
  | {
      readonly kind: 'refused';
      readonly reason: FailureReason;
      /** Known and ended: its holder may be told so. */
      readonly token: TokenRecord | null;
      /** Seconds; not null: the address has failed too often. */
      readonly retryAfter: number | null;
    };

export interface Doors {
  /** Whether a secret opens a door; `accepts`: which tokens do. Null: the request brought none. */
  check(door: Door, secret: string | null, address: string, accepts: (token: TokenRecord) => boolean): Promise<Verdict>;
  /** Seconds that this address has to wait before anything that it brings is looked at; null = none. Reports it. */
  blocked(door: Door, address: string): number | null;
  /** Reports a failure that the door found itself; a guess counts for the limit. Seconds to wait, or null. */
  refuse(failure: AuthFailure, options: { readonly isGuess: boolean }): number | null;
  /** Something valid came from an address, and perhaps with this token. */
  admit(address: string, token: UsedToken | null): void;
  /** Learns which addresses have shown a valid token lately, from before a restart. */
  start(): Promise<void>;
}

export interface DoorOptions {
  readonly store: TokenStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly onFailure: (failure: AuthFailure) => void;
  readonly attempts?: AttemptLimitOptions;
}

/** Makes the doors of one bridge. */
export function createDoors(options: DoorOptions): Doors {
  const { store, clock, log, onFailure } = options;
  const limit = createGuessLimit(clock, options.attempts ?? DEFAULT_GUESS_LIMIT);
  const noteUse = createLastUse({ store, log });

  const doors: Doors = {
    async check(door, secret, address, accepts) {
      const wait = doors.blocked(door, address);
      if (wait !== null) return { kind: 'refused', reason: 'limited', token: null, retryAfter: wait };
      const token = secret === null ? null : await store.findToken(hashToken(secret));
      const reason = secret === null ? 'missing' : refusalOf(token, accepts, clock.now());
      if (reason === null && token !== null) {
        doors.admit(address, token);
        return { kind: 'valid', token };
      }
      const isEnded = reason === 'revoked' || reason === 'expired';
      const failure = { door, reason: reason ?? 'unknown', address };
      const about = { token: token?.label ?? null, clientId: token?.clientId ?? null };
      // Who sends an ended token has the secret: the IdP's log has to show the reason, not a 429.
      const retryAfter = doors.refuse({ ...failure, ...about }, { isGuess: !isEnded });
      return { kind: 'refused', reason: failure.reason, token: isEnded ? token : null, retryAfter };
    },
    blocked(door, address) {
      const wait = limit.blocked(address);
      if (wait !== null) onFailure({ door, reason: 'limited', address, token: null, clientId: null });
      return wait;
    },
    refuse(failure, { isGuess }) {
      onFailure(failure);
      return isGuess ? limit.fail(failure.address) : null;
    },
    admit(address, token) {
      limit.succeeded(address);
      if (token !== null) noteUse(token, clock.now(), address);
    },
    async start() {
      const now = clock.now();
      for (const { lastUsedAt, lastAddress, revokedAt } of await store.listTokens()) {
        if (lastUsedAt === null || lastAddress === null || revokedAt !== null) continue;
        const ago = Math.max(0, now - lastUsedAt);
        if (ago < TRUSTED_FOR_MS) limit.succeeded(lastAddress, ago);
      }
    },
  };
  return doors;
}

/** Why a token does not open a door; null: it does. */
function refusalOf(
  token: TokenRecord | null,
  accepts: (token: TokenRecord) => boolean,
  now: Millis,
): FailureReason | null {
  if (token === null) return 'unknown';
  if (!accepts(token)) return 'wrongKind';
  if (token.revokedAt !== null) return 'revoked';
  return isValid(token, now) ? null : 'expired';
}

/** Neither revoked nor expired. */
export const isValid = (token: Pick<TokenRecord, 'revokedAt' | 'expiresAt'>, now: Millis): boolean =>
  token.revokedAt === null && (token.expiresAt === null || token.expiresAt > now);
