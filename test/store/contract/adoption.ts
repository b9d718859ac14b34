/** Members who were there before the bridge: imported, found, taken over; and those who must not be touched. */
import { describe, expect, it } from '@jest/globals';
import {
  ann,
  EVERYTHING,
  findUser,
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

export function adoptionContract(open: OpenWorld): void {
  describe('adoption', () => {
    it('imports members as unmanaged users', async () => {
      const world = open();
      const found = member('m-ann', 'Ann@example.com', { firstName: 'Ann', isLocked: true });
      expect(await read(world, [OWNER, found])).toMatchObject({
        imported: 2,
        accepted: [],
        membersChanged: 2,
        scheduled: 0,
      });
      const user = await findUser(world.store, 'Ann@example.com');
      expect(user).toMatchObject({
        managed: false,
        version: 1,
        address: 'ann@example.com',
        document: {
          userName: 'Ann@example.com',
          name: { givenName: 'Ann' },
          active: false,
          emails: [{ value: 'Ann@example.com', type: 'work', primary: true }],
        },
        bridge: { status: 'locked', memberId: 'm-ann', origin: 'adopted' },
      });
      expect((await findUser(world.store, 'owner@example.com')).bridge.status).toBe('protected');
      expect(await planOf(world, user.id)).toEqual([]);
    });

    it('keeps unmanaged users as the workspace has them, and lets them go with their member', async () => {
      const world = open();
      await read(world, [OWNER, member('m-ann', 'ann@example.com')]);
      const { id } = await findUser(world.store, 'ann@example.com');
      await read(world, [OWNER, member('m-ann', 'ann.b@example.com', { isLocked: true })]);
      expect(await world.store.getUser(id)).toMatchObject({
        version: 2,
        address: 'ann.b@example.com',
        document: { userName: 'ann.b@example.com', active: false, emails: [{ value: 'ann.b@example.com' }] },
        bridge: { status: 'locked' },
      });
      await read(world, [OWNER]);
      expect(await world.store.getUser(id)).toBeNull();
    });

    it('takes an unmanaged user over by address: same id, no invite, nothing demoted', async () => {
      const world = open();
      await read(world, [OWNER, member('m-ann', 'ann@example.com', { seatType: 'workspace_admin' })]);
      const imported = await findUser(world.store, 'ann@example.com');
      const taken = await world.store.createUser(ann({ userName: 'ann', roles: [{ value: 'lite' }] }), IDP);
      expect(taken).toMatchObject({ tookOver: true, changed: true });
      expect(taken.record).toMatchObject({
        id: imported.id,
        version: 2,
        managed: true,
        bridge: { origin: 'adopted', memberId: 'm-ann', status: 'member' },
      });
      expect(await planOf(world, imported.id)).toEqual([]);
      await world.store.updateUser(imported.id, (user) => ({ ...user, roles: [{ value: 'member' }] }), IDP);
      expect(await settleUser(world, imported.id)).toEqual(['setSeat']);
      await world.store.updateUser(imported.id, (user) => ({ ...user, roles: [{ value: 'lite' }] }), IDP);
      expect(await settleUser(world, imported.id)).toEqual(['setSeat']);
    });

    it('takes an unmanaged user over with the slot that the IdP fills: the address follows that one', async () => {
      const world = open();
      await read(world, [OWNER, member('m-ann', 'ann@example.com')]);
      const work = (value: string) => ({ emails: [{ value, type: 'work' }] });
      // Of the columns only the slot becomes another: what was imported names a primary e-mail.
      const { record } = await world.store.createUser(ann(work('ann@example.com')), IDP);
      const moved = await world.store.updateUser(
        record.id,
        (document) => ({ ...document, ...work('ann.b@example.com') }),
        IDP,
      );
      expect(moved.record.address).toBe('ann.b@example.com');
    });

    it('takes an unmanaged user over by userName', async () => {
      const world = open();
      await read(world, [OWNER, member('m-ann', 'ann@example.com')]);
      const document = { userName: 'ANN@example.com', emails: [{ value: 'alias@example.com', type: 'work' }] };
      const taken = await world.store.createUser(document, IDP);
      expect(taken.record).toMatchObject({ address: 'alias@example.com', bridge: { memberId: 'm-ann' } });
      expect(await planOf(world, taken.record.id)).toEqual([]);
    });

    it('never guesses between two members', async () => {
      const world = open();
      await read(world, [OWNER, member('m-1', 'ann@example.com'), member('m-2', 'alias@example.com')]);
      const document = { userName: 'ann@example.com', emails: [{ value: 'alias@example.com', type: 'work' }] };
      expect((await refusal(world.store.createUser(document, IDP))).status).toBe(409);
    });

    it('makes an unmanaged user managed by an update, too', async () => {
      const world = open();
      await read(world, [OWNER, member('m-ann', 'ann@example.com')]);
      const imported = await findUser(world.store, 'ann@example.com');
      const same = await world.store.updateUser(imported.id, (user) => user, IDP);
      expect(same).toMatchObject({ changed: true, record: { managed: true, version: 1 } });
      await world.store.updateUser(imported.id, (user) => ({ ...user, active: false }), IDP);
      expect(await settleUser(world, imported.id)).toEqual(['lock']);
    });

    it('never unlocks by a POST what somebody else locked, but by an activation', async () => {
      const world = open();
      await read(world, [OWNER, member('m-ann', 'ann@example.com', { isLocked: true })]);
      const { record } = await world.store.createUser(ann(), IDP);
      expect(record.bridge.status).toBe('locked');
      expect(await planOf(world, record.id)).toEqual([]);
      await world.store.updateUser(record.id, (user) => ({ ...user, active: false }), IDP);
      await world.store.updateUser(record.id, (user) => ({ ...user, active: true }), IDP);
      expect(await planOf(world, record.id)).toEqual(['unlock']);
    });

    it('links a member at once where members are not imported', async () => {
      const world = open({ importExisting: false });
      await read(world, [OWNER, member('m-ann', 'ann@example.com')]);
      expect((await world.store.listUsers(EVERYTHING)).total).toBe(0);
      const { record, tookOver } = await world.store.createUser(ann(), IDP);
      expect(tookOver).toBe(false);
      expect(record.bridge).toMatchObject({ memberId: 'm-ann', origin: 'adopted', status: 'member' });
      expect(await planOf(world, record.id)).toEqual([]);
    });

    it('finds the member of a user who was never invited in a later reading', async () => {
      const world = open();
      const { record } = await world.store.createUser(ann(), IDP);
      expect(await read(world, [OWNER, member('m-ann', 'ann@example.com')])).toMatchObject({
        accepted: [],
        imported: 1,
        scheduled: 1,
      });
      expect((await world.store.getUser(record.id))?.bridge).toMatchObject({
        memberId: 'm-ann',
        origin: 'adopted',
        acceptedAt: null,
      });
    });

    it('adopts where a pending user moves to the address of a member', async () => {
      const world = open();
      await read(world, [OWNER, member('m-ann', 'ann@example.com')]);
      const imported = await findUser(world.store, 'ann@example.com');
      const { record } = await world.store.createUser(userDoc('typo@example.com'), IDP);
      const moved = await world.store.updateUser(record.id, () => ann(), IDP);
      expect(moved.record.bridge).toMatchObject({ memberId: 'm-ann', status: 'member' });
      expect(await world.store.getUser(imported.id)).toBeNull();
      expect(await planOf(world, record.id)).toEqual([]);
    });
  });

  it('opens for a newcomer what was locked for a former holder of the address', async () => {
    const world = open();
    const { record: former } = await world.store.createUser(ann(), IDP);
    await settleUser(world, former.id);
    await world.store.updateUser(
      former.id,
      () => ann({ emails: [{ value: 'new@example.com', type: 'work', primary: true }] }),
      IDP,
    );
    await settleUser(world, former.id);
    await read(world, [OWNER, member('m-ann', 'ann@example.com')]);
    expect(await settleUser(world, former.id)).toEqual(['lock']);
    // Of a live user it is never taken away.
    const newcomer = userDoc('ann@example.com', { userName: 'ann-2' });
    await expect(world.store.createUser(newcomer, IDP)).rejects.toMatchObject({ status: 409 });
    await world.store.deleteUser(former.id, IDP);
    await settleUser(world, former.id);
    const { record } = await world.store.createUser(newcomer, IDP);
    expect(record.bridge).toMatchObject({ memberId: 'm-ann', status: 'locked' });
    expect(await settleUser(world, record.id)).toEqual(['unlock']);
  });

  describe('protection', () => {
    const off = (user: object) => ({ ...user, active: false });

    it.each([
      ['the owner', { isOwner: true }, {}],
      ['the last admin', { seatType: 'workspace_admin' as const }, {}],
      ['a never-touch address', {}, { neverTouch: new Set(['ann@example.com' as never]) }],
    ])('refuses to lock or delete %s, and stores nothing', async (_, more, rules) => {
      const world = open(rules);
      await read(world, [member('m-ann', 'ann@example.com', more)]);
      const { record } = await world.store.createUser(ann(), IDP);
      expect(record.bridge.status).toBe('protected');
      for (const attempt of [
        world.store.updateUser(record.id, off, IDP),
        world.store.updateUser(record.id, (user) => ({ ...user, active: false, title: 'x' }), IDP),
        world.store.deleteUser(record.id, IDP),
      ]) {
        expect(await refusal(attempt)).toMatchObject({ status: 400, scimType: 'mutability' });
      }
      expect(await world.store.getUser(record.id)).toEqual(record);
      await world.store.updateUser(record.id, (user) => ({ ...user, title: 'x' }), IDP);
    });

    it('protects the owner of the API key', async () => {
      const world = open();
      await world.store.setSetting('keyOwner', 'm-ann');
      const user = await joined(world, 'ann@example.com', 'm-ann');
      const error = await refusal(world.store.deleteUser(user.id, IDP));
      expect(error.message).toContain('API key');
    });

    it('counts a new admin: then the former last one can be disabled', async () => {
      const world = open();
      const boss = member('m-ann', 'ann@example.com', { seatType: 'workspace_admin' });
      await read(world, [boss]);
      const { record } = await world.store.createUser(ann(), IDP);
      await read(world, [boss, member('m-2', 'second@example.com', { seatType: 'workspace_admin' })]);
      expect((await world.store.getUser(record.id))?.bridge.status).toBe('member');
      await world.store.updateUser(record.id, off, IDP);
      expect(await settleUser(world, record.id)).toEqual(['lock']);
    });

    it('refuses a POST that would lock an unmanaged protected member', async () => {
      const world = open();
      await read(world, [OWNER]);
      const error = await refusal(world.store.createUser(userDoc('owner@example.com', { active: false }), IDP));
      expect(error.scimType).toBe('mutability');
      expect((await findUser(world.store, 'owner@example.com')).managed).toBe(false);
      expect((await personOf(world.store, (await findUser(world.store, 'owner@example.com')).id)).protection).toBe(
        'owner',
      );
    });
  });
}
