/**
 * What browsers are told about the admin page: nothing but its own files, nobody may frame it, and
 * nothing of it is kept.
 *
 * The policy has no 'unsafe-inline' and no nonce: scripts and styles are files of the page's own
 * origin (`<script src>`, `<link rel="stylesheet">`), so that text that slips into the HTML unescaped
 * still cannot run.
 */
import type { Request, RequestHandler } from 'express';

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'Content-Security-Policy': POLICY,
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'Cache-Control': 'no-store',
} as const;

/** Two years, as browsers' preload lists want it; of this host alone, for others are not ours. */
const STRICT_TRANSPORT = 'max-age=63072000';

export interface HeaderOptions {
  /** Whether the browser reached the page over TLS, here or at a proxy. */
  readonly isHttps: (request: Request) => boolean;
}

/** Middleware, to be mounted before everything else of the page: errors need the headers too. */
export function securityHeaders({ isHttps }: HeaderOptions): RequestHandler {
  return (request, response, next) => {
    response.set(HEADERS);
    // Over plain HTTP browsers ignore it, and it would be a lie.
    if (isHttps(request)) response.set('Strict-Transport-Security', STRICT_TRANSPORT);
    next();
  };
}
