/**
 * One HTTP exchange with ElevenLabs: the `fetch` that is handed to the SDK for a single call.
 *
 * - Only the configured origin is ever asked, and redirects are refused: fetch would forward
 *   `xi-api-key` to whatever host a redirect names.
 * - The timeout covers the answer's body, too; the SDK's own ends with the headers.
 * - It never rejects: the SDK leaves a timer behind that keeps the process alive for minutes when
 *   fetch does. What went wrong is kept in `failure`, where the cause is not yet wrapped.
 * - Error bodies that claim to be JSON and are not keep their status: the SDK would lose it.
 */
import type { Clock } from '../clock.js';
import { GatewayError } from './port.js';

/** A workspace of 100,000 members is about 20 MB. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export interface ExchangeOptions {
  /** Base URL of the API; nothing outside its origin and path is asked. */
  readonly baseUrl: URL;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
}

export interface Exchange {
  readonly fetch: typeof fetch;
  /** What went wrong before a whole answer was there; undefined if one came. */
  failure(): unknown;
  /** The answer as far as it came: status, headers, and the body once it is whole. */
  answer(): { readonly status: number; readonly headers: Headers; readonly body: Uint8Array | null } | null;
}

/** Makes the `fetch` for exactly one call. */
export function createExchange(options: ExchangeOptions): Exchange {
  let failure: unknown;
  let answer: ReturnType<Exchange['answer']> = null;

  const exchange = async (input: string | URL | Request, init: RequestInit | undefined): Promise<Response> => {
    const url = new URL(input instanceof URL || typeof input === 'string' ? input : input.url);
    if (!isWithin(url, options.baseUrl)) throw strayCall();
    const timer = createTimer(options);
    try {
      const request = { ...init, redirect: 'error' as const, signal: timer.signal };
      const response = await timer.race(options.fetch(url.href, request));
      // A fetch that was passed in may not know `redirect`.
      if (response.redirected || (response.status >= 300 && response.status < 400))
        throw new Error('unexpected redirect');
      answer = { status: response.status, headers: response.headers, body: null };
      const body = await timer.race(readBody(response));
      answer = { ...answer, body };
      return rebuild(response, body);
    } finally {
      timer.stop();
    }
  };

  return {
    fetch: async (input, init) => {
      try {
        return await exchange(input, init);
      } catch (error) {
        failure = error ?? new Error('unknown failure');
        return new Response(null, { status: 599 });
      }
    },
    failure: () => failure,
    answer: () => answer,
  };
}

function isWithin(url: URL, base: URL): boolean {
  const path = base.pathname.endsWith('/') ? base.pathname : `${base.pathname}/`;
  return url.origin === base.origin && url.pathname.startsWith(path) && url.username === '' && url.password === '';
}

function strayCall(): GatewayError {
  return new GatewayError({
    kind: 'refused',
    code: 'stray_call',
    message: 'the call would have left the configured ElevenLabs address, so it was not sent',
  });
}

interface Timer {
  readonly signal: AbortSignal;
  /** Rejects when the time is up, whether or not `work` heeds the signal. */
  race<T>(work: Promise<T>): Promise<T>;
  stop(): void;
}

function createTimer(options: ExchangeOptions): Timer {
  const controller = new AbortController();
  let expire: (error: Error) => void = () => undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    expire = reject;
  });
  // Nobody may be racing when the time is up.
  expired.catch(() => undefined);
  const stop = options.clock.after(options.timeoutMs, () => {
    const error = Object.assign(new Error('no answer in time'), { name: 'TimeoutError' });
    expire(error);
    controller.abort(error);
  });
  return { signal: controller.signal, race: (work) => Promise.race([work, expired]), stop };
}

async function readBody(response: Response): Promise<Uint8Array> {
  if (response.body === null) return new Uint8Array();
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    length += next.value.byteLength;
    if (length > MAX_ANSWER_BYTES) {
      await reader.cancel();
      throw Object.assign(new Error('answer too long'), { code: 'UND_ERR_RESPONSE_EXCEEDED_SIZE' });
    }
    chunks.push(next.value);
  }
  return Buffer.concat(chunks);
}

/** A response with a body that is already here. */
function rebuild(response: Response, body: Uint8Array): Response {
  const headers = new Headers(response.headers);
  if (response.status >= 400 && !isJson(body)) headers.set('content-type', 'text/plain');
  const empty = body.byteLength === 0 || response.status === 204 || response.status === 205;
  return new Response(empty ? null : (body as Uint8Array<ArrayBuffer>), { status: response.status, headers });
}

function isJson(body: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder().decode(body));
    return true;
  } catch {
    return false;
  }
}
