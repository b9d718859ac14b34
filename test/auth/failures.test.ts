/** What a security team sees of failed authentications: one event at whatever door. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pino from 'pino';
import { createAuthFailures, type AuthFailure, type AuthFailures } from '../../src/auth/auth-failures.js';
import { createClient } from '../../src/auth/clients.js';
import { ADMIN_TOKEN, startAdmin, type AdminBrowser } from '../admin/support.js';
import { createFakeClock, type FakeClock } from '../support/fake-clock.js';

const MINUTE = 60_000;

describe('at each door', () => {
  let admin: AdminBrowser;
  beforeEach(async () => {
    admin = await startAdmin({ env: { TRUST_PROXY: '1' } });
  });
  afterEach(() => admin.close());

  it('a failure is a log line, a row of the audit log and a count, with the address that the proxy names', async () => {
    const { client } = await createClient(admin.bridge.store, { label: 'entra', scopes: [], expiresAt: null }, 'cli');
    await admin.bridge.store.revokeToken(client.secrets[0]!.id, 'cli');
    const form = 'application/x-www-form-urlencoded';
    const bearer = 'Bearer esb_guess';
    const attempts: readonly (readonly [string, string, string, RequestInit])[] = [
      ['scim', 'GET', '/scim/v2/Users', { headers: { authorization: bearer } }],
      [
        'token',
        'POST',
        '/oauth/token',
        { headers: { 'content-type': form }, body: 'grant_type=client_credentials&client_id=a&client_secret=b' },
      ],
      ['admin', 'GET', '/admin', { headers: { authorization: bearer } }],
      ['signIn', 'POST', '/admin/login', { headers: { 'content-type': form }, body: 'token=esb_admin_guess' }],
      ['metrics', 'GET', '/metrics', { headers: { authorization: bearer } }],
    ];
    for (const [index, [, method, at, init]] of attempts.entries()) {
      const headers = { ...(init.headers as Record<string, string>), 'x-forwarded-for': `203.0.113.${index}` };
      expect((await admin.raw(method, at, { ...init, headers })).status).toBe(401);
    }
    const { store, logLines } = admin.bridge;
    const rows = [...(await store.auditRows({ action: 'auth.fail', limit: 9 }))].reverse();
    const expected = attempts.map(([door], index) => ({
      door,
      address: `203.0.113.${index}`,
      reason: 'unknown',
      count: 1,
    }));
    expect(rows.map(({ after }) => JSON.parse(after ?? ''))).toMatchObject(expected);
    expect(rows.every(({ at, actor }) => at > 0 && actor === 'anonymous')).toBe(true);
    const lines = logLines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'auth.fail');
    expect(lines).toMatchObject(expected);
    await admin.signIn();
    const metrics = await (
      await admin.raw('GET', '/metrics', { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })
    ).text();
    for (const [door] of attempts)
      expect(metrics).toContain(`scim_bridge_auth_failures_total{door="${door}",reason="unknown"} 1`);
    expect(logLines.join('')).not.toContain('esb_guess');
  });

  it('guesses at all doors count together, and the metrics are no way around', async () => {
    const headers = { authorization: 'Bearer esb_guess', 'x-forwarded-for': '203.0.113.9' };
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 31; attempt += 1)
      statuses.push((await admin.raw('GET', attempt % 2 === 0 ? '/metrics' : '/scim/v2/Users', { headers })).status);
    expect(statuses.slice(28)).toEqual([401, 401, 429]);
    const right = { ...headers, authorization: `Bearer ${ADMIN_TOKEN}` };
    const refused = await admin.raw('GET', '/metrics', { headers: right });
    expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true]);
    const elsewhere = { ...right, 'x-forwarded-for': '203.0.113.10' };
    expect((await admin.raw('GET', '/metrics', { headers: elsewhere })).status).toBe(200);
  });
});

describe('a flood', () => {
  let clock: FakeClock;
  let failures: AuthFailures;
  let rows: { readonly address: string; readonly count: number }[];
  let counted: number;
  beforeEach(() => {
    clock = createFakeClock();
    rows = [];
    counted = 0;
    failures = createAuthFailures({
      store: {
        async audit({ after }) {
          rows.push(after as (typeof rows)[number]);
        },
      },
      clock,
      log: pino({ enabled: false }),
      count: () => (counted += 1),
    });
  });
  const fail = (address: string): AuthFailure => ({
    door: 'scim',
    reason: 'unknown',
    address,
    token: null,
    clientId: null,
  });

  it('of one address is its first failure, and then one line with the count of the rest', () => {
    for (let attempt = 0; attempt < 5000; attempt += 1) failures.report(fail('203.0.113.1'));
    failures.report(fail('203.0.113.2'));
    expect(rows).toMatchObject([
      { address: '203.0.113.1', count: 1 },
      { address: '203.0.113.2', count: 1 },
    ]);
    clock.advance(MINUTE);
    expect(rows.slice(2)).toMatchObject([{ address: '203.0.113.1', count: 4999 }]);
    expect(counted).toBe(5001);
  });

  it('that goes on for a day is some thirty lines', () => {
    for (let second = 0; second < 86_400; second += 10) {
      failures.report(fail('203.0.113.1'));
      clock.advance(10_000);
    }
    failures.stop();
    expect(rows.length).toBeLessThan(30);
    expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(8640);
  });

  it('from many addresses at once is a hundred lines and one', () => {
    for (let index = 0; index < 5000; index += 1) failures.report(fail(`2001:db8:${index.toString(16)}::1`));
    clock.advance(MINUTE);
    expect(rows).toHaveLength(101);
    expect(rows.at(-1)).toMatchObject({ count: 4900 });
    expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(5000);
  });
});
