/** Groups as IdPs write them, and their links. */
import { describe, expect, it } from '@jest/globals';
import { BRIDGE_GROUP } from '../../../src/domain/schema.js';
import type { MemberOp, Store } from '../../../src/store/port.js';
import {
  ann,
  BULK,
  clearAgenda,
  dueSubjects,
  EVERYTHING,
  group,
  IDP,
  joined,
  member,
  OWNER,
  personOf,
  planOf,
  read,
  refusal,
  settleUser,
  userDoc,
  type OpenWorld,
} from './support.js';

const asSent = (doc: object): never => doc as never;
const change = (...members: readonly MemberOp[]) => ({ document: asSent, members });

async function users(store: Store, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++)
    ids.push((await store.createUser(userDoc(`user${String(i)}@example.com`), BULK)).record.id);
  return ids;
}

export function groupsContract(open: OpenWorld): void {
  describe('groups', () => {
    it('stores what was sent and finds it again', async () => {
      const world = open();
      const { record: user } = await world.store.createUser(ann({ displayName: 'Ann B.' }), IDP);
      const document = { displayName: 'Sales', externalId: 'x', [BRIDGE_GROUP]: { seatType: 'workspace_lite_member' } };
      const { record, changed, tookOver } = await world.store.createGroup(document, [user.id, user.id], IDP);
      expect({ changed, tookOver }).toEqual({ changed: true, tookOver: false });
      expect(record).toMatchObject({
        document,
        version: 1,
        managed: true,
        members: [{ userId: user.id, display: 'Ann B.' }],
        bridge: { groupId: null, linkStatus: 'unlinked' },
      });
      expect(await world.reopen().getGroup(record.id, { members: true })).toEqual(record);
      expect((await world.store.getGroup(record.id, { members: false }))?.members).toBeNull();
      expect((await world.store.getUser(user.id))?.groups).toEqual([{ id: record.id, displayName: 'Sales' }]);
      expect((await world.store.listUsers(EVERYTHING)).items[0]?.groups).toHaveLength(1);
    });

    it('refuses a second group of one name, without regard to case', async () => {
      const world = open();
      await world.store.createGroup({ displayName: 'Straße' }, [], IDP);
      const { record } = await world.store.createGroup({ displayName: 'Sales' }, [], IDP);
      expect(await refusal(world.store.createGroup({ displayName: 'SALES' }, [], IDP))).toMatchObject({
        status: 409,
        scimType: 'uniqueness',
      });
      const renamed = world.store.updateGroup(
        record.id,
        { document: () => ({ displayName: 'STRASSE' }), members: [] },
        IDP,
        { members: false },
      );
      await renamed;
      const back = world.store.updateGroup(
        record.id,
        { document: () => ({ displayName: 'straße' }), members: [] },
        IDP,
        { members: false },
      );
      expect((await refusal(back)).status).toBe(409);
    });

    it('changes members in order, and moves the version once, only if something changed', async () => {
      const world = open();
      const [a, b, c] = (await users(world.store, 3)) as [string, string, string];
      const { record } = await world.store.createGroup({ displayName: 'Sales' }, [a], IDP);
      const write = (...ops: MemberOp[]) => world.store.updateGroup(record.id, change(...ops), IDP, { members: true });
      expect(await write({ kind: 'add', userIds: [a] })).toMatchObject({ changed: false, record: { version: 1 } });
      expect(await write({ kind: 'remove', userIds: [b, 'unknown'] })).toMatchObject({ changed: false });
      expect(await write({ kind: 'add', userIds: [b] }, { kind: 'remove', userIds: [b] })).toMatchObject({
        changed: false,
      });
      const both = await write({ kind: 'add', userIds: [b, c] }, { kind: 'remove', userIds: [a] });
      expect(both).toMatchObject({ changed: true, record: { version: 2 } });
      expect(both.record.members?.map(({ userId }) => userId)).toEqual([b, c]);
      const replaced = await write({ kind: 'replace', userIds: [a, b] });
      expect(replaced.record.members?.map(({ userId }) => userId)).toEqual([a, b]);
      const where = await write({ kind: 'removeWhere', test: ({ display }) => display.startsWith('user0') });
      expect(where.record.members?.map(({ userId }) => userId)).toEqual([b]);
      expect(await write({ kind: 'replace', userIds: [] })).toMatchObject({ record: { version: 5, members: [] } });
    });

    it('refuses unknown members by id, a group as member by its kind, and changes nothing', async () => {
      const world = open();
      const [a] = (await users(world.store, 1)) as [string];
      const { record } = await world.store.createGroup({ displayName: 'Sales' }, [a], IDP);
      const unknown = ['no-1', 'no-2', 'no-3', 'no-4', 'no-5', 'no-6'];
      for (const kind of ['add', 'replace'] as const) {
        const ops = change({ kind: 'remove', userIds: [a] }, { kind, userIds: [a, ...unknown] });
        const error = await refusal(world.store.updateGroup(record.id, ops, IDP, { members: false }));
        expect(error).toMatchObject({ status: 400, scimType: 'invalidValue' });
        expect(error.message).toContain('no-1');
        expect(error.message).not.toContain('no-6');
      }
      const nested = world.store.updateGroup(record.id, change({ kind: 'add', userIds: [record.id] }), IDP, {
        members: false,
      });
      expect((await refusal(nested)).message).toContain('nested');
      expect((await refusal(world.store.createGroup({ displayName: 'Other' }, unknown, IDP))).status).toBe(400);
      expect(await world.store.getGroup(record.id, { members: true })).toEqual(record);
      expect((await world.store.listGroups(EVERYTHING, { members: false })).total).toBe(1);
    });

    it('loses none of many parallel adds', async () => {
      const world = open();
      const ids = await users(world.store, 32);
      const { record } = await world.store.createGroup({ displayName: 'Sales' }, [], IDP);
      await Promise.all(
        ids.map((id) =>
          world.store.updateGroup(record.id, change({ kind: 'add', userIds: [id] }), IDP, { members: false }),
        ),
      );
      expect(await world.store.getGroup(record.id, { members: true })).toMatchObject({
        version: 33,
        members: { length: 32 },
      });
    });

    it('audits the change of members as a change, not as a list', async () => {
      const world = open();
      const [a, b] = (await users(world.store, 2)) as [string, string];
      const { record } = await world.store.createGroup({ displayName: 'Sales' }, [a], IDP);
      await world.store.updateGroup(record.id, change({ kind: 'add', userIds: [b] }), IDP, { members: false });
      const [row] = await world.store.auditRows({ subject: `group:${record.id}`, limit: 1 });
      expect(row).toMatchObject({ action: 'group.update', before: null, after: JSON.stringify({ added: [b] }) });
    });

    it('deletes a group: 404, the name is free, the members stay', async () => {
      const world = open();
      const [a] = (await users(world.store, 1)) as [string];
      const { record } = await world.store.createGroup({ displayName: 'Sales' }, [a], IDP);
      expect((await refusal(world.store.deleteGroup(record.id, { ...IDP, ifMatch: [2] }))).status).toBe(412);
      await world.store.deleteGroup(record.id, IDP);
      expect(await world.store.getGroup(record.id, { members: false })).toBeNull();
      expect((await refusal(world.store.deleteGroup(record.id, IDP))).status).toBe(404);
      expect((await world.store.getUser(a))?.groups).toEqual([]);
      await world.store.createGroup({ displayName: 'Sales' }, [], IDP);
    });

    it('wakes nobody where membership means nothing', async () => {
      const world = open();
      const [a] = (await users(world.store, 1)) as [string];
      await clearAgenda(world.store);
      const { record } = await world.store.createGroup({ displayName: 'Sales' }, [a], IDP);
      expect(await dueSubjects(world.store)).toEqual([]);
      const seats = { displayName: 'Sales', [BRIDGE_GROUP]: { seatType: 'workspace_admin' } };
      await world.store.updateGroup(record.id, { document: () => seats, members: [] }, IDP, { members: false });
      expect(await dueSubjects(world.store)).toEqual([`user:${a}`]);
      expect((await personOf(world.store, a as never)).seat).toEqual({
        seatType: 'workspace_admin',
        rule: 'group "Sales"',
        attribute: 'groups',
      });
    });
  });

  describe('a link', () => {
    const linked = async (more: object = {}) => {
      const world = open();
      const user = await joined(world, 'ann@example.com', 'm-ann');
      await read(world, null, [group('g-1', ' sales ', ['m-owner'])]);
      const imported = (await world.store.listGroups(EVERYTHING, { members: false })).items[0]!;
      const { record } = await world.store.createGroup({ displayName: ' sales ', ...more }, [], IDP);
      return { world, user, record, imported };
    };

    it('imports workspace groups; a POST of that name takes them over', async () => {
      const { record, imported } = await linked();
      expect(imported).toMatchObject({ managed: false, bridge: { groupId: 'g-1', linkStatus: 'linked' } });
      expect(record).toMatchObject({
        id: imported.id,
        managed: true,
        bridge: { groupId: 'g-1', linkStatus: 'linked' },
      });
    });

    it('is made by folded, trimmed name, takes members over, and removes nobody', async () => {
      const world = open({ importExisting: false });
      const user = await joined(world, 'ann@example.com', 'm-ann');
      const bob = await joined(world, 'bob@example.com', 'm-bob');
      await read(world, null, [group('g-1', ' SALES ', ['m-owner', 'm-bob', 'svc'])]);
      const { record } = await world.store.createGroup({ displayName: 'Sales' }, [user.id], IDP);
      expect(record.bridge).toEqual({ groupId: 'g-1', linkStatus: 'linked', lastError: null });
      expect(record.members?.map(({ userId }) => userId)).toEqual([user.id, bob.id]);
      expect(await settleUser(world, user.id)).toEqual(['addToGroup']);
      expect(await settleUser(world, bob.id)).toEqual([]);
    });

    it('takes a member out whom the IdP takes out after the link, whoever put it in', async () => {
      const world = open();
      const user = await joined(world, 'ann@example.com', 'm-ann');
      await read(world, null, [group('g-1', 'Sales', ['m-ann'])]);
      const { record } = await world.store.createGroup({ displayName: 'Sales' }, [], IDP);
      await clearAgenda(world.store);
      const remove = change({ kind: 'remove', userIds: [user.id] });
      await world.store.updateGroup(record.id, remove, BULK, { members: false });
      expect(await world.store.due(10, new Set())).toMatchObject([{ subject: `user:${user.id}`, priority: 1 }]);
      expect(await planOf(world, user.id)).toEqual(['removeFromGroup']);
      await world.store.updateGroup(record.id, change({ kind: 'add', userIds: [user.id] }), IDP, { members: false });
      expect(await planOf(world, user.id)).toEqual([]);
    });

    it('waits for a workspace group of its name, and stays through renames on both sides', async () => {
      const world = open();
      const user = await joined(world, 'ann@example.com', 'm-ann');
      const { record } = await world.store.createGroup({ displayName: 'Sales' }, [user.id], IDP);
      await clearAgenda(world.store);
      await read(world, null, [group('g-1', 'sales')]);
      expect(await dueSubjects(world.store)).toEqual([`user:${user.id}`]);
      await read(world, null, [group('g-1', 'Vertrieb')]);
      await world.store.updateGroup(record.id, { document: () => ({ displayName: 'Ventes' }), members: [] }, IDP, {
        members: false,
      });
      expect((await world.store.getGroup(record.id, { members: false }))?.bridge).toEqual({
        groupId: 'g-1',
        linkStatus: 'linked',
        lastError: null,
      });
      expect((await world.store.listGroups(EVERYTHING, { members: false })).total).toBe(1);
    });

    it('follows an alias of the mapping file', async () => {
      const world = open({ groupAliases: new Map([['app-sales', 'sales team']]) });
      await read(world, [OWNER], [group('g-1', 'Sales Team')]);
      const { record } = await world.store.createGroup({ displayName: 'App-Sales' }, [], IDP);
      expect(record.bridge).toEqual({ groupId: 'g-1', linkStatus: 'linked', lastError: null });
    });

    it('is never guessed between two of one name', async () => {
      const world = open();
      await read(world, [OWNER], [group('g-1', 'Sales'), group('g-2', 'sales')]);
      const { record, tookOver } = await world.store.createGroup({ displayName: 'Sales' }, [], IDP);
      expect(tookOver).toBe(false);
      expect(record.bridge).toEqual({ groupId: null, linkStatus: 'ambiguous', lastError: null });
      const byHand = await world.store.linkGroup(record.id, 'g-2' as never, { ...IDP, actor: 'admin' });
      expect(byHand.bridge).toEqual({ groupId: 'g-2', linkStatus: 'linked', lastError: null });
    });

    it('follows the attribute groupId, and refuses one that is unknown', async () => {
      const { world, record } = await linked();
      await read(world, null, [group('g-1', 'sales'), group('g-2', 'Other')]);
      const to = (groupId: string) => ({
        document: () => ({ displayName: 'sales', [BRIDGE_GROUP]: { groupId } }),
        members: [],
      });
      expect((await refusal(world.store.updateGroup(record.id, to('nope'), IDP, { members: false }))).scimType).toBe(
        'invalidValue',
      );
      const moved = await world.store.updateGroup(record.id, to('g-2'), IDP, { members: false });
      expect(moved.record.bridge.groupId).toBe('g-2');
    });

    it('waits for the groupId where nothing was read yet', async () => {
      const world = open();
      const { record } = await world.store.createGroup(
        { displayName: 'Sales', [BRIDGE_GROUP]: { groupId: 'g-2' } },
        [],
        IDP,
      );
      expect(record.bridge.linkStatus).toBe('unlinked');
      await read(world, [OWNER], [group('g-1', 'Sales'), group('g-2', 'Other')]);
      expect((await world.store.getGroup(record.id, { members: false }))?.bridge).toEqual({
        groupId: 'g-2',
        linkStatus: 'linked',
        lastError: null,
      });
    });

    it('moved elsewhere takes back what the bridge gave, and gives it there', async () => {
      const world = open();
      const user = await joined(world, 'ann@example.com', 'm-ann');
      const { record } = await world.store.createGroup({ displayName: 'Sales' }, [user.id], IDP);
      await read(world, null, [group('g-1', 'Sales'), group('g-2', 'Other')]);
      await settleUser(world, user.id);
      await clearAgenda(world.store);
      await world.store.linkGroup(record.id, 'g-2' as never, IDP);
      expect(await dueSubjects(world.store)).toEqual([`user:${user.id}`]);
      expect((await planOf(world, user.id)).sort()).toEqual(['addToGroup', 'removeFromGroup']);
    });

    it('ends with the group: what the bridge gave is taken back', async () => {
      const world = open();
      const user = await joined(world, 'ann@example.com', 'm-ann');
      const { record } = await world.store.createGroup({ displayName: 'Sales' }, [user.id], IDP);
      await read(world, null, [group('g-1', 'Sales')]);
      expect(await settleUser(world, user.id)).toEqual(['addToGroup']);
      await world.store.deleteGroup(record.id, IDP);
      expect(await settleUser(world, user.id)).toEqual(['removeFromGroup']);
    });

    it('becomes the union where several SCIM groups lead to one workspace group', async () => {
      const world = open({ groupAliases: new Map([['sales emea', 'sales']]) });
      const user = await joined(world, 'ann@example.com', 'm-ann');
      await read(world, null, [group('g-1', 'Sales')]);
      const { record: first } = await world.store.createGroup({ displayName: 'Sales' }, [user.id], IDP);
      await world.store.createGroup({ displayName: 'Sales EMEA' }, [user.id], IDP);
      expect(await settleUser(world, user.id)).toEqual(['addToGroup']);
      await world.store.updateGroup(first.id, change({ kind: 'remove', userIds: [user.id] }), IDP, { members: false });
      expect(await planOf(world, user.id)).toEqual([]);
    });

    it('to a read-only group refuses changes of members', async () => {
      const world = open();
      const user = await joined(world, 'ann@example.com', 'm-ann');
      await read(world, null, [group('g-1', 'Sales', ['m-owner'], true)]);
      const { record } = await world.store.createGroup({ displayName: 'Sales' }, [], IDP);
      expect(record.bridge.linkStatus).toBe('readOnly');
      const add = world.store.updateGroup(record.id, change({ kind: 'add', userIds: [user.id] }), IDP, {
        members: false,
      });
      expect(await refusal(add)).toMatchObject({ status: 400, scimType: 'mutability' });
      expect((await world.store.getGroup(record.id, { members: true }))?.members).toHaveLength(1);
      await read(world, null, [group('g-1', 'Sales', ['m-owner'])]);
      await world.store.updateGroup(record.id, change({ kind: 'add', userIds: [user.id] }), IDP, { members: false });
      expect(await planOf(world, user.id)).toEqual(['addToGroup']);
    });

    it('outlives the workspace group only by hand, with whom the IdP wants and nobody else', async () => {
      const { world, user, record } = await linked();
      const add = change({ kind: 'add', userIds: [user.id] });
      const { record: before } = await world.store.updateGroup(record.id, add, IDP, { members: true });
      expect(before.members).toHaveLength(2);
      await read(world, null, []);
      const after = await world.store.getGroup(record.id, { members: true });
      expect(after).toMatchObject({
        bridge: { groupId: null, linkStatus: 'unlinked' },
        members: [{ userId: user.id }],
      });
      expect(after?.version).toBeGreaterThan(before.version);
      await read(world, null, [group('g-9', 'sales')]);
      expect((await world.store.getGroup(record.id, { members: false }))?.bridge.groupId).toBeNull();
      expect((await world.store.linkGroup(record.id, 'g-9' as never, IDP)).bridge.groupId).toBe('g-9');
      expect((await world.store.linkGroup(record.id, null, IDP)).bridge.linkStatus).toBe('unlinked');
    });

    it('lets what happens in the UI happen', async () => {
      const world = open();
      const user = await joined(world, 'ann@example.com', 'm-ann');
      const members = [OWNER, member('m-ann', 'ann@example.com')];
      await read(world, members, [group('g-1', 'Sales')]);
      const { record } = await world.store.createGroup({ displayName: 'Sales' }, [], IDP);
      await read(world, members, [group('g-1', 'Sales', ['m-ann'])]);
      expect(await world.store.getGroup(record.id, { members: true })).toMatchObject({
        version: record.version + 1,
        members: [{ userId: user.id }],
      });
      expect(await planOf(world, user.id)).toEqual([]);
      await read(world, members, [group('g-1', 'Sales')]);
      expect((await world.store.getGroup(record.id, { members: true }))?.members).toEqual([]);
      await world.store.updateGroup(record.id, change({ kind: 'add', userIds: [user.id] }), IDP, { members: false });
      await settleUser(world, user.id);
      await read(world, members, [group('g-1', 'Sales')]);
      expect((await world.store.getGroup(record.id, { members: true }))?.members).toHaveLength(1);
      expect(await planOf(world, user.id)).toEqual(['addToGroup']);
    });

    it('never wakes unmanaged members', async () => {
      const world = open();
      await read(world, [OWNER, member('m-2', 'two@example.com')], [group('g-1', 'Sales', ['m-2'])]);
      const { record } = await world.store.createGroup({ displayName: 'Sales' }, [], IDP);
      await world.store.updateGroup(record.id, change({ kind: 'replace', userIds: [] }), IDP, { members: false });
      expect(await dueSubjects(world.store)).toEqual([]);
      const taken = await world.store.createUser(userDoc('two@example.com'), IDP);
      expect(await planOf(world, taken.record.id)).toEqual([]);
    });
  });
}
