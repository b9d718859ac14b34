/** `conformance` against a workspace that is not the built-in sandbox: never live, and harmless in a dry run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/clock.js';
import { createSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import type { Listening } from '../../src/sandbox/server.js';
import { ensureBuilt, startProcess, type BridgeProcess } from '../support/bridge-process.js';
import { cli, type Place } from '../support/cli.js';

let sandbox: Sandbox;
let listening: Listening;
let folder: string;
let bridge: BridgeProcess | null = null;

beforeAll(async () => {
  ensureBuilt();
  folder = mkdtempSync(path.join(tmpdir(), 'bridge-cli-'));
  sandbox = createSandbox({ clock: systemClock });
  listening = await sandbox.listen();
}, 90_000);

afterEach(async () => {
  bridge?.kill('SIGTERM');
  await bridge?.ended;
});

afterAll(async () => {
  await listening.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A bridge on the workspace, and the place from which commands see it. */
async function serve(more: Readonly<Record<string, string>>): Promise<Place> {
  const env = {
    ELEVENLABS_API_KEY: sandbox.apiKey(),
    ELEVENLABS_BASE_URL: listening.url,
    LOG_LEVEL: 'error',
    PORT: '0',
    ...more,
  };
  bridge = startProcess(['serve'], { cwd: folder, env });
  const [, url = ''] = await bridge.says(/(http:\/\/127\.0\.0\.1:\d+)\/scim\/v2/);
  return { cwd: folder, env: { ...env, PUBLIC_URL: url } };
}

const writes = () => sandbox.control.requests().filter(({ method }) => method !== 'GET');

describe('conformance --running', () => {
  it('refuses a live workspace, and leaves no token behind', async () => {
    const place = await serve({});
    const checked = await cli(place, 'conformance', '--running');
    expect(checked).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('works on a live workspace'),
    });
    const tokens = (await cli(place, 'token', 'list', '--all', '--json')).json();
    expect(tokens.map(({ label }: { label: string }) => label)).toEqual(['first', 'first']);
    expect(writes()).toEqual([]);
  }, 40_000);

  it('plays in a dry run, and nothing reaches the workspace', async () => {
    const place = await serve({ DRY_RUN: 'true' });
    const checked = await cli(place, 'conformance', '--running', '--json');
    const failed = checked.json().results.filter(({ outcome }: { outcome: string }) => outcome === 'fail');
    expect([failed, checked.code]).toEqual([[], 0]);
    expect(writes()).toEqual([]);
    expect(sandbox.control.mailbox()).toEqual([]);
    expect((await cli(place, 'plan')).code).toBe(0);
  }, 90_000);
});
