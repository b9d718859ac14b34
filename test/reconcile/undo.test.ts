/** `undo --since`: the directory is put back, what this gives back is done, and what it would take away is held. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import type { UndoItem } from '../../src/store/port.js';
import { GROUP_URN, startTestBridge, type TestBridge } from '../support/bridge.js';

const DISABLE = { op: 'replace', path: 'active', value: false };
const ENABLE = { op: 'replace', path: 'active', value: true };
const WRITER = { actor: 'admin:cli', requestId: 'cli-test' };
const at = (name: string): string => `${name}@workspace.example`;
const range = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `p${String(index)}`);

let bridge: TestBridge;
afterEach(() => bridge.close());

async function start(members: readonly string[], groups: Readonly<Record<string, readonly string[]>> = {}) {
  bridge = await startTestBridge({
    seed: minimalSeed({
      seatLimits: { full: 500, basic: 500 },
      members: [{ email: at('owner'), owner: true }, ...members.map((name) => ({ email: at(name) }))],
      groups: Object.entries(groups).map(([name, people]) => ({ name, members: people.map(at) })),
    }),
  });
}

async function create(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>();
  for (const name of names) ids.set(name, (await bridge.createUser(name)).body.id);
  return ids;
}

/** Now, and then time goes on, so that what follows is later. */
async function moment(): Promise<number> {
  await bridge.idle();
  await bridge.pass(60_000);
  const since = bridge.clock.now();
  await bridge.pass(60_000);
  return since;
}

async function undo(since: number): Promise<readonly UndoItem[]> {
  const { items, upTo } = await bridge.store.previewUndo(since);
  const done = await bridge.store.undo({ since, upTo }, WRITER);
  expect(done).toEqual(items);
  bridge.app.reconciler.poke();
  await bridge.idle();
  return done;
}

const held = async (): Promise<readonly string[]> =>
  (await bridge.store.ledger({ states: ['held'], limit: 500 })).map(({ change }) => change.kind);
const locked = (): readonly string[] =>
  Object.entries(bridge.workspace().members).flatMap(([address, member]) => (member.locked ? [address] : []));
const documentOf = async (id: string) => (await bridge.store.getUser(id))?.document;

describe('the IdP disables everyone', () => {
  it('everybody is active and unlocked again, and nothing is held', async () => {
    await start(range(30));
    const ids = await create(range(30));
    const before = await Promise.all([...ids.values()].map(documentOf));
    const since = await moment();
    for (const id of ids.values()) await bridge.patchUser(id, DISABLE);
    await bridge.idle();
    expect([locked().length, (await held()).length]).toEqual([10, 20]);
    const items = await undo(since);
    expect(items.map(({ what, detail, problem }) => [what, detail, problem])).toEqual(
      range(30).map(() => ['changed', 'active again', null]),
    );
    expect([locked(), await held()]).toEqual([[], []]);
    expect(await Promise.all([...ids.values()].map(documentOf))).toEqual(before);
    const rows = await bridge.store.auditRows({ actor: 'admin', action: 'user.undo', limit: 100 });
    expect(rows.map(({ actor, requestId }) => [actor, requestId])).toEqual(
      range(30).map(() => ['admin:cli', 'cli-test']),
    );
    expect(await undo(since)).toEqual([]);
  });

  it('whom a hand has locked before stays locked', async () => {
    await start(['ada', 'bob']);
    const ids = await create(['ada', 'bob']);
    await bridge.idle();
    bridge.control.setLocked(at('ada'), true);
    await bridge.sync();
    const since = await moment();
    for (const id of ids.values()) await bridge.patchUser(id, DISABLE);
    await bridge.idle();
    expect(locked()).toEqual([at('ada'), at('bob')]);
    await undo(since);
    await bridge.sync();
    expect(locked()).toEqual([at('ada')]);
  });

  it('whose invite was revoked is invited again', async () => {
    await start([]);
    const ids = await create(['zoe']);
    const since = await moment();
    await bridge.patchUser(ids.get('zoe')!, DISABLE);
    await bridge.idle();
    expect(bridge.workspace().pendingInvites).toEqual({});
    await undo(since);
    expect(Object.keys(bridge.workspace().pendingInvites)).toEqual([at('zoe')]);
  });

  it('what the IdP says afterwards counts', async () => {
    await start(['ada', 'bob']);
    const ids = await create(['ada', 'bob']);
    const since = await moment();
    for (const id of ids.values()) await bridge.patchUser(id, DISABLE);
    await bridge.idle();
    await undo(since);
    expect(locked()).toEqual([]);
    await bridge.patchUser(ids.get('bob')!, DISABLE);
    await bridge.idle();
    expect(locked()).toEqual([at('bob')]);
  });
});

it('the IdP empties a group: its members are in it again, here and there', async () => {
  const names = range(30);
  await start(names, { Sales: [] });
  const ids = await create(names);
  const group = (await bridge.createGroup('Sales', [...ids.values()])).body.id;
  const since = await moment();
  expect(bridge.workspace().groups['Sales']).toHaveLength(30);
  await bridge.patchGroup(group, { op: 'remove', path: 'members' });
  await bridge.idle();
  expect(bridge.workspace().groups['Sales']!.length).toBeLessThan(30);
  const items = await undo(since);
  expect(items.map(({ name, what, detail }) => [name, what, detail])).toEqual([['Sales', 'members', '30 put back']]);
  expect(bridge.workspace().groups['Sales']).toHaveLength(30);
  expect(await held()).toEqual([]);
});

describe('the IdP assigns the whole company', () => {
  it('newcomers are disabled, their invites are held, and the IdP decides about each', async () => {
    await start(['ada'], { Sales: [] });
    const old = await create(['ada']);
    const group = (await bridge.createGroup('Sales', [])).body.id;
    const since = await moment();
    const ids = await create(range(4));
    await bridge.patchGroup(group, { op: 'add', path: 'members', value: [{ value: old.get('ada') }] });
    await bridge.idle();
    expect(bridge.workspace().groups['Sales']).toEqual([at('ada')]);
    const items = await undo(since);
    expect(items.map(({ name, what }) => [name, what])).toEqual([
      ...range(4).map((name) => [at(name), 'disabled']),
      ['Sales', 'members'],
    ]);
    expect([...(await held())].sort()).toEqual(['removeFromGroup', ...range(4).map(() => 'revokeInvite')]);
    expect(Object.keys(bridge.workspace().pendingInvites)).toEqual(range(4).map(at));
    expect(bridge.workspace().groups['Sales']).toEqual([at('ada')]);
    // It stays so through readings and a restart.
    await bridge.restart();
    await bridge.sync();
    expect(Object.keys(bridge.workspace().pendingInvites)).toEqual(range(4).map(at));
    await bridge.patchUser(ids.get('p0')!, ENABLE);
    await bridge.patchUser(ids.get('p1')!, DISABLE);
    await bridge.patchGroup(group, { op: 'remove', path: `members[value eq "${old.get('ada')!}"]` });
    await bridge.patchUser(old.get('ada')!, { op: 'replace', path: 'title', value: 'x' });
    await bridge.idle();
    expect(Object.keys(bridge.workspace().pendingInvites)).toEqual(['p0', 'p2', 'p3'].map(at));
    expect(bridge.workspace().groups['Sales']).toEqual([]);
    await bridge.store.releaseHeld({}, WRITER);
    bridge.app.reconciler.poke();
    await bridge.idle();
    expect(Object.keys(bridge.workspace().pendingInvites)).toEqual([at('p0')]);
    expect(bridge.workspace().mails).toEqual(Object.fromEntries(range(4).map((name) => [at(name), 1])));
  });
});

describe('the IdP deletes', () => {
  it('users and groups: they are back under their ids, unlocked, and in their groups', async () => {
    await start(['ada', 'bob'], { Sales: ['bob'] });
    const ids = await create(['ada', 'bob', 'zoe']);
    const group = (await bridge.createGroup('Sales', [...ids.values()])).body.id;
    await bridge.idle();
    bridge.control.accept(at('zoe'));
    await bridge.sync();
    const since = await moment();
    const before = bridge.workspace();
    const documents = await Promise.all([...ids.values()].map(documentOf));
    const members = [...((await bridge.store.getGroup(group, { members: true }))?.members ?? [])];
    for (const id of ids.values()) expect((await bridge.scim('DELETE', `/Users/${id}`)).status).toBe(204);
    expect((await bridge.scim('DELETE', `/Groups/${group}`)).status).toBe(204);
    await bridge.idle();
    expect(locked()).toHaveLength(3);
    const items = await undo(since);
    expect(items.filter(({ problem }) => problem !== null)).toEqual([]);
    await bridge.sync();
    expect(bridge.workspace()).toEqual(before);
    expect(await Promise.all([...ids.values()].map(documentOf))).toEqual(documents);
    const after = (await bridge.store.getGroup(group, { members: true }))?.members ?? [];
    expect(new Set(after.map(({ userId }) => userId))).toEqual(new Set(members.map(({ userId }) => userId)));
    expect((await bridge.scim('GET', `/Users/${ids.get('ada')!}`)).body.active).toBe(true);
    expect(await undo(since)).toEqual([]);
  });

  it('who was only found in the workspace group is found there again, and given nothing', async () => {
    await start(['ada', 'bob'], { Sales: ['ada', 'bob'] });
    const ids = await create(['ada', 'bob']);
    const group = (await bridge.createGroup('Sales', [], { [GROUP_URN]: { seatType: 'workspace_admin' } })).body.id;
    const since = await moment();
    const before = bridge.workspace();
    expect((await bridge.scim('DELETE', `/Users/${ids.get('ada')!}`)).status).toBe(204);
    expect((await bridge.scim('DELETE', `/Groups/${group}`)).status).toBe(204);
    await bridge.idle();
    expect((await undo(since)).map(({ name, what }) => [name, what])).toEqual([
      ['Sales', 'restored'],
      [at('ada'), 'restored'],
    ]);
    await bridge.sync();
    expect(bridge.workspace()).toEqual(before);
    expect((await bridge.store.getGroup(group, { members: true }))?.members).toHaveLength(2);
  });

  it('who was only found in a workspace group that is no more is not put back as if the IdP had asked for it', async () => {
    await start(['ada', 'bob'], { Sales: ['ada', 'bob'], Rest: [] });
    const ids = await create(['ada', 'bob']);
    const group = (await bridge.createGroup('Sales')).body.id;
    const since = await moment();
    expect((await bridge.scim('DELETE', `/Users/${ids.get('ada')!}`)).status).toBe(204);
    expect((await bridge.scim('DELETE', `/Groups/${group}`)).status).toBe(204);
    bridge.control.deleteGroup(bridge.control.state().groups?.find(({ name }) => name === 'Sales')?.id ?? '');
    await bridge.syncUntilGone();
    expect((await undo(since)).map(({ what }) => what)).toEqual(['restored', 'restored']);
    expect((await bridge.store.getGroup(group, { members: true }))?.members).toEqual([]);
  });

  it('and creates one of the same name: that one is left alone, the others come back', async () => {
    await start(['ada', 'bob']);
    const ids = await create(['ada', 'bob']);
    const since = await moment();
    for (const id of ids.values()) await bridge.scim('DELETE', `/Users/${id}`);
    await bridge.idle();
    const again = (await bridge.createUser('ada')).body.id;
    await bridge.idle();
    const { items, upTo } = await bridge.store.previewUndo(since);
    // The newcomer was created since then, which frees the name for nobody.
    expect(items.map(({ name, what, problem }) => [name, what, problem === null])).toEqual([
      [at('ada'), 'restored', false],
      [at('bob'), 'restored', true],
      [at('ada'), 'disabled', true],
    ]);
    await bridge.patchUser(again, { op: 'replace', path: 'title', value: 'x' });
    const done = await bridge.store.undo({ since, upTo }, WRITER);
    expect(done.map(({ problem }) => problem)).toEqual([
      expect.stringContaining('already held'),
      null,
      expect.stringContaining('has written it since'),
    ]);
    bridge.app.reconciler.poke();
    await bridge.idle();
    expect(locked()).toEqual([]);
  });
});

it('what was changed is what it was, and a preview changes nothing', async () => {
  await start(['ada'], { Sales: [], Support: [] });
  const { id } = (await bridge.createUser('ada', { title: 'old', roles: [{ value: 'member' }] })).body;
  const group = (await bridge.createGroup('Sales', [id])).body.id;
  const since = await moment();
  await bridge.patchUser(
    id,
    { op: 'replace', path: 'title', value: 'new' },
    { op: 'replace', path: 'roles', value: [{ value: 'lite' }] },
  );
  await bridge.patchGroup(group, { op: 'replace', path: 'displayName', value: 'Buyers' });
  await bridge.idle();
  const count = async (): Promise<number> => (await bridge.store.auditRows({ limit: 1_000 })).length;
  const rows = await count();
  const { items } = await bridge.store.previewUndo(since);
  expect(items.map(({ name, what, detail }) => [name, what, detail])).toEqual([
    ['Sales', 'changed', 'displayName'],
    [at('ada'), 'changed', 'title, roles'],
  ]);
  expect(await count()).toBe(rows);
  expect((await documentOf(id))?.['title']).toBe('new');
  await undo(since);
  expect(await documentOf(id)).toMatchObject({ title: 'old', roles: [{ value: 'member' }] });
  expect((await bridge.scim('GET', `/Groups/${group}`)).body.displayName).toBe('Sales');
  expect(bridge.workspace().members[at('ada')]).toMatchObject({ seat: 'workspace_member', groups: ['Sales'] });
});
