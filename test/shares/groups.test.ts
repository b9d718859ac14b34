/** Shares of groups: to the workspace group where there is a link, to the members where there is none. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { GROUP_URN, startTestBridge, type TestBridge } from '../support/bridge.js';
import {
  ADA,
  AGENT,
  group,
  groupShares,
  later,
  mapped,
  resourceCalls,
  seed,
  shareCalls,
  sharesOf,
  sharing,
  user,
  VOICE,
  ZOE,
} from './support.js';

let bridge: TestBridge;
beforeEach(async () => {
  bridge = await startTestBridge({ seed: seed() });
});
afterEach(() => bridge.close());

const join = (id: string, member: string) =>
  bridge.patchGroup(id, { op: 'add', path: 'members', value: [{ value: member }] });
const leave = (id: string, member: string) =>
  bridge.patchGroup(id, { op: 'remove', path: `members[value eq "${member}"]` });
const setShares = (...values: readonly string[]) => ({
  op: 'replace',
  path: `${GROUP_URN}:shares`,
  value: sharing(...values)[GROUP_URN]?.shares,
});

describe('a group that is linked', () => {
  it('gets one share, which joiners and leavers do not touch', async () => {
    const zoe = await user(bridge, 'zoe');
    const support = await group(bridge, 'Support', [zoe], sharing('convai_agents:agent1:editor'));
    expect(groupShares(bridge, 'Support')).toEqual(['convai_agents:agent1:editor']);
    expect(bridge.workspace().groups['Support']).toEqual([ZOE]);
    const ada = await user(bridge, 'ada');
    await join(support, ada);
    await leave(support, zoe);
    await bridge.idle();
    expect(bridge.workspace().groups['Support']).toEqual([ADA]);
    expect(shareCalls(bridge)).toEqual(['share agent1 editor wgSupport']);
    expect([sharesOf(bridge, ZOE), sharesOf(bridge, ADA)]).toEqual([[], []]);
  });

  it('follows what the IdP writes: another role, another resource, none', async () => {
    const support = await group(bridge, 'Support', [], sharing('convai_agents:agent1:editor'));
    await bridge.patchGroup(support, setShares('convai_agents:agent1:viewer', 'voice:voice1:editor'));
    await bridge.idle();
    expect(groupShares(bridge, 'Support')).toEqual(['convai_agents:agent1:viewer', 'voice:voice1:editor']);
    await bridge.patchGroup(support, { op: 'remove', path: `${GROUP_URN}:shares` });
    await bridge.idle();
    expect(groupShares(bridge, 'Support')).toEqual([]);
  });

  it('and deleted loses what the bridge gave, and nothing else', async () => {
    bridge.control.share(VOICE, 'viewer', { groupId: 'wgSupport' });
    const support = await group(bridge, 'Support', [], sharing('convai_agents:agent1:editor', 'voice:voice1:editor'));
    expect(groupShares(bridge, 'Support')).toEqual(['convai_agents:agent1:editor', 'voice:voice1:editor']);
    await bridge.scim('DELETE', `/Groups/${support}`);
    await bridge.idle();
    expect(groupShares(bridge, 'Support')).toEqual(['voice:voice1:viewer']);
  });

  it('whose workspace group is deleted in ElevenLabs owes nothing to it any more', async () => {
    const zoe = await user(bridge, 'zoe');
    // An empty list of groups would not be believed.
    bridge.control.createGroup('Other');
    await group(bridge, 'Support', [zoe], sharing('voice:voice1:editor'));
    bridge.control.deleteGroup('wgSupport');
    await bridge.syncUntilGone();
    await bridge.finish();
    expect(sharesOf(bridge, ZOE)).toEqual(['voice:voice1:editor']);
    const left = await bridge.store.ledger({ states: ['planned', 'refused'], limit: 10 });
    // Tried while the group was missing, and not to be tried again.
    expect(left.filter(({ state, retryAt }) => state === 'planned' || retryAt !== null)).toEqual([]);
  });
});

describe('a group that is not linked', () => {
  it('gives to its members one by one; who leaves loses it', async () => {
    const [zoe, ada] = [await user(bridge, 'zoe'), await user(bridge, 'ada')];
    const fans = await group(bridge, 'Fans', [zoe, ada], sharing('voice:voice1:viewer'));
    expect([sharesOf(bridge, ZOE), sharesOf(bridge, ADA)]).toEqual([['voice:voice1:viewer'], ['voice:voice1:viewer']]);
    await leave(fans, zoe);
    await bridge.idle();
    expect([sharesOf(bridge, ZOE), sharesOf(bridge, ADA)]).toEqual([[], ['voice:voice1:viewer']]);
    await bridge.scim('DELETE', `/Groups/${fans}`);
    await bridge.idle();
    expect(sharesOf(bridge, ADA)).toEqual([]);
  });

  it('moves to the workspace group when the link comes: first given there, then withdrawn from the members', async () => {
    const [zoe, ada] = [await user(bridge, 'zoe'), await user(bridge, 'ada')];
    bridge.control.share(VOICE, 'viewer', { userEmail: ADA });
    await group(bridge, 'Fans', [zoe, ada], sharing('voice:voice1:viewer'));
    bridge.control.clearRequests();
    bridge.control.createGroup('Fans', 'wgFans');
    await later(bridge);
    await bridge.sync();
    expect(groupShares(bridge, 'Fans')).toEqual(['voice:voice1:viewer']);
    expect(shareCalls(bridge)).toEqual(['share voice1 viewer wgFans', `unshare voice1 ${ZOE}`]);
    expect(bridge.workspace().groups['Fans']).toEqual([ADA, ZOE]);
    // What ada was given by hand is no business of the bridge.
    expect(sharesOf(bridge, ADA)).toEqual(['voice:voice1:viewer']);
  });

  it('takes nothing from the members while the workspace group cannot be given it', async () => {
    const zoe = await user(bridge, 'zoe');
    await group(bridge, 'Fans', [zoe], sharing('voice:voice1:viewer'));
    bridge.control.createGroup('Fans', 'wgFans');
    bridge.control.addFault({
      method: 'POST',
      path: '/v1/workspace/resources/*/share',
      bodyIncludes: 'wgFans',
      fault: { kind: 'status', status: 400, body: { detail: { status: 'bad_request', message: 'No.' } } },
    });
    await bridge.sync();
    await bridge.finish();
    expect(groupShares(bridge, 'Fans')).toEqual([]);
    expect(sharesOf(bridge, ZOE)).toEqual(['voice:voice1:viewer']);
    bridge.control.clearFaults();
    await bridge.app.reconciler.retryRefused(null);
    await bridge.idle();
    expect(groupShares(bridge, 'Fans')).toEqual(['voice:voice1:viewer']);
    expect(sharesOf(bridge, ZOE)).toEqual([]);
  });
});

describe('two groups linked to one workspace group', () => {
  it('the highest role holds, then that of the other, and nobody undoes the work of the other', async () => {
    const support = await group(bridge, 'Support', [], sharing('voice:voice1:viewer'));
    const help = await group(bridge, 'Help', [], {
      [GROUP_URN]: { ...sharing('voice:voice1:editor')[GROUP_URN], groupId: 'wgSupport' },
    });
    expect(groupShares(bridge, 'Support')).toEqual(['voice:voice1:editor']);
    await later(bridge);
    await bridge.sync();
    expect(shareCalls(bridge)).toHaveLength(2);
    await bridge.scim('DELETE', `/Groups/${help}`);
    await bridge.idle();
    expect(groupShares(bridge, 'Support')).toEqual(['voice:voice1:viewer']);
    await bridge.scim('DELETE', `/Groups/${support}`);
    await bridge.idle();
    expect(groupShares(bridge, 'Support')).toEqual([]);
  });

  it('the same role from both: it goes with the last of them, whichever gave it', async () => {
    const support = await group(bridge, 'Support', [], sharing('voice:voice1:viewer'));
    const help = await group(bridge, 'Help', [], {
      [GROUP_URN]: { ...sharing('voice:voice1:viewer')[GROUP_URN], groupId: 'wgSupport' },
    });
    await bridge.scim('DELETE', `/Groups/${support}`);
    await bridge.idle();
    expect(groupShares(bridge, 'Support')).toEqual(['voice:voice1:viewer']);
    await bridge.scim('DELETE', `/Groups/${help}`);
    await bridge.idle();
    expect(groupShares(bridge, 'Support')).toEqual([]);
    expect(shareCalls(bridge)).toEqual(['share voice1 viewer wgSupport', 'unshare voice1 wgSupport']);
  });
});

describe('groups in the mapping file', () => {
  it('give shares like the attribute, dangerous ones included', async () => {
    await bridge.close();
    const groupShareRules = new Map([['support', [mapped('voice:voice1:admin')]]]);
    bridge = await startTestBridge({ seed: seed(), rules: { groupShares: groupShareRules } });
    // Imported, and of no IdP yet.
    expect(groupShares(bridge, 'Support')).toEqual([]);
    await group(bridge, 'Support');
    expect(groupShares(bridge, 'Support')).toEqual(['voice:voice1:admin']);
  });

  it('that come with a reload reach the members of groups without a link, too', async () => {
    await bridge.close();
    bridge = await startTestBridge({ seed: seed() });
    const zoe = await user(bridge, 'zoe');
    await group(bridge, 'Fans', [zoe]);
    expect(resourceCalls(bridge)).toEqual([]);
    await bridge.setRules({ groupShares: new Map([['fans', [mapped('voice:voice1:viewer')]]]) });
    await bridge.finish();
    expect(sharesOf(bridge, ZOE)).toEqual(['voice:voice1:viewer']);
    await bridge.setRules({ groupShares: new Map() });
    await bridge.finish();
    expect(sharesOf(bridge, ZOE)).toEqual([]);
  });
});

describe('what is not accepted', () => {
  it.each([
    [{ resourceType: 'voices', resourceId: 'v', role: 'viewer' }, 'unknown resource type'],
    [{ resourceType: 'voice', resourceId: 'v', role: 'owner' }, 'admin, editor, commenter, viewer'],
    [{ resourceType: 'voice', resourceId: 'a/b', role: 'viewer' }, 'is not a resource id'],
    [{ resourceType: 'voice', role: 'viewer' }, 'resourceId'],
    [{ resourceType: 'voice', resourceId: 'v', role: 'admin' }, 'allowDangerousShares'],
    [{ resourceType: 'convai_secrets', resourceId: 'v', role: 'viewer' }, 'allowDangerousShares'],
  ])('%j in shares', async (share, words) => {
    const { status, body } = await bridge.createGroup('Fans', [], { [GROUP_URN]: { shares: [share] } });
    expect([status, body.scimType]).toEqual([400, 'invalidValue']);
    expect(body.detail).toContain(words);
  });
});

it('the hundredth member of an unlinked group meets the limit, the others have theirs', async () => {
  const groups = Array.from({ length: 98 }, (_, index) => ({ name: `G${String(index)}`, id: `g${String(index)}` }));
  await bridge.close();
  bridge = await startTestBridge({ seed: seed({ groups }) });
  for (const { id } of groups) bridge.control.share(AGENT, 'viewer', { groupId: id });
  const members = [await user(bridge, 'zoe'), await user(bridge, 'ada'), await user(bridge, 'max')];
  await group(bridge, 'Fans', members, sharing('convai_agents:agent1:viewer'));
  const slot = bridge.control.state().resources?.find(({ id }) => id === AGENT.id)?.slots?.['viewer'] ?? [];
  expect(slot).toHaveLength(99);
  expect(shareCalls(bridge)).toHaveLength(1);
  const refused = await bridge.store.ledger({ states: ['refused'], limit: 10 });
  expect(refused.map(({ errorCode, attempts }) => [errorCode, attempts])).toEqual([
    ['tooManyPrincipals', 0],
    ['tooManyPrincipals', 0],
  ]);
});
