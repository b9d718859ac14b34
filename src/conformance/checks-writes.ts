/** What RFC 7644 asks of PUT, PATCH, DELETE, Bulk and conditional requests. */
import { filter, patch, USER, type AnyJson, type Check, type ServerUnderTest } from './check.js';

const of = (section: string, requirement: string, run: Check['run'], needs: Check['needs'] = []): Check => ({
  ...{ group: 'RFC', section, requirement, run, needs },
});

/** The user after a PATCH, whichever way that was answered. */
async function patched(t: ServerUnderTest, id: unknown, ...operations: readonly object[]): Promise<AnyJson> {
  const answer = await t.ask('PATCH', `/Users/${String(id)}`, [200, 204], patch(...operations));
  return answer.status === 200 ? answer.json : (await t.ask('GET', `/Users/${String(id)}`, 200)).json;
}

async function refused(
  t: ServerUnderTest,
  id: unknown,
  scimType: string,
  ...operations: readonly object[]
): Promise<void> {
  const { json } = await t.ask('PATCH', `/Users/${String(id)}`, 400, patch(...operations));
  t.equal(json?.scimType, scimType, 'scimType');
}

export const WRITE_CHECKS: readonly Check[] = [
  of('RFC 7644 3.5.1', 'PUT replaces, answers 200, and ignores readOnly attributes', async (t) => {
    const user = await t.user({ displayName: 'Before', title: 'T' });
    const { json } = await t.ask('PUT', `/Users/${String(user.id)}`, 200, {
      body: { ...user, title: undefined, displayName: 'After', meta: { created: 'x' } },
    });
    t.equal([json.id, json.displayName, json.title], [user.id, 'After', undefined], 'id, displayName, title');
  }),
  of('RFC 7644 3.5', 'PUT and PATCH of what is not there are 404', async (t) => {
    const path = '/Users/00000000-0000-4000-8000-000000000000';
    await t.ask('PUT', path, 404, { body: { schemas: [USER], userName: t.unique(), emails: [{ value: t.unique() }] } });
    await t.ask('PATCH', path, 404, patch({ op: 'replace', path: 'title', value: 'x' }));
  }),
  of(
    'RFC 7644 3.5.2',
    'operations are applied in order, or none of them',
    async (t) => {
      const user = await t.user({ title: 'Before' });
      const after = await patched(
        t,
        user.id,
        { op: 'add', path: 'title', value: 'A' },
        { op: 'replace', path: 'title', value: 'B' },
      );
      t.equal(after.title, 'B', 'title');
      await t.ask(
        'PATCH',
        `/Users/${String(user.id)}`,
        400,
        patch({ op: 'replace', path: 'title', value: 'C' }, { op: 'replace', path: 'nothing', value: 1 }),
      );
      t.equal(
        (await t.ask('GET', `/Users/${String(user.id)}`, 200)).json.title,
        'B',
        'title after a PATCH that failed',
      );
    },
    ['patch'],
  ),
  of(
    'RFC 7644 3.5.2',
    'readOnly is mutability, an unknown path invalidPath',
    async (t) => {
      const user = await t.user();
      await refused(t, user.id, 'mutability', { op: 'replace', path: 'id', value: 'x' });
      await refused(t, user.id, 'invalidPath', { op: 'replace', path: 'nothing', value: 'x' });
    },
    ['patch'],
  ),
  of(
    'RFC 7644 3.5.2',
    'a new primary takes that of the old one',
    async (t) => {
      const user = await t.user({ phoneNumbers: [{ value: '1', type: 'work', primary: true }] });
      const after = await patched(t, user.id, {
        op: 'add',
        path: 'phoneNumbers',
        value: [{ value: '2', type: 'home', primary: true }],
      });
      const primaries = after.phoneNumbers
        .filter((one: AnyJson) => one.primary === true)
        .map((one: AnyJson) => one.value);
      t.equal(primaries, ['2'], 'values of primary elements');
    },
    ['patch'],
  ),
  of(
    'RFC 7644 3.5.2.1',
    'add: without a path, to a list, and what is there already',
    async (t) => {
      const user = await t.user();
      const added = await patched(t, user.id, {
        op: 'add',
        value: { title: 'T', phoneNumbers: [{ value: '1', type: 'work' }] },
      });
      t.equal([added.title, added.phoneNumbers?.length], ['T', 1], 'title and the number of phoneNumbers');
      const again = await patched(t, user.id, {
        op: 'add',
        path: 'phoneNumbers',
        value: [{ value: '1', type: 'work' }],
      });
      t.equal(
        [again.phoneNumbers.length, again.meta.lastModified],
        [1, added.meta.lastModified],
        'phoneNumbers and lastModified',
      );
    },
    ['patch'],
  ),
  of(
    'RFC 7644 3.5.2.2',
    'remove: an attribute, elements by filter, and only with a path',
    async (t) => {
      const phoneNumbers = [
        { value: '1', type: 'work' },
        { value: '2', type: 'home' },
      ];
      const user = await t.user({ title: 'T', phoneNumbers });
      const after = await patched(
        t,
        user.id,
        { op: 'remove', path: 'title' },
        { op: 'remove', path: 'phoneNumbers[type eq "work"]' },
      );
      t.equal(
        [after.title, after.phoneNumbers.map((one: AnyJson) => one.value)],
        [undefined, ['2']],
        'title and phoneNumbers',
      );
      await refused(t, user.id, 'noTarget', { op: 'remove' });
      await refused(t, user.id, 'mutability', { op: 'remove', path: 'userName' });
    },
    ['patch'],
  ),
  of(
    'RFC 7644 3.5.2.2',
    'removing a part of an element removes that part alone',
    async (t) => {
      const user = await t.user({ phoneNumbers: [{ value: '1', display: 'One', type: 'work' }] });
      const after = await patched(t, user.id, { op: 'remove', path: 'phoneNumbers[type eq "work"].display' });
      t.equal(
        [after.phoneNumbers?.[0]?.value, after.phoneNumbers?.[0]?.display],
        ['1', undefined],
        'value and display',
      );
      const empty = await patched(t, user.id, { op: 'remove', path: 'phoneNumbers[type eq "work"].value' });
      t.equal([empty.phoneNumbers?.[0]?.value, empty.phoneNumbers?.[0]?.type], [undefined, 'work'], 'value and type');
    },
    ['patch'],
  ),
  of(
    'RFC 7644 3.5.2.3',
    'replace: an attribute, parts of a complex one, elements by filter',
    async (t) => {
      const user = await t.user({
        name: { givenName: 'G', familyName: 'F' },
        phoneNumbers: [{ value: '1', type: 'work' }],
      });
      const after = await patched(
        t,
        user.id,
        { op: 'replace', path: 'name', value: { givenName: 'H' } },
        { op: 'replace', path: 'phoneNumbers[type eq "work"].value', value: '9' },
      );
      t.equal(
        [after.name.givenName, after.name.familyName, after.phoneNumbers[0].value],
        ['H', 'F', '9'],
        'name and phoneNumbers',
      );
    },
    ['patch'],
  ),
  of(
    'RFC 7644 3.5.2.3',
    'replace through a filter that matches nothing is noTarget',
    async (t) => {
      const user = await t.user();
      await refused(t, user.id, 'noTarget', {
        op: 'replace',
        path: 'emails[type eq "nonexistent"].value',
        value: t.unique(),
      });
      await refused(t, user.id, 'noTarget', { op: 'replace', path: 'emails[value eq "none"].display', value: 'x' });
    },
    ['patch'],
  ),
  of(
    'RFC 7644 3.5.2',
    'members of a group: add, remove by filter, replace',
    async (t) => {
      const [a, b] = [await t.user(), await t.user()];
      const group = await t.group();
      const path = `/Groups/${String(group.id)}`;
      const members = async (...operations: readonly object[]): Promise<string[]> => {
        await t.ask('PATCH', path, [200, 204], patch(...operations));
        return ((await t.ask('GET', path, 200)).json.members ?? []).map((one: AnyJson) => one.value as string).sort();
      };
      t.equal(
        await members({ op: 'add', path: 'members', value: [{ value: a.id }, { value: b.id }] }),
        [a.id, b.id].sort(),
        'members',
      );
      t.equal(await members({ op: 'remove', path: `members[value eq "${String(a.id)}"]` }), [b.id], 'members');
      t.equal(await members({ op: 'replace', path: 'members', value: [{ value: a.id }] }), [a.id], 'members');
      t.equal(await members({ op: 'remove', path: 'members' }), [], 'members');
    },
    ['patch', 'groups'],
  ),
  of('RFC 7644 3.6', 'DELETE is 204; then 404, out of every list, and the name is free', async (t) => {
    const user = await t.user();
    const path = `/Users/${String(user.id)}`;
    await t.ask('DELETE', path, 204);
    await t.ask('GET', path, 404);
    await t.ask('DELETE', path, 404);
    t.equal(
      (await t.ask('GET', `/Users?${filter(`userName eq "${String(user.userName)}"`)}`, 200)).json.totalResults,
      0,
      'totalResults',
    );
    const again = await t.ask('POST', '/Users', 201, {
      body: { schemas: [USER], userName: user.userName, emails: user.emails },
    });
    t.holds(again.json.id !== user.id, 'the id is used again');
  }),
  of(
    'RFC 7644 3.7',
    'Bulk: each operation with its result, bulkIds are references',
    async (t) => {
      const [userName, displayName] = [t.unique(), t.unique()];
      const body = {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
        Operations: [
          { method: 'POST', path: '/Groups', bulkId: 'g', data: { displayName, members: [{ value: 'bulkId:u' }] } },
          {
            method: 'POST',
            path: '/Users',
            bulkId: 'u',
            data: { schemas: [USER], userName, emails: [{ value: userName }] },
          },
          { method: 'POST', path: '/Users', bulkId: 'bad', data: { schemas: [USER] } },
        ],
      };
      const { json } = await t.ask('POST', '/Bulk', 200, { body });
      t.equal(
        json.Operations.map((one: AnyJson) => [one.bulkId, String(one.status)]),
        [
          ['g', '201'],
          ['u', '201'],
          ['bad', '400'],
        ],
        'the results',
      );
      const paths = json.Operations.slice(0, 2).map((one: AnyJson) =>
        String(one.location).replace(/^.*(?=\/(Users|Groups)\/)/, ''),
      );
      const group = (await t.ask('GET', paths[0], 200)).json;
      t.equal(`/Users/${String(group.members?.[0]?.value)}`, paths[1], 'the member of the group');
      for (const path of paths) await t.ask('DELETE', path, 204);
    },
    ['bulk', 'groups'],
  ),
  of(
    'RFC 7644 3.14',
    'ETags: in header and meta.version, If-Match 412, If-None-Match 304',
    async (t) => {
      const user = await t.user();
      const path = `/Users/${String(user.id)}`;
      const { headers, json } = await t.ask('GET', path, 200);
      const etag = headers['etag'] ?? '';
      t.equal(json.meta.version, etag, 'meta.version');
      await t.ask('GET', path, 304, { headers: { 'If-None-Match': etag } });
      const change = patch({ op: 'replace', path: 'title', value: 'New' });
      await t.ask('PATCH', path, [200, 204], { ...change, headers: { 'If-Match': etag } });
      await t.ask('PATCH', path, 412, {
        ...patch({ op: 'replace', path: 'title', value: 'Lost' }),
        headers: { 'If-Match': etag },
      });
      t.equal((await t.ask('GET', path, 200)).json.title, 'New', 'title');
    },
    ['etag', 'patch'],
  ),
];
