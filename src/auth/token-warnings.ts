/**
 * Tokens that end soon, for the log and the page. A token with a successor (same label, or same OAuth
 * client) that lives longer is about to be replaced and worth no warning.
 */
import { currentTokens } from './current-tokens.js';
import type { Millis } from '../domain/types.js';
import type { TokenRecord, TokenStore } from '../store/port.js';

export interface TokenWarning {
  readonly tokenId: string;
  readonly kind: TokenRecord['kind'];
  readonly label: string;
  readonly expiresAt: Millis;
  /** Whole days left; 0 on the last one, negative after the end. */
  readonly daysLeft: number;
}

const DAY_MS = 86_400_000;
export const WARN_AHEAD_MS = 30 * DAY_MS;

/** Soonest first. Tokens that have ended are named for 30 days more. */
export async function tokenWarnings(store: TokenStore, now: Millis): Promise<readonly TokenWarning[]> {
  return currentTokens(await store.listTokens(), now)
    .flatMap(({ id, kind, label, expiresAt }) =>
      expiresAt === null || Math.abs(expiresAt - now) > WARN_AHEAD_MS
        ? []
        : [{ tokenId: id, kind, label, expiresAt, daysLeft: Math.floor((expiresAt - now) / DAY_MS) }],
    )
    .sort((a, b) => a.expiresAt - b.expiresAt);
}
