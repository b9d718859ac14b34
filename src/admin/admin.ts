/**
 * The admin surface as one Express application for the root: the pages at /admin, the metrics at
 * /metrics. Order matters:
 *
 *   headers -> files -> signing in -> who is it -> the form -> CSRF -> pages and actions -> errors
 *
 * Pages are functions from the context to HTML; actions are in actions.ts.
 */
import express, { type Express, type Request, type Response } from 'express';
import type { Doors } from '../auth/doors.js';
import { errorHandler } from '../error-handler.js';
import { reasonOf, ScimError } from '../errors.js';
import { readForms, type FormLimits } from '../http/form-body.js';
import {
  acceptSmaller,
  createToken,
  dropHeld,
  linkGroup,
  releaseHeld,
  releaseUser,
  retryRefused,
  retryUser,
  revokeToken,
  rotateToken,
  syncNow,
  unlinkGroup,
  type ActionContext,
  type ActionResult,
  type TokenResult,
} from './actions.js';
import { assetsHandler } from './assets.js';
import { createAuditExport } from './audit-export.js';
import { readQuery, type AdminOptions, type PageContext } from './context.js';
import { adminOf, createAdminGuard, safeReturnPath, sessionOf, type AdminGuard } from './guard.js';
import { BASE, html, path } from './html.js';
import { renderPage, renderPlain, type Page } from './layout.js';
import { metricsEndpoint } from './metrics-endpoint.js';
import { noticeOf } from './notices.js';
import { auditFilter, auditPage } from './pages/audit.js';
import { changesPage } from './pages/changes.js';
import { driftPage } from './pages/drift.js';
import { groupsPage } from './pages/groups.js';
import { invitesPage } from './pages/invites.js';
import { loginForm, type LoginProblem } from './pages/login.js';
import { overviewPage } from './pages/overview.js';
import { asProvider, setupPage } from './pages/setup.js';
import { tokensPage } from './pages/tokens.js';
import { tracePage } from './pages/trace.js';
import { userPage } from './pages/user.js';
import { usersPage } from './pages/users.js';
import { whatIfAnswer, whatIfPage } from './pages/what-if.js';
import { securityHeaders } from './security-headers.js';

export interface AdminParts extends AdminOptions {
  readonly doors: Doors;
  /** Called as soon as a request is known to come from an administrator. */
  readonly onAuthenticated: (request: Request) => void;
}

/** Makes the admin application. */
export function createAdmin(options: AdminParts): Express {
  const { store, clock, doors, isHttps, onAuthenticated } = options;
  const guard = createAdminGuard({
    ...{ store, clock, doors, isHttps, onAuthenticated },
    loginPath: path(['login']),
    answerRefusal,
  });
  const app = express();
  app.disable('x-powered-by').disable('etag').set('query parser', 'simple');
  app.get('/metrics', metricsEndpoint(options));
  app.use(BASE, securityHeaders({ isHttps }), createPages(options, guard));
  return app;
}

const FORM_LIMITS: FormLimits = { maxBytes: 16 * 1024, maxParameters: 50 };
/** SCIM requests are longer than what other forms send. */
const WHAT_IF = '/what-if';
const WHAT_IF_LIMITS: FormLimits = { maxBytes: 256 * 1024, maxParameters: 10 };

function createPages(options: AdminParts, guard: AdminGuard): Express {
  const pages = express();
  pages.disable('x-powered-by').disable('etag').set('query parser', 'simple');
  const form = readForms(FORM_LIMITS, options.clock);
  const longForm = readForms(WHAT_IF_LIMITS, options.clock);
  pages.use('/assets', assetsHandler());
  addLogin(pages, options, guard, form);
  pages.use(
    guard.authenticate,
    (request, response, next) => (request.path === WHAT_IF ? longForm : form)(request, response, next),
    guard.csrf,
  );
  addPages(pages, options);
  addActions(pages, options, guard);
  pages.use((request: Request, response: Response) => sendProblem(request, response, 404, 'There is no such page.'));
  pages.use(errorHandler((error, request, response) => sendError(options, error, request, response)));
  return pages;
}

function addLogin(pages: Express, { store }: AdminParts, guard: AdminGuard, form: express.RequestHandler): void {
  const show = (response: Response, status: number, next: string, problem: LoginProblem): void =>
    sendHtml(response, status, renderPlain('Sign in', loginForm(next, problem)));
  pages.get('/login', (request, response) => {
    show(response, 200, returnPath(readQuery(request.query).text('next')), null);
  });
  pages.post('/login', guard.sameOrigin, form, (request, response, next) => {
    const fields = readQuery(request.body);
    const enter = async (): Promise<void> => {
      const outcome = await guard.login(request, response, fields.text('token'));
      const to = returnPath(fields.text('next'));
      if (outcome.kind === 'ok') {
        const { actor } = outcome.session.admin;
        await store.audit({ actor, action: 'session.open', subject: null, requestId: null });
        response.redirect(303, to);
        return;
      }
      show(response, outcome.kind === 'limited' ? 429 : 401, to, outcome.kind);
    };
    enter().catch(next);
  });
}

const returnPath = (next: string): string => safeReturnPath(next, BASE, path([]));

// Pages ---------------------------------------------------------------------------------------------

type MakePage = (context: PageContext, request: Request) => Promise<Page | null>;

const parameter = (request: Request, name: string): string => {
  const value = request.params[name];
  return typeof value === 'string' ? value : '';
};

const PAGES: readonly (readonly [string, MakePage])[] = [
  ['/', overviewPage],
  ['/users', usersPage],
  ['/users/:id', (context, request) => userPage(context, parameter(request, 'id'))],
  ['/invites', invitesPage],
  ['/changes', changesPage],
  ['/groups', groupsPage],
  ['/drift', driftPage],
  ['/trace', tracePage],
  [WHAT_IF, whatIfPage],
  ['/tokens', (context) => tokensPage(context)],
  ['/setup', (context) => setupPage(context, 'entra')],
  [
    '/setup/:provider',
    async (context, request) => {
      const provider = asProvider(parameter(request, 'provider'));
      return provider === null ? null : setupPage(context, provider);
    },
  ],
  ['/audit', auditPage],
];

function addPages(pages: Express, options: AdminParts): void {
  for (const [route, make] of PAGES) {
    pages.get(route, (request, response, next) => {
      const answer = async (): Promise<void> => {
        const context = await contextOf(options, request, response);
        const page = await make(context, request);
        if (page === null) sendProblem(request, response, 404, 'There is no such page, or what it was about is gone.');
        else sendPage(response, context, page);
      };
      answer().catch(next);
    });
  }
  const sendExport = createAuditExport(options.store);
  for (const format of ['csv', 'jsonl'] as const) {
    pages.get(`/audit/export.${format}`, (request, response, next) => {
      sendExport(response, auditFilter(readQuery(request.query)), format).catch(next);
    });
  }
}

async function contextOf(options: AdminParts, request: Request, response: Response): Promise<PageContext> {
  return {
    ...options,
    now: options.clock.now(),
    numbers: await options.store.numbers(),
    admin: adminOf(response),
    csrfToken: sessionOf(response)?.csrfToken ?? '',
    query: readQuery(request.query),
  };
}

function sendPage(response: Response, context: PageContext, page: Page, status = 200): void {
  sendHtml(response, status, renderPage(context, { ...page, main: [noticeOf(context.query), page.main] }));
}

// Actions -------------------------------------------------------------------------------------------

type Act = (context: ActionContext, id: string) => Promise<ActionResult>;

const ACTIONS: readonly (readonly [string, Act])[] = [
  ['/sync', syncNow],
  ['/workspace/accept-smaller', acceptSmaller],
  ['/users/:id/retry', retryUser],
  ['/users/:id/release', releaseUser],
  ['/changes/release', releaseHeld],
  ['/changes/drop', dropHeld],
  ['/changes/retry', retryRefused],
  ['/groups/:id/link', linkGroup],
  ['/groups/:id/unlink', unlinkGroup],
  ['/tokens/:id/revoke', revokeToken],
];

function addActions(pages: Express, options: AdminParts, guard: AdminGuard): void {
  const actionContext = async (request: Request, response: Response): Promise<ActionContext> => ({
    ...(await contextOf(options, request, response)),
    requestId: options.uuid(),
    form: readQuery(request.body),
  });
  for (const [route, act] of ACTIONS) {
    pages.post(route, (request, response, next) => {
      const answer = async (): Promise<void> => {
        const context = await actionContext(request, response);
        response.redirect(303, (await act(context, parameter(request, 'id'))).to);
      };
      answer().catch(next);
    });
  }
  addTokenActions(pages, actionContext);
  pages.post(WHAT_IF, (request, response, next) => {
    const answer = async (): Promise<void> => {
      const context = await contextOf(options, request, response);
      sendPage(response, context, await whatIfAnswer(context, readQuery(request.body, WHAT_IF_LIMITS.maxBytes)));
    };
    answer().catch(next);
  });
  pages.post('/logout', (request, response, next) => {
    guard.logout(request, response);
    options.store
      .audit({ actor: adminOf(response).actor, action: 'session.close', subject: null, requestId: null })
      .then(() => response.redirect(303, path(['login'])))
      .catch(next);
  });
}

/** Nonces of forms that made a token: a reload must not make another one. */
const NONCES_KEPT = 200;

function addTokenActions(
  pages: Express,
  actionContext: (request: Request, response: Response) => Promise<ActionContext>,
): void {
  const used = new Set<string>();
  const isRepeated = (nonce: string): boolean => {
    if (nonce === '') return false;
    const isKnown = used.has(nonce);
    used.add(nonce);
    for (const oldest of used) {
      if (used.size <= NONCES_KEPT) break;
      used.delete(oldest);
    }
    return isKnown;
  };
  const show = async (response: Response, context: ActionContext, result: TokenResult | null): Promise<void> => {
    const shown = result !== null && 'secret' in result ? result : null;
    const problem = result === null ? 'There is no such token.' : 'problem' in result ? result.problem : null;
    sendPage(response, context, await tokensPage(context, shown, problem), shown === null ? 400 : 200);
  };
  const route = (where: string, act: (context: ActionContext, id: string) => Promise<TokenResult | null>): void => {
    pages.post(where, (request, response, next) => {
      const answer = async (): Promise<void> => {
        const context = await actionContext(request, response);
        const result = isRepeated(context.form.text('nonce'))
          ? { problem: 'This form was sent before. The token was made then, and is not shown again.' }
          : await act(context, parameter(request, 'id'));
        await show(response, context, result);
      };
      answer().catch(next);
    });
  };
  route('/tokens', createToken);
  route('/tokens/:id/rotate', rotateToken);
}

// Answers -------------------------------------------------------------------------------------------

function sendHtml(response: Response, status: number, text: string): void {
  response.status(status).set('Content-Type', 'text/html; charset=utf-8').end(text);
}

function answerRefusal(request: Request, response: Response, error: string): void {
  sendProblem(request, response, response.statusCode, error);
}

/** In HTML for browsers, in JSON for everybody else. */
function sendProblem(request: Request, response: Response, status: number, error: string): void {
  if (request.accepts(['json', 'html']) !== 'html') {
    response.status(status).json({ error });
    return;
  }
  const main = html`<div class="card login">
    <h1>${PROBLEM_TITLES[status] ?? 'That did not work'}</h1>
    <p>${error}</p>
    <p><a class="button" href="${path([])}">To the overview</a></p>
  </div>`;
  sendHtml(response, status, renderPlain(String(status), main));
}

const PROBLEM_TITLES: Readonly<Record<number, string>> = {
  403: 'Not allowed',
  404: 'Not found',
  429: 'Too many requests',
  503: 'Not now',
};

/** What the store refuses is told; everything else is a bug, and for the log alone. */
function sendError({ log }: AdminParts, error: unknown, request: Request, response: Response): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (error instanceof ScimError) {
    if (error.status >= 500) log.warn({ reason: reasonOf(error) }, 'admin request turned away');
    sendProblem(request, response.set(error.headers), error.status, error.message);
    return;
  }
  const status = clientErrorStatus(error);
  if (status === null) log.error({ err: error, path: request.path }, 'admin request failed');
  sendProblem(
    request,
    response,
    status ?? 500,
    status === null ? 'An unexpected error; the log says more.' : 'The request cannot be read.',
  );
}

/** Of the parser of forms, and of the router for a broken escape in a path. */
function clientErrorStatus(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('status' in error)) return null;
  const { status } = error;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : null;
}
