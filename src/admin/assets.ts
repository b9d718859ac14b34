/** The files of the page: style, script, icon. Read once; served to everybody, since they hold nothing. */
import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import type { RequestHandler } from 'express';

const TYPES = {
  'style.css': 'text/css; charset=utf-8',
  'live.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const;

interface Asset {
  readonly type: string;
  readonly body: Buffer;
  readonly etag: string;
}

/** Answers `/<name>`; what is no file of the page is left to the next handler. */
export function assetsHandler(): RequestHandler {
  const assets = new Map(Object.entries(TYPES).map(([name, type]) => [`/${name}`, load(name, type)]));
  return (request, response, next) => {
    const asset = assets.get(request.path);
    if (asset === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) {
      next();
      return;
    }
    // Asked for anew each time, and sent only where it has changed: an upgrade counts at once.
    response.set({ 'Cache-Control': 'no-cache', ETag: asset.etag, 'Content-Type': asset.type });
    if (request.headers['if-none-match'] === asset.etag) response.status(304).end();
    else response.status(200).end(asset.body);
  };
}

function load(name: string, type: string): Asset {
  const body = readFileSync(new URL(`./assets/${name}`, import.meta.url));
  return { type, body, etag: `"${createHash('sha256').update(body).digest('hex').slice(0, 32)}"` };
}
