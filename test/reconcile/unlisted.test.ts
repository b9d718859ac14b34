/** A key that may not list members: what invitees are to have is tried on the schedule of the polls. */
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Switches } from '../../src/sandbox/switches.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { startTestBridge, type TestBridge, type TestBridgeOptions } from '../support/bridge.js';

const at = (name: string): string => `${name}@workspace.example`;
const ADMIN_TOKEN = 'esb_admin_a-token-for-tests-of-no-further-use';
const DISABLE = { op: 'replace', path: 'active', value: false };
const ENABLE = { op: 'replace', path: 'active', value: true };
const SCOPES = ['workspace_read', 'workspace_write', 'workspace_members_invite', 'group_members_manage', 'user_read'];

let bridge: TestBridge;
afterEach(() => bridge.close());

async function start(switches: Partial<Switches> = {}, env: TestBridgeOptions['env'] = {}): Promise<void> {
  const members = [{ email: at('owner'), owner: true }, { email: at('resident') }];
  const keys = [{ name: 'Provisioning', owner: at('owner'), scopes: SCOPES }];
  const seed = minimalSeed({ members, keys, groups: [{ name: 'Sales' }] });
  bridge = await startTestBridge({ seed, switches, env: { ADMIN_TOKEN, ...env } });
  expect(bridge.app.reconciler.state.readings.blind).toBe(true);
}

/** Invites her; the calls that this takes are not looked at. */
async function invite(name: string): Promise<string> {
  const { id } = (await bridge.createUser(name)).body;
  await bridge.idle();
  expect(bridge.workspace().mails).toEqual({ [at(name)]: 1 });
  bridge.control.clearRequests();
  return id;
}

const addCalls = (): readonly string[] => bridge.writes().filter((call) => call.includes('members'));

describe('a key that may not list members', () => {
  it('is told on the page, and by the metrics', async () => {
    await start();
    const ask = async (where: string): Promise<string> => {
      const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, connection: 'close' };
      return (await fetch(new URL(where, bridge.scimUrl), { headers })).text();
    };
    expect(await ask('/admin')).toContain('acceptance is noticed only where a group or');
    expect(await ask('/metrics')).toMatch(/^scim_bridge_members_unreadable 1$/m);
  });

  it('probes nothing where nothing is wanted', async () => {
    await start();
    const zoe = await invite('zoe');
    bridge.control.accept(at('zoe'));
    await bridge.pass(300_000);
    await bridge.idle();
    expect(bridge.writes()).toEqual([]);
    expect(await bridge.bridgeOf(zoe)).toMatchObject({ status: 'invited', pendingChanges: 0 });
  });

  it.each([
    ['400', {}],
    ['404', { addNonMember: 404 }],
    ['groups by address', { memberIdsAsEmails: true }],
  ] as const)('tries the wanted group once in a poll, until it is given (%s)', async (_name, switches) => {
    await start(switches);
    const zoe = await invite('zoe');
    await bridge.createGroup('Sales', [zoe]);
    await bridge.idle();
    expect(addCalls()).toEqual([]);
    for (let poll = 1; poll <= 3; poll++) {
      await bridge.pass(30_000);
      await bridge.idle();
      expect(addCalls()).toHaveLength(poll);
    }
    expect(await bridge.bridgeOf(zoe)).toMatchObject({ status: 'invited', pendingChanges: 1 });
    expect((await bridge.bridgeOf(zoe))['lastError']).toContain('may not list members');

    bridge.control.accept(at('zoe'));
    await bridge.pass(30_000);
    await bridge.idle();
    expect(addCalls()).toHaveLength(4);
    expect(bridge.workspace().groups['Sales']).toEqual([at('zoe')]);
    const { status, pendingChanges, lastError } = await bridge.bridgeOf(zoe);
    expect([status, pendingChanges, lastError]).toEqual(['member', 0, undefined]);
    // A settled member is not tried again, and full syncs repair nothing.
    await bridge.pass(2_000_000);
    await bridge.sync();
    expect(addCalls()).toHaveLength(4);
    expect(bridge.workspace().mails).toEqual({ [at('zoe')]: 1 });
  });

  it.each([404, 500] as const)('tries a seat that a later rule gives (%s)', async (unknownMember) => {
    await start({ unknownMember });
    const zoe = await invite('zoe');
    await bridge.patchUser(zoe, { op: 'replace', path: 'roles', value: [{ value: 'admin' }] });
    await bridge.pass(60_000);
    expect(bridge.app.limiter.state()).toMatchObject({ breaker: 'closed', failures: 0 });
    bridge.control.accept(at('zoe'));
    await bridge.pass(60_000);
    await bridge.idle();
    expect(bridge.workspace().members[at('zoe')]).toMatchObject({ seat: 'workspace_admin' });
    expect(await bridge.bridgeOf(zoe)).toMatchObject({ status: 'member' });
  });

  it('takes no try for drift', async () => {
    await start({}, { DRIFT: 'report' });
    const zoe = await invite('zoe');
    await bridge.createGroup('Sales', [zoe]);
    await bridge.pass(90_000);
    expect(await bridge.store.drift({ open: true, limit: 10 })).toEqual([]);
    bridge.control.accept(at('zoe'));
    await bridge.pass(30_000);
    await bridge.idle();
    expect(bridge.workspace().groups['Sales']).toEqual([at('zoe')]);
  });

  it('locks and unlocks whom it has found so', async () => {
    await start();
    const zoe = await invite('zoe');
    await bridge.createGroup('Sales', [zoe]);
    bridge.control.accept(at('zoe'));
    await bridge.pass(60_000);
    await bridge.patchUser(zoe, DISABLE);
    await bridge.idle();
    expect(bridge.workspace().members[at('zoe')]).toMatchObject({ locked: true });
    await bridge.patchUser(zoe, ENABLE);
    await bridge.idle();
    expect(bridge.workspace().members[at('zoe')]).toMatchObject({ locked: false, groups: ['Sales'] });
    expect(bridge.workspace().mails).toEqual({ [at('zoe')]: 1 });
  });

  it.each([500, 404, 400] as const)(
    'a revocation is final although the invite was accepted unseen (%s)',
    async (deleteUnknownInvite) => {
      await start({ deleteUnknownInvite });
      const zoe = await invite('zoe');
      bridge.control.accept(at('zoe'));
      await bridge.patchUser(zoe, DISABLE);
      await bridge.finish();
      expect(bridge.workspace().members[at('zoe')]).toMatchObject({ locked: true });
      expect(await bridge.bridgeOf(zoe)).toMatchObject({ status: 'locked' });
      await bridge.patchUser(zoe, ENABLE);
      await bridge.finish();
      expect(bridge.workspace().members[at('zoe')]).toMatchObject({ locked: false });
      expect(bridge.workspace().mails).toEqual({ [at('zoe')]: 1 });
    },
  );

  it('knows the right one of two members who differ by case: calls went to the address as it was written', async () => {
    await start({ emailCaseSensitive: true });
    const zoe = await invite('zoe');
    await bridge.createGroup('Sales', [zoe]);
    bridge.control.accept(at('zoe'));
    await bridge.pass(60_000);
    bridge.control.addMember({ email: at('Zoe') });
    bridge.control.setScopes(bridge.sandbox.apiKey(), 'all');
    await bridge.sync();
    const memberId = bridge.control.member(at('zoe'))?.user_id;
    expect(await bridge.bridgeOf(zoe)).toMatchObject({ memberId, status: 'member' });
  });

  it('goes on with the true ids when the key may list members again', async () => {
    await start();
    const zoe = await invite('zoe');
    const max = (await bridge.createUser('max')).body.id as string;
    await bridge.createGroup('Sales', [zoe]);
    bridge.control.accept(at('zoe'));
    await bridge.pass(60_000);
    await bridge.patchUser(zoe, DISABLE);
    await bridge.idle();
    expect(await bridge.bridgeOf(zoe)).toMatchObject({ memberId: at('zoe'), status: 'locked' });
    bridge.control.accept(at('max'));
    bridge.control.setScopes(bridge.sandbox.apiKey(), 'all');
    bridge.control.clearRequests();
    await bridge.sync();
    await bridge.sync();
    expect(bridge.writes()).toEqual([]);
    const { memberId, status } = await bridge.bridgeOf(zoe);
    expect([memberId, status]).toEqual([bridge.control.member(at('zoe'))?.user_id, 'locked']);
    expect(await bridge.bridgeOf(max)).toMatchObject({ status: 'member' });
    await bridge.patchUser(zoe, ENABLE);
    await bridge.idle();
    expect(bridge.workspace().members[at('zoe')]).toMatchObject({ locked: false, groups: ['Sales'] });
  });
});
