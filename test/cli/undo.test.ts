/** `undo` beside a running server: it shows, asks, writes, and the workspace follows. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ensureBuilt, startProcess, type BridgeProcess } from '../support/bridge-process.js';
import { cli, onTerminal, type CliResult, type Place } from '../support/cli.js';

const PATCH_URN = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

let folder: string;
let bridge: BridgeProcess;
let place: Place;
let url: string;
let token: string;

beforeAll(async () => {
  ensureBuilt();
  folder = mkdtempSync(path.join(tmpdir(), 'bridge-undo-'));
  bridge = startProcess(['serve'], { cwd: folder, env: { PORT: '0', LOG_LEVEL: 'error' } });
  [, url = ''] = await bridge.says(/(http:\/\/127\.0\.0\.1:\d+)\/scim\/v2/);
  place = { cwd: folder, env: { PUBLIC_URL: url } };
  token = (await cli(place, 'token', 'create', 'test idp')).stdout.trim();
}, 180_000);

afterAll(async () => {
  bridge.kill('SIGTERM');
  await bridge.ended;
  rmSync(folder, { recursive: true, force: true });
});

const run = (...args: readonly string[]): Promise<CliResult> => cli(place, 'undo', ...args);

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers of any shape
async function scim(method: string, where: string, body?: object): Promise<any> {
  const answer = await fetch(`${url}/scim/v2${where}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json', connection: 'close' },
    ...(body && { body: JSON.stringify(body) }),
  });
  return answer.json();
}

const setActive = (id: string, value: boolean) =>
  scim('PATCH', `/Users/${id}`, { schemas: [PATCH_URN], Operations: [{ op: 'replace', path: 'active', value }] });

it('shows what it would do, asks, does it, and then has nothing left to do', async () => {
  const address = 'linus@acme.example';
  const { id } = await scim('POST', '/Users', { userName: address, active: true, emails: [{ value: address }] });
  const since = new Date().toISOString();
  await setActive(id, false);

  const preview = (await run('--since', since, '--json')).json();
  expect(preview).toMatchObject({
    done: false,
    items: [{ name: address, what: 'changed', detail: 'active again', problem: null }],
  });
  const unasked = await run('--since', since);
  expect([unasked.code, unasked.stdout]).toEqual([1, expect.stringContaining(address)]);
  expect(unasked.stderr).toContain('say --yes');
  expect((await onTerminal(place, 'n', 'undo', '--since', since)).code).toBe(1);
  expect((await scim('GET', `/Users/${id}`)).active).toBe(false);

  const asked = await onTerminal(place, 'y', 'undo', '--since', since);
  expect(asked.stdout).toContain('Write 1 change to the directory?');
  expect([asked.code, asked.stdout]).toEqual([0, expect.stringContaining('1 change written')]);
  expect((await scim('GET', `/Users/${id}`)).active).toBe(true);
  const again = await run('--since', since, '--yes', '--json');
  expect([again.code, again.json().items]).toEqual([0, []]);
  const { stdout } = await cli(place, 'trace', address);
  expect(stdout).toContain('user.undo');
}, 120_000);

it('wants a time, and none that is still to come', async () => {
  expect((await run()).code).toBe(64);
  expect((await run('--since', 'yesterday')).code).toBe(64);
  const { code, stderr } = await run('--since', '2999-01-01');
  expect([code, stderr]).toEqual([64, expect.stringContaining('in the future')]);
});
