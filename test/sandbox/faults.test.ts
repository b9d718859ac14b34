/** Everything that can go wrong between the bridge and ElevenLabs, on demand. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ElevenLabsClient } from '@elevenlabs/elevenlabs-js';
import type { FakeClock } from '../support/fake-clock.js';
import { createFakeClock, settle } from '../support/fake-clock.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import type { Started } from './start.js';
import { start } from './start.js';

const INVITE = '/v1/workspace/invites/add';
const MEMBERS = '/v1/workspace/members';
const ANN = { email: 'ann@x.example' };

let running: Started;
let clock: FakeClock;

beforeEach(async () => {
  clock = createFakeClock();
  running = await start({
    clock,
    seed: minimalSeed({
      members: [{ email: 'owner@x.example', owner: true }, { email: 'bob@x.example' }, { email: 'eve@x.example' }],
      groups: [{ name: 'Team', id: 'team' }],
    }),
  });
});
afterEach(() => running.close());

const control = () => running.sandbox.control;
const invited = () => control().invite(ANN.email)?.status;
const until = async (met: () => boolean) => {
  while (!met()) await settle();
};

describe('rules', () => {
  it('match method, path, body and count', async () => {
    const fault = { kind: 'status', status: 503 } as const;
    control().addFault({ method: 'POST', path: '/v1/workspace/groups/*/members', fault });
    control().addFault({ path: '/v1/workspace/invites/**', bodyIncludes: 'ann@', nth: [2, 3], fault });
    const add = await running.call('POST', '/v1/workspace/groups/team/members', { email: 'bob@x.example' });
    expect([add.status, add.json.detail.code]).toEqual([503, 'maintenance']);
    expect((await running.call('POST', '/v1/workspace/groups/team/members/remove', ANN)).status).toBe(400);
    const statuses = [];
    for (let index = 0; index < 4; index += 1) statuses.push((await running.call('POST', INVITE, ANN)).status);
    expect(statuses).toEqual([200, 503, 503, 200]);
    expect((await running.call('POST', INVITE, { email: 'zoe@x.example' })).status).toBe(200);
  });

  it('fire so many times, with a seeded chance, until they are cleared', async () => {
    const get = async () => (await running.call('GET', MEMBERS)).status;
    control().addFault({ times: 1, fault: { kind: 'status', status: 500 } });
    expect([await get(), await get()]).toEqual([500, 200]);
    const id = control().addFault({ probability: 0.5, fault: { kind: 'status', status: 502 } });
    const many = [];
    for (let index = 0; index < 40; index += 1) many.push(await get());
    expect(new Set(many)).toEqual(new Set([200, 502]));
    control().clearFaults(id);
    control().addFault({ probability: 0, fault: { kind: 'status', status: 502 } });
    expect(await get()).toBe(200);
  });

  it('leave later rules untouched when an earlier one has fired', async () => {
    control().addFault({ times: 1, fault: { kind: 'status', status: 500 } });
    control().addFault({ times: 1, fault: { kind: 'status', status: 429, headers: { 'retry-after': '7' } } });
    expect((await running.call('GET', MEMBERS)).status).toBe(500);
    const second = await running.call('GET', MEMBERS);
    expect([second.status, second.headers.get('retry-after')]).toEqual([429, '7']);
    expect((await running.call('GET', MEMBERS)).status).toBe(200);
  });
});

describe('faults', () => {
  it.each([false, true])('status, applied: %s', async (applied) => {
    control().addFault({ fault: { kind: 'status', status: 500, body: { detail: 'x' }, applied } });
    expect(await running.call('POST', INVITE, ANN)).toMatchObject({ status: 500, json: { detail: 'x' } });
    expect(invited()).toBe(applied ? 'pending' : undefined);
  });

  it.each([false, true])('cut connection, applied: %s', async (applied) => {
    control().addFault({ times: 1, fault: { kind: 'reset', applied } });
    await expect(running.call('POST', INVITE, ANN)).rejects.toThrow('fetch failed');
    expect(invited()).toBe(applied ? 'pending' : undefined);
    expect(control().requests()).toMatchObject([{ outcome: 'reset', status: null, body: ANN }]);
  });

  it.each([
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ])('hang, applied: %s, dropped: %s', async (applied, drop) => {
    control().addFault({ times: 1, fault: { kind: 'hang', applied } });
    const pending = running.call('POST', INVITE, ANN).then(
      (answer) => answer.status,
      () => 'cut',
    );
    await until(() => control().hanging() === 1);
    expect(invited()).toBe(applied ? 'pending' : undefined);
    control().releaseHanging({ drop });
    expect(await pending).toBe(drop ? 'cut' : 200);
    expect(invited()).toBe(applied || !drop ? 'pending' : undefined);
  });

  it('hang: is applied late although the client has given up', async () => {
    control().addFault({ times: 1, fault: { kind: 'hang' } });
    const gaveUp = new AbortController();
    const pending = fetch(`${running.url}${INVITE}`, {
      method: 'POST',
      body: JSON.stringify(ANN),
      headers: { 'xi-api-key': running.sandbox.apiKey() },
      signal: gaveUp.signal,
    });
    await until(() => control().hanging() === 1);
    gaveUp.abort();
    await expect(pending).rejects.toThrow('abort');
    await until(() => control().hanging() === 0);
    expect(invited()).toBeUndefined();
    control().releaseHanging();
    await until(() => invited() === 'pending');
  });

  it('a page of HTML, after the call has taken effect', async () => {
    control().addFault({ fault: { kind: 'html' } });
    const answer = await running.call('POST', INVITE, ANN);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(answer.text).toContain('<html>');
    expect(invited()).toBe('pending');
  });

  it.each([
    ['missingIsOwner', '/v1/workspace/members'],
    ['groupsAsArray', '/v1/workspace/groups'],
    ['brokenJson', '/v1/workspace/members'],
    ['emptyObject', '/v1/workspace/members'],
  ] as const)('%s: the SDK cannot read the answer', async (violation, path) => {
    const client = new ElevenLabsClient({ apiKey: running.sandbox.apiKey(), baseUrl: running.url, maxRetries: 0 });
    const list = (): Promise<unknown> =>
      path.endsWith('groups') ? client.workspace.groups.list() : client.workspace.members.list();
    await list();
    control().addFault({ path, fault: { kind: 'violation', violation } });
    await expect(list()).rejects.toThrow();
  });

  it('readings that are readable and wrong', async () => {
    const owners = async () =>
      (await running.call('GET', MEMBERS)).json.filter((row: { is_owner: boolean }) => row.is_owner).length;
    control().addFault({ times: 1, fault: { kind: 'violation', violation: 'noOwner' } });
    control().addFault({ times: 1, fault: { kind: 'violation', violation: 'twoOwners' } });
    control().addFault({ times: 1, fault: { kind: 'truncate', keep: 1 } });
    expect([await owners(), await owners()]).toEqual([0, 2]);
    expect((await running.call('GET', MEMBERS)).json).toHaveLength(1);
    expect((await running.call('GET', MEMBERS)).json).toHaveLength(3);
    control().addFault({ fault: { kind: 'truncate', keep: 0 } });
    expect((await running.call('GET', '/v1/workspace/groups')).json).toEqual({});
  });

  it('a redirect to another origin, to which the SDK by itself hands the key', async () => {
    const keys: (string | undefined)[] = [];
    const other = createServer((request, response) => {
      keys.push(request.headers['xi-api-key'] as string | undefined);
      response.setHeader('content-type', 'application/json').end('[]');
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const location = `http://localhost:${(other.address() as AddressInfo).port}/`;
    control().addFault({ fault: { kind: 'redirect', location } });
    const answer = await running.call('GET', MEMBERS);
    expect([answer.status, answer.headers.get('location')]).toEqual([302, location]);
    const client = new ElevenLabsClient({ apiKey: running.sandbox.apiKey(), baseUrl: running.url, maxRetries: 0 });
    await client.workspace.members.list();
    expect(keys).toEqual([running.sandbox.apiKey()]);
    other.closeAllConnections();
    await new Promise((resolve) => other.close(resolve));
  });

  it('latency and a slow body, by the clock', async () => {
    control().setLatency({ min: 100, max: 100 });
    control().addFault({ fault: { kind: 'latency', ms: 50 } });
    control().addFault({ fault: { kind: 'slowBody', ms: 1000 } });
    const done: number[] = [];
    const pending = running.call('GET', MEMBERS).then((answer) => done.push(answer.json.length));
    await until(() => clock.pending().length === 1);
    expect(clock.pending()).toEqual([150]);
    clock.advance(150);
    await until(() => clock.pending().length === 1);
    expect(clock.pending()).toEqual([1000]);
    expect(done).toEqual([]);
    clock.advance(1000);
    await pending;
    expect(done).toEqual([3]);
  });

  it('headers of one’s own, the date included', async () => {
    expect((await running.call('GET', MEMBERS)).headers.get('date')).toBe('Tue, 24 Nov 2026 09:00:00 GMT');
    const date = 'Tue, 24 Nov 2026 08:00:00 GMT';
    control().addFault({ fault: { kind: 'headers', headers: { date } } });
    const answer = await running.call('GET', MEMBERS);
    expect([answer.status, answer.headers.get('date')]).toEqual([200, date]);
  });

  it('a rate limit per key', async () => {
    control().setRateLimit({ perSecond: 2, retryAfter: 3 });
    const other = control().createKey({ owner: 'owner@x.example' });
    const statuses = [];
    for (let index = 0; index < 3; index += 1) statuses.push((await running.call('GET', MEMBERS)).status);
    const limited = await running.call('GET', MEMBERS);
    expect(statuses).toEqual([200, 200, 429]);
    expect([limited.headers.get('retry-after'), limited.json.detail.code]).toEqual(['3', 'rate_limit_exceeded']);
    expect((await running.call('GET', MEMBERS, undefined, other)).status).toBe(200);
    clock.advance(1000);
    expect((await running.call('GET', MEMBERS)).status).toBe(200);
  });

  it('closing cuts what hangs', async () => {
    control().addFault({ fault: { kind: 'hang' } });
    const pending = running.call('GET', MEMBERS).catch(() => 'cut');
    await until(() => control().hanging() === 1);
    await running.close();
    expect(await pending).toBe('cut');
  });
});
