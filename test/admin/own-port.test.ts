/** The page on ADMIN_PORT behind a proxy that ends TLS: the cookie is for TLS alone where the browser has it. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { startTestBridge, type TestBridge } from '../support/bridge.js';
import { ADMIN_TOKEN } from './support.js';

let bridge: TestBridge;
let server: Server;

afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  await bridge.close();
});

async function signIn(env: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>>) {
  bridge = await startTestBridge({ env: { ADMIN_TOKEN, ADMIN_PORT: '0', ...env } });
  const handler = bridge.app.adminHttp;
  if (handler === null) throw new Error('the page has a port of its own');
  server = createServer(handler).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const answer = await fetch(`${origin}/admin/login`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ token: ADMIN_TOKEN }),
    headers: { connection: 'close', ...headers },
  });
  const cookie = answer.headers.get('set-cookie') ?? '';
  const page = await fetch(`${origin}/admin/users`, {
    redirect: 'manual',
    headers: { connection: 'close', cookie: cookie.split(';')[0] ?? '', ...headers },
  });
  await page.text();
  return { cookie, hsts: answer.headers.get('strict-transport-security'), page: page.status };
}

describe('the page on a port of its own', () => {
  it('has a cookie for TLS alone where a trusted proxy says that the browser came by TLS', async () => {
    const behind = await signIn({ TRUST_PROXY: '1' }, { 'x-forwarded-proto': 'https', 'x-forwarded-for': '192.0.2.1' });
    expect(behind.cookie).toMatch(/^__Host-esb_session=.*; Secure$/);
    expect(behind).toMatchObject({ hsts: expect.stringContaining('max-age='), page: 200 });
  });

  it('has a plain one by a tunnel without TLS, whatever PUBLIC_URL of SCIM says: else nobody could sign in', async () => {
    const plain = await signIn({ TRUST_PROXY: '1', PUBLIC_URL: 'https://scim.example.com' }, {});
    expect(plain.cookie).toMatch(/^esb_session=(?!.*Secure)/);
    expect(plain).toMatchObject({ hsts: null, page: 200 });
  });

  it('does not believe a header that no trusted proxy has written', async () => {
    const forged = await signIn({}, { 'x-forwarded-proto': 'https' });
    expect(forged).toMatchObject({ cookie: expect.stringMatching(/^esb_session=(?!.*Secure)/), hsts: null });
  });
});
