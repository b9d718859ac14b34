/** How long the server asks to wait. */

/** The part of `Headers` that is needed; also the SDK's own header class. */
export interface HeaderSource {
  get(name: string): string | null;
}

/** One hour: a longer wait is a mistake or an attack, and the answer would be asked for again anyway. */
export const MAX_RETRY_AFTER_MS = 3_600_000;

/**
 * `Retry-After` in seconds or as an HTTP date, else `X-RateLimit-Reset` (Unix seconds, or seconds
 * from now). Dates count from the answer's own `Date`, so a wrong local clock does no harm.
 * Null if there is none, or if it cannot be read.
 */
export function retryAfterMs(headers: HeaderSource | null, now: number | null): number | null {
  if (headers === null) return null;
  const server = dateOf(headers.get('date')) ?? now;
  const after = headers.get('retry-after')?.trim() ?? '';
  if (after !== '') {
    const seconds = secondsOf(after);
    if (seconds !== null) return limited(seconds * 1000);
    const date = dateOf(after);
    if (date !== null && server !== null) return limited(date - server);
  }
  const reset = secondsOf(headers.get('x-ratelimit-reset')?.trim() ?? '');
  if (reset === null) return null;
  if (reset < 1e9) return limited(reset * 1000);
  return server === null ? null : limited(reset * 1000 - server);
}

/** Milliseconds since the epoch of an HTTP date; null if it is none. */
export function dateOf(text: string | null): number | null {
  // `Date.parse` accepts much more than HTTP dates: all three forms name a month or a weekday.
  if (text === null || !/[a-z]{3}/i.test(text)) return null;
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : time;
}

function secondsOf(text: string): number | null {
  return /^\d{1,12}(\.\d{1,6})?$/.test(text) ? Number(text) : null;
}

const limited = (ms: number): number => Math.min(Math.max(0, Math.ceil(ms)), MAX_RETRY_AFTER_MS);
