/** Bearer authentication of SCIM (RFC 6750). Runs before anything of the body is read. */
import type { IncomingMessage } from 'node:http';
import { ScimError } from '../errors.js';
import type { TokenRecord } from '../store/port.js';
import type { Doors } from './doors.js';

/** Who a request comes from. */
export interface Principal {
  /** Of an OAuth client its client id: the same after each rotation of its secret. */
  readonly tokenId: string | null;
  readonly label: string;
  readonly scopes: readonly string[];
  /** As written to the audit log: `token:<label>`. */
  readonly actor: string;
}

export interface Authenticator {
  /** The principal of a request; rejects with 401, or 429 where the address has failed too often. */
  authenticate(request: IncomingMessage, address: string): Promise<Principal>;
}

const MAX_TOKEN_LENGTH = 4096;
const REALM = 'Bearer realm="scim"';

/** Makes the authenticator of one application. */
export function createAuthenticator(doors: Doors): Authenticator {
  return {
    async authenticate(request, address) {
      const bearer = readBearer(request);
      const verdict = await doors.check('scim', bearer, address, isForScim);
      if (verdict.kind === 'valid') return toPrincipal(verdict.token);
      if (verdict.retryAfter !== null) {
        throw new ScimError(429, 'Too many failed authentications from this address.', {
          headers: { 'Retry-After': String(verdict.retryAfter), 'WWW-Authenticate': REALM },
        });
      }
      if (verdict.token !== null) throw unauthorized(endOf(verdict.token), 'invalid_token');
      if (bearer === null)
        throw unauthorized('Authentication is required: send "Authorization: Bearer <token>".', null);
      throw unauthorized('The bearer token is not valid here.', 'invalid_token');
    },
  };
}

const isForScim = ({ kind }: TokenRecord): boolean => kind === 'scim' || kind === 'access';

function toPrincipal({ id, kind, clientId, label, scopes }: TokenRecord): Principal {
  return { tokenId: kind === 'access' ? clientId : id, label, scopes, actor: `token:${label}` };
}

/** Who sends an expired or revoked token has the secret, so may be told. */
function endOf({ kind, label, revokedAt, expiresAt }: TokenRecord): string {
  if (kind === 'access') {
    return revokedAt === null
      ? 'The access token has expired: ask for a new one.'
      : 'The OAuth client of this access token was revoked, or its secret was.';
  }
  if (revokedAt !== null) return `The token "${label}" was revoked. Configure a new one.`;
  return `The token "${label}" expired at ${new Date(expiresAt ?? 0).toISOString()}. Configure a new one.`;
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
