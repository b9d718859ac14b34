/** The admin surface as attackers meet it: a page with one form behind the guard, over HTTP. */
import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import pino from 'pino';
import { createDoors } from '../../src/auth/doors.js';
import { adminOf, createAdminGuard, safeReturnPath, sessionOf } from '../../src/admin/guard.js';
import { securityHeaders } from '../../src/admin/security-headers.js';
import { DEFAULT_RULES } from '../../src/domain/rules.js';
import { newToken } from '../../src/domain/secret-token.js';
import type { Store } from '../../src/store/port.js';
import { openStore } from '../../src/store/sqlite-store.js';
import { createFakeClock, type FakeClock } from '../support/fake-clock.js';

const MINUTE = 60_000;

let directory: string;
let store: Store;
let clock: FakeClock;
let server: Server;
let url: string;
let isHttps: boolean;
let secret: string;
let done: string[];

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'guard-'));
  clock = createFakeClock();
  isHttps = false;
  done = [];
  store = openStore({ path: path.join(directory, 'bridge.db'), clock, rules: () => DEFAULT_RULES });
  secret = await addToken('admin', 'boss');
  const app = express();
  const guard = createAdminGuard({
    ...{ store, clock, isHttps: () => isHttps, loginPath: '/admin/login' },
    doors: createDoors({
      ...{ store, clock, log: pino({ enabled: false }), onFailure: () => undefined },
      attempts: { limit: 3, windowMs: MINUTE, maxAddresses: 10 },
    }),
    requests: { limit: 20, windowMs: MINUTE, maxAddresses: 10 },
  });
  app.use(securityHeaders({ isHttps: () => isHttps }), express.urlencoded({ extended: false }));
  app.post('/admin/login', guard.sameOrigin, async (request, response) => {
    const { kind } = await guard.login(request, response, (request.body as { token?: unknown }).token);
    response.status(kind === 'ok' ? 204 : kind === 'limited' ? 429 : 403).end();
  });
  app.use('/admin', guard.authenticate, guard.csrf);
  app.post('/admin/logout', (request, response) => {
    guard.logout(request, response);
    response.status(204).end();
  });
  app.all('/admin', (request, response) => {
    if (request.method !== 'GET') done.push(adminOf(response).actor);
    response.json({ csrf: sessionOf(response)?.csrfToken ?? null });
  });
  server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  store.close();
  rmSync(directory, { recursive: true });
});

async function addToken(kind: 'admin' | 'scim', label: string, expiresAt: number | null = null): Promise<string> {
  const made = newToken(kind);
  await store.addToken({ id: label, kind, label, scopes: [], clientId: null, expiresAt, hash: made.hash }, 'cli');
  return made.secret;
}

const send = (method: string, at: string, headers: Record<string, string> = {}, body?: string) =>
  fetch(url + at, {
    method,
    redirect: 'manual',
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }), ...headers },
    ...(body === undefined ? {} : { body }),
  });

const login = (token: string, headers: Record<string, string> = {}) =>
  send('POST', '/admin/login', headers, new URLSearchParams({ token }).toString());

/** Logs in; the cookie as a browser would send it, and the CSRF token of the session. */
async function openSession(): Promise<{ cookie: string; csrf: string; setCookie: string }> {
  const answer = await login(secret);
  expect(answer.status).toBe(204);
  const setCookie = answer.headers.get('set-cookie') ?? '';
  const cookie = setCookie.split(';')[0] ?? '';
  const page = (await (await send('GET', '/admin', { cookie })).json()) as { csrf: string };
  return { cookie, csrf: page.csrf, setCookie };
}

describe('the session cookie', () => {
  it('cannot be read by scripts, is sent by this site alone, and needs TLS where there is TLS', async () => {
    const plain = await openSession();
    expect(plain.setCookie).toMatch(/^esb_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    isHttps = true;
    const secure = await openSession();
    expect(secure.setCookie).toMatch(/^__Host-esb_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
    // One that was planted over plain HTTP opens nothing.
    expect((await send('GET', '/admin', { cookie: plain.cookie })).status).toBe(401);
  });

  it('is new at each log-in, and the one before ends: nobody can fix a session in advance', async () => {
    const first = await openSession();
    const again = await login(secret, { cookie: first.cookie });
    expect(again.headers.get('set-cookie')).not.toContain(first.cookie);
    expect((await send('GET', '/admin', { cookie: first.cookie })).status).toBe(401);
    const chosen = `esb_session=${'A'.repeat(43)}`;
    expect((await send('GET', '/admin', { cookie: chosen })).status).toBe(401);
    expect((await login(secret, { cookie: chosen })).headers.get('set-cookie')).not.toContain('AAAA');
  });

  it('ends after 30 minutes without use, after 12 hours of use, at the log-out and with its token', async () => {
    const { cookie, csrf } = await openSession();
    const status = async () => (await send('GET', '/admin', { cookie })).status;
    clock.advance(30 * MINUTE - 1);
    expect(await status()).toBe(200);
    clock.advance(30 * MINUTE);
    expect(await status()).toBe(401);

    const long = await openSession();
    for (let minute = 0; minute < 12 * 60 - 20; minute += 20) {
      clock.advance(20 * MINUTE);
      expect((await send('GET', '/admin', { cookie: long.cookie })).status).toBe(200);
    }
    clock.advance(20 * MINUTE);
    expect((await send('GET', '/admin', { cookie: long.cookie })).status).toBe(401);

    const out = await openSession();
    const bye = await send('POST', '/admin/logout', { cookie: out.cookie, 'x-csrf-token': out.csrf });
    expect([bye.status, bye.headers.get('set-cookie')]).toEqual([204, expect.stringContaining('Max-Age=0')]);
    expect((await send('GET', '/admin', { cookie: out.cookie })).status).toBe(401);

    const ended = await openSession();
    await store.revokeToken('boss', 'cli');
    expect((await send('GET', '/admin', { cookie: ended.cookie })).status).toBe(401);
    expect(csrf).not.toBe(out.csrf);
  });

  it('does not notice that the wall clock was set', async () => {
    const { cookie } = await openSession();
    for (const jump of [86_400_000, -2 * 86_400_000]) {
      clock.jump(jump);
      expect((await send('GET', '/admin', { cookie })).status).toBe(200);
    }
  });
});

describe('another site', () => {
  it('cannot send a form: without the CSRF token of the session nothing is done', async () => {
    const { cookie, csrf } = await openSession();
    const other = await openSession();
    for (const token of ['', 'x', csrf.slice(1), other.csrf]) {
      expect((await send('POST', '/admin', { cookie }, `csrf=${token}`)).status).toBe(403);
      expect((await send('DELETE', '/admin', { cookie, 'x-csrf-token': token })).status).toBe(403);
    }
    expect(done).toEqual([]);
    expect((await send('POST', '/admin', { cookie }, `csrf=${csrf}`)).status).toBe(200);
    expect((await send('PUT', '/admin', { cookie, 'x-csrf-token': csrf })).status).toBe(200);
    expect(done).toEqual(['admin:boss', 'admin:boss']);
  });

  it.each([
    ['a browser that says so', { 'sec-fetch-site': 'cross-site' }],
    ['a neighbour on the domain', { 'sec-fetch-site': 'same-site' }],
    ['an older browser', { origin: 'https://evil.example' }],
    ['a frame without an origin', { origin: 'null' }],
  ])('is turned away even with the right token: %s', async (_case, headers) => {
    const { cookie, csrf } = await openSession();
    expect((await send('POST', '/admin', { cookie, ...headers }, `csrf=${csrf}`)).status).toBe(403);
    expect((await login(secret, headers)).status).toBe(403);
    expect(done).toEqual([]);
  });

  it('cannot send a browser elsewhere after the log-in', () => {
    const target = (value: unknown) => safeReturnPath(value, '/admin', '/admin');
    for (const value of [
      ...['https://evil.example', '//evil.example', '/\\evil.example', '/admin/..//evil.example', '/\t/evil.example'],
      ...['javascript:alert(1)', '/administrator', '/admin/../scim/v2/Users', '', '/admin\r\nSet-Cookie: a=b', 7, null],
    ]) {
      expect([value, target(value)]).toEqual([value, '/admin']);
    }
    expect(target('/admin/users?status=failed')).toBe('/admin/users?status=failed');
  });

  it('cannot frame the page, run code in it or keep any of it', async () => {
    const { headers } = await send('GET', '/admin/login');
    const policy = headers.get('content-security-policy') ?? '';
    for (const rule of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"])
      expect(policy).toContain(rule);
    expect(policy).not.toContain('unsafe');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('strict-transport-security')).toBeNull();
    isHttps = true;
    expect((await send('GET', '/admin/login')).headers.get('strict-transport-security')).toMatch(/^max-age=\d{8}$/);
  });
});

describe('the door', () => {
  it('lets in no token but an admin one that is valid', async () => {
    const scim = await addToken('scim', 'idp');
    const expired = await addToken('admin', 'old', clock.now() - 1);
    for (const token of [scim, expired, 'esb_admin_guess', '', `${secret}x`]) {
      clock.advance(MINUTE);
      expect((await send('GET', '/admin', { authorization: `Bearer ${token}` })).status).not.toBe(200);
      expect((await login(token)).status).not.toBe(204);
    }
    const answer = await send('POST', '/admin', { authorization: `Bearer ${secret}` });
    expect([answer.status, done]).toEqual([200, ['admin:boss']]);
  });

  it('slows guessing down, and never whoever has shown a valid token from the same address before', async () => {
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 5; attempt += 1)
      statuses.push((await login(`esb_admin_${String(attempt)}`)).status);
    expect(statuses).toEqual([403, 403, 403, 429, 429]);
    const bearer = await send('GET', '/admin', { authorization: 'Bearer guess' });
    expect([bearer.status, Number(bearer.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect((await login(secret)).status).toBe(429);
    clock.advance(MINUTE);
    expect((await login(secret)).status).toBe(204);
    for (let attempt = 0; attempt < 5; attempt += 1) await login('esb_admin_guess');
    expect((await login('esb_admin_guess')).status).toBe(429);
    expect((await login(secret)).status).toBe(204);
  });

  it('limits the requests of each admin token', async () => {
    const authorization = `Bearer ${secret}`;
    for (let count = 0; count < 20; count += 1)
      expect((await send('GET', '/admin', { authorization })).status).toBe(200);
    const answer = await send('GET', '/admin', { authorization });
    expect([answer.status, Number(answer.headers.get('retry-after')) > 0]).toEqual([429, true]);
    const other = await addToken('admin', 'colleague');
    expect((await send('GET', '/admin', { authorization: `Bearer ${other}` })).status).toBe(200);
    clock.advance(MINUTE);
    expect((await send('GET', '/admin', { authorization })).status).toBe(200);
  });

  it('shows browsers where to log in, and scripts a challenge', async () => {
    const browser = await send('GET', '/admin?x=//evil.example', { accept: 'text/html,*/*' });
    expect([browser.status, browser.headers.get('location')]).toEqual([
      303,
      '/admin/login?next=%2Fadmin%3Fx%3D%2F%2Fevil.example',
    ]);
    const script = await send('GET', '/admin', { accept: 'application/json' });
    expect([script.status, script.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="admin"']);
    expect((await send('POST', '/admin', { accept: 'text/html' })).status).toBe(401);
  });
});

describe('the last use of an admin token', () => {
  const lastUse = async () => (await store.listTokens()).find(({ id }) => id === 'boss')?.lastUsedAt;

  it('is written down at sign-in and at use, at most once a minute', async () => {
    const first = clock.now();
    expect(await lastUse()).toBeNull();
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const signedIn = await send('POST', '/admin/login', form, `token=${secret}`);
    expect([signedIn.status, await lastUse()]).toEqual([204, first]);
    const cookie = signedIn.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    clock.advance(MINUTE - 1);
    expect((await send('GET', '/admin', { cookie })).status).toBe(200);
    expect(await lastUse()).toBe(first);
    clock.advance(1);
    expect((await send('GET', '/admin', { cookie })).status).toBe(200);
    expect(await lastUse()).toBe(first + MINUTE);
    clock.advance(MINUTE);
    expect((await send('GET', '/admin', { authorization: `Bearer ${secret}` })).status).toBe(200);
    expect(await lastUse()).toBe(first + 2 * MINUTE);
  });
});
