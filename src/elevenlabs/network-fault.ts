/**
 * What a call that got no answer tells: did the request reach the server, so that it may have been
 * applied? Reads names and codes along the chain of causes; never `instanceof`.
 */
import { isRecord } from './error-body.js';

export interface NetworkFault {
  readonly code: string | null;
  readonly message: string;
  /** False only where the request certainly never left: no connection, no TLS, no DNS. */
  readonly mayHaveArrived: boolean;
}

/** Codes that can only come before the first byte of the request. */
const BEFORE_SENDING: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'connection refused'],
  ['ENOTFOUND', 'host name not found'],
  ['EAI_AGAIN', 'host name could not be looked up'],
  ['EHOSTUNREACH', 'host not reachable'],
  ['ENETUNREACH', 'network not reachable'],
  ['ENETDOWN', 'network is down'],
  ['EADDRNOTAVAIL', 'no local address left'],
  ['EMFILE', 'too many open files'],
  ['ENFILE', 'too many open files'],
  ['UND_ERR_CONNECT_TIMEOUT', 'no connection in time'],
  ['UND_ERR_INVALID_ARG', 'the request could not be built'],
  ['ERR_INVALID_URL', 'invalid URL'],
]);

const AFTER_SENDING: ReadonlyMap<string, string> = new Map([
  ['ECONNRESET', 'connection lost'],
  ['EPIPE', 'connection lost'],
  ['ECONNABORTED', 'connection lost'],
  ['ETIMEDOUT', 'connection timed out'],
  ['UND_ERR_SOCKET', 'connection lost'],
  ['UND_ERR_HEADERS_TIMEOUT', 'no answer in time'],
  ['UND_ERR_BODY_TIMEOUT', 'answer broke off'],
  ['UND_ERR_RESPONSE_EXCEEDED_SIZE', 'answer too long'],
  ['UND_ERR_ABORTED', 'call aborted'],
]);

/** TLS: the handshake precedes the request. */
const TLS =
  /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|ERR_SSL_|EPROTO$|HOSTNAME_MISMATCH|INVALID_CA|CRL_|PATH_LENGTH)/;

/** Null where the error shows no sign of the network. */
export function networkFault(error: unknown): NetworkFault | null {
  const chain = causes(error);
  for (const link of chain) {
    const known = byCode(link);
    if (known !== null) return known;
  }
  for (const link of chain) {
    const known = byWords(link);
    if (known !== null) return known;
  }
  // What fetch says of everything, so only where no cause said more.
  if (chain.some((link) => /fetch failed|network error/i.test(textOf(link['message'])))) {
    return { code: null, message: 'the call failed on the network', mayHaveArrived: true };
  }
  return null;
}

function byCode(link: Record<string, unknown>): NetworkFault | null {
  const code = link['code'];
  if (typeof code !== 'string') return null;
  const before = BEFORE_SENDING.get(code);
  if (before !== undefined) return { code, message: before, mayHaveArrived: false };
  const connecting = link['syscall'] === 'connect' || link['syscall'] === 'getaddrinfo';
  const after = AFTER_SENDING.get(code);
  if (after !== undefined) return { code, message: after, mayHaveArrived: !connecting };
  if (TLS.test(code)) return { code, message: 'TLS handshake failed', mayHaveArrived: false };
  return connecting ? { code, message: 'no connection', mayHaveArrived: false } : null;
}

function byWords(link: Record<string, unknown>): NetworkFault | null {
  const name = textOf(link['name']);
  const message = textOf(link['message']);
  // The SDK's timeout is an error whose message is "timeout", quotation marks included.
  if (name.endsWith('TimeoutError') || /^"?timeout"?$|timed? ?out\b|^timeout exceeded/i.test(message)) {
    return { code: null, message: 'no answer in time', mayHaveArrived: true };
  }
  if (name === 'AbortError' || /aborted/i.test(message)) {
    return { code: null, message: 'call aborted', mayHaveArrived: true };
  }
  if (/unexpected redirect/i.test(message)) {
    return {
      code: 'redirect',
      message: 'ElevenLabs answered with a redirect, which is never followed',
      mayHaveArrived: true,
    };
  }
  if (/socket hang up|other side closed|terminated|premature close/i.test(message)) {
    return { code: null, message: 'connection lost', mayHaveArrived: true };
  }
  return null;
}

/** The error, its causes and the members of aggregate errors, outermost first; at most 12. */
function causes(error: unknown): readonly Record<string, unknown>[] {
  const chain: Record<string, unknown>[] = [];
  const open: unknown[] = [error];
  while (open.length > 0 && chain.length < 12) {
    const next = open.shift();
    // SDK and fetch abort with plain strings, too.
    const link = typeof next === 'string' ? { message: next } : next;
    if (!isRecord(link) || chain.includes(link)) continue;
    chain.push(link);
    if (link['cause'] !== undefined) open.push(link['cause']);
    if (Array.isArray(link['errors'])) open.push(...(link['errors'] as unknown[]));
  }
  return chain;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
