/**
 * POST /oauth/token: client credentials (RFC 6749 4.4) by client_secret_basic, client_secret_post or a
 * signed assertion (assertions.ts), as Entra's gallery and custom apps use them. Answers are those of section 5, never SCIM's.
 *
 * Guesses are slowed down by address (guess-limit.ts). A secret that has expired or was revoked is no
 * guess and says so.
 */
import type { Request, RequestHandler, Response } from 'express';
import type { Clock } from '../clock.js';
import { hashToken, sameDigest } from '../domain/secret-token.js';
import { narrowScopes } from './token-scopes.js';
import { readForms } from '../http/form-body.js';
import type { Log } from '../log.js';
import type { TokenRecord, TokenStore } from '../store/port.js';
import { issueAccessToken, type Grantor } from './access-tokens.js';
import { FEDERATED_LIFETIME_MS, type Assertions } from './assertions.js';
import type { FailureReason } from './auth-failures.js';
import type { Doors } from './doors.js';
import { readAssertion, readCredentials, readForm, type Assertion, type Credentials } from './token-request.js';
import { OAuthError } from './oauth-error.js';

export interface TokenEndpointOptions {
  readonly store: TokenStore;
  readonly doors: Doors;
  readonly assertions: Assertions;
  readonly clock: Clock;
  readonly log: Log;
  readonly lifetimeMs: number;
}

const MAX_BODY_BYTES = 16 * 1024;
const MAX_PARAMETERS = 20;

/** Middleware for the path of the endpoint. */
export function createTokenEndpoint(options: TokenEndpointOptions): RequestHandler {
  const { store, doors, clock, log, lifetimeMs } = options;
  const parse = readForms({ maxBytes: MAX_BODY_BYTES, maxParameters: MAX_PARAMETERS }, clock);

  const lifeOf = ({ kind }: Grantor): number => (kind === 'federated' ? FEDERATED_LIFETIME_MS : lifetimeMs);

  const answer = async (request: Request, response: Response): Promise<void> => {
    const form = readForm(request);
    const address = request.ip ?? '';
    const assertion = readAssertion(request, form);
    const secret =
      assertion === null
        ? await authenticate(doors, readCredentials(request, form), address)
        : await believe(options, assertion, address);
    if (form.get('grant_type') !== 'client_credentials')
      throw new OAuthError(400, 'unsupported_grant_type', 'The grant type must be client_credentials.');
    const asked = (form.get('scope') ?? '').split(' ').filter((word) => word !== '');
    const scopes = narrowScopes(secret.scopes, asked);
    if (scopes === null)
      throw new OAuthError(400, 'invalid_scope', 'The client may not have that scope. Known are users, groups, read.');
    const token = await issueAccessToken({ store, clock }, secret, { scopes, lifetimeMs: lifeOf(secret) });
    log.info({ client: secret.clientId, label: secret.label }, 'access token issued');
    response.json({
      access_token: token,
      token_type: 'Bearer',
      expires_in: Math.floor(lifeOf(secret) / 1000),
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
        sendError(error, response);
      });
    });
  };

  function sendError(error: unknown, response: Response): void {
    const known = error instanceof OAuthError ? error : null;
    if (known === null) log.error({ err: error }, 'token request failed');
    if (known?.retryAfter !== null && known?.retryAfter !== undefined) {
      response.status(429).set('Retry-After', String(known.retryAfter)).json({ error: 'temporarily_unavailable' });
      return;
    }
    if (known === null) response.status(503).set('Retry-After', '5').json({ error: 'temporarily_unavailable' });
    else {
      if (known.status === 401) response.set('WWW-Authenticate', 'Basic realm="scim"');
      response.status(known.status).json({ error: known.code, error_description: known.message });
    }
  }
}

/** The secret that the credentials name, with the id of its client. */
async function authenticate(doors: Doors, credentials: Credentials | null, address: string): Promise<Grantor> {
  const isOfClient = (token: TokenRecord): boolean =>
    token.kind === 'oauthClient' &&
    token.clientId !== null &&
    sameDigest(hashToken(token.clientId), hashToken(credentials?.clientId ?? ''));
  const verdict = await doors.check('token', credentials?.clientSecret ?? null, address, isOfClient);
  if (verdict.kind === 'valid') return { ...verdict.token, clientId: verdict.token.clientId ?? '' };
  const { reason, retryAfter } = verdict;
  throw new OAuthError(401, 'invalid_client', REFUSALS[reason] ?? 'The client id or the secret is wrong.', {
    retryAfter,
  });
}

/** The client that a signed assertion stands for. */
async function believe(
  { doors, assertions }: TokenEndpointOptions,
  { assertion, clientId }: Assertion,
  address: string,
): Promise<Grantor> {
  const wait = doors.blocked('token', address);
  if (wait !== null) throw new OAuthError(401, 'invalid_client', 'Too many attempts.', { retryAfter: wait });
  const verdict = await assertions.verify(assertion, clientId);
  if (verdict.kind === 'valid') {
    doors.admit(address, verdict.token);
    return verdict.token;
  }
  const { token, problem } = verdict;
  const about = { token: token?.label ?? null, clientId: token?.clientId ?? null, detail: problem };
  const retryAfter = doors.refuse({ door: 'token', reason: 'assertion', address, ...about }, { isGuess: true });
  throw new OAuthError(401, 'invalid_client', problem, { retryAfter });
}

const REFUSALS: Readonly<Partial<Record<FailureReason, string>>> = {
  missing: 'Client id and secret are needed.',
  revoked: 'The secret of this client was revoked.',
  expired: 'The secret of this client has expired: configure a new one.',
};

function unreadable(failure: unknown): OAuthError {
  const status = failure instanceof Error && 'status' in failure ? failure.status : 400;
  return status === 413
    ? new OAuthError(413, 'invalid_request', 'The request is too large.')
    : new OAuthError(400, 'invalid_request', 'The body cannot be read as a form.');
}
