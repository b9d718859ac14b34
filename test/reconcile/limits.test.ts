/**
 * What limits count: losses at their first sending, in accumulated serving time, on the disk before
 * the call. Each story went wrong once.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { settle } from '../support/fake-clock.js';
import { startTestBridge, type TestBridge, type TestBridgeOptions } from '../support/bridge.js';

const OWNER = { email: 'owner@workspace.example', owner: true };
const DISABLE = { op: 'replace', path: 'active', value: false };
const ENABLE = { op: 'replace', path: 'active', value: true };
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let bridge: TestBridge;
afterEach(() => bridge.close());

const names = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `p${String(index + 1)}`);
const addressOf = (name: string): string => `${name}@workspace.example`;

async function startWith(count: number, env: TestBridgeOptions['env'] = {}): Promise<void> {
  const members = names(count).map((name) => ({ email: addressOf(name) }));
  const seed = minimalSeed({ members: [OWNER, ...members], groups: [{ name: 'Sales' }] });
  bridge = await startTestBridge({ seed, env });
}

/** All members are managed by the IdP, and have been for more than an hour; answers their ids in order. */
async function managed(count: number, env: TestBridgeOptions['env'] = {}): Promise<readonly string[]> {
  await startWith(count, env);
  const ids: string[] = [];
  for (const name of names(count)) ids.push((await bridge.createUser(name)).body.id);
  await bridge.idle();
  await bridge.clock.advanceAsync(HOUR + 60_000);
  await bridge.idle();
  return ids;
}

async function idOf(name: string): Promise<string> {
  const { body } = await bridge.scim('GET', `/Users?filter=${encodeURIComponent(`userName eq "${addressOf(name)}"`)}`);
  return body.Resources[0].id;
}

const lockedCount = (): number => Object.values(bridge.workspace().members).filter(({ locked }) => locked).length;
const inSales = (): number =>
  Object.values(bridge.workspace().members).filter(({ groups }) => groups.includes('Sales')).length;
const heldCount = async (): Promise<number> => (await bridge.store.ledger({ states: ['held'], limit: 1000 })).length;

/** The bridge dies while calls are under way that are carried out, and starts again. */
async function killWhileSending(path: string, work: () => Promise<unknown>): Promise<void> {
  bridge.control.addFault({ id: 'hang', path, fault: { kind: 'hang', applied: true } });
  await work();
  await bridge.until(() => bridge.control.hanging() > 0, 'calls hang');
  await settle();
  bridge.control.clearFaults();
  await bridge.restart();
  bridge.control.releaseHanging({ drop: true });
}

describe('the percentage', () => {
  it('is of those who were managed before the window began: first-ever disables do not enlarge it', async () => {
    await startWith(60, { PROVISION_WAIT_MS: '0' });
    for (const name of names(60)) expect((await bridge.patchUser(await idOf(name), DISABLE)).status).toBe(200);
    await bridge.idle();
    expect(lockedCount()).toBe(10);
    expect(await heldCount()).toBe(50);
  });

  it('does not shrink with each loss, nor with those who are held', async () => {
    const ids = await managed(60, { PROVISION_WAIT_MS: '0' });
    for (const id of ids) await bridge.scim('DELETE', `/Users/${id}`);
    await bridge.idle();
    expect(lockedCount()).toBe(12);
  });
});

describe('what was counted', () => {
  it('is not forgotten by kills: six of them, with locks that are carried out, cost no more than the limit', async () => {
    const ids = await managed(40, { DEPROVISION_LIMIT: '10', PROVISION_WAIT_MS: '0' });
    for (let life = 0; life < 6; life++)
      await killWhileSending('/v1/workspace/members', async () => {
        for (const id of ids.slice(life * 6, life * 6 + 6)) await bridge.patchUser(id, DISABLE);
        // Where the limit has been reached nothing goes out, and nothing hangs.
        if (lockedCount() >= 10) bridge.control.addFault({ path: '/v1/workspace/groups', fault: { kind: 'hang' } });
        if (lockedCount() >= 10) void bridge.app.reconciler.syncNow('test').catch(() => undefined);
      });
    await bridge.calm();
    expect(lockedCount()).toBe(10);
  });

  it('is not forgotten by kills for groups either', async () => {
    const ids = await managed(30, { PROVISION_WAIT_MS: '0' });
    const { body } = await bridge.createGroup('Sales', ids);
    await bridge.idle();
    expect(inSales()).toBe(30);
    await killWhileSending('/v1/workspace/groups/**', () =>
      bridge.patchGroup(body.id, { op: 'replace', path: 'members', value: [] }),
    );
    await bridge.calm();
    expect(inSales()).toBe(10);
  });

  it('counts by the time that was served: a week without a bridge empties no window', async () => {
    const ids = await managed(15, { DEPROVISION_LIMIT: '10' });
    for (const id of ids.slice(0, 10)) await bridge.patchUser(id, DISABLE);
    await bridge.idle();
    bridge.clock.jump(7 * DAY);
    await bridge.restart();
    for (const id of ids.slice(10)) await bridge.patchUser(id, DISABLE);
    await bridge.idle();
    expect(lockedCount()).toBe(10);
    expect(await heldCount()).toBe(5);
  });

  it('makes room an hour of service after it was sent', async () => {
    const ids = await managed(15, { DEPROVISION_LIMIT: '10' });
    for (const id of ids.slice(0, 10)) await bridge.patchUser(id, DISABLE);
    await bridge.idle();
    await bridge.clock.advanceAsync(HOUR / 2);
    await bridge.restart();
    await bridge.clock.advanceAsync(HOUR / 2 + 60_000);
    for (const id of ids.slice(10)) await bridge.patchUser(id, DISABLE);
    await bridge.idle();
    expect(lockedCount()).toBe(15);
  });

  it('a certain refusal gives back', async () => {
    const ids = await managed(3, { DEPROVISION_LIMIT: '2' });
    bridge.control.addFault({ path: '/v1/workspace/members', times: 1, fault: { kind: 'status', status: 403 } });
    for (const id of ids) await bridge.patchUser(id, DISABLE);
    await bridge.idle();
    expect(lockedCount()).toBe(2);
    expect(await heldCount()).toBe(0);
  });

  it('is a new loss where access was given back in between', async () => {
    const [first, second, third] = (await managed(3, { DEPROVISION_LIMIT: '3' })) as [string, string, string];
    for (const change of [DISABLE, ENABLE, DISABLE]) await bridge.patchUser(first, change);
    await bridge.patchUser(second, DISABLE);
    await bridge.patchUser(third, DISABLE);
    await bridge.idle();
    expect(lockedCount()).toBe(2);
    expect(await heldCount()).toBe(1);
  });
});

describe('a plan that is only looked at', () => {
  it('spends nothing', async () => {
    const ids = await managed(12, { DEPROVISION_LIMIT: '10', DRY_RUN: 'true' });
    for (const id of ids) await bridge.patchUser(id, DISABLE);
    await bridge.idle();
    await bridge.restart({ DRY_RUN: 'false' });
    await bridge.idle();
    expect(lockedCount()).toBe(10);
    expect(await heldCount()).toBe(2);
  });
});
