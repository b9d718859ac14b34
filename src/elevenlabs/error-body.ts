/**
 * Reads the error bodies of the workspace API. Seen so far, all of them live:
 * - `{"detail": {type, code, status, message, request_id, param?}}` (documented)
 * - `{"detail": {status, message}}` (legacy)
 * - `{"detail": [{loc, msg, type}]}` (FastAPI validation)
 * - `{"detail": "Not Found"}` (FastAPI default)
 * - text and HTML from whatever stands in front of it
 */
import { cleanText } from '../domain/refusal.js';

export interface ErrorBody {
  readonly type: string | null;
  /** `code`, else the legacy `status`. Lower case. */
  readonly code: string | null;
  readonly message: string | null;
  readonly requestId: string | null;
  /** The field complained about, e.g. `email`. */
  readonly param: string | null;
  readonly shape: 'detail' | 'list' | 'string' | 'html' | 'text' | 'other' | 'none';
}

const NONE: ErrorBody = { type: null, code: null, message: null, requestId: null, param: null, shape: 'none' };

/** Never throws, whatever the body is. */
export function readErrorBody(body: unknown): ErrorBody {
  if (typeof body === 'string') return readText(body);
  if (!isRecord(body)) return NONE;
  const detail = body['detail'];
  if (Array.isArray(detail)) return readList(detail);
  if (isRecord(detail)) return { ...readObject(detail), shape: 'detail' };
  if (typeof detail === 'string') return { ...NONE, message: cleanText(detail), shape: 'string' };
  if (isRecord(body['error'])) return { ...readObject(body['error']), shape: 'other' };
  return { ...readObject({ message: body['error'], ...body }), shape: 'other' };
}

/** SDK and proxies hand over text where the content type is not JSON: it may be JSON all the same. */
function readText(text: string): ErrorBody {
  const trimmed = text.trim();
  if (trimmed === '') return NONE;
  if (trimmed.startsWith('{') && trimmed.length < 100_000) {
    try {
      return readErrorBody(JSON.parse(trimmed));
    } catch {
      // Not JSON after all: read on as text.
    }
  }
  if (/^<(!doctype|html|head|body)/i.test(trimmed)) {
    const title = /<title>([^<]{0,300})/i.exec(trimmed)?.[1] ?? '';
    return { ...NONE, message: cleanText(title === '' ? 'an HTML page' : `an HTML page, "${title}"`), shape: 'html' };
  }
  return { ...NONE, message: cleanText(trimmed), shape: 'text' };
}

function readObject(detail: Record<string, unknown>): ErrorBody {
  const code = text(detail['code']) ?? text(detail['status']);
  const message = text(detail['message']) ?? text(detail['msg']);
  return {
    type: text(detail['type'])?.toLowerCase() ?? null,
    code: code === null ? null : cleanText(code, 80).toLowerCase(),
    message: message === null ? null : cleanText(message),
    requestId: text(detail['request_id']) ?? text(detail['requestId']),
    param: text(detail['param']),
    shape: 'other',
  };
}

function readList(list: readonly unknown[]): ErrorBody {
  const entries = list.filter(isRecord).slice(0, 5);
  const messages = entries.map((entry) => {
    const where = place(entry['loc']);
    const what = text(entry['msg']) ?? 'invalid';
    return where === '' ? what : `${where}: ${what}`;
  });
  const params = entries.map((entry) => (Array.isArray(entry['loc']) ? entry['loc'].find(isFieldName) : undefined));
  return {
    ...NONE,
    code: text(entries[0]?.['type']),
    message: messages.length === 0 ? null : cleanText(messages.join('; ')),
    param: params.find((param) => param !== undefined) ?? null,
    shape: 'list',
  };
}

const isFieldName = (part: unknown): part is string =>
  typeof part === 'string' && !['body', 'query', 'path', 'header'].includes(part);

function place(loc: unknown): string {
  return Array.isArray(loc) ? loc.filter((part) => ['string', 'number'].includes(typeof part)).join('.') : '';
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
