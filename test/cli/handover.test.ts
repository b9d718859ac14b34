/** `users handover`: one person moves to the address that the IdP says by now, and the old account is locked. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { ensureBuilt } from '../support/bridge-process.js';
import { cli, onTerminal, type CliResult, type Place } from '../support/cli.js';
import { addressOf, startProcessBridge, type ProcessBridge } from '../support/process-bridge.js';
import { snapshotWorkspace } from '../support/workspace-snapshot.js';

const PATCH_URN = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const [OLD, NEW] = [addressOf('ann'), addressOf('ann.lindqvist')];

let bridge: ProcessBridge;
let place: Place;

beforeAll(async () => {
  ensureBuilt();
  bridge = await startProcessBridge({
    seed: minimalSeed({
      members: [{ email: addressOf('owner'), owner: true }, { email: OLD }, { email: addressOf('bob') }],
      groups: [{ name: 'Sales', members: [OLD] }],
    }),
  });
  place = { cwd: bridge.directory, env: bridge.env };
}, 180_000);
afterAll(() => bridge.close());

const run = (...args: readonly string[]): Promise<CliResult> => cli(place, 'users', 'handover', ...args);
const pending = (): readonly string[] => Object.keys(snapshotWorkspace(bridge.sandbox).pendingInvites);

it('asks, invites the new address, and locks the old account once that is accepted', async () => {
  const { id } = (await bridge.createUser('ann')).body;
  await bridge.createUser('bob');
  const Operations = [{ op: 'replace', path: 'emails[primary eq true].value', value: NEW }];
  expect((await bridge.scim('PATCH', `/Users/${String(id)}`, { schemas: [PATCH_URN], Operations })).status).toBe(200);

  expect(await run(addressOf('bob'), '--yes')).toMatchObject({ code: 1, stdout: '' });
  const unasked = await run(NEW);
  expect([unasked.code, unasked.stderr]).toEqual([1, expect.stringContaining('say --yes')]);
  expect((await onTerminal(place, 'n', 'users', 'handover', NEW)).code).toBe(1);
  expect(pending()).toEqual([]);

  const asked = await onTerminal(place, 'y', 'users', 'handover', NEW);
  expect([asked.code, asked.stdout]).toEqual([0, expect.stringContaining(`is handed over to ${NEW}`)]);
  await bridge.until(() => pending().length === 1, 'the invite');
  expect([pending(), snapshotWorkspace(bridge.sandbox).members[OLD]?.locked]).toEqual([[NEW], false]);
  bridge.sandbox.control.accept(NEW);
  const members = () => snapshotWorkspace(bridge.sandbox).members;
  await bridge.until(() => members()[OLD]?.locked === true, 'the lock of the old account');
  expect(members()[NEW]).toMatchObject({ locked: false, groups: ['Sales'] });
  expect(bridge.mails()).toEqual({ [NEW]: 1 });
}, 90_000);
