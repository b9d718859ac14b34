/**
 * Attacks on a whole bridge over HTTP. Each would succeed without the control that it names; what
 * other files show (forged access tokens, slow connections, the admin page) is listed in
 * docs/threat-model.md.
 */
import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { hashToken, newToken, sameDigest } from '../../src/domain/secret-token.js';
import { DEFAULT_LIMITS } from '../../src/scim/context.js';
import { checkShape } from '../../src/scim/json-guard.js';
import { startTestBridge, TOKEN, type ScimAnswer, type TestBridge } from '../support/bridge.js';
import { exchange, statusOf } from './raw.js';

const ADMIN = 'esb_admin_a-token-for-tests-of-no-further-use';
const USER_URN = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH_URN = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const BULK_URN = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';

let bridge: TestBridge;
let victim: string;
beforeAll(async () => {
  bridge = await startTestBridge({ env: { ADMIN_TOKEN: ADMIN } });
  victim = (await bridge.createUser('victim')).body.id;
  await bridge.idle();
});
afterEach(async () => {
  // Whatever was tried: the bridge answers, the person is as before.
  const { status, body } = await bridge.scim('GET', `/Users/${victim}`);
  expect([status, body.userName, body.active]).toEqual([200, 'victim@workspace.example', true]);
});
afterAll(() => bridge.close());

const origin = (): string => new URL(bridge.scimUrl).origin;
const port = (): number => Number(new URL(bridge.scimUrl).port);
const as = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const raw = (line: string, headers: readonly string[] = [`Authorization: Bearer ${TOKEN}`]): Promise<string> =>
  exchange(port(), [line, 'Host: x', ...headers, 'Connection: close', '', ''].join('\r\n'));
const add = async (label: string, scopes: readonly string[]): Promise<string> => {
  const { secret, hash } = newToken('scim');
  await bridge.store.addToken({ id: label, kind: 'scim', label, scopes, clientId: null, expiresAt: null, hash }, 'cli');
  return secret;
};

describe('guessing', () => {
  it('of a token meets 256 random bits, a limit for the guesser, and no limit for the holder', async () => {
    expect(new Set(Array.from({ length: 200 }, () => newToken('scim').secret)).size).toBe(200);
    expect(Buffer.from(newToken('scim').secret.slice('esb_'.length), 'base64url').length).toBe(32);
    const statuses = new Map<number, number>();
    for (let attempt = 0; attempt < 60; attempt += 1) {
      const { status } = await bridge.scim('GET', '/Users', undefined, as(`esb_${String(attempt)}`));
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      // The holder sends as much from the same address, and is never limited.
      expect((await bridge.scim('GET', '/ServiceProviderConfig')).status).toBe(200);
    }
    expect([...statuses.keys()].sort()).toEqual([401, 429]);
    expect(statuses.get(401)).toBeLessThanOrEqual(30);
  });

  it('from addresses that are none, or from one network of IPv6, counts as one guesser', async () => {
    const proxied = await startTestBridge({ env: { TRUST_PROXY: '1' } });
    const statusesFrom = async (address: (attempt: number) => string): Promise<ReadonlySet<number>> => {
      const statuses = new Set<number>();
      for (let attempt = 0; attempt < 40; attempt += 1) {
        const forwarded = { ...as('esb_guess'), 'x-forwarded-for': address(attempt) };
        statuses.add((await proxied.scim('GET', '/Users', undefined, forwarded)).status);
      }
      return statuses;
    };
    expect(await statusesFrom((attempt) => `unknown-${'x'.repeat(attempt)}`)).toEqual(new Set([401, 429]));
    expect(await statusesFrom((attempt) => `192.0.2.1:${String(40_000 + attempt)}`)).toEqual(new Set([401, 429]));
    expect(await statusesFrom((attempt) => `2001:db8::${attempt.toString(16)}`)).toEqual(new Set([401, 429]));
    expect(await statusesFrom((attempt) => `198.51.100.${String(attempt)}`)).toEqual(new Set([401]));
    await proxied.close();
  });

  it('is told nothing: a digest, a beginning or another case of a token opens nothing', async () => {
    bridge.clock.advance(60_000);
    for (const token of [hashToken(TOKEN), TOKEN.slice(0, -1), `${TOKEN}x`, TOKEN.toUpperCase(), `${TOKEN}=`]) {
      expect((await bridge.scim('GET', '/Users', undefined, as(token))).status).toBe(401);
    }
    expect([sameDigest('abc', 'abc'), sameDigest('abc', 'abd'), sameDigest('abc', 'abcd'), sameDigest('', '')]).toEqual(
      [true, false, false, true],
    );
  });
});

describe('tokens at the wrong door', () => {
  it('an admin token opens no SCIM, a SCIM token no admin page and no metrics', async () => {
    bridge.clock.advance(60_000);
    expect((await bridge.scim('GET', '/Users', undefined, as(ADMIN))).status).toBe(401);
    for (const at of ['/admin', '/admin/users', '/admin/tokens', '/metrics']) {
      const seen = await fetch(origin() + at, {
        redirect: 'manual',
        // From elsewhere: a program on this very machine may read the metrics without any token.
        headers: { accept: 'application/json', 'x-forwarded-for': '203.0.113.9', ...as(TOKEN) },
      });
      expect([at, seen.status]).toEqual([at, 401]);
    }
    const { status } = await fetch(`${origin()}/metrics`, {
      headers: { 'x-forwarded-for': '203.0.113.9', ...as(ADMIN) },
    });
    expect(status).toBe(200);
  });

  it('a JWT that anybody can make opens nothing', async () => {
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = encode({
      iss: origin(),
      aud: bridge.scimUrl,
      sub: 'x',
      exp: 9_999_999_999,
      iat: 1,
      jti: 'x',
      scope: '',
    });
    const none = `${encode({ alg: 'none', typ: 'at+jwt' })}.${claims}.`;
    const text = `${encode({ alg: 'HS256', typ: 'at+jwt', kid: 'x' })}.${claims}`;
    const keyed = `${text}.${createHmac('sha256', '').update(text).digest('base64url')}`;
    for (const token of [none, keyed])
      expect((await bridge.scim('GET', '/Users', undefined, as(token))).status).toBe(401);
  });
});

describe('scopes', () => {
  it('are not escaped by .search, Bulk, the root, or another spelling of the path', async () => {
    const token = await add('users-only', ['users', 'read']);
    const group = await bridge.createGroup('Secret Team');
    const tries: readonly (readonly [string, string, object | undefined])[] = [
      ['GET', '/Groups', undefined],
      ['GET', `/Groups/${String(group.body.id)}`, undefined],
      ['GET', '/groups', undefined],
      ['GET', '/Groups/', undefined],
      ['GET', '//Groups', undefined],
      ['GET', '/Users/../Groups', undefined],
      ['GET', '/Users/%2e%2e/Groups', undefined],
      ['GET', '/Users/..%2fGroups', undefined],
      ['POST', '/Groups/.search', { filter: 'displayName pr' }],
      ['POST', '/.search', { filter: 'displayName eq "Secret Team"' }],
      ['GET', '/?filter=displayName%20eq%20%22Secret%20Team%22', undefined],
      ['POST', '/Users', { schemas: [USER_URN], userName: 'eve@workspace.example' }],
      [
        'PATCH',
        `/Users/${victim}`,
        { schemas: [PATCH_URN], Operations: [{ op: 'replace', path: 'active', value: false }] },
      ],
      ['DELETE', `/Users/${victim}`, undefined],
      ['POST', '/Bulk', { schemas: [BULK_URN], Operations: [{ method: 'DELETE', path: `/Users/${victim}` }] }],
    ];
    for (const [method, at, body] of tries) {
      const answer = await bridge.scim(method, at, body, as(token));
      const names = JSON.stringify(answer.body?.Resources ?? []);
      expect([method, at, names.includes('Secret Team'), answer.status < 500]).toEqual([method, at, false, true]);
    }
    // The method is what the request says, whatever a header wants.
    const overridden = await bridge.scim(
      'POST',
      '/Users/.search',
      {},
      { ...as(token), 'x-http-method-override': 'DELETE' },
    );
    expect(overridden.status).toBe(200);
    expect((await bridge.scim('GET', `/Groups/${String(group.body.id)}`)).status).toBe(200);
  });
});

describe('paths', () => {
  it.each([
    '/scim/v2/../../admin',
    '/scim/v2/%2e%2e/%2e%2e/admin',
    '/scim/v2/..;/admin',
    '/scim/v2/Users/../../../healthz',
    '//scim/v2/Users',
    '/scim/v2//Users',
    '/scim/v2/Users/%00',
    '/scim/v2/Users/%ff',
    '/scim/v2/Users/%',
    '/scim/v2/Users/%252e%252e%252fGroups',
    '/scim/v2/Users/..\\..\\etc\\passwd',
    '/admin/..%2f..%2fetc%2fpasswd',
    '/admin/assets/..%2f..%2f..%2fpackage.json',
    '/admin/assets/....//....//package.json',
    'http://evil.example/scim/v2/Users',
    '*',
  ])('%s leads nowhere without a token, and to no file with one', async (at) => {
    const without = await raw(`GET ${at} HTTP/1.1`, []);
    expect([at, [200, 500].includes(statusOf(without))]).toEqual([at, false]);
    const answer = await raw(`GET ${at} HTTP/1.1`);
    expect([at, statusOf(answer) < 500]).toEqual([at, true]);
    for (const secret of ['root:', 'elevenlabs-scim-bridge', 'dependencies']) expect(answer).not.toContain(secret);
  });
});

describe('headers', () => {
  it.each([
    ['twice', [`Authorization: Bearer ${TOKEN}`, 'Authorization: Bearer esb_x']],
    ['twice the same', [`Authorization: Bearer ${TOKEN}`, `Authorization: Bearer ${TOKEN}`]],
    ['in one with a comma', [`Authorization: Bearer ${TOKEN}, Bearer esb_x`]],
    ['in another header', [`X-Authorization: Bearer ${TOKEN}`, `Proxy-Authorization: Bearer ${TOKEN}`]],
    ['in a cookie', [`Cookie: authorization=Bearer ${TOKEN}; esb_session=${TOKEN}`]],
  ])('a token that comes %s opens nothing', async (_how, headers) => {
    bridge.clock.advance(60_000);
    expect(statusOf(await raw('GET /scim/v2/Users HTTP/1.1', headers))).toBe(401);
  });

  it('a token in the address opens nothing', async () => {
    for (const parameter of ['access_token', 'token', 'authorization'])
      expect(statusOf(await raw(`GET /scim/v2/Users?${parameter}=${TOKEN} HTTP/1.1`, []))).toBe(401);
  });

  it('name the host that is configured, not the one that a client claims', async () => {
    const answer = await exchange(
      port(),
      `GET /scim/v2/Users/${victim} HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\n` +
        `X-Forwarded-Proto: https\r\nForwarded: host=evil.example\r\nAuthorization: Bearer ${TOKEN}\r\nConnection: close\r\n\r\n`,
    );
    expect(statusOf(answer)).toBe(200);
    expect(answer).not.toContain('evil.example');
  });

  it('tell every cache and browser to keep nothing, on every kind of answer', async () => {
    const ok = await bridge.scim('GET', `/Users/${victim}`);
    const answers: readonly ScimAnswer[] = [
      ok,
      await bridge.scim('GET', '/Users'),
      await bridge.scim('GET', '/Schemas'),
      await bridge.scim('GET', '/Users/none'),
      await bridge.scim('GET', '/Users', undefined, as('esb_no')),
      await bridge.scim('POST', '/Users', { odd: true }),
      await bridge.scim('GET', `/Users/${victim}`, undefined, { 'if-none-match': String(ok.body.meta.version) }),
    ];
    for (const { status, headers } of answers) {
      expect([status, headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual([
        status,
        'no-store',
        'nosniff',
      ]);
      expect(headers.get('x-powered-by')).toBeNull();
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
    for (const at of ['/healthz', '/readyz', '/admin/login', '/oauth/token', '/nowhere'])
      expect([at, (await fetch(origin() + at)).headers.get('cache-control')]).toEqual([at, 'no-store']);
  });
});

describe('bodies', () => {
  const send = async (text: string | Buffer, headers: Record<string, string> = {}): Promise<number> => {
    const response = await fetch(`${bridge.scimUrl}/Users`, {
      method: 'POST',
      headers: { ...as(TOKEN), 'content-type': 'application/scim+json', ...headers },
      body: text,
    });
    expect(response.headers.get('content-type')).toMatch(/^application\/scim\+json/);
    return response.status;
  };

  it('that are too large, too deep, too many, or packed are refused before they are understood', async () => {
    expect(await send(`{"userName":"${'x'.repeat(1_100_000)}"}`)).toBe(413);
    expect(await send(`{"a":${'['.repeat(100_000)}`)).toBe(400);
    expect(await send(`{"a":${'{"a":'.repeat(40)}1${'}'.repeat(40)}}`)).toBe(400);
    expect(await send(`{"a":[${'1,'.repeat(60_000)}1]}`)).toBe(400);
    expect(await send('{}', { 'content-encoding': 'gzip' })).toBe(415);
    expect(
      await send('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', { 'content-type': 'text/xml' }),
    ).toBe(415);
    expect(await send(Buffer.from([0xff, 0xfe, 0x7b, 0x7d]))).toBe(400);
  });

  it('with more names than all schemas have are refused before anybody looks at them', async () => {
    const to = async (at: string, text: string) => {
      const headers = { ...as(TOKEN), 'content-type': 'application/scim+json' };
      const response = await fetch(bridge.scimUrl + at, { method: 'POST', headers, body: text });
      const { detail } = (await response.json()) as { detail: string };
      return [response.status, detail.split(' (')[0]];
    };
    const names = (from: number, count: number): string =>
      Array.from({ length: count }, (_, index) => `"a${String(from + index)}":0`).join(',');
    const refusal = [400, 'The body has more than 1000 different attribute names.'];
    for (const at of ['/Groups', '/Bulk']) {
      expect(await to(at, `{${names(0, 400_000)}}`)).toEqual(refusal);
      // In many objects they cost the parser more than in one.
      const objects = Array.from({ length: 4_000 }, (_, index) => `{${names(index * 100, 100)}}`);
      expect(await to(at, `{"Operations":[${objects.join(',')}]}`)).toEqual(refusal);
      expect(await to(at, `{"members":[${'0,'.repeat(400_000)}0]}`)).toEqual([
        400,
        'The body has more than 400000 values.',
      ]);
    }
  });

  it('of the largest legitimate size are taken', async () => {
    const member = (index: number) => ({ value: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}` });
    // 8 MiB of members, and 1,000 operations of 8 KB each.
    const group = JSON.stringify({ members: Array.from({ length: 160_000 }, (_, index) => member(index)) });
    const data = { members: Array.from({ length: 150 }, (_, index) => member(index)) };
    const operation = { method: 'PATCH', path: '/Groups/x', data: { Operations: [{ op: 'add', value: data }] } };
    const bulk = JSON.stringify({ Operations: Array.from({ length: 1_000 }, () => operation) });
    for (const text of [group, bulk]) {
      expect([text.length > 7_000_000, text.length < DEFAULT_LIMITS.largeBodyBytes]).toEqual([true, true]);
      expect(() => checkShape(Buffer.from(text), DEFAULT_LIMITS.largeBodyValues)).not.toThrow();
    }
    // Through the front door: everybody of a large team in one PATCH.
    const { id } = (await bridge.createGroup('Large')).body;
    const people = Array.from({ length: 1_500 }, (_, index) => `large${String(index)}@workspace.example`);
    const ids: string[] = [];
    for (let from = 0; from < people.length; from += 500) {
      const answer = await bridge.scim('POST', '/Bulk', {
        schemas: [BULK_URN],
        Operations: people.slice(from, from + 500).map((userName, index) => ({
          ...{ method: 'POST', path: '/Users', bulkId: `b${String(index)}` },
          data: { schemas: [USER_URN], userName, active: false },
        })),
      });
      ids.push(...answer.body.Operations.map(({ location }: { location: string }) => location.split('/').at(-1)));
    }
    const value = ids.map((one) => ({ value: one }));
    expect((await bridge.patchGroup(id, { op: 'add', path: 'members', value })).status).toBeLessThan(300);
    expect((await bridge.scim('GET', `/Groups/${String(id)}`)).body.members).toHaveLength(1_500);
  });

  it('with keys that lead to prototypes change no object of ours', async () => {
    for (const text of ['{"__proto__":{"isAdmin":true}}', '{"constructor":{"prototype":{"isAdmin":true}}}']) {
      expect(await send(text)).toBe(400);
    }
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  });
});

describe('/healthz', () => {
  it('has codes and numbers only, whatever ElevenLabs says', async () => {
    const beset = await startTestBridge({
      before: (control) =>
        control.addFault({
          ...{ method: 'GET', path: '/v1/user', times: 1_000 },
          fault: { kind: 'status', status: 401, body: { detail: 'Secret words of <b>upstream</b>' } },
        }),
    });
    await beset.until(() => beset.app.reconciler.state.error !== null, 'an error of the workspace');
    const text = await (await fetch(beset.scimUrl.replace('/scim/v2', '/healthz'))).text();
    const words = JSON.stringify(JSON.parse(text)).match(/"(?:[^"\\]|\\.)*"/g) ?? [];
    expect(words.filter((word) => !/^"[A-Za-z]{1,30}"$/.test(word))).toEqual([]);
    expect(JSON.parse(text)).toMatchObject({ workspace: { error: expect.any(String) } });
    await beset.close();
  });
});

describe('values', () => {
  it.each([
    '" or userName pr or userName eq "',
    "' OR '1'='1",
    "'; DELETE FROM users; --",
    '\\" or 1 eq 1 --',
    '%',
    '*',
    '\u0000',
  ])('that break out of a filter or of SQL find and remove nobody: %j', async (text) => {
    for (const quoted of [JSON.stringify(text), `"${text}"`]) {
      const { status, body } = await bridge.scim(
        'GET',
        `/Users?filter=${encodeURIComponent(`externalId eq ${quoted}`)}`,
      );
      if (status === 200 && quoted === JSON.stringify(text)) expect(body.totalResults).toBe(0);
      else expect(status).toBeLessThan(500);
    }
    expect((await bridge.scim('GET', `/Users?sortBy=${encodeURIComponent(text)}`)).status).toBeLessThan(500);
    expect(
      (await bridge.scim('GET', '/Users?filter=userName%20eq%20%22victim%40workspace.example%22')).body.totalResults,
    ).toBe(1);
  });

  it('that hold line ends, colours and JSON make no line of their own in the log', async () => {
    const evil = 'x\n{"level":60,"msg":"forged"}\r\n\u001b[31mred\u2028';
    const before = bridge.logLines.length;
    await bridge.createUser('log', { userName: evil, displayName: evil, externalId: evil });
    await bridge.scim('GET', `/Users/${encodeURIComponent(evil)}`);
    await bridge.scim('GET', `/Users?filter=${encodeURIComponent(`userName eq ${JSON.stringify(evil)}`)}`);
    await bridge.scim('GET', '/Users', undefined, {
      'user-agent': 'okta {"msg":"forged"}',
      'x-request-id': '{"msg":"forged"}',
    });
    await bridge.idle();
    const lines = bridge.logLines.slice(before);
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines) {
      expect(line.indexOf('\n')).toBe(line.length - 1);
      expect((JSON.parse(line) as { msg: string }).msg).not.toBe('forged');
      // eslint-disable-next-line no-control-regex -- the characters that steer a terminal
      expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f]/);
    }
  });
});

describe('the outgoing side', () => {
  it('follows no redirect that the workspace API answers with: the key stays with its host', async () => {
    const { createServer } = await import('node:http');
    const seen: unknown[] = [];
    const thief = createServer((request, response) => {
      seen.push(request.headers);
      response.end('{}');
    });
    await new Promise<void>((resolve) => thief.listen(0, '127.0.0.1', resolve));
    const address = thief.address();
    const location = `http://127.0.0.1:${String(typeof address === 'object' ? address?.port : 0)}/`;
    bridge.control.addFault({ times: 20, fault: { kind: 'redirect', location, status: 307 } } as never);
    await bridge.createUser('redirected');
    await bridge.until(
      () => bridge.logLines.some((line) => line.includes('"endpoint":"invite') && !line.includes('"outcome":"ok"')),
      'an attempt that failed',
    );
    bridge.control.clearFaults();
    expect(seen).toEqual([]);
    thief.closeAllConnections();
    await new Promise((resolve) => thief.close(resolve));
  });
});
