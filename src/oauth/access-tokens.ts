/**
 * Access tokens (RFC 9068): JWTs that this bridge signs for its own SCIM surface and accepts there,
 * from nobody else and nowhere else. Signature, algorithm, type, issuer, audience and end are checked
 * by `jose`; that client and secret are still there is asked of the store each time.
 */
import { errors, jwtVerify, SignJWT } from 'jose';
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import { narrowScopes } from '../domain/token-scopes.js';
import { ScimError } from '../errors.js';
import type { TokenRecord, TokenStore } from '../store/port.js';
import { findClient } from './clients.js';
import { ALGORITHM, type KeyRing } from './key-ring.js';

const TYPE = 'at+jwt';
/** Claim with the id of the secret that the token was given for. */
const SECRET_CLAIM = 'secret_id';

/** The caller that an access token stands for. */
export interface TokenHolder {
  /** The client id: the same after each rotation of its secret. */
  readonly tokenId: string;
  readonly label: string;
  readonly scopes: readonly string[];
  readonly actor: string;
}

export interface AccessTokens {
  /** Signs an access token for the holder of a secret. */
  issue(secret: TokenRecord & { readonly clientId: string }, scopes: readonly string[]): Promise<string>;
  /** Null: not one of ours. Rejects with 401 in words where it was and is not valid any more. */
  verify(token: string): Promise<TokenHolder | null>;
}

export interface AccessTokenOptions {
  readonly store: TokenStore;
  readonly keys: KeyRing;
  readonly clock: Clock;
  readonly lifetimeMs: number;
  /** URL of the bridge: the issuer. */
  readonly issuer: () => string;
  /** URL of the SCIM root: the audience. */
  readonly audience: () => string;
}

/** Makes and checks the access tokens of one bridge. */
export function createAccessTokens(options: AccessTokenOptions): AccessTokens {
  const { store, keys, clock } = options;
  return {
    async issue(secret, scopes) {
      const { kid, key } = await keys.signingKey();
      const now = Math.floor(clock.now() / 1000);
      return new SignJWT({ client_id: secret.clientId, scope: scopes.join(' '), [SECRET_CLAIM]: secret.id })
        .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid })
        .setIssuer(options.issuer())
        .setAudience(options.audience())
        .setSubject(secret.clientId)
        .setJti(randomUUID())
        .setIssuedAt(now)
        .setExpirationTime(now + Math.floor(options.lifetimeMs / 1000))
        .sign(key);
    },
    async verify(token) {
      const claims = await readClaims(token, options);
      if (claims === null) return null;
      const client = await findClient(store, claims.clientId);
      const secret = client?.secrets.find(({ id }) => id === claims.secretId);
      if (client === null || secret?.revokedAt !== null)
        throw invalid('The OAuth client of this access token was revoked, or its secret was.');
      // What the client may do now: a scope that was taken away since is gone at once.
      const scopes = narrowScopes(client.scopes, claims.scopes);
      if (scopes === null) throw invalid('The OAuth client has lost a scope of this access token: ask for a new one.');
      return { tokenId: client.clientId, label: client.label, scopes, actor: `token:${client.label}` };
    },
  };

  async function readClaims(token: string, { issuer, audience }: AccessTokenOptions): Promise<Claims | null> {
    try {
      const { payload } = await jwtVerify(
        token,
        async ({ kid }) => {
          const key = typeof kid === 'string' ? await keys.verificationKey(kid) : null;
          if (key === null) throw new errors.JWKSNoMatchingKey();
          return key;
        },
        {
          algorithms: [ALGORITHM],
          typ: TYPE,
          issuer: issuer(),
          audience: audience(),
          requiredClaims: ['sub', 'exp', 'iat', 'jti', 'scope', SECRET_CLAIM],
          currentDate: new Date(clock.now()),
        },
      );
      const { sub, scope, [SECRET_CLAIM]: secretId } = payload;
      if (typeof sub !== 'string' || typeof scope !== 'string' || typeof secretId !== 'string') return null;
      return { clientId: sub, scopes: scope.split(' ').filter((word) => word !== ''), secretId };
    } catch (error) {
      // After the signature was found to be ours: no guess, and the IdP has to know.
      if (error instanceof errors.JWTExpired) throw invalid('The access token has expired: ask for a new one.');
      if (error instanceof errors.JOSEError) return null;
      throw error;
    }
  }
}

interface Claims {
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly secretId: string;
}

function invalid(detail: string): ScimError {
  return new ScimError(401, detail, { headers: { 'WWW-Authenticate': 'Bearer realm="scim", error="invalid_token"' } });
}
