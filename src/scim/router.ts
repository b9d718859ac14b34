/**
 * The SCIM surface as one Express application, to be mounted at its base path. Order matters:
 *
 *   request id -> authentication -> endpoint, method, scope -> body (size, type, shape) -> query
 *   -> own handlers, or scimmy's routers for CRUD -> one error handler
 *
 * Nothing of a body is read before its sender is known. Whatever goes wrong, the answer is a SCIM
 * error, and only ScimError says anything to the client.
 */
import { randomUUID } from 'node:crypto';
import { Router, type Request, type Response } from 'express';
import type { Clock } from '../clock.js';
import { errorHandler } from '../error-handler.js';
import type { Provisioning } from '../domain/provisioning.js';
import type { Rules } from '../domain/rules.js';
import type { JsonObject } from '../domain/types.js';
import { reasonOf, ScimError } from '../errors.js';
import type { Log } from '../log.js';
import type { Store } from '../store/port.js';
import type { Authenticator, Principal } from '../auth/authenticate.js';
import { DEFAULT_LIMITS, type ScimApp, type ScimLimits, type ScimRequest } from './context.js';
import { createCursors } from './cursors.js';
import { handle } from './endpoints.js';
import { parseCondition } from './etags.js';
import { discardBody, readJsonBody, type BodyLimits } from './json-body.js';
import { NO_PARAMETERS, parseQuery } from './query.js';
import { sendError, sendWithoutCharset, toScimError } from './reply.js';
import {
  guessIdp,
  logRequest,
  namesIn,
  outcomeOf,
  readClientRequestId,
  type RequestEvent,
  type RequestRefusal,
} from './request-log.js';
import { matchRoute, templateOf, type Route } from './routes.js';
import { scimmyDispatcher } from './scimmy-router.js';
import { scopeRefusal } from '../auth/token-scopes.js';

export interface ScimRouterOptions {
  readonly store: Store;
  readonly provisioning: Provisioning;
  readonly clock: Clock;
  readonly log: Log;
  /** URL under which clients reach the mount path, as `https://bridge.example/scim/v2`. A function where it is known only after listening. */
  readonly baseUrl: string | (() => string);
  readonly rules: () => Rules;
  readonly limits?: Partial<ScimLimits>;
  readonly authenticator: Authenticator;
  /** Where people read how the bridge is connected; absent = nowhere that clients can reach. */
  readonly documentationUri?: () => string;
  readonly newRequestId?: () => string;
  /** Lets other requests have their turn; default: the next turn of the event loop. */
  readonly turn?: () => Promise<void>;
  /** Called as soon as a request is known to come from a holder of a valid token. */
  readonly onAuthenticated?: (request: Request) => void;
  /** Called once per request, when its answer has gone out; `refusals`: what of it was answered with an error. */
  readonly onRequest?: (event: RequestEvent, refusals: readonly RequestRefusal[]) => void;
}

/** What is known of a request so far; the log line is made of it. */
interface Progress {
  readonly requestId: string;
  readonly startedAt: number;
  route: Route | null;
  principal: Principal | null;
  error: ScimError | null;
  /** Of operations of a bulk request. */
  readonly refusals: RequestRefusal[];
}

/** Makes the SCIM application. */
export function createScimRouter(options: ScimRouterOptions): Router {
  const app = toApp(options);
  const { authenticator } = options;
  const dispatch = scimmyDispatcher();
  const router = Router();

  router.use((request, response, next) => {
    const known = begin(request, response, options);
    response.locals[PROGRESS] = known;
    prepare({ app, authenticator, onAuthenticated: options.onAuthenticated }, known, request, response)
      .then(async (context) => {
        if (context !== null) await handle(context, request, next, dispatch);
      })
      .catch(next);
  });
  router.use(
    errorHandler((error, _request, response) => {
      const known = progressOf(response);
      known.error = toScimError(error);
      report(options.log, known, error);
      sendError(response, known.error, known.requestId, options.clock);
    }),
  );
  return router;
}

/** What the services work with. */
export function toApp(options: ScimRouterOptions): ScimApp {
  const { baseUrl, store, clock } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  return {
    cursors: createCursors({ store, clock, timeoutMs: limits.cursorTimeoutMs }),
    store,
    provisioning: options.provisioning,
    clock,
    log: options.log,
    limits,
    baseUrl: () => (typeof baseUrl === 'string' ? baseUrl : baseUrl()).replace(/\/$/, ''),
    rules: options.rules,
    documentationUri: options.documentationUri ?? null,
    turn: options.turn ?? (() => options.clock.turn()),
  };
}

const PROGRESS = 'scimProgress';

function progressOf(response: Response): Progress {
  const known = response.locals[PROGRESS] as Progress | undefined;
  if (known === undefined) throw new Error('a request was not begun');
  return known;
}

/** Gives the request its id and sees to it that it is logged once, however it ends. */
function begin(request: Request, response: Response, options: ScimRouterOptions): Progress {
  const { clock, log, onRequest } = options;
  const { method, url } = request;
  const known: Progress = {
    requestId: (options.newRequestId ?? randomUUID)(),
    startedAt: clock.monotonic(),
    route: null,
    principal: null,
    error: null,
    refusals: [],
  };
  response.set({ 'X-Request-Id': known.requestId, 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' });
  sendWithoutCharset(response);
  response.once('close', () => {
    const event: RequestEvent = {
      requestId: known.requestId,
      method,
      // Who was turned away before the endpoint was looked for asked for one all the same.
      template: known.route?.template ?? templateOf(method, url),
      status: response.statusCode,
      latencyMs: Math.round((clock.monotonic() - known.startedAt) * 10) / 10,
      idp: guessIdp(request),
      tokenLabel: known.principal?.label ?? null,
      tokenId: known.principal?.tokenId ?? null,
      outcome: outcomeOf(response.statusCode, !response.writableFinished),
      scimType: known.error?.scimType ?? null,
      clientRequestId: readClientRequestId(request),
    };
    logRequest(log, event);
    try {
      onRequest?.(event, refusalsOf(known, event, request.body));
    } catch (error) {
      // Thrown in an event, it would end the process.
      log.error({ err: error, requestId: known.requestId }, 'an observer of requests failed');
    }
  });
  return known;
}

/** A request that failed as a whole has one, whatever became of its operations. */
function refusalsOf(
  { error, route, refusals }: Progress,
  { method, template, status }: RequestEvent,
  body: unknown,
): readonly RequestRefusal[] {
  if (error === null) return refusals;
  return [{ method, template, status, detail: error.message, about: namesIn(route?.id ?? null, body) }];
}

interface Gate {
  readonly app: ScimApp;
  readonly authenticator: Authenticator;
  readonly onAuthenticated: ScimRouterOptions['onAuthenticated'];
}

/** Everything before the handlers. Null: the request has been answered. */
async function prepare(
  { app, authenticator, onAuthenticated }: Gate,
  known: Progress,
  request: Request,
  response: Response,
): Promise<ScimRequest | null> {
  known.principal = await authenticator.authenticate(request, request.ip ?? '');
  onAuthenticated?.(request);
  const route = matchRoute(request.method, request.url);
  if (route === null) throw new ScimError(404, 'There is no such endpoint.');
  known.route = route;
  if (request.method === 'OPTIONS') {
    response.status(204).set('Allow', route.allow.join(', ')).end();
    return null;
  }
  if (!route.allowed) {
    const headers = { Allow: route.allow.join(', ') };
    throw new ScimError(405, `${request.method.slice(0, 20)} is not possible on ${route.template}.`, { headers });
  }
  const refusal = scopeRefusal(known.principal.scopes, route.access);
  if (refusal !== null) throw new ScimError(403, refusal);
  const body = await readBody(app, route, request);
  request.body = body ?? undefined; // for the guess of the request log; the handlers take it from the context
  const isSearch = request.method === 'POST' && route.template.endsWith('/.search');
  return {
    app,
    requestId: known.requestId,
    principal: known.principal,
    interactive: true,
    ifMatch: parseCondition(request.headers['if-match']),
    ifNoneMatch: parseCondition(request.headers['if-none-match']),
    route,
    body,
    parameters: isSearch ? NO_PARAMETERS : parseQuery(request.url),
    response,
    onRefused: (refusal) => known.refusals.push(refusal),
  };
}

async function readBody(app: ScimApp, route: Route, request: Request): Promise<JsonObject | null> {
  const { limits, clock } = app;
  const large = route.kind === 'bulk' || route.access.resource === 'groups';
  const bodyLimits: BodyLimits = {
    maxBytes: large ? limits.largeBodyBytes : limits.bodyBytes,
    maxValues: large ? limits.largeBodyValues : limits.bodyValues,
    timeoutMs: limits.bodyTimeoutMs,
  };
  if (request.method === 'POST' || request.method === 'PUT' || request.method === 'PATCH') {
    return readJsonBody(request, bodyLimits, clock);
  }
  await discardBody(request, bodyLimits, clock);
  return null;
}

/** Bugs are for the log alone, with their stack; of what is not available for a while the reason says all. */
function report(log: Log, known: Progress, error: unknown): void {
  if (known.error === null || known.error.status < 500) return;
  const bindings = { requestId: known.requestId, template: known.route?.template ?? null };
  if (known.error.status === 500) log.error({ ...bindings, err: error }, 'scim request failed');
  else log.warn({ ...bindings, reason: reasonOf(known.error) }, 'scim request turned away');
}
