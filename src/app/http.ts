/** HTTP of the bridge: the SCIM application, and what monitors ask. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import express, { type Express, type Response } from 'express';
import type { Clock } from '../clock.js';
import type { Config } from '../config.js';

export const SCIM_PATH = '/scim/v2';

export interface HttpParts {
  readonly scim: RequestListener;
  readonly trustProxy: Config['trustProxy'];
  /** Alive, with the state of the upstream. */
  readonly health: () => object;
  /** Null: SCIM can be served; else why not. */
  readonly unready: () => Promise<string | null>;
}

export function createHttp({ scim, trustProxy, health, unready }: HttpParts): Express {
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.set('trust proxy', trustProxy);
  app.use(SCIM_PATH, scim);
  app.get('/healthz', (_request, response) => {
    reply(response, 200, { status: 'ok', ...health() });
  });
  app.get('/readyz', (_request, response, next) => {
    unready()
      .then((reason) => reply(response, reason === null ? 200 : 503, { ready: reason === null, reason }))
      .catch(next);
  });
  app.use((_request, response) => {
    reply(response, 404, { error: 'Not found.' });
  });
  return app;
}

function reply(response: Response, status: number, body: object): void {
  response.status(status).set('Cache-Control', 'no-store').json(body);
}

export interface HttpServer {
  readonly port: number;
  /** Stops accepting, answers what is under way for at most `graceMs`, then cuts the rest. */
  close(graceMs: number): Promise<void>;
}

/** Listens. Rejects with the system's error where it cannot. */
export async function serveHttp(
  config: Pick<Config, 'host' | 'port' | 'tls'>,
  listener: RequestListener,
  clock: Clock,
): Promise<HttpServer> {
  const server = createFor(config, listener);
  server.listen(config.port, config.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close(graceMs) {
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      const cancel = clock.after(graceMs, () => server.closeAllConnections());
      await closed;
      cancel();
    },
  };
}

function createFor({ tls }: Pick<Config, 'tls'>, listener: RequestListener): Server {
  if (tls === null) return createServer(listener);
  return createTlsServer({ cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) }, listener);
}
