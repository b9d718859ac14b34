/** Shares of the mapping file that hang on no IdP group: the baseline, API keys, workspace groups. */
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Rules } from '../../src/domain/rules.js';
import type { Switches } from '../../src/sandbox/switches.js';
import { startTestBridge, type TestBridge } from '../support/bridge.js';
import { group, groupShares, later, mapped, OWNER, seed, shareCalls, sharing, VOICE } from './support.js';

let bridge: TestBridge;
afterEach(() => bridge.close());

/** With a service account that has an API key. */
const workspace = () =>
  seed({
    serviceAccounts: [{ name: 'Robot', userId: 'saRobot' }],
    keys: [
      { name: 'Bridge', owner: OWNER },
      { name: 'Robot key', owner: 'Robot', keyId: 'keyRobot' },
    ],
  });

const BASELINE = { principal: { kind: 'default' }, share: mapped('voice:voice1:viewer') } as const;
const KEY = { principal: { kind: 'key', keyId: 'keyRobot' }, share: mapped('convai_agents:agent1:editor') } as const;

async function start(rules: Partial<Rules>, switches: Partial<Switches> = {}): Promise<void> {
  bridge = await startTestBridge({ seed: workspace(), rules, switches });
  await bridge.idle();
}

const slotOf = (id: string, role: string): readonly string[] =>
  bridge.control.state().resources?.find((resource) => resource.id === id)?.slots?.[role] ?? [];

describe.each([
  ['the literal "default" and the id of the key', {}, 'default', 'keyRobot'],
  [
    'the group of everybody and the service account',
    { defaultPrincipal: 'everyoneGroupId', keyPrincipal: 'serviceAccountId' },
    'everyone',
    'saRobot',
  ],
] as const)('answers that name them by %s', (_name, switches, everybody, robot) => {
  const seeded = () => ({ ...workspace(), everyoneGroupId: 'everyone' });
  async function begin(rules: Partial<Rules>): Promise<void> {
    bridge = await startTestBridge({ seed: seeded(), rules, switches });
    await bridge.idle();
    await bridge.finish();
  }

  it('the baseline and a key are given at start, once, and withdrawn when the rule goes', async () => {
    await begin({ fixedShares: [BASELINE, KEY] });
    expect([slotOf('voice1', 'viewer'), slotOf('agent1', 'editor')]).toEqual([[everybody], [robot]]);
    await later(bridge);
    await bridge.sync();
    await bridge.restart();
    await bridge.sync();
    expect(shareCalls(bridge)).toEqual(['share voice1 viewer default', 'share agent1 editor keyRobot']);
    await bridge.setRules({ fixedShares: [] });
    await bridge.finish();
    expect([slotOf('voice1', 'viewer'), slotOf('agent1', 'editor')]).toEqual([[], []]);
  });

  it('what somebody shared with everybody by hand is not withdrawn', async () => {
    await begin({});
    bridge.control.share(VOICE, 'viewer', { groupId: 'default' });
    await bridge.setRules({ fixedShares: [BASELINE] });
    await bridge.finish();
    await bridge.setRules({ fixedShares: [] });
    await bridge.finish();
    expect(slotOf('voice1', 'viewer')).toEqual([everybody]);
  });

  it('a higher role that everybody had by hand is what remains, now and afterwards', async () => {
    await begin({});
    bridge.control.share(VOICE, 'editor', { groupId: 'default' });
    await bridge.setRules({ fixedShares: [BASELINE] });
    await bridge.finish();
    expect(slotOf('voice1', 'editor')).toEqual([everybody]);
    await bridge.setRules({ fixedShares: [] });
    await bridge.finish();
    expect(slotOf('voice1', 'editor')).toEqual([everybody]);
    expect(slotOf('voice1', 'viewer')).toEqual([]);
  });

  it('taken away by hand, it is given again', async () => {
    await begin({ fixedShares: [BASELINE] });
    bridge.control.unshare(VOICE, { groupId: 'default' });
    await later(bridge);
    await bridge.sync();
    await bridge.finish();
    expect(slotOf('voice1', 'viewer')).toEqual([everybody]);
  });
});

describe('a workspace group by name', () => {
  const byName = (value: string) => new Map([['support', [mapped(value)]]]);

  it('gets its shares whoever its members are, and when it comes up later', async () => {
    await start({
      workspaceGroupShares: new Map([...byName('voice:voice1:viewer'), ['studio', [mapped('voice:voice1:editor')]]]),
    });
    expect(groupShares(bridge, 'Support')).toEqual(['voice:voice1:viewer']);
    bridge.control.createGroup('Studio', 'wgStudio');
    await later(bridge);
    await bridge.sync();
    expect(groupShares(bridge, 'Studio')).toEqual(['voice:voice1:editor']);
  });

  it('shared by a group of the IdP, too: the highest role, and the other when it goes', async () => {
    await start({ workspaceGroupShares: byName('voice:voice1:viewer') });
    const support = await group(bridge, 'Support', [], sharing('voice:voice1:editor'));
    expect(groupShares(bridge, 'Support')).toEqual(['voice:voice1:editor']);
    await later(bridge);
    await bridge.sync();
    await bridge.scim('DELETE', `/Groups/${support}`);
    await bridge.idle();
    expect(groupShares(bridge, 'Support')).toEqual(['voice:voice1:viewer']);
    await later(bridge);
    await bridge.sync();
    expect(shareCalls(bridge)).toHaveLength(3);
  });
});

it('a key that does not exist is refused with the reason, and the rest is given', async () => {
  const nobody = { principal: { kind: 'key', keyId: 'nobody' }, share: mapped('voice:voice1:viewer') } as const;
  await start({ fixedShares: [nobody, BASELINE] });
  await bridge.finish();
  expect(slotOf('voice1', 'viewer')).toEqual(['default']);
  const [row] = await bridge.store.ledger({ subject: 'mapping', states: ['refused'], limit: 5 });
  expect(row?.error).toContain('API key nobody');
});
