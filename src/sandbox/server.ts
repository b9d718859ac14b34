/** Carries the sandbox over HTTP, including what only a transport can do: cut and stall connections. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../clock.js';
import type { ApiRequest, Reply } from './api.js';
import type { Outcome } from './exchange.js';
import { sleep } from './faults.js';

export interface ListenOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Default: loopback. */
  readonly host?: string;
}

export interface Listening {
  /** Without a slash at the end. */
  readonly url: string;
  /** Cuts every connection, also those that hang. */
  readonly close: () => Promise<void>;
}

const BODY_LIMIT = 16 * 1024 * 1024;

/** Starts serving; rejects if the address cannot be bound. */
export async function listen(
  init: ListenOptions & {
    readonly handle: (request: ApiRequest, gone: AbortSignal) => Promise<Outcome>;
    readonly clock: Clock;
    readonly onClose: () => void;
  },
): Promise<Listening> {
  const { handle, clock, onClose, port = 0, host = '127.0.0.1' } = init;
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => fail(response, error));
  });
  // A client that reuses a connection at the moment when it times out sees a reset; a test
  // must see one only where it asked for it.
  server.keepAliveTimeout = 0;

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(request);
    if (body === null) {
      response.writeHead(413, { connection: 'close' }).end();
      return;
    }
    const { method = 'GET', url = '/' } = request;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const outcome = await handle({ method, url, headers: plainHeaders(request), body }, gone.signal);
    if (outcome.kind === 'reset') request.socket.resetAndDestroy();
    else await send(response, outcome.reply, outcome.pauseMs, clock);
  };

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        onClose();
        server.closeAllConnections();
      }),
  };
}

async function send(response: ServerResponse, reply: Reply, pauseMs: number, clock: Clock): Promise<void> {
  const body = Buffer.from(reply.body);
  const date = new Date(clock.now()).toUTCString();
  response.writeHead(reply.status, { date, ...reply.headers, 'content-length': body.length });
  if (pauseMs > 0) {
    response.write(body.subarray(0, body.length / 2));
    await sleep(clock, pauseMs);
    response.end(body.subarray(body.length / 2));
  } else {
    response.end(body);
  }
}

/** A client that has gone, or a mistake in the sandbox itself, which must not pass for a fault. */
function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) return;
  const detail = `Mistake in the sandbox: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  response.writeHead(500, { 'content-type': 'application/json' }).end(JSON.stringify({ detail }));
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= BODY_LIMIT) chunks.push(chunk);
  }
  return size > BODY_LIMIT ? null : Buffer.concat(chunks).toString('utf8');
}

function plainHeaders(request: IncomingMessage): Record<string, string | undefined> {
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}
