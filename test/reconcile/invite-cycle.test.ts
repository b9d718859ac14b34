/** The states that one invite goes through, as the store has them, each brought about through the front door. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { startTestBridge, type TestBridge, type TestBridgeOptions } from '../support/bridge.js';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const INVITES = { method: 'POST', path: '/v1/workspace/invites/add' } as const;
const MEMBERS = { method: 'GET', path: '/v1/workspace/members' } as const;
const DISABLE = { op: 'replace', path: 'active', value: false };
const ZOE = 'zoe@workspace.example';

let bridge: TestBridge;
afterEach(() => bridge.close());

async function start(env: TestBridgeOptions['env'] = {}): Promise<void> {
  bridge = await startTestBridge({ env: { PROVISION_WAIT_MS: '0', ...env } });
}

/** The youngest first. */
const states = async (): Promise<readonly string[]> =>
  (await bridge.store.invites({ open: false, limit: 10 })).map(({ state }) => state);
const mails = (): number => bridge.workspace().mails[ZOE] ?? 0;

/** Time goes by with the bridge running, and everything that falls due is done. */
async function wait(ms: number): Promise<void> {
  bridge.clock.leap(ms);
  await bridge.pass(10_000);
  await bridge.idle();
}

describe('an invite', () => {
  it('is sending while its call is out, planned after a call that sent nothing, invited, then accepted', async () => {
    await start();
    bridge.control.addFault({ ...INVITES, nth: 1, fault: { kind: 'hang' } });
    bridge.control.addFault({
      ...INVITES,
      nth: 2,
      fault: { kind: 'status', status: 429, headers: { 'retry-after': '5' } },
    });
    await bridge.createUser('zoe');
    await bridge.until(() => bridge.control.hanging() > 0, 'the call');
    expect(await states()).toEqual(['sending']);
    bridge.control.releaseHanging();
    await bridge.idle();
    expect([await states(), mails()]).toEqual([['invited'], 1]);
    const max = (await bridge.createUser('max')).body.id as string;
    await bridge.idle();
    expect(await states()).toEqual(['planned', 'invited']);
    expect(await bridge.bridgeOf(max)).toMatchObject({ status: 'invitePending' });
    await bridge.finish();
    expect(await states()).toEqual(['invited', 'invited']);
    bridge.control.accept(ZOE);
    await bridge.sync();
    expect(await states()).toEqual(['invited', 'accepted']);
  });

  it('is revoked with its user, and a new one is a decision of its own', async () => {
    await start();
    const { id } = (await bridge.createUser('zoe')).body;
    await bridge.idle();
    await bridge.patchUser(id, DISABLE);
    await bridge.idle();
    expect(await states()).toEqual(['revoked']);
    await bridge.patchUser(id, { ...DISABLE, value: true });
    await bridge.idle();
    expect(await states()).toEqual(['invited', 'revoked']);
  });

  it('whose answer is lost is ambiguous, and stays so after the second; then time alone has it sent again', async () => {
    await start();
    bridge.control.addFault({ ...INVITES, fault: { kind: 'reset', applied: true } });
    bridge.control.addFault({ ...MEMBERS, times: 1, fault: { kind: 'status', status: 500 } });
    await bridge.createUser('zoe');
    await bridge.idle();
    expect([await states(), mails()]).toEqual([['ambiguous'], 1]);
    await bridge.finish();
    expect([await states(), mails()]).toEqual([['ambiguous'], 2]);
    await wait(HOUR);
    expect([await states(), mails()]).toEqual([['ambiguous'], 3]);
  });

  it.each(['1', '3'])(
    'is sent again after INVITE_TTL_DAYS=%s, not before, three times in all; the older ones are expired',
    async (days) => {
      await start({ INVITE_TTL_DAYS: days });
      const { id } = (await bridge.createUser('zoe')).body;
      await bridge.idle();
      const ttl = Number(days) * DAY;
      await wait(ttl - HOUR);
      // Who is planned for another reason is not invited for it.
      await bridge.patchUser(id, { op: 'replace', path: 'title', value: 'x' });
      await bridge.idle();
      expect([await states(), mails()]).toEqual([['invited'], 1]);
      await wait(HOUR);
      expect([await states(), mails()]).toEqual([['invited', 'expired'], 2]);
      await wait(ttl - HOUR);
      expect(mails()).toBe(2);
      await wait(HOUR);
      expect([await states(), mails()]).toEqual([['invited', 'expired', 'expired'], 3]);
      await wait(10 * ttl);
      expect(mails()).toBe(3);
      bridge.control.accept(ZOE);
      await bridge.sync();
      expect(await states()).toEqual(['accepted', 'expired', 'expired']);
    },
  );
});

describe('a withdrawn address', () => {
  it.each(['enforce', 'report'])(
    'of a disabled user is still watched after months and a restart, under DRIFT=%s, too',
    async (drift) => {
      await start({ DRIFT: drift });
      const { id } = (await bridge.createUser('zoe')).body;
      await bridge.idle();
      await bridge.patchUser(id, DISABLE);
      await bridge.idle();
      await wait(100 * DAY);
      await bridge.restart();
      // The link of the e-mail worked all the same.
      bridge.control.addMember({ email: 'Zoe@workspace.example' });
      await bridge.sync();
      expect(bridge.workspace().members[ZOE]).toMatchObject({ locked: true });
      await bridge.pass(1_000);
      bridge.control.setLocked('Zoe@workspace.example', false);
      await bridge.sync();
      expect(bridge.workspace().members[ZOE]).toMatchObject({ locked: true });
      expect(mails()).toBe(1);
    },
  );

  it('of a deleted user, whose invite was revoked for certain, is held and alerted after that: it may have another owner', async () => {
    await start({});
    const { id } = (await bridge.createUser('zoe')).body;
    await bridge.idle();
    await bridge.scim('DELETE', `/Users/${String(id)}`);
    await bridge.idle();
    await wait(DAY);
    await bridge.restart();
    bridge.control.addMember({ email: 'Zoe@workspace.example' });
    await bridge.sync();
    expect(bridge.workspace().members[ZOE]).toMatchObject({ locked: false });
    const [held] = await bridge.store.ledger({ states: ['held'], limit: 2 });
    expect(held).toMatchObject({ subject: `user:${String(id)}`, errorCode: 'formerAddress' });
    await bridge.store.releaseHeld({ ids: [held!.id] }, { actor: 'admin', requestId: 'release' });
    bridge.app.reconciler.poke();
    await bridge.idle();
    expect(bridge.workspace().members[ZOE]).toMatchObject({ locked: true });
  });

  it('of a deleted user, whose invite may still work, is watched', async () => {
    await start({});
    const { id } = (await bridge.createUser('zoe')).body;
    await bridge.idle();
    bridge.control.addFault({
      method: 'DELETE',
      path: '/v1/workspace/invites',
      fault: { kind: 'status', status: 500 },
    });
    await bridge.scim('DELETE', `/Users/${String(id)}`);
    await bridge.idle();
    bridge.control.clearFaults();
    await wait(10 * DAY);
    await bridge.restart();
    bridge.control.addMember({ email: 'Zoe@workspace.example' });
    await bridge.sync();
    expect(bridge.workspace().members[ZOE]).toMatchObject({ locked: true });
  });
});

describe('acceptance is looked for', () => {
  /** Readings of members within this time, and of groups. */
  async function reads(ms: number): Promise<number> {
    bridge.control.clearRequests();
    await bridge.pass(ms);
    return bridge.control.requests(MEMBERS).length;
  }

  it('as often as the youngest invite is young, however old the others are, and never less than at full syncs', async () => {
    await start({ PENDING_POLL_SECONDS: '30', SYNC_INTERVAL_SECONDS: '3600', INVITE_TTL_DAYS: '30' });
    await bridge.createUser('zoe');
    const young = await reads(600_000);
    expect(young).toBeGreaterThanOrEqual(18);
    expect(young).toBeLessThanOrEqual(20);
    bridge.clock.leap(10 * HOUR);
    await bridge.pass(60_000);
    const old = await reads(HOUR);
    // Thirty seconds for each hour: one reading in about five minutes.
    expect(old).toBeGreaterThanOrEqual(9);
    expect(old).toBeLessThanOrEqual(13);
    await bridge.createUser('max');
    await bridge.pass(60_000);
    expect(await reads(600_000)).toBeGreaterThanOrEqual(18);
    bridge.clock.leap(200 * HOUR);
    await bridge.pass(120_000);
    expect(await reads(2 * HOUR)).toBe(2);
    bridge.control.accept(ZOE);
    bridge.control.accept('max@workspace.example');
    await bridge.sync();
    expect(await reads(2 * HOUR)).toBe(2);
  });
});
