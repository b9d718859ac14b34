/**
 * The wall clock is set back or forward a day, with work of every kind under way, while the bridge
 * runs and while it is down. Nothing waits a day for it, nothing is done twice, no limit opens.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { startTestBridge, type TestBridge, type TestBridgeOptions } from '../support/bridge.js';

const DAY = 86_400_000;
const MINUTE = 60_000;
const INVITES = { method: 'POST', path: '/v1/workspace/invites/add' } as const;
const MEMBERS = { method: 'POST', path: '/v1/workspace/members' } as const;
const DISABLE = { op: 'replace', path: 'active', value: false };
const at = (name: string): string => `${name}@workspace.example`;

const seed = (names: readonly string[]) =>
  minimalSeed({
    members: [{ email: at('owner'), owner: true }, ...names.map((name) => ({ email: at(name) }))],
    groups: [{ name: 'Sales' }],
  });

let bridge: TestBridge;
afterEach(() => bridge.close());
const start = async (options: TestBridgeOptions = {}): Promise<void> => {
  bridge = await startTestBridge(options);
};

/** The clock is set while the bridge runs, or while it is down. */
const JUMPS = [
  ['back a day', -DAY, false],
  ['forward a day', DAY, false],
  ['back a day while the bridge is down', -DAY, true],
  ['forward a day while the bridge is down', DAY, true],
] as const;

async function jump(ms: number, isDown: boolean): Promise<void> {
  bridge.clock.jump(ms);
  if (isDown) await bridge.restart();
}

const mailsTo = (name: string): number => bridge.workspace().mails[at(name)] ?? 0;
const statusOf = async (id: string): Promise<unknown> => (await bridge.bridgeOf(id))['status'];
const isLocked = (name: string): boolean | undefined => bridge.workspace().members[at(name)]?.locked;

describe.each(JUMPS)('the wall clock is set %s', (_how, ms, isDown) => {
  it('an invite that is tried again, and one that may have been sent, are settled within minutes', async () => {
    await start({ env: { PROVISION_WAIT_MS: '0' } });
    bridge.control.addFault({
      ...INVITES,
      bodyIncludes: at('retried'),
      times: 3,
      fault: { kind: 'status', status: 429 },
    });
    bridge.control.addFault({
      ...INVITES,
      bodyIncludes: at('unclear'),
      times: 1,
      fault: { kind: 'reset', applied: true },
    });
    const retried = (await bridge.createUser('retried')).body.id;
    const unclear = (await bridge.createUser('unclear')).body.id;
    await bridge.pass(1000);
    expect([mailsTo('retried'), await statusOf(retried)]).toEqual([0, 'invitePending']);
    await jump(ms, isDown);
    await bridge.pass(20 * MINUTE);
    expect([await statusOf(retried), mailsTo('retried')]).toEqual(['invited', 1]);
    expect(['invited', 'invitePending']).toContain(await statusOf(unclear));
    expect(mailsTo('unclear')).toBeLessThanOrEqual(2);
    // The next one is as ever.
    const next = (await bridge.createUser('next')).body.id;
    await bridge.pass(MINUTE);
    expect([await statusOf(next), mailsTo('next')]).toEqual(['invited', 1]);
  });

  it('leavers are locked, stay locked, and come back when the IdP says so', async () => {
    await start({ seed: seed(['leaver', 'locked']) });
    const leaver = (await bridge.createUser('leaver')).body.id;
    const locked = (await bridge.createUser('locked')).body.id;
    await bridge.patchUser(locked, DISABLE);
    await bridge.idle();
    bridge.control.addFault({ ...MEMBERS, times: 2, fault: { kind: 'status', status: 503 } });
    await bridge.patchUser(leaver, DISABLE);
    await jump(ms, isDown);
    await bridge.pass(20 * MINUTE);
    expect([isLocked('leaver'), isLocked('locked')]).toEqual([true, true]);
    // What the bridge wrote shortly before is no reason not to see what became of it since.
    bridge.control.setLocked(at('locked'), false);
    await bridge.sync();
    expect(isLocked('locked')).toBe(true);
    await bridge.patchUser(locked, { ...DISABLE, value: true });
    await bridge.idle();
    expect(isLocked('locked')).toBe(false);
  });

  it('an invite that was accepted is noticed at the next reading, and its group follows', async () => {
    await start({ seed: seed([]) });
    const joiner = (await bridge.createUser('joiner')).body.id;
    const group = (await bridge.createGroup('Sales', [joiner])).body.id;
    await bridge.idle();
    await jump(ms, isDown);
    bridge.control.accept(at('joiner'));
    await bridge.sync();
    expect([await statusOf(joiner), bridge.workspace().groups['Sales']]).toEqual(['member', [at('joiner')]]);
    await bridge.patchGroup(group, { op: 'remove', path: 'members' });
    await bridge.idle();
    expect(bridge.workspace().groups['Sales']).toEqual([]);
    expect(mailsTo('joiner')).toBe(1);
  });

  it('no limit opens by it', async () => {
    await start({ env: { INVITE_LIMIT: '1', DEPROVISION_LIMIT: '1' }, seed: seed(['ann', 'ben']) });
    const ids = [(await bridge.createUser('ann')).body.id, (await bridge.createUser('ben')).body.id];
    await bridge.createUser('first');
    const second = (await bridge.createUser('second')).body.id;
    for (const id of ids) await bridge.patchUser(id, DISABLE);
    await bridge.idle();
    const held = (): unknown => [mailsTo('first'), mailsTo('second'), isLocked('ann'), isLocked('ben')];
    expect([held(), await statusOf(second)]).toEqual([[1, 0, true, false], 'held']);
    await jump(ms, isDown);
    await bridge.pass(10 * MINUTE);
    await bridge.sync();
    expect(held()).toEqual([1, 0, true, false]);
  });
});
