/** OAuth as an identity provider uses it, and as an attacker would: token endpoint and SCIM over HTTP. */
import { createHmac } from 'node:crypto';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import {
  decodeJwt,
  decodeProtectedHeader,
  exportSPKI,
  generateKeyPair,
  importJWK,
  SignJWT,
  type CryptoKey,
} from 'jose';
import pino from 'pino';
import { newToken } from '../../src/domain/secret-token.js';
import { createAccessTokens } from '../../src/oauth/access-tokens.js';
import { createClient, findClient, revokeClient, rotateClient, type NewSecret } from '../../src/oauth/clients.js';
import { createKeyRing } from '../../src/oauth/key-ring.js';
import { createTokenEndpoint } from '../../src/oauth/token-endpoint.js';
import { userBody, startBridge, type Bridge } from '../scim-http/bridge.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const ISSUER = 'https://bridge.example';
const AUDIENCE = `${ISSUER}/scim/v2`;

let bridge: Bridge;
let server: Server;
let endpoint: string;
let client: NewSecret;
let logLines: string[];

beforeEach(async () => {
  logLines = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => logLines.push(line) });
  bridge = await startBridge({ verifyAccessToken: (token) => tokensFor().verify(token) });
  const { store, clock } = bridge;
  const app = express();
  app.use(
    '/oauth/token',
    createTokenEndpoint({
      ...{ store, clock, log, tokens: tokensFor(), lifetimeMs: HOUR },
      attempts: { limit: 3, windowMs: MINUTE, maxAddresses: 10 },
    }),
  );
  server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  endpoint = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/oauth/token`;
  client = await createClient(store, { label: 'entra', scopes: [], expiresAt: null }, 'cli');
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await bridge.close();
});

/** As a process that has just started: nothing is remembered but what the database holds. */
function tokensFor(issuer = ISSUER, audience = AUDIENCE) {
  const { store, clock } = bridge;
  const keys = createKeyRing(store, clock);
  return createAccessTokens({ store, keys, clock, lifetimeMs: HOUR, issuer: () => issuer, audience: () => audience });
}

interface TokenAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: {
    readonly access_token: string;
    readonly token_type?: string;
    readonly expires_in?: number;
    readonly scope?: string;
    readonly error?: string;
    readonly error_description?: string;
  };
}

async function send(body: string, headers: Record<string, string> = {}, method = 'POST'): Promise<TokenAnswer> {
  const response = await fetch(endpoint, {
    method,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    ...(method === 'GET' ? {} : { body }),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as TokenAnswer['body'],
  };
}

const post = (fields: Record<string, string> = {}, made = client) =>
  send(
    new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: made.client.clientId,
      client_secret: made.secret,
      ...fields,
    }).toString(),
  );

const basic = (id: string, secret: string, form: Record<string, string> = { grant_type: 'client_credentials' }) =>
  send(new URLSearchParams(form).toString(), {
    authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
  });

const scim = async (token: string, method = 'GET', at = '/Users', body?: object) =>
  (await bridge.call(method, at, { token, ...(body === undefined ? {} : { body }) })).status;

describe('the token endpoint', () => {
  it('gives an access token of an hour for id and secret, in the header or in the form', async () => {
    for (const answer of [await post(), await basic(client.client.clientId, client.secret)]) {
      expect(answer.status).toBe(200);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('pragma')).toBe('no-cache');
      expect(answer.body).toEqual({ access_token: expect.any(String), token_type: 'Bearer', expires_in: 3600 });
      expect(await scim(answer.body.access_token)).toBe(200);
      expect(await scim(answer.body.access_token, 'POST', '/Users', userBody(answer.body.access_token.slice(-9)))).toBe(
        201,
      );
      expect(decodeProtectedHeader(answer.body.access_token)).toMatchObject({ alg: 'ES256', typ: 'at+jwt' });
      expect(decodeJwt(answer.body.access_token)).toMatchObject({
        ...{ iss: ISSUER, aud: AUDIENCE, sub: client.client.clientId },
        exp: Math.floor((bridge.clock.now() + HOUR) / 1000),
      });
    }
    const rows = await bridge.store.auditRows({ limit: 3 });
    expect(rows.map(({ actor }) => actor)).toContain('token:entra');
  });

  it('reads the header as RFC 6749 2.3.1 encodes it', async () => {
    const encoded = client.client.clientId.replaceAll('-', '%2D');
    expect((await basic(encoded, encodeURIComponent(client.secret))).status).toBe(200);
    expect((await basic('%', client.secret)).status).toBe(401);
  });

  it.each([
    ['a wrong secret', () => post({ client_secret: 'esb_client_guess' }), 401, 'invalid_client'],
    ['a wrong id', () => post({ client_id: 'somebody' }), 401, 'invalid_client'],
    ['no credentials', () => send('grant_type=client_credentials'), 401, 'invalid_client'],
    [
      'another scheme',
      () => send('grant_type=client_credentials', { authorization: 'Bearer x' }),
      401,
      'invalid_client',
    ],
    ['another grant', () => post({ grant_type: 'password' }), 400, 'unsupported_grant_type'],
    ['no grant', () => post({ grant_type: '' }), 400, 'unsupported_grant_type'],
    ['an unknown scope', () => post({ scope: 'admin' }), 400, 'invalid_scope'],
    ['JSON', () => send('{"grant_type":"x"}', { 'content-type': 'application/json' }), 400, 'invalid_request'],
    ['a doubled parameter', () => send('grant_type=a&grant_type=client_credentials'), 400, 'invalid_request'],
    ['prototypes for parameters', () => send('__proto__=a&constructor=b'), 401, 'invalid_client'],
    ['a body far too large', () => send(`grant_type=${'x'.repeat(20_000)}`), 413, 'invalid_request'],
    ['too many parameters', () => send('a=1&'.repeat(50)), 413, 'invalid_request'],
    ['a GET', () => send('', {}, 'GET'), 405, 'invalid_request'],
  ] as const)('refuses %s', async (_what, request, status, error) => {
    const answer = await request();
    expect([answer.status, answer.body.error]).toEqual([status, error]);
    if (status === 401) expect(answer.headers.get('www-authenticate')).toBe('Basic realm="scim"');
    expect(JSON.stringify(answer.body)).not.toContain('esb_client');
  });

  it('refuses credentials in two places, and the secret of one client with the id of another', async () => {
    const { clientId } = client.client;
    const both = await basic(clientId, client.secret, {
      grant_type: 'client_credentials',
      client_secret: client.secret,
    });
    expect([both.status, both.body.error]).toEqual([400, 'invalid_request']);
    const differing = await basic(clientId, client.secret, { grant_type: 'client_credentials', client_id: 'x' });
    expect(differing.status).toBe(400);
    const other = await createClient(bridge.store, { label: 'okta', scopes: [], expiresAt: null }, 'cli');
    expect((await post({ client_id: other.client.clientId })).status).toBe(401);
  });

  it('takes no SCIM or admin token for a client secret, and no client secret for a token', async () => {
    expect((await post({ client_secret: bridge.token })).status).toBe(401);
    expect(await scim(client.secret)).toBe(401);
  });

  it('slows guessing down, and never the client that knows its secret', async () => {
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 5; attempt += 1) statuses.push((await post({ client_secret: 'x' })).status);
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
    const limited = await basic('a', 'b');
    expect([limited.status, Number(limited.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect((await post()).status).toBe(200);
    bridge.clock.advance(MINUTE);
    expect((await post({ client_secret: 'x' })).status).toBe(401);
  });

  it('writes neither secret nor access token to the log', async () => {
    const { body } = await post();
    await post({ client_secret: 'esb_client_of-somebody-else' });
    expect(logLines.join('')).toContain('access token issued');
    for (const secret of [client.secret, body.access_token, 'esb_client_of-somebody-else'])
      expect(logLines.join('') + bridge.logLines.join('')).not.toContain(secret);
  });
});

describe('an access token', () => {
  it('ends after its time, with words for the IdP and without counting as a guess', async () => {
    const { body } = await post();
    bridge.clock.advance(HOUR - 1000);
    expect(await scim(body.access_token)).toBe(200);
    bridge.clock.advance(1000);
    for (let attempt = 0; attempt < 40; attempt += 1) expect(await scim(body.access_token)).toBe(401);
    const answer = await bridge.call('GET', '/Users', { token: body.access_token });
    expect(answer.body.detail).toContain('expired');
    expect(answer.headers['www-authenticate']).toContain('invalid_token');
  });

  it('ends at once with its client, and with the one secret that it was given for', async () => {
    const first = (await post()).body.access_token;
    const next = await rotateClient(
      bridge.store,
      client.client,
      { now: bridge.clock.now(), oldUntil: bridge.clock.now() + DAY, expiresAt: null },
      'cli',
    );
    const second = (await post({}, next)).body.access_token;
    await bridge.store.revokeToken(client.client.secrets[0]!.id, 'cli');
    expect([await scim(first), await scim(second)]).toEqual([401, 200]);
    await revokeClient(bridge.store, (await findClient(bridge.store, client.client.clientId))!, 'cli');
    expect(await scim(second)).toBe(401);
    expect((await post({}, next)).status).toBe(401);
  });

  it('of the old secret lives on after a rotation; the old secret works for the overlap', async () => {
    const old = (await post()).body.access_token;
    const now = bridge.clock.now();
    const next = await rotateClient(
      bridge.store,
      client.client,
      { now, oldUntil: now + 10 * MINUTE, expiresAt: null },
      'cli',
    );
    expect([(await post()).status, (await post({}, next)).status]).toEqual([200, 200]);
    bridge.clock.advance(10 * MINUTE);
    const late = await post();
    expect([late.status, late.body.error_description]).toEqual([401, expect.stringContaining('expired')]);
    expect((await post({}, next)).status).toBe(200);
    expect(await scim(old)).toBe(200);
  });

  it('is worth no more than its client is now: a scope that was taken away is gone at once', async () => {
    const all = (await post()).body.access_token;
    const groups = (await post({ scope: 'groups' })).body.access_token;
    expect([await scim(all, 'POST', '/Users', userBody('ann')), await scim(groups, 'GET', '/Groups')]).toEqual([
      201, 200,
    ]);
    const { clientId, label } = client.client;
    const narrowed = { id: 'narrowed', kind: 'oauthClient', clientId, label, expiresAt: null } as const;
    await bridge.store.addToken({ ...narrowed, scopes: ['users', 'read'], hash: newToken('oauthClient').hash }, 'cli');
    expect([await scim(all), await scim(all, 'POST', '/Users', userBody('eve'))]).toEqual([200, 403]);
    expect([await scim(all, 'GET', '/Groups'), await scim(groups, 'GET', '/Groups')]).toEqual([403, 401]);
  });

  it('is worth the scopes that its client has, narrowed to what was asked for, and never more', async () => {
    const make = async (scopes: readonly string[], scope: string) => {
      const made = await createClient(bridge.store, { label: `c${scope}`, scopes, expiresAt: null }, 'cli');
      return post({ scope }, made);
    };
    const usersOnly = (await make([], 'users')).body;
    expect(usersOnly.scope).toBe('users');
    expect([await scim(usersOnly.access_token), await scim(usersOnly.access_token, 'GET', '/Groups')]).toEqual([
      200, 403,
    ]);
    const reader = (await make(['read'], 'users')).body;
    expect(reader.scope).toBe('users read');
    expect(await scim(reader.access_token, 'POST', '/Users', userBody('eve'))).toBe(403);
    for (const [has, asks] of [
      [['users'], 'groups'],
      [['users'], 'users groups'],
      [['groups', 'read'], 'users'],
    ] as const) {
      expect((await make(has, asks)).body.error).toBe('invalid_scope');
    }
    expect((await make(['users'], 'scim')).body.scope).toBe('users');
  });
});

describe('a forged access token', () => {
  const claims = () => ({ ...decodeJwt(token), exp: Math.floor(bridge.clock.now() / 1000) + 3600 });
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  let token: string;
  let kid: string;
  beforeEach(async () => {
    token = (await post()).body.access_token;
    kid = decodeProtectedHeader(token).kid!;
    expect(await scim(token)).toBe(200);
  });

  const forgeries: readonly (readonly [string, () => Promise<string> | string])[] = [
    ['without a signature (alg none)', () => `${encode({ alg: 'none', typ: 'at+jwt', kid })}.${encode(claims())}.`],
    [
      'signed with the public key as an HMAC secret (HS256)',
      async () => {
        const stored = JSON.parse((await bridge.store.setting('oauthKeys'))!) as { jwk: Record<string, string> }[];
        const publicJwk = { ...stored.at(-1)!.jwk };
        delete publicJwk['d'];
        const spki = await exportSPKI((await importJWK({ ...publicJwk, ext: true }, 'ES256')) as CryptoKey);
        const text = `${encode({ alg: 'HS256', typ: 'at+jwt', kid })}.${encode(claims())}`;
        return `${text}.${createHmac('sha256', spki).update(text).digest('base64url')}`;
      },
    ],
    [
      'signed with a key of its own that it brings along (jwk, jku)',
      async () => {
        const { privateKey } = await generateKeyPair('ES256');
        const header = { alg: 'ES256', typ: 'at+jwt', kid, jku: 'https://evil.example/jwks' } as const;
        return new SignJWT(claims()).setProtectedHeader(header).sign(privateKey);
      },
    ],
    [
      'with an unknown key id',
      async () => {
        const { privateKey } = await generateKeyPair('ES256');
        return new SignJWT(claims())
          .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: '../../x' })
          .sign(privateKey);
      },
    ],
    [
      'with other claims under the old signature',
      () => {
        const [head, , signature] = token.split('.');
        return `${head!}.${encode({ ...claims(), sub: 'somebody' })}.${signature!}`;
      },
    ],
    ['cut off', () => token.slice(0, -3)],
  ];

  it.each(forgeries)('opens nothing: %s', async (_what, forge) => {
    expect(await scim(await forge())).toBe(401);
    expect(await scim(token)).toBe(200);
  });

  it.each([
    ['for another audience', ISSUER, 'https://other.example/scim/v2'],
    ['from another issuer', 'https://other.example', AUDIENCE],
  ])('opens nothing although our key signed it: %s', async (_what, issuer, audience) => {
    const foreign = tokensFor(issuer, audience);
    const [secret] = client.client.secrets;
    const other = await foreign.issue({ ...secret!, clientId: client.client.clientId }, []);
    expect(await foreign.verify(other)).toMatchObject({ label: 'entra' });
    expect(await scim(other)).toBe(401);
  });

  it('of another type or without an end opens nothing, although our key signed it', async () => {
    const { key } = await createKeyRing(bridge.store, bridge.clock).signingKey();
    const sign = (payload: object, typ: string) =>
      new SignJWT({ ...payload }).setProtectedHeader({ alg: 'ES256', typ, kid }).sign(key);
    const endless: Partial<ReturnType<typeof claims>> = claims();
    delete endless.exp;
    expect(await scim(await sign(claims(), 'at+jwt'))).toBe(200);
    expect(await scim(await sign(claims(), 'JWT'))).toBe(401);
    expect(await scim(await sign(endless, 'at+jwt'))).toBe(401);
  });
});

describe('the key ring', () => {
  const kidOf = async () => decodeProtectedHeader((await post()).body.access_token).kid;

  it('survives a restart, is replaced after 30 days, and verifies with the old key until its tokens have ended', async () => {
    const first = await kidOf();
    bridge.clock.advance(30 * DAY - 10 * MINUTE);
    const old = (await post()).body.access_token;
    expect(decodeProtectedHeader(old).kid).toBe(first);
    bridge.clock.advance(10 * MINUTE);
    expect(await kidOf()).not.toBe(first);
    expect(await scim(old)).toBe(200);
    const known = async () => (JSON.parse((await bridge.store.setting('oauthKeys'))!) as unknown[]).length;
    expect(await known()).toBe(2);
    bridge.clock.advance(30 * DAY);
    await kidOf();
    expect(await known()).toBe(2); // the first one is forgotten
  });

  it('makes one key for many first requests', async () => {
    const keys = createKeyRing(bridge.store, bridge.clock);
    const kids = await Promise.all(Array.from({ length: 5 }, () => keys.signingKey()));
    expect(new Set(kids.map(({ kid }) => kid)).size).toBe(1);
  });

  it('goes on when the clock is set back or forward a day', async () => {
    const { access_token: token } = (await post()).body;
    const first = await kidOf();
    bridge.clock.jump(-DAY);
    expect(await scim(token)).toBe(200);
    expect(await kidOf()).toBe(first);
    bridge.clock.jump(2 * DAY);
    expect(await scim(token)).toBe(401); // a day is longer than it lives: the IdP asks for a new one
    expect(await scim((await post()).body.access_token)).toBe(200);
  });
});
