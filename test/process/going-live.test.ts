/** A dry run beside its plan: `plan` tells every call, nothing is sent, and going live makes exactly these, after showing them. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { ensureBuilt, startProcess, type BridgeProcess } from '../support/bridge-process.js';
import { cli, onTerminal, type CliResult } from '../support/cli.js';
import { addressOf, startProcessBridge, type ProcessBridge } from '../support/process-bridge.js';
import { snapshotWorkspace } from '../support/workspace-snapshot.js';

const USER_URN = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP_URN = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const PATCH_URN = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const ESCAPE = '\u001b[';

let bridge: ProcessBridge;
let live: BridgeProcess | null = null;

beforeAll(async () => {
  ensureBuilt();
  bridge = await startProcessBridge({
    seed: minimalSeed({
      seatLimits: { full: 50, basic: 50 },
      members: ['owner', 'ann', 'ben', 'cem'].map((name) => ({ email: addressOf(name), owner: name === 'owner' })),
      groups: [
        { name: 'Sales', members: [] },
        { name: 'Support', members: [addressOf('cem')] },
      ],
      resources: [{ type: 'voice', id: 'voice1', name: 'Brand voice', creator: addressOf('owner') }],
    }),
    env: { DRY_RUN: 'true' },
  });
}, 180_000);
afterAll(async () => {
  live?.kill('SIGKILL');
  await live?.ended;
  await bridge.close();
});

const run = (...args: readonly string[]): Promise<CliResult> =>
  cli({ cwd: bridge.directory, env: bridge.env }, ...args);
/** Calls that change something, ids of groups left out. */
const writes = (): readonly string[] =>
  bridge.sandbox.control
    .requests()
    .filter(({ method }) => method !== 'GET')
    .map(({ path, body }) => {
      const { email, user_email: user } = (body ?? {}) as { email?: string; user_email?: string };
      const where = path.replace('/v1/workspace/', '').replace(/groups\/[^/]+/, 'groups/*');
      return `${where} ${email ?? user ?? ''}`;
    });

async function create(name: string, more: object = {}): Promise<string> {
  const address = addressOf(name);
  const person = { schemas: [USER_URN], userName: address, emails: [{ value: address, primary: true }], active: true };
  const { status, body } = await bridge.scim('POST', '/Users', { ...person, ...more });
  expect([name, status]).toEqual([name, 201]);
  return String(body.id);
}

async function group(displayName: string, members: readonly string[]): Promise<string> {
  const body = { schemas: [GROUP_URN], displayName, members: members.map((value) => ({ value })) };
  return String((await bridge.scim('POST', '/Groups', body)).body.id);
}

/** One change of every kind that a directory can ask for at once. */
async function write(): Promise<void> {
  await create('zoe');
  const ann = await create('ann', {
    roles: [{ value: 'admin' }],
    entitlements: [{ value: 'voice:voice1:viewer' }],
  });
  const ben = await create('ben');
  const cem = await create('cem');
  await bridge.setActive(ben, false);
  await group('Sales', [ann]);
  const support = await group('Support', [cem]);
  const Operations = [{ op: 'remove', path: `members[value eq "${cem}"]` }];
  const taken = await bridge.scim('PATCH', `/Groups/${support}`, { schemas: [PATCH_URN], Operations });
  expect(taken.status).toBeLessThan(300);
}

it('nothing is sent, the plan tells it all, and it is shown before it is done', async () => {
  expect(await run('plan')).toMatchObject({ code: 0, stdout: expect.stringContaining('No call would be made now.') });
  await write();
  const before = snapshotWorkspace(bridge.sandbox);
  expect((await run('sync')).code).toBe(0);

  const planned = await run('plan', '--json');
  expect(planned.code).toBe(2);
  const calls = planned.json().calls as readonly { readonly address: string; readonly change: { kind: string } }[];
  const told = calls.map(({ address, change }) => `${change.kind} ${address}`).sort();
  expect(told).toEqual(
    [
      `addToGroup ${addressOf('ann')}`,
      `invite ${addressOf('zoe')}`,
      `lock ${addressOf('ben')}`,
      `removeFromGroup ${addressOf('cem')}`,
      `setSeat ${addressOf('ann')}`,
      `share ${addressOf('ann')}`,
    ].sort(),
  );
  const text = await run('plan');
  expect([text.code, text.stdout.includes(ESCAPE)]).toEqual([2, false]);
  expect(text.stdout).toContain('6 calls would be made now: 4 grants, 2 withdrawals.');
  const coloured = await onTerminal({ cwd: bridge.directory, env: bridge.env }, '', 'plan');
  expect([coloured.code, coloured.stdout]).toEqual([2, expect.stringContaining(`${ESCAPE}31m- `)]);
  expect([writes(), snapshotWorkspace(bridge.sandbox)]).toEqual([[], before]);

  bridge.process.kill('SIGTERM');
  expect(await bridge.process.ended).toBe(0);
  live = startProcess(['serve'], { cwd: bridge.directory, env: { ...bridge.env, DRY_RUN: 'false' } });
  await bridge.until(() => writes().length === told.length, 'the calls of the plan');
  await bridge.until(async () => (await run('plan')).code === 0, 'nothing is left to do');
  expect([...writes()].sort()).toEqual([
    `groups/*/members ${addressOf('ann')}`,
    `groups/*/members/remove ${addressOf('cem')}`,
    `invites/add ${addressOf('zoe')}`,
    `members ${addressOf('ann')}`,
    `members ${addressOf('ben')}`,
    `resources/voice1/share ${addressOf('ann')}`,
  ]);
  const lines = live.stdout().split('\n');
  const shown = lines.findIndex((line) => line.includes('"msg":"DRY_RUN has ended: this is what is done now"'));
  const first = lines.findIndex((line) => line.includes('"msg":"done upstream"'));
  expect(shown).toBeGreaterThanOrEqual(0);
  expect(lines[shown]).toContain('"calls":6');
  // The plan stands between the two, a line for each call.
  const listed = lines.slice(shown + 1, first).filter((line) => line.includes('"level":"warn"'));
  expect(listed).toHaveLength(6);
}, 120_000);
