/**
 * Drills: the bridge is lost, and comes back from what an operator has. Each ends in the same
 * workspace, with nobody invited twice, and with nothing left to do. docs/operations/drills.md has
 * what is typed.
 */
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { startProcess, type BridgeProcess } from '../support/bridge-process.js';
import { cli, type CliResult } from '../support/cli.js';
import { addressOf, startProcessBridge, type ProcessBridge } from '../support/process-bridge.js';
import { snapshotWorkspace, type WorkspaceSnapshot } from '../support/workspace-snapshot.js';

const PEOPLE = ['ann', 'ben', 'cem'];

let bridge: ProcessBridge;
let before: WorkspaceSnapshot;
const started: BridgeProcess[] = [];

beforeEach(async () => {
  bridge = await startProcessBridge({ seed: minimalSeed() });
  const ids: string[] = [];
  for (const name of PEOPLE) ids.push((await bridge.createUser(name)).body.id as string);
  await bridge.until(() => Object.keys(bridge.mails()).length === PEOPLE.length, 'the invites');
  bridge.sandbox.control.accept(addressOf('ann'));
  await bridge.until(async () => (await statusOf(bridge.origin, ids[0])) === 'member', 'the acceptance');
  await bridge.setActive(ids[1] ?? '', false);
  await bridge.until(() => !(addressOf('ben') in snapshotWorkspace(bridge.sandbox).pendingInvites), 'the revocation');
  before = snapshotWorkspace(bridge.sandbox);
  expect(before.pendingInvites).toHaveProperty([addressOf('cem')]);
});

afterEach(async () => {
  for (const each of started.splice(0)) {
    each.kill('SIGKILL');
    await each.ended;
  }
  await bridge.close();
});

async function statusOf(origin: string, id = ''): Promise<unknown> {
  const { authorization } = { authorization: `Bearer ${bridge.env['SCIM_TOKEN'] ?? ''}` };
  const answer = await fetch(`${origin}/scim/v2/Users/${id}`, { headers: { authorization, connection: 'close' } });
  const body = (await answer.json()) as Record<string, { status?: unknown }>;
  return body['urn:ietf:params:scim:schemas:extension:elevenlabs:2.0:User']?.status;
}

const envFor = (database: string) => ({ ...bridge.env, DATABASE_PATH: database });
const run = (database: string, ...args: readonly string[]): Promise<CliResult> =>
  cli({ cwd: bridge.directory, env: envFor(database) }, ...args);
const ok = async (database: string, ...args: readonly string[]): Promise<void> => {
  const { code, stdout, stderr } = await run(database, ...args);
  expect([args[0], code, stdout + stderr]).toEqual([args[0], 0, expect.any(String)]);
};

/** After the first reading an administrator accepts the plan, and the bridge sends again. */
const accept = (database: string): Promise<void> =>
  bridge.until(async () => (await run(database, 'plan', '--accept', '--yes')).code === 0, 'the plan to be accepted');

const stop = async (): Promise<void> => {
  bridge.process.kill('SIGTERM');
  expect(await bridge.process.ended).toBe(0);
};
const die = async (): Promise<void> => {
  bridge.process.kill('SIGKILL');
  await bridge.process.ended;
};

/** Starts a bridge on a database, and waits until it has read the workspace. */
async function serve(database: string): Promise<string> {
  const child = startProcess(['serve'], { cwd: path.dirname(database), env: envFor(database) });
  started.push(child);
  const [, url = ''] = await child.says(/SCIM base URL\s+(http\S+)/);
  const { origin } = new URL(url);
  const hasReading = async (): Promise<boolean> => {
    const answer = await fetch(`${origin}/healthz`, { headers: { connection: 'close' } });
    return ((await answer.json()) as { workspace: { hasReading: boolean } }).workspace.hasReading;
  };
  await bridge.until(hasReading, 'the first reading after the drill');
  return origin;
}

/** The same workspace, nobody invited twice, the same people, and nothing left to do. */
async function expectTheSame(database: string, origin: string): Promise<void> {
  const headers = { authorization: `Bearer ${bridge.env['SCIM_TOKEN'] ?? ''}`, connection: 'close' };
  const answer = await fetch(`${origin}/scim/v2/Users?attributes=userName,active`, { headers });
  const { Resources } = (await answer.json()) as { Resources: { userName: string; active: boolean }[] };
  const active = Object.fromEntries(Resources.map((user) => [user.userName, user.active]));
  expect(active).toMatchObject({ [addressOf('ann')]: true, [addressOf('ben')]: false, [addressOf('cem')]: true });
  expect((await run(database, 'plan')).code).toBe(0);
  expect(snapshotWorkspace(bridge.sandbox)).toEqual(before);
}

const other = (): string => path.join(bridge.directory, 'other', 'bridge.db');

describe('a backup', () => {
  it('made while the bridge serves comes back in its place', async () => {
    const copy = path.join(bridge.directory, 'copy.db');
    await ok(bridge.database, 'backup', copy);
    await die();
    await ok(bridge.database, 'restore', copy, '--yes');
    const url = await serve(bridge.database);
    await accept(bridge.database);
    await expectTheSame(bridge.database, url);
  });

  it('moves the bridge to another folder and port', async () => {
    const copy = path.join(bridge.directory, 'copy.db');
    await stop();
    await ok(bridge.database, 'backup', copy);
    await ok(other(), 'restore', copy, '--yes');
    const url = await serve(other());
    await accept(other());
    await expectTheSame(other(), url);
  });
});

describe('a snapshot of the volume', () => {
  it('with the log that SQLite had not written back is as good as the volume', async () => {
    const folder = path.dirname(bridge.database);
    expect(existsSync(`${bridge.database}-wal`)).toBe(true);
    // Stopped for the moment of the copy: a snapshot of a volume takes all its files at one time.
    bridge.process.kill('SIGSTOP');
    mkdirSync(path.dirname(other()));
    for (const name of readdirSync(folder)) cpSync(path.join(folder, name), path.join(path.dirname(other()), name));
    bridge.process.kill('SIGCONT');
    await die();
    await expectTheSame(other(), await serve(other()));
  });
});

describe('a downgrade', () => {
  it('is refused, changes nothing, and says what to do', async () => {
    await stop();
    const db = new Database(bridge.database);
    db.exec("INSERT INTO schema_migrations (name, checksum) VALUES ('999_of_a_newer_version.sql', 'x')");
    db.close();
    const { code, stderr } = await run(bridge.database, 'serve');
    expect([code, stderr]).toEqual([78, expect.stringMatching(/newer version.*restore a backup/s)]);
    expect(snapshotWorkspace(bridge.sandbox)).toEqual(before);
  });
});
