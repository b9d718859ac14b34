/** What only a whole process shows: frozen prototypes with every package loaded, modes of files, ports. */
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { writeTokenFile } from '../../src/app/first-tokens.js';
import { ensureBuilt } from '../support/bridge-process.js';
import { startProcessBridge, TOKEN, type ProcessBridge, type ProcessBridgeOptions } from '../support/process-bridge.js';

const ADMIN = 'esb_admin_a-token-for-tests-of-no-further-use';

/** Loaded before the bridge; says at SIGUSR2 what can be done to the prototypes by then. */
const PROBE = `
import { createRequire } from 'node:module';
process.on('SIGUSR2', () => {
  const tries = {
    add: () => { Object.prototype.polluted = true; },
    define: () => Object.defineProperty(Object.prototype, 'polluted', { value: true }),
    replace: () => { Object.prototype.toString = () => 'polluted'; },
    assign: () => Object.assign(JSON.parse('{}').__proto__, { polluted: true }),
    helper: () => { Object.keys = () => ['polluted']; },
  };
  const refused = Object.entries(tries).filter(([, attempt]) => { try { attempt(); return false; } catch { return true; } });
  const sdk = Object.keys(createRequire(import.meta.url)('node:module')._cache).some((file) => file.includes('elevenlabs-js'));
  const seen = { refused: refused.map(([name]) => name), polluted: ({}).polluted ?? null, frozen: Object.isFrozen(Object.prototype), sdk };
  process.stdout.write('PROBE ' + JSON.stringify(seen) + '\\n');
});
`;

let bridge: ProcessBridge | null = null;
beforeAll(ensureBuilt, 180_000);
afterEach(async () => {
  await bridge?.close();
  bridge = null;
});
const start = async (options: ProcessBridgeOptions): Promise<ProcessBridge> =>
  (bridge = await startProcessBridge(options));

describe('a process that serves', () => {
  it('has frozen the prototypes when the SDK is loaded, and goes on working', async () => {
    const of = await start({
      before(directory) {
        const file = path.join(directory, 'probe.mjs');
        writeFileSync(file, PROBE);
        return { NODE_OPTIONS: `--import ${file}` };
      },
    });
    of.process.kill('SIGUSR2');
    const [, text = ''] = await of.process.says(/PROBE (.*)\n/);
    expect(JSON.parse(text)).toEqual({
      refused: ['add', 'define', 'replace', 'assign', 'helper'],
      ...{ polluted: null, frozen: true, sdk: true },
    });
    expect((await of.createUser('zoe')).status).toBe(201);
    await of.until(() => of.mails()['zoe@workspace.example'] === 1, 'the invite, through the SDK');
    expect((await fetch(`${of.origin}/metrics`)).status).toBe(200);
  }, 60_000);

  it('makes its folder for its own account alone, and every file in it', async () => {
    const of = await start({ env: { ADMIN_TOKEN: ADMIN } });
    await of.createUser('zoe');
    const folder = path.dirname(of.database);
    const modeOf = (file: string): string => (statSync(file).mode & 0o777).toString(8);
    expect(modeOf(folder)).toBe('700');
    const names = readdirSync(folder);
    expect(names).toEqual(expect.arrayContaining(['bridge.db', 'bridge.db-wal', 'bridge.db-shm', 'bridge.db.lock']));
    for (const name of names) expect([name, modeOf(path.join(folder, name))]).toEqual([name, '600']);
  }, 60_000);

  it('tells tokens that it made itself in a file for its own account alone, and not on its output', async () => {
    const of = await start({ env: {} });
    const file = path.join(path.dirname(of.database), 'first-tokens.txt');
    expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
    expect(of.process.stdout()).toContain(file);
    expect(of.process.stdout()).not.toMatch(/esb_/);
  }, 60_000);

  it('writes its tokens through no link, and makes none that nobody could read', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'first-'));
    const [elsewhere, link] = [path.join(folder, 'elsewhere'), path.join(folder, 'first-tokens.txt')];
    try {
      symlinkSync(elsewhere, link);
      const write = () => writeTokenFile(path.join(folder, 'bridge.db'), { scim: 'esb_a', admin: null });
      expect(write).toThrow(expect.objectContaining({ exitCode: 78, message: expect.stringContaining(link) }));
      expect(existsSync(elsewhere)).toBe(false);
      rmSync(link);
      writeFileSync(link, 'what was there', { mode: 0o644 });
      expect(write).toThrow(/move it away/);
      expect(readFileSync(link, 'utf8')).toBe('what was there');
      rmSync(link);
      write();
      expect([readFileSync(link, 'utf8'), statSync(link).mode & 0o777]).toEqual(['SCIM_TOKEN=esb_a\n', 0o600]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('ADMIN_PORT', () => {
  it('has the admin surface and no SCIM; PORT has SCIM and no admin surface', async () => {
    const of = await start({ env: { ADMIN_PORT: '0', ADMIN_TOKEN: ADMIN } });
    const [, adminUrl = ''] = await of.process.says(/(http\S+)\/admin/);
    expect(adminUrl).not.toBe(of.origin);
    const statusOf = async (url: string, token: string, init: RequestInit = {}): Promise<number> =>
      (
        await fetch(url, {
          redirect: 'manual',
          ...init,
          headers: { authorization: `Bearer ${token}`, connection: 'close' },
        })
      ).status;
    const seen: Record<string, unknown> = {};
    for (const at of ['/scim/v2/Users', '/scim/v2/ServiceProviderConfig', '/scim/v2/', '/oauth/token', '/Users']) {
      for (const token of [TOKEN, ADMIN]) seen[`${at} ${token}`] = await statusOf(adminUrl + at, token);
    }
    expect(new Set(Object.values(seen))).toEqual(new Set([404]));
    expect(await statusOf(`${adminUrl}/scim/v2/Users`, TOKEN, { method: 'POST', body: '{}' })).toBe(404);
    for (const at of ['/admin', '/admin/users', '/admin/login', '/metrics'])
      expect([at, await statusOf(of.origin + at, ADMIN)]).toEqual([at, 404]);
    for (const at of ['/admin', '/admin/users', '/metrics', '/healthz', '/readyz'])
      expect([at, await statusOf(adminUrl + at, ADMIN)]).toEqual([at, 200]);
    expect([await statusOf(`${adminUrl}/admin`, TOKEN), await statusOf(`${adminUrl}/admin`, '')]).toEqual([401, 401]);
    expect(await statusOf(`${of.origin}/scim/v2/Users`, TOKEN)).toBe(200);
    const login = await fetch(`${adminUrl}/admin/login`, {
      ...{ method: 'POST', redirect: 'manual', body: new URLSearchParams({ token: ADMIN }) },
    });
    expect([login.status, login.headers.get('set-cookie')]).toEqual([303, expect.stringContaining('HttpOnly')]);
  }, 60_000);
});
