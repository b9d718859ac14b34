/** The metrics of a whole bridge, as Prometheus reads them. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { startTestBridge, TOKEN, type TestBridge, type TestBridgeOptions } from '../support/bridge.js';
import { exchange, statusOf } from '../security/raw.js';

const ADMIN_TOKEN = 'esb_admin_a-token-for-the-metrics-tests';
const DAY = 86_400_000;

let bridge: TestBridge;
afterEach(() => bridge.close());

const start = async (options: TestBridgeOptions = {}): Promise<void> => {
  bridge = await startTestBridge({ seed: minimalSeed(), ...options, env: { ADMIN_TOKEN, ...options.env } });
};
const read = async (headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${new URL(bridge.scimUrl).origin}/metrics`, { headers: { connection: 'close', ...headers } });

/** Value of a series, by name and labels as they are printed. */
async function values(): Promise<ReadonlyMap<string, number>> {
  const text = await (await read()).text();
  return new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const space = line.lastIndexOf(' ');
        return [line.slice('scim_bridge_'.length, space), Number(line.slice(space + 1))];
      }),
  );
}

describe('/metrics', () => {
  it('counts requests by method, route and status, and calls by endpoint and outcome', async () => {
    await start();
    const { body } = await bridge.createUser('zoe');
    await bridge.scim('GET', `/Users/${body.id}`);
    await bridge.scim('GET', '/Users/nobody');
    await bridge.scim('GET', '/Nowhere/x');
    await bridge.scim('BREW', '/Users');
    const found = await values();
    expect(found.get('requests_total{method="POST",route="/Users",status="201"}')).toBe(1);
    expect(found.get('requests_total{method="GET",route="/Users/:id",status="200"}')).toBe(1);
    expect(found.get('requests_total{method="GET",route="/Users/:id",status="404"}')).toBe(1);
    expect(found.get('requests_total{method="GET",route="none",status="404"}')).toBe(1);
    expect(found.get('request_duration_seconds_count{route="/Users/:id"}')).toBe(2);
    expect(found.get('upstream_calls_total{endpoint="invites.create",outcome="ok"}')).toBe(1);
    expect(found.get('upstream_call_duration_seconds_count{endpoint="invites.create"}')).toBe(1);
    expect(found.get('upstream_calls_total{endpoint="members.list",outcome="ok"}')).toBe(1);
  });

  it('says how it is with people, groups, invites and open changes, and for how long', async () => {
    await start({ env: { DEPROVISION_LIMIT: '1', PROVISION_WAIT_MS: '0' } });
    bridge.control.createGroup('Designers');
    const ids: string[] = [];
    for (const name of ['ann', 'ben', 'cem']) ids.push((await bridge.createUser(name)).body.id);
    await bridge.idle();
    for (const name of ['ann', 'ben']) bridge.control.accept(`${name}@workspace.example`);
    await bridge.sync();
    await bridge.createGroup('Designers', ids);
    await bridge.createGroup('Unknown');
    for (const id of ids.slice(0, 2)) await bridge.patchUser(id, { op: 'replace', path: 'active', value: false });
    await bridge.idle();
    await bridge.clock.advanceAsync(7_000);
    const found = await values();
    expect(found.get('users{status="locked"}')).toBe(1);
    expect(found.get('users{status="held"}')).toBe(1);
    expect(found.get('users{status="invited"}')).toBe(1);
    expect(found.get('invites{state="invited"}')).toBe(1);
    expect(found.get('invites{state="accepted"}')).toBe(2);
    expect(found.get('groups{link_status="linked"}')).toBe(1);
    expect(found.get('groups{link_status="unlinked"}')).toBe(1);
    expect(found.get('changes_open{state="held"}')).toBe(1);
    expect(found.get('changes_open{state="refused"}')).toBe(0);
    expect(found.get('oldest_held_age_seconds')).toBeCloseTo(7, 0);
    expect(found.get('workspace_members')).toBe(3);
    expect(found.get('drift_open')).toBe(0);
    expect(found.get('phase{phase="serving"}')).toBe(1);
    expect(found.get('phase{phase="keyRejected"}')).toBe(0);
    expect(found.get('last_sync_timestamp_seconds')).toBeCloseTo((bridge.clock.now() - 7_000) / 1000, 0);
    expect(found.get('store_bytes')).toBeGreaterThan(50_000);
    expect(found.get('resident_memory_bytes')).toBeGreaterThan(1e7);
    expect(found.get('event_loop_lag_seconds{quantile="0.99"}')).toBeGreaterThanOrEqual(0);
    expect(found.get('info{version="0.1.0"}')).toBe(1);
    expect(found.get('dry_run')).toBe(0);
  });

  it('counts refused changes while they are still to be tried, and the age of what waits', async () => {
    await start({ seed: { ...minimalSeed(), seatLimits: { full: 1, basic: 0 } }, env: { PROVISION_WAIT_MS: '0' } });
    await bridge.createUser('ann');
    await bridge.idle();
    expect((await values()).get('changes_open{state="refused"}')).toBe(1);
    bridge.control.addFault({ fault: { kind: 'status', status: 503 } });
    await bridge.createUser('ben');
    await bridge.until(async () => (await bridge.store.numbers()).open.planned === 1, 'the invite waits');
    await bridge.clock.advanceAsync(500);
    bridge.clock.jump(60_000);
    const found = await values();
    expect(found.get('oldest_change_age_seconds')).toBeGreaterThanOrEqual(60);
    expect(found.get('queue_entries')).toBeGreaterThanOrEqual(1);
    expect(
      [...found].filter(([name]) => name.startsWith('upstream_calls_total') && name.includes('transient')),
    ).not.toEqual([]);
  });

  it('tells how long tokens live, those that were revoked and have no end apart', async () => {
    await start();
    const { store, clock } = bridge;
    const token = { kind: 'scim', scopes: [], clientId: null } as const;
    await store.addToken({ ...token, id: 'a', label: 'okta', hash: 'a', expiresAt: clock.now() + 10 * DAY }, 'test');
    await store.addToken({ ...token, id: 'b', label: 'old', hash: 'b', expiresAt: clock.now() + 10 * DAY }, 'test');
    await store.revokeToken('b', 'test');
    const found = await values();
    expect([...found].filter(([name]) => name.startsWith('token_expiry'))).toEqual([
      ['token_expiry_days{kind="scim",label="okta"}', 10],
    ]);
  });

  it('does not tell of a token that was replaced by rotation, before and after its end', async () => {
    await start();
    const { store, clock } = bridge;
    const token = { kind: 'scim', label: 'okta', scopes: [], clientId: null } as const;
    await store.addToken({ ...token, id: 'a', hash: 'a', expiresAt: null }, 'test');
    clock.jump(1000);
    await store.addToken({ ...token, id: 'b', hash: 'b', expiresAt: null }, 'test');
    await store.expireToken('a', clock.now() + DAY, 'test');
    const expiries = async () => [...(await values()).keys()].filter((name) => name.startsWith('token_expiry'));
    expect(await expiries()).toEqual([]);
    clock.jump(2 * DAY);
    expect(await expiries()).toEqual([]);
    await store.expireToken('b', clock.now() - DAY, 'test');
    expect((await values()).get('token_expiry_days{kind="scim",label="okta"}')).toBe(-1);
  });

  it('is open on this machine, and behind a proxy only with an admin token', async () => {
    await start();
    expect((await read()).status).toBe(200);
    const proxied = { 'x-forwarded-for': '203.0.113.7' };
    const refused = await read(proxied);
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="metrics"']);
    expect(await refused.text()).not.toContain('scim_bridge');
    expect((await read({ ...proxied, authorization: `Bearer ${TOKEN}` })).status).toBe(401);
    expect((await read({ ...proxied, authorization: 'Bearer wrong' })).status).toBe(401);
    const allowed = await read({ ...proxied, authorization: `Bearer ${ADMIN_TOKEN}` });
    expect([allowed.status, allowed.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/plain')]);
  });

  it('notes when a token was used for it, at most once a minute, also where none is needed', async () => {
    await start();
    const { store, clock } = bridge;
    const lastUse = async () => (await store.listTokens()).find(({ kind }) => kind === 'admin')?.lastUsedAt;
    const authorization = `Bearer ${ADMIN_TOKEN}`;
    await read();
    await read({ authorization: 'Bearer wrong' });
    expect(await lastUse()).toBeNull();
    const first = clock.now();
    expect((await read({ authorization })).status).toBe(200);
    expect(await lastUse()).toBe(first);
    clock.jump(59_999);
    await read({ authorization, 'x-forwarded-for': '203.0.113.7' });
    expect(await lastUse()).toBe(first);
    clock.jump(1);
    await read({ authorization, 'x-forwarded-for': '203.0.113.7' });
    expect(await lastUse()).toBe(first + 60_000);
  });

  it('is open to nobody who is led to this machine by a name, nor behind so many headers that one would be lost', async () => {
    await start();
    const port = Number(new URL(bridge.scimUrl).port);
    const ask = (...headers: readonly string[]): Promise<string> =>
      exchange(port, ['GET /metrics HTTP/1.1', ...headers, 'Connection: close', '', ''].join('\r\n'));
    expect(statusOf(await ask('Host: rebound.example'))).toBe(401);
    const lost = [...Array.from({ length: 120 }, () => 'X-A: b'), 'X-Forwarded-For: 203.0.113.7'];
    expect(statusOf(await ask('Host: localhost', ...lost))).toBe(431);
    for (const host of ['localhost', '127.0.0.1:8080', '[::1]']) expect(statusOf(await ask(`Host: ${host}`))).toBe(200);
  });

  it('needs a token from everybody where PUBLIC_URL says that there is a proxy', async () => {
    await start({ env: { PUBLIC_URL: 'https://bridge.example' } });
    expect((await read()).status).toBe(401);
    expect((await read({ authorization: `Bearer ${ADMIN_TOKEN}` })).status).toBe(200);
  });

  it('holds no address, no id and no secret', async () => {
    await start();
    const { body } = await bridge.createUser('zoe');
    await bridge.scim('GET', `/Users/${body.id}?filter=${encodeURIComponent('userName eq "zoe@workspace.example"')}`);
    const text = await (await read()).text();
    for (const secret of ['zoe', body.id, TOKEN, ADMIN_TOKEN, bridge.sandbox.apiKey()])
      expect(text).not.toContain(secret);
  });
});
