/**
 * Access tokens of OAuth clients: opaque, stored as a hash like every other token, found by one indexed
 * look-up. Each is worth what the secret or trust is that it was given for: revoking that ends it at once.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import { newToken } from '../domain/secret-token.js';
import type { TokenRecord, TokenStore } from '../store/port.js';

/** What a client has proven to hold. */
export type Grantor = TokenRecord & { readonly clientId: string };

/** Gives an access token for a secret or a trust; the text is shown once. */
export async function issueAccessToken(
  parts: { readonly store: TokenStore; readonly clock: Clock },
  grantor: Grantor,
  grant: { readonly scopes: readonly string[]; readonly lifetimeMs: number },
): Promise<string> {
  const { secret, hash } = newToken('access');
  const { id: parentId, clientId, label } = grantor;
  const expiresAt = parts.clock.now() + grant.lifetimeMs;
  await parts.store.addToken(
    { id: randomUUID(), kind: 'access', label, scopes: grant.scopes, clientId, hash, expiresAt, parentId },
    `token:${label}`,
  );
  return secret;
}
