/**
 * Groups of the workspace that are not listed any more, three times in a row, and then are: they
 * were never deleted. What the IdP did meanwhile counts, and nothing else has changed.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { WorkspaceGroupId } from '../../src/domain/types.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { GROUP_URN, startTestBridge, type TestBridge } from '../support/bridge.js';
import { shareCalls, sharing } from '../shares/support.js';

const GROUPS = { method: 'GET', path: '/v1/workspace/groups' };
const VOICE = { type: 'voice', id: 'voice1' };
const SALES = 'wgSales';
const ADMIN = { requestId: 'page', actor: 'admin', tokenId: null, interactive: false, ifMatch: null };
const at = (name: string): string => `${name}@workspace.example`;
const add = (...ids: readonly string[]) => ({ op: 'add', path: 'members', value: ids.map((value) => ({ value })) });
const remove = (id: string) => ({ op: 'remove', path: `members[value eq "${id}"]` });

describe('a workspace group that was missing in three lists', () => {
  let bridge: TestBridge;
  let ids: Readonly<Record<'ada' | 'bob' | 'eve', string>>;
  let group: string;
  /** Ada was there before the bridge, Bob came by it; nobody manages Max. */
  beforeEach(async () => {
    bridge = await startTestBridge({
      seed: minimalSeed({
        members: [
          { email: at('owner'), owner: true },
          ...['ada', 'bob', 'eve', 'max'].map((name) => ({ email: at(name) })),
        ],
        groups: [{ name: 'Sales', id: SALES, members: [at('ada'), at('max')] }],
        resources: [{ ...VOICE, name: 'Brand voice', creator: at('owner') }],
      }),
    });
    const user = async (name: string): Promise<string> => (await bridge.createUser(name)).body.id as string;
    ids = { ada: await user('ada'), bob: await user('bob'), eve: await user('eve') };
    const { body } = await bridge.createGroup('Sales', [ids.ada, ids.bob], sharing('voice:voice1:editor'));
    group = body.id as string;
    await bridge.finish();
    expect(sales()).toEqual([at('ada'), at('bob'), at('max')]);
    expect(shares()).toEqual(['voice:voice1:editor']);
  });
  afterEach(() => bridge.close());

  const sales = () => bridge.workspace().groups['Sales'];
  const shares = () => bridge.workspace().groupShares['Sales'] ?? [];
  const link = async (): Promise<unknown> => (await bridge.scim('GET', `/Groups/${group}`)).body[GROUP_URN];
  const trouble = async () => (await bridge.store.links()).find(({ id }) => id === group)?.trouble;
  const members = async (): Promise<readonly string[]> => {
    const { body } = await bridge.scim('GET', `/Groups/${group}`);
    return (body.members ?? []).map(({ display }: { display: string }) => display.split('@')[0]).sort();
  };
  const lose = async (): Promise<void> => {
    bridge.control.clearRequests();
    bridge.control.addFault({ ...GROUPS, fault: { kind: 'truncate', keep: 0 } });
    for (let reading = 0; reading < 3; reading++) {
      await bridge.clock.advanceAsync(20_000);
      await bridge.sync();
    }
    expect(await link()).not.toHaveProperty('groupId');
    expect(await link()).toMatchObject({ linkStatus: 'unlinked' });
    expect(await trouble()).toBe('gone');
    await bridge.finish();
    // As long as it is missing, nothing can be given to it or taken from it.
    expect(shareCalls(bridge).filter((call) => call.endsWith(SALES))).toEqual([]);
    const overview = await bridge.store.shareOverview();
    expect(overview.shares.filter(({ principal }) => principal === `group:${SALES}`)).toEqual([]);
    bridge.control.clearFaults();
    bridge.control.clearRequests();
  };
  const find = async (): Promise<void> => {
    await bridge.clock.advanceAsync(20_000);
    await bridge.sync();
    await bridge.finish();
  };

  it('is linked as it was, and nobody was moved', async () => {
    await lose();
    await find();
    expect(await link()).toMatchObject({ linkStatus: 'linked', groupId: SALES });
    expect(await members()).toEqual(['ada', 'bob', 'max']);
    expect(sales()).toEqual([at('ada'), at('bob'), at('max')]);
    expect(shares()).toEqual(['voice:voice1:editor']);
    expect(bridge.writes().filter((call) => call.includes('/groups/'))).toEqual([]);
    const [{ linkSource } = { linkSource: null }] = (await bridge.store.links()).filter(({ id }) => id === group);
    expect(linkSource).toBe('import');
  });

  describe.each(['enforce', 'report'] as const)('and comes back under DRIFT=%s', (drift) => {
    beforeEach(() => bridge.setRules({ drift }));

    it('has who came and lacks who went meanwhile, whoever had put them there', async () => {
      await lose();
      await bridge.patchGroup(group, remove(ids.ada), remove(ids.bob), add(ids.eve));
      await bridge.finish();
      await find();
      expect(sales()).toEqual([at('eve'), at('max')]);
      expect(await members()).toEqual(['eve', 'max']);
    });

    it('loses whom the bridge had put there if the IdP has deleted the group meanwhile, and its share', async () => {
      await lose();
      await bridge.scim('DELETE', `/Groups/${group}`);
      await bridge.finish();
      await find();
      expect(sales()).toEqual([at('ada'), at('max')]);
      expect(shares()).toEqual([]);
    });

    it('loses its share if the IdP has taken that back meanwhile', async () => {
      await lose();
      await bridge.patchGroup(group, { op: 'remove', path: `${GROUP_URN}:shares` });
      await bridge.finish();
      await find();
      expect(sales()).toEqual([at('ada'), at('bob'), at('max')]);
      expect(shares()).toEqual([]);
    });
  });

  it('lacks who was taken out meanwhile, and then deleted and created anew', async () => {
    await lose();
    await bridge.patchGroup(group, remove(ids.ada));
    await bridge.scim('DELETE', `/Users/${ids.ada}`);
    await bridge.finish();
    await bridge.createUser('ada');
    await bridge.finish();
    await find();
    expect([sales(), await members()]).toEqual([
      [at('bob'), at('max')],
      ['bob', 'max'],
    ]);
  });

  it('lacks who was taken out meanwhile as soon as it can be written, where it is read-only at first', async () => {
    await lose();
    await bridge.patchGroup(group, remove(ids.bob));
    await bridge.finish();
    bridge.control.markGroup(SALES, { scimSynced: true });
    await find();
    expect(await link()).toMatchObject({ linkStatus: 'readOnly' });
    expect(sales()).toEqual([at('ada'), at('bob'), at('max')]);
    bridge.control.markGroup(SALES, { scimSynced: false });
    await find();
    expect(sales()).toEqual([at('ada'), at('max')]);
  });

  it('is what a group is linked to again that was deleted meanwhile, by an undo', async () => {
    bridge.control.renameGroup(SALES, 'Revenue');
    await bridge.sync();
    bridge.control.addFault({ ...GROUPS, times: 3, fault: { kind: 'truncate', keep: 0 } });
    for (let reading = 0; reading < 3; reading++) await bridge.sync();
    expect(await trouble()).toBe('gone');
    await bridge.clock.advanceAsync(1_000);
    const since = bridge.clock.now();
    await bridge.scim('DELETE', `/Groups/${group}`);
    const { upTo } = await bridge.store.previewUndo(since);
    await bridge.store.undo({ since, upTo }, { actor: 'admin', requestId: 'undo' });
    await find();
    expect(await link()).toMatchObject({ linkStatus: 'linked', groupId: SALES });
    expect(bridge.workspace().groups['Revenue']).toEqual([at('ada'), at('bob'), at('max')]);
  });

  it('and never comes back has nothing read for its sake', async () => {
    bridge.control.deleteGroup(SALES);
    bridge.control.createGroup('Other');
    await bridge.syncUntilGone();
    await bridge.scim('DELETE', `/Groups/${group}`);
    await bridge.finish();
    await find();
    bridge.control.clearRequests();
    for (let hour = 0; hour < 3; hour++) {
      await bridge.clock.advanceAsync(3_600_000);
      await find();
    }
    expect(bridge.control.requests().filter(({ path }) => path.includes('voice1'))).toEqual([]);
  });

  it('keeps its share when the resource was read meanwhile: no list of groups, no proof', async () => {
    await lose();
    bridge.control.addFault({ ...GROUPS, fault: { kind: 'truncate', keep: 0 } });
    // Another rule about the same resource has it read.
    await bridge.patchUser(ids.eve, { op: 'add', path: 'entitlements', value: [{ value: 'voice:voice1:viewer' }] });
    await bridge.finish();
    bridge.control.clearFaults();
    await bridge.patchGroup(group, { op: 'remove', path: `${GROUP_URN}:shares` });
    await find();
    expect(shares()).toEqual([]);
  });

  it('keeps whom somebody took out meanwhile and puts back later, if the IdP has deleted the group', async () => {
    await lose();
    await bridge.scim('DELETE', `/Groups/${group}`);
    bridge.control.takeOutOfGroup(SALES, at('bob'));
    // One list proves nothing.
    for (let readings = 0; readings < 3; readings++) await find();
    bridge.control.putInGroup(SALES, at('bob'));
    await find();
    expect(sales()).toEqual([at('ada'), at('bob'), at('max')]);
  });

  it('stays unlinked where a person has unlinked it meanwhile', async () => {
    await lose();
    await bridge.store.linkGroup(group, null, ADMIN);
    expect(await trouble()).toBe('byHand');
    await find();
    expect(await trouble()).toBe('byHand');
  });

  it('is left for another one by whoever says so, and for good', async () => {
    const other = bridge.control.createGroup('Other');
    bridge.control.deleteGroup(SALES);
    await bridge.syncUntilGone();
    const linkBy = async (groupId: string): Promise<void> => {
      await bridge.patchGroup(group, { op: 'add', path: `${GROUP_URN}:groupId`, value: groupId });
      expect(await link()).toMatchObject({ linkStatus: 'linked', groupId });
    };
    await linkBy(other);
    bridge.control.createGroup('Sales', SALES);
    await bridge.sync();
    expect(await link()).toMatchObject({ groupId: other });
    await linkBy(SALES);
  });

  it('may be named by the IdP while it is missing, as what the link is to', async () => {
    await lose();
    const answer = await bridge.patchGroup(group, { op: 'add', path: `${GROUP_URN}:groupId`, value: SALES });
    expect(answer.status).toBe(204);
    await find();
    expect(await link()).toMatchObject({ linkStatus: 'linked', groupId: SALES });
  });

  it('is not linked by its name where it was made anew', async () => {
    bridge.control.createGroup('Other');
    bridge.control.deleteGroup(SALES);
    await bridge.syncUntilGone();
    bridge.control.createGroup('Sales');
    await bridge.sync();
    expect(await link()).toMatchObject({ linkStatus: 'unlinked' });
    expect(sales()).toEqual([]);
  });
});

it('a workspace group that was never looked for has not gone: its share goes with the rule', async () => {
  const groupId = 'wgHidden' as WorkspaceGroupId;
  const bridge = await startTestBridge({
    seed: minimalSeed({
      members: [{ email: at('owner'), owner: true }],
      groups: [{ name: 'Hidden', id: groupId }],
      resources: [{ ...VOICE, name: 'Brand voice', creator: at('owner') }],
    }),
    // The key may only search for groups, and nobody has pushed one of this name.
    before: (control) => control.addFault({ ...GROUPS, fault: { kind: 'status', status: 403 } }),
    rules: { fixedShares: [{ principal: { kind: 'group', groupId }, share: { resource: VOICE, role: 'editor' } }] },
  });
  const hidden = () => bridge.workspace().groupShares['Hidden'] ?? [];
  await bridge.until(() => bridge.app.reconciler.state.readings.groupsBySearch, 'a search for groups');
  await bridge.sync();
  await bridge.finish();
  expect(hidden()).toEqual(['voice:voice1:editor']);
  await bridge.setRules({ fixedShares: [] });
  await bridge.sync();
  await bridge.finish();
  expect(hidden()).toEqual([]);
  await bridge.close();
});
