/** Puts answers on the wire. The one place that knows how an error looks to a client. */
import type { Request, Response } from 'express';
import type { Clock } from '../clock.js';
import { ScimError } from '../errors.js';
import type { Reply } from './context.js';
import { DRAIN_BYTES } from './json-body.js';
import { closeLingering } from '../http/lingering-close.js';

export const ERROR_URN = 'urn:ietf:params:scim:api:messages:2.0:Error';
export const SCIM_JSON = 'application/scim+json';

/** Sends a reply in the media type that was negotiated. */
export function sendReply(response: Response, reply: Reply, mediaType: string): void {
  response.status(reply.status).set(reply.headers);
  if (reply.body === null) response.end();
  else response.set('Content-Type', mediaType).send(reply.body);
}

/**
 * Takes the `charset` off that Express adds to every text: neither media type has such a parameter
 * (RFC 7644 8.1, RFC 8259 11), and JSON is UTF-8 anyway.
 */
export function sendWithoutCharset(response: Response): void {
  const writeHead = response.writeHead.bind(response) as (...args: unknown[]) => Response;
  response.writeHead = ((...args: unknown[]) => {
    const type = response.getHeader('Content-Type');
    if (typeof type === 'string') response.setHeader('Content-Type', type.replace(/;\s*charset=[^;]*/i, ''));
    return writeHead(...args);
  }) as Response['writeHead'];
}

/** What a client is told about an error; everything that is no ScimError is a bug and tells nothing. */
export function toScimError(error: unknown): ScimError {
  return error instanceof ScimError
    ? error
    : new ScimError(500, 'Internal error. Nothing more is known to the client.');
}

/**
 * The body of an error (RFC 7644 3.12). The request id goes into `detail`, because Entra and Okta
 * show their administrators the body and never the headers.
 */
export function errorBody(error: ScimError, requestId: string): object {
  const detail = error.message.includes(requestId) ? error.message : `${error.message} (request ${requestId})`;
  return {
    schemas: [ERROR_URN],
    status: String(error.status),
    ...(error.scimType === undefined ? {} : { scimType: error.scimType }),
    detail,
  };
}

/** Sends an error, unless an answer is under way already: then nothing can be said any more. */
export function sendError(response: Response, error: ScimError, requestId: string, clock: Clock): void {
  if (response.headersSent) return;
  // What a handler may have prepared for its success does not belong to the error.
  response.removeHeader('ETag');
  response.removeHeader('Location');
  response.removeHeader('Content-Location');
  if (hasLongUnreadBody(response.req)) {
    response.set('Connection', 'close');
    closeLingering(response.req, clock);
  }
  response.status(error.status).set(error.headers).set('Content-Type', SCIM_JSON).send(errorBody(error, requestId));
}

/** `application/json` for those who ask for it by name, and more than for SCIM's own type; else application/scim+json. */
export function negotiate(accept = ''): string {
  return weightOf('application/json', accept) > weightOf(SCIM_JSON, accept) ? 'application/json' : SCIM_JSON;
}

/** The weight (RFC 9110 12.4.2) of a media type in `Accept`; 0 where it is not named. */
function weightOf(type: string, accept: string): number {
  for (const range of accept.toLowerCase().split(',')) {
    const [name, ...parameters] = range.split(';').map((part) => part.trim());
    if (name !== type) continue;
    const weight = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
    return Number.isNaN(weight) ? 1 : weight;
  }
  return 0;
}

/** Node reads what is left of a body to its end before it uses a connection again, however long that is. */
function hasLongUnreadBody(request: Request): boolean {
  if (request.complete) return false;
  return (
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > DRAIN_BYTES
  );
}
