/** A hand-over to another address copies what the old account holds. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startTestBridge, type TestBridge } from '../support/bridge.js';
import { entitled, later, seed, sharesOf, sharing, group, user, VOICE, ZOE } from './support.js';

const NEW = 'zoe.new@workspace.example';

let bridge: TestBridge;
let zoe: string;
beforeEach(async () => {
  bridge = await startTestBridge({ seed: seed(), env: { EMAIL_CHANGE: 'handover' } });
  bridge.control.share(VOICE, 'viewer', { userEmail: ZOE });
  zoe = await user(bridge, 'zoe', entitled('convai_agents:agent1:editor'));
  // Makes voice1 a resource under management; zoe has it by hand.
  await group(bridge, 'Support', [], sharing('voice:voice1:viewer'));
});
afterEach(() => bridge.close());

async function handOver(): Promise<void> {
  await bridge.patchUser(zoe, { op: 'replace', path: 'emails[type eq "work"].value', value: NEW });
  bridge.control.accept(NEW);
  await later(bridge);
  await bridge.sync();
  await bridge.finish();
}

describe('a hand-over', () => {
  it('gives the new account what the rules say and what the old one had by hand, then locks the old one', async () => {
    await handOver();
    expect(sharesOf(bridge, NEW)).toEqual(['convai_agents:agent1:editor', 'voice:voice1:viewer']);
    expect(bridge.workspace().members[ZOE]).toMatchObject({ locked: true });
  });

  it("makes nothing hand-made the bridge's own", async () => {
    await handOver();
    await bridge.patchUser(zoe, { op: 'remove', path: 'entitlements' });
    await later(bridge);
    await bridge.sync();
    expect(sharesOf(bridge, NEW)).toEqual(['voice:voice1:viewer']);
    await bridge.scim('DELETE', `/Users/${zoe}`);
    await bridge.finish();
    expect(bridge.workspace().members[NEW]).toMatchObject({ locked: true, shares: ['voice:voice1:viewer'] });
  });

  it('copies a share whose answer is lost, once it is there', async () => {
    bridge.control.addFault({
      method: 'POST',
      path: '/v1/workspace/resources/*/share',
      nth: 2,
      fault: { kind: 'reset', applied: true },
    });
    await handOver();
    expect(sharesOf(bridge, NEW)).toEqual(['convai_agents:agent1:editor', 'voice:voice1:viewer']);
    await bridge.patchUser(zoe, { op: 'remove', path: 'entitlements' });
    await bridge.finish();
    expect(sharesOf(bridge, NEW)).toEqual(['voice:voice1:viewer']);
  });
});
