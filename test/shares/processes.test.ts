/**
 * Shares with real processes: `kill -9` while a share and a withdrawal are under way, and the
 * commands beside the running server.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/clock.js';
import { createSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import type { Listening } from '../../src/sandbox/server.js';
import { ensureBuilt, startProcess, type BridgeProcess } from '../support/bridge-process.js';
import { cli } from '../support/cli.js';
import { snapshotWorkspace } from '../support/workspace-snapshot.js';
import { ADA, entitled, MAX, seed, setEntitlements, sharing, ZOE } from './support.js';

const TOKEN = 'esb_a-token-for-tests-of-no-further-use';

let directory: string;
let sandbox: Sandbox;
let listening: Listening;
let bridge: BridgeProcess;
let env: Readonly<Record<string, string>>;
let scimUrl: string;

beforeAll(ensureBuilt, 180_000);
beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'shares-'));
  sandbox = createSandbox({ clock: systemClock, seed: seed() });
  listening = await sandbox.listen();
  env = {
    ...{ PORT: '0', SCIM_TOKEN: TOKEN, PROVISION_WAIT_MS: '0', SYNC_INTERVAL_SECONDS: '2', LOG_LEVEL: 'info' },
    ...{ ELEVENLABS_API_KEY: sandbox.apiKey(), ELEVENLABS_BASE_URL: listening.url },
    DATABASE_PATH: path.join(directory, 'bridge.db'),
  };
  await start();
}, 60_000);
afterEach(async () => {
  bridge.kill('SIGKILL');
  await bridge.ended;
  await listening.close();
  rmSync(directory, { recursive: true, force: true });
});

async function start(): Promise<void> {
  bridge = startProcess(['serve'], { cwd: directory, env });
  const [, url = ''] = await bridge.says(/SCIM base URL\s+(http\S+)/);
  scimUrl = url;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers of any shape
async function scim(method: string, where: string, body: object): Promise<any> {
  const response = await fetch(scimUrl + where, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/scim+json', connection: 'close' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (response.status >= 300) throw new Error(`${method} ${where}: ${String(response.status)} ${text}`);
  return JSON.parse(text);
}

const create = async (email: string, more: object = {}): Promise<string> =>
  (await scim('POST', '/Users', { userName: email, emails: [{ value: email, primary: true }], active: true, ...more }))
    .id;
const patch = (id: string, operation: object): Promise<unknown> =>
  scim('PATCH', `/Users/${id}`, {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [operation],
  });
const sharesOf = (email: string): readonly string[] => snapshotWorkspace(sandbox).members[email]?.shares ?? [];
const ofGroup = (): readonly string[] => snapshotWorkspace(sandbox).groupShares['Support'] ?? [];

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain: ${what}\n${bridge.stdout().slice(-3000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('kill -9 with a share, a withdrawal and a share to a group under way', () => {
  it.each([
    ['before the workspace has done anything', false],
    ['after the workspace has done it, before the answer', true],
  ])(
    '%s',
    async (_when, applied) => {
      const zoe = await create(ZOE);
      const ada = await create(ADA, entitled('voice:voice1:viewer'));
      await until(() => sharesOf(ADA).length === 1, 'the first share');
      const fault = { kind: 'hang', applied } as const;
      const paths = { method: 'POST', path: '/v1/workspace/resources/*/' };
      sandbox.control.addFault({ ...paths, path: `${paths.path}share`, bodyIncludes: ZOE, times: 1, fault });
      sandbox.control.addFault({ ...paths, path: `${paths.path}share`, bodyIncludes: 'wgSupport', times: 1, fault });
      sandbox.control.addFault({ ...paths, path: `${paths.path}unshare`, bodyIncludes: ADA, times: 1, fault });
      // Calls about one resource are made one after the other.
      sandbox.control.createResource({ type: 'voice', id: 'voice2', creator: 'owner@workspace.example' });
      await patch(zoe, setEntitlements('convai_agents:agent1:editor'));
      await patch(ada, { op: 'remove', path: 'entitlements' });
      await scim('POST', '/Groups', { displayName: 'Support', ...sharing('voice:voice2:editor') });
      await until(() => sandbox.control.hanging() === 3, 'three calls under way');
      bridge.kill('SIGKILL');
      await bridge.ended;
      sandbox.control.releaseHanging({ drop: true });

      await start();
      await until(
        () => sharesOf(ZOE).length === 1 && sharesOf(ADA).length === 0 && ofGroup().length === 1,
        'the end of all three',
      );
      // What was given before the death is ours to take.
      await patch(zoe, { op: 'remove', path: 'entitlements' });
      await until(() => sharesOf(ZOE).length === 0, 'the withdrawal');
    },
    120_000,
  );
});

it('shares list and check beside the running server', async () => {
  await create(ZOE, entitled('voice:voice1:viewer'));
  await create(MAX);
  await until(() => sharesOf(ZOE).length === 1, 'the share');
  sandbox.control.share({ type: 'voice', id: 'voice1' }, 'editor', { userEmail: MAX });
  const place = { cwd: directory, env };
  const fresh = await cli(place, 'shares', 'check', '--fresh');
  expect([fresh.code, fresh.stdout.trim()]).toEqual([0, 'Everybody has what the rules say.']);
  const list = await cli(place, 'shares', 'list');
  expect(list.stdout).toContain('voice:voice1 (Brand voice)');
  expect(list.stdout).toContain('given by hand, no rule wants it; left so');
  const json = (await cli(place, 'shares', 'list', '--json')).json();
  expect(json.shares).toContainEqual(
    expect.objectContaining({ who: ZOE, wanted: 'viewer', has: 'viewer', given: 'viewer', verdict: 'ok' }),
  );
  await scim('POST', '/Groups', { displayName: 'Support', ...sharing('voice:nowhere:viewer') });
  let check = await cli(place, 'shares', 'check', '--json');
  for (let tries = 0; tries < 50 && check.code === 0; tries++) check = await cli(place, 'shares', 'check', '--json');
  expect(check.code).toBe(2);
  expect(JSON.stringify(check.json())).toContain('voice:nowhere');
}, 120_000);
