/** The brake, INVITE_LIMIT and what administrators do with what is held, through the front door. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { BRIDGE_URN, startTestBridge, type TestBridge, type TestBridgeOptions } from '../support/bridge.js';

const OWNER = { email: 'owner@workspace.example', owner: true };
const DISABLE = { op: 'replace', path: 'active', value: false };
const ENABLE = { op: 'replace', path: 'active', value: true };
const ADMIN = { actor: 'admin', requestId: 'admin-1' };
const HOUR = 3_600_000;

let bridge: TestBridge;
afterEach(() => bridge.close());

const names = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `p${String(index + 1)}`);
const addressOf = (name: string): string => `${name}@workspace.example`;

/** A workspace whose members are all managed by the IdP; answers their ids in order. */
async function company(count: number, env: TestBridgeOptions['env'] = {}): Promise<readonly string[]> {
  const members = names(count).map((name) => ({ email: addressOf(name) }));
  bridge = await startTestBridge({
    seed: minimalSeed({ members: [OWNER, ...members], groups: [{ name: 'Sales' }] }),
    env,
  });
  const ids: string[] = [];
  for (const name of names(count)) ids.push((await bridge.createUser(name)).body.id);
  await bridge.idle();
  return ids;
}

const lockedCount = (): number => Object.values(bridge.workspace().members).filter(({ locked }) => locked).length;
const heldRows = () => bridge.store.ledger({ states: ['held'], limit: 1000 });
const alertsOf = (kind: string) => bridge.app.alerts.recent().filter((alert) => alert.kind === kind);

describe('whoever had no access', () => {
  it('loses none: an address of nobody is not invited, counted, held or reported as a leaver', async () => {
    bridge = await startTestBridge({ env: { DEPROVISION_LIMIT: '0' } });
    const { body: nobody } = await bridge.createUser('check@nowhere.invalid');
    const { body: zoe } = await bridge.createUser('zoe');
    for (const { id } of [nobody, zoe]) {
      await bridge.patchUser(id, DISABLE);
      await bridge.patchUser(id, ENABLE);
      expect((await bridge.scim('DELETE', `/Users/${id}`)).status).toBe(204);
    }
    await bridge.idle();
    expect(Object.keys(bridge.workspace().mails)).toEqual([addressOf('zoe')]);
    expect((await heldRows()).map(({ subject }) => subject)).toEqual([`user:${zoe.id}`]);
    const leavers = await bridge.store.leavers({ since: 0, until: Number.MAX_SAFE_INTEGER });
    expect(new Set(leavers.map(({ userId }) => userId))).toEqual(new Set([zoe.id]));
  });

  it('whose invite was never sent is no leaver', async () => {
    bridge = await startTestBridge({ env: { DRY_RUN: 'true' } });
    const { body } = await bridge.createUser('zoe');
    await bridge.patchUser(body.id, DISABLE);
    expect(await bridge.store.leavers({ since: 0, until: Number.MAX_SAFE_INTEGER })).toEqual([]);
  });
});

describe('an IdP that disables everyone', () => {
  it('costs the limit their access and no more; the rest is held, loudly, and told to the IdP as done', async () => {
    const ids = await company(15);
    for (const id of ids) expect((await bridge.patchUser(id, DISABLE)).status).toBe(200);
    await bridge.idle();
    expect(lockedCount()).toBe(10);
    expect(await heldRows()).toHaveLength(5);
    const held = await bridge.bridgeOf(ids[14]!);
    expect(held).toMatchObject({ status: 'held', pendingChanges: 1 });
    expect(held['lastError']).toContain('DEPROVISION_LIMIT');
    expect(alertsOf('brake')).toHaveLength(1);
    expect(bridge.logLines.some((line) => line.includes('a change is held'))).toBe(true);
  });

  it('loses nothing by waiting: the limit is no drip', async () => {
    const ids = await company(15);
    for (const id of ids) await bridge.patchUser(id, DISABLE);
    await bridge.clock.advanceAsync(HOUR + 660_000);
    await bridge.sync();
    expect(lockedCount()).toBe(10);
    expect(alertsOf('lockHeld')[0]).toMatchObject({ severity: 'critical', facts: { people: 5 } });
  });

  it('is no mistake any more when the IdP takes it back: held rows vanish, the locked are unlocked', async () => {
    const ids = await company(15);
    for (const id of ids) await bridge.patchUser(id, DISABLE);
    for (const id of ids) await bridge.patchUser(id, ENABLE);
    await bridge.idle();
    expect(lockedCount()).toBe(0);
    expect(await heldRows()).toEqual([]);
    const last = await bridge.bridgeOf(ids[14]!);
    expect([last['status'], last['pendingChanges'], last['lastError']]).toEqual(['member', 0, undefined]);
  });

  it('counts through a restart', async () => {
    const ids = await company(15);
    for (const id of ids.slice(0, 8)) await bridge.patchUser(id, DISABLE);
    await bridge.idle();
    await bridge.restart();
    for (const id of ids.slice(8)) await bridge.patchUser(id, DISABLE);
    await bridge.idle();
    expect(lockedCount()).toBe(10);
  });

  it('counts by the monotonic clock: a wall clock that jumps a day gives no new allowance', async () => {
    const ids = await company(15);
    for (const id of ids.slice(0, 12)) await bridge.patchUser(id, DISABLE);
    bridge.clock.jump(86_400_000);
    for (const id of ids.slice(12)) await bridge.patchUser(id, DISABLE);
    await bridge.idle();
    expect(lockedCount()).toBe(10);
  });

  it('by DELETE is braked as well, and groups stay with who is held', async () => {
    const ids = await company(15);
    await bridge.createGroup('Sales', ids);
    await bridge.idle();
    for (const id of ids) expect((await bridge.scim('DELETE', `/Users/${id}`)).status).toBe(204);
    await bridge.idle();
    const { members } = bridge.workspace();
    expect(lockedCount()).toBe(10);
    expect(Object.values(members).filter(({ groups }) => groups.includes('Sales'))).toHaveLength(5);
  });

  it('with a percentage counts of the members that were managed before the last hour', async () => {
    const ids = await company(20, { DEPROVISION_LIMIT: '20%' });
    await bridge.clock.advanceAsync(HOUR + 60_000);
    await bridge.idle();
    for (const id of ids) await bridge.patchUser(id, DISABLE);
    await bridge.idle();
    expect(lockedCount()).toBe(4);
  });
});

describe('what is held', () => {
  async function heldCompany(): Promise<readonly string[]> {
    const ids = await company(6, { DEPROVISION_LIMIT: '2' });
    for (const id of ids) await bridge.patchUser(id, DISABLE);
    await bridge.idle();
    expect(lockedCount()).toBe(2);
    return ids;
  }

  it('goes when it is released, for one person or for all', async () => {
    const ids = await heldCompany();
    expect(await bridge.store.releaseHeld({ subject: `user:${ids[5]!}` }, ADMIN)).toBe(1);
    bridge.app.reconciler.poke();
    await bridge.idle();
    expect(bridge.workspace().members[addressOf('p6')]).toMatchObject({ locked: true });
    expect(lockedCount()).toBe(3);
    expect(await bridge.store.releaseHeld({}, ADMIN)).toBe(3);
    bridge.app.reconciler.poke();
    await bridge.idle();
    expect(lockedCount()).toBe(6);
    const audit = await bridge.store.auditRows({ requestId: 'admin-1', limit: 10 });
    expect(audit.map(({ action, actor }) => [action, actor])).toEqual(Array(4).fill(['held.release', 'admin']));
  });

  it('is forgotten when it is dropped, until the IdP writes the user again', async () => {
    const ids = await heldCompany();
    const [, , third, fourth] = ids as [string, string, string, string];
    expect(await bridge.store.dropHeld({ subject: `user:${third}` }, ADMIN)).toBe(1);
    bridge.app.reconciler.poke();
    await bridge.sync();
    expect(await heldRows()).toHaveLength(3);
    const dropped = await bridge.bridgeOf(third);
    expect([dropped['status'], dropped['pendingChanges'], dropped['lastError']]).toEqual(['member', 0, undefined]);
    expect(await bridge.bridgeOf(fourth)).toMatchObject({ status: 'held' });
    await bridge.clock.advanceAsync(HOUR + 60_000);
    await bridge.idle();
    await bridge.patchUser(third, { op: 'replace', path: 'displayName', value: 'Third' });
    await bridge.idle();
    expect(bridge.workspace().members[addressOf('p3')]).toMatchObject({ locked: true });
  });

  it('is not sent by a restart', async () => {
    await heldCompany();
    await bridge.restart();
    await bridge.sync();
    expect(lockedCount()).toBe(2);
    expect(await heldRows()).toHaveLength(4);
  });
});

describe('a group that is emptied', () => {
  it('loses the larger of 20 and half of its members; the rest is held', async () => {
    const ids = await company(25);
    const { body } = await bridge.createGroup('Sales', ids);
    await bridge.idle();
    expect((await bridge.patchGroup(body.id, { op: 'replace', path: 'members', value: [] })).status).toBe(204);
    await bridge.idle();
    const inSales = (): number =>
      Object.values(bridge.workspace().members).filter(({ groups }) => groups.includes('Sales')).length;
    expect(inSales()).toBe(5);
    expect(alertsOf('brake')).toHaveLength(1);
    const value = ids.map((id) => ({ value: id }));
    await bridge.patchGroup(body.id, { op: 'replace', path: 'members', value });
    await bridge.idle();
    expect(inSales()).toBe(25);
    expect(await heldRows()).toEqual([]);
  });
});

describe('INVITE_LIMIT', () => {
  it('lets so many e-mails out in an hour, and holds the rest until it is released', async () => {
    bridge = await startTestBridge({ seed: minimalSeed({ members: [OWNER] }), env: { INVITE_LIMIT: '3' } });
    for (const name of names(8)) expect((await bridge.createUser(name)).status).toBe(201);
    await bridge.idle();
    expect(Object.keys(bridge.workspace().mails)).toHaveLength(3);
    expect(alertsOf('inviteLimit')).toHaveLength(1);
    await bridge.clock.advanceAsync(HOUR + 60_000);
    await bridge.idle();
    expect(Object.keys(bridge.workspace().mails)).toHaveLength(3);
    await bridge.store.releaseHeld({}, ADMIN);
    bridge.app.reconciler.poke();
    await bridge.idle();
    expect(Object.values(bridge.workspace().mails)).toEqual(Array(8).fill(1));
  });

  it('held invites vanish when the IdP takes the users back', async () => {
    bridge = await startTestBridge({ seed: minimalSeed({ members: [OWNER] }), env: { INVITE_LIMIT: '1' } });
    const ids: string[] = [];
    for (const name of names(3)) ids.push((await bridge.createUser(name)).body.id);
    for (const id of ids) await bridge.scim('DELETE', `/Users/${id}`);
    await bridge.idle();
    expect(await heldRows()).toEqual([]);
    expect(bridge.workspace()).toMatchObject({ pendingInvites: {}, mails: { [addressOf('p1')]: 1 } });
  });

  it('says held of the user', async () => {
    bridge = await startTestBridge({ seed: minimalSeed({ members: [OWNER] }), env: { INVITE_LIMIT: '1' } });
    await bridge.createUser('p1');
    const { body } = await bridge.createUser('p2');
    expect(body[BRIDGE_URN]).toMatchObject({ status: 'held' });
  });
});
