/**
 * The whole life of a bridge, with everything that may go wrong in it, and then a search for every
 * secret in all that came out: log, greeting, answers, pages, metrics, errors, commands, the list of
 * processes, the alerts, every byte of every file. A real process at LOG_LEVEL=debug.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hashToken, newToken } from '../../src/domain/secret-token.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { ensureBuilt } from '../support/bridge-process.js';
import { addressOf, startProcessBridge, type ProcessBridge } from '../support/process-bridge.js';
import { ADMIN_PAGES } from '../support/admin-pages.js';

const USER_URN = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH_URN = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

const scimToken = newToken('scim').secret;
const adminToken = newToken('admin').secret;
const wrongToken = newToken('scim').secret;
const webhookPath = `/hooks/${randomBytes(24).toString('base64url')}`;
const password = `pw-${randomBytes(24).toString('base64url')}`;

/** Secret by name. Those that are made on the way join them. */
const secrets = new Map<string, string>([
  ['SCIM token', scimToken],
  ['admin token', adminToken],
  ['a token that is none', wrongToken],
  ['webhook URL', webhookPath],
  ['password of a user', password],
]);
/** Everything that came out, by where. Answers whose purpose is to show a secret once are not kept. */
const output = new Map<string, string>();
const keep = (where: string, text: string): void => void output.set(`${String(output.size)} ${where}`, text);

/** A part of a secret is one, too: so long that it is no accident. */
const WINDOW = 14;

/** Where the secret, a part of it, or what a header makes of it stands. */
function findIn(text: string, secret: string): string | null {
  const inBase64 = ['', 'x', 'xx'].map((before) =>
    Buffer.from(before + secret)
      .toString('base64')
      .slice(4, -4),
  );
  const forms = [secret, encodeURIComponent(secret), ...inBase64];
  for (const form of forms) {
    // What every secret of its kind begins with is none.
    const from = form.startsWith('esb_') ? form.lastIndexOf('_', 12) + 1 : 0;
    for (let start = from; start + WINDOW <= form.length; start += 1) {
      const part = form.slice(start, start + WINDOW);
      if (text.includes(part)) return part;
    }
  }
  return null;
}

const findings = (): string[] =>
  [...secrets].flatMap(([name, secret]) =>
    [...output].flatMap(([where, text]) => (findIn(text, secret) === null ? [] : [`${name} in ${where}`])),
  );

let bridge: ProcessBridge;
let webhook: Server;
let alertsTaken = 0;
let alertsRefused = 0;

/** Throws what a bug would: an error that carries the key in every place where an error can. */
const BUG = `
process.once('SIGUSR2', () => {
  const key = process.env.ELEVENLABS_API_KEY;
  const cause = Object.assign(new Error('key ' + key), { headers: { 'xi-api-key': key }, config: { key } });
  throw Object.assign(new Error('a bug with ' + key, { cause }), { body: { key }, token: key });
});
`;

beforeAll(async () => {
  ensureBuilt();
  webhook = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => keep('the body of an alert', text));
    request.on('end', () => {
      // The first is refused: what then goes to the log must not name the address.
      response.statusCode = alertsTaken + alertsRefused === 0 ? 500 : 204;
      if (response.statusCode === 500) alertsRefused += 1;
      else alertsTaken += 1;
      response.end(`you called ${String(request.url)}`);
    });
  });
  await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));
  const { port } = webhook.address() as AddressInfo;
  bridge = await startProcessBridge({
    seed: minimalSeed({
      members: [{ email: addressOf('owner'), owner: true }, { email: addressOf('member') }],
      groups: [{ name: 'Sales' }],
    }),
    env: { LOG_LEVEL: 'debug', SCIM_TOKEN: '', ELEVENLABS_TIMEOUT_MS: '1000', ALERT_WEBHOOK_ALLOW_PRIVATE: 'true' },
    before(directory, sandbox) {
      secrets.set('API key', sandbox.apiKey());
      const write = (name: string, text: string): string => {
        writeFileSync(path.join(directory, name), text, { mode: 0o600 });
        return path.join(directory, name);
      };
      return {
        SCIM_TOKEN_FILE: write('given-scim', `${scimToken}\n`),
        ADMIN_TOKEN_FILE: write('given-admin', adminToken),
        ALERT_WEBHOOK_URL: `http://127.0.0.1:${String(port)}${webhookPath}`,
        NODE_OPTIONS: `--import ${write('given-bug.mjs', BUG)}`,
      };
    },
  });
}, 180_000);
afterAll(async () => {
  await bridge.close();
  webhook.closeAllConnections();
  await new Promise((resolve) => webhook.close(resolve));
});

interface Sent {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

/** One request; its answer is kept, headers and all, unless it is there to show a secret. */
async function send(
  method: string,
  at: string,
  init: {
    readonly headers?: Record<string, string>;
    readonly body?: string | URLSearchParams;
    readonly shows?: true;
  } = {},
): Promise<Sent> {
  const response = await fetch(bridge.origin + at, {
    ...{ method, redirect: 'manual', headers: { connection: 'close', ...init.headers } },
    ...(init.body === undefined ? {} : { body: init.body }),
  });
  const text = await response.text();
  const headers = [...response.headers].filter(([name]) => !(init.shows === true && name === 'set-cookie'));
  if (init.shows !== true) keep(`${method} ${at.replace(/\?.*/, '')}: body`, text);
  keep(`${method} ${at.replace(/\?.*/, '')}: headers`, JSON.stringify(headers));
  return { status: response.status, text, headers: response.headers };
}

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const scim = (method: string, at: string, body?: object, token = scimToken): Promise<Sent> =>
  send(method, `/scim/v2${at}`, {
    headers: { ...bearer(token), 'content-type': 'application/scim+json' },
    ...(body && { body: JSON.stringify(body) }),
  });
const person = (name: string, more: object = {}): object => ({
  ...{
    schemas: [USER_URN],
    userName: addressOf(name),
    emails: [{ value: addressOf(name), primary: true }],
    active: true,
  },
  ...more,
});
const patch = (...Operations: readonly object[]): object => ({ schemas: [PATCH_URN], Operations });

/** A command beside the server, in the same environment. */
function command(args: readonly string[], how: { readonly shows?: true } = {}): string {
  const run = spawnSync(process.execPath, ['dist/main.js', ...args], {
    encoding: 'utf8',
    env: { ...environmentOf(bridge.pid), NODE_OPTIONS: '' },
  });
  if (how.shows !== true) keep(`the command ${args.join(' ')}`, run.stdout);
  keep(`errors of the command ${args.join(' ')}`, run.stderr);
  return run.stdout;
}

const environmentOf = (pid: number): Record<string, string> =>
  Object.fromEntries(
    readFileSync(`/proc/${String(pid)}/environ`, 'utf8')
      .split('\0')
      .filter((entry) => entry !== '')
      .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );

const PAGES = [
  ...[...ADMIN_PAGES, '/setup/okta'],
  ...['/users?q=member', '/trace?q=member', '/nowhere', '/users/none', '/audit.csv', '/audit?format=csv'],
];

async function livesAsIdp(): Promise<string> {
  const created = await scim('POST', '/Users', person('zoe', { password, title: 'Engineer' }));
  expect(created.status).toBe(201);
  const { id } = JSON.parse(created.text) as { id: string };
  const group = await scim('POST', '/Groups', { displayName: 'Sales', members: [{ value: id }] });
  expect(group.status).toBe(201);
  await scim('PATCH', `/Users/${id}`, patch({ op: 'replace', path: 'password', value: password }));
  await scim('PUT', `/Users/${id}`, person('zoe', { password }));
  for (const at of ['/Users', `/Users/${id}`, '/Groups', '/Schemas', '/ServiceProviderConfig', '/ResourceTypes', '/Me'])
    await scim('GET', at);
  // Of a filter that is wrong the answer may repeat the beginning, to the one who sent it.
  await send('GET', `/scim/v2/Users?filter=${encodeURIComponent(`password eq "${password}"`)}`, {
    headers: bearer(scimToken),
    shows: true,
  });
  return id;
}

/** Everything that an IdP, a browser or a stranger may do wrong, with secrets in the wrong places. */
async function livesBadly(id: string): Promise<void> {
  const wrong: readonly Promise<Sent>[] = [
    scim('GET', '/Users', undefined, wrongToken),
    scim('GET', '/Users', undefined, adminToken),
    scim('GET', `/Users?access_token=${scimToken}&token=${wrongToken}`),
    scim('POST', '/Users', { schemas: ['urn:nothing'], userName: 7, password: { a: password } }),
    scim('POST', '/Users', person('zoe')),
    scim('PATCH', `/Users/${id}`, patch({ op: 'replace', path: `password[value eq "x`, value: password })),
    scim('DELETE', '/Users/none'),
    send('POST', '/scim/v2/Users', {
      headers: { ...bearer(scimToken), 'content-type': 'text/xml' },
      body: `<x>${password}</x>`,
    }),
    send('POST', '/scim/v2/Users', {
      headers: { ...bearer(scimToken), 'content-type': 'application/json' },
      body: `{"password":"${password}"`,
    }),
    send('GET', '/scim/v2/Users', {
      headers: { authorization: `Basic ${Buffer.from(`x:${scimToken}`).toString('base64')}` },
    }),
    send('GET', '/scim/v2/Users', {
      headers: { 'x-api-key': scimToken, 'user-agent': `okta ${wrongToken}`, cookie: `esb_session=${adminToken}` },
    }),
    send('GET', `/nowhere?token=${scimToken}`),
    send('POST', '/oauth/token', {
      body: new URLSearchParams({ grant_type: 'client_credentials', client_id: 'x', client_secret: wrongToken }),
    }),
    send('POST', '/admin/login', { body: new URLSearchParams({ token: wrongToken }) }),
    send('POST', '/admin/login', { body: new URLSearchParams({ token: scimToken, next: 'https://evil.example' }) }),
  ];
  for (const { status } of await Promise.all(wrong)) expect(status).toBeLessThan(500);
}

async function livesAsOAuthClient(): Promise<void> {
  const shown = JSON.parse(command(['oauth-client', 'create', 'entra', '--json'], { shows: true })) as Record<
    string,
    string
  >;
  const clientId = shown['clientId'] ?? shown['client_id'] ?? '';
  const secret = shown['secret'] ?? shown['clientSecret'] ?? shown['client_secret'] ?? '';
  expect([clientId, secret]).not.toContain('');
  secrets.set('OAuth client secret', secret);
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: secret });
  const answer = await send('POST', '/oauth/token', { body: form, shows: true });
  const { access_token: token } = JSON.parse(answer.text) as { access_token: string };
  secrets.set('access token', token.slice(token.lastIndexOf('.') + 1));
  expect((await scim('GET', '/Users', undefined, token)).status).toBe(200);
  await scim('POST', '/Users', person('by-oauth'), token);
  await scim('GET', `/Users?access_token=${token}`, undefined, `${token}x`);
  await send('POST', '/oauth/token', { body: `${form.toString()}&grant_type=x` });
  await send('GET', `/oauth/token?${form.toString()}`);
}

async function livesAsAdministrator(id: string): Promise<void> {
  const login = await send('POST', '/admin/login', { body: new URLSearchParams({ token: adminToken }), shows: true });
  const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  secrets.set('session cookie', cookie.slice(cookie.indexOf('=') + 1));
  const browser = { cookie, accept: 'text/html' };
  for (const page of [...PAGES, `/users/${id}`]) await send('GET', `/admin${page}`, { headers: browser });
  const tokens = await send('GET', '/admin/tokens', { headers: browser });
  const csrf = /name="csrf" value="([^"]+)"/.exec(tokens.text)?.[1] ?? '';
  expect(csrf).not.toBe('');
  const act = (at: string, fields: Record<string, string>, shows?: true): Promise<Sent> =>
    send('POST', `/admin${at}`, {
      headers: browser,
      body: new URLSearchParams({ csrf, ...fields }),
      ...(shows && { shows }),
    });
  const made = await act('/tokens', { kind: 'scim', label: 'second', days: '30', expires: '30' }, true);
  const secret = /esb_[A-Za-z0-9_-]{43}/.exec(made.text)?.[0] ?? '';
  expect(secret).not.toBe('');
  secrets.set('token made on the page', secret);
  await scim('GET', '/Users', undefined, secret);
  await act('/sync', {});
  await act(`/users/${id}/retry`, {});
  await act('/changes/release', { csrf: 'wrong' });
  await act('/nowhere', {});
  for (const page of PAGES)
    await send('GET', `/admin${page}`, { headers: { ...bearer(adminToken), accept: 'application/json' } });
  await act('/logout', {});
  await send('GET', '/admin', { headers: browser });
}

/** A workspace that fails in every way, and tells the key to whoever asks. */
async function livesWithFaults(): Promise<void> {
  const { control } = bridge.sandbox;
  const key = secrets.get('API key');
  const invites = { method: 'POST', path: '/v1/workspace/invites/add', times: 1 } as const;
  const told = { detail: { status: 'odd', message: `the key ${String(key)} is odd`, key } };
  const faults = [
    { kind: 'status', status: 500, body: told },
    { kind: 'status', status: 422, body: told },
    { kind: 'status', status: 400, body: told, headers: { 'x-odd': String(key) } },
    { kind: 'html', status: 502 },
    { kind: 'reset' },
    { kind: 'hang' },
    { kind: 'redirect', location: `https://evil.example/${String(key)}` },
    { kind: 'violation', violation: 'brokenJson' },
  ] as const;
  for (const [index, fault] of faults.entries()) {
    const name = `fault${String(index)}`;
    control.addFault({ ...invites, bodyIncludes: addressOf(name), fault });
    await scim('POST', '/Users', person(name));
  }
  await bridge.until(() => control.requests(invites).length > faults.length + 1, 'calls with faults');
  control.releaseHanging({ drop: true });
  control.addFault({
    times: 3,
    fault: {
      kind: 'status',
      status: 401,
      body: { detail: { status: 'invalid_api_key', message: `Invalid API key ${String(key)}` } },
    },
  });
  await bridge.until(() => alertsTaken > 0 && alertsRefused > 0, 'an alert that is taken in the second attempt');
  await scim('POST', '/Users', person('while-rejected'));
  for (const at of ['/healthz', '/readyz', '/metrics', '/admin'])
    await send('GET', at, { headers: { ...bearer(adminToken), accept: 'text/html' } });
}

describe('no secret', () => {
  it('comes out of a whole life, its faults and its end', async () => {
    const id = await livesAsIdp();
    await livesBadly(id);
    await livesAsOAuthClient();
    await livesAsAdministrator(id);
    await livesWithFaults();
    for (const args of [
      ...[
        ['token', 'list'],
        ['oauth-client', 'list'],
        ['doctor'],
        ['doctor', '--json'],
        ['plan'],
        ['held', 'list'],
        ['report', 'access'],
      ],
      ...[
        ['explain', addressOf('zoe')],
        ['trace', addressOf('zoe')],
        ['trace', addressOf('fault1'), '--json'],
        ['users', 'list'],
      ],
    ])
      command(args);
    for (const at of ['/healthz', '/readyz', '/metrics', '/scim/v2/ServiceProviderConfig']) await send('GET', at);
    keep(
      'the list of processes',
      spawnSync('ps', ['-ww', '-o', 'args=', '-p', String(bridge.pid)], { encoding: 'utf8' }).stdout,
    );
    expect([...output].at(-1)?.[1]).toContain('main.js');
    bridge.process.kill('SIGUSR2');
    expect(await bridge.process.ended).toBe(70);
    keep('stdout', bridge.process.stdout());
    keep('stderr', bridge.process.stderr());
    for (const file of readdirSync(bridge.directory, { recursive: true }) as string[]) {
      if (path.basename(file).startsWith('given-') || statSync(path.join(bridge.directory, file)).isDirectory())
        continue;
      keep(`the file ${file}`, readFileSync(path.join(bridge.directory, file), 'latin1'));
    }
    expect(findings()).toEqual([]);
  }, 240_000);

  it('would have been overlooked: what was meant to happen did, and the search finds what is there', () => {
    const everything = [...output.values()].join('\n');
    // The bug, the refused alert, the key that was rejected, the wrong secrets: all of them were logged.
    for (const words of [
      'a bug with [redacted]',
      'the webhook did not take an alert',
      'keyRejected',
      '"status":401',
      'access token issued',
    ])
      expect([words, everything.includes(words)]).toEqual([words, true]);
    const database = [...output].find(([where]) => where.endsWith('bridge.db'))?.[1] ?? '';
    const wal = [...output].find(([where]) => where.endsWith('bridge.db-wal'))?.[1] ?? '';
    for (const name of ['SCIM token', 'admin token', 'OAuth client secret', 'token made on the page'])
      expect([name, (database + wal).includes(hashToken(secrets.get(name) ?? ''))]).toEqual([name, true]);
    expect(secrets.size).toBe(10);
    for (const [name, secret] of secrets) {
      const basic = Buffer.from(`client:${secret}`).toString('base64');
      for (const text of [`a ${secret} b`, secret.slice(-20), encodeURIComponent(secret), `Basic ${basic}`])
        expect([name, text, findIn(text, secret)]).not.toContain(null);
    }
  });
});
