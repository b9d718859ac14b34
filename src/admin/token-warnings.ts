/**
 * Tokens that end soon, for the log, the page and the metrics. A token with a successor (same label,
 * or same OAuth client) that lives longer is about to be replaced and worth no warning.
 */
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
  const last = new Map<string, TokenRecord>();
  for (const token of await store.listTokens()) {
    if (token.revokedAt !== null) continue;
    const key = `${token.kind} ${token.clientId ?? token.label}`;
    const known = last.get(key);
    if (known === undefined || endOf(token) >= endOf(known)) last.set(key, token);
  }
  return [...last.values()]
    .flatMap(({ id, kind, label, expiresAt }) =>
      expiresAt === null || Math.abs(expiresAt - now) > WARN_AHEAD_MS
        ? []
        : [{ tokenId: id, kind, label, expiresAt, daysLeft: Math.floor((expiresAt - now) / DAY_MS) }],
    )
    .sort((a, b) => a.expiresAt - b.expiresAt);
}

const endOf = ({ expiresAt }: TokenRecord): number => expiresAt ?? Number.MAX_SAFE_INTEGER;
