/**
 * `/metrics`: with the token of an administrator or one that may read metrics alone, as bearer. A
 * program on this very machine needs none, unless the bridge is known to be reached through a proxy:
 * then everybody would seem to be on this machine.
 */
import type { Request, RequestHandler } from 'express';
import { hashToken } from '../domain/secret-token.js';
import type { AdminOptions } from './context.js';
import { findMetricsReader } from './sessions.js';
import type { NoteUse } from './token-use.js';

type MetricsParts = Pick<AdminOptions, 'store' | 'clock' | 'metrics' | 'metricsOnLoopback'> & {
  readonly noteUse: NoteUse;
};

export function metricsEndpoint({ store, clock, metrics, metricsOnLoopback, noteUse }: MetricsParts): RequestHandler {
  const isAllowed = async (request: Request): Promise<boolean> => {
    const bearer = /^Bearer +([\x21-\x7e]{1,512}) *$/i.exec(request.headers.authorization ?? '')?.[1];
    const reader = bearer === undefined ? null : await findMetricsReader(store, hashToken(bearer), clock.now());
    if (reader !== null) noteUse(reader);
    return reader !== null || (metricsOnLoopback && isFromHere(request));
  };
  return (request, response, next) => {
    const answer = async (): Promise<void> => {
      response.set('Cache-Control', 'no-store');
      if (await isAllowed(request)) {
        response
          .status(200)
          .set('Content-Type', metrics.contentType)
          .end(await metrics.text());
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
