/** Members whom the IdP only found by look-up: a membership write manages the membership, a DELETE the access. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { minimalSeed, type SeedMember } from '../../src/sandbox/seed.js';
import { GROUP_URN, startTestBridge, type TestBridge } from '../support/bridge.js';

const at = (name: string): string => `${name}@workspace.example`;
const OWNER: SeedMember = { email: at('owner'), owner: true };
const CORE_GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const add = (...ids: readonly string[]) => ({ op: 'add', path: 'members', value: ids.map((value) => ({ value })) });
const remove = (...ids: readonly string[]) => ({
  op: 'remove',
  path: 'members',
  value: ids.map((value) => ({ value })),
});

let bridge: TestBridge;
afterEach(() => bridge.close());

async function start(members: readonly SeedMember[], inSales: readonly string[] = [], env = {}): Promise<void> {
  const groups = [{ name: 'Sales', id: 'sales', members: inSales.map(at) }, { name: 'Legal' }];
  bridge = await startTestBridge({ seed: minimalSeed({ members: [OWNER, ...members], groups }), env });
}

/** As an IdP finds somebody. */
async function found(path: 'Users' | 'Groups', attribute: string, value: string): Promise<string> {
  const { body } = await bridge.scim('GET', `/${path}?filter=${encodeURIComponent(`${attribute} eq "${value}"`)}`);
  expect(body.totalResults).toBe(1);
  return body.Resources[0].id;
}
const user = (name: string): Promise<string> => found('Users', 'userName', at(name));
const group = (name: string): Promise<string> => found('Groups', 'displayName', name);
const sales = (): readonly string[] | undefined => bridge.workspace().groups['Sales'];
const ada = { email: at('ada') };
const bob = { email: at('bob') };

describe('a membership write that names a member who was only found', () => {
  it('adds', async () => {
    await start([ada]);
    const { status } = await bridge.patchGroup(await group('Sales'), add(await user('ada')));
    expect(status).toBe(204);
    expect(sales()).toEqual([at('ada')]);
    expect((await bridge.store.person((await user('ada')) as never))?.managed).toBe(false);
  });

  it('removes', async () => {
    await start([ada, bob], ['ada', 'bob']);
    await bridge.patchGroup(await group('Sales'), remove(await user('ada')));
    expect(sales()).toEqual([at('bob')]);
    await bridge.sync();
    expect(sales()).toEqual([at('bob')]);
  });

  it('takes back what it gave', async () => {
    await start([ada]);
    const [id, person] = [await group('Sales'), await user('ada')];
    await bridge.patchGroup(id, add(person));
    await bridge.patchGroup(id, remove(person));
    expect(sales()).toEqual([]);
  });

  it('is kept when the IdP then writes the user', async () => {
    await start([ada, bob], ['ada', 'bob'], { PROVISION_WAIT_MS: '0' });
    const person = await user('ada');
    bridge.control.addFault({
      method: 'POST',
      path: '/v1/workspace/groups/*/members/remove',
      times: 1,
      fault: { kind: 'status', status: 500 },
    });
    await bridge.patchGroup(await group('Sales'), remove(person));
    await bridge.patchUser(person, { op: 'replace', path: 'title', value: 'Engineer' });
    await bridge.finish();
    expect(sales()).toEqual([at('bob')]);
  });

  it('repairs what a hand undoes, or only lists it', async () => {
    await start([ada]);
    await bridge.patchGroup(await group('Sales'), add(await user('ada')));
    await bridge.pass(1000);
    bridge.control.takeOutOfGroup('sales', at('ada'));
    await bridge.sync();
    expect(sales()).toEqual([at('ada')]);
    await bridge.restart({ DRIFT: 'report' });
    await bridge.pass(1000);
    bridge.control.takeOutOfGroup('sales', at('ada'));
    await bridge.sync();
    expect(sales()).toEqual([]);
  });

  it('by a full list: adds whom it names, and removes nobody whom the IdP has never named', async () => {
    await start([ada, bob], ['ada']);
    const id = await group('Sales');
    const replace = (...ids: readonly string[]) =>
      bridge.scim('PUT', `/Groups/${id}`, {
        schemas: [CORE_GROUP],
        displayName: 'Sales',
        members: ids.map((value) => ({ value })),
      });
    expect((await replace(await user('bob'))).status).toBe(200);
    expect(sales()).toEqual([at('ada'), at('bob')]);
    await replace(await user('bob'), await user('ada'));
    await replace(await user('ada'));
    expect(sales()).toEqual([at('ada')]);
  });

  it('says nothing about access: who was locked by a hand stays locked', async () => {
    await start([{ ...ada, locked: true }]);
    await bridge.patchGroup(await group('Sales'), add(await user('ada')));
    await bridge.sync();
    expect(bridge.workspace().members[at('ada')]).toMatchObject({ locked: true, groups: [] });
    await bridge.pass(1000);
    bridge.control.setLocked(at('ada'), false);
    await bridge.sync();
    expect(bridge.workspace().members[at('ada')]).toMatchObject({ locked: false, groups: ['Sales'] });
  });

  it('leaves alone whom an administrator took out of management', async () => {
    await start([ada]);
    const created = await bridge.createUser('ada');
    const context = { actor: 'admin:cli', requestId: 'cli', tokenId: null, interactive: false, ifMatch: null };
    await bridge.store.releaseUser(created.body.id, context);
    await bridge.patchGroup(await group('Sales'), add(created.body.id));
    await bridge.sync();
    expect(sales()).toEqual([]);
  });

  it('is under the brake of the group', async () => {
    const many = Array.from({ length: 30 }, (_, at) => `m${String(at)}`);
    await start(
      many.map((name) => ({ email: at(name) })),
      many,
    );
    const ids: string[] = [];
    for (const name of many) ids.push(await user(name));
    await bridge.patchGroup(await group('Sales'), remove(...ids));
    await bridge.idle();
    expect(sales()).toHaveLength(10);
    expect((await bridge.bridgeOf(ids[29]!))['status']).toMatch(/^(held|member)$/);
  });

  it('does not touch who is protected', async () => {
    await start([ada], ['owner']);
    await bridge.patchGroup(await group('Sales'), remove(await user('owner')));
    await bridge.sync();
    expect(sales()).toEqual([at('owner')]);
  });

  it('holds nothing back where the group has no link', async () => {
    await start([ada]);
    const { body } = await bridge.createGroup('Elsewhere', [await user('ada')]);
    expect(body[GROUP_URN].linkStatus).toBe('unlinked');
    expect(bridge.writes()).toEqual([]);
  });
});

describe('a DELETE of a member who was only found', () => {
  it('locks', async () => {
    await start([ada]);
    const id = await user('ada');
    expect((await bridge.scim('DELETE', `/Users/${id}`)).status).toBe(204);
    await bridge.idle();
    expect(bridge.workspace().members[at('ada')]?.locked).toBe(true);
    await bridge.sync();
    const { body } = await bridge.scim('GET', `/Users?filter=${encodeURIComponent(`userName eq "${at('ada')}"`)}`);
    expect(body.totalResults).toBe(0);
  });

  it('is under the brake', async () => {
    const many = Array.from({ length: 15 }, (_, at) => `m${String(at)}`);
    await start(
      many.map((name) => ({ email: at(name) })),
      [],
      { DEPROVISION_LIMIT: '10' },
    );
    for (const name of many) await bridge.scim('DELETE', `/Users/${await user(name)}`);
    await bridge.idle();
    const locked = many.filter((name) => bridge.workspace().members[at(name)]?.locked === true);
    expect(locked).toHaveLength(10);
  });

  it('yields to protection', async () => {
    await start([ada]);
    const { status, body } = await bridge.scim('DELETE', `/Users/${await user('owner')}`);
    expect([status, body.scimType]).toEqual([400, 'mutability']);
  });
});
