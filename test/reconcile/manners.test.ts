/** Manners towards the workspace, seen from outside: one limiter for everything, pauses, and a workspace that is down. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { startTestBridge, type TestBridge, type TestBridgeOptions } from '../support/bridge.js';

const at = (name: string): string => `${name}@workspace.example`;
const range = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `p${String(index)}`);
const EVERYTHING = { path: '/v1/**' } as const;
const DISABLE = { op: 'replace', path: 'active', value: false };
const VOICE = { type: 'voice', id: 'voice1' };

let bridge: TestBridge;
afterEach(() => bridge.close());

async function start(env: TestBridgeOptions['env'] = {}): Promise<void> {
  bridge = await startTestBridge({
    seed: minimalSeed({
      seatLimits: { full: 500, basic: 500 },
      members: [{ email: at('owner'), owner: true }, ...['ann', 'bob'].map((name) => ({ email: at(name) }))],
      groups: [{ name: 'Sales' }],
      resources: [{ ...VOICE, name: 'Brand voice', creator: at('owner') }],
    }),
    env: { PROVISION_WAIT_MS: '0', ...env },
  });
}

const calls = (): number => bridge.control.requests().length;

describe('one limiter', () => {
  it.each([1, 3])('has no more than ELEVENLABS_MAX_CONCURRENCY=%i calls out, of whatever kind', async (most) => {
    await start({ ELEVENLABS_MAX_CONCURRENCY: String(most) });
    const ann = (await bridge.createUser('ann')).body.id as string;
    const bob = (await bridge.createUser('bob')).body.id as string;
    await bridge.idle();
    bridge.control.addFault({ ...EVERYTHING, fault: { kind: 'hang' } });
    bridge.control.clearRequests();
    for (const name of range(5)) await bridge.createUser(name);
    await bridge.patchUser(ann, DISABLE);
    await bridge.patchUser(bob, { op: 'replace', path: 'entitlements', value: [{ value: 'voice:voice1:viewer' }] });
    await bridge.createGroup('Sales', [bob]);
    const read = bridge.app.reconciler.syncNow('test');
    await bridge.until(() => bridge.control.hanging() === most, 'calls under way');
    for (let turn = 0; turn < 20; turn++) await bridge.clock.advanceAsync(10);
    expect([bridge.control.hanging(), calls()]).toEqual([most, most]);
    bridge.control.clearFaults();
    bridge.control.releaseHanging({ drop: true });
    await bridge.inTime(read);
    await bridge.calm();
    expect(bridge.workspace().members[at('bob')]).toMatchObject({ groups: ['Sales'], shares: ['voice:voice1:viewer'] });
    expect(bridge.workspace().members[at('ann')]).toMatchObject({ locked: true });
    expect(Object.keys(bridge.workspace().pendingInvites)).toHaveLength(5);
  });

  it('one Retry-After holds back every call, readings too, until its time, and nothing is lost by it', async () => {
    await start();
    bridge.control.addFault({
      ...{ method: 'POST', path: '/v1/workspace/invites/add', times: 1 },
      fault: { kind: 'status', status: 429, headers: { 'retry-after': '20' } },
    });
    const ann = (await bridge.createUser('ann')).body.id as string;
    await bridge.createUser('zoe');
    await bridge.until(() => bridge.app.limiter.state().waitMs > 0, 'the pause');
    bridge.control.clearRequests();
    await bridge.createUser('max');
    await bridge.patchUser(ann, DISABLE);
    const read = bridge.app.reconciler.syncNow('test');
    await bridge.clock.advanceAsync(19_900);
    expect(calls()).toBe(0);
    await bridge.inTime(read);
    await bridge.finish();
    expect(bridge.workspace().mails).toEqual({ [at('zoe')]: 1, [at('max')]: 1 });
    expect(bridge.workspace().members[at('ann')]).toMatchObject({ locked: true });
  });

  it('sends one call at a time for an address, and what the IdP says meanwhile after it', async () => {
    await start();
    const ann = (await bridge.createUser('ann')).body.id as string;
    await bridge.idle();
    bridge.control.clearRequests();
    bridge.control.addFault({ ...EVERYTHING, times: 1, fault: { kind: 'hang', applied: true } });
    await bridge.patchUser(ann, { op: 'replace', path: 'roles', value: [{ value: 'admin' }] });
    await bridge.until(() => bridge.control.hanging() > 0, 'the call');
    await bridge.patchUser(ann, DISABLE);
    await bridge.createGroup('Sales', [ann]);
    for (let turn = 0; turn < 20; turn++) await bridge.clock.advanceAsync(10);
    expect(bridge.writes()).toEqual([`POST members ${at('ann')}`]);
    bridge.control.releaseHanging();
    await bridge.idle();
    // A leaver gets no group any more.
    expect(bridge.writes()).toEqual([`POST members ${at('ann')}`, `POST members ${at('ann')}`]);
    expect(bridge.workspace().members[at('ann')]).toMatchObject({ locked: true, groups: [] });
  });
});

describe('a workspace that is down for hours', () => {
  it.each([
    ['answers 500', { kind: 'status', status: 500 } as const],
    ['cuts every connection', { kind: 'reset' } as const],
  ])(
    '%s: it is asked now and then, the IdP notices nothing, and all is done when it is back',
    async (_how, fault) => {
      await start();
      const ann = (await bridge.createUser('ann')).body.id as string;
      await bridge.idle();
      bridge.control.addFault({ ...EVERYTHING, fault });
      bridge.control.clearRequests();
      for (const name of range(30)) expect((await bridge.createUser(name)).status).toBe(201);
      expect((await bridge.patchUser(ann, DISABLE)).status).toBe(200);
      await bridge.pass(60_000);
      expect(bridge.app.limiter.state().breaker).not.toBe('closed');
      bridge.control.clearRequests();
      await bridge.pass(1_800_000);
      // One probe a minute for everybody, and a reading now and then.
      expect(calls()).toBeGreaterThanOrEqual(25);
      expect(calls()).toBeLessThanOrEqual(45);
      expect((await bridge.scim('GET', `/Users/${ann}`)).body.active).toBe(false);
      bridge.control.clearFaults();
      await bridge.restart();
      await bridge.calm();
      await bridge.sync();
      expect(bridge.app.limiter.state().breaker).toBe('closed');
      expect(bridge.workspace().members[at('ann')]).toMatchObject({ locked: true });
      expect(bridge.workspace().mails).toEqual(Object.fromEntries(range(30).map((name) => [at(name), 1])));
    },
    120_000,
  );
});
