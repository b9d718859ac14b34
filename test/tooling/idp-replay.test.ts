/** The transcript runner against a tiny server: what it sends byte for byte, and what it notices. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import type { Expectation, Json } from '../../src/conformance/expect.js';
import { judge } from '../../src/conformance/expect.js';
import type { Scenario, Step } from '../../src/conformance/replay.js';
import { loadScenario, replay, scenarioNames } from '../../src/conformance/replay.js';

interface Seen {
  readonly line: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

let server: Server;
let baseUrl: string;
let seen: Seen[];
let respond: (request: IncomingMessage) => { status: number; body?: string; headers?: Record<string, string> };

beforeEach(async () => {
  seen = [];
  respond = () => ({ status: 200, body: '{}' });
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const names = request.rawHeaders.filter((_, index) => index % 2 === 0);
      seen.push({ line: `${request.method} ${request.url}`, headers: { ...request.headers, names }, body });
      const answer = respond(request);
      response.writeHead(answer.status, answer.headers).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/scim/v2`;
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

const step = (change: Partial<Step>): Step => ({
  id: 's01',
  note: 'a note',
  confidence: 'documented',
  method: 'GET',
  path: '/Users',
  expect: { status: 200 },
  ...change,
});
const scenario = (...steps: Partial<Step>[]): Scenario => ({
  formatVersion: 1,
  name: 'tiny',
  idp: 'test',
  title: '',
  isolation: 'fresh',
  requires: ['users'],
  defaultHeaders: { Authorization: '{{authorization}}', 'Content-Type': 'application/scim+json', 'X-Gone': 'x' },
  vars: { kind: 'a b' },
  steps: steps.map(step),
});
const run = (...steps: Partial<Step>[]) => replay(scenario(...steps), { baseUrl, token: 't0k' });

describe('what is sent', () => {
  it('the path byte for byte', async () => {
    const path = '/Users?filter=userName+eq+%22a%40b.example%22&x=%2B%20%c3%a9+';
    const result = await run({ path });
    expect(result.failures).toEqual([]);
    expect(seen.map(({ line }) => line)).toEqual([`GET /scim/v2${path}`]);
  });

  it('headers: defaults, overrides in any case, removals, variables', async () => {
    await run(
      { headers: { 'x-gone': null, authorization: 'Bearer wrong' } },
      { method: 'POST', body: { n: 1 }, headers: { 'Content-Type': 'application/json' } },
    );
    expect(seen[0]?.headers).toMatchObject({ authorization: 'Bearer wrong' });
    expect(seen[0]?.headers).not.toHaveProperty('x-gone');
    expect(seen[0]?.headers).not.toHaveProperty('content-type');
    expect(seen[1]?.headers).toMatchObject({
      authorization: 'Bearer t0k',
      'content-type': 'application/json',
      'content-length': '7',
      names: expect.arrayContaining(['Authorization', 'X-Gone']),
    });
  });

  it('bodies with variables, and raw ones untouched', async () => {
    await run(
      { method: 'POST', body: { a: ['{{kind}}', { b: '{{token}}/{{baseUrl}}' }], n: null } },
      { method: 'POST', rawBody: '{"broken": [' },
    );
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({ a: ['a b', { b: `t0k/${baseUrl}` }], n: null });
    expect(seen[1]?.body).toBe('{"broken": [');
  });

  it('captured values, percent-encoded in paths only', async () => {
    respond = () => ({ status: 200, body: '{"Resources":[{"id":"x/1 é"}]}' });
    const result = await run(
      { capture: { 'u.id': '/Resources/0/id' } },
      {
        id: 's02',
        method: 'PATCH',
        path: '/Users/{{u.id}}',
        body: { v: '{{u.id}}' },
        expect: {
          status: 200,
          jsonPointers: [
            { pointer: '/Resources/0/id', op: 'equals', value: '{{u.id}}' },
            { pointer: '/Resources', op: 'arrayContains', value: { id: '{{u.id}}' } },
          ],
        },
      },
    );
    expect(result.failures).toEqual([]);
    expect(result.vars['u.id']).toBe('x/1 é');
    expect(seen[1]).toMatchObject({ line: 'PATCH /scim/v2/Users/x%2F1%20%C3%A9', body: '{"v":"x/1 é"}' });
  });

  it('nothing, if the server lacks a feature', async () => {
    const result = await replay({ ...scenario({}), requires: ['users', 'okta-roles'] }, { baseUrl, token: 't' });
    expect(result).toMatchObject({ skipped: ['okta-roles'], steps: [], failures: [] });
    expect(seen).toEqual([]);
  });
});

describe('what is noticed', () => {
  it('goes on after a failure and names scenario, step, request and reason', async () => {
    respond = () => ({ status: 500, body: 'oops' });
    const { failures } = await run({ path: '/Users/{{nobody}}', capture: { x: '/id' } }, { id: 's02' });
    expect(failures).toEqual([
      'tiny s01 (documented) GET /Users/{{nobody}}: the variable nobody has no value [a note]',
      'tiny s01 (documented) GET /Users/{{nobody}}: status 500, expected 200: oops [a note]',
      'tiny s01 (documented) GET /Users/{{nobody}}: /id should give the variable x, but is missing [a note]',
      'tiny s02 (documented) GET /Users: status 500, expected 200: oops [a note]',
    ]);
  });

  const body = {
    s: 'Text',
    n: 3,
    f: 1.5,
    b: false,
    z: null,
    e: '',
    list: [1, { value: 'v', primary: true }],
    none: [],
    'urn:x:2.0:User': { 'a/b': 1 },
  };
  const pointer = (at: string, op: string, value?: Json) => ({
    pointer: at,
    op,
    ...(value !== undefined && { value }),
  });

  it.each([
    [pointer('/s', 'equals', 'Text'), pointer('/s', 'equals', 'text')],
    [pointer('/b', 'equals', false), pointer('/b', 'equals', 0)],
    [pointer('/list/1', 'equals', { primary: true, value: 'v' }), pointer('/list/1', 'equals', { value: 'v' })],
    [pointer('/s', 'equalsIgnoreCase', 'tEXT'), pointer('/n', 'equalsIgnoreCase', 3)],
    [pointer('/s', 'notEquals', 'other'), pointer('/s', 'notEquals', 'Text')],
    [pointer('/b', 'exists'), pointer('/z', 'exists')],
    [pointer('/z', 'absent'), pointer('/e', 'absent')],
    [pointer('/nope/deep', 'absent'), pointer('/b', 'absent')],
    [pointer('/b', 'nonEmpty'), pointer('/e', 'nonEmpty')],
    [pointer('/none', 'empty'), pointer('/n', 'empty')],
    [pointer('/n', 'type', 'integer'), pointer('/f', 'type', 'integer')],
    [pointer('/f', 'type', 'number'), pointer('/s', 'type', 'number')],
    [pointer('/z', 'type', 'null'), pointer('/list', 'type', 'object')],
    [pointer('/list', 'length', 2), pointer('/list', 'length', 1)],
    [pointer('/list', 'lengthAtLeast', 2), pointer('/list', 'lengthAtLeast', 3)],
    [pointer('/n', 'atLeast', 3), pointer('/n', 'atLeast', 4)],
    [pointer('/n', 'oneOf', [2, 3]), pointer('/n', 'oneOf', ['3'])],
    [
      pointer('/list', 'arrayContains', { value: 'v' }),
      pointer('/list', 'arrayContains', { value: 'v', primary: false }),
    ],
    [pointer('/list', 'arrayContains', 1), pointer('/s', 'arrayContains', 'T')],
    [pointer('/list', 'arrayNotContains', { value: 'w' }), pointer('/list', 'arrayNotContains', { primary: true })],
    [pointer('/s', 'startsWith', 'Te'), pointer('/s', 'startsWith', 'te')],
    [pointer('/s', 'matches', '^T.x'), pointer('/s', 'matches', '^x')],
    [pointer('/urn:x:2.0:User/a~1b', 'equals', 1), pointer('/urn:x:2.0:User/a/b', 'equals', 1)],
  ])('$0.op', (right, wrong) => {
    const answer = { status: 200, headers: {}, text: JSON.stringify(body) };
    expect(judge({ status: 200, jsonPointers: [right] }, answer)).toEqual([]);
    expect(judge({ status: 200, jsonPointers: [wrong] }, answer)).toEqual([expect.stringContaining(wrong.pointer)]);
    expect(judge({ status: 204, jsonPointers: [wrong] }, { status: 204, headers: {}, text: '' })).toEqual([]);
  });

  it('status, headers and text', () => {
    const answer = { status: 404, headers: { 'content-type': 'Application/SCIM+json' }, text: '{"a":1}' };
    const fails = (expectation: Partial<Expectation>) => judge({ status: [400, 404], ...expectation }, answer).length;
    expect(fails({})).toBe(0);
    expect(fails({ status: [200, 400] })).toBe(1);
    expect(fails({ headers: { 'Content-Type': { startsWith: ['text/', 'application/scim'] } } })).toBe(0);
    expect(fails({ headers: { 'Content-Type': { startsWith: ['text/'] } } })).toBe(1);
    expect(fails({ headers: { Location: { present: true } } })).toBe(1);
    expect(fails({ bodyContains: ['"a"', 'b'] })).toBe(1);
    expect(fails({ bodyNotContains: ['"a"', 'b'] })).toBe(1);
    expect(fails({ emptyBody: true })).toBe(1);
    expect(judge({ status: 404, jsonPointers: [pointer('/a', 'exists')] }, { ...answer, text: '<html>' })).toHaveLength(
      1,
    );
    expect(() => judge({ status: 404, jsonPointers: [pointer('/a', 'resembles')] }, answer)).toThrow('resembles');
  });
});

describe('the transcripts', () => {
  it.each(scenarioNames().map((name) => [name]))('%s can be sent', async (name) => {
    const wanted = loadScenario(name);
    expect(wanted.name).toBe(name);
    respond = () => ({ status: 200, body: '{"id":"1","Resources":[{"id":"1","displayName":"d"}]}' });
    const features = new Set(wanted.requires);
    const result = await replay(wanted, { baseUrl, token: 't', features });
    expect(result.steps).toHaveLength(wanted.steps.length);
    // A server that knows nothing must not pass.
    expect(result.failures.length).toBeGreaterThan(0);
    expect(result.failures.filter((failure) => /: the variable \S+ has no value/.test(failure))).toEqual([]);
  });
});
