/** HTTP of the bridge: what is where, and the servers that listen. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import express, { type Express, type RequestHandler, type Response } from 'express';
import type { Clock } from '../clock.js';
import type { Config } from '../config.js';
import { errorHandler } from '../error-handler.js';
import type { Log } from '../log.js';
import { readTlsAtStart, reloadTls } from '../tls.js';
import type { Connections } from './connections.js';
import { answerRawRequests, checkHeaders, takeAbsoluteForm } from './raw-requests.js';

export const SCIM_PATH = '/scim/v2';
export const TOKEN_PATH = '/oauth/token';
export const OPENAPI_PATH = '/openapi.json';

export interface MonitorParts {
  readonly trustProxy: Config['trustProxy'];
  /** Alive, with the state of the upstream. */
  readonly health: () => object;
  /** Null: SCIM can be served; else why not. */
  readonly unready: () => Promise<string | null>;
  /** The admin surface (page, JSON, metrics), as an application for the root. Null: there is none here. */
  readonly admin: RequestListener | null;
  readonly log: Log;
}

export interface HttpParts extends MonitorParts {
  readonly scim: RequestHandler;
  /** OAuth's token endpoint. */
  readonly token: RequestHandler;
  /** Stands before SCIM, the token endpoint and the description of both. */
  readonly gate: RequestHandler;
  /** The OpenAPI description. */
  readonly openApi: () => object;
}

/** What listens on PORT. */
export function createHttp(parts: HttpParts): Express {
  const app = createBase(parts.trustProxy);
  app.use([SCIM_PATH, TOKEN_PATH, OPENAPI_PATH], parts.gate);
  app.use(SCIM_PATH, parts.scim);
  app.use(TOKEN_PATH, parts.token);
  app.get(OPENAPI_PATH, (_request, response) => {
    reply(response, 200, parts.openApi());
  });
  return addMonitors(app, parts);
}

/** What listens on ADMIN_PORT, where that is set: no SCIM. */
export function createAdminHttp(parts: MonitorParts): Express {
  return addMonitors(createBase(parts.trustProxy), parts);
}

/** What all that listens is made of. */
export function createBase(trustProxy: Config['trustProxy']): Express {
  const app = express();
  // Nobody here asks for a parsed query: SCIM has a parser of its own, the admin pages bring theirs.
  app.disable('x-powered-by').disable('etag').set('query parser', false);
  app.set('trust proxy', trustProxy);
  return app;
}

function addMonitors(app: Express, { health, unready, admin, log }: MonitorParts): Express {
  app.get('/healthz', (_request, response) => {
    reply(response, 200, { status: 'ok', ...health() });
  });
  app.get('/readyz', (_request, response, next) => {
    unready()
      .then((reason) => reply(response, reason === null ? 200 : 503, { ready: reason === null, reason }))
      .catch(next);
  });
  if (admin !== null) app.use(admin);
  app.use((_request, response) => {
    reply(response, 404, { error: 'Not found.' });
  });
  app.use(
    errorHandler((error, _request, response) => {
      const status = clientErrorStatus(error);
      if (status === null) log.error({ err: error }, 'request failed');
      if (response.headersSent) response.destroy();
      else
        reply(response, status ?? 500, { error: status === null ? 'Internal error.' : 'The request cannot be read.' });
    }),
  );
  return app;
}

/** Express and its parsers mark what the client did wrong (a path that cannot be decoded) by its status. */
function clientErrorStatus(error: unknown): number | null {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return null;
  return error.status >= 400 && error.status < 500 ? error.status : null;
}

function reply(response: Response, status: number, body: object): void {
  response.status(status).set({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' }).json(body);
}

export interface HttpServer {
  readonly port: number;
  /** Stops accepting, answers what is under way for at most `graceMs`, then cuts the rest. */
  close(graceMs: number): Promise<void>;
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: Config['tls'];
  readonly connections: Connections;
  readonly clock: Clock;
  readonly log: Log;
  /** Other times and sizes than the usual ones. */
  readonly server?: ServerOptions;
}

/**
 * Times that a client gets. A body is given less by whoever reads it, after authentication; these
 * are for everything before. Idle connections live longer than the 60 s after which load balancers
 * give theirs up, so that it is never the bridge that closes one on which a request is coming.
 */
const SERVER_OPTIONS: ServerOptions = {
  headersTimeout: 15_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 16 * 1024,
  // Node would answer without a body; checkHeaders does it.
  requireHostHeader: false,
};
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Listens. Rejects with the system's error where it cannot. */
export async function serveHttp(handler: RequestListener, options: ListenOptions): Promise<HttpServer> {
  const { host, port, connections, clock } = options;
  const listener = checkHeaders(takeAbsoluteForm(handler), randomUUID);
  const { server, stopReloading } = createFor(options, listener);
  server.maxHeadersCount = 0; // checkHeaders counts them
  server.on('connection', (socket) => connections.add(socket));
  answerRawRequests(server, listener, randomUUID);
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close(graceMs) {
      stopReloading();
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      const cancel = clock.after(graceMs, () => server.closeAllConnections());
      await closed;
      cancel();
    },
  };
}

function createFor(
  { tls, clock, log, server: other }: ListenOptions,
  listener: RequestListener,
): { readonly server: Server; readonly stopReloading: () => void } {
  if (tls === null)
    return { server: createServer({ ...SERVER_OPTIONS, ...other }, listener), stopReloading: () => undefined };
  const context = readTlsAtStart(tls);
  const options = { ...SERVER_OPTIONS, ...other, ...context, handshakeTimeout: HANDSHAKE_TIMEOUT_MS };
  const server = createTlsServer(options, listener);
  return { server, stopReloading: reloadTls(server, tls, context, { clock, log }) };
}
