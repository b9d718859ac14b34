/** What a reading of the workspace changes, and what it leaves alone. */
import { describe, expect, it } from '@jest/globals';
import {
  ann,
  clearAgenda,
  dueSubjects,
  EVERYTHING,
  findUser,
  group,
  IDP,
  joined,
  member,
  OWNER,
  personOf,
  planOf,
  read,
  WHOLE,
  sendNext,
  settleUser,
  userDoc,
  FAILURE,
  CALL,
  type OpenWorld,
} from './support.js';

const ANN = member('m-ann', 'ann@example.com');

export function readingsContract(open: OpenWorld): void {
  describe('a reading', () => {
    it('tells how many seats are in use: locked members hold none', async () => {
      const world = open();
      const lite = { seatType: 'workspace_lite_member' } as const;
      await read(world, [
        ...[OWNER, ANN, member('m-bob', 'bob@example.com', { isLocked: true })],
        ...[member('m-cem', 'cem@example.com', lite), member('m-dan', 'dan@example.com', { ...lite, isLocked: true })],
      ]);
      const { record } = await world.store.createUser(userDoc('eve@example.com'), IDP);
      await settleUser(world, record.id);
      const seats = { usage: { full: 2, basic: 1 }, invited: { full: 1, basic: 0 } };
      expect((await world.store.limitInputs([])).seats).toEqual(seats);
      // Whether it was sent again is not known: two rows stand for one address.
      world.clock.advance(world.rules().inviteTtlDays * 86_400_000);
      const again = await sendNext(world, record.id, { kind: 'ambiguous', call: FAILURE });
      expect(again?.change.kind).toBe('invite');
      expect((await world.store.limitInputs([])).seats).toEqual(seats);
    });

    it('notices an acceptance', async () => {
      const world = open();
      const { record } = await world.store.createUser(ann(), IDP);
      await settleUser(world, record.id);
      expect((await world.store.openInvites()).count).toBe(1);
      await clearAgenda(world.store);
      const effect = await read(world, [OWNER, ANN]);
      expect(effect.accepted).toEqual([{ userId: record.id, address: 'ann@example.com' }]);
      expect(await dueSubjects(world.store)).toContain(`user:${record.id}`);
      expect((await world.store.getUser(record.id))?.bridge).toMatchObject({
        status: 'member',
        memberId: 'm-ann',
        origin: 'idp',
        invitedAt: expect.any(Number),
        acceptedAt: world.clock.now(),
      });
      expect(await world.store.openInvites()).toEqual({ count: 0, youngestSentAt: null });
      expect(await planOf(world, record.id)).toEqual([]);
    });

    it('ends an invite whose answer was lost', async () => {
      const world = open();
      const { record } = await world.store.createUser(ann(), IDP);
      await sendNext(world, record.id, { kind: 'ambiguous', call: FAILURE });
      expect((await personOf(world.store, record.id)).invite).toMatchObject({ state: 'ambiguous', sends: 1 });
      expect((await read(world, [OWNER, ANN])).accepted).toHaveLength(1);
      expect((await world.store.counts()).ledger).toMatchObject({ ambiguous: 0, done: 1 });
    });

    it('writes nothing where nothing changed', async () => {
      const world = open();
      const groups = [group('g-1', 'Sales', ['m-ann', 'svc-1']), group('g-2', 'Support')];
      await read(world, [OWNER, ANN], groups);
      const before = [
        await world.store.listUsers(EVERYTHING),
        await world.store.listGroups(EVERYTHING, { members: true }),
      ];
      const audit = await world.store.auditRows({ limit: 100 });
      const effect = await read(world, [ANN, OWNER], [...groups].reverse());
      expect(effect).toEqual({ scheduled: 0, accepted: [], imported: 0, membersChanged: 0, groupsChanged: 0 });
      expect([
        await world.store.listUsers(EVERYTHING),
        await world.store.listGroups(EVERYTHING, { members: true }),
      ]).toEqual(before);
      expect(await world.store.auditRows({ limit: 100 })).toEqual(audit);
      expect(await world.store.membersReadAt()).toBe(world.clock.now());
    });

    it('reports members and groups as they were read', async () => {
      const world = open();
      await read(world, [OWNER, ANN], [group('g-1', 'Sales', ['m-ann', 'svc-1'], true)]);
      expect(await world.store.members()).toEqual([ANN, OWNER]);
      expect(await world.store.groups()).toEqual([group('g-1', 'Sales', ['m-ann', 'svc-1'], true)]);
      await read(world, [OWNER], [group('g-1', 'Sales', ['svc-1'])]);
      expect(await world.store.members()).toEqual([OWNER]);
      expect(await world.store.groups()).toEqual([group('g-1', 'Sales', ['svc-1'])]);
    });

    it('does not overrule what the bridge wrote after it began', async () => {
      const world = open();
      const user = await joined(world, 'ann@example.com', 'm-ann');
      await world.store.createGroup({ displayName: 'Sales' }, [user.id], IDP);
      await read(world, [OWNER, ANN], [group('g-1', 'Sales'), group('g-2', 'Other', ['m-ann'])]);
      world.clock.advance(1000);
      const startedAt = world.clock.now();
      world.clock.advance(1000);
      expect(await settleUser(world, user.id)).toEqual(['addToGroup']);
      await world.store.updateUser(user.id, (doc) => ({ ...doc, active: false }), IDP);
      await settleUser(world, user.id);
      await world.store.applyReading(
        {
          startedAt,
          members: [OWNER, ANN],
          groups: [group('g-1', 'Sales'), group('g-2', 'Other', ['m-ann'])],
          ...WHOLE,
        },
        'sync',
      );
      expect((await world.store.member(ANN.memberId))?.isLocked).toBe(true);
      expect((await world.store.groups())[0]?.memberIds).toEqual(['m-ann']);
      await read(world, [OWNER, ANN], [group('g-1', 'Sales')]);
      expect((await world.store.member(ANN.memberId))?.isLocked).toBe(false);
    });

    it('does not bring back a group membership that the bridge ended after it began', async () => {
      const world = open();
      const user = await joined(world, 'ann@example.com', 'm-ann');
      const { record } = await world.store.createGroup({ displayName: 'Sales' }, [], IDP);
      const groups = [group('g-1', 'Sales', ['m-ann'])];
      await read(world, [OWNER, ANN], groups);
      await world.store.updateGroup(
        record.id,
        { document: (doc) => doc, members: [{ kind: 'remove', userIds: [user.id] }] },
        IDP,
        { members: false },
      );
      const startedAt = world.clock.now();
      world.clock.advance(1000);
      expect(await settleUser(world, user.id)).toEqual(['removeFromGroup']);
      await world.store.applyReading({ startedAt, members: null, groups, ...WHOLE }, 'sync');
      expect((await world.store.groups())[0]?.memberIds).toEqual([]);
      expect((await world.store.getGroup(record.id, { members: true }))?.members).toEqual([]);
    });

    it('notices that a member has gone, and does not invite again until the IdP activates afresh', async () => {
      const world = open();
      const user = await joined(world, 'ann@example.com', 'm-ann');
      await read(world, [OWNER]);
      expect((await world.store.getUser(user.id))?.bridge).toMatchObject({ status: 'removed', memberId: null });
      expect(await planOf(world, user.id)).toEqual([]);
      await world.store.updateUser(user.id, (doc) => ({ ...doc, active: false }), IDP);
      await world.store.updateUser(user.id, (doc) => ({ ...doc, active: true }), IDP);
      expect(await settleUser(world, user.id)).toEqual(['invite']);
      expect((await world.store.getUser(user.id))?.bridge.status).toBe('invited');
    });

    it('locks a leaver who accepts late, and imports nobody who is watched', async () => {
      const world = open();
      const { record } = await world.store.createUser(ann(), IDP);
      await settleUser(world, record.id);
      await world.store.deleteUser(record.id, IDP);
      await settleUser(world, record.id);
      await clearAgenda(world.store);
      const effect = await read(world, [OWNER, ANN]);
      expect(effect.imported).toBe(1);
      expect(await dueSubjects(world.store)).toEqual([`user:${record.id}`]);
      expect(await settleUser(world, record.id)).toEqual(['lock']);
      await read(world, [OWNER, { ...ANN, isLocked: true }]);
      expect((await world.store.listUsers(EVERYTHING)).total).toBe(1);
      await read(world, [OWNER, ANN]);
      expect(await planOf(world, record.id)).toEqual(['lock']);
    });

    it('locks whoever accepts at an address that was given up', async () => {
      const world = open();
      const { record } = await world.store.createUser(ann(), IDP);
      await settleUser(world, record.id);
      await world.store.updateUser(
        record.id,
        () => ann({ emails: [{ value: 'new@example.com', type: 'work', primary: true }] }),
        IDP,
      );
      await settleUser(world, record.id);
      await read(world, [OWNER, ANN]);
      expect((await world.store.getUser(record.id))?.bridge.memberId).toBeNull();
      expect((await personOf(world.store, record.id)).formerAccounts.map(({ member }) => member.memberId)).toEqual([
        'm-ann',
      ]);
      expect(await settleUser(world, record.id)).toEqual(['lock']);
    });

    it('links an inactive user whose withdrawn invite was accepted all the same, and locks', async () => {
      const world = open();
      const { record } = await world.store.createUser(ann(), IDP);
      await settleUser(world, record.id);
      await world.store.updateUser(record.id, (doc) => ({ ...doc, active: false }), IDP);
      expect(await settleUser(world, record.id)).toEqual(['revokeInvite']);
      await read(world, [OWNER, ANN]);
      expect(await settleUser(world, record.id)).toEqual(['lock']);
    });

    it('is blind to who locked last: a hand-made lock after ours is not ours to open', async () => {
      const world = open();
      const user = await joined(world, 'ann@example.com', 'm-ann');
      await world.store.updateUser(user.id, (doc) => ({ ...doc, active: false }), IDP);
      await settleUser(world, user.id);
      await read(world, [OWNER, ANN]);
      expect((await personOf(world.store, user.id)).lockedByBridge).toBe(false);
    });

    it('does not take a group for gone that a partial reading did not find', async () => {
      const world = open();
      await read(world, [OWNER], [group('g-1', 'Sales'), group('g-2', 'Support')]);
      world.clock.advance(1000);
      const partial = {
        startedAt: world.clock.now(),
        members: null,
        groups: [group('g-1', 'Sales', ['m-owner'])],
        groupsPartial: true,
        ...WHOLE,
      };
      expect(await world.store.applyReading(partial, 'search')).toMatchObject({ groupsChanged: 1 });
      expect((await world.store.groups()).map(({ groupId }) => groupId)).toEqual(['g-1', 'g-2']);
    });

    it('shows the groups of an imported user', async () => {
      const world = open();
      await read(world, [OWNER, ANN], [group('g-1', 'Sales', ['m-ann'])]);
      const user = await findUser(world.store, 'ann@example.com');
      expect(user.groups).toEqual([{ id: expect.any(String), displayName: 'Sales' }]);
      await read(world, [OWNER], null);
      await read(world, [OWNER, ANN], null);
      expect((await findUser(world.store, 'ann@example.com')).groups).toHaveLength(1);
    });

    it('rolls back as a whole', async () => {
      const world = open();
      const broken = [OWNER, { ...ANN, memberId: null as never }];
      const outcome = await read(world, broken).then(
        () => 'stored',
        () => 'refused',
      );
      expect(outcome).toBe('refused');
      expect(await world.store.members()).toEqual([]);
      expect(await world.store.membersReadAt()).toBeNull();
    });
  });

  it('keeps found ends apart from given ones', async () => {
    const world = open();
    const user = await joined(world, 'ann@example.com', 'm-ann');
    await world.store.createGroup({ displayName: 'Sales' }, [user.id], IDP);
    await read(world, null, [group('g-1', 'Sales')]);
    await sendNext(world, user.id, { kind: 'done', call: CALL, found: true });
    const person = await personOf(world.store, user.id);
    expect([...person.givenGroups]).toEqual([]);
    expect([...person.memberGroups]).toEqual(['g-1']);
  });
}
