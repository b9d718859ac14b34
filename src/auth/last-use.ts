/** When a token was last used, and from where: written down at most once a minute, for a read must not become a write. */
import type { Millis } from '../domain/types.js';
import type { Log } from '../log.js';
import type { TokenStore } from '../store/port.js';

const TOUCH_INTERVAL_MS = 60_000;

export interface UsedToken {
  readonly id: string;
  readonly lastUsedAt: Millis | null;
}

export type NoteUse = (token: UsedToken, now: Millis, address: string | null) => void;

/** One for all doors, so that a token costs one write a minute wherever it is used. */
export function createLastUse({ store, log }: { readonly store: TokenStore; readonly log: Log }): NoteUse {
  const touched = new Map<string, Millis>();
  return ({ id, lastUsedAt }, now, address) => {
    const last = touched.get(id) ?? lastUsedAt;
    // `Math.abs`: after the wall clock was set back the stamp must move again.
    if (last !== null && Math.abs(now - last) < TOUCH_INTERVAL_MS) return;
    touched.set(id, now);
    // Best effort: a full disk must not turn anybody away.
    store.touchToken(id, now, address).catch((error: unknown) => {
      log.debug({ err: error, tokenId: id }, 'last use of a token was not stored');
    });
  };
}
