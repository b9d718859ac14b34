/**
 * Input that must find nothing to hold on to. After every request the two objects that everything
 * inherits from are looked at, and an ordinary request must still work.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  BULK_URN,
  ERROR_URN,
  GROUP_URN,
  patchBody,
  startBridge,
  USER_URN,
  userBody,
  type AnyJson,
  type Bridge,
} from './bridge.js';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const objectKeys = Object.keys;
const prototypeNames = Object.getOwnPropertyNames(Object.prototype);

let bridge: Bridge;
let victim: AnyJson;
let team: AnyJson;
beforeAll(async () => {
  bridge = await startBridge();
  victim = await bridge.user('victim');
  const other = await bridge.user('other');
  team = await bridge.group('Team', [victim.id, other.id]);
});
afterEach(async () => {
  expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  expect(Object.keys).toBe(objectKeys);
  expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(prototypeNames);
  const group = await bridge.call('GET', `/Groups/${team.id}`);
  expect([group.body.meta.version, group.body.members.length]).toEqual([team.meta.version, 2]);
  expect((await bridge.call('GET', `/Users/${victim.id}?attributes=userName`)).body.userName).toBe('victim');
});
afterAll(() => bridge.close());

const get = (path: string) => bridge.call('GET', path);
const query = (filter: string) => get(`/Users?filter=${encodeURIComponent(filter)}`);

describe('prototypes', () => {
  it.each([
    '__proto__.x eq "y"',
    'constructor.keys eq "x"',
    '__proto__ eq "x"',
    'emails[__proto__.x eq "y"]',
    `${ENTERPRISE}:__proto__.x eq "y"`,
  ])('are not reached by the filter %s', async (filter) => {
    const answer = await query(filter);
    expect([answer.status, answer.body.scimType]).toEqual([400, 'invalidFilter']);
    expect((await bridge.call('POST', '/Users/.search', { body: { filter } })).status).toBe(400);
  });

  it('are not reached by ids, projections, sort and unknown parameters', async () => {
    expect((await get(`/Users/${encodeURIComponent('a" or __proto__.x eq "y')}`)).status).toBe(404);
    for (const parameter of ['attributes', 'excludedAttributes']) {
      const answer = await get(`/Users?${parameter}=__proto__.x,constructor.keys,emails[__proto__.x eq "y"].value`);
      expect(answer.status).toBe(200);
    }
    expect((await get('/Users?sortBy=__proto__.x')).status).toBe(400);
    expect((await get('/Users?__proto__[x]=y&constructor=z')).status).toBe(200);
    expect((await get('/ResourceTypes/__proto__')).status).toBe(404);
    expect((await get('/Schemas/constructor')).status).toBe(404);
  });

  it('are not reached by bodies', async () => {
    for (const key of [`${ENTERPRISE}:__proto__.x`, '__proto__', 'constructor.keys']) {
      const raw = `{"schemas":["${USER_URN}"],"userName":"polluter","${key}":{"x":"y"}}`;
      expect((await bridge.call('POST', '/Users', { raw })).status).toBe(400);
    }
    for (const path of [
      '__proto__.x',
      'emails[__proto__.x eq "y"].value',
      'constructor.keys',
      `${ENTERPRISE}:__proto__.x`,
    ]) {
      const answer = await bridge.call('PATCH', `/Users/${victim.id}`, {
        body: patchBody({ op: 'add', path, value: 'y' }),
      });
      expect(answer.status).toBe(400);
    }
    const bulk = `{"schemas":["${BULK_URN}"],"Operations":[{"method":"POST","path":"/Users","bulkId":"__proto__","data":{"__proto__":{"x":1}}}]}`;
    expect((await bridge.call('POST', '/Bulk', { raw: bulk })).status).toBe(400);
    const named = {
      schemas: [BULK_URN],
      Operations: [
        { method: 'DELETE', path: '/Users/bulkId:__proto__' },
        { method: 'DELETE', path: '/__proto__/x' },
      ],
    };
    expect(
      (await bridge.call('POST', '/Bulk', { body: named })).body.Operations.map((result: AnyJson) => result.status),
    ).toEqual(['400', '400']);
  });
});

describe('ids', () => {
  // What stands in a path of the routers that the requests go to, or would by another reading of it.
  const spellings = ['%2Esearch', '%2esearch', '.%73earch', '%2ESEARCH', '.search%2F', '.search%3Bx', '%2Esearch%00'];
  const paths = ['%2F', '%2F%2F', '%5C', '%3Aid', '*', '%2A', ';', '%25', '%252Esearch', '%0A'];

  it.each(['/Users', '/Groups'])('that look like paths are ids of nothing, whatever is done to %s', async (at) => {
    const bodies: Readonly<Record<string, object>> = {
      PUT: at === '/Users' ? userBody('nobody') : { schemas: [GROUP_URN], displayName: 'Nobody' },
      PATCH: patchBody({ op: 'replace', path: 'externalId', value: 'x' }),
      POST: { filter: 'id pr' },
    };
    for (const id of [...spellings, ...paths]) {
      for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'POST'] as const) {
        const answer = await bridge.call(method, `${at}/${id}`, { body: bodies[method] });
        const wanted = method === 'POST' ? 405 : 404;
        expect([method, id, answer.status, answer.body.schemas]).toEqual([method, id, wanted, [ERROR_URN]]);
        expect(answer.headers['content-type']).toMatch(/^application\/scim\+json/);
      }
      expect([id, (await bridge.call('HEAD', `${at}/${id}`)).status]).toEqual([id, 404]);
      expect([id, (await bridge.call('OPTIONS', `${at}/${id}`)).status]).toEqual([id, 204]);
    }
  });
});

describe('time', () => {
  const quick = async (work: () => Promise<{ status: number }>) => {
    const start = performance.now();
    const { status } = await work();
    expect(status).toBeLessThan(500);
    expect(performance.now() - start).toBeLessThan(1500);
    return status;
  };

  it.each([
    ['backslashes', `userName eq "${'\\x'.repeat(1000)}`],
    [
      'a normal form that explodes',
      Array.from({ length: 20 }, (_, i) => `(userName eq "a${String(i)}" or title eq "b")`).join(' and '),
    ],
    ['value paths that explode', Array.from({ length: 12 }, () => 'emails[value eq "a" or type eq "b"]').join(' and ')],
    ['dots', 'a.'.repeat(4000)],
    ['brackets', `${'('.repeat(3000)}userName pr`],
    ['not', `${'not ('.repeat(1000)}userName pr${')'.repeat(1000)}`],
  ])('is not spent on %s', async (_what, filter) => {
    await quick(() => query(filter));
    await quick(() => bridge.call('POST', '/Users/.search', { body: { filter: filter.repeat(3) } }));
    await quick(() => get(`/Users?attributes=${encodeURIComponent(filter)}`));
    await quick(() => bridge.call('PATCH', `/Users/${victim.id}`, { body: patchBody({ op: 'remove', path: filter }) }));
  });

  it('is not spent on bulk operations that refer to themselves', async () => {
    const operations = [
      {
        method: 'PATCH',
        path: '/Users/bulkId:p',
        bulkId: 'p',
        data: patchBody({ op: 'replace', path: 'title', value: 'bulkId:p' }),
      },
      {
        method: 'POST',
        path: '/Groups',
        bulkId: 'g',
        data: { schemas: [GROUP_URN], displayName: 'Self', members: [{ value: 'bulkId:g' }] },
      },
    ];
    await quick(() => bridge.call('POST', '/Bulk', { body: { schemas: [BULK_URN], Operations: operations } }));
  });
});

describe('values', () => {
  it('of which no URI can be made are refused, in the paths of bulk operations, too', async () => {
    const half = '\ud800';
    const Operations = [
      { method: 'DELETE', path: `/Users/${half}` },
      { method: 'PATCH', path: `/Groups/a${half}`, data: patchBody({ op: 'add', path: 'members', value: half }) },
    ];
    const answer = await bridge.call('POST', '/Bulk', { body: { schemas: [BULK_URN], Operations } });
    expect(answer.body.Operations.map(({ status }: AnyJson) => status)).toEqual(['400', '400']);
    const manager = { [ENTERPRISE]: { manager: { value: half } } };
    expect((await bridge.call('POST', '/Users', { body: userBody('half', manager) })).status).toBe(400);
    const add = patchBody({ op: 'add', path: 'members', value: [{ value: half }] });
    expect((await bridge.call('PATCH', `/Groups/${team.id}`, { body: add })).status).toBe(400);
  });

  it('that quote their way into a filter remove nobody', async () => {
    for (const value of ['a" or value pr or value eq "', '*', '', null, true, 0, {}, { value: null }]) {
      const body = patchBody({ op: 'Remove', path: 'members', value: [typeof value === 'string' ? { value } : value] });
      const answer = await bridge.call('PATCH', `/Groups/${team.id}`, { body });
      expect(answer.status).toBeLessThan(500);
    }
  });

  it('that look like SQL are only values', async () => {
    for (const text of ["'; DROP TABLE users; --", '" OR 1=1 --', '%', '_', '\\', '🦊']) {
      const answer = await query(`userName eq ${JSON.stringify(text)}`);
      expect([text, answer.status, answer.body.totalResults]).toEqual([text, 200, 0]);
    }
    const user = await bridge.user("rob'); DROP TABLE users;--", { emails: [{ value: 'rob@example.test' }] });
    expect((await query(`userName eq "rob'); DROP TABLE users;--"`)).body.totalResults).toBe(1);
    await bridge.call('DELETE', `/Users/${user.id}`);
  });

  it('of the wrong kind are never a bug of ours', async () => {
    const odd = [null, true, 0, -1.5, '', 'x', [], [null], [[]], {}, { value: [] }, [{ value: { value: [] } }]];
    for (const value of odd) {
      const bodies = [
        ['POST', '/Users', { schemas: [USER_URN], userName: value }],
        ['POST', '/Users', { schemas: value, userName: 'odd' }],
        ['POST', '/Users', userBody('odd', { emails: value })],
        [
          'POST',
          '/Users',
          userBody('odd', { name: value, active: value, [ENTERPRISE]: value, roles: value, entitlements: value }),
        ],
        ['POST', '/Groups', { schemas: [GROUP_URN], displayName: 'Odd', members: value }],
        ['PATCH', `/Users/${victim.id}`, { schemas: value, Operations: value }],
        ['PATCH', `/Users/${victim.id}`, patchBody({ op: value, path: value, value })],
        ['POST', '/Bulk', { schemas: [BULK_URN], Operations: value, failOnErrors: value }],
        [
          'POST',
          '/Bulk',
          {
            schemas: [BULK_URN],
            Operations: [{ method: value, path: value, bulkId: value, data: value, version: value }],
          },
        ],
        ['POST', '/.search', { filter: value, count: value, sortBy: value, attributes: value }],
      ] as const;
      for (const [method, path, body] of bodies) {
        const answer = await bridge.call(method, path, { body });
        expect([method, path, JSON.stringify(body), answer.status < 500]).toEqual([
          method,
          path,
          JSON.stringify(body),
          true,
        ]);
        if (answer.status === 201)
          await bridge.call('DELETE', String(answer.body.meta.location).slice(bridge.url.length));
      }
    }
  });
});
