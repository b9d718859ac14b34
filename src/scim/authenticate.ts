/**
 * Bearer authentication (RFC 6750). Runs before anything of the body is read.
 *
 * A token is looked up by its SHA-256 at every request: a cache would save microseconds and cost
 * the promise that a revocation, also one by another process, is effective at once. The secret
 * itself is never compared with anything, only digests are.
 */
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../clock.js';
import type { AttemptLimit } from '../domain/attempt-limit.js';
import { createLastUse } from '../domain/last-use.js';
import { hashToken } from '../domain/secret-token.js';
import { ScimError } from '../errors.js';
import type { Log } from '../log.js';
import type { TokenRecord, TokenStore } from '../store/port.js';

/** Who a request comes from. */
export interface Principal {
  readonly tokenId: string | null;
  readonly label: string;
  readonly scopes: readonly string[];
  /** As written to the audit log: `token:<label>`. */
  readonly actor: string;
}

/** Verifies access tokens that are not in the token table (OAuth). Null: not one of its tokens, or not valid. */
export type AccessTokenVerifier = (token: string) => Promise<Principal | null>;

export interface Authenticator {
  /** The principal of a request; rejects with 401, or 429 where the address has failed too often. */
  authenticate(request: IncomingMessage, address: string): Promise<Principal>;
}

export interface AuthenticatorOptions {
  readonly store: TokenStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly attempts: AttemptLimit;
  readonly verifyAccessToken: AccessTokenVerifier | null;
}

const MAX_TOKEN_LENGTH = 4096;
const REALM = 'Bearer realm="scim"';

/** Makes the authenticator of one application. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { store, clock, log, attempts } = options;
  const touch = createLastUse((tokenId, at) => {
    // Best effort: a full disk must not turn reads away.
    store.touchToken(tokenId, at).catch((error: unknown) => {
      log.debug({ err: error, tokenId }, 'last use of a token was not stored');
    });
  });

  const refuse = (address: string, error: ScimError): ScimError => {
    const retryAfter = attempts.fail(address);
    if (retryAfter === null) return error;
    return new ScimError(429, 'Too many failed authentications from this address.', {
      headers: { 'Retry-After': String(retryAfter), 'WWW-Authenticate': REALM },
    });
  };

  return {
    async authenticate(request, address) {
      const bearer = readBearer(request);
      if (bearer === null) {
        throw refuse(address, unauthorized('Authentication is required: send "Authorization: Bearer <token>".', null));
      }
      const token = await store.findToken(hashToken(bearer));
      if (token?.kind === 'scim') {
        checkValidity(token, clock.now());
        touch(token, clock.now());
        return { tokenId: token.id, label: token.label, scopes: token.scopes, actor: `token:${token.label}` };
      }
      const principal = token === null ? await options.verifyAccessToken?.(bearer) : null;
      if (principal !== null && principal !== undefined) return principal;
      throw refuse(address, unauthorized('The bearer token is not valid here.', 'invalid_token'));
    },
  };
}

/**
 * Who sends an expired or revoked token has the secret, so may be told; and it is no guess, so it
 * does not count as a failed attempt: the IdP's log has to show the reason, not a 429.
 */
function checkValidity(token: TokenRecord, now: number): void {
  if (token.revokedAt !== null) {
    throw unauthorized(`The token "${token.label}" was revoked. Configure a new one.`, 'invalid_token');
  }
  if (token.expiresAt !== null && token.expiresAt <= now) {
    const when = new Date(token.expiresAt).toISOString();
    throw unauthorized(`The token "${token.label}" expired at ${when}. Configure a new one.`, 'invalid_token');
  }
}

function unauthorized(detail: string, error: 'invalid_token' | null): ScimError {
  const challenge = error === null ? REALM : `${REALM}, error="${error}"`;
  return new ScimError(401, detail, { headers: { 'WWW-Authenticate': challenge } });
}

/** The token of the one Authorization header; null where there is none, several, or another scheme. */
function readBearer(request: IncomingMessage): string | null {
  const values = request.headersDistinct['authorization'] ?? [];
  const [value] = values;
  // Two headers: a proxy and the bridge might each believe another one.
  if (values.length !== 1 || value === undefined || value.length > MAX_TOKEN_LENGTH) return null;
  const match = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(value);
  return match?.[1] ?? null;
}
