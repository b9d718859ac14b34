/** SIGHUP: a real process reads its mapping file again; a bad one is told, and changes nothing. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { ensureBuilt } from '../support/bridge-process.js';
import { addressOf, startProcessBridge, type ProcessBridge } from '../support/process-bridge.js';

const URN = 'urn:ietf:params:scim:schemas:core:2.0:User';

let bridge: ProcessBridge;
let file = '';

beforeAll(async () => {
  ensureBuilt();
  bridge = await startProcessBridge({
    seed: minimalSeed({ members: [{ email: addressOf('owner'), owner: true }, { email: addressOf('ann') }] }),
    // Only what SIGHUP does is to be seen, not what a full sync does.
    env: { SYNC_INTERVAL_SECONDS: '900' },
    before(directory) {
      file = path.join(directory, 'mapping.yaml');
      write('roles:\n  Designer: workspace_lite_member\n');
      return { MAPPING_FILE: file };
    },
  });
}, 180_000);
afterAll(() => bridge.close());

const write = (text: string): void => writeFileSync(file, text);
const seatOf = (name: string) => bridge.sandbox.control.member(addressOf(name))?.seat_type;

const create = (name: string, role: string) =>
  bridge.scim('POST', '/Users', {
    ...{ schemas: [URN], userName: addressOf(name), emails: [{ value: addressOf(name), primary: true }], active: true },
    roles: [{ value: role, primary: true }],
  });
const invitedAs = (name: string) => bridge.sandbox.control.invite(addressOf(name))?.seatType;

it('a good file counts for everybody, at once', async () => {
  expect((await create('ann', 'Chief')).status).toBe(201);
  await create('zoe', 'Chief');
  await bridge.until(() => invitedAs('zoe') === 'workspace_member', 'the default seat');
  expect(seatOf('ann')).toBe('workspace_member');
  write('roles:\n  Chief: workspace_admin\n');
  bridge.process.kill('SIGHUP');
  await bridge.until(() => seatOf('ann') === 'workspace_admin', 'the seat by the new rule');
}, 60_000);

it('a bad file is told with line and key, and the rules stay as they were', async () => {
  write('roles:\n  Chief: workspace_owner\nneverTuch: [ann@workspace.example]\n');
  bridge.process.kill('SIGHUP');
  await bridge.process.says(/neverTuch/);
  const problems = bridge.process
    .stdout()
    .split('\n')
    .filter((line) => line.includes('"msg":"the mapping file has a problem; the old rules stay in force"'))
    .map((line) => (JSON.parse(line) as { problem: string }).problem);
  expect(problems).toEqual([
    expect.stringContaining(`${file}:2: roles.Chief: unknown seat`),
    expect.stringContaining(`${file}:3: neverTuch: unknown key`),
  ]);
  expect((await create('max', 'Chief')).status).toBe(201);
  await bridge.until(() => invitedAs('max') === 'workspace_admin', 'the seat by the rule in force');
  expect(seatOf('ann')).toBe('workspace_admin');
}, 60_000);

it('the file corrected, it counts again', async () => {
  write('roles:\n  Chief: workspace_member\n');
  bridge.process.kill('SIGHUP');
  await bridge.until(() => seatOf('ann') === 'workspace_member', 'the seat by the corrected file');
}, 60_000);
