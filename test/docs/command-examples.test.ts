/**
 * Every whole command line of the pages, as it stands there, against the built bridge: one story from
 * the first token to a restore. What follows `elevenlabs-scim` in a page and is not played here fails.
 */
import { copyFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ensureBuilt, startProcess, type BridgeProcess } from '../support/bridge-process.js';
import { cli, onTerminal, type CliResult, type Env, type Place } from '../support/cli.js';
import { argumentsOf, codeOf, commandIn, PAGES, problemOf } from '../support/doc-examples.js';
import { until } from '../support/until.js';

const USER_URN = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP_URN = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const PATCH_URN = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

const inPages = new Set(
  PAGES.flatMap((page) => codeOf(page).flatMap((code) => commandIn(code) ?? [])).filter(
    // Others are named without what belongs behind them.
    (command) => command !== '<command>' && problemOf(argumentsOf(command, () => 'x')) === null,
  ),
);
const played = new Set<string>();

let folder: string;
let place: Place;
let bridge: BridgeProcess;
let url: string;
let token: string;
/** What stands for a placeholder, by now. */
const values = new Map<string, string>();

async function serve(more: Env = {}): Promise<void> {
  const env = { PORT: '0', LOG_LEVEL: 'error', PENDING_POLL_SECONDS: '1', ...more };
  bridge = startProcess(['serve'], { cwd: folder, env });
  [, url = ''] = await bridge.says(/(http:\/\/127\.0\.0\.1:\d+)\/scim\/v2/);
  [, token = ''] = await bridge.says(/SCIM token\s+(\S+)/);
  place = { cwd: folder, env: { PUBLIC_URL: url, ...more } };
}

async function stop(): Promise<void> {
  bridge.kill('SIGTERM');
  await bridge.ended;
}

beforeAll(async () => {
  ensureBuilt();
  folder = mkdtempSync(path.join(tmpdir(), 'bridge-examples-'));
  await serve();
}, 180_000);

afterAll(async () => {
  bridge.kill('SIGKILL');
  await bridge.ended;
  rmSync(folder, { recursive: true, force: true });
});

/** Plays a command line of the pages; on a terminal the answer to its question is yes. */
async function play(example: string, asks: 'asks' | 'does not ask' = 'does not ask'): Promise<CliResult> {
  expect(inPages).toContain(example);
  played.add(example);
  const args = argumentsOf(
    example,
    (placeholder) => values.get(placeholder) ?? `nothing stands for ${placeholder}`,
  ).map(
    // Folders of the operator, and a point in time before the mistake.
    (word) =>
      word
        .replace(/^\/(backups|data|tmp)\//, `${folder}/`)
        .replace(/^(2026-\d\d-\d\dT.*Z|\d+:[0-9a-f]{12})$/, (word) => values.get(word) ?? word),
  );
  if (asks === 'does not ask') return cli(place, ...args);
  const result = await onTerminal(place, 'y', ...args);
  expect(result.stdout).toContain('[y/N]');
  return result;
}

const playWell = async (example: string, asks?: 'asks'): Promise<string> => {
  const { code, stdout, stderr } = await play(example, asks);
  expect({ example, code, stderr: code === 0 ? '' : stderr + stdout }).toEqual({ example, code: 0, stderr: '' });
  return stdout;
};

async function scim(method: string, where: string, body: object, status: number): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json', connection: 'close' };
  const answer = await fetch(`${url}/scim/v2${where}`, { method, headers, body: JSON.stringify(body) });
  expect([method, where, answer.status]).toEqual([method, where, status]);
  return answer;
}

async function createUser(address: string): Promise<string> {
  const emails = [{ value: address, type: 'work', primary: true }];
  const answer = await scim('POST', '/Users', { schemas: [USER_URN], userName: address, active: true, emails }, 201);
  return ((await answer.json()) as { id: string }).id;
}

const disable = (id: string): Promise<Response> =>
  scim(
    'PATCH',
    `/Users/${id}`,
    { schemas: [PATCH_URN], Operations: [{ op: 'replace', path: 'active', value: false }] },
    200,
  );

describe('the command lines of the pages', () => {
  it('set the bridge up', async () => {
    expect(await playWell('--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
    for (const example of ['token create entra --expires 365d', 'token create okta --expires 365d'])
      expect(await playWell(example)).toMatch(/^esb_\S{40,}\n$/);
    values.set('<name>', 'onelogin');
    expect(await playWell('token create <name> --expires 365d')).toMatch(/^esb_/);
    expect(await playWell('token create prometheus --kind metrics')).toMatch(/^esb_/);
    expect(await playWell('oauth-client create entra')).toContain('Client secret');
    expect(await playWell('oauth-client create <name>')).toContain('Client secret');
    expect(await playWell('conformance')).toContain('0 failed');
    // Nobody reaches this bridge over https.
    const checked = await play('doctor');
    expect(checked.stdout.match(/^(warn|fail) .*$/gm)).toEqual([
      expect.stringMatching(/^warn +Public URL: .* is not https/),
      expect.stringMatching(/^warn +Tokens: no IdP has signed in yet/),
    ]);
    const alone = startProcess(['sandbox', '--port', '0'], { cwd: folder });
    played.add('sandbox');
    await alone.says(/ELEVENLABS_BASE_URL=http:\/\/127\.0\.0\.1:\d+ ELEVENLABS_API_KEY=\S+ npm start/);
    alone.kill('SIGTERM');
    expect(await alone.ended).toBe(0);
  }, 120_000);

  it('find out why', async () => {
    const ada = await createUser('ada.lovelace@acme.example');
    values.set('<e-mail>', 'ada.lovelace@acme.example');
    expect(await playWell('invites list')).toContain('ada.lovelace@acme.example');
    await until(async () => (await playWell('explain <e-mail>')).includes('ok   access: member'), 'a member');
    expect(await playWell('trace <e-mail>')).toContain('invites.create');
    const refused = await scim('POST', '/Users', { schemas: [USER_URN], userName: 'ada.lovelace@acme.example' }, 409);
    values.set('<id>', refused.headers.get('x-request-id') ?? '');
    await until(async () => (await play('trace <id>')).stdout.includes('is already held by user'), 'the refusal');
    const members = [{ value: ada }];
    await scim('POST', '/Groups', { schemas: [GROUP_URN], displayName: 'Designers', members }, 201);
    expect(await playWell('groups list')).toMatch(/Designers +1 +unlinked/);
    expect(await playWell('users list --status failed')).toBe('');
    expect(await playWell('shares list')).toBe('');
    expect(await playWell('shares check --fresh')).toContain('Everybody has what the rules say.');
    expect(await playWell('sync')).toContain('Read');
    expect(await playWell('sync --accept-smaller')).toContain('Read');
    expect(await playWell('drift')).toBe('');
    expect(await playWell('plan')).toContain('No call would be made now.');
    expect(await playWell('log-level debug')).toContain('logs from debug on');
    expect(await playWell('log-level default')).toContain('logs from error on');
  }, 120_000);

  it('decide what is held, and take a mistake back', async () => {
    await stop();
    // The first who loses access is one too many.
    await serve({ DEPROVISION_LIMIT: '0' });
    values.set('2026-11-24T08:00:00Z', new Date().toISOString());
    const { id } = (await cli(place, 'users', 'show', 'ada.lovelace@acme.example', '--json')).json() as { id: string };
    await disable(id);
    expect(await playWell('held list')).toContain('lock ada.lovelace@acme.example');
    expect(await playWell('held release --all', 'asks')).toContain('1 change released');
    await until(async () => (await playWell('explain <e-mail>')).includes('access: locked'), 'the lock');
    expect(await playWell('report leavers --csv')).toMatch(/^ada\.lovelace@acme\.example,.*,locked,/m);
    expect(await playWell('undo --since 2026-11-24T08:00:00Z', 'asks')).toContain('1 change written');
    await until(async () => (await playWell('explain <e-mail>')).includes('ok   access: member'), 'the unlock');
  }, 120_000);

  it('rotate, release and purge', async () => {
    expect(await playWell('token rotate okta --overlap 7d --expires 365d')).toMatch(/^esb_/);
    expect(await playWell('oauth-client rotate entra --overlap 7d')).toContain('Client secret');
    const bob = await createUser('bob@acme.example');
    await scim('DELETE', `/Users/${bob}`, {}, 204);
    expect((await cli(place, 'held', 'release', '--all', '--yes')).code).toBe(0);
    values.set('<user>', 'bob@acme.example');
    await until(async () => (await cli(place, 'plan')).code === 0, 'the invite is revoked');
    expect(await playWell('purge <user>', 'asks')).toContain('is removed');
    expect(await playWell('users release <e-mail>', 'asks')).toContain('is released');
  }, 120_000);

  it('verify and export the audit log', async () => {
    const head = /Newest row: (\d+:[0-9a-f]{64})/.exec(await playWell('audit verify'))?.[1] ?? '';
    const [id, hash] = head.split(':');
    writeFileSync(path.join(folder, 'bridge.log'), JSON.stringify({ auditCheckpoint: { id: Number(id), hash } }));
    values.set('1204:9f3ab0c41d22', head);
    expect(await playWell('audit verify --log bridge.log')).toContain('is whole');
    expect(await playWell('audit verify --checkpoint 1204:9f3ab0c41d22')).toContain('agrees');
    expect(await playWell('audit export --format jsonl')).toContain('"class_uid"');
  }, 120_000);

  it('save, restore and accept', async () => {
    expect(await playWell('backup /backups/bridge-2026-11-24.db')).toContain('opened and checked');
    expect(await playWell('backup /backups/bridge.db')).toContain('opened and checked');
    expect(await playWell('backup /data/backup.db')).toContain('opened and checked');
    copyFileSync(path.join(folder, 'backup.db'), path.join(folder, 'bridge.db'));
    await stop();
    for (const file of ['/backups/bridge-2026-11-24.db', '/backups/bridge.db', '/tmp/bridge.db', '/data/backup.db'])
      expect(await playWell(`restore ${file}`, 'asks')).toContain('is restored from');
    expect(await playWell('migrate')).toContain('is up to date');
    await serve();
    await until(async () => (await cli(place, 'plan', '--accept')).stderr.includes('--yes'), 'the first reading');
    expect(await playWell('plan')).toContain('would be made now');
    expect(await playWell('plan --accept', 'asks')).toContain('Accepted');
  }, 120_000);

  it('are all played', () => {
    expect([...inPages].filter((example) => !played.has(example))).toEqual([]);
    expect(inPages.size).toBeGreaterThan(30);
  });
});
