/** Invites of which nobody knows whether they were sent: the joiner is invited in the end, or somebody is told. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { startTestBridge, type TestBridge } from '../support/bridge.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MINUTE = 60_000;
const ADD = { method: 'POST', path: '/v1/workspace/invites/add' } as const;
const BLIND_SCOPES = [
  'workspace_read',
  'workspace_write',
  'workspace_members_invite',
  'group_members_manage',
  'user_read',
];
const ZOE = 'zoe@workspace.example';

let bridge: TestBridge;
afterEach(() => bridge.close());

const invitesSent = (): number => bridge.control.requests({ path: '/v1/workspace/invites/add' }).length;
const mails = (): number => bridge.workspace().mails[ZOE] ?? 0;
const unclear = (applied: boolean) => ({ ...ADD, fault: { kind: 'status', status: 502, applied } }) as const;

/** Time goes by with the bridge running, and what falls due is done. */
async function wait(ms: number): Promise<void> {
  bridge.clock.leap(ms - 10_000);
  await bridge.pass(10_000);
  await bridge.idle();
}

async function explained(id: string): Promise<string> {
  const { lastError } = await bridge.bridgeOf(id);
  return String(lastError);
}

describe('an invite whose calls are answered 502', () => {
  it('is sent again after two of them, by time alone; until then it is said when', async () => {
    bridge = await startTestBridge({ seed: minimalSeed() });
    bridge.control.addFault({ ...unclear(false), times: 2 });
    const { id } = (await bridge.createUser('zoe')).body;
    await bridge.finish();
    expect([invitesSent(), mails()]).toEqual([2, 0]);
    expect(await bridge.bridgeOf(id)).toMatchObject({ status: 'invited', pendingChanges: 1 });
    const again = /another one at (\S+)\./u.exec(await explained(id))?.[1] ?? '';
    expect(Math.abs(Date.parse(again) - bridge.clock.now() - HOUR)).toBeLessThan(MINUTE);
    await wait(HOUR - 2 * MINUTE);
    expect(invitesSent()).toBe(2);
    await wait(4 * MINUTE);
    expect([invitesSent(), mails()]).toEqual([3, 1]);
    expect(await bridge.bridgeOf(id)).toMatchObject({ status: 'invited', pendingChanges: 0 });
    expect((await bridge.bridgeOf(id))['lastError']).toBeUndefined();
  });

  it('goes out after an hour, a day and three days; then the user has failed, with a reason', async () => {
    bridge = await startTestBridge({ seed: minimalSeed() });
    bridge.control.addFault(unclear(true));
    const { id } = (await bridge.createUser('zoe')).body;
    await bridge.finish();
    const sent = [invitesSent()];
    for (const ms of [HOUR, DAY, 3 * DAY, 6 * DAY]) {
      await wait(ms + MINUTE);
      sent.push(invitesSent());
    }
    expect(sent).toEqual([2, 3, 4, 5, 5]);
    expect(await bridge.bridgeOf(id)).toMatchObject({ status: 'failed', pendingChanges: 0 });
    expect(await explained(id)).toContain('turn the user off and on in the IdP');
    const [row] = await bridge.store.ledger({ subject: `user:${id}`, limit: 10 });
    expect(row).toMatchObject({ state: 'ambiguous', attempts: 5 });
    expect((await bridge.store.invites({ open: false, limit: 10 })).map(({ state, sends }) => [state, sends])).toEqual([
      ['ambiguous', 5],
    ]);
    bridge.control.clearFaults();
    for (const value of [false, true]) await bridge.patchUser(id, { op: 'replace', path: 'active', value });
    await bridge.idle();
    expect(await bridge.bridgeOf(id)).toMatchObject({ status: 'invited', pendingChanges: 0 });
  }, 60_000);

  it('is no unclear one where the answer says that nothing was done', async () => {
    bridge = await startTestBridge({ seed: minimalSeed() });
    bridge.control.addFault({ ...ADD, times: 6, fault: { kind: 'status', status: 429 } });
    const { id } = (await bridge.createUser('zoe')).body;
    await bridge.finish();
    expect([await bridge.bridgeOf(id), mails()]).toMatchObject([{ status: 'invited', pendingChanges: 0 }, 1]);
  });

  it('is sent again a minute later where members cannot be listed', async () => {
    const members = [{ email: 'owner@workspace.example', owner: true }];
    const keys = [{ name: 'Provisioning', owner: 'owner@workspace.example', scopes: BLIND_SCOPES }];
    bridge = await startTestBridge({ seed: minimalSeed({ members, keys }) });
    expect(bridge.app.reconciler.state.readings.blind).toBe(true);
    bridge.control.addFault({ ...unclear(false), times: 1 });
    await bridge.createUser('zoe');
    await bridge.pass(50_000);
    expect(invitesSent()).toBe(1);
    await bridge.pass(20_000);
    expect([invitesSent(), mails()]).toEqual([2, 1]);
  });
});

describe('the clock of the machine', () => {
  it('ten days slow and then set right sends no second e-mail, not across a restart either', async () => {
    bridge = await startTestBridge({ seed: minimalSeed() });
    bridge.clock.jump(-10 * DAY);
    await bridge.createUser('zoe');
    await bridge.idle();
    expect(mails()).toBe(1);
    bridge.clock.jump(10 * DAY);
    await wait(HOUR);
    expect(mails()).toBe(1);
    await bridge.restart();
    await bridge.sync();
    expect(mails()).toBe(1);
    bridge.clock.jump(10 * DAY);
    await bridge.restart();
    await bridge.sync();
    expect(mails()).toBe(1);
    await wait(7 * DAY);
    expect(mails()).toBe(2);
  }, 60_000);
});
