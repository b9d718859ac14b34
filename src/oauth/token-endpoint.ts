/**
 * POST /oauth/token: client credentials (RFC 6749 4.4) by client_secret_basic or client_secret_post,
 * as Entra's gallery and custom apps use them. Answers are those of section 5, never SCIM's.
 *
 * Only failures are counted and limited, by address: whoever knows the secret gets an access token,
 * whatever others try. A secret that has expired or was revoked is no guess and says so.
 */
import type { Request, RequestHandler, Response } from 'express';
import type { Clock } from '../clock.js';
import { createAttemptLimit, type AttemptLimitOptions } from '../domain/attempt-limit.js';
import { hashToken, sameDigest } from '../domain/secret-token.js';
import { narrowScopes } from '../domain/token-scopes.js';
import { readForms } from '../http/form-body.js';
import type { Log } from '../log.js';
import type { TokenRecord, TokenStore } from '../store/port.js';
import type { AccessTokens } from './access-tokens.js';
import { readCredentials, readForm, type Credentials } from './token-request.js';
import { OAuthError } from './oauth-error.js';

export interface TokenEndpointOptions {
  readonly store: TokenStore;
  readonly tokens: AccessTokens;
  readonly clock: Clock;
  readonly log: Log;
  readonly lifetimeMs: number;
  readonly attempts?: AttemptLimitOptions;
}

const DEFAULT_ATTEMPTS: AttemptLimitOptions = { limit: 30, windowMs: 60_000, maxAddresses: 10_000 };
const MAX_BODY_BYTES = 16 * 1024;
const MAX_PARAMETERS = 20;

/** Middleware for the path of the endpoint. */
export function createTokenEndpoint(options: TokenEndpointOptions): RequestHandler {
  const { store, tokens, clock, log, lifetimeMs } = options;
  const attempts = createAttemptLimit(clock, options.attempts ?? DEFAULT_ATTEMPTS);
  const parse = readForms({ maxBytes: MAX_BODY_BYTES, maxParameters: MAX_PARAMETERS }, clock);

  const answer = async (request: Request, response: Response): Promise<void> => {
    const form = readForm(request);
    const credentials = readCredentials(request, form);
    const secret = await authenticate(store, credentials, clock.now());
    if (form.get('grant_type') !== 'client_credentials')
      throw new OAuthError(400, 'unsupported_grant_type', 'The grant type must be client_credentials.');
    const asked = (form.get('scope') ?? '').split(' ').filter((word) => word !== '');
    const scopes = narrowScopes(secret.scopes, asked);
    if (scopes === null)
      throw new OAuthError(400, 'invalid_scope', 'The client may not have that scope. Known are users, groups, read.');
    const token = await tokens.issue(secret, scopes);
    // Best effort: a full disk must not keep the IdP out.
    store
      .touchToken(secret.id, clock.now())
      .catch((error: unknown) => log.debug({ err: error }, 'last use not stored'));
    log.info({ client: secret.clientId, label: secret.label }, 'access token issued');
    response.json({
      access_token: token,
      token_type: 'Bearer',
      expires_in: Math.floor(lifetimeMs / 1000),
      ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    });
  };

  return (request, response) => {
    response.set({ 'Cache-Control': 'no-store', Pragma: 'no-cache', 'X-Content-Type-Options': 'nosniff' });
    if (request.method !== 'POST') {
      response.status(405).set('Allow', 'POST').json({ error: 'invalid_request' });
      return;
    }
    void parse(request, response, (failure?: unknown) => {
      const answered = failure === undefined ? answer(request, response) : Promise.reject(unreadable(failure));
      answered.catch((error: unknown) => {
        sendError(error, request, response);
      });
    });
  };

  function sendError(error: unknown, request: Request, response: Response): void {
    const known = error instanceof OAuthError ? error : null;
    if (known === null) log.error({ err: error }, 'token request failed');
    const retryAfter = known?.isGuess === true ? attempts.fail(request.ip ?? '') : null;
    if (retryAfter !== null) {
      response.status(429).set('Retry-After', String(retryAfter)).json({ error: 'temporarily_unavailable' });
      return;
    }
    if (known === null) response.status(503).set('Retry-After', '5').json({ error: 'temporarily_unavailable' });
    else {
      if (known.status === 401) response.set('WWW-Authenticate', 'Basic realm="scim"');
      response.status(known.status).json({ error: known.code, error_description: known.message });
    }
  }
}

/** The secret that the credentials name. Its digest is found by index, then compared in constant time. */
async function authenticate(
  store: TokenStore,
  { clientId, clientSecret }: Credentials,
  now: number,
): Promise<TokenRecord & { readonly clientId: string }> {
  const secret = await store.findToken(hashToken(clientSecret));
  const owner = secret?.kind === 'oauthClient' ? secret.clientId : null;
  if (secret === null || owner === null || !sameDigest(hashToken(owner), hashToken(clientId)))
    throw new OAuthError(401, 'invalid_client', 'The client id or the secret is wrong.', { isGuess: true });
  if (secret.revokedAt !== null) throw new OAuthError(401, 'invalid_client', 'The secret of this client was revoked.');
  if (secret.expiresAt !== null && secret.expiresAt <= now)
    throw new OAuthError(401, 'invalid_client', 'The secret of this client has expired: configure a new one.');
  return { ...secret, clientId: owner };
}

function unreadable(failure: unknown): OAuthError {
  const status = failure instanceof Error && 'status' in failure ? failure.status : 400;
  return status === 413
    ? new OAuthError(413, 'invalid_request', 'The request is too large.')
    : new OAuthError(400, 'invalid_request', 'The body cannot be read as a form.');
}
