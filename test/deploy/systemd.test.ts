/** The unit for systemd: what it grants suffices for the bridge, and it grants little else. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from '@jest/globals';
import { ensureBuilt, startProcess } from '../support/bridge-process.js';
import { firstAccepted } from './first-request.js';

const unit = fileURLToPath(new URL('../../deploy/systemd/scim-bridge.service', import.meta.url));
const TOKEN = 'the-token-of-the-identity-provider-in-this-test';

beforeAll(ensureBuilt);

const linesOf = (key: string): string[] =>
  [...readFileSync(unit, 'utf8').matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value ?? '');

/** Names of a set of system calls, with those of the sets in it. */
function callsIn(set: string): string[] {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['syscall-filter', set], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap((name) => (name.startsWith('@') ? callsIn(name) : [name]));
}

it('exposes no more than it did', () => {
  const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', unit], { encoding: 'utf8' });
  const exposure = Number(/exposure level for scim-bridge\.service: ([\d.]+)/.exec(stdout)?.[1]);
  expect(exposure).toBeLessThanOrEqual(1.3);
});

it('allows the system calls that the bridge makes, and the kinds of sockets', async () => {
  const [granted = '', taken = ''] = linesOf('SystemCallFilter');
  const allowed = new Set(granted.split(' ').flatMap(callsIn));
  for (const call of taken.slice(1).split(' ').flatMap(callsIn)) allowed.delete(call);

  const folder = mkdtempSync(path.join(tmpdir(), 'unit-'));
  const trace = path.join(folder, 'trace');
  const bridge = startProcess(['serve'], {
    cwd: folder,
    env: { PORT: '0', SCIM_TOKEN: TOKEN, ADMIN_TOKEN: `${TOKEN}-of-the-page` },
    through: ['strace', '-f', '-qq', '-o', trace],
  });
  try {
    const url = (await bridge.says(/(http:\/\/127\.0\.0\.1:\d+)\/scim\/v2/))[1]!;
    await firstAccepted(url, TOKEN);
    const pid = Number(spawnSync('pgrep', ['-P', String(bridge.child.pid)], { encoding: 'utf8' }).stdout);
    process.kill(pid, 'SIGTERM');
    await bridge.ended;
    const lines = readFileSync(trace, 'utf8').split('\n');
    const made = new Set(lines.flatMap((line) => /^\d+ +([a-z_0-9]+)\(/.exec(line)?.[1] ?? []));
    expect(made.size).toBeGreaterThan(30);
    // SQLite gives its files the owner of the database, and only where it runs as root.
    if (process.getuid?.() === 0) allowed.add('fchown');
    expect([...made].filter((call) => !allowed.has(call))).toEqual([]);
    const families = new Set(lines.flatMap((line) => / socket\((AF_\w+)/.exec(line)?.[1] ?? []));
    expect(linesOf('RestrictAddressFamilies')[0]?.split(' ')).toEqual(expect.arrayContaining([...families]));
    expect(families.size).toBeGreaterThan(0);
  } finally {
    bridge.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}, 180_000);
