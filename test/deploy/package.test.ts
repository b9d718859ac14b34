/** The npm package: installed into an empty folder, without a registry and a compiler, it serves SCIM. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addonFolder, collectAddon, makePackage } from '../../scripts/release/package.mjs';
import { ensureBuilt } from '../support/bridge-process.js';
import { firstAccepted, printed } from './first-request.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A PATH with Node, npm and a shell, and nothing that compiles. */
function pathWithoutCompiler(folder: string): string {
  const bin = path.join(folder, 'bin');
  mkdirSync(bin);
  for (const name of ['node', 'npm', 'npx', 'sh', 'env']) {
    const found = spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim();
    symlinkSync(found, path.join(bin, name));
  }
  return bin;
}

describe('the package', () => {
  let folder: string;
  let env: Record<string, string>;
  let archive: string;

  beforeAll(() => {
    ensureBuilt();
    folder = mkdtempSync(path.join(tmpdir(), 'package-'));
    // Nothing listens on the port of the registry: whatever is not inside fails the installation.
    env = {
      PATH: pathWithoutCompiler(folder),
      HOME: path.join(folder, 'home'),
      npm_config_registry: 'http://127.0.0.1:9',
      npm_config_fetch_retries: '0',
    };
    const addons = path.join(folder, 'addons');
    collectAddon(root, addons);
    archive = makePackage({ root, addons, out: path.join(folder, 'out') });
  }, 240_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('installs and answers a SCIM request, without a compiler and without its install script', async () => {
    const place = path.join(folder, 'installed');
    mkdirSync(place);
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', archive];
    const installed = spawnSync('npm', args, { cwd: place, env, encoding: 'utf8' });
    expect([installed.status, installed.stderr]).toEqual([0, expect.anything()]);
    expect(existsSync(path.join(place, 'node_modules/elevenlabs-scim-bridge/node_modules/typescript'))).toBe(false);
    expect(existsSync(path.join(place, 'node_modules/.bin/elevenlabs-scim'))).toBe(true);

    const child: ChildProcess = spawn('npx', ['--no-install', 'elevenlabs-scim-bridge'], {
      ...{ cwd: place, stdio: ['ignore', 'pipe', 'pipe'], detached: true },
      env: {
        ...env,
        PORT: '0',
        SCIM_TOKEN: 'a-token-of-the-test-0123456789-abcdef',
        ADMIN_TOKEN: 'another-token-of-the-test-0123456789',
      },
    });
    try {
      const url = await printed(child, /(http:\/\/127\.0\.0\.1:\d+)\/scim\/v2/);
      expect(await firstAccepted(url, 'a-token-of-the-test-0123456789-abcdef')).toMatchObject({ active: true });
      expect(existsSync(path.join(place, 'data', 'sandbox.db'))).toBe(true);
    } finally {
      const ended = once(child, 'close');
      // npx runs the bridge as a child of its own.
      process.kill(-child.pid!, 'SIGTERM');
      await ended;
    }
  }, 240_000);

  it('says what to install where it has no addon and there is no compiler', () => {
    const place = path.join(folder, 'other-platform');
    mkdirSync(place);
    spawnSync('tar', ['xzf', archive, '--strip-components=1'], { cwd: place });
    const binding = path.join(place, 'node_modules/better-sqlite3/lib/binding');
    const run = () => spawnSync('node', ['scripts/sqlite-addon.mjs'], { cwd: place, env, encoding: 'utf8' });
    expect(run()).toMatchObject({ status: 0, stderr: '' });
    // An addon of another C library is found, and cannot be loaded.
    writeFileSync(path.join(binding, addonFolder(), 'better_sqlite3.node'), 'not a library');
    const failed = run();
    expect(failed.status).toBe(1);
    expect(failed.stderr).toMatch(/no SQLite for Node .*\n[^]*install python3 make g\+\+/);
  });

  it('has the manifest of a product, and no development in it', () => {
    const place = path.join(folder, 'other-platform');
    const manifest: unknown = JSON.parse(readFileSync(path.join(place, 'package.json'), 'utf8'));
    const own = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as Record<string, unknown>;
    expect(manifest).toMatchObject({ version: own['version'], bundleDependencies: Object.keys(own['dependencies']!) });
    for (const absent of ['private', 'devDependencies', 'allowScripts']) expect(manifest).not.toHaveProperty(absent);
    const sqlite: unknown = JSON.parse(
      readFileSync(path.join(place, 'node_modules/better-sqlite3/package.json'), 'utf8'),
    );
    expect(sqlite).toMatchObject({ scripts: {}, gypfile: false });
  });
});
