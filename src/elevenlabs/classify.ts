/**
 * What a failed call means. The error body decides, the HTTP status only where the body says
 * nothing: ElevenLabs answers a rejected key with 400 in places, and a missing permission with 401.
 *
 * | answer                                            | kind         | maybeApplied (writes) |
 * |---------------------------------------------------|--------------|-----------------------|
 * | missing permission, not an admin                  | scopeMissing | no                    |
 * | authentication error, whatever the status         | keyRejected  | no                    |
 * | rate or concurrency limit, 429, busy, maintenance | transient    | no                    |
 * | the end that was wanted is there already          | alreadySo    | no                    |
 * | 5xx, 408                                          | transient    | yes                   |
 * | 404/405/501 of a route, other 4xx, 422            | refused      | no                    |
 * | 2xx that cannot be read, redirect                 | transient    | yes                   |
 * | no connection                                     | transient    | no                    |
 * | connection lost, timeout                          | transient    | yes                   |
 * | request that the SDK would not build              | refused      | no                    |
 *
 * SDK and fetch errors come from other realms: they are told by names and fields, never `instanceof`.
 */
import { cleanText, type RefusalHint } from '../domain/refusal.js';
import { isRecord, readErrorBody, type ErrorBody } from './error-body.js';
import { networkFault } from './network-fault.js';
import { GatewayError, isGatewayError, LIMIT_CODES, type GatewayMethod, type FailureKind } from './port.js';
import { alreadySoHint, hintFor } from './refusal-words.js';
import { retryAfterMs, type HeaderSource } from './retry-after.js';

export interface CallContext {
  readonly method: GatewayMethod;
  /** The call changes something: only then can it have been applied. */
  readonly write: boolean;
  /** Wall time, for `Retry-After` dates where the answer has no `Date`. */
  readonly now?: number;
  /** What is known of the answer besides the error (the SDK drops it in parse errors). */
  readonly status?: number | null;
  readonly headers?: HeaderSource | null;
}

/** Codes that mean "this key may not do that". */
const SCOPE_CODES = new Set(['missing_permissions', 'insufficient_permissions', 'workspace_access_denied']);
const KEY_CODES = new Set([
  'invalid_api_key',
  'missing_api_key',
  'api_key_disabled',
  'api_key_expired',
  'invalid_authorization_header',
  'needs_authorization',
  'unauthorized',
  'sign_in_required',
]);
/** Said by the API itself before it does anything, unlike a bare 503 of a proxy. */
const CLOSED_CODES = new Set(['service_unavailable', 'maintenance']);
const SERVER_CODES = new Set(['internal_error', 'internal_server_error']);
const RACE_CODES = new Set(['concurrent_modification', 'too_early']);

interface Verdict {
  readonly kind: FailureKind;
  readonly hint?: RefusalHint | null;
  readonly maybeApplied?: boolean;
}

/** Classifies anything a call can throw. Pure; the caller removes secrets. */
export function classify(error: unknown, context: CallContext): GatewayError {
  if (isGatewayError(error)) return error;
  const fields = isRecord(error) ? error : {};
  const name = fields['name'];
  if (name === 'JsonError') return refusedBeforeSending(error);
  const status = numberOf(fields['statusCode']) ?? context.status ?? null;
  if (status !== null && status >= 300) return classifyAnswer(status, readErrorBody(fields['body']), fields, context);
  const fault = name === 'ParseError' ? null : networkFault(error);
  if (fault !== null) {
    return new GatewayError({
      kind: 'transient',
      message: fault.code === null ? fault.message : `${fault.message} (${fault.code})`,
      code: fault.code,
      status,
      maybeApplied: context.write && fault.mayHaveArrived,
    });
  }
  return unreadable(error, status, fields, context);
}

function classifyAnswer(
  status: number,
  body: ErrorBody,
  fields: Record<string, unknown>,
  context: CallContext,
): GatewayError {
  const headers = headersOf(fields) ?? context.headers ?? null;
  const verdict = judge(status, body, context);
  return new GatewayError({
    kind: verdict.kind,
    hint: verdict.hint ?? null,
    message: body.message ?? `HTTP ${status} without an explanation`,
    status,
    code: body.code ?? body.type,
    maybeApplied: (verdict.maybeApplied ?? false) && context.write,
    requestId: requestIdOf(headers) ?? body.requestId,
    retryAfterMs: retryAfterMs(headers, context.now ?? null),
  });
}

/** Body first, status second. */
function judge(status: number, body: ErrorBody, context: CallContext): Verdict {
  const { code, type } = body;
  const message = body.message ?? '';
  const hint = hintFor(body, status, context.method);
  if (isScopeMissing(code, message, hint, context.method)) return { kind: 'scopeMissing' };
  if (type === 'authentication_error' || has(KEY_CODES, code) || isAddressBlocked(status, message)) {
    return { kind: 'keyRejected' };
  }
  if (type === 'rate_limit_error' || has(LIMIT_CODES, code) || status === 429) return { kind: 'transient' };
  if (has(CLOSED_CODES, code) || has(RACE_CODES, code) || type === 'service_unavailable' || status === 425) {
    return { kind: 'transient' };
  }
  if (status === 501 || (body.shape === 'string' && (status === 404 || status === 405))) return { kind: 'refused' };
  if (status >= 500 || status === 408 || type === 'internal_error' || has(SERVER_CODES, code)) {
    return { kind: 'transient', maybeApplied: true };
  }
  if (status < 400) return { kind: 'transient', maybeApplied: true };
  const already = alreadySoHint(body, context.method);
  if (already !== false) return { kind: 'alreadySo', hint: already };
  if (status === 401 && hint === null && !isQuota(code)) return { kind: 'keyRejected' };
  // A page of a proxy or firewall is no word of ElevenLabs: nothing was decided for good.
  if (body.shape === 'html') return { kind: 'transient', maybeApplied: true };
  return { kind: 'refused', hint };
}

/**
 * `insufficient_permissions` also comes up for one protected member or one resource: a scope must
 * not count as missing (and switch the call off) because of a single target.
 */
function isScopeMissing(
  code: string | null,
  message: string,
  hint: RefusalHint | null,
  method: GatewayMethod,
): boolean {
  if (/missing (the )?permissions?\b/i.test(message)) return true;
  if (!has(SCOPE_CODES, code)) return false;
  const aboutOneTarget = code !== 'missing_permissions' && ['share', 'unshare', 'getResource'].includes(method);
  return !aboutOneTarget && hint !== 'protectedMember';
}

/** Keys can be tied to IP addresses; from others every call is answered 403. */
function isAddressBlocked(status: number, message: string): boolean {
  return (
    status === 403 && /\bIP\b.{0,60}\b(allow|whitelist|permitted)|\b(allow|white)-?list.{0,60}\bIP\b/i.test(message)
  );
}

const isQuota = (code: string | null): boolean => code === 'quota_exceeded' || code === 'insufficient_credits';

/** The SDK's serializer refused the request (unknown resource type, wrong type): nothing was sent. */
function refusedBeforeSending(error: unknown): GatewayError {
  return new GatewayError({
    kind: 'refused',
    message: `the SDK refused the request: ${messageOf(error)}`,
    code: 'invalid_request',
  });
}

/** An answer that is not what the API promises, or an error nobody foresaw: nothing is known. */
function unreadable(
  error: unknown,
  status: number | null,
  fields: Record<string, unknown>,
  context: CallContext,
): GatewayError {
  const headers = headersOf(fields) ?? context.headers ?? null;
  const parse = fields['name'] === 'ParseError' || status !== null;
  return new GatewayError({
    kind: 'transient',
    message: `${parse ? 'unreadable answer' : 'unexpected failure'}: ${messageOf(error)}`,
    status,
    code: parse ? 'unreadable_answer' : null,
    maybeApplied: context.write,
    requestId: requestIdOf(headers),
  });
}

function headersOf(fields: Record<string, unknown>): HeaderSource | null {
  const raw = fields['rawResponse'];
  const headers = isRecord(raw) ? raw['headers'] : undefined;
  return isRecord(headers) && typeof headers['get'] === 'function' ? (headers as unknown as HeaderSource) : null;
}

/** `x-request-id` or `request-id`. */
export function requestIdOf(headers: HeaderSource | null): string | null {
  const id = headers?.get('x-request-id') ?? headers?.get('request-id') ?? null;
  return id === null ? null : cleanText(id, 100);
}

function messageOf(error: unknown): string {
  const message = isRecord(error) ? error['message'] : error;
  return typeof message === 'string' ? cleanText(message) : 'unknown error';
}

const has = (set: ReadonlySet<string>, code: string | null): boolean => code !== null && set.has(code);
const numberOf = (value: unknown): number | null => (typeof value === 'number' ? value : null);
