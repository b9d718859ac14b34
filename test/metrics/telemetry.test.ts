/** What is remembered of requests and calls: log lines with the same ids, counters by the hour, readings. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { createTelemetry } from '../../src/app/telemetry.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import type { HourlyCount, ReadingCall } from '../../src/store/port.js';
import { startTestBridge, type TestBridge } from '../support/bridge.js';

const HOUR = 3_600_000;

let bridge: TestBridge;
afterEach(() => bridge.close());

interface Line {
  readonly msg: string;
  readonly requestId?: string;
  readonly [key: string]: unknown;
}
const lines = (msg: string): readonly Line[] =>
  bridge.logLines.map((line) => JSON.parse(line) as Line).filter((line) => line.msg === msg);

const countsOf = async (name: string): Promise<readonly HourlyCount[]> =>
  (await bridge.store.hourly(0)).filter((count) => count.name === name);

describe('the log', () => {
  it('has one line per SCIM request and per call, with the id of the request in both', async () => {
    bridge = await startTestBridge({ seed: minimalSeed() });
    const { headers } = await bridge.createUser('zoe');
    const requestId = headers.get('x-request-id');
    await bridge.idle();
    expect(lines('scim request').filter((line) => line.requestId === requestId)).toEqual([
      expect.objectContaining({
        method: 'POST',
        template: '/Users',
        status: 201,
        outcome: 'ok',
        latencyMs: expect.any(Number),
      }),
    ]);
    expect(lines('upstream call').filter((line) => line.requestId === requestId)).toEqual([
      expect.objectContaining({
        endpoint: 'invites.create',
        outcome: 'ok',
        status: 200,
        upstreamRequestId: expect.any(String),
        ledgerId: expect.any(Number),
        subject: expect.stringMatching(/^user:/),
        person: 'zoe@workspace.example',
      }),
    ]);
    expect(lines('upstream call').filter((line) => line['endpoint'] === 'members.list')).not.toEqual([]);
  });
});

describe('counters by the hour', () => {
  it('survive a restart, and count what failed apart', async () => {
    bridge = await startTestBridge({ seed: minimalSeed() });
    const hour = Math.floor(bridge.clock.now() / HOUR);
    await bridge.createUser('zoe');
    await bridge.scim('GET', '/Users/nobody');
    await bridge.scim('GET', '/Users', undefined, { authorization: 'Bearer wrong' });
    await bridge.clock.advanceAsync(5_000);
    expect(await countsOf('requests')).toEqual([{ hour, name: 'requests', count: 3 }]);
    expect(await countsOf('requestFailures')).toEqual([{ hour, name: 'requestFailures', count: 2 }]);
    bridge.clock.jump(HOUR);
    await bridge.scim('GET', '/Users');
    await bridge.restart();
    await bridge.scim('GET', '/Users');
    await bridge.clock.advanceAsync(5_000);
    expect(await countsOf('requests')).toEqual([
      { hour, name: 'requests', count: 3 },
      { hour: hour + 1, name: 'requests', count: 2 },
    ]);
    expect((await countsOf('calls')).length).toBe(2);
  });

  it('count failing calls', async () => {
    bridge = await startTestBridge({ seed: minimalSeed() });
    bridge.control.addFault({ times: 1, fault: { kind: 'status', status: 500 } });
    await bridge.app.reconciler.syncNow('test');
    await bridge.clock.advanceAsync(5_000);
    expect((await countsOf('callFailures')).map(({ count }) => count)).toEqual([1]);
  });

  it('are kept for a quarter of a year', async () => {
    bridge = await startTestBridge();
    const { store } = bridge;
    await store.addHourly([{ hour: 1_000, name: 'old', count: 1 }]);
    await store.addHourly([{ hour: 1_000 + 90 * 24, name: 'new', count: 2 }]);
    await store.addHourly([{ hour: 1_000 + 90 * 24, name: 'new', count: 3 }]);
    expect(await countsOf('old')).toHaveLength(1);
    expect((await countsOf('new')).map(({ count }) => count)).toEqual([5]);
    await store.addHourly([{ hour: 1_001 + 90 * 24, name: 'new', count: 1 }]);
    expect(await countsOf('old')).toHaveLength(0);
  });
});

describe('readings of the workspace', () => {
  const call = (n: number, startedAt: number): ReadingCall => ({
    endpoint: 'members.list',
    startedAt,
    latencyMs: 1,
    outcome: 'ok',
    status: 200,
    requestId: `reading${String(n)}`,
    error: null,
  });

  it('are written down with what they belong to, that is to no change', async () => {
    bridge = await startTestBridge();
    await bridge.createUser('zoe');
    await bridge.idle();
    await bridge.clock.advanceAsync(5_000);
    const endpoints = (await bridge.store.readingCalls(50)).map(({ endpoint }) => endpoint);
    expect(new Set(endpoints)).toEqual(new Set(['user.get', 'members.list', 'groups.list']));
  });

  it('are bounded by number and by age; calls of changes stay', async () => {
    bridge = await startTestBridge();
    const { store } = bridge;
    await bridge.createUser('zoe');
    await bridge.idle();
    const calls = Array.from({ length: 30 }, (_, n) => call(n, 1_000 + n));
    await store.addReadingCalls(calls, { rows: 10, since: 0 });
    const kept = (await store.readingCalls(100)).map(({ requestId }) => requestId);
    expect([kept.length, kept[0]]).toEqual([11, 'reading29']);
    await store.addReadingCalls([call(99, 2_000)], { rows: 10, since: 1_999 });
    expect((await store.readingCalls(100)).map(({ requestId }) => requestId)).toEqual(['reading99']);
    const [row] = await store.ledger({ states: ['done'], limit: 1 });
    const trace = await store.trace({ requestId: row?.cause ?? '', limit: 10 });
    expect(trace.causes[0]?.changes[0]?.calls).toHaveLength(1);
  });
});

describe('a store that cannot be written', () => {
  it('costs the numbers of that time and nothing else', async () => {
    bridge = await startTestBridge();
    const { clock } = bridge;
    const log = { debug: () => undefined, info: () => undefined } as never;
    const metrics = { onRequest: () => undefined, onCall: () => undefined } as never;
    const store = { ...bridge.store, addHourly: () => Promise.reject(new Error('disk full')) };
    const telemetry = createTelemetry({ store, clock, log, metrics });
    telemetry.onRequest({ outcome: 'ok' } as never, []);
    await expect(telemetry.flush()).resolves.toBeUndefined();
    await expect(telemetry.stop()).resolves.toBeUndefined();
  });
});
