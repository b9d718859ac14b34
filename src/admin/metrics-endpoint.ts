/**
 * `/metrics`: with the token of an administrator or one that may read metrics alone, as bearer. A
 * program on this very machine needs none, unless the bridge is known to be reached through a proxy:
 * then everybody would seem to be on this machine.
 */
import type { Request, RequestHandler } from 'express';
import type { Doors } from '../auth/doors.js';
import { isForMetrics } from '../auth/token-scopes.js';
import type { TokenRecord } from '../store/port.js';
import type { AdminOptions } from './context.js';
import { isForPage } from './sessions.js';

type MetricsParts = Pick<AdminOptions, 'metrics' | 'metricsOnLoopback'> & { readonly doors: Doors };

const mayReadMetrics = (token: TokenRecord): boolean => isForPage(token) || isForMetrics(token);

export function metricsEndpoint({ doors, metrics, metricsOnLoopback }: MetricsParts): RequestHandler {
  /** Null: allowed; else seconds to wait, 0 = none. */
  const refuse = async (request: Request): Promise<number | null> => {
    const { authorization } = request.headers;
    if (authorization === undefined && metricsOnLoopback && isFromHere(request)) return null;
    const bearer = /^Bearer +([\x21-\x7e]{1,512}) *$/i.exec(authorization ?? '')?.[1] ?? null;
    const verdict = await doors.check('metrics', bearer, request.ip ?? '', mayReadMetrics);
    return verdict.kind === 'valid' ? null : (verdict.retryAfter ?? 0);
  };
  return (request, response, next) => {
    const answer = async (): Promise<void> => {
      response.set('Cache-Control', 'no-store');
      const wait = await refuse(request);
      if (wait === null) {
        response
          .status(200)
          .set('Content-Type', metrics.contentType)
          .end(await metrics.text());
        return;
      }
      if (wait > 0) {
        response.set('Retry-After', String(wait)).status(429);
        response.json({ error: 'Too many failed authentications from this address.' });
        return;
      }
      response.set('WWW-Authenticate', 'Bearer realm="metrics"');
      response.status(401).json({ error: 'An admin token, or one for metrics, is needed as bearer.' });
    };
    answer().catch(next);
  };
}

const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'via'];

/** From this machine, and not passed on by a proxy that stands on it. */
function isFromHere({ socket, headers, hostname }: Request): boolean {
  const address = socket.remoteAddress ?? '';
  const isLoopback = address === '::1' || /^(::ffff:)?127\./.test(address);
  return isLoopback && isNameOfHere(hostname) && FORWARDED.every((name) => headers[name] === undefined);
}

/**
 * A browser on this machine may be led here by a name of somebody else's (DNS rebinding), whose page
 * could then read the answer.
 */
const isNameOfHere = (host: string | undefined): boolean =>
  host !== undefined && /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i.test(host);
