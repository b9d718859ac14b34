/**
 * "Why does this person not have access?": each usual cause, made to happen on a bridge that serves,
 * and found in one look at the admin page and in one command.
 */
import { afterEach, beforeAll, expect, it } from '@jest/globals';
import { textOf } from '../admin/support.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { ensureBuilt } from '../support/bridge-process.js';
import { cli, type CliResult } from '../support/cli.js';
import { addressOf, startProcessBridge, type ProcessBridge } from '../support/process-bridge.js';

const ADMIN_TOKEN = 'esb_admin_a-token-for-tests-of-no-further-use';

let bridge: ProcessBridge;
beforeAll(ensureBuilt, 90_000);
afterEach(() => bridge.close());

async function serve(seats: number): Promise<void> {
  const seed = minimalSeed({ seatLimits: { full: seats, basic: 0 } });
  bridge = await startProcessBridge({ seed, env: { ADMIN_TOKEN, LOG_LEVEL: 'error' } });
}

const run = (...args: readonly string[]): Promise<CliResult> =>
  cli({ cwd: bridge.directory, env: bridge.env }, ...args);

/** What a person reads on a page of the administrator. */
async function page(where = ''): Promise<string> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, accept: 'text/html', connection: 'close' };
  return textOf(await (await fetch(`${bridge.origin}/admin${where}`, { headers })).text());
}

/** The page is asked until it says so: the bridge works on. */
async function pageSays(where: string, words: RegExp): Promise<void> {
  let last = '';
  const look = async (): Promise<boolean> => words.test((last = await page(where)));
  await bridge.until(look, `${where} says ${String(words)}`).catch((error: unknown) => {
    throw new Error(last, { cause: error });
  });
}

it('a wrong key', async () => {
  await serve(10);
  bridge.sandbox.control.revokeKey(bridge.sandbox.apiKey());
  await pageSays('', /ElevenLabs rejects the API key/);
  const refused = await bridge.createUser('ann');
  expect(refused.status).toBe(503);
  await pageSays(`/users?q=${addressOf('ann')}`, /POST \/Users SCIM_TOKEN 503: .*API key/);
  const doctor = await run('doctor');
  expect(doctor.code).toBe(2);
  expect(doctor.stdout).toMatch(
    /^fail {2}API key: ElevenLabs rejects it.*\n {6}-> Put a valid one into ELEVENLABS_API_KEY/m,
  );
  const explained = await run('explain', addressOf('ann'));
  expect(explained.code).toBe(1);
  expect(explained.stderr).toMatch(/was answered 503: .*API key/);
}, 120_000);

it('no free seat', async () => {
  await serve(1);
  const { body } = await bridge.createUser('ann');
  await pageSays('', /1 change refused by ElevenLabs/);
  const cause = /ElevenLabs refused to invite ann@workspace\.example.*seat/;
  await pageSays('/changes?state=refused', cause);
  await pageSays(`/users/${String(body.id)}`, cause);
  expect((await run('explain', addressOf('ann'))).stdout).toMatch(cause);
  expect((await run('users', 'list', '--status', 'failed')).stdout).toMatch(cause);
  expect((await run('doctor', '--offline')).stdout).toMatch(/^warn {2}Refused changes: ElevenLabs refused 1 change$/m);
}, 120_000);

it('a wrong token', async () => {
  await serve(10);
  const answer = await fetch(`${bridge.origin}/scim/v2/Users`, {
    headers: { authorization: 'Bearer esb_of-some-other-bridge', connection: 'close' },
  });
  expect(answer.status).toBe(401);
  expect(((await answer.json()) as { detail: string }).detail).toContain('The bearer token is not valid here.');
  await pageSays('', /1 request .*without a valid token/);
  await pageSays('/setup', /1 request arrived without a valid token/);
  const told = async (): Promise<boolean> =>
    /^warn {2}Requests: 1 request came without a valid token/m.test((await run('doctor', '--offline')).stdout);
  await bridge.until(told, 'doctor tells it');
}, 120_000);

it('a group without a link', async () => {
  await serve(10);
  const { body: ann } = await bridge.createUser('ann');
  await bridge.scim('POST', '/Groups', {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
    displayName: 'Designers',
    members: [{ value: (ann as { id: string }).id }],
  });
  await pageSays('', /Group “Designers” is not linked/);
  await pageSays('/groups', /Designers Not linked The workspace has no group of this name/);
  const explained = (await run('explain', addressOf('ann'))).stdout;
  expect(explained).toMatch(
    /^open group "Designers": .*the workspace has no group of this name: make one at ElevenLabs/m,
  );
  expect((await run('groups', 'show', 'Designers')).stdout).toContain('Not linked: there is no workspace group');
  expect((await run('doctor', '--offline')).stdout).toMatch(/^warn {2}Groups: no workspace group .*"Designers"$/m);
}, 120_000);
