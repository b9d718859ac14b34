/** Secrets that an operator chose: what is long and varied enough cannot be guessed over a network. */

const SHORTEST = 32;
const FEWEST_DIFFERENT = 12;

/** For messages and docs. */
export const STRONG_SECRET = `at least ${SHORTEST} characters of which at least ${FEWEST_DIFFERENT} differ`;

/** A line that makes a secret which is strong enough. */
export const MAKE_SECRET = 'openssl rand -base64 32';

export function isStrongSecret(secret: string): boolean {
  return secret.length >= SHORTEST && new Set(secret).size >= FEWEST_DIFFERENT;
}
