/** The last administrator of the workspace keeps access, as last read and with what is under way. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { settle } from '../support/fake-clock.js';
import { startTestBridge, type TestBridge, type TestBridgeOptions } from '../support/bridge.js';

const DISABLE = { op: 'replace', path: 'active', value: false };
const at = (name: string): string => `${name}@workspace.example`;

let bridge: TestBridge;
afterEach(() => bridge.close());

/** The owner holds another seat; Ann and Bob are the people in question. Answers their ids. */
async function startWith(seatType: 'workspace_admin' | 'workspace_member', env: TestBridgeOptions['env'] = {}) {
  bridge = await startTestBridge({
    seed: minimalSeed({
      members: [
        { email: at('owner'), owner: true, seatType: 'workspace_member' },
        { email: at('ann'), seatType },
        { email: at('bob'), seatType },
        { email: at('cid'), seatType: seatType === 'workspace_admin' ? 'workspace_member' : 'workspace_admin' },
      ],
    }),
    env,
  });
  const ann: string = (await bridge.createUser('ann')).body.id;
  const bob: string = (await bridge.createUser('bob')).body.id;
  await bridge.idle();
  return { ann, bob };
}

const admins = (): readonly string[] =>
  Object.entries(bridge.workspace().members)
    .filter(([, { seat, locked }]) => seat === 'workspace_admin' && !locked)
    .map(([email]) => email);

describe('two administrators disabled at once, the owner holding another seat', () => {
  it('one stays, and the IdP is told so', async () => {
    const { ann, bob } = await startWith('workspace_admin', { PROVISION_WAIT_MS: '0' });
    const answers = await Promise.all([bridge.patchUser(ann, DISABLE), bridge.patchUser(bob, DISABLE)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
    const refused = answers.find(({ status }) => status === 400);
    expect(refused?.body).toMatchObject({ scimType: 'mutability' });
    expect(refused?.body.detail).toContain('last active admin');
    await bridge.idle();
    expect(admins()).toHaveLength(1);
  });

  it('the second is refused while the lock of the first has no answer, fails, or is deleted', async () => {
    const { ann, bob } = await startWith('workspace_admin', { PROVISION_WAIT_MS: '0' });
    bridge.control.addFault({ path: '/v1/workspace/members', fault: { kind: 'status', status: 500 } });
    expect((await bridge.patchUser(ann, DISABLE)).status).toBe(200);
    expect((await bridge.patchUser(bob, DISABLE)).status).toBe(400);
    await bridge.pass(5_000);
    expect((await bridge.scim('DELETE', `/Users/${bob}`)).status).toBe(400);
    expect((await bridge.scim('DELETE', `/Users/${ann}`)).status).toBe(204);
    expect((await bridge.scim('DELETE', `/Users/${bob}`)).status).toBe(400);
    bridge.control.clearFaults();
    await bridge.calm();
    expect(admins()).toEqual([at('bob')]);
  });
});

describe('two leavers who have become the only administrators', () => {
  it('one stays until there is another: asked once more where each lock is sent', async () => {
    const { ann, bob } = await startWith('workspace_member', { DRY_RUN: 'true' });
    for (const id of [ann, bob]) expect((await bridge.patchUser(id, DISABLE)).status).toBe(200);
    for (const name of ['ann', 'bob']) bridge.control.setSeat(at(name), 'workspace_admin');
    bridge.control.setSeat(at('cid'), 'workspace_member');
    await bridge.sync();
    // Both are worked on at the same time.
    bridge.control.addFault({ method: 'POST', path: '/v1/workspace/members', fault: { kind: 'hang', applied: true } });
    await bridge.restart({ DRY_RUN: 'false' });
    await bridge.until(() => bridge.control.hanging() > 0, 'a lock under way');
    await bridge.until(
      async () => (await bridge.store.due(1, new Set([`user:${ann}`, `user:${bob}`]))).length === 0,
      'both are in work',
    );
    for (let turn = 0; turn < 100; turn++) await settle();
    // Not two: what the workspace would refuse is not asked for.
    expect(bridge.control.hanging()).toBe(1);
    bridge.control.clearFaults();
    bridge.control.releaseHanging();
    await bridge.calm();
    expect(admins()).toHaveLength(1);
    bridge.control.setSeat(at('cid'), 'workspace_admin');
    await bridge.sync();
    await bridge.calm();
    expect(admins()).toEqual([at('cid')]);
  });
});
