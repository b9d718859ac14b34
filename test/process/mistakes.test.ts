/**
 * Mistakes of operators, with real processes: two bridges on one database, no key where there was
 * one, the key of another workspace, an old backup. Nobody is harmed by any of them. Mistakes of the
 * IdP and of the workspace: test/reconcile/brake.test.ts, readings.test.ts and key.test.ts; clocks:
 * test/security/clock.test.ts.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { systemClock } from '../../src/clock.js';
import { createSandbox } from '../../src/sandbox/sandbox.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { ensureBuilt, startProcess, type BridgeProcess } from '../support/bridge-process.js';
import { cli, type CliResult } from '../support/cli.js';
import { addressOf, startProcessBridge, type ProcessBridge } from '../support/process-bridge.js';
import { snapshotWorkspace } from '../support/workspace-snapshot.js';

let bridge: ProcessBridge;
let others: BridgeProcess[];

beforeAll(ensureBuilt, 180_000);
beforeEach(async () => {
  others = [];
  const members = ['ann', 'bob', 'resident'].map((name) => ({ email: addressOf(name) }));
  bridge = await startProcessBridge({
    seed: minimalSeed({ members: [{ email: addressOf('owner'), owner: true }, ...members] }),
  });
}, 60_000);
afterEach(async () => {
  for (const one of others) {
    one.kill('SIGKILL');
    await one.ended;
  }
  await bridge.close();
});

/** Another process on the same database and workspace; null takes a variable away. */
function serve(changed: Readonly<Record<string, string | null>> = {}): BridgeProcess {
  const env = Object.entries({ ...bridge.env, ...changed }).filter(
    (pair): pair is [string, string] => pair[1] !== null,
  );
  const started = startProcess(['serve'], { cwd: bridge.directory, env: Object.fromEntries(env) });
  others.push(started);
  return started;
}

async function stop(): Promise<void> {
  bridge.process.kill('SIGTERM');
  expect(await bridge.process.ended).toBe(0);
}

const run = (...args: readonly string[]): Promise<CliResult> =>
  cli({ cwd: bridge.directory, env: bridge.env }, ...args);
const workspace = () => snapshotWorkspace(bridge.sandbox);
const writes = (): readonly string[] =>
  bridge.sandbox.control
    .requests()
    .filter(({ method }) => method !== 'GET')
    .map(({ path: where }) => where);
const lockedNow = (): readonly string[] =>
  Object.entries(workspace().members).flatMap(([address, { locked }]) => (locked ? [address] : []));

it('a second bridge on the database ends at once with 75, and the first goes on alone', async () => {
  const second = serve();
  expect(await second.ended).toBe(75);
  expect(second.stderr()).toContain('Another process already serves');
  expect((await bridge.createUser('zoe')).status).toBe(201);
  await bridge.until(() => bridge.mails()[addressOf('zoe')] === 1, 'the invite');
  expect(writes()).toHaveLength(1);
}, 60_000);

it('without its key the bridge does not start: a sandbox in its place would tell the IdP that all is well', async () => {
  await stop();
  const before = workspace();
  const keyless = [serve({ ELEVENLABS_API_KEY: null }), serve({ ELEVENLABS_API_KEY: null, DATABASE_PATH: null })];
  for (const one of keyless) {
    expect(await one.ended).toBe(78);
    expect(one.stderr()).toContain('ELEVENLABS_API_KEY is not set');
  }
  expect(existsSync(path.join(bridge.directory, 'data', 'sandbox.db'))).toBe(false);
  expect(workspace()).toEqual(before);
}, 60_000);

it('with the key of another workspace it ends with 78, and has asked that workspace for nothing but its name', async () => {
  const { id } = (await bridge.createUser('ann')).body;
  await stop();
  const other = createSandbox({ clock: systemClock, seed: minimalSeed({ workspaceId: 'another' }) });
  const listening = await other.listen();
  try {
    const stranger = serve({ ELEVENLABS_API_KEY: other.apiKey(), ELEVENLABS_BASE_URL: listening.url });
    expect(await stranger.ended).toBe(78);
    expect(stranger.stderr()).toContain('another');
    expect(other.control.requests().map(({ path: where }) => where)).toEqual(['/v1/user']);
  } finally {
    await listening.close();
  }
  await serve({ PORT: String(bridge.port) }).says(/"msg":"connected to the workspace"/);
  expect((await bridge.scim('GET', `/Users/${String(id)}`)).body.userName).toBe(addressOf('ann'));
}, 60_000);

it('an old backup sends nothing before it is accepted, and then undoes nothing of what came after it', async () => {
  const ids = [];
  for (const name of ['ann', 'bob']) ids.push((await bridge.createUser(name)).body.id);
  const backup = path.join(bridge.directory, 'old.db');
  expect((await run('backup', backup)).code).toBe(0);
  // What the backup does not know: ann has left, and cem was invited and has accepted.
  await bridge.setActive(String(ids[0]), false);
  await bridge.createUser('cem');
  await bridge.until(() => bridge.mails()[addressOf('cem')] === 1 && lockedNow().length === 1, 'both changes');
  bridge.sandbox.control.accept(addressOf('cem'));
  await stop();

  expect((await run('restore', backup, '--yes')).code).toBe(0);
  bridge.sandbox.control.clearRequests();
  const before = workspace();
  const restored = serve({ PORT: String(bridge.port), LOG_LEVEL: 'debug' });
  await restored.says(/"msg":"connected to the workspace"/);
  const isAccepted = async (): Promise<boolean> => (await run('plan', '--accept', '--yes')).code === 0;
  // The IdP goes on as if nothing had happened.
  expect((await bridge.createUser('dora')).status).toBe(201);
  expect((await bridge.setActive(String(ids[1]), false)).status).toBe(200);
  await run('sync');
  expect(writes()).toEqual([]);
  expect(workspace()).toEqual(before);

  await bridge.until(isAccepted, 'the plan is accepted');
  await bridge.until(() => bridge.mails()[addressOf('dora')] === 1 && lockedNow().length === 2, 'what the IdP wrote');
  // Found as a member, so there is no second invite.
  expect((await bridge.createUser('cem')).status).toBe(201);
  await run('sync');
  expect(lockedNow()).toEqual([addressOf('ann'), addressOf('bob')]);
  expect(bridge.mails()).toEqual({ [addressOf('cem')]: 1, [addressOf('dora')]: 1 });
  expect(workspace().members[addressOf('resident')]).toEqual(before.members[addressOf('resident')]);
}, 90_000);
