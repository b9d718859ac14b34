/** What was asked of the sandbox and how it ended, for counting calls. Holds no key. */
import { createHash } from 'node:crypto';
import type { ApiRequest } from './api.js';
import { pathPattern } from './faults.js';

export interface LoggedRequest {
  readonly at: number;
  readonly method: string;
  /** With the query, as on the wire. */
  readonly path: string;
  /** Parsed, if it is JSON; null without a body. */
  readonly body: unknown;
  /** The first 12 hex digits of the SHA-256 of the API key. */
  readonly key: string | null;
  readonly requestId: string;
  /** Null while there is no answer, and for good after a cut connection. */
  readonly status: number | null;
  readonly outcome: 'open' | 'answered' | 'reset';
}

export interface RequestLog {
  /** Returns a function that notes the end of the request. */
  readonly open: (request: ApiRequest, at: number, requestId: string) => (status: number | null) => void;
  readonly list: (filter?: RequestFilter) => readonly LoggedRequest[];
  readonly clear: () => void;
}

export interface RequestFilter {
  readonly method?: string | undefined;
  /** A pattern as in fault rules, compared without the query. */
  readonly path?: string | undefined;
}

/** Enough for any test; a benchmark of millions must not fill the memory. */
const LIMIT = 200_000;

export function createRequestLog(): RequestLog {
  let entries: LoggedRequest[] = [];
  return {
    open(request, at, requestId) {
      const apiKey = request.headers['xi-api-key'];
      const entry: { -readonly [K in keyof LoggedRequest]: LoggedRequest[K] } = {
        at,
        method: request.method,
        path: request.url,
        body: readBody(request.body),
        key: apiKey === undefined ? null : fingerprint(apiKey),
        requestId,
        status: null,
        outcome: 'open',
      };
      entries.push(entry);
      if (entries.length > LIMIT) entries = entries.slice(-LIMIT / 2);
      return (status) => {
        entry.status = status;
        entry.outcome = status === null ? 'reset' : 'answered';
      };
    },
    list({ method, path } = {}) {
      const pattern = path === undefined ? null : pathPattern(path);
      return entries.filter(
        (entry) =>
          (method === undefined || entry.method === method) &&
          (pattern === null || pattern.test(entry.path.split('?', 1)[0] ?? '')),
      );
    },
    clear: () => (entries = []),
  };
}

/** Tells keys apart without showing one. */
export function fingerprint(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 12);
}

function readBody(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
