/**
 * Who gets into the admin surface, and what a browser may be made to do there.
 *
 *   app.use(securityHeaders(...))
 *   app.post('/admin/login', guard.sameOrigin, readForm, (q, s) => guard.login(q, s, q.body.token))
 *   app.use('/admin', guard.authenticate, guard.csrf, …everything else)
 *
 * Two ways in: a session (cookie, opened with an admin token by `login`), and an admin token as
 * bearer for scripts and monitors. Only the first can be abused by another site, so only it needs the
 * CSRF token: the header `X-CSRF-Token`, or the field `csrf` of a form that was parsed before.
 *
 * Handlers behind `authenticate` ask `adminOf(response)` who it is (its `actor` goes into the audit
 * log) and `sessionOf(response)` for the CSRF token of the forms (null for a bearer).
 */
import type { Request, RequestHandler, Response } from 'express';
import type { Clock } from '../clock.js';
import { createAttemptLimit, type AttemptLimitOptions } from '../auth/attempt-limit.js';
import type { Doors } from '../auth/doors.js';
import { sameDigest, type Random } from '../domain/secret-token.js';
import type { TokenStore } from '../store/port.js';
import { clearSessionCookie, readSessionCookie, setSessionCookie } from './session-cookie.js';
import { createSessions, isForPage, toAdmin, type AdminIdentity, type Session } from './sessions.js';

export interface GuardOptions {
  readonly store: TokenStore;
  readonly clock: Clock;
  readonly doors: Doors;
  /** Whether the browser reached the page over TLS, here or at a proxy. */
  readonly isHttps: (request: Request) => boolean;
  /** Where a browser without a session is sent; scripts get a 401. */
  readonly loginPath: string;
  /** Requests per admin token. */
  readonly requests?: AttemptLimitOptions;
  readonly random?: Random;
  /** Answers who is turned away, in place of JSON; status and `Retry-After` are set. */
  readonly answerRefusal?: (request: Request, response: Response, error: string) => void;
  /** Called as soon as a request is known to come from an administrator. */
  readonly onAuthenticated?: (request: Request) => void;
}

export type LoginOutcome =
  { readonly kind: 'ok'; readonly session: Session } | { readonly kind: 'refused' | 'limited' };

export interface AdminGuard {
  /** Turns away what another site sends. Before `login`; contained in `csrf`. */
  readonly sameOrigin: RequestHandler;
  /**
   * Lets through who is an administrator: else 303 to the log-in page for browsers, 401 for others.
   * Limits the requests of each admin token, so that nobody without one can shut an administrator out.
   */
  readonly authenticate: RequestHandler;
  /** Lets a change through only with the CSRF token of its session. After `authenticate` and the form. */
  readonly csrf: RequestHandler;
  /** Opens a session and sets its cookie. The caller answers. */
  login(request: Request, response: Response, secret: unknown): Promise<LoginOutcome>;
  /** Ends the session of a request and takes its cookie away. The caller answers. */
  logout(request: Request, response: Response): void;
}

const DEFAULT_REQUESTS: AttemptLimitOptions = { limit: 600, windowMs: 60_000, maxAddresses: 10_000 };
const LONGEST_SECRET = 512;
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Makes the guard of one bridge. */
export function createAdminGuard(options: GuardOptions): AdminGuard {
  const { store, clock, doors, isHttps, random } = options;
  const sessions = createSessions({ store, clock, ...(random === undefined ? {} : { random }) });
  const requests = createAttemptLimit(clock, options.requests ?? DEFAULT_REQUESTS, (tokenId) => tokenId);
  const answer = options.answerRefusal ?? answerWithJson;

  const refuse: Refuse = (request, response, status, error, retryAfter = null) => {
    if (retryAfter !== null) response.set('Retry-After', String(retryAfter));
    answer(request, response.status(status), error);
  };

  /** `retryAfter`: the address has failed too often. */
  const identify = async (
    request: Request,
    response: Response,
  ): Promise<{ readonly isAdmin: boolean; readonly retryAfter: number | null }> => {
    const bearer = readBearer(request);
    if (bearer !== null) {
      const verdict = await doors.check('admin', bearer, request.ip ?? '', isForPage);
      if (verdict.kind === 'refused') return { isAdmin: false, retryAfter: verdict.retryAfter };
      known.set(response, { admin: toAdmin(verdict.token), session: null });
      return { isAdmin: true, retryAfter: null };
    }
    const id = readSessionCookie(request, isHttps(request));
    const session = id === null ? null : await sessions.find(id);
    if (session === null) return { isAdmin: false, retryAfter: null };
    known.set(response, { admin: session.admin, session });
    doors.admit(request.ip ?? '', { id: session.admin.tokenId, lastUsedAt: session.admin.lastUsedAt });
    return { isAdmin: true, retryAfter: null };
  };

  return {
    sameOrigin(request, response, next) {
      if (isFromOtherSite(request)) refuse(request, response, 403, 'The request comes from another site.');
      else next();
    },
    authenticate(request, response, next) {
      identify(request, response)
        .then(({ isAdmin, retryAfter: wait }) => {
          if (!isAdmin) {
            turnAway(request, response, { loginPath: options.loginPath, retryAfter: wait, refuse });
            return;
          }
          options.onAuthenticated?.(request);
          const retryAfter = requests.fail(adminOf(response).tokenId);
          if (retryAfter === null) next();
          else refuse(request, response, 429, 'Too many requests with this admin token.', retryAfter);
        })
        .catch(next);
    },
    csrf(request, response, next) {
      const { session } = knownOf(response);
      const isProven = session === null || sameDigest(readCsrfToken(request), session.csrfToken);
      if (SAFE_METHODS.has(request.method) || (isProven && (session === null || !isFromOtherSite(request)))) next();
      else
        refuse(request, response, 403, 'The form has expired or was not sent from this page. Reload it and try again.');
    },
    async login(request, response, secret) {
      const text = typeof secret === 'string' && secret.length <= LONGEST_SECRET ? secret.trim() : '';
      const verdict = await doors.check('signIn', text === '' ? null : text, request.ip ?? '', isForPage);
      if (verdict.kind === 'refused') return { kind: verdict.retryAfter === null ? 'refused' : 'limited' };
      const opened = sessions.open(verdict.token, text);
      // A session that the browser brought along ends: a planted id must not become a real one.
      const earlier = readSessionCookie(request, isHttps(request));
      if (earlier !== null) sessions.close(earlier);
      setSessionCookie(response, opened.id, isHttps(request));
      return { kind: 'ok', session: opened.session };
    },
    logout(request, response) {
      const id = readSessionCookie(request, isHttps(request));
      if (id !== null) sessions.close(id);
      clearSessionCookie(response, isHttps(request));
    },
  };
}

/** Who a request comes from; only behind `authenticate`. */
export const adminOf = (response: Response): AdminIdentity => knownOf(response).admin;

/** The session of a request; null for a bearer. Only behind `authenticate`. */
export const sessionOf = (response: Response): Session | null => knownOf(response).session;

/**
 * A path of this page to go to after the log-in, from what a client sent. Anything that a browser
 * could take for another host becomes `fallback`.
 */
export function safeReturnPath(value: unknown, base: string, fallback: string): string {
  if (typeof value !== 'string' || value.length > 500) return fallback;
  // Browsers drop tabs and line ends from addresses and read `\` as `/`.
  if (!/^\/[\x21-\x5b\x5d-\x7e]*$/.test(value) || value.startsWith('//')) return fallback;
  const resolved = new URL(value, 'http://self.invalid');
  const isInside = resolved.pathname === base || resolved.pathname.startsWith(`${base}/`);
  return resolved.origin === 'http://self.invalid' && isInside ? resolved.pathname + resolved.search : fallback;
}

interface Known {
  readonly admin: AdminIdentity;
  readonly session: Session | null;
}

const known = new WeakMap<Response, Known>();

function knownOf(response: Response): Known {
  const found = known.get(response);
  if (found === undefined) throw new Error('a handler of the admin surface stands before authenticate');
  return found;
}

function readBearer(request: Request): string | null {
  const values = request.headersDistinct['authorization'] ?? [];
  if (values.length === 0) return null;
  const [value = ''] = values;
  // More than one, or another scheme: an attempt all the same, and never the session instead.
  return values.length === 1 ? (/^Bearer +([\x21-\x7e]{1,512}) *$/i.exec(value)?.[1] ?? '') : '';
}

function readCsrfToken(request: Request): string {
  const header = request.headers['x-csrf-token'];
  if (typeof header === 'string') return header;
  const body: unknown = request.body;
  if (typeof body !== 'object' || body === null || !('csrf' in body)) return '';
  return typeof body.csrf === 'string' ? body.csrf : '';
}

/**
 * What a browser says about the origin of a request that changes something. `Sec-Fetch-Site` cannot
 * be set by a page; `Origin` is the word of older browsers, compared with the host they asked.
 */
function isFromOtherSite(request: Request): boolean {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const { origin } = request.headers;
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== request.host;
}

type Refuse = (request: Request, response: Response, status: number, error: string, retryAfter?: number | null) => void;

function turnAway(
  request: Request,
  response: Response,
  how: { readonly loginPath: string; readonly retryAfter: number | null; readonly refuse: Refuse },
): void {
  const { loginPath, retryAfter, refuse } = how;
  if (retryAfter !== null) {
    refuse(request, response, 429, 'Too many failed log-ins from this address.', retryAfter);
    return;
  }
  const isPage = SAFE_METHODS.has(request.method) && request.accepts(['json', 'html']) === 'html';
  if (isPage && request.headers.authorization === undefined) {
    response.redirect(303, `${loginPath}?next=${encodeURIComponent(request.originalUrl)}`);
    return;
  }
  response.set('WWW-Authenticate', 'Bearer realm="admin"');
  refuse(request, response, 401, 'An admin token or a session is needed.');
}

function answerWithJson(_request: Request, response: Response, error: string): void {
  response.json({ error });
}
