/** What a command changes, the running server notices: the end of a dry run, the log level. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/clock.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { createSandbox } from '../../src/sandbox/sandbox.js';
import type { Listening } from '../../src/sandbox/server.js';
import { ensureBuilt, startProcess, type BridgeProcess } from '../support/bridge-process.js';
import { cli, type CliResult, type Env } from '../support/cli.js';
import { until } from '../support/until.js';

const SCIM_TOKEN = 'esb_a-token-for-tests-of-no-further-use';
const ADMIN_TOKEN = 'esb_admin_a-token-for-tests-of-no-further-use';

let folder: string;
let listening: Listening;
let env: Env;
let bridge: BridgeProcess;
let url: string;

beforeAll(async () => {
  ensureBuilt();
  folder = mkdtempSync(path.join(tmpdir(), 'bridge-cli-'));
  const sandbox = createSandbox({ clock: systemClock, seed: minimalSeed() });
  listening = await sandbox.listen();
  env = {
    ...{ ELEVENLABS_API_KEY: sandbox.apiKey(), ELEVENLABS_BASE_URL: listening.url },
    ...{ DATABASE_PATH: path.join(folder, 'bridge.db'), PORT: '0', SCIM_TOKEN, ADMIN_TOKEN },
  };
}, 90_000);

afterEach(async () => {
  bridge.kill('SIGTERM');
  await bridge.ended;
});

afterAll(async () => {
  await listening.close();
  rmSync(folder, { recursive: true, force: true });
});

async function serve(): Promise<void> {
  bridge = startProcess(['serve'], { cwd: folder, env });
  [, url = ''] = await bridge.says(/(http:\/\/127\.0\.0\.1:\d+)\/scim\/v2/);
}

const run = (...args: readonly string[]): Promise<CliResult> => cli({ cwd: folder, env }, ...args);

interface Health {
  readonly mode: string;
  readonly workspace: { readonly phase: string };
}

const ask = (where: string): Promise<Response> =>
  fetch(url + where, { headers: { connection: 'close', authorization: `Bearer ${ADMIN_TOKEN}` } });
const health = async (): Promise<Health> => (await (await ask('/healthz')).json()) as Health;

async function invite(name: string): Promise<void> {
  const address = `${name}@workspace.example`;
  const answer = await fetch(`${url}/scim/v2/Users`, {
    method: 'POST',
    headers: { connection: 'close', authorization: `Bearer ${SCIM_TOKEN}`, 'content-type': 'application/scim+json' },
    body: JSON.stringify({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      ...{ userName: address, active: true, emails: [{ value: address, type: 'work', primary: true }] },
    }),
  });
  expect(answer.status).toBe(201);
}

describe('plan --accept', () => {
  it('ends the dry run for health, page and metrics, also where nothing is left to plan', async () => {
    expect((await run('migrate')).code).toBe(0);
    const backup = path.join(folder, 'backup.db');
    expect((await run('backup', backup)).code).toBe(0);
    expect((await run('restore', backup, '--yes')).code).toBe(0);
    await serve();
    const words = async () => ({
      mode: (await health()).mode,
      metric: /^scim_bridge_dry_run (\d)$/m.exec(await (await ask('/metrics')).text())?.[1],
      page: (await (await ask('/admin')).text()).includes('Dry run'),
    });
    await until(async () => (await health()).workspace.phase === 'serving', 'the bridge serves');
    expect(await words()).toEqual({ mode: 'dryRun', metric: '1', page: true });
    await until(async () => (await run('plan', '--accept', '--yes')).code === 0, 'the plan is accepted');
    await until(async () => (await health()).mode === 'live', 'the server notices');
    expect(await words()).toEqual({ mode: 'live', metric: '0', page: false });
  }, 60_000);
});

describe('log-level', () => {
  it('counts at once, until the next start', async () => {
    await serve();
    await invite('ann');
    await bridge.says(/"endpoint":"invites\.create"/);
    expect(bridge.stdout()).not.toContain('@workspace.example');
    expect(await run('log-level', 'debug')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('logs from debug on, until its next start'),
      stderr: expect.stringContaining('e-mail addresses'),
    });
    await invite('ben');
    await bridge.says(/^\{"level":"debug".*"endpoint":"invites\.create","person":"ben@workspace\.example"/m);
    expect((await run('log-level', 'default')).stdout).toContain('logs from info on');
    await invite('cem');
    await until(
      async () => bridge.stdout().match(/"endpoint":"invites\.create",.*"msg":"upstream call"/g)?.length === 3,
      'cem',
    );
    expect(bridge.stdout()).not.toContain('cem@workspace.example');
    expect((await run('log-level', 'silent')).code).toBe(0);
    bridge.kill('SIGTERM');
    await bridge.ended;
    // What was asked of the process before does not bind this one.
    await serve();
    await bridge.says(/"msg":"Serving\."/);
    await run('sync');
    await bridge.says(/a command asks for a reading/);
    const audit = (await (await ask('/admin/audit/export.jsonl')).text()).split('\n');
    expect(audit.filter((line) => line.includes('"log.level"'))).toHaveLength(3);
  }, 60_000);

  it('is refused where no bridge runs, and for a level that there is not', async () => {
    await serve();
    bridge.kill('SIGTERM');
    await bridge.ended;
    expect(await run('log-level', 'debug')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('set LOG_LEVEL'),
    });
    expect((await run('log-level', 'loud')).code).toBe(64);
  }, 30_000);
});
