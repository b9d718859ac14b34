/** Tokens, settings, audit log, lists: what does not depend on provisioning. */
import { describe, expect, it } from '@jest/globals';
import { parseFilterOf } from './filters.js';
import { BULK, EVERYTHING, IDP, userDoc, type OpenWorld } from './support.js';

export function operationsContract(open: OpenWorld): void {
  describe('lists', () => {
    const filled = async (count: number) => {
      const world = open();
      for (let i = 0; i < count; i++) await world.store.createUser(userDoc(`u${String(i)}@example.com`), BULK);
      return world;
    };

    it('pages in the order of creation: the pages together are the list', async () => {
      const world = await filled(7);
      const names: unknown[] = [];
      for (const startIndex of [1, 4, 7, 10]) {
        const page = await world.store.listUsers({ ...EVERYTHING, startIndex, count: 3 });
        expect(page.total).toBe(7);
        names.push(...page.items.map(({ document }) => document['userName']));
      }
      expect(names).toEqual([0, 1, 2, 3, 4, 5, 6].map((i) => `u${String(i)}@example.com`));
      expect(await world.store.listUsers({ ...EVERYTHING, count: 0 })).toEqual({ items: [], total: 7 });
    });

    it('notices who came and went between two pages', async () => {
      const world = await filled(5);
      const all = await world.store.listUsers({ ...EVERYTHING, count: 2 });
      await world.store.deleteUser(all.items[0]!.id, IDP);
      const next = await world.store.listUsers({ ...EVERYTHING, startIndex: 3, count: 2 });
      expect(next.total).toBe(4);
      expect(next.items.map(({ document }) => document['userName'])).toEqual(['u3@example.com', 'u4@example.com']);
      const other = world.reopen();
      await other.createUser(userDoc('u9@example.com'), BULK);
      expect((await world.store.listUsers({ ...EVERYTHING, startIndex: 5, count: 2 })).items).toHaveLength(1);
    });

    it('counts and sorts what a filter finds', async () => {
      const world = await filled(12);
      const filter = parseFilterOf('userName', 'sw', 'u1');
      const found = await world.store.listUsers({ ...EVERYTHING, filter, count: 2 });
      expect(found.total).toBe(3);
      expect(found.items).toHaveLength(2);
      const sorted = await world.store.listUsers({
        ...EVERYTHING,
        filter,
        sortBy: filter.path,
        sortOrder: 'descending',
      });
      expect(sorted.items.map(({ document }) => document['userName'])).toEqual([
        'u1@example.com',
        'u11@example.com',
        'u10@example.com',
      ]);
      expect(await world.store.listUsers({ ...EVERYTHING, filter: parseFilterOf('userName', 'eq', 'nobody') })).toEqual(
        { items: [], total: 0 },
      );
      expect((await world.store.listUsers({ ...EVERYTHING, filter, startIndex: 9, count: 5 })).total).toBe(3);
    });

    it('finds groups, with or without members', async () => {
      const world = await filled(1);
      const [user] = (await world.store.listUsers(EVERYTHING)).items;
      await world.store.createGroup({ displayName: 'Sales' }, [user!.id], IDP);
      const filter = parseFilterOf('displayName', 'eq', 'SALES');
      expect(await world.store.listGroups({ ...EVERYTHING, filter }, { members: true })).toMatchObject({
        total: 1,
        items: [{ members: [{ userId: user!.id }] }],
      });
      expect(
        (await world.store.listGroups({ ...EVERYTHING, filter }, { members: false })).items[0]?.members,
      ).toBeNull();
    });
  });

  describe('tokens', () => {
    const token = {
      id: 't-1',
      kind: 'scim' as const,
      label: 'entra',
      scopes: ['users', 'groups'],
      clientId: null,
      expiresAt: null,
      hash: 'ab',
    };

    it('are found by hash, revoked or not, and tell when they were last used', async () => {
      const world = open();
      const added = await world.store.addToken(token, 'cli');
      expect(added).toMatchObject({
        label: 'entra',
        scopes: ['users', 'groups'],
        createdAt: world.clock.now(),
        revokedAt: null,
      });
      expect(await world.store.findToken('ab')).toEqual(added);
      expect(await world.store.findToken('cd')).toBeNull();
      await world.store.touchToken('t-1', 500);
      await world.store.touchToken('t-1', 400);
      expect((await world.store.findToken('ab'))?.lastUsedAt).toBe(500);
      expect(await world.store.revokeToken('t-1', 'admin')).toBe(true);
      expect(await world.store.revokeToken('t-1', 'admin')).toBe(false);
      expect((await world.store.listTokens())[0]?.revokedAt).toBe(world.clock.now());
      const actions = (await world.store.auditRows({ subject: 'token:t-1', limit: 9 })).map(
        ({ action, actor }) => `${actor} ${action}`,
      );
      expect(actions).toEqual(['admin token.revoke', 'cli token.create']);
    });

    it('never show their hash in the audit log', async () => {
      const world = open();
      await world.store.addToken({ ...token, hash: 'deadbeef' }, 'cli');
      expect(JSON.stringify(await world.store.auditRows({ limit: 9 }))).not.toContain('deadbeef');
    });
  });

  it('keeps settings, and tells when another process wrote', async () => {
    const world = open();
    expect(await world.store.setting('a')).toBeNull();
    const before = world.store.dataVersion();
    await world.store.setSetting('a', '1');
    expect(world.store.dataVersion()).toBe(before);
    const other = world.reopen();
    await other.setSetting('a', '2');
    expect(world.store.dataVersion()).not.toBe(before);
    expect(await world.store.setting('a')).toBe('2');
    await world.store.checkpoint();
  });

  it('appends to the audit log and pages through it', async () => {
    const world = open();
    for (const action of ['one', 'two', 'three'])
      await world.store.audit({ actor: 'admin', action, subject: null, requestId: 'r', after: { action } });
    const rows = await world.store.auditRows({ requestId: 'r', limit: 2 });
    expect(rows.map(({ action }) => action)).toEqual(['three', 'two']);
    const older = await world.store.auditRows({ requestId: 'r', limit: 2, beforeId: rows[1]!.id });
    expect(older).toMatchObject([{ action: 'one', at: world.clock.now(), before: null, after: '{"action":"one"}' }]);
  });
}
