/** Users as IdPs write them. */
import { describe, expect, it } from '@jest/globals';
import {
  ann,
  BULK,
  dueSubjects,
  EVERYTHING,
  IDP,
  joined,
  OWNER,
  personOf,
  planOf,
  WHOLE,
  read,
  refusal,
  sendNext,
  settleUser,
  FAILURE,
  userDoc,
  clearAgenda,
  type OpenWorld,
} from './support.js';

export function usersContract(open: OpenWorld): void {
  describe('users', () => {
    it('stores what was sent and finds it again, also after a restart', async () => {
      const world = open();
      const document = ann({ title: 'Engineer', 'urn:x:2.0:User': { a: [1, { b: null }] } });
      const { record, changed, tookOver } = await world.store.createUser(document, IDP);
      expect({ changed, tookOver }).toEqual({ changed: true, tookOver: false });
      expect(record).toMatchObject({ document, version: 1, managed: true, address: 'ann@example.com', groups: [] });
      expect(record.bridge).toMatchObject({ status: 'invitePending', origin: 'idp', memberId: null, lastError: null });
      expect(await world.reopen().getUser(record.id)).toEqual(record);
    });

    it('says active where a new user does not, and keeps what is stored where an update does not', async () => {
      const world = open();
      const { record } = await world.store.createUser({ userName: 'a@example.com' }, IDP);
      expect(record.document['active']).toBe(true);
      await world.store.updateUser(record.id, (user) => ({ ...user, active: false }), IDP);
      const kept = await world.store.updateUser(record.id, () => ({ userName: 'a@example.com', title: 'x' }), IDP);
      expect(kept.record.document).toEqual({ userName: 'a@example.com', title: 'x', active: false });
    });

    it('refuses a second holder of a userName or an address, without regard to case', async () => {
      const world = open();
      const { record } = await world.store.createUser(ann(), IDP);
      const byName = await refusal(world.store.createUser(userDoc('ANN@Example.com'), IDP));
      expect(byName).toMatchObject({ status: 409, scimType: 'uniqueness' });
      expect(byName.message).toContain('userName');
      expect(byName.message).toContain(record.id);
      const byAddress = await refusal(world.store.createUser(ann({ userName: 'ann2' }), IDP));
      expect(byAddress).toMatchObject({ status: 409, scimType: 'uniqueness' });
      expect(byAddress.message).toContain('ann@example.com');
      const { record: bob } = await world.store.createUser(userDoc('bob@example.com'), IDP);
      const renamed = await refusal(
        world.store.updateUser(bob.id, (user) => ({ ...user, userName: 'Ann@example.com' }), IDP),
      );
      expect(renamed.status).toBe(409);
      expect((await world.store.getUser(bob.id))?.document).toEqual(bob.document);
    });

    it('moves the version exactly when the document changes', async () => {
      const world = open();
      const { record } = await world.store.createUser(ann(), IDP);
      world.clock.advance(1000);
      const same = await world.store.updateUser(
        record.id,
        ({ userName, ...rest }) => ({ ...rest, userName: userName! }),
        IDP,
      );
      expect(same).toMatchObject({ changed: false, record: { version: 1, modifiedAt: record.modifiedAt } });
      const next = await world.store.updateUser(record.id, (user) => ({ ...user, title: 'x' }), IDP);
      expect(next).toMatchObject({ changed: true, record: { version: 2 } });
      expect(next.record.modifiedAt).toBeGreaterThan(record.modifiedAt);
    });

    it('keeps to If-Match', async () => {
      const world = open();
      const { record } = await world.store.createUser(ann(), IDP);
      const stale = { ...IDP, ifMatch: [7] };
      expect(
        (await refusal(world.store.updateUser(record.id, (user) => ({ ...user, title: 'x' }), stale))).status,
      ).toBe(412);
      expect((await refusal(world.store.deleteUser(record.id, stale))).status).toBe(412);
      const fresh = await world.store.updateUser(record.id, (user) => ({ ...user, title: 'x' }), {
        ...IDP,
        ifMatch: [7, 1],
      });
      expect(fresh.record.version).toBe(2);
    });

    it('rolls back what a callback throws, and hands it through', async () => {
      const world = open();
      const { record } = await world.store.createUser(ann(), IDP);
      const boom = new RangeError('boom');
      const update = world.store.updateUser(
        record.id,
        () => {
          throw boom;
        },
        IDP,
      );
      await expect(update).rejects.toBe(boom);
      expect(await world.store.getUser(record.id)).toEqual(record);
    });

    it('answers 404 for an unknown user', async () => {
      const world = open();
      expect(await world.store.getUser('nobody')).toBeNull();
      expect((await refusal(world.store.updateUser('nobody', (user) => user, IDP))).status).toBe(404);
      expect((await refusal(world.store.deleteUser('nobody', IDP))).status).toBe(404);
    });

    it('puts every write on the agenda: interactive before withdrawals before grants', async () => {
      const world = open();
      const { record: a } = await world.store.createUser(userDoc('a@example.com'), BULK);
      const { record: b } = await world.store.createUser(userDoc('b@example.com', { active: false }), BULK);
      const { record: c } = await world.store.createUser(userDoc('c@example.com'), IDP);
      expect(await dueSubjects(world.store)).toEqual([`user:${c.id}`, `user:${b.id}`, `user:${a.id}`]);
    });

    it('writes an audit row with before and after', async () => {
      const world = open();
      const { record } = await world.store.createUser(ann(), IDP);
      await world.store.updateUser(record.id, (user) => ({ ...user, title: 'x' }), { ...IDP, requestId: 'req-2' });
      await world.store.deleteUser(record.id, IDP);
      const rows = await world.store.auditRows({ subject: `user:${record.id}`, limit: 10 });
      expect(rows.map(({ action }) => action)).toEqual(['user.delete', 'user.update', 'user.create']);
      expect(rows[1]).toMatchObject({ actor: 'token:entra', requestId: 'req-2', before: JSON.stringify(ann()) });
      expect(rows[1]!.after).toBe(JSON.stringify({ ...ann(), title: 'x' }));
    });

    describe('without a usable address', () => {
      it('refuses an active user, naming what to map', async () => {
        const world = open();
        const error = await refusal(world.store.createUser({ userName: 'ann' }, IDP));
        expect(error).toMatchObject({ status: 400, scimType: 'invalidValue' });
        expect(error.message).toContain('emails[type eq "work"].value');
        expect((await world.store.listUsers(EVERYTHING)).total).toBe(0);
      });

      it('accepts an inactive one, and refuses to activate it', async () => {
        const world = open();
        const { record } = await world.store.createUser({ userName: 'ann', active: false }, IDP);
        expect(record).toMatchObject({ address: null, bridge: { status: 'none' } });
        expect(
          (await refusal(world.store.updateUser(record.id, (user) => ({ ...user, active: true }), IDP))).status,
        ).toBe(400);
      });

      it('accepts it with REQUIRE_EMAIL=false, and plans nothing', async () => {
        const world = open({ requireEmail: false });
        const { record } = await world.store.createUser({ userName: 'ann' }, IDP);
        expect(record.bridge.status).toBe('none');
        expect(await planOf(world, record.id)).toEqual([]);
      });

      it('accepts one of nobody without a seat or a pattern for it, and keeps the one that a user has', async () => {
        const world = open({ inviteOnly: ['*@example.com'], seatLimits: { full: 1, basic: 0 } });
        await read(world, [OWNER]);
        const { record } = await world.store.createUser(userDoc('check@nowhere.invalid'), IDP);
        expect(record).toMatchObject({ address: null, bridge: { status: 'none' } });
        expect(await planOf(world, record.id)).toEqual([]);
        const set = (active: boolean) => world.store.updateUser(record.id, (user) => ({ ...user, active }), IDP);
        await set(false);
        expect((await set(true)).record.bridge.status).toBe('none');
        world.setRules({ seatLimits: { full: null, basic: null } });
        const { record: bob } = await world.store.createUser(userDoc('bob@example.com'), IDP);
        const gone = userDoc('bob@gone.invalid');
        expect((await world.store.updateUser(bob.id, () => gone, IDP)).record.address).toBe('bob@example.com');
      });

      it('refuses a malformed one while active, never a deactivation', async () => {
        const world = open();
        expect((await refusal(world.store.createUser(userDoc('not an address'), IDP))).scimType).toBe('invalidValue');
        const { record } = await world.store.createUser(ann(), IDP);
        const broken = { emails: [{ value: '{mail}', type: 'work', primary: true }] };
        expect((await refusal(world.store.updateUser(record.id, (user) => ({ ...user, ...broken }), IDP))).status).toBe(
          400,
        );
        const off = await world.store.updateUser(record.id, (user) => ({ ...user, ...broken, active: false }), IDP);
        expect(off.record).toMatchObject({ address: 'ann@example.com', document: { active: false } });
      });

      it('refuses whom inviteOnly does not name, but not a member', async () => {
        const world = open({ inviteOnly: ['*@example.com'] });
        expect((await refusal(world.store.createUser(userDoc('eve@evil.example'), IDP))).scimType).toBe('invalidValue');
        await joined(world, 'ann@example.com', 'm-ann');
        world.setRules({ inviteOnly: ['nobody@example.com'] });
        const user = (await world.store.listUsers(EVERYTHING)).items.find(({ bridge }) => bridge.memberId === 'm-ann')!;
        await world.store.updateUser(user.id, (doc) => ({ ...doc, title: 'x' }), IDP);
      });
    });

    describe('a change of address', () => {
      const moveTo = (value: string) => (user: object) => ({
        ...user,
        emails: [{ value, type: 'work', primary: true }],
      });

      it('moves a pending user: the old invite is to be revoked, the old address watched', async () => {
        const world = open();
        const { record } = await world.store.createUser(ann(), IDP);
        await settleUser(world, record.id);
        const moved = await world.store.updateUser(record.id, moveTo('ann.b@example.com'), IDP);
        expect(moved.record.address).toBe('ann.b@example.com');
        const person = await personOf(world.store, record.id);
        expect(person.staleInvites.map(({ address }) => address)).toEqual(['ann@example.com']);
        expect(await settleUser(world, record.id)).toEqual(['revokeInvite', 'invite']);
      });

      it('does not watch an address that was never sent anything', async () => {
        const world = open();
        const { record } = await world.store.createUser(ann(), IDP);
        await world.store.updateUser(record.id, moveTo('ann.b@example.com'), IDP);
        const { record: other } = await world.store.createUser(ann({ userName: 'other' }), IDP);
        expect(other.address).toBe('ann@example.com');
        expect((await personOf(world.store, record.id)).staleInvites).toEqual([]);
      });

      it('follows the document for uniqueness, but keeps the member', async () => {
        const world = open();
        const user = await joined(world, 'ann@example.com', 'm-ann');
        const moved = await world.store.updateUser(user.id, moveTo('ann.b@example.com'), IDP);
        expect(moved.record).toMatchObject({
          address: 'ann.b@example.com',
          bridge: { memberId: 'm-ann', status: 'member' },
        });
        expect(await planOf(world, user.id)).toEqual([]);
      });

      it('is refused for a member with EMAIL_CHANGE=reject, and allowed while pending', async () => {
        const world = open({ emailChange: 'reject' });
        const user = await joined(world, 'ann@example.com', 'm-ann');
        const error = await refusal(world.store.updateUser(user.id, moveTo('ann.b@example.com'), IDP));
        expect(error).toMatchObject({ status: 400, scimType: 'mutability' });
        const { record } = await world.store.createUser(userDoc('bob@example.com'), IDP);
        await world.store.updateUser(record.id, moveTo('bob.b@example.com'), IDP);
      });

      it('is not caused by removing the element', async () => {
        const world = open();
        const { record } = await world.store.createUser(
          userDoc('ann', { emails: [{ value: 'ann@example.com', type: 'work' }] }),
          IDP,
        );
        const kept = await world.store.updateUser(record.id, () => ({ userName: 'ann' }), IDP);
        expect(kept.record.address).toBe('ann@example.com');
      });
    });

    describe('deletion', () => {
      it('is real: 404 afterwards, the name is free again', async () => {
        const world = open();
        const { record } = await world.store.createUser(ann(), IDP);
        await world.store.deleteUser(record.id, IDP);
        expect(await world.store.getUser(record.id)).toBeNull();
        expect(await world.store.person(record.id)).toBeNull();
        const again = await world.store.createUser(ann(), IDP);
        expect(again.record.id).not.toBe(record.id);
      });

      it('leaves a tombstone where an invite is out, and withdraws it', async () => {
        const world = open();
        const { record } = await world.store.createUser(ann(), IDP);
        await settleUser(world, record.id);
        await world.store.deleteUser(record.id, IDP);
        expect(await world.store.getUser(record.id)).toBeNull();
        expect((await world.store.listUsers(EVERYTHING)).total).toBe(0);
        expect(await personOf(world.store, record.id)).toMatchObject({
          desired: 'deleted',
          userName: 'ann@example.com',
        });
        expect(await settleUser(world, record.id)).toEqual(['revokeInvite']);
      });

      it('locks a member, and takes it out of the groups where the bridge put it', async () => {
        const world = open();
        const user = await joined(world, 'ann@example.com', 'm-ann');
        const { record: sales } = await world.store.createGroup({ displayName: 'Sales' }, [user.id], IDP);
        await world.store.applyReading(
          {
            startedAt: world.clock.now(),
            members: null,
            groups: [{ groupId: 'g-1' as never, name: 'sales', memberIds: [], readOnly: false }],
            ...WHOLE,
          },
          'sync',
        );
        expect(await settleUser(world, user.id)).toEqual(['addToGroup']);
        await world.store.deleteUser(user.id, IDP);
        expect((await world.store.getGroup(sales.id, { members: true }))?.members).toEqual([]);
        const sent = await settleUser(world, user.id);
        expect(sent.sort()).toEqual(['lock', 'removeFromGroup']);
        expect((await world.store.member('m-ann' as never))?.isLocked).toBe(true);
      });

      it('moves the versions of the groups the user was in', async () => {
        const world = open();
        const { record } = await world.store.createUser(ann(), IDP);
        const { record: made } = await world.store.createGroup({ displayName: 'Sales' }, [record.id], IDP);
        await world.store.deleteUser(record.id, IDP);
        expect(await world.store.getGroup(made.id, { members: true })).toMatchObject({
          version: made.version + 1,
          members: [],
        });
      });

      it('gives way to a newcomer with the address: the open invite is taken over, not revoked', async () => {
        const world = open();
        const { record: old } = await world.store.createUser(ann(), IDP);
        await settleUser(world, old.id);
        await world.store.deleteUser(old.id, IDP);
        const { record: fresh } = await world.store.createUser(ann(), IDP);
        expect(await settleUser(world, old.id)).toEqual([]);
        expect(await settleUser(world, fresh.id)).toEqual([]);
        expect((await world.store.getUser(fresh.id))?.bridge.status).toBe('invited');
      });

      it('hands the locked member over to a newcomer, who is unlocked', async () => {
        const world = open();
        const old = await joined(world, 'ann@example.com', 'm-ann');
        await world.store.deleteUser(old.id, IDP);
        await settleUser(world, old.id);
        const { record: fresh } = await world.store.createUser(ann(), IDP);
        expect(fresh.bridge.memberId).toBe('m-ann');
        expect((await personOf(world.store, old.id)).member).toBeNull();
        expect(await settleUser(world, fresh.id)).toEqual(['unlock']);
      });
    });

    describe('a refused change', () => {
      const refused = async (open_: OpenWorld) => {
        const world = open_();
        const { record } = await world.store.createUser(ann(), IDP);
        await sendNext(world, record.id, { kind: 'refused', call: FAILURE, retryAt: world.clock.now() + 86_400_000 });
        return { world, id: record.id };
      };

      it('shows as failed with its reason and is not planned again', async () => {
        const { world, id } = await refused(open);
        expect((await world.store.getUser(id))?.bridge).toMatchObject({
          status: 'failed',
          lastError: 'no seat is free',
        });
        expect(await planOf(world, id)).toEqual([]);
      });

      it('is tried again when the IdP writes the user, even the same', async () => {
        const { world, id } = await refused(open);
        await clearAgenda(world.store);
        const again = await world.store.updateUser(id, (user) => user, IDP);
        expect(again.changed).toBe(false);
        expect(again.record.version).toBe(1);
        expect(await dueSubjects(world.store)).toEqual([`user:${id}`]);
        expect(await planOf(world, id)).toEqual(['invite']);
      });

      it('is tried again when its time has come, or on an administrator’s word', async () => {
        const { world, id } = await refused(open);
        await clearAgenda(world.store);
        const [row] = await world.store.ledger({ states: ['refused'], limit: 1 });
        await world.store.retryRefused([row!.id], 'admin');
        expect(await dueSubjects(world.store)).toEqual([`user:${id}`]);
        expect(await planOf(world, id)).toEqual(['invite']);
      });
    });

    describe('activation', () => {
      it('allows an invite to somebody who had gone before it, and to nobody else', async () => {
        const world = open();
        const user = await joined(world, 'ann@example.com', 'm-ann');
        const turn = async (): Promise<boolean> => {
          await world.store.updateUser(user.id, (doc) => ({ ...doc, active: false }), IDP);
          await world.store.updateUser(user.id, (doc) => ({ ...doc, active: true }), IDP);
          return (await personOf(world.store, user.id)).mayReinvite;
        };
        expect(await turn()).toBe(false);
        await read(world, [OWNER]);
        expect(await planOf(world, user.id)).toEqual([]);
        expect(await turn()).toBe(true);
        expect(await settleUser(world, user.id)).toEqual(['invite']);
        expect((await personOf(world.store, user.id)).mayReinvite).toBe(false);
      });

      it('locks and unlocks a member', async () => {
        const world = open();
        const user = await joined(world, 'ann@example.com', 'm-ann');
        await world.store.updateUser(user.id, (doc) => ({ ...doc, active: false }), IDP);
        expect(await settleUser(world, user.id)).toEqual(['lock']);
        expect((await world.store.getUser(user.id))?.bridge.status).toBe('locked');
        await world.store.updateUser(user.id, (doc) => ({ ...doc, active: true }), IDP);
        expect(await settleUser(world, user.id)).toEqual(['unlock']);
        expect((await world.store.getUser(user.id))?.bridge.status).toBe('member');
      });
    });

    it('releases a user: nothing more is done, and the plan is dropped', async () => {
      const world = open();
      const { record } = await world.store.createUser(ann(), IDP);
      const released = await world.store.releaseUser(record.id, { ...IDP, actor: 'cli' });
      expect(released).toMatchObject({ managed: false, version: 1 });
      expect(await dueSubjects(world.store)).toEqual([]);
      expect(await planOf(world, record.id)).toEqual([]);
    });
  });
}
