/** OAuth as an identity provider uses it, and as an attacker would: token endpoint and SCIM over HTTP. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import pino from 'pino';
import { hashToken } from '../../src/domain/secret-token.js';
import { openConnection } from '../../src/store/connection.js';
import { createAssertions } from '../../src/auth/assertions.js';
import { createClient, findClient, revokeClient, rotateClient, type NewSecret } from '../../src/auth/clients.js';
import { createTokenEndpoint } from '../../src/auth/token-endpoint.js';
import { userBody, startBridge, type Bridge } from '../scim-http/bridge.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let bridge: Bridge;
let server: Server;
let endpoint: string;
let client: NewSecret;
let logLines: string[];

beforeEach(async () => {
  logLines = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => logLines.push(line) });
  bridge = await startBridge({ attempts: { limit: 3, windowMs: MINUTE, maxAddresses: 10 } });
  const { store, clock, doors } = bridge;
  const app = express();
  app.use(
    '/oauth/token',
    createTokenEndpoint({
      ...{ store, clock, log, doors, lifetimeMs: HOUR },
      assertions: createAssertions({ store, clock, fetch }),
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
      expect(answer.body.access_token).toMatch(/^esb_access_[\w-]{43}$/);
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

  it('slows guessing down for right and wrong guesses alike, but not where the secret was shown before', async () => {
    const guess = async () => (await post({ client_secret: 'x' })).status;
    const guesses = async () => [await guess(), await guess(), await guess(), await guess(), await guess()];
    expect(await guesses()).toEqual([401, 401, 401, 429, 429]);
    const limited = await post();
    expect([limited.status, Number(limited.headers.get('retry-after')) > 0]).toEqual([429, true]);
    bridge.clock.advance(MINUTE);
    expect((await post()).status).toBe(200);
    expect(await guesses()).toEqual([401, 401, 401, 429, 429]);
    expect((await post()).status).toBe(200);
  });

  it('reports each failure with the client, where it is known', async () => {
    await post({ client_secret: 'x' });
    await bridge.store.revokeToken(client.client.secrets[0]!.id, 'cli');
    await post();
    expect(bridge.failures).toMatchObject([
      { door: 'token', reason: 'unknown', address: '127.0.0.1', clientId: null },
      { door: 'token', reason: 'revoked', token: 'entra', clientId: client.client.clientId },
    ]);
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

  it('is found by one look-up in an index, however many there are', async () => {
    const { body } = await post();
    const db = openConnection(bridge.databasePath);
    const rows = db
      .prepare('SELECT hash, parent_id IS NOT NULL AS isGiven FROM tokens WHERE kind = ?')
      .all('access') as { readonly hash: string; readonly isGiven: number }[];
    const plan = db
      .prepare(
        'EXPLAIN QUERY PLAN SELECT t.id, p.id FROM tokens AS t LEFT JOIN tokens AS p ON p.id = t.parent_id WHERE t.hash = ?',
      )
      .all('x') as { readonly detail: string }[];
    db.close();
    expect(rows).toEqual([{ hash: hashToken(body.access_token), isGiven: 1 }]);
    expect(plan.every(({ detail }) => detail.startsWith('SEARCH'))).toBe(true);
    expect(await bridge.store.listTokens()).toHaveLength(2);
    expect(JSON.stringify(await bridge.store.auditRows({ limit: 50 }))).not.toContain('"access"');
  });

  it('is forgotten a day after its end, and an OAuth secret ninety days after', async () => {
    const made = await createClient(
      bridge.store,
      { label: 'short', scopes: [], expiresAt: bridge.clock.now() + DAY },
      'cli',
    );
    const { access_token: token } = (await post({}, made)).body;
    bridge.clock.advance(HOUR + DAY);
    expect(await bridge.store.purgeTokens()).toBe(0);
    bridge.clock.advance(1);
    expect(await bridge.store.purgeTokens()).toBe(1);
    expect((await bridge.call('GET', '/Users', { token })).body.detail).toContain('not valid here');
    bridge.clock.advance(90 * DAY);
    expect(await bridge.store.purgeTokens()).toBe(1);
    expect((await bridge.store.listTokens()).map(({ label }) => label).sort()).toEqual(['default', 'entra']);
  });

  it('fills no disk: a client in a loop has a thousand of them at most', async () => {
    const [secret] = client.client.secrets;
    const { id: parentId, clientId, label } = secret!;
    const oldest = (await post()).body.access_token;
    bridge.clock.advance(1);
    for (let index = 0; index < 1000; index += 1) {
      await bridge.store.addToken(
        { id: `a${index}`, kind: 'access', label, scopes: [], clientId, hash: `h${index}`, expiresAt: null, parentId },
        'x',
      );
    }
    expect(await scim(oldest)).toBe(401);
    expect(await scim((await post()).body.access_token)).toBe(200);
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
