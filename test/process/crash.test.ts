/**
 * `kill -9` between the steps, with a real process and a real database file: whatever was
 * acknowledged is there afterwards and gets applied, and nobody gets a second e-mail but where the
 * answer to the first call was lost with the process.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/clock.js';
import { createSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import type { Listening } from '../../src/sandbox/server.js';
import { ensureBuilt, startProcess, type BridgeProcess } from '../support/bridge-process.js';
import { snapshotWorkspace } from '../support/workspace-snapshot.js';

const TOKEN = 'esb_a-token-for-tests-of-no-further-use';
const DISABLE = { op: 'replace', path: 'active', value: false };
const at = (name: string): string => `${name}@workspace.example`;

let directory: string;
let sandbox: Sandbox;
let listening: Listening;
let bridge: BridgeProcess;
let scimUrl: string;

beforeAll(ensureBuilt, 180_000);
beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'crash-'));
  sandbox = createSandbox({
    clock: systemClock,
    seed: minimalSeed({
      members: [{ email: at('owner'), owner: true }, { email: at('leaver') }, { email: at('joiner') }],
      groups: [{ name: 'Sales' }],
    }),
  });
  listening = await sandbox.listen();
}, 30_000);
afterEach(async () => {
  bridge.kill('SIGKILL');
  await bridge.ended;
  await listening.close();
  rmSync(directory, { recursive: true, force: true });
});

async function start(): Promise<void> {
  const env = {
    ...{ PORT: '0', SCIM_TOKEN: TOKEN, PROVISION_WAIT_MS: '0', PENDING_POLL_SECONDS: '1', SYNC_INTERVAL_SECONDS: '2' },
    ...{ ELEVENLABS_API_KEY: sandbox.apiKey(), ELEVENLABS_BASE_URL: listening.url },
    DATABASE_PATH: path.join(directory, 'bridge.db'),
  };
  bridge = startProcess(['serve'], { cwd: directory, env });
  const [, url] = await bridge.says(/SCIM base URL\s+(http\S+)/);
  scimUrl = url ?? '';
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers of any shape
async function scim(method: string, where: string, body?: object): Promise<any> {
  const response = await fetch(scimUrl + where, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/scim+json', connection: 'close' },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (response.status >= 300)
    throw new Error(`${method} ${where}: ${String(response.status)} ${await response.text()}`);
  const text = await response.text();
  return text === '' ? null : JSON.parse(text);
}

const create = async (name: string): Promise<string> =>
  (await scim('POST', '/Users', { userName: at(name), emails: [{ value: at(name), primary: true }], active: true })).id;
const patch = (where: string, operation: object): Promise<unknown> =>
  scim('PATCH', where, { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [operation] });

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited in vain: ${what}\n${bridge.stdout().slice(-3000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('kill -9 with an invite, a lock, a revocation and a group addition under way', () => {
  it.each([
    ['before the workspace has done anything', false],
    ['after the workspace has done it, before the answer', true],
  ])(
    '%s',
    async (_when, applied) => {
      await start();
      const pending = await create('pending');
      const leaver = await create('leaver');
      const joiner = await create('joiner');
      const sales = (await scim('POST', '/Groups', { displayName: 'Sales' })).id;
      await until(() => snapshotWorkspace(sandbox).pendingInvites[at('pending')] !== undefined, 'the first invite');
      // One call of each kind hangs; later ones are answered.
      const fault = { kind: 'hang', applied } as const;
      sandbox.control.addFault({ method: 'POST', path: '/v1/workspace/invites/add', times: 1, fault });
      sandbox.control.addFault({ method: 'DELETE', path: '/v1/workspace/invites', times: 1, fault });
      sandbox.control.addFault({ method: 'POST', path: '/v1/workspace/members', times: 1, fault });
      sandbox.control.addFault({ method: 'POST', path: '/v1/workspace/groups/*/members', times: 1, fault });
      await create('newcomer');
      await patch(`/Users/${pending}`, DISABLE);
      await patch(`/Users/${leaver}`, DISABLE);
      await patch(`/Groups/${sales}`, { op: 'add', path: 'members', value: [{ value: joiner }] });
      await until(() => sandbox.control.hanging() === 4, 'four calls under way');
      bridge.kill('SIGKILL');
      await bridge.ended;
      sandbox.control.releaseHanging({ drop: true });

      await start();
      await until(async () => {
        const { members, groups, pendingInvites } = snapshotWorkspace(sandbox);
        const isDone = members[at('leaver')]?.locked === true && groups['Sales']?.includes(at('joiner')) === true;
        const { totalResults } = await scim('GET', `/Users?filter=${encodeURIComponent('active eq true')}`);
        return isDone && at('newcomer') in pendingInvites && !(at('pending') in pendingInvites) && totalResults >= 3;
      }, 'the end of all four');
      // Whatever more would be sent has been sent after two readings.
      sandbox.control.clearRequests();
      await until(() => sandbox.control.requests({ path: '/v1/workspace/groups' }).length >= 2, 'two readings');
      const { mails } = snapshotWorkspace(sandbox);
      expect(mails).toEqual({ [at('pending')]: 1, [at('newcomer')]: applied ? 2 : 1 });
    },
    180_000,
  );
});
