/** Groups: linked by name, never emptied by linking, filled and cleared as the IdP says. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { GROUP_URN, startTestBridge, type TestBridge } from '../support/bridge.js';

const at = (name: string): string => `${name}@workspace.example`;
const add = (...ids: readonly string[]) => ({ op: 'add', path: 'members', value: ids.map((value) => ({ value })) });
const remove = (id: string) => ({ op: 'remove', path: `members[value eq "${id}"]` });

describe('a group', () => {
  let bridge: TestBridge;
  beforeEach(async () => {
    bridge = await startTestBridge({
      seed: minimalSeed({
        members: [{ email: at('owner'), owner: true }, ...['ada', 'bob', 'eve'].map((name) => ({ email: at(name) }))],
        groups: [
          { name: 'Sales', members: [at('ada'), at('eve')] },
          { name: ' Support ' },
          { name: 'Twice' },
          { name: 'Twice' },
          { name: 'Native', scimSynced: true },
        ],
      }),
      env: { IMPORT_EXISTING: 'false' },
    });
  });
  afterEach(() => bridge.close());

  const sales = () => bridge.workspace().groups['Sales'];
  const user = async (name: string): Promise<string> => (await bridge.createUser(name)).body.id;
  const group = async (name: string): Promise<{ id: string; link: Record<string, unknown> }> => {
    const { body } = await bridge.createGroup(name);
    return { id: body.id, link: body[GROUP_URN] };
  };

  it('is linked to the workspace group of its name, and linking removes nobody', async () => {
    const { link } = await group('sales');
    expect(link).toMatchObject({ linkStatus: 'linked' });
    await bridge.sync();
    expect(sales()).toEqual([at('ada'), at('eve')]);
    expect(bridge.writes()).toEqual([]);
  });

  it('adds and removes members as the IdP says', async () => {
    const [ada, bob] = [await user('ada'), await user('bob')];
    const { id } = await group('Sales');
    await bridge.patchGroup(id, add(bob));
    expect(sales()).toEqual([at('ada'), at('bob'), at('eve')]);
    await bridge.patchGroup(id, add(ada));
    await bridge.patchGroup(id, remove(ada));
    expect(sales()).toEqual([at('bob'), at('eve')]);
    await bridge.patchGroup(id, { op: 'replace', path: 'members', value: [] });
    expect(sales()).toEqual([at('eve')]); // Nobody's business: no IdP has written eve.
  });

  it('takes in a person who was invited, on acceptance', async () => {
    const zoe = await user('zoe');
    const { id } = await group('Sales');
    expect((await bridge.patchGroup(id, add(zoe))).status).toBeLessThan(300);
    await bridge.sync();
    expect(sales()).not.toContain(at('zoe'));
    bridge.control.accept(at('zoe'));
    await bridge.sync();
    expect(sales()).toContain(at('zoe'));
  });

  it('that is created before its workspace group is linked when that one appears', async () => {
    const bob = await user('bob');
    const { id, link } = await group('Research');
    expect(link).toMatchObject({ linkStatus: 'unlinked' });
    await bridge.patchGroup(id, add(bob));
    bridge.control.createGroup('Research');
    await bridge.sync();
    expect(bridge.workspace().groups['Research']).toEqual([at('bob')]);
  });

  it('is not linked where two workspace groups have its name, and not written where it is read-only', async () => {
    expect((await group('Twice')).link).toMatchObject({ linkStatus: 'ambiguous' });
    expect((await group('Native')).link).toMatchObject({ linkStatus: 'readOnly' });
    const { id } = await group('Native 2');
    const bob = await user('bob');
    await bridge.patchGroup(id, add(bob));
    await bridge.sync();
    expect(bridge.writes()).toEqual([]);
  });

  it('gives its members a seat', async () => {
    const bob = await user('bob');
    const { id } = await group('Sales');
    await bridge.patchGroup(id, add(bob));
    await bridge.patchGroup(id, { op: 'add', path: `${GROUP_URN}:seatType`, value: 'workspace_admin' });
    expect(bridge.workspace().members[at('bob')]).toMatchObject({ seat: 'workspace_admin' });
    await bridge.patchGroup(id, remove(bob));
    expect(bridge.workspace().members[at('bob')]).toMatchObject({ seat: 'workspace_member' });
  });

  it('that is deleted takes back what the bridge added, and no more', async () => {
    const [ada, bob] = [await user('ada'), await user('bob')];
    const { id } = await group('Sales');
    await bridge.patchGroup(id, add(ada, bob));
    await bridge.scim('DELETE', `/Groups/${id}`);
    await bridge.idle();
    expect(sales()).toEqual([at('ada'), at('eve')]);
  });

  it('survives a rename in the workspace, and its deletion there', async () => {
    const bob = await user('bob');
    const { id } = await group('Sales');
    const { groups = [] } = bridge.control.state();
    const upstream = groups.find(({ name }) => name === 'Sales')?.id ?? '';
    bridge.control.renameGroup(upstream, 'Revenue');
    await bridge.sync();
    await bridge.patchGroup(id, add(bob));
    expect(bridge.workspace().groups['Revenue']).toContain(at('bob'));
    bridge.control.deleteGroup(upstream);
    await bridge.syncUntilGone();
    const { body } = await bridge.scim('GET', `/Groups/${id}`);
    expect(body[GROUP_URN]).toMatchObject({ linkStatus: 'unlinked' });
    expect(body.members).toHaveLength(1);
  });

  it('two groups on one workspace group are a union', async () => {
    const bob = await user('bob');
    const first = await group('Sales');
    const second = await group('Sales, second list');
    const { groups = [] } = bridge.control.state();
    const upstream = groups.find(({ name }) => name === 'Sales')?.id ?? '';
    await bridge.patchGroup(second.id, { op: 'add', path: `${GROUP_URN}:groupId`, value: upstream });
    await bridge.patchGroup(first.id, add(bob));
    await bridge.patchGroup(second.id, add(bob));
    await bridge.patchGroup(first.id, remove(bob));
    expect(sales()).toContain(at('bob'));
    await bridge.patchGroup(second.id, remove(bob));
    expect(sales()).not.toContain(at('bob'));
  });

  it('written by 32 requests at once has all 32 members', async () => {
    const names = Array.from({ length: 32 }, (_, index) => `person${String(index)}`);
    for (const name of names) bridge.control.addMember({ email: at(name) });
    await bridge.sync();
    const ids = await Promise.all(names.map(user));
    const { id } = await group('Support');
    const answers = await Promise.all(ids.map((member) => bridge.patchGroup(id, add(member))));
    for (const { status } of answers) expect(status).toBeLessThan(300);
    await bridge.idle();
    expect((await bridge.scim('GET', `/Groups/${id}`)).body.members).toHaveLength(32);
    expect(bridge.workspace().groups[' Support ']).toHaveLength(32);
  });

  it('a membership that is refused does not fail the write, and is shown', async () => {
    const bob = await user('bob');
    const { id } = await group('Sales');
    bridge.control.addFault({
      method: 'POST',
      path: '/v1/workspace/groups/*/members',
      fault: { kind: 'status', status: 400, body: { detail: 'no' } },
    });
    expect((await bridge.patchGroup(id, add(bob))).status).toBeLessThan(300);
    expect(await bridge.bridgeOf(bob)).toMatchObject({ status: 'failed', lastError: expect.stringContaining('Sales') });
  });

  it('a refusal of what has come about by hand is forgotten', async () => {
    const bob = await user('bob');
    const call = { method: 'POST', path: '/v1/workspace/groups/*/members' };
    bridge.control.addFault({ ...call, fault: { kind: 'status', status: 400, body: { detail: 'no' } } });
    const { id } = await group('Sales');
    await bridge.patchGroup(id, add(bob));
    expect(await bridge.bridgeOf(bob)).toMatchObject({ status: 'failed' });
    await bridge.clock.advanceAsync(1);
    const { groups = [] } = bridge.control.state();
    bridge.control.putInGroup(groups.find(({ name }) => name === 'Sales')?.id ?? '', at('bob'));
    await bridge.sync();
    const { status, lastError } = await bridge.bridgeOf(bob);
    expect([status, lastError]).toEqual(['member', undefined]);
  });

  it.each([400, 404] as const)(
    'a removal that is answered %s because it is so already is done',
    async (removeNonMember) => {
      bridge.control.setSwitches({ removeNonMember });
      const bob = await user('bob');
      const { id } = await group('Sales');
      await bridge.patchGroup(id, add(bob));
      // What the bridge wrote in the same millisecond in which a reading begins is not overruled by it.
      await bridge.clock.advanceAsync(1);
      const { groups = [] } = bridge.control.state();
      bridge.control.takeOutOfGroup(groups.find(({ name }) => name === 'Sales')?.id ?? '', at('bob'));
      await bridge.patchGroup(id, remove(bob));
      expect(await bridge.bridgeOf(bob)).toMatchObject({ status: 'member', pendingChanges: 0 });
    },
  );
});
