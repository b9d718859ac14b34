/** When a token was last used: written down at most once a minute, for a read must not become a write. */
import type { Millis } from './types.js';

const TOUCH_INTERVAL_MS = 60_000;

interface UsedToken {
  readonly id: string;
  readonly lastUsedAt: Millis | null;
}

/** Makes the function that is told of each use; `write` is called for those that have to be stored. */
export function createLastUse(write: (tokenId: string, at: Millis) => void): (token: UsedToken, now: Millis) => void {
  const touched = new Map<string, Millis>();
  return ({ id, lastUsedAt }, now) => {
    const last = touched.get(id) ?? lastUsedAt;
    // `Math.abs`: after the wall clock was set back the stamp must move again.
    if (last !== null && Math.abs(now - last) < TOUCH_INTERVAL_MS) return;
    touched.set(id, now);
    write(id, now);
  };
}
