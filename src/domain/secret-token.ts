/**
 * Secrets of the bridge: 256 random bits behind a prefix that secret scanners can recognise. Only
 * the SHA-256 of a secret is stored; a salt or a slow hash would add nothing to 256 bits.
 *
 * Comparison in constant time: a secret is looked up by its digest, and the digest that was found is
 * compared once more by `sameDigest`. What the timing of the index could tell is about bits of a
 * SHA-256 that the sender cannot choose, and says nothing about the secret behind another one.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export type SecretKind = 'scim' | 'admin' | 'oauthClient' | 'access';

const PREFIXES: Readonly<Record<SecretKind, string>> = {
  scim: 'esb_',
  admin: 'esb_admin_',
  oauthClient: 'esb_client_',
  access: 'esb_access_',
};

/** Begins every secret of every kind. */
export const SECRET_PREFIX = 'esb_';

export type Random = (bytes: number) => Buffer;

export interface NewToken {
  /** Shown once, stored nowhere. */
  readonly secret: string;
  /** SHA-256 of the secret, hex: what the store keeps. */
  readonly hash: string;
}

/** Makes a token. `random` is a parameter for tests only. */
export function newToken(kind: SecretKind, random: Random = randomBytes): NewToken {
  const secret = `${PREFIXES[kind]}${random(32).toString('base64url')}`;
  return { secret, hash: hashToken(secret) };
}

/** The form in which the store knows a token. Also for tokens that an operator chose (`SCIM_TOKEN`). */
export function hashToken(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('hex');
}

/** Whether two texts are the same, in a time that depends on their lengths alone. */
export function sameDigest(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8')];
  return left.length === right.length && timingSafeEqual(left, right);
}
