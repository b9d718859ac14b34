/** Shares of single people, each rule through the front door: SCIM in, the real SDK, a sandbox workspace. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RESOURCE_TYPES } from '../../src/domain/resource-types.js';
import { DANGEROUS_TYPES } from '../../src/domain/shares.js';
import { startTestBridge, type TestBridge } from '../support/bridge.js';
import {
  ADA,
  AGENT,
  entitled,
  group,
  later,
  OWNER,
  resourceCalls,
  seed,
  setEntitlements,
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

const DISABLE = { op: 'replace', path: 'active', value: false };

describe('an entitlement of a member', () => {
  it('is shared once, after the resource was read', async () => {
    await user(bridge, 'zoe', entitled('convai_agents:agent1:editor'));
    expect(sharesOf(bridge, ZOE)).toEqual(['convai_agents:agent1:editor']);
    expect(resourceCalls(bridge)).toEqual(['GET agent1', `share agent1 editor ${ZOE}`]);
    await later(bridge);
    await bridge.sync();
    expect(shareCalls(bridge)).toHaveLength(1);
  });

  it('changes its role, and goes, as the IdP says', async () => {
    const id = await user(bridge, 'zoe', entitled('convai_agents:agent1:viewer'));
    await bridge.patchUser(id, setEntitlements('convai_agents:agent1:editor'));
    expect(sharesOf(bridge, ZOE)).toEqual(['convai_agents:agent1:editor']);
    await bridge.patchUser(id, setEntitlements('voice:voice1:viewer'));
    expect(sharesOf(bridge, ZOE)).toEqual(['voice:voice1:viewer']);
    await bridge.patchUser(id, { op: 'remove', path: 'entitlements' });
    expect(sharesOf(bridge, ZOE)).toEqual([]);
  });

  it('is kept while the invite is pending, and shared when it is accepted', async () => {
    const { body } = await bridge.createUser('new', entitled('voice:voice1:editor'));
    await bridge.sync();
    expect(resourceCalls(bridge).filter((call) => call.startsWith('share'))).toEqual([]);
    bridge.control.accept('new@workspace.example');
    await bridge.sync();
    expect(sharesOf(bridge, 'new@workspace.example')).toEqual(['voice:voice1:editor']);
    expect(await bridge.bridgeOf(body.id)).toMatchObject({ status: 'member', pendingChanges: 0 });
  });

  it('stays when the user is disabled, and goes when it is deleted', async () => {
    const id = await user(bridge, 'zoe', entitled('voice:voice1:editor'));
    await bridge.patchUser(id, DISABLE);
    await later(bridge);
    await bridge.sync();
    expect(bridge.workspace().members[ZOE]).toMatchObject({ locked: true, shares: ['voice:voice1:editor'] });
    expect((await bridge.scim('DELETE', `/Users/${id}`)).status).toBe(204);
    await bridge.idle();
    expect(bridge.workspace().members[ZOE]).toMatchObject({ locked: true, shares: [] });
  });

  it('comes back with a user created anew', async () => {
    const id = await user(bridge, 'zoe', entitled('voice:voice1:editor'));
    await bridge.scim('DELETE', `/Users/${id}`);
    await bridge.idle();
    await user(bridge, 'zoe', entitled('voice:voice1:viewer'));
    expect(bridge.workspace().members[ZOE]).toMatchObject({ locked: false, shares: ['voice:voice1:viewer'] });
  });

  it('of a disabled user is shared when the user is enabled', async () => {
    const id = await user(bridge, 'zoe');
    await bridge.patchUser(id, DISABLE);
    await bridge.patchUser(id, setEntitlements('voice:voice1:viewer'));
    expect(sharesOf(bridge, ZOE)).toEqual([]);
    await bridge.patchUser(id, { op: 'replace', path: 'active', value: true });
    await bridge.idle();
    expect(sharesOf(bridge, ZOE)).toEqual(['voice:voice1:viewer']);
  });
});

describe('several rules for one resource', () => {
  it('give the highest role, and the highest of the rest when it goes', async () => {
    const id = await user(bridge, 'zoe', entitled('voice:voice1:viewer'));
    const editors = await group(bridge, 'Editors', [id], sharing('voice:voice1:editor'));
    await group(bridge, 'Commenters', [id], sharing('voice:voice1:commenter'));
    expect(sharesOf(bridge, ZOE)).toEqual(['voice:voice1:editor']);
    await bridge.scim('DELETE', `/Groups/${editors}`);
    await bridge.idle();
    expect(sharesOf(bridge, ZOE)).toEqual(['voice:voice1:commenter']);
    await bridge.patchUser(id, setEntitlements('voice:voice1:editor'));
    expect(sharesOf(bridge, ZOE)).toEqual(['voice:voice1:editor']);
    expect(shareCalls(bridge).filter((call) => call.startsWith('unshare'))).toEqual([]);
  });

  it('and no rule any more: withdrawn', async () => {
    const id = await user(bridge, 'zoe', entitled('voice:voice1:viewer'));
    const editors = await group(bridge, 'Editors', [id], sharing('voice:voice1:editor'));
    await bridge.patchUser(id, { op: 'remove', path: 'entitlements' });
    await bridge.patchGroup(editors, { op: 'remove', path: 'members' });
    await bridge.idle();
    expect(sharesOf(bridge, ZOE)).toEqual([]);
  });
});

describe('a share made by hand', () => {
  it('as high as wanted costs no call, is not counted as given and never withdrawn', async () => {
    bridge.control.share(VOICE, 'editor', { userEmail: ZOE });
    const id = await user(bridge, 'zoe', entitled('voice:voice1:viewer'));
    expect(resourceCalls(bridge)).toEqual(['GET voice1']);
    await bridge.patchUser(id, { op: 'remove', path: 'entitlements' });
    await bridge.scim('DELETE', `/Users/${id}`);
    await bridge.idle();
    expect(sharesOf(bridge, ZOE)).toEqual(['voice:voice1:editor']);
    expect(shareCalls(bridge)).toEqual([]);
  });

  it('lower than wanted is raised, and is what remains when the rule goes', async () => {
    bridge.control.share(VOICE, 'viewer', { userEmail: ZOE });
    const id = await user(bridge, 'zoe', entitled('voice:voice1:editor'));
    expect(sharesOf(bridge, ZOE)).toEqual(['voice:voice1:editor']);
    await bridge.patchUser(id, { op: 'remove', path: 'entitlements' });
    await bridge.idle();
    expect(sharesOf(bridge, ZOE)).toEqual(['voice:voice1:viewer']);
    await bridge.scim('DELETE', `/Users/${id}`);
    await later(bridge);
    await bridge.sync();
    expect(sharesOf(bridge, ZOE)).toEqual(['voice:voice1:viewer']);
    expect(shareCalls(bridge)).toEqual([`share voice1 editor ${ZOE}`, `share voice1 viewer ${ZOE}`]);
  });

  it('of somebody whom no rule concerns is left alone', async () => {
    bridge.control.share(VOICE, 'editor', { userEmail: ADA });
    await user(bridge, 'zoe', entitled('voice:voice1:viewer'));
    await user(bridge, 'ada');
    await later(bridge);
    await bridge.sync();
    expect(sharesOf(bridge, ADA)).toEqual(['voice:voice1:editor']);
  });

  it('that goes by hand, too, is given by the rule', async () => {
    bridge.control.share(VOICE, 'editor', { userEmail: ZOE });
    await user(bridge, 'zoe', entitled('voice:voice1:viewer'));
    bridge.control.unshare(VOICE, { userEmail: ZOE });
    await later(bridge);
    await bridge.sync();
    expect(sharesOf(bridge, ZOE)).toEqual(['voice:voice1:viewer']);
  });
});

describe('the creator of a resource', () => {
  it('keeps admin, whatever the rules say', async () => {
    bridge.control.createResource({ type: 'voice', id: 'zoes', creator: ZOE });
    const id = await user(bridge, 'zoe', entitled('voice:zoes:viewer'));
    await bridge.patchUser(id, { op: 'remove', path: 'entitlements' });
    await bridge.scim('DELETE', `/Users/${id}`);
    await bridge.idle();
    expect(resourceCalls(bridge)).toEqual(['GET zoes']);
    expect(sharesOf(bridge, ZOE)).toEqual(['voice:zoes:admin']);
  });
});

describe('what cannot be shared', () => {
  it('a resource that does not exist: refused to the IdP with the remedy, and nothing of the write remains', async () => {
    const id = await user(bridge, 'zoe');
    const { status, body } = await bridge.patchUser(id, setEntitlements('voice:nowhere:viewer'));
    expect(status).toBe(400);
    expect(body.scimType).toBe('invalidValue');
    expect(body.detail).toContain('entitlements "voice:nowhere:viewer"');
    expect(body.detail).toContain('does not exist');
    expect((await bridge.scim('GET', `/Users/${id}`)).body.entitlements).toBeUndefined();
    expect(resourceCalls(bridge)).toEqual(['GET nowhere']);
    const [row] = await bridge.store.ledger({ subject: `user:${id}`, states: ['refused'], limit: 5 });
    expect(row).toMatchObject({ errorCode: 'unknownResource', attempts: 0, upstreamStatus: 404 });
  });

  it('a resource that does not exist, wanted by a group: in the ledger, and the user shows it', async () => {
    const id = await user(bridge, 'zoe');
    await group(bridge, 'Fans', [id], sharing('voice:nowhere:viewer'));
    const shown = await bridge.bridgeOf(id);
    expect(shown).toMatchObject({ status: 'failed' });
    expect(shown['lastError']).toContain('Check resource type and id');
    await bridge.sync();
    expect(shareCalls(bridge)).toEqual([]);
  });

  it('a resource that the key may not administer: refused with the remedy', async () => {
    await bridge.close();
    bridge = await startTestBridge({
      seed: seed({
        members: [
          { email: OWNER, owner: true },
          { email: ZOE },
          { email: 'bot@workspace.example', seatType: 'workspace_member' },
        ],
        keys: [{ name: 'Weak', owner: 'bot@workspace.example' }],
      }),
    });
    const { body: created } = await bridge.createUser('zoe');
    const { status, body } = await bridge.patchUser(created.id, setEntitlements('voice:voice1:viewer'));
    expect(status).toBe(400);
    expect(body.detail).toMatch(/admin access to the resource|administers the resource/u);
    expect(sharesOf(bridge, ZOE)).toEqual([]);
  });

  it('the 101st holder: foreseen, without a call, until there is room', async () => {
    const groups = Array.from({ length: 99 }, (_, index) => ({ name: `G${String(index)}`, id: `g${String(index)}` }));
    await bridge.close();
    bridge = await startTestBridge({ seed: seed({ groups }) });
    for (const { id } of groups) bridge.control.share(VOICE, 'viewer', { groupId: id });
    const id = await user(bridge, 'zoe');
    const { status, body } = await bridge.patchUser(id, setEntitlements('voice:voice1:viewer'));
    expect(status).toBe(400);
    expect(body.detail).toContain('100 people, groups and keys hold a role on it already');
    expect(body.detail).toContain('Share the resource with a workspace group');
    expect(resourceCalls(bridge)).toEqual(['GET voice1']);
    bridge.control.unshare(VOICE, { groupId: 'g5' });
    await later(bridge);
    expect((await bridge.patchUser(id, setEntitlements('voice:voice1:viewer'))).status).toBe(200);
    expect(sharesOf(bridge, ZOE)).toEqual(['voice:voice1:viewer']);
  });

  it('a new role for one of the hundred is no new holder', async () => {
    const groups = Array.from({ length: 98 }, (_, index) => ({ name: `G${String(index)}`, id: `g${String(index)}` }));
    await bridge.close();
    bridge = await startTestBridge({ seed: seed({ groups }) });
    for (const { id } of groups) bridge.control.share(VOICE, 'viewer', { groupId: id });
    const id = await user(bridge, 'zoe', entitled('voice:voice1:viewer'));
    await later(bridge);
    await bridge.patchUser(id, setEntitlements('voice:voice1:editor'));
    expect(sharesOf(bridge, ZOE)).toEqual(['voice:voice1:editor']);
  });
});

describe('what is not accepted', () => {
  it.each([
    ['voice', 'resourceType:resourceId:role'],
    ['voice:v1', 'resourceType:resourceId:role'],
    ['voice:v1:owner', 'allowed are admin, editor, commenter, viewer'],
    ['voice:../x:viewer', 'is not a resource id'],
    ['voice:v1:admin', 'allowDangerousShares'],
    ...DANGEROUS_TYPES.map((type) => [`${type}:x:viewer`, 'allowDangerousShares'] as const),
  ])('the entitlement %s', async (value, words) => {
    const { status, body } = await bridge.createUser('zoe', entitled(value));
    expect([status, body.scimType]).toEqual([400, 'invalidValue']);
    expect(body.detail).toContain(words);
    expect(
      (await bridge.scim('GET', '/Users?filter=userName%20eq%20%22zoe@workspace.example%22')).body.Resources ?? [],
    ).not.toContainEqual(expect.objectContaining({ entitlements: expect.anything() }));
    expect(resourceCalls(bridge)).toEqual([]);
  });

  it('every other type is, with every role but admin', async () => {
    const types = RESOURCE_TYPES.filter((type) => !(DANGEROUS_TYPES as readonly string[]).includes(type));
    const roles = ['viewer', 'commenter', 'editor'];
    const values = types.map((type, index) => `${type}:r${String(index)}:${roles[index % 3] ?? ''}`);
    types.forEach((type, index) => bridge.control.createResource({ type, id: `r${String(index)}`, creator: OWNER }));
    await user(bridge, 'zoe', entitled(...values));
    await bridge.finish();
    expect(sharesOf(bridge, ZOE)).toEqual([...values].sort());
  });

  it('dangerous ones are where the mapping file allows them', async () => {
    await bridge.close();
    bridge = await startTestBridge({
      seed: seed(),
      rules: { allowedDangerousShares: new Set(['admin', 'convai_secrets']) },
    });
    bridge.control.createResource({ type: 'convai_secrets', id: 's1', creator: OWNER });
    await user(bridge, 'zoe', entitled('convai_secrets:s1:admin'));
    expect(sharesOf(bridge, ZOE)).toEqual(['convai_secrets:s1:admin']);
    expect((await bridge.createUser('ada', entitled('convai_settings:x:viewer'))).status).toBe(400);
  });

  it('a file that allows less withdraws what it allowed', async () => {
    await bridge.close();
    const rules = { allowedDangerousShares: new Set(['admin']) };
    bridge = await startTestBridge({ seed: seed(), rules });
    await user(bridge, 'zoe', entitled('voice:voice1:admin'));
    expect(sharesOf(bridge, ZOE)).toEqual(['voice:voice1:admin']);
    await bridge.setRules({ allowedDangerousShares: new Set() });
    await bridge.finish();
    expect(sharesOf(bridge, ZOE)).toEqual([]);
  });
});

it('readings of one resource serve everybody who wants it', async () => {
  const ids = await Promise.all(['zoe', 'ada', 'max'].map((name) => user(bridge, name)));
  await group(bridge, 'Fans', ids, sharing('convai_agents:agent1:viewer'));
  expect(resourceCalls(bridge).filter((call) => call === 'GET agent1')).toHaveLength(1);
  expect(shareCalls(bridge)).toHaveLength(3);
  expect(bridge.control.state().resources?.find(({ id }) => id === AGENT.id)?.slots?.['viewer']).toHaveLength(3);
});
