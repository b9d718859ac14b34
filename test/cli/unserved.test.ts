/** Commands where no server runs: a database file, and a workspace of which the test is the administrator. */
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { ensureBuilt } from '../support/bridge-process.js';
import { onTerminal } from '../support/cli.js';
import { startUnserved, WRITER, type Unserved } from '../support/unserved.js';

let here: Unserved;
let { folder, file, sandbox, place, run, runWith, inStore, createUser } = {} as Unserved;

beforeAll(ensureBuilt, 90_000);

beforeEach(async () => {
  here = await startUnserved();
  ({ folder, file, sandbox, place, run, runWith, inStore, createUser } = here);
});

afterEach(() => here.close());

const disable = (id: string): Promise<unknown> =>
  inStore((store) => store.updateUser(id, (current) => ({ ...current, active: false }), WRITER));

const mails = (): readonly string[] => sandbox.control.mailbox().map(({ to }) => to);

describe('without a database', () => {
  it('commands say what to do, and make none', async () => {
    const all = await Promise.all([
      run('users', 'list'),
      run('plan', '--json'),
      run('sync'),
      run('backup', path.join(folder, 'b.db')),
    ]);
    for (const { code, stdout, stderr } of all) {
      expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
      expect(stderr).toContain(`There is no database at ${file}.`);
    }
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('the command line', () => {
  it('is told in plain words what is wrong with it', async () => {
    const all = await Promise.all([
      run('token', 'create'),
      run('trace'),
      run('held', 'release'),
      run('users', 'list', '--limit', 'x'),
      runWith({ PORT: 'x' }, 'plan'),
    ]);
    expect(all.map(({ code }) => code)).toEqual([64, 64, 64, 64, 78]);
    for (const { stdout, stderr } of all) {
      expect(stdout).toBe('');
      expect(stderr).not.toMatch(/^\s+at /m);
    }
  });

  it('is what the package installs, and runs by a link to it, as in the image', async () => {
    const { bin } = JSON.parse(readFileSync('package.json', 'utf8')) as { bin: Record<string, string> };
    expect(bin).toEqual({ 'elevenlabs-scim': 'dist/main.js', 'elevenlabs-scim-bridge': 'dist/main.js' });
    const link = path.join(folder, 'elevenlabs-scim');
    symlinkSync(path.resolve('dist', 'main.js'), link);
    const { stdout } = await promisify(execFile)(link, ['--version'], { cwd: folder });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(readFileSync('docker/Dockerfile', 'utf8')).toContain('/app/dist/main.js /usr/local/bin/elevenlabs-scim');
  });

  it('does not migrate by itself', async () => {
    new Database(file).close();
    const refused = await run('users', 'list');
    expect(refused).toMatchObject({ code: 78, stdout: '' });
    expect(refused.stderr).toContain('elevenlabs-scim migrate');
    expect((await run('migrate')).code).toBe(0);
    expect(await run('users', 'list')).toMatchObject({ code: 0, stdout: '', stderr: 'There are no such users.\n' });
  });
});

describe('plan and sync', () => {
  it('plan shows the calls and sends none; sync makes them, and reports who accepted', async () => {
    await createUser('zoe');
    const planned = await run('plan', '--json');
    expect(planned.code).toBe(2);
    expect(planned.json()).toMatchObject({
      readAt: null,
      calls: [{ address: 'zoe@workspace.example', grant: true, change: { kind: 'invite' } }],
      held: [],
      waiting: [],
    });
    const shown = await onTerminal(place, '', 'plan');
    expect(shown.code).toBe(2);
    expect(shown.stdout).toContain('\u001b[32m+ ');
    expect(shown.stdout).toContain('1 call would be made now: 1 grant, 0 withdrawals.');
    expect(mails()).toEqual([]);
    expect(sandbox.control.requests()).toEqual([]);

    const synced = await run('sync', '--json');
    expect(synced.code).toBe(0);
    expect(synced.json()).toMatchObject({ by: 'command', problem: null, due: 0 });
    expect(mails()).toEqual(['zoe@workspace.example']);
    expect((await run('plan')).code).toBe(0);

    sandbox.control.accept('zoe@workspace.example');
    const again = await run('sync');
    expect(again.code).toBe(0);
    const [user] = (await run('users', 'list', '--status', 'member', '--filter', 'active eq true', '--json')).json();
    expect(user).toMatchObject({ userName: 'zoe@workspace.example' });
    expect(mails()).toHaveLength(1);
  }, 60_000);

  it('sync says why it could not read, and fails', async () => {
    await run('migrate');
    sandbox.control.revokeKey(sandbox.apiKey());
    const failed = await run('sync', '--timeout', '3');
    expect(failed.code).toBe(1);
    expect(failed.stdout).toContain('Not read: ');
    expect(failed.stdout + failed.stderr).not.toContain(sandbox.apiKey());
  }, 30_000);
});

describe('held', () => {
  it('shows why, releases one person, drops the rest; plan counts under the same limits', async () => {
    for (const name of ['ann', 'bob', 'cy']) sandbox.control.addMember({ email: `${name}@workspace.example` });
    const ids = [await createUser('ann'), await createUser('bob'), await createUser('cy')];
    await run('sync');
    for (const id of ids) await disable(id);
    const limit = { DEPROVISION_LIMIT: '1' };
    const planned = (await runWith(limit, 'plan', '--json')).json();
    expect(planned.calls).toHaveLength(1);
    expect(planned.held).toHaveLength(2);
    expect(planned.held[0]).toMatchObject({ policy: 'brake', reason: expect.stringContaining('DEPROVISION_LIMIT') });

    const heldBack = String(planned.held[0].address);
    const explained = await runWith({ DEPROVISION_LIMIT: '0' }, 'explain', heldBack);
    expect(explained.stdout).toMatch(/open access: member, should be none; .*held: 0 people lost access/);

    await runWith(limit, 'sync');
    const held = (await run('held', 'list', '--json')).json();
    expect(held).toHaveLength(2);
    expect(held[0]).toMatchObject({ change: { kind: 'lock' }, policy: 'brake' });
    const [first, second] = held.map(({ address }: { address: string }) => address);
    expect((await run('held', 'release', first)).code).toBe(1);
    expect((await run('held', 'release', first, '--yes')).stdout).toBe('1 change released.\n');
    expect((await run('held', 'drop', '--all', '--yes')).stdout).toBe('1 change dropped.\n');
    expect((await run('held', 'drop', '--all', '--yes')).code).toBe(1);
    await runWith(limit, 'sync');
    expect(sandbox.control.member(first)).toMatchObject({ is_locked: true });
    expect(sandbox.control.member(second)).toMatchObject({ is_locked: false });
    const leavers = (await run('report', 'leavers', '--json')).json();
    expect(leavers.map(({ outcome }: { outcome: string }) => outcome).sort()).toEqual(['dropped', 'locked', 'locked']);
  }, 90_000);
});

describe('restore', () => {
  it('puts a backup in place, keeps what was there, and sends nothing before it is accepted', async () => {
    await createUser('ann');
    const backup = path.join(folder, 'backup.db');
    expect((await run('backup', backup)).code).toBe(0);
    await createUser('bob');
    const restored = await run('restore', backup, '--yes');
    expect(restored).toMatchObject({ code: 0, stderr: '' });
    const kept = readdirSync(folder).find((name) => name.includes('.before-restore-'));
    expect(restored.stdout).toContain(String(kept));
    const names = (await run('users', 'list', '--json')).json().map(({ userName }: { userName: string }) => userName);
    expect(names).toEqual(['ann@workspace.example']);

    const early = await run('restore', 'accept', '--yes');
    expect(early).toMatchObject({ code: 1, stderr: expect.stringContaining('has not been read since the restore') });
    await run('sync');
    expect(mails()).toEqual([]);
    const doctor = await run('doctor', '--offline');
    expect(doctor.stdout).toContain('warn  Restore');
    expect(await run('plan')).toMatchObject({ code: 2, stdout: expect.stringContaining('invite') });

    const accepted = await run('plan', '--accept', '--yes');
    expect(accepted).toMatchObject({ code: 0, stdout: expect.stringContaining('the bridge works again') });
    await run('sync');
    expect(mails()).toEqual(['ann@workspace.example']);
    expect((await run('plan', '--accept', '--yes')).code).toBe(1);
  }, 90_000);

  it('refuses what is no sound database of this version and this workspace, and touches nothing', async () => {
    await run('migrate');
    const backup = path.join(folder, 'backup.db');
    await run('backup', backup);
    const variant = (name: string, change: (db: Database.Database) => void): string => {
      const copy = path.join(folder, name);
      copyFileSync(backup, copy);
      const db = new Database(copy);
      change(db);
      db.close();
      return copy;
    };
    const put = 'INSERT INTO settings (name, value) VALUES (?, ?)';
    const newer = variant('newer.db', (db) =>
      db.exec("INSERT INTO schema_migrations (name, checksum) VALUES ('999_later.sql', 'x')"),
    );
    const foreign = variant('foreign.db', (db) => db.prepare(put).run('workspace', 'another-workspace'));
    await inStore((store) => store.setSetting('workspace', 'this-workspace'));
    const text = path.join(folder, 'text.db');
    writeFileSync(text, 'no database at all, but long enough to look at'.repeat(50));
    const empty = variant('empty.db', () => undefined);
    writeFileSync(empty, '');
    const results = await Promise.all(
      [newer, foreign, text, empty, path.join(folder, 'absent.db')].map((source) => run('restore', source, '--yes')),
    );
    expect(results.map(({ code }) => code)).toEqual([78, 1, 78, 78, 78]);
    expect(results[0]?.stderr).toContain('newer version');
    expect(results[1]?.stderr).toContain('another-workspace');
    expect(results[2]?.stderr).toContain('cannot be read as a database');
    expect(await inStore((store) => store.setting('dryRunUntilAccepted'))).toBeNull();
    expect(readdirSync(folder).some((name) => name.includes('before-restore'))).toBe(false);
  });

  it('says that a copy is damaged', async () => {
    for (let count = 0; count < 40; count++) await createUser(`user-${String(count)}`);
    const backup = path.join(folder, 'backup.db');
    await run('backup', backup);
    const db = new Database(backup);
    const root = db.prepare("SELECT rootpage FROM sqlite_master WHERE name = 'users'").pluck().get() as number;
    const size = db.pragma('page_size', { simple: true }) as number;
    db.close();
    const bytes = new Uint8Array(size).fill(0x5a);
    const { openSync, writeSync, closeSync } = await import('node:fs');
    const handle = openSync(backup, 'r+');
    writeSync(handle, bytes, 0, size, (root - 1) * size);
    closeSync(handle);
    const refused = await run('restore', backup, '--yes');
    expect([1, 78]).toContain(refused.code);
    expect(refused.stderr).toMatch(/damaged|malformed/);
    expect(existsSync(`${file}.restored`)).toBe(false);
  });
});
