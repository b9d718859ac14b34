/** Clients without a secret: a real issuer over TLS signs assertions, and the bridge believes those it was told to. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { createServer, request, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import pino from 'pino';
import { ASSERTION_TYPE, createAssertions, type FetchKeys } from '../../src/auth/assertions.js';
import { trustClient } from '../../src/auth/clients.js';
import { createTokenEndpoint } from '../../src/auth/token-endpoint.js';
import type { TokenRecord } from '../../src/store/port.js';
import { startBridge, userBody, type Bridge } from '../scim-http/bridge.js';

const ISSUER = 'https://login.example/tenant/v2.0';
const SUBJECT = 'provisioning-app';
const AUDIENCE = 'api://scim-bridge';

let folder: string;
let issuer: TlsServer;
let jwksUri: string;
let ca: Buffer;
let keys: { kid: string; publicJwk: object; privateKey: CryptoKey }[];
let fetches: number;
let bridge: Bridge;
let server: Server;
let endpoint: string;
let trusted: TokenRecord;

async function newKey(kid: string): Promise<(typeof keys)[number]> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { kid, publicJwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' }, privateKey };
}

/** Believes the certificate of the test; what a bridge believes by its system or NODE_EXTRA_CA_CERTS. */
const fetchTrusting: FetchKeys = (url) =>
  new Promise((resolve, reject) => {
    const asked = request(url, { ca }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve(new Response(text, { status: response.statusCode ?? 500 })));
    });
    asked.on('error', reject).end();
  });

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'issuer-'));
  const [cert, key] = [path.join(folder, 'tls.crt'), path.join(folder, 'tls.key')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync('openssl', ['req', '-x509', ...curve, ...names, '-out', cert, '-keyout', key], { stdio: 'ignore' });
  ca = readFileSync(cert);
  issuer = createServer({ cert: ca, key: readFileSync(key) }, (_request, response) => {
    fetches += 1;
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ keys: keys.map(({ publicJwk }) => publicJwk) }));
  });
  await new Promise<void>((resolve) => issuer.listen(0, 'localhost', resolve));
  jwksUri = `https://localhost:${String((issuer.address() as AddressInfo).port)}/keys`;
});

afterAll(async () => {
  issuer.closeAllConnections();
  await new Promise((resolve) => issuer.close(resolve));
  rmSync(folder, { recursive: true });
});

beforeEach(async () => {
  fetches = 0;
  keys = [await newKey('first')];
  bridge = await startBridge({ attempts: { limit: 30, windowMs: 60_000, maxAddresses: 10 } });
  const { store, clock, doors } = bridge;
  const trust = { issuer: ISSUER, jwksUri, subject: SUBJECT, audience: AUDIENCE };
  trusted = await trustClient(store, { label: 'entra', scopes: ['users'], trust }, { now: clock.now(), actor: 'cli' });
  const app = express();
  const log = pino({ enabled: false });
  const assertions = createAssertions({ store, clock, fetch: fetchTrusting });
  app.use('/oauth/token', createTokenEndpoint({ store, doors, assertions, clock, log, lifetimeMs: 6 * 3_600_000 }));
  server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  endpoint = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/oauth/token`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await bridge.close();
});

interface Wanted {
  readonly claims?: object;
  readonly header?: object;
  readonly key?: CryptoKey;
}

let serial = 0;

function sign({ claims = {}, header = {}, key }: Wanted = {}): Promise<string> {
  const now = Math.floor(bridge.clock.now() / 1000);
  const usual = { iss: ISSUER, sub: SUBJECT, aud: AUDIENCE, jti: `id-${serial++}`, iat: now, exp: now + 600 };
  return new SignJWT({ ...usual, ...claims })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: 'first', ...header })
    .sign(key ?? keys[0]!.privateKey);
}

async function post(assertion: string, more: Record<string, string> = {}) {
  const form = { grant_type: 'client_credentials', client_assertion_type: ASSERTION_TYPE, client_assertion: assertion };
  const response = await fetch(endpoint, { method: 'POST', body: new URLSearchParams({ ...form, ...more }) });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
}

describe('a signed assertion', () => {
  it('is worth an access token of one hour, with the scopes of the trust and its name in the audit log', async () => {
    const { status, body } = await post(await sign());
    expect([status, body]).toEqual([
      200,
      { access_token: expect.stringMatching(/^esb_access_/), token_type: 'Bearer', expires_in: 3600, scope: 'users' },
    ]);
    const token = body['access_token']!;
    expect((await bridge.call('POST', '/Users', { token, body: userBody('ann') })).status).toBe(201);
    expect((await bridge.call('GET', '/Groups', { token })).status).toBe(403);
    expect((await bridge.store.auditRows({ action: 'user.create', limit: 1 }))[0]?.actor).toBe('token:entra');
    bridge.clock.advance(3_600_000);
    expect((await bridge.call('GET', '/Users', { token })).status).toBe(401);
  });

  it('of private_key_jwt names its client id, which must be the one of the trust', async () => {
    expect((await post(await sign(), { client_id: SUBJECT })).status).toBe(200);
    expect((await post(await sign(), { client_id: trusted.clientId! })).status).toBe(200);
    expect((await post(await sign(), { client_id: 'somebody' })).status).toBe(401);
  });

  it('is believed once, also by a process that has just started', async () => {
    const assertion = await sign();
    expect((await post(assertion)).status).toBe(200);
    const again = await post(assertion);
    expect([again.status, again.body['error_description']]).toEqual([401, expect.stringContaining('used before')]);
    const { store, clock } = bridge;
    const restarted = createAssertions({ store, clock, fetch: fetchTrusting });
    expect((await restarted.verify(assertion, null)).kind).toBe('refused');
    const unnamed = await sign({ claims: { jti: undefined } });
    expect([(await post(unnamed)).status, (await post(unnamed)).status]).toEqual([200, 401]);
  });

  it('opens nothing any more once the trust is revoked, and neither does what it was worth', async () => {
    const token = (await post(await sign())).body['access_token']!;
    await bridge.store.revokeToken(trusted.id, 'cli');
    expect((await bridge.call('GET', '/Users', { token })).status).toBe(401);
    expect((await post(await sign())).status).toBe(401);
  });

  it.each<readonly [string, () => Promise<Wanted> | Wanted]>([
    ['of another issuer', () => ({ claims: { iss: 'https://login.example/other/v2.0' } })],
    ['about another subject', () => ({ claims: { sub: 'another-app' } })],
    ['for another audience', () => ({ claims: { aud: 'api://elsewhere' } })],
    ['that has expired', () => ({ claims: { exp: Math.floor(bridge.clock.now() / 1000) - 61 } })],
    ['that never ends', () => ({ claims: { exp: undefined } })],
    ['that lives for years', () => ({ claims: { exp: Math.floor(bridge.clock.now() / 1000) + 10 ** 8 } })],
    ['that is not valid yet', () => ({ claims: { nbf: Math.floor(bridge.clock.now() / 1000) + 3600 } })],
    ['signed with another key of that name', async () => ({ key: (await newKey('first')).privateKey })],
    [
      'signed with a key that it brings along',
      async () => {
        const own = await newKey('own');
        return { key: own.privateKey, header: { kid: 'own', jwk: own.publicJwk, jku: `${jwksUri}?evil` } };
      },
    ],
  ])('is not believed: %s', async (_what, wanted) => {
    expect((await post(await sign(await wanted()))).status).toBe(401);
    expect(bridge.failures).toMatchObject([{ door: 'token', reason: 'assertion', address: '127.0.0.1' }]);
    expect((await post(await sign())).status).toBe(200);
  });

  it('without a signature, cut off or together with a secret is refused', async () => {
    const [, claims] = (await sign()).split('.');
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims!}.`;
    expect([(await post(none)).status, (await post('a.b')).status, (await post(''))['status']]).toEqual([
      401, 401, 400,
    ]);
    expect((await post(await sign(), { client_secret: 'x' })).status).toBe(400);
    expect((await post(await sign(), { client_assertion_type: 'saml' })).status).toBe(400);
  });
});

describe('the keys of an issuer', () => {
  it('are fetched once, and unknown key ids make no flood of fetches', async () => {
    for (let count = 0; count < 3; count += 1) expect((await post(await sign())).status).toBe(200);
    expect(fetches).toBe(1);
    const stranger = await newKey('stranger');
    for (let count = 0; count < 10; count += 1)
      expect((await post(await sign({ key: stranger.privateKey, header: { kid: `k${count}` } }))).status).toBe(401);
    expect(fetches).toBe(1);
  });

  it('cannot be configured at an address without TLS', async () => {
    const trust = { issuer: ISSUER, jwksUri: 'http://localhost/keys', subject: SUBJECT, audience: AUDIENCE };
    const by = { now: bridge.clock.now(), actor: 'cli' };
    await expect(trustClient(bridge.store, { label: 'x', scopes: [], trust }, by)).rejects.toThrow('https://');
  });

  it('that cannot be fetched are no fault of the client: 503, and no failed authentication', async () => {
    const { store, clock } = bridge;
    const trust = { issuer: 'https://gone.example', jwksUri: 'https://localhost:1/keys', subject: 's', audience: 'a' };
    await trustClient(store, { label: 'gone', scopes: [], trust }, { now: clock.now(), actor: 'cli' });
    const assertion = await sign({ claims: { iss: trust.issuer, sub: 's', aud: 'a' } });
    expect((await post(assertion)).status).toBe(503);
    expect(bridge.failures).toEqual([]);
  });
});
