/** Each finding of `doctor`, provoked: the built command, a database file, and a workspace behind HTTP. */
import { chmodSync, closeSync, openSync, statfsSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import type { Finding } from '../../src/commands/finding.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { openConnection } from '../../src/store/connection.js';
import { readMigrations } from '../../src/store/migrate.js';
import { acquireServingLock } from '../../src/store/serving-lock.js';
import { ensureBuilt } from '../support/bridge-process.js';
import type { Env } from '../support/cli.js';
import { startUnserved, WRITER, type Unserved } from '../support/unserved.js';

const OWNER = 'owner@workspace.example';
const ADMIN = 'admin@workspace.example';

let here: Unserved;
let { folder, file, sandbox, run, runWith, inStore, createUser, createGroup } = {} as Unserved;

beforeAll(ensureBuilt, 90_000);

beforeEach(async () => {
  here = await startUnserved(
    minimalSeed({
      workspaceId: 'ws-here',
      members: [
        { email: OWNER, owner: true },
        { email: ADMIN, seatType: 'workspace_admin' },
      ],
      keys: [{ name: 'Bridge', owner: ADMIN }],
    }),
  );
  ({ folder, file, sandbox, run, runWith, inStore, createUser, createGroup } = here);
});

afterEach(() => here.close());

/** What `doctor` says about one subject. */
async function findings(check: string, env: Env = {}, ...args: readonly string[]): Promise<readonly Finding[]> {
  const { stdout } = await runWith(env, 'doctor', '--json', ...args);
  const all = (JSON.parse(stdout) as { findings: readonly Finding[] }).findings;
  return all.filter((finding) => finding.check === check);
}

const offline = (check: string, env: Env = {}): Promise<readonly Finding[]> => findings(check, env, '--offline');

const finding = (level: Finding['level'], text: string, remedy: string) => ({
  ...{ check: expect.any(String), level },
  ...{ text: expect.stringContaining(text), remedy: expect.stringContaining(remedy) },
});

describe('the exit code', () => {
  it('is 2 and the remedy is there where the key is rejected, 1 where there are warnings only', async () => {
    await run('migrate');
    await run('token', 'create', 'idp');
    const [good, rejected, unasked] = await Promise.all([
      run('doctor', '--json'),
      runWith({ ELEVENLABS_API_KEY: 'sk_of_another_region_0123456789' }, 'doctor'),
      runWith({ ELEVENLABS_API_KEY: 'sk_of_another_region_0123456789' }, 'doctor', '--offline'),
    ]);
    expect(good.json().fails).toBe(0);
    expect(good.code).toBe(1);
    expect(rejected.code).toBe(2);
    expect(rejected.stdout).toMatch(/^fail {2}API key: ElevenLabs rejects it: .*\n {6}-> .*ELEVENLABS_REGION/m);
    expect(rejected.stdout).not.toContain('sk_of_another_region');
    expect(unasked.code).toBe(1);
    expect(unasked.stdout).toContain('not asked (--offline)');
  }, 120_000);
});

describe('the owner of the key', () => {
  it('is named while it is a person: the key leaves with it', async () => {
    expect(await findings('Key owner')).toEqual([
      finding('warn', `${ADMIN}, workspace_admin: the key stops working when this person leaves`, 'service account'),
    ]);
  });

  it('must not be locked', async () => {
    sandbox.control.setSwitches({ lockedKeyOwnerRejected: false });
    sandbox.control.setLocked(ADMIN, true);
    expect(await findings('Key owner')).toEqual([finding('fail', `${ADMIN} is locked`, 'unlock the person')]);
  });

  it('must be an admin', async () => {
    sandbox.control.setSeat(ADMIN, 'workspace_lite_member');
    expect(await findings('Key owner')).toEqual([
      finding('fail', `${ADMIN} has the seat workspace_lite_member: only admins may lock people`, 'key of an admin'),
    ]);
  });

  it('must be there, if it was a person', async () => {
    sandbox.control.setSwitches({ lockedKeyOwnerRejected: false });
    await run('migrate');
    expect((await run('sync')).code).toBe(0);
    sandbox.control.removeMember(ADMIN);
    expect(await findings('Key owner')).toEqual([
      finding('fail', 'a person who is no member any more', 'Use the key of a service account'),
    ]);
  }, 120_000);

  it('is told where ElevenLabs rejects the key of a locked person', async () => {
    await run('migrate');
    expect((await run('sync')).code).toBe(0);
    sandbox.control.setLocked(ADMIN, true);
    expect(await findings('API key')).toEqual([
      finding('fail', 'ElevenLabs rejects it', `The last one that worked was that of ${ADMIN}`),
    ]);
  }, 120_000);
});

describe('the database', () => {
  it('is checked for damage', async () => {
    await run('migrate');
    for (let count = 0; count < 40; count++) await createUser(`user-${String(count)}`);
    expect(await offline('Database')).toEqual([
      { check: 'Database', level: 'ok', text: `${file} is sound; 40 users, 0 groups`, remedy: null },
    ]);
    const db = new Database(file);
    const index = "SELECT rootpage FROM sqlite_master WHERE type = 'index' AND tbl_name = 'users' AND sql IS NOT NULL";
    const root = db.prepare(`${index} LIMIT 1`).pluck().get() as number;
    const size = db.pragma('page_size', { simple: true }) as number;
    db.close();
    const handle = openSync(file, 'r+');
    writeSync(handle, new Uint8Array(size).fill(0x5a), 0, size, (root - 1) * size);
    closeSync(handle);
    const damaged = await runWith({}, 'doctor', '--offline');
    expect(damaged.code).toBe(2);
    expect(damaged.stdout).toMatch(/^fail {2}Database: .*is damaged: .*\n {6}-> Stop the bridge and restore a backup/m);
  }, 120_000);

  it('must be one', async () => {
    writeFileSync(file, 'no database at all, but long enough to look at'.repeat(50));
    expect(await offline('Database')).toEqual([finding('fail', 'cannot be read as a database', 'DATABASE_PATH')]);
  });

  it('of an older version is told what it lacks', async () => {
    const [first, ...later] = readMigrations();
    if (first === undefined) throw new Error('there is no migration');
    const db = openConnection(file);
    db.exec('CREATE TABLE schema_migrations (name TEXT PRIMARY KEY, checksum TEXT NOT NULL)');
    db.exec(first.sql);
    db.prepare('INSERT INTO schema_migrations (name, checksum) VALUES (?, ?)').run(first.name, first.checksum);
    db.close();
    const missing = later.map(({ name }) => name).join(', ');
    expect(await offline('Migrations')).toEqual([finding('fail', `missing: ${missing}`, 'run `migrate`')]);
    await run('migrate');
    expect(await offline('Migrations')).toEqual([{ check: 'Migrations', level: 'ok', text: 'all done', remedy: null }]);
  });

  it('belongs to the sandbox or to a real workspace', async () => {
    await run('migrate');
    await inStore((store) => store.setSetting('workspace', 'sandbox'));
    expect(await offline('Pin')).toEqual([
      finding('fail', 'belongs to the sandbox, and ELEVENLABS_API_KEY is set', 'DATABASE_PATH'),
    ]);
    await inStore((store) => store.setSetting('workspace', 'ws-here'));
    expect(await offline('Pin')).toEqual([expect.objectContaining({ level: 'ok' })]);
    expect(await offline('Pin', { ELEVENLABS_API_KEY: '' })).toEqual([
      finding('fail', 'belongs to a real workspace, and ELEVENLABS_API_KEY is not set', 'Set the API key'),
    ]);
  });

  it('belongs to the workspace of the key', async () => {
    await run('migrate');
    expect((await run('sync')).code).toBe(0);
    expect(await findings('Workspace')).toEqual([expect.objectContaining({ level: 'ok' })]);
    const other = await startUnserved(minimalSeed({ workspaceId: 'ws-elsewhere' }));
    try {
      const key = { ELEVENLABS_API_KEY: other.sandbox.apiKey(), ELEVENLABS_BASE_URL: other.url };
      expect(await findings('Workspace', key)).toEqual([
        finding('fail', 'the database belongs to ws-here, the key to ws-elsewhere', 'key of the right workspace'),
      ]);
    } finally {
      await other.close();
    }
  }, 120_000);

  it('is closed to other accounts', async () => {
    await run('migrate');
    chmodSync(file, 0o644);
    expect(await offline('File mode')).toEqual([finding('warn', 'others can read', `chmod 600 ${file}`)]);
  });
});

const onLinux = process.platform === 'linux' ? it : it.skip;

describe('the disk', () => {
  onLinux('has to have room', async () => {
    // A file system that never has any.
    expect(await offline('Disk', { DATABASE_PATH: '/proc/bridge.db' })).toEqual([
      finding('fail', '0 MiB free in /proc', 'Make room: without it the bridge answers 503'),
    ]);
  });

  it('has to hold a copy of the database', async () => {
    await run('migrate');
    expect(await offline('Disk')).toEqual([expect.objectContaining({ level: 'ok' })]);
    // A file with a hole: it is larger than half of what is free, and takes nothing.
    const { bavail, bsize } = statfsSync(folder);
    truncateSync(file, Math.floor((bavail * bsize) / 1.5));
    expect(await offline('Disk')).toEqual([finding('warn', 'MiB free in', 'Make room')]);
  });
});

describe('PUBLIC_URL', () => {
  it('must be set, https, and without an underscore', async () => {
    expect(await offline('Public URL')).toEqual([finding('warn', 'PUBLIC_URL is not set', 'Set it to the URL')]);
    expect(await offline('Public URL', { PUBLIC_URL: 'http://bridge.example/scim_bridge' })).toEqual([
      finding('warn', 'is not https: Entra ID refuses it', 'Serve it over https'),
      finding('warn', 'has an underscore: Okta refuses such base URLs', 'another path'),
    ]);
    expect(await offline('Public URL', { PUBLIC_URL: 'https://bridge.example' })).toEqual([
      expect.objectContaining({ level: 'ok', text: 'https://bridge.example' }),
    ]);
  });

  it('must lead to the bridge', async () => {
    // The workspace answers there.
    expect(await findings('Public URL', { PUBLIC_URL: here.url })).toContainEqual(
      finding('warn', '/healthz answers 401, not as the bridge does', 'Check DNS, proxy and certificate'),
    );
    expect(await findings('Public URL', { PUBLIC_URL: 'http://127.0.0.1:1' })).toContainEqual(
      finding('warn', '/healthz cannot be reached (', 'Check DNS, proxy and certificate'),
    );
  });
});

describe('the mapping file and the configuration', () => {
  it('have every problem listed', async () => {
    await run('migrate');
    const mapping = path.join(folder, 'mapping.yaml');
    writeFileSync(mapping, 'version: 1\nseats: nonsense\n');
    const [configuration, broken] = await Promise.all([
      runWith({ PORT: 'x', DRIFT: 'y' }, 'doctor'),
      runWith({ MAPPING_FILE: mapping }, 'doctor', '--offline'),
    ]);
    expect(configuration.code).toBe(2);
    expect(configuration.stdout.match(/^fail {2}Configuration/gm)).toHaveLength(2);
    expect(broken.code).toBe(2);
    expect(broken.stdout).toMatch(/^fail {2}Mapping file: .*mapping\.yaml:\d+/m);
    expect(broken.stdout.match(/^fail {2}(?!Mapping file)/gm)).toBeNull();
  });

  it('are asked about files with secrets that every account can read', async () => {
    const [key, token] = [path.join(folder, 'open-key'), path.join(folder, 'closed-token')];
    writeFileSync(key, 'sk_0123456789abcdef');
    chmodSync(key, 0o644);
    writeFileSync(token, 'esb_admin_0123456789abcdef0123456789', { mode: 0o600 });
    const env = { ELEVENLABS_API_KEY: '', ELEVENLABS_API_KEY_FILE: key, ADMIN_TOKEN_FILE: token };
    expect(await offline('Secret files', env)).toEqual([
      finding('warn', 'open-key (ELEVENLABS_API_KEY_FILE)', `chmod o= ${key}`),
    ]);
    chmodSync(key, 0o640);
    expect(await offline('Secret files', env)).toEqual([expect.objectContaining({ level: 'ok' })]);
  });
});

describe('groups', () => {
  it('that do not link are named, each with what to do', async () => {
    await run('migrate');
    for (const name of ['Twin', 'Twin', 'Sales']) sandbox.control.createGroup(name);
    sandbox.control.markGroup(sandbox.control.createGroup('Native'), { scimSynced: true });
    for (const name of ['Twin', 'Native', 'Sales', 'Nowhere']) await createGroup(name);
    expect((await run('sync')).code).toBe(0);
    expect(await offline('Groups')).toEqual([
      finding('warn', 'no workspace group of this name, so their members are in no group: "Nowhere"', 'groups link'),
      finding('warn', 'several workspace groups have this name: "Twin"', 'Rename one at ElevenLabs'),
      finding('warn', 'ElevenLabs\' own SCIM manages these groups, so they are not changed: "Native"', 'Unassign them'),
    ]);
  }, 120_000);
});

describe('protected members', () => {
  it('are named with the reason, and so is that there is only one admin', async () => {
    const mapping = path.join(folder, 'mapping.yaml');
    sandbox.control.addMember({ email: 'vip@workspace.example' });
    writeFileSync(mapping, 'neverTouch: [vip@workspace.example]\n');
    await run('migrate');
    expect((await run('sync')).code).toBe(0);
    const [named] = await offline('Protected', { MAPPING_FILE: mapping });
    for (const who of [
      `${OWNER} (owner of the workspace)`,
      `${ADMIN} (owner of the API key)`,
      'vip@workspace.example (neverTouch)',
    ])
      expect(named?.text).toContain(who);
    expect(await offline('Admins')).toEqual([]);
    sandbox.control.setSeat(ADMIN, 'workspace_member');
    expect((await run('sync')).code).toBe(0);
    expect(await offline('Admins')).toEqual([
      finding('warn', 'there is only one unlocked admin', 'Make a second person admin'),
    ]);
  }, 120_000);
});

describe('work that waits for somebody', () => {
  it('is told: held and refused changes, tokens that end, and that nothing was read', async () => {
    await run('migrate');
    expect(await offline('Tokens')).toEqual([finding('fail', 'no IdP can sign in', 'token create')]);
    await run('token', 'create', 'idp', '--expires', '5d');
    expect(await offline('Tokens')).toEqual([
      finding('warn', 'no IdP has signed in yet', 'test the connection'),
      finding('warn', 'the scim token "idp" expires in', 'token rotate "idp"'),
    ]);
    expect(await offline('Reading')).toEqual([finding('warn', 'has never been read', 'Start the bridge')]);
    sandbox.control.addMember({ email: 'ann@workspace.example' });
    const id = await createUser('ann');
    expect((await run('sync')).code).toBe(0);
    expect(await offline('Reading')).toEqual([expect.objectContaining({ level: 'ok' })]);
    expect(await offline('Work')).toEqual([expect.objectContaining({ level: 'ok' })]);

    sandbox.control.setSeatLimits({ full: 2, basic: 0 });
    await createUser('bob');
    await inStore((store) => store.updateUser(id, (current) => ({ ...current, active: false }), WRITER));
    await runWith({ DEPROVISION_LIMIT: '0' }, 'sync');
    expect(await offline('Held changes')).toEqual([finding('warn', '1 change held', 'held list')]);
    expect(await offline('Refused changes')).toEqual([
      finding('warn', 'ElevenLabs refused 1 change', 'users list --status failed'),
    ]);
  }, 120_000);

  it('is told: who may be one of several members', async () => {
    await run('migrate');
    sandbox.control.setSwitches({ emailCaseSensitive: true });
    for (const email of ['Ann@workspace.example', 'ann@workspace.example']) sandbox.control.addMember({ email });
    await createUser('ann');
    expect((await run('sync')).code).toBe(0);
    expect(await offline('Ambiguous members')).toEqual([
      finding('warn', '1 user may be one of several members', 'drift'),
    ]);
  }, 60_000);

  it('does not ask to start a bridge that runs, and whose key is rejected', async () => {
    await run('migrate');
    const env = { ELEVENLABS_API_KEY: 'sk_of_another_region_0123456789' };
    expect(await offline('Server')).toEqual([finding('warn', 'no bridge serves this database', 'serve')]);
    expect(await findings('Reading', env)).toEqual([finding('warn', 'never been read', 'Start the bridge')]);
    const lock = acquireServingLock(file);
    const served = await findings('Reading', env).finally(() => lock.release());
    expect(served).toEqual([finding('warn', 'never been read', 'A bridge runs, and does not get to read')]);
  }, 120_000);
});
