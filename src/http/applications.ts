/** What is where: the applications that listen on PORT and on ADMIN_PORT. */
import type { RequestListener } from 'node:http';
import express, { type Express, type RequestHandler, type Response } from 'express';
import type { Config } from '../config.js';
import { errorHandler } from '../error-handler.js';
import type { Log } from '../log.js';

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

/** Whether TRUST_PROXY believes who connects from an address. */
export function trustedProxies(trustProxy: Config['trustProxy']): (address: string) => boolean {
  const isTrusted = createBase(trustProxy).get('trust proxy fn') as (address: string, hop: number) => boolean;
  return (address) => isTrusted(address, 0);
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
