import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ensureBuilt, startProcess } from '../support/bridge-process.js';
import type { BridgeProcess } from '../support/bridge-process.js';

describe('the process', () => {
  let folder: string;
  const running: BridgeProcess[] = [];

  const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}): BridgeProcess => {
    const started = startProcess(args, { cwd: folder, env });
    running.push(started);
    return started;
  };

  beforeAll(ensureBuilt, 60_000);
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'bridge-process-'));
  });
  afterEach(async () => {
    for (const one of running.splice(0)) {
      one.kill('SIGKILL');
      await one.ended;
    }
    rmSync(folder, { recursive: true });
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('serves until %s, then ends with 0', async (signal) => {
    const bridge = start([], { PORT: '0' });
    const [, url] = await bridge.says(/(http:\/\/127\.0\.0\.1:\d+)\/scim\/v2/);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    bridge.kill(signal);
    expect(await bridge.ended).toBe(0);
    expect(bridge.stderr()).toBe('');
  });

  it('takes the signal that comes twice at once for one', async () => {
    const bridge = start(['serve'], { PORT: '0' });
    await bridge.says(/\/scim\/v2/);
    bridge.kill('SIGINT');
    bridge.kill('SIGTERM');
    expect(await bridge.ended).toBe(0);
  });

  it('ends with 78 and says everything that is wrong, without a log line', async () => {
    const bridge = start([], { PORT: 'x', DRIFT: 'y', ELEVENLABS_APIKEY: 'z' });
    expect(await bridge.ended).toBe(78);
    expect(bridge.stdout()).toBe('');
    expect(bridge.stderr().split('\n')).toEqual([
      'The configuration has 2 problems:',
      '  - PORT is "x": it must be a whole number from 0 to 65535.',
      '  - DRIFT is "y": it must be one of enforce, report.',
      '  (ELEVENLABS_APIKEY is not a variable of the bridge and is ignored. Did you mean ELEVENLABS_API_KEY?)',
      '',
    ]);
  });

  describe('with its port taken', () => {
    const other = createServer();
    beforeAll(async () => {
      other.listen(0, '127.0.0.1');
      await once(other, 'listening');
    });
    afterAll(() => {
      other.close();
    });

    it('ends with 78 and says so', async () => {
      const { port } = other.address() as AddressInfo;
      const bridge = start([], { PORT: String(port) });
      expect(await bridge.ended).toBe(78);
      expect(bridge.stderr()).toContain(`Port ${port} is in use by another program`);
    });
  });

  it('ends with 64 for a command that it does not know', async () => {
    const bridge = start(['provision']);
    expect(await bridge.ended).toBe(64);
    expect(bridge.stderr()).not.toBe('');
  });

  it('tells its version and its commands', async () => {
    const version = start(['--version']);
    expect(await version.ended).toBe(0);
    expect(version.stdout()).toMatch(/^\d+\.\d+\.\d+\n$/);
    const help = start(['--help']);
    expect(await help.ended).toBe(0);
    for (const command of ['serve', 'migrate', 'sandbox']) expect(help.stdout()).toContain(`  ${command}`);
  });

  it('migrates without serving; the second time there is nothing to do', async () => {
    const env = { DATABASE_PATH: './x/bridge.db' };
    const first = start(['migrate'], env);
    expect(await first.ended).toBe(0);
    expect(first.stdout()).toContain('001_initial');
    const second = start(['migrate'], env);
    expect(await second.ended).toBe(0);
    expect(second.stdout()).toBe('./x/bridge.db is up to date.\n');
  });

  it('serves a sandbox workspace alone', async () => {
    const sandbox = start(['sandbox', '--port', '0', '--accept-after', '1']);
    const [, url, key] = await sandbox.says(/ELEVENLABS_BASE_URL=(\S+) ELEVENLABS_API_KEY=(\S+) /);
    const answer = await fetch(`${url}/v1/workspace/members`, { headers: { 'xi-api-key': key ?? '' } });
    expect(answer.status).toBe(200);
    sandbox.kill('SIGTERM');
    expect(await sandbox.ended).toBe(0);
  });
});
