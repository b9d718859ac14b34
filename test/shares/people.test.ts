/** Shares of single people, each rule through the front door: SCIM in, the real SDK, a sandbox workspace. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { startTestBridge, type TestBridge } from '../support/bridge.js';

const ZOE = 'zoe@workspace.example';
const OWNER = 'owner@workspace.example';
const AGENT = { type: 'convai_agents', id: 'agent1' };
const VOICE = { type: 'voice', id: 'voice1' };

const seed = () =>
  minimalSeed({
    members: [{ email: OWNER, owner: true }, { email: ZOE }, { email: 'ada@workspace.example' }],
    groups: [{ name: 'Support', id: 'wgSupport' }],
    resources: [
      { ...AGENT, name: 'Support line', creator: OWNER },
      { ...VOICE, name: 'Brand voice', creator: OWNER },
    ],
  });

let bridge: TestBridge;
beforeEach(async () => {
  bridge = await startTestBridge({ seed: seed() });
});
afterEach(() => bridge.close());

const entitled = (...values: readonly string[]) => ({ entitlements: values.map((value) => ({ value })) });
const sharesOf = (email: string) => bridge.workspace().members[email]?.shares;
const shareCalls = () => bridge.writes().filter((call) => (call.split(' ')[1] ?? '').endsWith('share'));
const put = (...values: readonly string[]) => ({
  op: 'replace',
  path: 'entitlements',
  value: values.map((value) => ({ value })),
});
/** Longer than a reading of a resource may serve. */
const later = () => bridge.clock.advanceAsync(20_000);

/** Zoe, a member under management, with these entitlements. */
async function zoeWith(...values: readonly string[]): Promise<string> {
  const { status, body } = await bridge.createUser('zoe', entitled(...values));
  expect(status).toBe(201);
  await bridge.idle();
  return body.id;
}

describe('an entitlement of a member', () => {
  it('is shared, once, after the resource was read', async () => {
    await zoeWith('convai_agents:agent1:editor');
    expect(sharesOf(ZOE)).toEqual(['convai_agents:agent1:editor']);
    await later();
    await bridge.sync();
    expect(shareCalls()).toEqual(['POST resources/agent1/share']);
    const calls = bridge.control.requests().filter(({ path }) => path.includes('/resources/'));
    expect(calls[0]?.method).toBe('GET');
  });

  it('changes its role, and goes, as the IdP says', async () => {
    const id = await zoeWith('convai_agents:agent1:viewer');
    await bridge.patchUser(id, put('convai_agents:agent1:editor'));
    expect(sharesOf(ZOE)).toEqual(['convai_agents:agent1:editor']);
    await bridge.patchUser(id, put('voice:voice1:viewer'));
    expect(sharesOf(ZOE)).toEqual(['voice:voice1:viewer']);
    await bridge.patchUser(id, { op: 'remove', path: 'entitlements' });
    expect(sharesOf(ZOE)).toEqual([]);
  });
});
