/** `trace` of what did not go well at once: each attempt with its status, and the outcome. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { ensureBuilt } from '../support/bridge-process.js';
import { cli, type CliResult } from '../support/cli.js';
import { addressOf, startProcessBridge, type ProcessBridge } from '../support/process-bridge.js';

let bridge: ProcessBridge;

beforeAll(async () => {
  ensureBuilt();
  bridge = await startProcessBridge({
    seed: minimalSeed({
      members: ['owner', 'ann'].map((name) => ({ email: addressOf(name), owner: name === 'owner' })),
    }),
    env: { SYNC_INTERVAL_SECONDS: '900' },
  });
}, 180_000);
afterAll(() => bridge.close());

const trace = (...args: readonly string[]): Promise<CliResult> =>
  cli({ cwd: bridge.directory, env: bridge.env }, 'trace', ...args);

it('tells each attempt of a call, with status, latency and the id of ElevenLabs, up to its outcome', async () => {
  const { id } = (await bridge.createUser('ann')).body;
  const call = { method: 'POST', path: '/v1/workspace/members', times: 1 } as const;
  bridge.sandbox.control.addFault({ ...call, fault: { kind: 'status', status: 503 } });
  bridge.sandbox.control.addFault({ ...call, fault: { kind: 'reset' } });
  const answer = await bridge.setActive(String(id), false);
  const request = answer.headers.get('x-request-id') ?? '';
  await bridge.until(() => bridge.sandbox.control.member(addressOf('ann'))?.is_locked === true, 'the lock');
  const causes = async () => (await trace(request, '--json')).json().causes;
  await bridge.until(async () => (await causes())[0].changes[0].state === 'done', 'its outcome');
  const [cause] = await causes();
  expect(cause.stored).toEqual([expect.objectContaining({ action: 'user.update' })]);
  expect(cause.changes).toEqual([
    expect.objectContaining({ change: expect.objectContaining({ kind: 'lock' }), state: 'done', attempts: 3 }),
  ]);
  const one = { endpoint: 'members.update', latencyMs: expect.any(Number), startedAt: expect.any(String) };
  const upstreamId = expect.stringMatching(/^[0-9a-f]{32}$/);
  expect(cause.changes[0].calls).toEqual([
    { ...one, attempt: 1, outcome: 'transient', status: 503, upstreamRequestId: upstreamId, error: expect.any(String) },
    { ...one, attempt: 2, outcome: 'transient', status: null, upstreamRequestId: null, error: expect.any(String) },
    { ...one, attempt: 3, outcome: 'done', status: 200, upstreamRequestId: upstreamId, error: null },
  ]);
  const { stdout } = await trace(addressOf('ann'));
  expect(stdout).toMatch(/change +lock ann@workspace\.example: done \S+, 3 attempts/);
  expect(stdout).toMatch(/call 1 .*HTTP 503/);
  expect(stdout).toMatch(/call 2 .*no answer/);
  expect(stdout).toMatch(/call 3 .*HTTP 200/);
}, 60_000);
