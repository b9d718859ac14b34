/** When admin tokens were last used, for the page and `token list`. */
import type { Clock } from '../clock.js';
import { createLastUse } from '../domain/last-use.js';
import type { Log } from '../log.js';
import type { TokenStore } from '../store/port.js';

/** An admin token that is known to be valid. */
export interface AdminToken {
  readonly tokenId: string;
  /** As it was when the token was looked up. */
  readonly lastUsedAt: number | null;
}

export type NoteUse = (token: AdminToken) => void;

/** One for all surfaces, so that a token costs one write a minute wherever it is used. */
export function createTokenUse(parts: {
  readonly store: TokenStore;
  readonly clock: Clock;
  readonly log: Log;
}): NoteUse {
  const { store, clock, log } = parts;
  const lastUse = createLastUse((tokenId, at) => {
    // Best effort: a full disk must not keep administrators out.
    store.touchToken(tokenId, at).catch((error: unknown) => {
      log.debug({ err: error, tokenId }, 'last use of a token was not stored');
    });
  });
  return ({ tokenId, lastUsedAt }) => lastUse({ id: tokenId, lastUsedAt }, clock.now());
}
