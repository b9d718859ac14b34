/** Lists, searches and projections over HTTP (RFC 7644 3.4.2, 3.4.3, 3.9). */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startBridge, type AnyJson, type Bridge } from './bridge.js';

const LIST_URN = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
const SEARCH_URN = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';

let bridge: Bridge;
const ids: string[] = [];
beforeAll(async () => {
  bridge = await startBridge({ limits: { maxCount: 200 } });
  for (let index = 0; index < 25; index += 1) {
    const name = `u${String(index).padStart(2, '0')}`;
    const user = await bridge.user(name, {
      displayName: `Person ${String(25 - index).padStart(2, '0')}`,
      externalId: 'same',
    });
    ids.push(user.id);
  }
  await bridge.group('Alpha', [ids[0]!, ids[1]!]);
  await bridge.group('Beta', [ids[1]!]);
});
afterAll(() => bridge.close());

const list = async (query: string) => (await bridge.call('GET', `/Users${query}`)).body;
const names = (body: AnyJson): string[] =>
  body.Resources.map((resource: AnyJson) => resource.userName ?? resource.displayName);

describe('pages', () => {
  it('have exact numbers, all of them integers', async () => {
    expect(await list('?startIndex=2&count=2')).toMatchObject({
      schemas: [LIST_URN],
      totalResults: 25,
      startIndex: 2,
      itemsPerPage: 2,
    });
    expect(names(await list('?startIndex=2&count=2'))).toEqual(['u01', 'u02']);
  });

  it.each([
    ['', 25, 1],
    ['?count=0', 0, 1],
    ['?count=-3', 0, 1],
    ['?startIndex=0', 25, 1],
    ['?startIndex=-5&count=3', 3, 1],
    ['?startIndex=25', 1, 25],
    ['?startIndex=26', 0, 26],
    ['?startIndex=999999999999999999999999', 0, Number.MAX_SAFE_INTEGER],
    ['?count=5000', 25, 1],
    ['?aadOptscim062020&count=5', 5, 1],
    ['?COUNT=4', 4, 1],
  ])('%s -> %i items from %i', async (query, items, startIndex) => {
    const body = await list(query);
    expect([body.totalResults, body.itemsPerPage, body.Resources.length, body.startIndex]).toEqual([
      25,
      items,
      items,
      startIndex,
    ]);
  });

  it.each(['count=abc', 'count=1.5', 'count=1e1', 'count=', 'startIndex=0x2', 'count=1&count=2'])(
    '%s is a mistake',
    async (query) => {
      const answer = await bridge.call('GET', `/Users?${query}`);
      expect(answer.status).toBe(400);
      expect(answer.body.detail).toMatch(/count|startIndex/);
    },
  );

  it('together are the list, in the order of creation', async () => {
    const seen: string[] = [];
    for (let start = 1; start <= 25; start += 7)
      seen.push(...names(await list(`?startIndex=${String(start)}&count=7`)));
    expect(seen).toEqual(names(await list('')));
    expect(seen).toHaveLength(25);
  });

  it('are clamped to the maximum', async () => {
    const spy = jest.spyOn(bridge.store, 'listUsers');
    await list('?count=100000');
    expect(spy.mock.calls[0]![0].count).toBe(200);
    spy.mockRestore();
  });
});

describe('filter and sort', () => {
  it('read the query as it is encoded: + and %20 are spaces', async () => {
    expect(names(await list('?filter=userName+eq+%22u03%22'))).toEqual(['u03']);
    expect(names(await list('?filter=userName%20eq%20%22U03%22'))).toEqual(['u03']);
    expect(names(await list('?filter=displayName+eq+%22Person%2B1%22'))).toEqual([]);
  });

  it('answer 200 and an empty list where nothing matches', async () => {
    const answer = await bridge.call('GET', '/Users?filter=userName+eq+%22nobody%22');
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ totalResults: 0, itemsPerPage: 0, Resources: [] });
  });

  it.each(['userName', 'userName eq', 'nope eq "x"', 'userName eq "x" and', '', 'active gt true'])(
    'refuse %j as invalidFilter',
    async (filter) => {
      const answer = await bridge.call('GET', `/Users?filter=${encodeURIComponent(filter)}`);
      expect([answer.status, answer.body.scimType]).toEqual([400, 'invalidFilter']);
    },
  );

  it('refuse a second filter and a broken escape', async () => {
    const twice = await bridge.call('GET', '/Users?filter=userName+pr&filter=active+eq+true');
    expect([twice.status, twice.body.scimType]).toEqual([400, 'invalidFilter']);
    const broken = await bridge.call('GET', '/Users?filter=%E0%A4%A');
    expect([broken.status, broken.body.scimType]).toEqual([400, 'invalidSyntax']);
  });

  it('sort either way', async () => {
    expect(names(await list('?sortBy=displayName&count=2'))).toEqual(['u24', 'u23']);
    expect(names(await list('?sortBy=DISPLAYNAME&sortOrder=descending&count=2'))).toEqual(['u00', 'u01']);
    expect((await bridge.call('GET', '/Users?sortBy=userName&sortOrder=sideways')).status).toBe(400);
  });

  it('find members by reference, as Entra asks', async () => {
    const group = (await bridge.call('GET', '/Groups?filter=displayName+eq+%22alpha%22')).body.Resources[0];
    const filter = encodeURIComponent(`id eq "${String(group.id)}" and members eq "${ids[0]!}"`);
    const found = (await bridge.call('GET', `/Groups?attributes=id&filter=${filter}`)).body;
    expect(found.Resources).toEqual([{ schemas: expect.anything(), id: group.id }]);
  });
});

describe('projection', () => {
  it('shows what was asked for, and always id and schemas', async () => {
    const shown = (await bridge.call('GET', `/Users/${ids[0]!}?attributes=userName,emails.value`)).body;
    expect(Object.keys(shown).sort()).toEqual(['emails', 'id', 'schemas', 'userName']);
    expect(shown.emails).toEqual([{ value: 'u00@example.test' }]);
  });

  it('works on writes as well', async () => {
    const put = await bridge.call('POST', '/Users?attributes=displayName', {
      body: {
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
        userName: 'shown',
        displayName: 'S',
        active: false,
      },
    });
    expect(put.status).toBe(201);
    expect(Object.keys(put.body).sort()).toEqual(['displayName', 'id', 'schemas']);
    await bridge.call('DELETE', `/Users/${String(put.body.id)}`);
  });

  it('does not read the members of groups that are not shown', async () => {
    const spy = jest.spyOn(bridge.store, 'listGroups');
    const body = (await bridge.call('GET', '/Groups?excludedAttributes=members')).body;
    expect(body.Resources.every((group: AnyJson) => group.members === undefined)).toBe(true);
    await bridge.call('GET', '/Groups?attributes=displayName');
    await bridge.call('GET', '/Groups');
    expect(spy.mock.calls.map(([, options]) => options.members)).toEqual([false, false, true]);
    spy.mockRestore();
  });
});

describe('/.search', () => {
  const search = (path: string, body: object) =>
    bridge.call('POST', path, { body: { schemas: [SEARCH_URN], ...body } });

  it('of one type takes the parameters of a list', async () => {
    const answer = await search('/Users/.search', {
      filter: 'userName sw "u1"',
      sortBy: 'userName',
      sortOrder: 'descending',
      startIndex: 2,
      count: 3,
      attributes: ['userName'],
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ totalResults: 10, startIndex: 2, itemsPerPage: 3 });
    expect(names(answer.body)).toEqual(['u18', 'u17', 'u16']);
    expect((await search('/Groups/.search', { filter: 'displayName eq "beta"' })).body.totalResults).toBe(1);
    expect((await search('/Users/.search', { count: 0, startIndex: 0 })).body).toMatchObject({
      totalResults: 25,
      itemsPerPage: 0,
      startIndex: 1,
    });
  });

  it('at the root covers users and groups, with one total and pages across both', async () => {
    const all = (await search('/.search', { count: 100 })).body;
    expect([all.totalResults, all.itemsPerPage]).toEqual([27, 27]);
    const across = (await search('/.search', { startIndex: 25, count: 2 })).body;
    expect([across.totalResults, across.startIndex, names(across)]).toEqual([27, 25, ['u24', 'Alpha']]);
    expect(names((await search('/.search', { startIndex: 27 })).body)).toEqual(['Beta']);
    expect(names((await search('/.search', { startIndex: 28 })).body)).toEqual([]);
    expect(names((await bridge.call('GET', '/?startIndex=26&count=1')).body)).toEqual(['Alpha']);
  });

  it('takes attributes that only one type has as absent from the other', async () => {
    const some = (await search('/.search', { filter: 'userName eq "u05" or displayName eq "Beta"' })).body;
    expect(names(some)).toEqual(['u05', 'Beta']);
    expect(names((await search('/.search', { filter: 'meta.resourceType eq "Group"' })).body)).toEqual([
      'Alpha',
      'Beta',
    ]);
    expect(names((await search('/.search', { filter: `members.value eq "${ids[0]!}"` })).body)).toEqual(['Alpha']);
    expect(names((await search('/.search', { filter: 'emails[value eq "u07@example.test"]' })).body)).toEqual(['u07']);
    expect((await search('/.search', { filter: 'neither eq "x"' })).body.scimType).toBe('invalidFilter');
  });

  it('refuses parameters of the wrong type', async () => {
    for (const body of [
      { filter: 5 },
      { count: 'x' },
      { count: 1.5 },
      { attributes: [1] },
      { attributes: { a: 1 } },
      { sortBy: [] },
    ]) {
      expect((await search('/Users/.search', body)).status).toBe(400);
    }
  });
});
