/** What every endpoint has in common: error form, methods, media types, sizes, headers. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import {
  ERROR_URN,
  GROUP_URN,
  patchBody,
  startBridge,
  USER_URN,
  userBody,
  type Answer,
  type Bridge,
} from './bridge.js';

let bridge: Bridge;
beforeAll(async () => {
  bridge = await startBridge();
});
afterAll(() => bridge.close());

function expectScimError(answer: Answer, status: number, scimType?: string): void {
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status });
  expect(answer.headers['content-type']).toMatch(/^application\/scim\+json/);
  expect(answer.body).toMatchObject({ schemas: [ERROR_URN], status: String(status) });
  expect(answer.body.scimType).toBe(scimType);
  expect(answer.body.detail).toContain(answer.headers['x-request-id']!);
}

describe('headers', () => {
  it('carry an id of our own, forbid caching and show no software', async () => {
    const answer = await bridge.call('GET', '/Users', { headers: { 'X-Request-Id': 'client-1' } });
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['x-powered-by']).toBeUndefined();
    expect(answer.headers['etag']).toBeUndefined();
  });

  it('answer in the media type that was asked for', async () => {
    const type = async (accept: string) => {
      const answer = await bridge.call('GET', '/Users', { headers: { Accept: accept } });
      return answer.headers['content-type'];
    };
    expect(await type('application/scim+json')).toMatch(/^application\/scim\+json/);
    expect(await type('*/*')).toMatch(/^application\/scim\+json/);
    expect(await type('application/json, application/scim+json')).toMatch(/^application\/scim\+json/);
    expect(await type('application/json')).toMatch(/^application\/json/);
    expect(await type('text/html, Application/JSON; charset=utf-8')).toMatch(/^application\/json/);
    expect(await type('application/json;q=0.9, application/scim+json; q=0.1')).toMatch(/^application\/json/);
    expect(await type('application/json;q=0.5, application/scim+json')).toMatch(/^application\/scim\+json/);
    expect(await type('application/json;q=0')).toMatch(/^application\/scim\+json/);
    expect(await type('application/json;q=much')).toMatch(/^application\/json/);
  });
});

describe('endpoints and methods', () => {
  it.each(['/Nowhere', '/Users/a/b', '/Groups//', '/Users//x', '//Users', '/users/x/.search'])(
    'knows no %s',
    async (path) => {
      expectScimError(await bridge.call('GET', path), 404);
    },
  );

  it.each([
    ['DELETE', '/Users', 'GET, POST, HEAD, OPTIONS'],
    ['PATCH', '/Groups', 'GET, POST, HEAD, OPTIONS'],
    ['POST', '/Users/some-id', 'GET, PUT, PATCH, DELETE, HEAD, OPTIONS'],
    ['GET', '/Bulk', 'POST, OPTIONS'],
    ['GET', '/Users/.search', 'POST, OPTIONS'],
    ['PUT', '/Schemas', 'GET, HEAD, OPTIONS'],
    ['DELETE', '/ServiceProviderConfig', 'GET, HEAD, OPTIONS'],
  ])('answers %s %s with 405 and Allow', async (method, path, allow) => {
    const answer = await bridge.call(method, path);
    expectScimError(answer, 405);
    expect(answer.headers['allow']).toBe(allow);
  });

  it('answers OPTIONS with what is allowed', async () => {
    const answer = await bridge.call('OPTIONS', '/Groups/x');
    expect([answer.status, answer.headers['allow']]).toEqual([204, 'GET, PUT, PATCH, DELETE, HEAD, OPTIONS']);
  });

  it('answers HEAD like GET without the body', async () => {
    const user = await bridge.user('head');
    const answer = await bridge.call('HEAD', `/Users/${user.id}`);
    expect([answer.status, answer.text, answer.headers['etag']]).toEqual([200, '', user.meta.version]);
    expect((await bridge.call('HEAD', '/Users/none')).status).toBe(404);
    expect((await bridge.call('HEAD', '/Users')).status).toBe(200);
  });

  it('takes paths in any case and with a slash at the end', async () => {
    const user = await bridge.user('case');
    expect((await bridge.call('GET', '/users/')).status).toBe(200);
    expect((await bridge.call('GET', `/USERS/${user.id}/`)).body.id).toBe(user.id);
    expect((await bridge.call('GET', '/serviceproviderconfig')).status).toBe(200);
  });

  it('has no /Me for a token, whatever the method', async () => {
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'POST']) {
      const body = method === 'GET' || method === 'DELETE' ? undefined : {};
      expectScimError(await bridge.call(method, '/Me', { body }), 501);
    }
  });

  it('finds nothing under hostile ids', async () => {
    for (const id of [
      '%22%20or%20id%20pr%20or%20id%20eq%20%22',
      'bulkId%3Ax',
      '%00',
      'x'.repeat(5000),
      '..%2FGroups',
      "'--",
    ]) {
      expectScimError(await bridge.call('GET', `/Users/${id}`), 404);
      expectScimError(await bridge.call('DELETE', `/Groups/${id}`), 404);
    }
    expectScimError(await bridge.call('GET', '/Users/%E0%A4%A'), 400, 'invalidSyntax');
  });
});

describe('bodies', () => {
  it.each([
    ['broken JSON', '{"schemas": ['],
    ['something after the JSON', '{} {}'],
    ['a list', '[]'],
    ['a string', '"x"'],
    ['null', 'null'],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ])('refuses %s as invalidSyntax, without a word of the parser', async (_what, raw) => {
    const answer = await bridge.call('POST', '/Users', { raw });
    expectScimError(answer, 400, 'invalidSyntax');
    expect(answer.body.detail).not.toMatch(/position|token|Unexpected/);
  });

  it('needs one where one belongs', async () => {
    expectScimError(await bridge.call('POST', '/Users'), 400, 'invalidSyntax');
    expectScimError(await bridge.call('POST', '/Users', { raw: '' }), 400, 'invalidSyntax');
    expectScimError(await bridge.call('POST', '/Bulk'), 400, 'invalidSyntax');
    expectScimError(await bridge.call('POST', '/.search'), 400, 'invalidSyntax');
  });

  it('ignores one where none belongs', async () => {
    const answer = await bridge.call('GET', '/Users', {
      raw: '{"broken',
      headers: { 'Content-Type': 'application/json' },
    });
    expect(answer.status).toBe(200);
  });

  it.each([
    ['application/scim+json', 201],
    ['application/json', 201],
    ['Application/SCIM+JSON; charset="UTF-8"', 201],
    ['application/json;charset=utf-8', 201],
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['application/json; charset=latin1', 415],
    ['application/jsonp', 415],
  ])('in %s: %i', async (type, status) => {
    const raw = JSON.stringify(userBody(`type${String(Math.abs(hash(type)))}`));
    const answer = await bridge.call('POST', '/Users', { raw, headers: { 'Content-Type': type } });
    if (status === 415) expectScimError(answer, 415);
    else expect(answer.status).toBe(status);
  });

  it('are not taken compressed', async () => {
    const headers = { 'Content-Encoding': 'gzip', 'Content-Type': 'application/json' };
    expectScimError(await bridge.call('POST', '/Users', { raw: 'x', headers }), 415);
  });

  it('may begin with a byte order mark', async () => {
    expect((await bridge.call('POST', '/Users', { raw: `\uFEFF${JSON.stringify(userBody('bom'))}` })).status).toBe(201);
  });

  it('may have a mebibyte, groups and bulk eight', async () => {
    const filled = (bytes: number, more: object) => {
      const text = JSON.stringify({ ...more, padding: '' });
      return text.replace('"padding":""', `"padding":"${'x'.repeat(bytes - text.length)}"`);
    };
    const mebibyte = 1024 * 1024;
    expect((await bridge.call('POST', '/Users', { raw: filled(mebibyte, userBody('big')) })).status).toBe(201);
    expectScimError(await bridge.call('POST', '/Users', { raw: filled(mebibyte + 1, userBody('bigger')) }), 413);
    const group = { schemas: [GROUP_URN], displayName: 'Big' };
    expect((await bridge.call('POST', '/Groups', { raw: filled(8 * mebibyte, group) })).status).toBe(201);
    expectScimError(await bridge.call('POST', '/Groups', { raw: filled(8 * mebibyte + 1, group) }), 413);
  }, 30_000);

  it('may not nest deeply, have endless values or touch prototypes', async () => {
    const nested = (depth: number) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expectScimError(await bridge.call('POST', '/Users', { raw: nested(32) }), 400, 'invalidSyntax');
    expectScimError(await bridge.call('POST', '/Users', { raw: nested(400_000) }), 400, 'invalidSyntax');
    expectScimError(
      await bridge.call('POST', '/Users', { raw: `{"a":[${'1,'.repeat(60_000)}1]}` }),
      400,
      'invalidSyntax',
    );
    for (const key of [
      '__proto__',
      'constructor',
      'prototype',
      `${USER_URN}:__proto__.x`,
      'name.constructor',
      'a[prototype]',
    ]) {
      const raw = `{"schemas":["${USER_URN}"],"userName":"p","deep":[{"x":{"${key}":{"x":"y"}}}]}`;
      expectScimError(await bridge.call('POST', '/Users', { raw }), 400, 'invalidSyntax');
    }
    expectScimError(await bridge.call('POST', '/Users', { raw: '{"\\u005f_proto__":{"x":1}}' }), 400, 'invalidSyntax');
  });

  it('of brackets and quotes inside strings are only text', async () => {
    const displayName = `${'[{'.repeat(100)}\\"${'"'.repeat(3)},,,`;
    const user = await bridge.user('brackets', { displayName });
    expect(user.displayName).toBe(displayName);
  });
});

describe('bodies far too large', () => {
  const head = (length: string) =>
    `POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${bridge.token}\r\n` +
    `Content-Type: application/json\r\n${length}\r\n\r\n`;

  /** Sends without end, and answers what came back and how much was taken. */
  async function flood(start: string, chunk: Buffer): Promise<{ reply: string; sent: number }> {
    return new Promise((resolve) => {
      let reply = '';
      let sent = 0;
      const socket = connect(Number(new URL(bridge.url).port), '127.0.0.1');
      const pump = (): void => {
        while (!socket.destroyed && reply === '' && socket.write(chunk)) sent += chunk.length;
      };
      socket.on('connect', () => {
        socket.write(start);
        pump();
      });
      socket.on('drain', pump);
      socket.on('data', (data) => (reply += data.toString()));
      socket.on('end', () => socket.destroy());
      socket.on('error', () => undefined);
      socket.on('close', () => resolve({ reply, sent }));
    });
  }

  it('are refused by their length, without being read', async () => {
    const { reply, sent } = await flood(head('Content-Length: 4000000000'), Buffer.alloc(64 * 1024, 'x'));
    expect(reply).toMatch(/^HTTP\/1\.1 413 /);
    expect(reply).toMatch(/connection: close/i);
    expect(reply).toContain(ERROR_URN);
    expect(sent).toBeLessThan(16 * 1024 * 1024);
  });

  it('are given up on the way where no length is known', async () => {
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(0x10000, 'x'), Buffer.from('\r\n')]);
    const { reply, sent } = await flood(head('Transfer-Encoding: chunked'), chunk);
    expect(reply).toMatch(/^HTTP\/1\.1 413 /);
    expect(sent).toBeLessThan(16 * 1024 * 1024);
  });

  it('are not read either from somebody who is nobody', async () => {
    const start = head('Content-Length: 4000000000').replace(bridge.token, 'esb_nobody');
    const { reply, sent } = await flood(start, Buffer.alloc(64 * 1024, 'x'));
    expect(reply).toMatch(/^HTTP\/1\.1 401 /);
    expect(sent).toBeLessThan(16 * 1024 * 1024);
  });

  it('are refused in a way that an ordinary client can read', async () => {
    for (const size of [1_100_000, 3_000_000, 30_000_000]) {
      const answer = await bridge.call('POST', '/Users', { raw: Buffer.alloc(size, 32) });
      expect([size, answer.status]).toEqual([size, 413]);
    }
  }, 30_000);

  it('that never arrive are given up in time', async () => {
    const reply = new Promise<string>((resolve) => {
      let text = '';
      const socket = connect(Number(new URL(bridge.url).port), '127.0.0.1', () => {
        socket.write(`${head('Content-Length: 100')}{"a`);
      });
      socket.on('data', (data) => (text += data.toString()));
      socket.on('close', () => resolve(text));
    });
    await until(() => bridge.clock.pending().includes(30_000));
    bridge.clock.advance(30_000);
    expect(await reply).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe('a failure inside', () => {
  it('is a 500 that tells nothing, is logged under its id, and leaves the connection usable', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const getUser = jest.spyOn(bridge.store, 'getUser').mockRejectedValueOnce(new TypeError('secret internals'));
    const failed = await overAgent(agent, '/Users/x');
    expect(failed.status).toBe(500);
    expect(JSON.parse(failed.text)).toMatchObject({ schemas: [ERROR_URN], status: '500' });
    expect(failed.text).not.toContain('secret internals');
    expect(failed.text).toContain(failed.requestId);
    getUser.mockRestore();
    const next = await overAgent(agent, '/Users/x');
    expect([next.status, next.localPort]).toEqual([404, failed.localPort]);
    const logged = bridge.logLines.filter((line) => line.includes(failed.requestId) && line.includes('"err"'));
    expect(logged.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({
        level: 50,
        err: expect.objectContaining({ message: 'secret internals', stack: expect.stringContaining('.test.ts') }),
      }),
    ]);
    agent.destroy();
  });

  async function overAgent(agent: Agent, path: string) {
    return new Promise<{ status: number; text: string; requestId: string; localPort: number }>((resolve, reject) => {
      const headers = { Authorization: `Bearer ${bridge.token}` };
      const sent = httpRequest(`${bridge.url}${path}`, { agent, headers }, (response: IncomingMessage) => {
        const localPort = response.socket.localPort ?? 0;
        let text = '';
        response.on('data', (data: Buffer) => (text += data.toString()));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            text,
            requestId: String(response.headers['x-request-id']),
            localPort,
          }),
        );
      });
      sent.on('error', reject).end();
    });
  }
});

describe('the request log', () => {
  it('has one line per request, with neither names nor secrets', async () => {
    bridge.events.length = 0;
    const user = await bridge.user('logged.person');
    await bridge.call('PATCH', `/Users/${user.id}`, {
      body: patchBody({ op: 'Replace', path: 'title', value: 'Chief' }),
      headers: { 'X-Request-Id': 'abc\r\nx'.slice(0, 3) },
    });
    await bridge.call('GET', '/Users?filter=userName+eq+%22logged.person%22', {
      headers: { 'User-Agent': 'Okta SCIM Client 1.0.0' },
    });
    await bridge.call('GET', '/users/42?count=1', { token: 'esb_wrong_secret' });
    await bridge.call('GET', '/Nothing', { token: 'esb_wrong_secret' });
    await bridge.call('GET', '/Users/%zz', { token: 'esb_wrong_secret' });
    await until(() => bridge.events.length === 6);
    expect(
      bridge.events.map(({ method, template, status, idp, tokenLabel, outcome }) => [
        method,
        template,
        status,
        idp,
        tokenLabel,
        outcome,
      ]),
    ).toEqual([
      ['POST', '/Users', 201, 'unknown', 'default', 'ok'],
      ['PATCH', '/Users/:id', 200, 'entra', 'default', 'ok'],
      ['GET', '/Users', 200, 'okta', 'default', 'ok'],
      ['GET', '/Users/:id', 401, 'unknown', null, 'unauthorized'],
      ['GET', null, 401, 'unknown', null, 'unauthorized'],
      ['GET', null, 401, 'unknown', null, 'unauthorized'],
    ]);
    expect(bridge.events[1]!.clientRequestId).toBe('abc');
    const lines = bridge.logLines.join('\n');
    for (const secret of ['logged.person', 'Chief', bridge.token, 'esb_wrong_secret', user.id]) {
      expect(lines).not.toContain(secret);
    }
  });
});

function hash(text: string): number {
  let sum = 7;
  for (let index = 0; index < text.length; index += 1) sum = (sum * 31 + text.charCodeAt(index)) | 0;
  return sum;
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2000 && !condition(); turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(condition()).toBe(true);
}
