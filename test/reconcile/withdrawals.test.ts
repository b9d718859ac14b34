/** A leaver keeps access no longer than ElevenLabs makes it: how withdrawals that fail are tried again. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { startTestBridge, type TestBridge, type TestBridgeOptions } from '../support/bridge.js';

const DISABLE = { op: 'replace', path: 'active', value: false };
const MINUTE = 60_000;
const LOCKS = { method: 'POST', path: '/v1/workspace/members' } as const;
const at = (name: string): string => `${name}@workspace.example`;

let bridge: TestBridge;
afterEach(() => bridge.close());

async function startWith(names: readonly string[], env: TestBridgeOptions['env'] = {}): Promise<readonly string[]> {
  const members = [{ email: at('owner'), owner: true }, ...names.map((name) => ({ email: at(name) }))];
  bridge = await startTestBridge({
    seed: minimalSeed({ members, groups: [{ name: 'Sales' }] }),
    env: { PROVISION_WAIT_MS: '0', DEPROVISION_LIMIT: 'none', ...env },
  });
  const ids: string[] = [];
  for (const name of names) ids.push((await bridge.createUser(name)).body.id);
  await bridge.idle();
  return ids;
}

const isLocked = (name: string): boolean => bridge.workspace().members[at(name)]?.locked === true;
const alertsOf = (kind: string) => bridge.app.alerts.recent().filter((alert) => alert.kind === kind);
/** When each call went out that the path matches, in ms since the first. */
const callsTo = (method: string, path: RegExp): readonly number[] =>
  bridge.control.requests().flatMap((call) => (call.method === method && path.test(call.path) ? [call.at] : []));
const locksSent = (): readonly number[] => callsTo('POST', /\/members$/u);

describe('the lock of a leaver that ElevenLabs fails to take', () => {
  it('is tried again at most a minute apart, and alerts after ten minutes', async () => {
    const [ann] = (await startWith(['ann'])) as [string];
    bridge.control.addFault({ ...LOCKS, fault: { kind: 'status', status: 500 } });
    await bridge.patchUser(ann, DISABLE);
    await bridge.pass(9 * MINUTE);
    expect(alertsOf('withdrawalFailing')).toEqual([]);
    await bridge.pass(31 * MINUTE);
    expect(alertsOf('withdrawalFailing')[0]).toMatchObject({ severity: 'critical', facts: { people: 1 } });
    expect(alertsOf('withdrawalFailing')[0]?.text).toContain(at('ann'));
    const sent = locksSent();
    const gaps = sent.slice(1).map((time, index) => time - (sent[index] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(MINUTE);
    bridge.control.clearFaults();
    await bridge.pass(MINUTE);
    expect(isLocked('ann')).toBe(true);
  });

  it('obeys Retry-After', async () => {
    const [ann] = (await startWith(['ann'])) as [string];
    const headers = { 'retry-after': '300' };
    bridge.control.addFault({ ...LOCKS, times: 1, fault: { kind: 'status', status: 429, headers } });
    await bridge.patchUser(ann, DISABLE);
    await bridge.pass(295_000);
    expect(locksSent()).toHaveLength(1);
    await bridge.pass(MINUTE);
    expect(isLocked('ann')).toBe(true);
  });
});

describe('while the whole workspace fails', () => {
  it('there is one probe a minute for everybody; after it leavers go first, all within a minute', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `p${String(index + 1)}`);
    const ids = await startWith(names);
    bridge.control.addFault({ path: '/v1/**', fault: { kind: 'status', status: 503 } });
    for (const name of ['n1', 'n2', 'n3', 'n4']) await bridge.createUser(name);
    for (const id of ids) await bridge.patchUser(id, DISABLE);
    await bridge.pass(30 * MINUTE);
    const before = bridge.control.requests().length;
    await bridge.pass(10 * MINUTE);
    const probes = bridge.control.requests().length - before;
    expect(probes).toBeGreaterThanOrEqual(9);
    expect(probes).toBeLessThanOrEqual(20);
    bridge.control.clearFaults();
    const answered = bridge.control.requests().length;
    await bridge.until(() => true, 'the end of the faults');
    for (let waited = 0; bridge.control.requests().length === answered && waited < MINUTE; waited += 1_000)
      await bridge.pass(1_000);
    await bridge.pass(MINUTE);
    expect(names.filter((name) => !isLocked(name))).toEqual([]);
    const writes = bridge.control
      .requests()
      .slice(answered)
      .filter(({ method }) => method !== 'GET')
      .map(({ path }) => path);
    const lastLock = writes.findLastIndex((path) => path.endsWith('/members'));
    // The probe itself may be anybody's.
    expect(writes.slice(1, lastLock).filter((path) => path.includes('invites'))).toEqual([]);
  });
});

describe('a withdrawal that ElevenLabs rejects for certain', () => {
  it('alerts at once, is tried after ten minutes, then after each full reading, and when the IdP repeats it', async () => {
    const [ann] = (await startWith(['ann'])) as [string];
    bridge.control.addFault({ ...LOCKS, fault: { kind: 'status', status: 403 } });
    await bridge.patchUser(ann, DISABLE);
    await bridge.idle();
    expect(alertsOf('withdrawalRejected')).toHaveLength(1);
    expect(alertsOf('withdrawalRejected')[0]).toMatchObject({ severity: 'critical' });
    expect(alertsOf('withdrawalRejected')[0]?.text).toContain(at('ann'));
    expect(await bridge.bridgeOf(ann)).toMatchObject({ status: 'failed' });
    expect(locksSent()).toHaveLength(1);
    await bridge.sync();
    expect(locksSent()).toHaveLength(1);
    await bridge.pass(10 * MINUTE + 1_000);
    expect(locksSent()).toHaveLength(2);
    await bridge.sync();
    expect(locksSent()).toHaveLength(3);
    await bridge.sync();
    expect(locksSent()).toHaveLength(4);
    await bridge.patchUser(ann, DISABLE);
    await bridge.idle();
    expect(locksSent()).toHaveLength(5);
    bridge.control.clearFaults();
    await bridge.sync();
    expect(isLocked('ann')).toBe(true);
    expect(alertsOf('withdrawalRejected')).toHaveLength(1);
  });

  it('from a group likewise, also where the IdP says again that the member is out', async () => {
    const [ann] = (await startWith(['ann'])) as [string];
    const { body } = await bridge.createGroup('Sales', [ann]);
    await bridge.idle();
    const path = '/v1/workspace/groups/**';
    bridge.control.addFault({ method: 'POST', path, fault: { kind: 'status', status: 403 } });
    const out = { op: 'remove', path: `members[value eq "${ann}"]` };
    await bridge.patchGroup(body.id, out);
    await bridge.idle();
    expect(alertsOf('withdrawalRejected')).toHaveLength(1);
    bridge.control.clearFaults();
    await bridge.patchGroup(body.id, out);
    await bridge.idle();
    expect(bridge.workspace().members[at('ann')]?.groups).toEqual([]);
  });
});
