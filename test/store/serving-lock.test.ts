/** One serving process per database, with real processes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DEFAULT_RULES } from '../../src/domain/rules.js';
import { acquireServingLock, lockFileOf } from '../../src/store/serving-lock.js';
import { openStore } from '../../src/store/sqlite-store.js';
import { createFakeClock } from '../support/fake-clock.js';

/** Holds the lock as the bridge does, and says so; the lock is a matter between processes, not of this code. */
const HOLDER = `
  const { createRequire } = require('node:module');
  const Database = createRequire(process.argv[1])('better-sqlite3');
  const db = new Database(process.argv[2], { timeout: 0 });
  db.exec('BEGIN EXCLUSIVE');
  process.stdout.write('held');
  setInterval(() => db.inTransaction, 1000);
`;

describe('the serving lock', () => {
  let folder: string;
  let file: string;
  let child: ChildProcess | null = null;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'bridge-lock-'));
    file = path.join(folder, 'bridge.db');
  });
  afterEach(async () => {
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    child = null;
    rmSync(folder, { recursive: true, force: true });
  });

  const holdElsewhere = async (): Promise<ChildProcess> => {
    child = spawn(process.execPath, ['-e', HOLDER, '--', path.resolve('package.json'), lockFileOf(file)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = (await once(child.stdout!, 'data')) as [Buffer];
    expect(said.toString()).toBe('held');
    return child;
  };
  const options = () => ({ path: file, clock: createFakeClock(), rules: () => DEFAULT_RULES });

  it('refuses a second process with exit code 75, at once', async () => {
    await holdElsewhere();
    expect(() => acquireServingLock(file)).toThrow(expect.objectContaining({ name: 'StartError', exitCode: 75 }));
    expect(() => openStore({ ...options(), serve: true })).toThrow(/Another process already serves/);
  });

  it('is gone with a process that was killed', async () => {
    const holder = await holdElsewhere();
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    acquireServingLock(file).release();
  });

  it('does not keep commands from reading and writing', async () => {
    await holdElsewhere();
    const store = openStore(options());
    await store.setSetting('a', '1');
    expect(await store.setting('a')).toBe('1');
    store.close();
  });

  it('is released when the store is closed, and when it cannot be opened', () => {
    const store = openStore({ ...options(), serve: true });
    expect(() => acquireServingLock(file)).toThrow(/already serves/);
    store.close();
    const lock = acquireServingLock(file);
    lock.release();
    lock.release();
    acquireServingLock(file).release();
  });
});
