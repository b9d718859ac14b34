/** The check behind every test with a bridge (support/unmanaged.ts): it lets pass what may be, and nothing else. */
import { describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { startTestBridge, type TestBridge } from '../support/bridge.js';

const at = (name: string): string => `${name}@workspace.example`;
const seed = minimalSeed({
  members: [{ email: at('owner'), owner: true }, { email: at('ada') }, { email: at('bob') }],
  groups: [{ name: 'Sales', id: 'sales', members: [at('bob')] }],
});

/** A call with the key of the bridge, as if it had gone mad. */
async function call({ config, sandbox }: TestBridge, method: string, path: string, body: object): Promise<void> {
  const { upstream } = config;
  if (upstream.kind !== 'elevenlabs') throw new Error('a test bridge has a key');
  const answer = await fetch(`${upstream.baseUrl}/v1/workspace/${path}`, {
    method,
    headers: { 'xi-api-key': sandbox.apiKey(), 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(200);
}

describe('the check that nobody unmanaged is touched', () => {
  it.each<[string, string, string, object]>([
    ['a lock', 'POST', 'members', { email: at('bob'), is_locked: true }],
    ['another seat', 'POST', 'members', { email: at('bob'), workspace_seat_type: 'workspace_lite_member' }],
    ['a removal from a group', 'POST', 'groups/sales/members/remove', { email: at('bob') }],
    ['an invite', 'POST', 'invites/add', { email: at('stranger') }],
  ])('finds %s', async (_what, method, path, body) => {
    const bridge = await startTestBridge({ seed });
    await bridge.createUser('ada');
    await call(bridge, method, path, body);
    await expect(bridge.close()).rejects.toThrow(/managed by no IdP|no IdP has asked/);
  });

  it('lets pass what is done by hand, and what an IdP asked for', async () => {
    const bridge = await startTestBridge({ seed });
    const ada = (await bridge.createUser('ada')).body.id;
    await bridge.createUser('zoe');
    await bridge.createGroup('Sales', [ada]);
    await bridge.idle();
    bridge.control.setLocked(at('bob'), true);
    bridge.control.addMember({ email: at('max') });
    await bridge.patchUser(ada, { op: 'replace', path: 'active', value: false });
    bridge.control.takeOutOfGroup('sales', at('bob'));
    bridge.control.changeEmail(at('ada'), at('ada.lovelace'));
    await bridge.sync();
    await bridge.close();
  });
});
