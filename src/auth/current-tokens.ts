/**
 * Which tokens somebody counts on. Tokens of one name (or of one OAuth client) follow each other by
 * rotation: the one that lives longest is current, the others have been replaced, and their end is
 * what was meant.
 */
import type { Millis } from '../domain/types.js';

export interface TokenLife {
  readonly kind: string;
  readonly label: string;
  readonly clientId: string | null;
  readonly createdAt: Millis;
  readonly expiresAt: Millis | null;
  readonly revokedAt: Millis | null;
}

/**
 * The current token of each name, oldest name first; none of a name whose youngest token was revoked
 * after the others had ended. Those that have ended without a successor are current: somebody waits.
 */
export function currentTokens<T extends TokenLife>(tokens: readonly T[], now: Millis): readonly T[] {
  const byName = new Map<string, T[]>();
  for (const token of tokens) {
    const name = nameOf(token);
    byName.set(name, [...(byName.get(name) ?? []), token]);
  }
  return [...byName.values()].flatMap((same) => {
    const kept = same.filter(({ revokedAt }) => revokedAt === null);
    const [last] = kept.sort((a, b) => endOf(b) - endOf(a) || b.createdAt - a.createdAt);
    if (last === undefined) return [];
    const wasGivenUp = endOf(last) <= now && same.some(({ createdAt }) => createdAt > last.createdAt);
    return wasGivenUp ? [] : [last];
  });
}

const nameOf = ({ kind, clientId, label }: TokenLife): string => `${kind} ${clientId ?? label}`;

const endOf = ({ expiresAt }: TokenLife): number => expiresAt ?? Number.MAX_SAFE_INTEGER;
