/** Agenda, ledger and what the end of a call means. */
import { describe, expect, it } from '@jest/globals';
import { BRIDGE_USER } from '../../../src/domain/schema.js';
import type { PlannedChange } from '../../../src/domain/plan.js';
import type { CausingAttribute } from '../../../src/domain/plan.js';
import type { Outcome } from '../../../src/store/port.js';
import type { PolicyName } from '../../../src/domain/policies/policy.js';
import type { Document, SeatType, UserId } from '../../../src/domain/types.js';
import {
  ann,
  BULK,
  CALL,
  clearAgenda,
  FAILURE,
  group,
  IDP,
  joined,
  member,
  OWNER,
  personOf,
  planOf,
  read,
  sendNext,
  settleUser,
  userDoc,
  type OpenWorld,
  type World,
} from './support.js';

const DAY = 86_400_000;

export function workContract(open: OpenWorld): void {
  describe('invites that wait for company', () => {
    it('are found by seat and limit, the oldest first, and no other changes', async () => {
      const world = open();
      const invite = async (name: string, seatType: SeatType, usageLimit: number | null, policy: PolicyName) => {
        const { record } = await world.store.createUser(userDoc(name), BULK);
        const address = record.address!;
        const planned = {
          change: { kind: 'invite', address, seatType, usageLimit },
          why: 'x',
          attribute: 'active',
        } as const;
        const note = { planned, fate: 'waiting', policy, reason: 'y', alert: false } as const;
        const plan = { changes: [planned], held: [], send: null, cause: null, notes: [note] };
        await world.store.record(`user:${record.id}`, plan);
        return `user:${record.id}`;
      };
      const first = await invite('first@example.com', 'workspace_member', null, 'company');
      await invite('lite@example.com', 'workspace_lite_member', null, 'company');
      const capped = await invite('capped@example.com', 'workspace_member', 500, 'company');
      await invite('limited@example.com', 'workspace_member', null, 'inviteLimit');
      const second = await invite('second@example.com', 'workspace_member', null, 'company');
      const find = async (usageLimit: number | null, limit: number) => {
        const found = await world.store.waitingInvites({ seatType: 'workspace_member', usageLimit, limit });
        return found.map(({ entry, change }) => [entry.subject, change.usageLimit]);
      };
      expect(await find(null, 10)).toEqual([
        [first, null],
        [second, null],
      ]);
      expect(await find(500, 10)).toEqual([[capped, 500]]);
      expect(await find(null, 1)).toEqual([[first, null]]);
    });
  });

  describe('the agenda', () => {
    it('moves the generation with each cause, so that an older settle changes nothing', async () => {
      const world = open();
      const { record } = await world.store.createUser(ann(), BULK);
      const [old] = await world.store.due(1, new Set());
      expect(old).toMatchObject({ subject: `user:${record.id}`, priority: 2, attempts: 0, cause: 'req-1' });
      await world.store.updateUser(record.id, (user) => ({ ...user, title: 'x' }), { ...IDP, requestId: 'req-2' });
      const [fresh] = await world.store.due(1, new Set());
      expect(fresh).toMatchObject({ priority: 0, cause: 'req-2' });
      expect(fresh!.generation).toBeGreaterThan(old!.generation);
      await world.store.settle(old!, null);
      await world.store.postpone(old!, world.clock.now() + 5000, 'down');
      expect(await world.store.due(1, new Set())).toEqual([fresh]);
      await world.store.settle(fresh!, null);
      expect(await world.store.due(1, new Set())).toEqual([]);
      expect(await world.store.nextDueAt(new Set())).toBeNull();
    });

    it('postpones, counts failures, and forgets them at a new cause', async () => {
      const world = open();
      const { record } = await world.store.createUser(ann(), BULK);
      const [entry] = await world.store.due(1, new Set());
      const later = world.clock.now() + 60_000;
      await world.store.postpone(entry!, later, 'ElevenLabs is down');
      expect(await world.store.due(1, new Set())).toEqual([]);
      expect(await world.store.nextDueAt(new Set())).toBe(later);
      expect(await world.store.progress({ subject: entry!.subject })).toEqual({ due: 0, postponed: 1 });
      expect(await world.store.progress({ cause: 'req-1' })).toEqual({ due: 0, postponed: 1 });
      expect((await world.store.getUser(record.id))?.bridge.lastError).toBe('ElevenLabs is down');
      world.clock.advance(60_000);
      expect(await world.store.due(1, new Set())).toMatchObject([{ attempts: 1 }]);
      await world.store.schedule([entry!.subject], 'sync', 1, world.clock.now());
      expect(await world.store.due(1, new Set())).toMatchObject([{ attempts: 0, priority: 1, cause: 'sync' }]);
    });

    it('keeps an entry that has a later date, out of the way of those that are due', async () => {
      const world = open();
      await world.store.createUser(ann(), BULK);
      const [entry] = await world.store.due(1, new Set());
      await world.store.settle(entry!, { dueAt: world.clock.now() + DAY });
      expect(await world.store.due(1, new Set())).toEqual([]);
      expect(await world.store.progress({ cause: 'req-1' })).toEqual({ due: 0, postponed: 0 });
      expect(await world.store.nextDueAt(new Set())).toBe(world.clock.now() + DAY);
      world.clock.advance(DAY);
      expect(await world.store.due(1, new Set())).toMatchObject([{ priority: 3 }]);
    });

    it('gives due entries by priority, then by time, without those in work', async () => {
      const world = open();
      const now = world.clock.now();
      await world.store.schedule(['user:c'], 'x', 2, now - 5);
      await world.store.schedule(['user:b'], 'x', 1, now);
      await world.store.schedule(['user:a', 'group:g'], 'x', 1, now - 10);
      await world.store.schedule(['user:late'], 'x', 0, now + 1);
      const subjects = async (limit: number, skip: readonly string[] = []) =>
        (await world.store.due(limit, new Set(skip))).map(({ subject }) => subject);
      expect((await subjects(2)).sort()).toEqual(['group:g', 'user:a']);
      expect(await subjects(10, ['user:a', 'group:g'])).toEqual(['user:b', 'user:c']);
      expect(await world.store.nextDueAt(new Set(['user:a', 'group:g', 'user:c', 'user:b']))).toBe(now + 1);
    });

    it('survives a restart', async () => {
      const world = open();
      const { record } = await world.store.createUser(ann(), IDP);
      const [entry] = await world.reopen().due(1, new Set());
      expect(entry?.subject).toBe(`user:${record.id}`);
    });
  });

  describe('the ledger', () => {
    const invite = (address: string): PlannedChange => ({
      change: { kind: 'invite', address: address as never, seatType: 'workspace_member', usageLimit: null },
      why: 'because',
      attribute: 'active',
    });
    const lock: PlannedChange = {
      change: { kind: 'lock', memberId: 'm-1' as never, reason: 'inactive' },
      why: 'because',
      attribute: 'active',
    };

    it('says what the plan says: new rows, kept rows, superseded rows, held rows', async () => {
      const world = open();
      const { record: user } = await world.store.createUser(ann(), IDP);
      const subject = `user:${user.id}`;
      const [a, b] = [invite('ann@example.com'), lock];
      await world.store.record(subject, { changes: [a, b], held: [], send: null, cause: 'req-1' });
      const states = async () =>
        (await world.store.ledger({ subject, limit: 10 })).map(({ changeKey, state }) => [changeKey, state]);
      expect(await states()).toEqual([
        ['lock m-1', 'planned'],
        ['invite ann@example.com workspace_member', 'planned'],
      ]);
      expect((await world.store.getUser(user.id))?.bridge.pendingChanges).toBe(2);
      await world.store.record(subject, { changes: [a], held: [b], send: null, cause: 'req-2' });
      expect((await states())[0]).toEqual(['lock m-1', 'held']);
      expect((await world.store.getUser(user.id))?.bridge.status).toBe('held');
      expect((await personOf(world.store, user.id)).held).toEqual(new Set(['lock m-1']));
      await world.store.record(subject, { changes: [], held: [], send: null, cause: 'req-3' });
      expect((await states()).map(([, state]) => state)).toEqual(['superseded', 'superseded']);
      expect((await world.store.getUser(user.id))?.bridge).toMatchObject({
        pendingChanges: 0,
        status: 'invitePending',
      });
      expect(await world.store.ledger({ cause: 'req-1', states: ['superseded'], limit: 1, beforeId: 2 })).toMatchObject(
        [{ id: 1 }],
      );
    });

    it('writes one row per call, with its end', async () => {
      const world = open();
      const { record: user } = await world.store.createUser(ann(), IDP);
      await sendNext(world, user.id, { kind: 'transient', call: { ...FAILURE, status: 503, error: 'maintenance' } });
      expect(await world.store.ledger({ limit: 1 })).toMatchObject([
        { state: 'planned', attempts: 1, upstreamStatus: 503, error: 'maintenance', endedAt: null },
      ]);
      expect((await world.store.getUser(user.id))?.bridge.lastError).toBe('maintenance');
      const row = await sendNext(world, user.id, { kind: 'done', call: { ...CALL, requestId: 'up-7' } });
      expect(row).toMatchObject({ attempts: 2, state: 'sending' });
      expect(await world.store.ledger({ limit: 10 })).toMatchObject([
        {
          state: 'done',
          attempts: 2,
          upstreamStatus: 200,
          upstreamRequestId: 'up-7',
          error: null,
          endedAt: world.clock.now(),
        },
      ]);
      expect((await world.store.counts()).ledger).toMatchObject({ done: 1, planned: 0 });
    });

    it('ends a call once', async () => {
      const world = open();
      const { record: user } = await world.store.createUser(ann(), IDP);
      const row = await sendNext(world, user.id);
      await world.store.finish(row!.id, { kind: 'refused', call: FAILURE, retryAt: world.clock.now() + DAY }, null);
      expect((await world.store.ledger({ limit: 1 }))[0]?.state).toBe('done');
    });

    it('refuses to send what is not planned', async () => {
      const world = open();
      const { record: user } = await world.store.createUser(ann(), IDP);
      const send = world.store.record(`user:${user.id}`, { changes: [], held: [], send: lock, cause: null });
      await expect(send).rejects.toThrow('not planned');
    });
  });

  describe('an invite', () => {
    it('goes out again after its time, at most three rounds, each a decision of its own', async () => {
      const world = open();
      const { record: user } = await world.store.createUser(ann(), IDP);
      const rounds: (number | undefined)[] = [];
      for (let i = 0; i < 5; i++) {
        await settleUser(world, user.id);
        rounds.push((await personOf(world.store, user.id)).invite?.round);
        world.clock.advance(7 * DAY);
      }
      expect(rounds).toEqual([1, 2, 3, 3, 3]);
      expect((await world.store.counts()).invites).toEqual({ expired: 2, invited: 1 });
    });

    it('whose answer was lost is sent once more at most, after a reading', async () => {
      const world = open();
      const { record: user } = await world.store.createUser(ann(), IDP);
      await sendNext(world, user.id, { kind: 'ambiguous', call: FAILURE });
      expect(await planOf(world, user.id)).toEqual([]);
      await read(world, [OWNER]);
      await sendNext(world, user.id, { kind: 'ambiguous', call: FAILURE });
      await read(world, [OWNER]);
      expect(await planOf(world, user.id)).toEqual([]);
      expect((await personOf(world.store, user.id)).invite).toMatchObject({ sends: 2, state: 'ambiguous' });
      expect(await world.store.ledger({ limit: 9 })).toMatchObject([{ state: 'ambiguous', attempts: 2 }]);
      await world.store.updateUser(user.id, (doc) => ({ ...doc, active: false }), IDP);
      expect(await settleUser(world, user.id)).toEqual(['revokeInvite']);
    });

    it('refused in its second round leaves the first one open: it is still to be revoked', async () => {
      const world = open();
      const { record: user } = await world.store.createUser(ann(), IDP);
      await settleUser(world, user.id);
      world.clock.advance(7 * DAY);
      await sendNext(world, user.id, { kind: 'refused', call: FAILURE, retryAt: world.clock.now() + DAY });
      await world.store.updateUser(user.id, (doc) => ({ ...doc, active: false }), IDP);
      expect(await settleUser(world, user.id)).toEqual(['revokeInvite']);
    });

    it('is revoked and sent anew for a lower seat; the address is not watched then', async () => {
      const world = open();
      const { record: user } = await world.store.createUser(ann({ roles: [{ value: 'admin' }] }), IDP);
      await settleUser(world, user.id);
      await world.store.updateUser(user.id, () => ann({ roles: [{ value: 'lite' }] }), IDP);
      expect(await settleUser(world, user.id)).toEqual(['revokeInvite', 'invite']);
      await read(world, [OWNER, member('m-ann', 'ann@example.com', { seatType: 'workspace_lite_member' })]);
      expect(await planOf(world, user.id)).toEqual([]);
    });

    it('counts answers of revocation that were no clear yes', async () => {
      const world = open();
      const { record: user } = await world.store.createUser(ann(), IDP);
      await settleUser(world, user.id);
      await world.store.updateUser(user.id, (doc) => ({ ...doc, active: false }), IDP);
      const failures = async () => (await personOf(world.store, user.id)).invite?.revokeFailures;
      await sendNext(world, user.id, { kind: 'transient', call: { ...FAILURE, status: 429 } });
      await sendNext(world, user.id, { kind: 'transient', call: { ...FAILURE, status: null } });
      expect(await failures()).toBe(0);
      await sendNext(world, user.id, { kind: 'transient', call: { ...FAILURE, status: 500 } });
      expect(await failures()).toBe(1);
    });
  });

  describe('after a crash', () => {
    it('takes an invite in flight for ambiguous, and plans the rest again', async () => {
      const world = open();
      const { record: user } = await world.store.createUser(ann(), IDP);
      const bob = await joined(world, 'bob@example.com', 'm-bob');
      await world.store.updateUser(bob.id, (doc) => ({ ...doc, active: false }), IDP);
      const begin = async (id: UserId, change: PlannedChange) =>
        world.store.record(`user:${id}`, { changes: [change], held: [], send: change, cause: 'req-1' });
      await begin(user.id, {
        change: { kind: 'invite', address: 'ann@example.com' as never, seatType: 'workspace_member', usageLimit: null },
        why: '',
        attribute: 'active',
      });
      await begin(bob.id, {
        change: { kind: 'lock', memberId: 'm-bob' as never, reason: 'inactive' },
        why: '',
        attribute: 'active',
      });
      await clearAgenda(world.store);
      const store = world.reopen();
      expect(await store.recover()).toEqual({ ambiguous: 1, replanned: 1 });
      expect((await personOf(store, user.id)).invite).toMatchObject({ state: 'ambiguous', sends: 1 });
      expect((await store.due(9, new Set())).map(({ subject }) => subject).sort()).toEqual(
        [`user:${bob.id}`, `user:${user.id}`].sort(),
      );
      expect(await store.recover()).toEqual({ ambiguous: 0, replanned: 0 });
    });
  });

  describe('seats', () => {
    it('returns to the seat held before the first rule, and forgets it then', async () => {
      const world = open();
      const user = await joined(world, 'ann@example.com', 'm-ann', 'workspace_lite_member');
      const roles =
        (...values: string[]) =>
        (doc: Document) => ({ ...doc, roles: values.map((value) => ({ value })) });
      await world.store.updateUser(user.id, roles('member'), IDP);
      expect(await settleUser(world, user.id)).toEqual(['setSeat']);
      await world.store.updateUser(user.id, roles('admin'), IDP);
      await settleUser(world, user.id);
      expect(await personOf(world.store, user.id)).toMatchObject({
        seatBefore: 'workspace_lite_member',
        seatGiven: 'workspace_admin',
      });
      await read(world, [OWNER, member('m-ann', 'ann@example.com', { seatType: 'workspace_admin' })]);
      await world.store.updateUser(user.id, roles(), IDP);
      expect(await settleUser(world, user.id)).toEqual(['setSeat']);
      expect(await personOf(world.store, user.id)).toMatchObject({
        seatBefore: null,
        seatGiven: null,
        member: { seatType: 'workspace_lite_member' },
      });
    });

    it('goes by explicit seatType, then roles, then groups', async () => {
      const world = open({ groupSeats: new Map([['sales', 'workspace_member' as const]]) });
      const { record: user } = await world.store.createUser(ann(), IDP);
      const seat = async () => (await personOf(world.store, user.id)).seat?.rule;
      await world.store.createGroup({ displayName: 'Sales' }, [user.id], IDP);
      expect(await seat()).toBe('group "Sales"');
      await world.store.updateUser(user.id, () => ann({ roles: [{ value: 'x' }, { value: 'Admin' }] }), IDP);
      expect(await seat()).toBe('roles "Admin"');
      await world.store.updateUser(user.id, () => ann({ [BRIDGE_USER]: { seatType: 'workspace_lite_member' } }), IDP);
      expect(await seat()).toBe('seatType');
    });
  });

  describe('shares', () => {
    const AGENT = 'convai_agents:agent1';
    it('remembers what was given to a person, and takes only that back', async () => {
      const world = open();
      const user = await joined(world, 'ann@example.com', 'm-ann');
      await world.store.updateUser(user.id, (doc) => ({ ...doc, entitlements: [{ value: `${AGENT}:editor` }] }), IDP);
      expect(await settleUser(world, user.id)).toEqual(['share']);
      const person = await personOf(world.store, user.id);
      expect(person.givenShares.get(AGENT)?.role).toBe('editor');
      expect(person.heldShares.get(AGENT)).toBe('editor');
      await world.store.updateUser(user.id, (doc) => ({ ...doc, entitlements: [] }), IDP);
      expect(await settleUser(world, user.id)).toEqual(['unshare']);
      expect((await personOf(world.store, user.id)).givenShares.size).toBe(0);
    });

    it('gives those of a linked group to the group', async () => {
      const share = { resource: { type: 'convai_agents', id: 'agent1' }, role: 'viewer' as const };
      const world = open({ groupShares: new Map([['sales', [share]]]) });
      await read(world, [OWNER], [group('g-1', 'Sales')]);
      const { record } = await world.store.createGroup({ displayName: 'Sales' }, [], IDP);
      const subject = `group:${record.id}`;
      expect([...(await world.store.shareSubject(subject))!.wanted.values()]).toMatchObject([
        { ...share, principal: 'group:g-1' },
      ]);
      expect(await world.store.shareSubject('user:x')).toBeNull();
      const change: PlannedChange = {
        change: { kind: 'share', ...share, principal: { kind: 'group', groupId: 'g-1' as never } },
        why: 'x',
        attribute: 'groups',
      };
      const row = await world.store.record(subject, { changes: [change], held: [], send: change, cause: null });
      await world.store.finish(row!.id, { kind: 'done', call: CALL }, null);
      await clearAgenda(world.store);
      await world.store.deleteGroup(record.id, IDP);
      expect((await world.store.due(9, new Set())).map((entry) => entry.subject)).toEqual([subject]);
      const left = await world.store.shareSubject(subject);
      expect([left!.wanted.size, left!.given.size]).toEqual([0, 1]);
    });
  });

  describe('a revert', () => {
    const refused = (world: World): Outcome => ({ kind: 'refused', call: FAILURE, retryAt: world.clock.now() + DAY });
    const refuseNext = async (world: World, userId: UserId, version: number, attribute: CausingAttribute) => {
      const { planPerson } = await import('../../../src/domain/plan.js');
      const { changes } = planPerson(await personOf(world.store, userId), world.rules(), world.clock.now());
      const row = await world.store.record(`user:${userId}`, { changes, held: [], send: changes[0]!, cause: 'req-1' });
      return world.store.finish(row!.id, refused(world), { userId, version, attribute });
    };

    it('removes the user just created', async () => {
      const world = open();
      const { record } = await world.store.createUser(ann(), IDP);
      expect(await refuseNext(world, record.id, 1, 'active')).toEqual({ reverted: true });
      expect(await world.store.getUser(record.id)).toBeNull();
      expect(await world.store.due(9, new Set())).toEqual([]);
      const [row] = await world.store.auditRows({ limit: 1 });
      expect(row).toMatchObject({ actor: 'bridge', action: 'user.revert', requestId: 'req-1' });
      await world.store.createUser(ann(), IDP);
    });

    it('keeps the user just created where a group has it by now', async () => {
      const world = open();
      const { record } = await world.store.createUser(ann(), IDP);
      await world.store.createGroup({ displayName: 'Sales' }, [record.id], IDP);
      expect(await refuseNext(world, record.id, 1, 'active')).toEqual({ reverted: false });
      expect((await world.store.getUser(record.id))?.bridge.status).toBe('failed');
    });

    it('restores exactly the refused attribute', async () => {
      const world = open();
      const user = await joined(world, 'ann@example.com', 'm-ann');
      const { record } = await world.store.updateUser(
        user.id,
        (doc) => ({ ...doc, title: 'CEO', roles: [{ value: 'admin' }] }),
        IDP,
      );
      expect(await refuseNext(world, user.id, record.version, 'roles')).toEqual({ reverted: true });
      const now = await world.store.getUser(user.id);
      expect(now).toMatchObject({
        version: record.version + 1,
        document: { ...ann(), title: 'CEO' },
        bridge: { status: 'member' },
      });
      expect(now?.document).not.toHaveProperty('roles');
      expect(await planOf(world, user.id)).toEqual([]);
    });

    it('restores one attribute of an extension, and nothing that was written since', async () => {
      const world = open();
      const user = await joined(world, 'ann@example.com', 'm-ann');
      const seat = (seatType: string) => (doc: Document) => ({ ...doc, [BRIDGE_USER]: { seatType, usageLimit: 5 } });
      const { record } = await world.store.updateUser(user.id, seat('workspace_admin'), IDP);
      await world.store.updateUser(user.id, (doc) => ({ ...doc, title: 'later' }), IDP);
      expect(await refuseNext(world, user.id, record.version, 'seatType')).toEqual({ reverted: true });
      expect((await world.store.getUser(user.id))?.document).toEqual({
        ...ann(),
        [BRIDGE_USER]: { usageLimit: 5 },
        title: 'later',
      });

      const again = await world.store.updateUser(user.id, seat('workspace_admin'), IDP);
      await world.store.updateUser(user.id, seat('workspace_lite_member'), IDP);
      expect(await refuseNext(world, user.id, again.record.version, 'seatType')).toEqual({ reverted: false });
      expect((await world.store.getUser(user.id))?.document[BRIDGE_USER]).toMatchObject({
        seatType: 'workspace_lite_member',
      });
    });

    it('gives back an activation and an address', async () => {
      const world = open();
      const { record } = await world.store.createUser(ann({ active: false }), IDP);
      const on = await world.store.updateUser(record.id, (doc) => ({ ...doc, active: true }), IDP);
      expect(await refuseNext(world, record.id, on.record.version, 'active')).toEqual({ reverted: true });
      expect((await world.store.getUser(record.id))?.document['active']).toBe(false);
      expect((await personOf(world.store, record.id)).mayReinvite).toBe(false);

      const { record: bob } = await world.store.createUser(userDoc('bob@example.com'), IDP);
      const moved = await world.store.updateUser(
        bob.id,
        () => ({ ...userDoc('bob@example.com'), emails: [{ value: 'bob2@example.com', primary: true }] }),
        IDP,
      );
      expect(await refuseNext(world, bob.id, moved.record.version, 'emails')).toEqual({ reverted: true });
      expect(await world.store.getUser(bob.id)).toMatchObject({
        address: 'bob@example.com',
        document: userDoc('bob@example.com'),
      });
    });

    it('never gives back the address of a predecessor who was locked', async () => {
      const world = open();
      const old = await joined(world, 'ann@example.com', 'm-ann');
      await world.store.deleteUser(old.id, IDP);
      await settleUser(world, old.id);
      const { record } = await world.store.createUser(ann(), IDP);
      expect(await refuseNext(world, record.id, 1, 'active')).toEqual({ reverted: true });
      expect(await world.store.getUser(record.id)).toBeNull();
      await read(world, [OWNER, member('m-ann', 'ann@example.com')]);
      expect(await planOf(world, record.id)).toEqual(['lock']);
    });
  });
}
