/** What waits for an acceptance, how often an invite is repeated, and that nobody waits for a dead workspace. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { startTestBridge, type TestBridge, type TestBridgeOptions } from '../support/bridge.js';
import { settle } from '../support/fake-clock.js';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const at = (name: string): string => `${name}@workspace.example`;
const range = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `p${String(index)}`);
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const BULK = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
const VOICE = { type: 'voice', id: 'voice1' };

let bridge: TestBridge;
afterEach(() => bridge.close());

async function start(env: TestBridgeOptions['env'] = {}): Promise<void> {
  bridge = await startTestBridge({
    seed: minimalSeed({
      seatLimits: { full: 500, basic: 500 },
      members: [{ email: at('owner'), owner: true }],
      groups: [{ name: 'Sales' }],
      resources: [{ ...VOICE, name: 'Brand voice', creator: at('owner') }],
    }),
    env,
  });
}

describe('what is wanted of somebody who has not accepted yet', () => {
  it('group, seat and share are kept, and applied at the acceptance by one reading', async () => {
    await start();
    const { id } = (await bridge.createUser('zoe')).body;
    await bridge.createGroup('Sales', [id]);
    await bridge.patchUser(
      id,
      { op: 'replace', path: 'roles', value: [{ value: 'admin' }] },
      { op: 'replace', path: 'entitlements', value: [{ value: 'voice:voice1:editor' }] },
    );
    await bridge.pass(300_000);
    expect(bridge.writes()).toEqual([`POST invites/add ${at('zoe')}`]);
    bridge.control.accept(at('zoe'));
    bridge.control.clearRequests();
    await bridge.sync();
    expect(bridge.workspace().members[at('zoe')]).toEqual({
      ...{ seat: 'workspace_admin', locked: false, owner: false },
      ...{ groups: ['Sales'], shares: ['voice:voice1:editor'] },
    });
    expect(bridge.control.requests({ path: '/v1/workspace/members', method: 'GET' })).toHaveLength(1);
    expect(bridge.writes()).toHaveLength(3);
    expect(await bridge.bridgeOf(id)).toMatchObject({ status: 'member', pendingChanges: 0 });
  });

  it('an IdP that looks and says active again and again causes no second invite', async () => {
    await start();
    const { id } = (await bridge.createUser('zoe')).body;
    for (let cycle = 0; cycle < 5; cycle++) {
      expect((await bridge.scim('GET', `/Users/${String(id)}`)).body.active).toBe(true);
      await bridge.patchUser(id, { op: 'replace', path: 'active', value: true });
      await bridge.pass(60_000);
    }
    expect(bridge.workspace().mails).toEqual({ [at('zoe')]: 1 });
  });
});

describe('invites that nobody accepts', () => {
  it('sent twice are one that waits, and none once it is accepted, whatever becomes of the member', async () => {
    await start();
    const { id } = (await bridge.createUser('zoe')).body;
    await bridge.clock.advanceAsync(7 * DAY + HOUR);
    await bridge.finish();
    expect(bridge.workspace().mails).toEqual({ [at('zoe')]: 2 });
    const waiting = async () => (await bridge.store.invites({ open: true, limit: 10 })).map(({ round }) => round);
    expect(await waiting()).toEqual([2]);
    bridge.control.accept(at('zoe'));
    await bridge.sync();
    expect(await waiting()).toEqual([]);
    bridge.control.clearRequests();
    const moved = at('zoe.new');
    await bridge.patchUser(id, { op: 'replace', path: 'emails[type eq "work"].value', value: moved });
    await bridge.patchUser(id, { op: 'replace', path: 'emails[type eq "work"].value', value: at('zoe') });
    await bridge.clock.advanceAsync(1);
    bridge.control.removeMember(at('zoe'));
    await bridge.syncUntilGone();
    expect(await bridge.bridgeOf(id)).toMatchObject({ status: 'removed' });
    expect(bridge.writes()).toEqual([]);
  });

  it('are repeated after the time, at most twenty an hour, also over a restart', async () => {
    await start({ PROVISION_WAIT_MS: '0' });
    for (const name of range(45)) await bridge.createUser(name);
    await bridge.idle();
    const mails = (): number => Object.values(bridge.workspace().mails).reduce((sum, count) => sum + count, 0);
    expect(mails()).toBe(45);
    bridge.clock.leap(7 * DAY);
    await bridge.pass(60_000);
    expect(mails()).toBe(45 + 20);
    await bridge.restart();
    await bridge.pass(60_000);
    expect(mails()).toBe(45 + 20);
    await bridge.pass(HOUR);
    expect(mails()).toBe(45 + 40);
    await bridge.pass(HOUR);
    expect(mails()).toBe(90);
    expect(new Set(Object.values(bridge.workspace().mails))).toEqual(new Set([2]));
  }, 120_000);
});

describe('a workspace that answers nothing', () => {
  it('slows no reading, and a write by no more than PROVISION_WAIT_MS', async () => {
    await start({ PROVISION_WAIT_MS: '2000' });
    const { id } = (await bridge.createUser('zoe')).body;
    bridge.control.addFault({ path: '/v1/**', fault: { kind: 'hang' } });
    // More writes than calls may be under way; the clock stands, so none of them may be answered yet.
    const begun = bridge.clock.monotonic();
    const waited: number[] = [];
    const writes = range(12).map(async (name) => {
      const { status } = await bridge.createUser(name);
      waited.push(bridge.clock.monotonic() - begun);
      return status;
    });
    await bridge.until(() => bridge.control.hanging() > 0, 'a call under way');
    for (const where of [`/Users/${String(id)}`, '/Users', '/Groups', '/ServiceProviderConfig'])
      expect((await bridge.scim('GET', where)).status).toBe(200);
    expect(bridge.clock.monotonic()).toBe(begun);
    for (let steps = 0; waited.length < 12 && steps < 200; steps++) {
      if (bridge.clock.monotonic() - begun < 2_000) await bridge.clock.advanceAsync(500);
      for (let turn = 0; turn < 50; turn++) await settle();
    }
    expect(await Promise.all(writes)).toEqual(Array(12).fill(201));
    expect(Math.floor(Math.max(...waited))).toBeLessThanOrEqual(2_000);
    bridge.control.clearFaults();
    bridge.control.releaseHanging({ drop: true });
    await bridge.calm();
    expect(Object.keys(bridge.workspace().pendingInvites)).toHaveLength(13);
  });

  it.each(['0', '1000'])('slows no kind of write by more than PROVISION_WAIT_MS=%s', async (wait) => {
    await start({ PROVISION_WAIT_MS: wait });
    const [zoe, max] = [(await bridge.createUser('zoe')).body.id, (await bridge.createUser('max')).body.id] as string[];
    const group = (await bridge.createGroup('Sales')).body.id as string;
    await bridge.idle();
    bridge.control.addFault({ path: '/v1/**', fault: { kind: 'hang' } });
    const timers = (ms: number): number => bridge.clock.pending().filter((left) => Math.round(left) === ms).length;
    const bulk = { method: 'DELETE', path: `/Users/${max ?? ''}` };
    const requests: readonly (() => Promise<{ readonly status: number }>)[] = [
      () => bridge.patchUser(zoe ?? '', { op: 'replace', path: 'roles', value: [{ value: 'admin' }] }),
      () => bridge.patchUser(zoe ?? '', { op: 'replace', path: 'active', value: false }),
      () => bridge.createGroup('Support', [zoe ?? '']),
      () => bridge.patchGroup(group, { op: 'add', path: 'members', value: [{ value: max }] }),
      () =>
        bridge.scim('PATCH', `/Groups/${group}`, { Operations: [{ op: 'remove', path: 'members' }], schemas: [PATCH] }),
      () => bridge.scim('DELETE', `/Groups/${group}`),
      () => bridge.scim('POST', '/Bulk', { schemas: [BULK], Operations: [bulk] }),
      () => bridge.scim('DELETE', `/Users/${zoe ?? ''}`),
    ];
    for (const request of requests) {
      const begun = bridge.clock.monotonic();
      const before = timers(Number(wait));
      const work = request();
      let isDone = false;
      void work.finally(() => (isDone = true)).catch(() => undefined);
      // The clock stands until it waits, and goes no further than it may wait.
      await bridge.until(() => isDone || timers(Number(wait)) > before, 'the answer, or its wait');
      await bridge.clock.advanceAsync(Number(wait));
      for (let turn = 0; !isDone && turn < 2_000; turn++) await settle();
      expect([String(request), isDone]).toEqual([String(request), true]);
      expect((await work).status).toBeLessThan(300);
      expect(Math.floor(bridge.clock.monotonic() - begun)).toBeLessThanOrEqual(Number(wait));
    }
    bridge.control.clearFaults();
    bridge.control.releaseHanging({ drop: true });
    await bridge.calm();
    expect(bridge.workspace()).toMatchObject({ pendingInvites: {}, groups: { Sales: [] } });
  });
});
