/** What a request to the token endpoint says: its form, and who it comes from. */
import type { Request } from 'express';
import { ASSERTION_TYPE } from './assertions.js';
import { OAuthError } from './oauth-error.js';

export interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

const LONGEST = 512;

/** The parameters of a parsed form. One that comes twice is refused (RFC 6749 3.2). */
export function readForm(request: Request): ReadonlyMap<string, string> {
  if (request.is('application/x-www-form-urlencoded') === false || typeof request.body !== 'object')
    throw new OAuthError(400, 'invalid_request', 'The body must be sent as application/x-www-form-urlencoded.');
  const form = new Map<string, string>();
  for (const [name, value] of Object.entries((request.body ?? {}) as Record<string, unknown>)) {
    if (typeof value !== 'string') throw new OAuthError(400, 'invalid_request', 'A parameter comes more than once.');
    form.set(name, value);
  }
  return form;
}

/** Client id and secret, by header or by form, but not by both (RFC 6749 2.3). Null: there are none. */
export function readCredentials(request: Request, form: ReadonlyMap<string, string>): Credentials | null {
  const headers = request.headersDistinct['authorization'] ?? [];
  const posted = { clientId: form.get('client_id'), clientSecret: form.get('client_secret') };
  if (headers.length > 1 || (headers.length === 1 && posted.clientSecret !== undefined))
    throw new OAuthError(400, 'invalid_request', 'The client must authenticate in one way only.');
  const found = headers[0] === undefined ? posted : readBasic(headers[0]);
  const { clientId = '', clientSecret = '' } = found ?? {};
  if (clientId === '' || clientSecret === '' || clientId.length > LONGEST || clientSecret.length > LONGEST) return null;
  if (headers.length === 1 && posted.clientId !== undefined && posted.clientId !== clientId)
    throw new OAuthError(400, 'invalid_request', 'The client id of the header and that of the form differ.');
  return { clientId, clientSecret };
}

/** What an identity provider has signed in place of a secret. */
export interface Assertion {
  readonly assertion: string;
  readonly clientId: string | null;
}

/** The assertion of a form (RFC 7523 2.2). Null: the client authenticates by a secret, or not at all. */
export function readAssertion(request: Request, form: ReadonlyMap<string, string>): Assertion | null {
  const [type, assertion] = [form.get('client_assertion_type'), form.get('client_assertion')];
  if (type === undefined && assertion === undefined) return null;
  if (type !== ASSERTION_TYPE || assertion === undefined || assertion === '')
    throw new OAuthError(400, 'invalid_request', `client_assertion is needed, with the type ${ASSERTION_TYPE}.`);
  if (request.headers.authorization !== undefined || form.has('client_secret'))
    throw new OAuthError(400, 'invalid_request', 'The client must authenticate in one way only.');
  return { assertion, clientId: form.get('client_id') ?? null };
}

/** RFC 6749 2.3.1: both parts are form-encoded before they are joined. */
function readBasic(header: string): Partial<Credentials> | null {
  const [, encoded] = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(header) ?? [];
  if (encoded === undefined || encoded.length > 4 * LONGEST) return null;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) return null;
  try {
    return { clientId: decode(text.slice(0, colon)), clientSecret: decode(text.slice(colon + 1)) };
  } catch {
    return null;
  }
}

const decode = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));
