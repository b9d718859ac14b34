/**
 * Bearer tokens of the bridge: 256 random bits behind a prefix that secret scanners can recognise.
 * Only the SHA-256 of a token is stored; a salt or a slow hash would add nothing to 256 bits.
 *
 * Scopes: `users` and `groups` open those resource types, neither of them means both; `read` takes
 * every write away. An empty list is full access.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { TokenRecord } from '../store/port.js';

export type TokenScope = 'users' | 'groups' | 'read';
export const TOKEN_SCOPES: readonly TokenScope[] = ['users', 'groups', 'read'];

const PREFIXES: Readonly<Record<TokenRecord['kind'], string>> = {
  scim: 'esb_',
  admin: 'esb_admin_',
  oauthClient: 'esb_client_',
};

export interface NewToken {
  /** Shown once, stored nowhere. */
  readonly secret: string;
  /** SHA-256 of the secret, hex: what the store keeps. */
  readonly hash: string;
}

/** Makes a token. `random` is a parameter for tests only. */
export function newToken(kind: TokenRecord['kind'], random: (bytes: number) => Buffer = randomBytes): NewToken {
  const secret = `${PREFIXES[kind]}${random(32).toString('base64url')}`;
  return { secret, hash: hashToken(secret) };
}

/** The form in which the store knows a token. Also for tokens that an operator chose (`SCIM_TOKEN`). */
export function hashToken(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('hex');
}

/** What a request wants to do, as far as scopes are concerned. */
export interface Access {
  readonly resource: 'users' | 'groups' | 'none';
  readonly write: boolean;
}

/** Why the scopes do not allow the access, in words for the IdP's administrator; null = allowed. */
export function scopeRefusal(scopes: readonly string[], access: Access): string | null {
  if (access.write && scopes.includes('read')) return 'The token is read-only (scope "read").';
  const narrowed = scopes.includes('users') || scopes.includes('groups');
  if (access.resource !== 'none' && narrowed && !scopes.includes(access.resource)) {
    return `The token has no scope "${access.resource}".`;
  }
  return null;
}
