/**
 * One line per request: what the SCIM administrator's counterpart at the IdP cannot see (Okta logs
 * no SCIM bodies, Entra keeps 30 days). No bodies, no e-mail addresses, no ids from the path.
 */
import type { Request } from 'express';
import type { Log } from '../log.js';

export type Idp = 'entra' | 'okta' | 'onelogin' | 'jumpcloud' | 'ping' | 'google' | 'rippling' | 'unknown';

export interface RequestEvent {
  readonly requestId: string;
  readonly method: string;
  /** `/Users/:id`; null where there is no such endpoint. */
  readonly template: string | null;
  readonly status: number;
  readonly latencyMs: number;
  readonly idp: Idp;
  readonly tokenLabel: string | null;
  readonly tokenId: string | null;
  /** `aborted`: the client was gone before the answer. */
  readonly outcome: 'ok' | 'clientError' | 'unauthorized' | 'serverError' | 'aborted';
  readonly scimType: string | null;
  /** The id that the client gave in its own `X-Request-Id`, if it looks like one. */
  readonly clientRequestId: string | null;
}

/**
 * What an error answer said, and whom it was about: of the request, or of one operation of a bulk
 * request. Names people: not for the log.
 */
export interface RequestRefusal {
  readonly method: string;
  /** `/Users/:id`, and `/Users/:id in /Bulk` of an operation; null where there is no such endpoint. */
  readonly template: string | null;
  readonly status: number;
  readonly detail: string;
  /** Id, names and addresses that the request named. */
  readonly about: readonly string[];
}

const USER_AGENTS: readonly (readonly [string, Idp])[] = [
  ['okta', 'okta'],
  ['onelogin', 'onelogin'],
  ['jumpcloud', 'jumpcloud'],
  ['ping', 'ping'],
  ['google', 'google'],
  ['rippling', 'rippling'],
  ['azure', 'entra'],
  ['microsoft', 'entra'],
];

/** A guess for the log, nothing else depends on it. Entra is known by its dialect rather than its name. */
export function guessIdp(request: Request): Idp {
  const agent = (request.headers['user-agent'] ?? '').slice(0, 200).toLowerCase();
  const named = USER_AGENTS.find(([word]) => agent.includes(word));
  if (named !== undefined) return named[1];
  return request.originalUrl.includes('aadOptscim') || hasEntraOperations(request.body) ? 'entra' : 'unknown';
}

/** `Add`, `Replace`, `Remove` with a capital. */
function hasEntraOperations(body: unknown): boolean {
  const operations = (body as { readonly Operations?: unknown } | undefined)?.Operations;
  const first = Array.isArray(operations) ? (operations[0] as { readonly op?: unknown } | null | undefined) : undefined;
  return first?.op === 'Add' || first?.op === 'Replace' || first?.op === 'Remove';
}

const MOST_NAMES = 10;
const LONGEST_NAME = 320;

/** Id, user name, display name and e-mail addresses, as far as a request names them. */
export function namesIn(id: string | null, body: unknown): readonly string[] {
  const { userName, displayName, emails } = (body ?? {}) as Readonly<Record<string, unknown>>;
  const addresses = Array.isArray(emails)
    ? (emails as readonly unknown[]).map((email) => (email as { readonly value?: unknown } | null)?.value)
    : [];
  const names = [id, userName, displayName, ...addresses].filter(
    (name): name is string => typeof name === 'string' && name !== '' && name.length <= LONGEST_NAME,
  );
  return [...new Set(names)].slice(0, MOST_NAMES);
}

/** A client's own request id, if it cannot hurt a log line. */
export function readClientRequestId(request: Request): string | null {
  const value = request.headers['x-request-id'];
  return typeof value === 'string' && /^[A-Za-z0-9._:-]{1,100}$/.test(value) ? value : null;
}

export function outcomeOf(status: number, aborted: boolean): RequestEvent['outcome'] {
  if (aborted) return 'aborted';
  if (status >= 500) return 'serverError';
  if (status === 401 || status === 403 || status === 429) return 'unauthorized';
  return status >= 400 ? 'clientError' : 'ok';
}

/** Writes the line. */
export function logRequest(log: Log, event: RequestEvent): void {
  log.info(event, 'scim request');
}
