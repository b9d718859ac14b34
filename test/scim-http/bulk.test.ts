/** POST /Bulk (RFC 7644 3.7). */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { unavailable } from '../../src/errors.js';
import {
  BULK_URN,
  ERROR_URN,
  GROUP_URN,
  patchBody,
  startBridge,
  USER_URN,
  userBody,
  type Answer,
  type AnyJson,
  type Bridge,
} from './bridge.js';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const RESPONSE_URN = 'urn:ietf:params:scim:api:messages:2.0:BulkResponse';

let bridge: Bridge;
beforeEach(async () => {
  bridge = await startBridge();
});
afterEach(() => bridge.close());

const bulk = (operations: readonly unknown[], more: object = {}): Promise<Answer> =>
  bridge.call('POST', '/Bulk', { body: { schemas: [BULK_URN], Operations: operations, ...more } });
const post = (bulkId: string, userName: string, more: object = {}) => ({
  method: 'POST',
  path: '/Users',
  bulkId,
  data: userBody(userName, more),
});
const group = (bulkId: string, displayName: string, members: readonly string[]) => ({
  method: 'POST',
  path: '/Groups',
  bulkId,
  data: { schemas: [GROUP_URN], displayName, members: members.map((value) => ({ value })) },
});
const statuses = (answer: Answer): string[] => answer.body.Operations.map((result: AnyJson) => result.status);
const total = async (path: string): Promise<number> => (await bridge.call('GET', path)).body.totalResults;
const at = async (result: { location: string }) =>
  (await bridge.call('GET', result.location.slice(bridge.url.length))).body;

describe('operations', () => {
  it('of every method are done in order, with location, version and status', async () => {
    const old = await bridge.user('old');
    const answer = await bulk([
      post('u', 'new'),
      { method: 'PUT', path: `/Users/${old.id}`, data: userBody('old', { title: 'Put' }) },
      { method: 'patch', path: `Users/${old.id}`, data: patchBody({ op: 'replace', path: 'nickName', value: 'N' }) },
      group('g', 'Team', [old.id]),
      { method: 'DELETE', path: `/Users/${old.id}` },
    ]);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/scim\+json/);
    expect(answer.body.schemas).toEqual([RESPONSE_URN]);
    expect(statuses(answer)).toEqual(['201', '200', '200', '201', '204']);
    const [created, put, patched, team, deleted] = answer.body.Operations;
    expect(created).toMatchObject({ method: 'POST', bulkId: 'u', version: expect.stringMatching(/^W\/"/) });
    expect(await at(created)).toMatchObject({ userName: 'new', meta: { version: created.version } });
    expect(put.location).toBe(`${bridge.url}/Users/${String(old.id)}`);
    expect(patched.method).toBe('PATCH');
    expect(await at(team)).not.toHaveProperty('members');
    expect(deleted).toEqual({ method: 'DELETE', location: put.location, status: '204' });
  });

  it('fail one by one, each with its SCIM error, the others stay done', async () => {
    const answer = await bulk([
      post('a', 'ann'),
      post('b', 'ANN'),
      { method: 'DELETE', path: '/Users/nobody' },
      { method: 'GET', path: '/Users' },
      { method: 'POST', path: '/Schemas', bulkId: 'x', data: {} },
      { method: 'POST', path: '/Users', data: userBody('no.bulk.id') },
      { method: 'PUT', path: '/Users/x' },
      { method: 'POST', path: '/Users/x', bulkId: 'y', data: {} },
      post('c', 'carl'),
    ]);
    expect(answer.status).toBe(200);
    expect(statuses(answer)).toEqual(['201', '409', '404', '400', '400', '400', '400', '400', '201']);
    for (const result of answer.body.Operations.slice(1, 8)) {
      expect(result.response).toMatchObject({
        schemas: [ERROR_URN],
        status: result.status,
        detail: expect.any(String),
      });
    }
    expect(answer.body.Operations[1].location).toBeUndefined();
    expect(answer.body.Operations[2].location).toBe(`${bridge.url}/Users/nobody`);
    expect(await total('/Users')).toBe(2);
  });

  it('stop after failOnErrors errors', async () => {
    const answer = await bulk(
      [post('a', 'ann'), post('b', 'ann'), post('c', 'carl'), post('d', 'ann'), post('e', 'eve')],
      { failOnErrors: 2 },
    );
    expect(statuses(answer)).toEqual(['201', '409', '201', '409']);
    expect(await total('/Users')).toBe(2);
    expect((await bulk([], { failOnErrors: 0 })).status).toBe(400);
  });

  it('obey version', async () => {
    const user = await bridge.user('versioned');
    const patch = (version: string, value: string) => ({
      method: 'PATCH',
      path: `/Users/${String(user.id)}`,
      version,
      data: patchBody({ op: 'replace', path: 'title', value }),
    });
    const answer = await bulk([patch(user.meta.version, 'one'), patch(user.meta.version, 'two')]);
    expect(statuses(answer)).toEqual(['200', '412']);
    expect((await bridge.call('GET', `/Users/${user.id}`)).body.title).toBe('one');
  });

  it('never wait upstream, and ask once whether anything can be admitted', async () => {
    const user = await bridge.user('x');
    bridge.provisioning.calls.length = 0;
    await bulk([post('a', 'a'), post('b', 'b'), { method: 'DELETE', path: `/Users/${String(user.id)}` }]);
    expect(bridge.provisioning.calls.filter((call) => call.startsWith('settle'))).toEqual([]);
    expect(bridge.provisioning.calls.filter((call) => call === 'poke')).toHaveLength(3);
    bridge.provisioning.withdrawalError = unavailable('Shutting down.', 3);
    const refused = await bulk([post('c', 'c')]);
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '3']);
  });

  it('need the scope that they would need alone', async () => {
    const { secret: token } = await bridge.addToken('users-only', ['users']);
    const body = { schemas: [BULK_URN], Operations: [post('a', 'ann'), group('g', 'Team', [])] };
    const answer = await bridge.call('POST', '/Bulk', { token, body });
    expect(statuses(answer)).toEqual(['201', '403']);
    const { secret: reader } = await bridge.addToken('reader', ['read']);
    const read = await bridge.call('POST', '/Bulk', {
      token: reader,
      body: { ...body, Operations: [post('z', 'zoe')] },
    });
    expect(statuses(read)).toEqual(['403']);
  });
});

describe('references', () => {
  it('backward and forward, in values and in paths', async () => {
    const answer = await bulk([
      group('g1', 'Forward', ['bulkId:u1', 'bulkId:u10']),
      post('u1', 'one'),
      post('u10', 'ten'),
      group('g2', 'Backward', ['bulkId:u1']),
      {
        method: 'PATCH',
        path: '/Groups/bulkId:g2',
        data: patchBody({ op: 'add', path: 'members', value: [{ value: 'bulkId:u10' }] }),
      },
      {
        method: 'PATCH',
        path: '/Groups/bulkId:g1',
        data: patchBody({ op: 'remove', path: 'members[value eq "bulkId:u1"]' }),
      },
      {
        method: 'PATCH',
        path: '/Users/bulkId:late',
        data: patchBody({ op: 'add', path: `${ENTERPRISE}:manager`, value: 'bulkId:u1' }),
      },
      post('late', 'late'),
    ]);
    expect(statuses(answer)).toEqual(['201', '201', '201', '201', '204', '204', '200', '201']);
    const [g1, one, ten, g2, , , , late] = await Promise.all(answer.body.Operations.map(at));
    expect(g1.members.map((member: AnyJson) => member.value)).toEqual([ten.id]);
    expect(g2.members.map((member: AnyJson) => member.value).sort()).toEqual([one.id, ten.id].sort());
    expect(late[ENTERPRISE].manager.value).toBe(one.id);
    expect(await total('/Users')).toBe(3);
    expect(await total('/Groups')).toBe(2);
  });

  it('in a circle: each created once, each pointing at the other', async () => {
    const managed = (id: string, name: string, manager: string) =>
      post(id, name, { [ENTERPRISE]: { manager: { value: manager } } });
    const answer = await bulk([
      managed('a', 'ann', 'bulkId:b'),
      managed('b', 'bob', 'bulkId:c'),
      managed('c', 'cyd', 'bulkId:a'),
    ]);
    expect(statuses(answer)).toEqual(['201', '201', '201']);
    const [ann, bob, cyd] = await Promise.all(answer.body.Operations.map(at));
    expect([ann, bob, cyd].map((user) => user[ENTERPRISE].manager.value)).toEqual([bob.id, cyd.id, ann.id]);
    expect(answer.body.Operations.map((result: AnyJson) => result.version)).toEqual(
      [ann, bob, cyd].map((user) => user.meta.version),
    );
    expect(await total('/Users')).toBe(3);
  });

  it('to oneself', async () => {
    const answer = await bulk([post('me', 'boss', { [ENTERPRISE]: { manager: 'bulkId:me', department: 'D' } })]);
    expect(statuses(answer)).toEqual(['201']);
    const boss = await at(answer.body.Operations[0]);
    expect(boss[ENTERPRISE]).toMatchObject({ department: 'D', manager: { value: boss.id } });
  });

  it('to what failed: 412, and nothing is created', async () => {
    await bridge.user('taken');
    const answer = await bulk([group('g', 'Team', ['bulkId:u']), post('u', 'taken')]);
    expect(statuses(answer)).toEqual(['412', '409']);
    expect(await total('/Groups')).toBe(0);
  });

  it('in a circle of which one part fails leave nothing behind of the other', async () => {
    await bridge.user('taken');
    const answer = await bulk([
      post('a', 'taken', { [ENTERPRISE]: { manager: 'bulkId:b' } }),
      post('b', 'bob', { [ENTERPRISE]: { manager: 'bulkId:a' } }),
    ]);
    expect(statuses(answer)).toEqual(['409', '412']);
    expect(await total('/Users')).toBe(1);
  });

  it('to nothing: 400 naming the bulkId', async () => {
    const answer = await bulk([
      group('g', 'Team', ['bulkId:ghost']),
      { method: 'DELETE', path: '/Users/bulkId:ghost' },
    ]);
    expect(statuses(answer)).toEqual(['400', '400']);
    for (const result of answer.body.Operations) expect(result.response.detail).toContain('ghost');
    expect(await total('/Groups')).toBe(0);
  });

  it('from a group to a group: refused, ElevenLabs has none, and none is created', async () => {
    const answer = await bulk([
      group('a', 'A', ['bulkId:b']),
      group('b', 'B', ['bulkId:a']),
      group('c', 'C', ['bulkId:c']),
    ]);
    expect(statuses(answer)).toEqual(['400', '400', '400']);
    for (const result of answer.body.Operations) expect(result.response.detail).toContain('nested');
    expect(await total('/Groups')).toBe(0);
  });

  it('that only look like one stay text', async () => {
    const answer = await bulk([post('a', 'ann', { displayName: 'bulkId:zzz', title: 'see bulkId:a' })]);
    expect(await at(answer.body.Operations[0])).toMatchObject({ displayName: 'bulkId:zzz', title: 'see bulkId:a' });
  });
});

describe('the request as a whole', () => {
  it.each([
    ['no schemas', { Operations: [] }],
    ['another schema', { schemas: [USER_URN], Operations: [] }],
    ['no Operations', { schemas: [BULK_URN] }],
    ['null among Operations', { schemas: [BULK_URN], Operations: [null] }],
    ['failOnErrors as text', { schemas: [BULK_URN], failOnErrors: '1', Operations: [] }],
  ])('is refused: %s', async (_what, body) => {
    expect((await bridge.call('POST', '/Bulk', { body })).status).toBe(400);
  });

  it('is refused where a bulkId is used twice, before anything is done', async () => {
    const answer = await bulk([post('same', 'ann'), post('same', 'bob')]);
    expect([answer.status, answer.body.detail]).toEqual([400, expect.stringContaining('"same"')]);
    expect(await total('/Users')).toBe(0);
  });

  it('has a limit of operations: 413, nothing done', async () => {
    const many = Array.from({ length: 1001 }, (_, index) => post(`b${String(index)}`, `n${String(index)}`));
    const answer = await bulk(many);
    expect([answer.status, answer.body.detail]).toEqual([413, expect.stringContaining('1000')]);
    expect(await total('/Users')).toBe(0);
  });

  it('may have a thousand, all of which succeed, in one chain of references', async () => {
    const last = 999;
    const chain = Array.from({ length: 1000 }, (_, index) =>
      post(
        `b${String(index)}`,
        `n${String(index)}`,
        index === last ? {} : { [ENTERPRISE]: { manager: `bulkId:b${String(index + 1)}` } },
      ),
    );
    const answer = await bulk(chain);
    expect(statuses(answer)).toEqual(Array.from({ length: 1000 }, () => '201'));
    expect(await total('/Users')).toBe(1000);
    const [first, second] = await Promise.all(answer.body.Operations.slice(0, 2).map(at));
    expect(first[ENTERPRISE].manager.value).toBe(second.id);
  });

  it('may have a thousand of every method, on users and on one large group', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 250; index += 1) ids.push((await bridge.user(`old${String(index)}`)).id);
    const team = await bridge.group('Team', ids);
    const operations = ids.flatMap((id, index) => [
      { method: 'PATCH', path: `/Users/${id}`, data: patchBody({ op: 'add', path: 'title', value: 'T' }) },
      post(`b${String(index)}`, `new${String(index)}`),
      {
        method: 'PATCH',
        path: `/Groups/${String(team.id)}`,
        data: patchBody({ op: 'add', path: 'members', value: [{ value: `bulkId:b${String(index)}` }] }),
      },
      { method: 'DELETE', path: `/Users/${id}` },
    ]);
    const answer = await bulk(operations);
    expect(statuses(answer)).toEqual(ids.flatMap(() => ['200', '201', '204', '204']));
    const { members } = (await bridge.call('GET', `/Groups/${String(team.id)}`)).body;
    const created = answer.body.Operations.filter(({ method }: AnyJson) => method === 'POST').map(at);
    const wanted = (await Promise.all(created)).map(({ id }) => id);
    expect(members.map(({ value }: AnyJson) => value).sort()).toEqual(wanted.sort());
  });
});
