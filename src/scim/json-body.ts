/**
 * Reads a request body as one JSON object. Own reader, because every failure has to be a SCIM error
 * with the right status, in words that show nothing of the parser, and because a body that is far
 * too large must not be read to its end.
 */
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../clock.js';
import type { Json, JsonObject } from '../domain/types.js';
import { invalidSyntax, payloadTooLarge, ScimError } from '../errors.js';
import { checkKeys, checkShape } from './json-guard.js';

export interface BodyLimits {
  readonly maxBytes: number;
  readonly maxValues: number;
  /** A body that takes longer to arrive is given up (408). */
  readonly timeoutMs: number;
}

/** How much of a body over the limit is still read, so that the connection can be used again. */
export const DRAIN_BYTES = 256 * 1024;

const MEDIA_TYPES: ReadonlySet<string> = new Set(['application/scim+json', 'application/json']);

/** The body, or null where the request has none. */
export async function readJsonBody(
  request: IncomingMessage,
  limits: BodyLimits,
  clock: Clock,
): Promise<JsonObject | null> {
  if (!hasBody(request)) return null;
  checkDeclaredLength(request, limits.maxBytes);
  checkMediaType(request);
  const bytes = await readBytes(request, limits, clock);
  return bytes.length === 0 ? null : parse(bytes, limits.maxValues);
}

/** Reads and forgets a body where none has a meaning (GET, DELETE), under the same limits. */
export async function discardBody(request: IncomingMessage, limits: BodyLimits, clock: Clock): Promise<void> {
  if (!hasBody(request)) return;
  checkDeclaredLength(request, limits.maxBytes);
  await readBytes(request, limits, clock);
}

function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) !== 0);
}

function checkDeclaredLength(request: IncomingMessage, maxBytes: number): void {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > maxBytes + DRAIN_BYTES) throw tooLarge(maxBytes);
}

function checkMediaType(request: IncomingMessage): void {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') {
    throw unsupported('The body must not be compressed.', { 'Accept-Encoding': 'identity' });
  }
  const [type = '', ...parameters] = (request.headers['content-type'] ?? '').split(';');
  if (!MEDIA_TYPES.has(type.trim().toLowerCase())) {
    throw unsupported('The body must be sent as application/scim+json or application/json.');
  }
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=');
    if (name.trim().toLowerCase() !== 'charset') continue;
    const charset = value.trim().replaceAll('"', '').toLowerCase();
    if (charset !== 'utf-8' && charset !== 'utf8' && charset !== 'us-ascii') {
      throw unsupported('The body must be encoded as UTF-8.');
    }
  }
}

function unsupported(detail: string, headers: Readonly<Record<string, string>> = {}): ScimError {
  return new ScimError(415, detail, { headers: { Accept: 'application/scim+json, application/json', ...headers } });
}

function tooLarge(maxBytes: number): ScimError {
  return payloadTooLarge(`The body is larger than ${String(maxBytes)} bytes.`);
}

/** Collects the body; beyond the limit it only counts, far beyond it stops. */
function readBytes(request: IncomingMessage, limits: BodyLimits, clock: Clock): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (act: () => void): void => {
      cancelTimeout();
      request.off('data', onData).off('end', onEnd).off('error', onAbort).off('aborted', onAbort).off('close', onAbort);
      act();
    };
    const abandon = (error: ScimError): void => {
      request.pause();
      settle(() => reject(error));
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= limits.maxBytes) chunks.push(chunk);
      else if (size > limits.maxBytes + DRAIN_BYTES) abandon(tooLarge(limits.maxBytes));
      else chunks.length = 0;
    };
    const onEnd = (): void =>
      settle(() => {
        if (size > limits.maxBytes) reject(tooLarge(limits.maxBytes));
        else resolve(Buffer.concat(chunks));
      });
    const onAbort = (): void => settle(() => reject(new ScimError(400, 'The body was not received completely.')));
    const cancelTimeout = clock.after(limits.timeoutMs, () =>
      abandon(new ScimError(408, 'The body did not arrive in time.', { headers: { Connection: 'close' } })),
    );
    request.on('data', onData).on('end', onEnd).on('error', onAbort).on('aborted', onAbort).on('close', onAbort);
  });
}

function parse(bytes: Buffer, maxValues: number): JsonObject {
  checkShape(bytes, maxValues);
  let value: Json;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Json;
  } catch {
    throw invalidSyntax('The body is not valid JSON in UTF-8.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidSyntax('The body must be a JSON object.');
  }
  checkKeys(value);
  return value as JsonObject;
}
