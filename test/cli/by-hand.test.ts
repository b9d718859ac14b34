/** Commands about what people do at ElevenLabs and after a leaver, beside a bridge that serves: drift, purge, OAuth clients. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { ensureBuilt } from '../support/bridge-process.js';
import { cli, onTerminal, type CliResult, type Place } from '../support/cli.js';
import { addressOf, startProcessBridge, type ProcessBridge } from '../support/process-bridge.js';

let bridge: ProcessBridge;
let place: Place;

beforeAll(async () => {
  ensureBuilt();
  bridge = await startProcessBridge({ seed: minimalSeed(), env: { PROVISION_WAIT_MS: '3000' } });
  const env = {
    DATABASE_PATH: bridge.database,
    PUBLIC_URL: bridge.origin,
    ELEVENLABS_API_KEY: bridge.sandbox.apiKey(),
  };
  place = { cwd: bridge.directory, env };
}, 90_000);

afterAll(() => bridge.close());

const run = (...args: readonly string[]): Promise<CliResult> => cli(place, ...args);

/** A member whom the IdP has taken over. */
async function member(name: string): Promise<string> {
  bridge.sandbox.control.addMember({ email: addressOf(name) });
  expect((await run('sync')).code).toBe(0);
  const answer = await bridge.createUser(name);
  expect(answer.status).toBe(201);
  return (answer.body as { id: string }).id;
}

describe('drift', () => {
  it('ends with 0 where nothing differs, with 2 where somebody was locked by hand, and tells what has gone', async () => {
    await member('ann');
    expect(await run('drift')).toMatchObject({ code: 0, stdout: '', stderr: 'There is no drift.\n' });
    bridge.sandbox.control.setLocked(addressOf('ann'), true);
    const found = await run('drift', '--fresh', '--json');
    expect(found.code).toBe(2);
    expect(found.json()).toEqual([
      expect.objectContaining({ userName: addressOf('ann'), foundAt: expect.any(String), endedAt: null }),
    ]);
    const shown = await onTerminal(place, '', 'drift');
    expect(shown).toMatchObject({ code: 2, stdout: expect.stringContaining(addressOf('ann')) });

    bridge.sandbox.control.setLocked(addressOf('ann'), false);
    expect(await run('drift', '--fresh', '--json')).toMatchObject({ code: 0, stdout: '[]\n' });
    const [ended] = (await run('drift', '--all', '--json')).json();
    expect(ended).toMatchObject({ userName: addressOf('ann'), endedAt: expect.any(String) });
  }, 60_000);
});

describe('purge', () => {
  it('is refused while the IdP has the user, asks on a terminal, and leaves no name', async () => {
    const id = await member('bob');
    expect(await run('purge', id, '--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('delete it there'),
    });
    expect((await bridge.scim('DELETE', `/Users/${id}`)).status).toBe(204);
    expect(bridge.sandbox.control.member(addressOf('bob'))).toMatchObject({ is_locked: true });
    expect((await run('sync')).code).toBe(0);
    expect(await run('purge', addressOf('bob'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('say --yes'),
    });
    expect((await onTerminal(place, 'n', 'purge', addressOf('bob'))).code).toBe(1);
    expect((await run('trace', id, '--json')).stdout).toContain(addressOf('bob'));
    const purged = await onTerminal(place, 'y', 'purge', addressOf('bob'));
    expect(purged).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`The personal data of ${id} is removed.`),
    });
    const left = await run('trace', id, '--json');
    expect(left.stdout).toContain('user.purge');
    expect(left.stdout).not.toContain('bob@');
  }, 60_000);
});

describe('oauth-client', () => {
  it('shows id and secret once, which give a token; rotates, and ends all of it at once', async () => {
    const made = (await run('oauth-client', 'create', 'entra', '--json')).json();
    expect(made).toMatchObject({ clientId: expect.any(String), tokenUrl: `${bridge.origin}/oauth/token` });
    const ask = (secret: string): Promise<Response> =>
      fetch(made.tokenUrl, {
        method: 'POST',
        headers: { connection: 'close' },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: made.clientId,
          client_secret: secret,
        }),
      });
    expect((await ask(made.clientSecret)).status).toBe(200);
    const rotated = (await run('oauth-client', 'rotate', 'entra', '--overlap', '2h', '--json')).json();
    expect(rotated.clientId).toBe(made.clientId);
    for (const secret of [made.clientSecret, rotated.clientSecret]) expect((await ask(secret)).status).toBe(200);
    const listed = await run('oauth-client', 'list', '--json');
    expect(JSON.stringify(listed.json())).toContain(made.clientId);
    for (const secret of [made.clientSecret, rotated.clientSecret]) expect(listed.stdout).not.toContain(secret);
    expect((await run('oauth-client', 'list')).stdout).toContain('entra');
    expect(await run('oauth-client', 'revoke', 'entra')).toMatchObject({ code: 1, stdout: '' });
    expect((await onTerminal(place, 'y', 'oauth-client', 'revoke', 'entra')).code).toBe(0);
    expect((await ask(rotated.clientSecret)).status).toBe(401);
    expect((await run('oauth-client', 'rotate', 'nobody')).code).toBe(1);
  }, 60_000);
});
