/** Writes over HTTP: statuses, headers, versions, conditions (RFC 7644 3.3, 3.5, 3.6, 3.14). */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  BULK_URN,
  GROUP_URN,
  patchBody,
  startBridge,
  USER_URN,
  userBody,
  type AnyJson,
  type Bridge,
} from './bridge.js';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const BRIDGE_USER = 'urn:ietf:params:scim:schemas:extension:elevenlabs:2.0:User';

let bridge: Bridge;
beforeAll(async () => {
  bridge = await startBridge();
});
afterAll(() => bridge.close());

describe('users', () => {
  it('are created with 201, Location, ETag and a body', async () => {
    const answer = await bridge.call('POST', '/Users', {
      body: userBody('ann', { title: 'Dr', password: 'Top-Secret-1' }),
    });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ userName: 'ann', title: 'Dr', active: true });
    expect(answer.headers['location']).toBe(`${bridge.url}/Users/${String(answer.body.id)}`);
    expect(answer.body.meta.location).toBe(answer.headers['location']);
    expect(answer.headers['content-location']).toBe(answer.body.meta.location);
    expect(answer.headers['etag']).toBe(answer.body.meta.version);
    expect(answer.headers['etag']).toMatch(/^W\/"\d+"$/);
    expect(answer.text).not.toContain('Top-Secret-1');
    const read = await bridge.call('GET', `/Users/${String(answer.body.id)}`);
    expect(read.text).not.toContain('Top-Secret-1');
  });

  it('of one name exist once: 409 uniqueness naming the attribute', async () => {
    await bridge.user('once');
    const answer = await bridge.call('POST', '/Users', {
      body: userBody('ONCE', { emails: [{ value: 'other@example.test' }] }),
    });
    expect([answer.status, answer.body.scimType]).toEqual([409, 'uniqueness']);
    expect(answer.body.detail).toContain('userName');
  });

  it('have names without case in any script, whether a sigma ends a word or not', async () => {
    const greek = await bridge.user('ΝΙΚΟΣ.ΠΑΠΑΣ', { emails: [{ value: 'nikos@example.test' }] });
    const again = userBody('νικος.παπας', { emails: [{ value: 'other.nikos@example.test' }] });
    expect((await bridge.call('POST', '/Users', { body: again })).status).toBe(409);
    for (const filter of ['userName eq "νικος.παπας"', 'userName sw "ΝΙΚΟΣ"', 'userName ew "ς"']) {
      const found = await bridge.call('GET', `/Users?filter=${encodeURIComponent(filter)}`);
      expect([filter, found.body.Resources.map(({ id }: AnyJson) => id)]).toEqual([filter, [greek.id]]);
    }
  });

  it('are replaced with 200, and the same PUT twice changes no version', async () => {
    const user = await bridge.user('put');
    const body = userBody('put', { title: 'One' });
    const first = await bridge.call('PUT', `/Users/${user.id}`, { body });
    expect([first.status, first.body.title]).toEqual([200, 'One']);
    expect(first.headers['etag']).not.toBe(user.meta.version);
    const second = await bridge.call('PUT', `/Users/${user.id}`, { body });
    expect([second.status, second.headers['etag']]).toEqual([200, first.headers['etag']]);
  });

  it('are patched with 200 and the body; a failing operation changes nothing', async () => {
    const user = await bridge.user('patched');
    const done = await bridge.call('PATCH', `/Users/${user.id}`, {
      body: patchBody({ op: 'Replace', path: 'active', value: 'False' }, { op: 'add', path: 'title', value: 'T' }),
    });
    expect([done.status, done.body.active, done.body.title]).toEqual([200, false, 'T']);
    const failed = await bridge.call('PATCH', `/Users/${user.id}`, {
      body: patchBody({ op: 'replace', path: 'title', value: 'U' }, { op: 'bogus', path: 'title', value: 'V' }),
    });
    expect(failed.status).toBe(400);
    const read = await bridge.call('GET', `/Users/${user.id}`);
    expect([read.body.title, read.headers['etag']]).toEqual(['T', done.headers['etag']]);
  });

  it('are deleted with 204 and nothing else, once; then the name is free', async () => {
    const user = await bridge.user('leaver');
    const gone = await bridge.call('DELETE', `/Users/${user.id}`);
    expect([gone.status, gone.text]).toEqual([204, '']);
    expect((await bridge.call('DELETE', `/Users/${user.id}`)).status).toBe(404);
    expect((await bridge.call('GET', `/Users/${user.id}`)).status).toBe(404);
    expect((await bridge.call('PUT', `/Users/${user.id}`, { body: userBody('leaver') })).status).toBe(404);
    const again = await bridge.user('leaver');
    expect(again.id).not.toBe(user.id);
  });

  it('show the manager as an object, by the name that the manager has now', async () => {
    const boss = await bridge.user('boss', { displayName: 'Ms Boss' });
    const user = await bridge.user('report', {
      [ENTERPRISE]: { manager: { value: boss.id, displayName: 'Somebody Else' } },
    });
    const manager = { value: boss.id, $ref: `${bridge.url}/Users/${String(boss.id)}`, displayName: 'Ms Boss' };
    expect(user[ENTERPRISE].manager).toEqual(manager);
    const find = async (name: string) => {
      const filter = encodeURIComponent(`manager.displayName eq "${name}"`);
      return (await bridge.call('GET', `/Users?filter=${filter}`)).body.Resources;
    };
    expect((await find('ms boss'))[0]).toEqual(user);
    await bridge.call('PATCH', `/Users/${boss.id}`, {
      body: patchBody({ op: 'replace', path: 'displayName', value: 'Ms Chief' }),
    });
    expect(await find('ms boss')).toEqual([]);
    expect((await find('ms chief'))[0]).toEqual({
      ...user,
      [ENTERPRISE]: { manager: { ...manager, displayName: 'Ms Chief' } },
    });
    await bridge.call('DELETE', `/Users/${boss.id}`);
    const left: Partial<typeof manager> = { ...manager };
    delete left.displayName;
    expect((await bridge.call('GET', `/Users/${user.id}`)).body[ENTERPRISE]).toEqual({ manager: left });
  });

  it('show the groups they are in', async () => {
    const user = await bridge.user('joiner');
    const group = await bridge.group('Joiners', [user.id]);
    const read = await bridge.call('GET', `/Users/${user.id}`);
    expect(read.body.groups).toEqual([
      { value: group.id, $ref: `${bridge.url}/Groups/${String(group.id)}`, display: 'Joiners', type: 'direct' },
    ]);
    expect(read.body[BRIDGE_USER]).toMatchObject({ status: expect.any(String) });
  });
});

describe('groups', () => {
  it('are created with their members, patched with 204 and shown on request', async () => {
    const [ann, bob] = [await bridge.user('m.ann', { displayName: 'Ann' }), await bridge.user('m.bob')];
    const created = await bridge.call('POST', '/Groups', {
      body: { schemas: [GROUP_URN], displayName: 'Makers', members: [{ value: ann.id }] },
    });
    expect(created.status).toBe(201);
    expect(created.headers['location']).toBe(`${bridge.url}/Groups/${String(created.body.id)}`);
    expect(created.body.members).toEqual([
      { value: ann.id, $ref: `${bridge.url}/Users/${String(ann.id)}`, display: 'Ann', type: 'User' },
    ]);
    const add = patchBody({ op: 'Add', path: 'members', value: [{ $ref: null, value: bob.id }] });
    const patched = await bridge.call('PATCH', `/Groups/${String(created.body.id)}`, { body: add });
    expect([patched.status, patched.text]).toEqual([204, '']);
    expect(patched.headers['etag']).not.toBe(created.headers['etag']);
    const again = await bridge.call('PATCH', `/Groups/${String(created.body.id)}?attributes=members.value`, {
      body: add,
    });
    expect(again.status).toBe(200);
    expect(again.headers['etag']).toBe(patched.headers['etag']);
    expect(again.body.members.map((member: AnyJson) => member.value).sort()).toEqual([ann.id, bob.id].sort());
  });

  it('refuse an unknown member by name and change nothing', async () => {
    const ann = await bridge.user('known');
    const group = await bridge.group('Strict', [ann.id]);
    const body = patchBody({ op: 'add', path: 'members', value: [{ value: '00000000-0000-4000-8000-00000000dead' }] });
    const answer = await bridge.call('PATCH', `/Groups/${group.id}`, { body });
    expect(answer.status).toBe(400);
    expect(answer.body.detail).toContain('00000000-0000-4000-8000-00000000dead');
    expect((await bridge.call('GET', `/Groups/${group.id}`)).headers['etag']).toBe(group.meta.version);
  });

  it('refuse groups as members', async () => {
    const inner = await bridge.group('Inner');
    const body = { schemas: [GROUP_URN], displayName: 'Outer', members: [{ value: inner.id, type: 'Group' }] };
    const answer = await bridge.call('POST', '/Groups', { body });
    expect(answer.status).toBe(400);
    expect(answer.body.detail).toContain('nested');
    expect((await bridge.call('GET', '/Groups?filter=displayName+eq+%22Outer%22')).body.totalResults).toBe(0);
  });

  it('lose deleted users, and their version moves', async () => {
    const [stays, goes] = [await bridge.user('stays'), await bridge.user('goes')];
    const group = await bridge.group('Shrinking', [stays.id, goes.id]);
    await bridge.call('DELETE', `/Users/${goes.id}`);
    const read = await bridge.call('GET', `/Groups/${group.id}`);
    expect(read.body.members.map((member: AnyJson) => member.value)).toEqual([stays.id]);
    expect(read.headers['etag']).not.toBe(group.meta.version);
  });

  it('are replaced as a whole by PUT, members included', async () => {
    const [a, b] = [await bridge.user('put.a'), await bridge.user('put.b')];
    const group = await bridge.group('Put', [a.id]);
    const body = { schemas: [GROUP_URN], displayName: 'Put', members: [{ value: b.id }] };
    const put = await bridge.call('PUT', `/Groups/${group.id}`, { body });
    expect([put.status, put.body.members.map((member: AnyJson) => member.value)]).toEqual([200, [b.id]]);
    const same = await bridge.call('PUT', `/Groups/${group.id}`, { body });
    expect(same.headers['etag']).toBe(put.headers['etag']);
    expect((await bridge.call('DELETE', `/Groups/${group.id}`)).status).toBe(204);
    expect((await bridge.call('GET', `/Groups/${group.id}`)).status).toBe(404);
  });

  it('keep their members in a PUT that says nothing of them, and lose them only by an empty list or null', async () => {
    const member = await bridge.user('put.stays');
    const group = await bridge.group('Kept', [member.id]);
    const put = async (body: object) => {
      const { status, body: shown } = await bridge.call('PUT', `/Groups/${group.id}`, { body });
      return [status, shown.displayName ?? shown.scimType, shown.members?.length ?? 0];
    };
    const schemas = [GROUP_URN];
    expect(await put({ schemas, displayName: 'Renamed' })).toEqual([200, 'Renamed', 1]);
    expect(await put({ schemas, displayName: 'By template', members: '' })).toEqual([200, 'By template', 1]);
    for (const members of [[null], [{}], {}, [''], 7, false])
      expect(await put({ schemas, displayName: 'Odd', members })).toEqual([400, 'invalidValue', 0]);
    expect(await put({ schemas, displayName: 'Kept' })).toEqual([200, 'Kept', 1]);
    expect(await put({ schemas, displayName: 'Kept', members: [] })).toEqual([200, 'Kept', 0]);
    await bridge.call('PUT', `/Groups/${group.id}`, { body: { schemas, displayName: 'Kept', members: [member] } });
    expect(await put({ schemas, displayName: 'Kept', members: null })).toEqual([200, 'Kept', 0]);
  });
});

describe('the place of a resource', () => {
  it('is said by every answer that shows or stands for it, and by no other', async () => {
    const user = await bridge.user('placed');
    const group = await bridge.group('Placed');
    const title = patchBody({ op: 'add', path: 'title', value: 'Dr' });
    const location = async (method: string, at: string, body?: object, headers = {}) => {
      const answer = await bridge.call(method, at, { body, headers });
      return [answer.status, answer.headers['content-location']];
    };
    for (const [at, { meta }, body] of [
      [`/Users/${user.id}`, user, userBody('placed')],
      [`/Groups/${group.id}`, group, { schemas: [GROUP_URN], displayName: 'Placed' }],
    ] as const) {
      expect(await location('GET', at)).toEqual([200, meta.location]);
      expect(await location('HEAD', at)).toEqual([200, meta.location]);
      expect(await location('GET', at, undefined, { 'If-None-Match': '*' })).toEqual([304, meta.location]);
      expect(await location('PUT', at, body)).toEqual([200, meta.location]);
      expect(await location('PUT', at, {})).toEqual([400, undefined]);
      expect(await location('DELETE', at)).toEqual([204, undefined]);
    }
    const { id, meta } = await bridge.user('placed');
    expect(await location('PATCH', `/Users/${id}`, title)).toEqual([200, meta.location]);
    expect(await location('GET', '/Users')).toEqual([200, undefined]);
  });
});

describe('conditions', () => {
  it('let a read of the version at hand end with 304', async () => {
    const user = await bridge.user('cached');
    const version = String(user.meta.version);
    const read = (value: string) => bridge.call('GET', `/Users/${user.id}`, { headers: { 'If-None-Match': value } });
    for (const value of [version, version.slice(2), '*', `W/"99", ${version}`]) {
      const answer = await read(value);
      expect([value, answer.status, answer.text, answer.headers['etag']]).toEqual([value, 304, '', version]);
    }
    for (const value of ['W/"99"', '"abc"', 'W/""', '"1e0"']) expect((await read(value)).status).toBe(200);
    // What has no version is shown whole, `*` or not.
    for (const at of ['/Users', '/Groups', '/', '/Schemas', '/ResourceTypes', '/ServiceProviderConfig', '/Roles']) {
      const answer = await bridge.call('GET', at, { headers: { 'If-None-Match': '*' } });
      expect([at, answer.status, answer.body.schemas.length]).toEqual([at, 200, 1]);
    }
  });

  it('keep a write from overwriting what it has not seen: 412', async () => {
    const user = await bridge.user('guarded');
    const stale = String(user.meta.version);
    const patch = (title: string, match: string) =>
      bridge.call('PATCH', `/Users/${user.id}`, {
        body: patchBody({ op: 'replace', path: 'title', value: title }),
        headers: { 'If-Match': match },
      });
    const fresh = await patch('one', stale);
    expect(fresh.status).toBe(200);
    for (const match of [stale, '"nonsense"', 'W/"99", W/"98"']) {
      const answer = await patch('two', match);
      expect([match, answer.status]).toEqual([match, 412]);
      expect(answer.body.schemas).toBeDefined();
    }
    expect((await patch('three', '*')).status).toBe(200);
    const strong = (await bridge.call('GET', `/Users/${user.id}`)).headers['etag']!.slice(2);
    expect((await patch('four', `"77", ${strong}`)).status).toBe(200);
    for (const [method, body] of [
      ['PUT', userBody('guarded')],
      ['DELETE', undefined],
    ] as const) {
      const answer = await bridge.call(method, `/Users/${user.id}`, { body, headers: { 'If-Match': stale } });
      expect([method, answer.status]).toEqual([method, 412]);
    }
    expect((await bridge.call('GET', `/Users/${user.id}`)).body.title).toBe('four');
  });

  it('hold for groups too, and If-None-Match: * forbids a write to what exists', async () => {
    const group = await bridge.group('Guarded');
    const rename = patchBody({ op: 'replace', path: 'displayName', value: 'Renamed' });
    const headers = { 'If-None-Match': '*' };
    expect((await bridge.call('PATCH', `/Groups/${group.id}`, { body: rename, headers })).status).toBe(412);
    expect((await bridge.call('PATCH', `/Groups/${group.id}`, { body: rename })).status).toBe(204);
    const stale = { 'If-Match': String(group.meta.version) };
    expect((await bridge.call('DELETE', `/Groups/${group.id}`, { headers: stale })).status).toBe(412);
  });
});

describe('many at once', () => {
  it('32 additions to one group all count', async () => {
    const users = await Promise.all(Array.from({ length: 32 }, (_, index) => bridge.user(`par${String(index)}`)));
    const group = await bridge.group('Parallel');
    const statuses = await Promise.all(
      users.map(async (user) => {
        const body = patchBody({ op: 'add', path: 'members', value: [{ value: user.id }] });
        return (await bridge.call('PATCH', `/Groups/${group.id}`, { body })).status;
      }),
    );
    expect(new Set(statuses)).toEqual(new Set([204]));
    const read = await bridge.call('GET', `/Groups/${group.id}`);
    expect(read.body.members.map((member: AnyJson) => member.value).sort()).toEqual(
      users.map((user) => user.id).sort(),
    );
  });

  it('20 creations of one name make one user', async () => {
    const statuses = await Promise.all(
      Array.from(
        { length: 20 },
        async () => (await bridge.call('POST', '/Users', { body: userBody('wanted') })).status,
      ),
    );
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(19);
    expect((await bridge.call('GET', '/Users?filter=userName+eq+%22wanted%22')).body.totalResults).toBe(1);
  });
});

describe('schemas', () => {
  it('must fit the endpoint', async () => {
    const wrong = await bridge.call('POST', '/Groups', { body: { schemas: [USER_URN], displayName: 'X' } });
    expect([wrong.status, wrong.body.scimType]).toEqual([400, 'invalidSyntax']);
    const bulk = await bridge.call('POST', '/Users', { body: { schemas: [BULK_URN], userName: 'x' } });
    expect(bulk.status).toBe(400);
  });
});
