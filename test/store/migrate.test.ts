import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fold } from '../../src/domain/fold.js';
import { UPSTREAM_CALLS } from '../../src/domain/upstream-calls.js';
import { openConnection, type Connection } from '../../src/store/connection.js';
import { migrate, MIGRATIONS_FOLDER, readMigrations } from '../../src/store/migrate.js';

describe('migrations', () => {
  let folder: string;
  let db: Connection;
  const put = (name: string, sql: string) => writeFileSync(path.join(folder, name), sql);
  const open = () => openConnection(path.join(folder, 'data', 'bridge.db'));
  /** Runs the real migrations before this one; what comes back runs it and the rest. */
  const migrateUntil = (name: string): (() => readonly string[]) => {
    rmSync(path.join(folder, '001_first.sql'));
    const names = readMigrations().map((migration) => migration.name);
    const run = (wanted: readonly string[]): readonly string[] => {
      for (const each of wanted) put(each, readFileSync(path.join(MIGRATIONS_FOLDER, each), 'utf8'));
      return migrate(db, folder);
    };
    run(names.slice(0, names.indexOf(name)));
    return () => run(names.slice(names.indexOf(name)));
  };

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'bridge-migrate-'));
    db = open();
    put('001_first.sql', 'CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1);');
  });
  afterEach(() => {
    db.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('run in order, each once', () => {
    put('002_second.sql', 'UPDATE a SET x = x + 1;');
    put('notes.txt', 'no migration');
    expect(migrate(db, folder)).toEqual(['001_first.sql', '002_second.sql']);
    put('003_third.sql', 'UPDATE a SET x = x * 10;');
    expect(migrate(db, folder)).toEqual(['003_third.sql']);
    expect(migrate(db, folder)).toEqual([]);
    expect(db.prepare('SELECT x FROM a').pluck().get()).toBe(20);
  });

  it('refuse a file that was changed after it ran', () => {
    migrate(db, folder);
    put('001_first.sql', 'CREATE TABLE a (x TEXT) STRICT;');
    expect(() => migrate(db, folder)).toThrow(/001_first\.sql was changed after it had been run/);
  });

  it('refuse a database of a newer version', () => {
    put('002_second.sql', 'CREATE TABLE b (x INTEGER) STRICT;');
    migrate(db, folder);
    rmSync(path.join(folder, '002_second.sql'));
    expect(() => migrate(db, folder)).toThrow(/newer version .*002_second\.sql/);
  });

  it('refuse a file that comes before one that has run', () => {
    put('002_second.sql', 'SELECT 1;');
    migrate(db, folder);
    put('001_late.sql', 'SELECT 1;');
    expect(() => migrate(db, folder)).toThrow(/001_late\.sql comes before/);
  });

  it('leave nothing behind where one fails', () => {
    put('002_second.sql', 'CREATE TABLE b (x INTEGER) STRICT; SELECT nonsense FROM nowhere;');
    expect(() => migrate(db, folder)).toThrow(/nowhere/);
    expect(db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()).toEqual([]);
  });

  it('are made once by two connections that start together', () => {
    const other = open();
    migrate(db, folder);
    expect(migrate(other, folder)).toEqual([]);
    other.close();
  });

  it('exit with 78, the code for a configuration that allows no start', () => {
    rmSync(path.join(folder, '001_first.sql'));
    expect(() => migrate(db, folder)).toThrow(expect.objectContaining({ name: 'StartError', exitCode: 78 }));
  });

  it('of the package are found, and make a private file', () => {
    expect(MIGRATIONS_FOLDER).toBe(path.resolve('migrations'));
    expect(migrate(db)).toEqual(readMigrations().map(({ name }) => name));
    const mode = (name: string) => statSync(path.join(folder, 'data', name)).mode & 0o777;
    expect([mode('.'), mode('bridge.db'), mode('bridge.db-wal'), mode('bridge.db-shm')]).toEqual([
      0o700, 0o600, 0o600, 0o600,
    ]);
  });

  it('bring names that were folded otherwise into the form of today', () => {
    const migrateRest = migrateUntil('007_one_small_sigma.sql');
    const add = db.prepare(
      `INSERT INTO users (id, user_name, user_name_key, active, document, managed, origin, version, created_at, modified_at)
       VALUES (?, ?, ?, 1, '{}', 1, 'idp', 1, 0, 0)`,
    );
    add.run('a', 'ΝΙΚΟΣ', 'νικος');
    // One person twice, by the old rule: both stay.
    add.run('b', 'ΛΑΚΗΣ.Π', 'λακησ.π');
    add.run('c', 'λακης.π', 'λακης.π');
    expect(migrateRest()[0]).toBe('007_one_small_sigma.sql');
    expect(db.prepare('SELECT user_name_key FROM users ORDER BY id').pluck().all()).toEqual([
      fold('ΝΙΚΟΣ'),
      fold('ΛΑΚΗΣ.Π'),
      'λακης.π',
    ]);
  });

  it('give readings the names of calls that changes have', () => {
    const migrateRest = migrateUntil('008_names_of_calls.sql');
    const add = db.prepare("INSERT INTO upstream_calls (endpoint, started_at, outcome) VALUES (?, 0, 'ok')");
    for (const method of ['identity', 'listMembers', 'listGroups', 'searchGroups', 'getResource']) add.run(method);
    migrateRest();
    const stored = db.prepare('SELECT endpoint FROM upstream_calls ORDER BY id').pluck().all();
    expect(stored).toEqual(['user.get', 'members.list', 'groups.list', 'groups.search', 'resources.get']);
    const known: readonly unknown[] = Object.values(UPSTREAM_CALLS);
    expect(stored.filter((name) => !known.includes(name))).toEqual([]);
  });

  it('leave those behind who were only found in a workspace group that is linked no more', () => {
    const migrateRest = migrateUntil('009_found_members.sql');
    db.exec(`INSERT INTO users (seq, id, user_name, user_name_key, active, document, managed, origin, version, created_at, modified_at)
      VALUES (1, 'a', 'a', 'a', 1, '{}', 1, 'idp', 1, 0, 0), (2, 'b', 'b', 'b', 1, '{}', 1, 'idp', 1, 0, 0)`);
    db.exec(`INSERT INTO groups (seq, id, display_name, display_name_key, document, managed, version, created_at, modified_at, workspace_group_id)
      VALUES (1, 'free', 'free', 'free', '{}', 1, 1, 0, 0, NULL), (2, 'tied', 'tied', 'tied', '{}', 1, 1, 0, 0, 'g-1')`);
    db.exec(`INSERT INTO memberships (group_seq, user_seq, origin, added_at)
      VALUES (1, 1, 'idp', 0), (1, 2, 'workspace', 0), (2, 1, 'idp', 0), (2, 2, 'workspace', 0)`);
    migrateRest();
    expect(db.prepare('SELECT group_seq, user_seq FROM memberships').raw().all()).toEqual([
      [1, 1],
      [2, 1],
      [2, 2],
    ]);
    expect(db.prepare('SELECT id, version FROM groups ORDER BY seq').raw().all()).toEqual([
      ['free', 2],
      ['tied', 1],
    ]);
  });

  it('forget the keys that access tokens were signed with, and keep OAuth clients and tokens', () => {
    const migrateRest = migrateUntil('020_one_token_table.sql');
    db.exec("INSERT INTO settings (name, value) VALUES ('oauthKeys', 'a private key'), ('workspace', 'w')");
    db.exec(`INSERT INTO tokens (id, kind, label, hash, scopes, group_id, created_at, expires_at, revoked_at, last_used_at)
      VALUES ('t', 'oauthClient', 'entra', 'ab', '["users"]', 'c', 1, 2, 3, 4), ('a', 'admin', 'me', 'cd', '[]', NULL, 1, NULL, NULL, NULL)`);
    migrateRest();
    expect(db.prepare('SELECT name FROM settings').pluck().all()).toEqual(['workspace']);
    const columns =
      'id, kind, label, hash, scopes, group_id, parent_id, created_at, expires_at, revoked_at, last_used_at';
    expect(db.prepare(`SELECT ${columns} FROM tokens ORDER BY id`).raw().all()).toEqual([
      ['a', 'admin', 'me', 'cd', '[]', null, null, 1, null, null, null],
      ['t', 'oauthClient', 'entra', 'ab', '["users"]', 'c', null, 1, 2, 3, 4],
    ]);
  });

  it('are kept durably: WAL, full synchronisation, foreign keys', () => {
    const pragma = (name: string) => db.pragma(name, { simple: true });
    expect([pragma('journal_mode'), pragma('synchronous'), pragma('foreign_keys')]).toEqual(['wal', 2, 1]);
  });
});
