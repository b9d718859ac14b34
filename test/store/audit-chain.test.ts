/** The audit log as evidence: what is changed in the file by hand is found, and named. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { DEFAULT_RULES } from '../../src/domain/rules.js';
import { digitsOf, fingerprintOf } from '../../src/domain/audit-fingerprint.js';
import { hashOf, digestOf, type ChainedRow } from '../../src/store/audit-chain.js';
import type { AuditCheckpoint, AuditVerdict, Store } from '../../src/store/port.js';
import { openStore } from '../../src/store/sqlite-store.js';
import { createFakeClock } from '../support/fake-clock.js';

const KEY = 'a-key-of-the-audit-log-0123456789abcdef';
const DAY = 86_400_000;

let folder: string;
let file: string;
let store: Store | null = null;
const clock = createFakeClock();

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'audit-'));
  file = path.join(folder, 'bridge.db');
});
afterEach(() => {
  close();
  rmSync(folder, { recursive: true, force: true });
});

function open(auditKey: string | null = null, serve = false): Store {
  close();
  return (store = openStore({ path: file, clock, rules: () => DEFAULT_RULES, auditKey, serve }));
}

function close(): void {
  store?.close();
  store = null;
}

async function write(count: number, auditKey: string | null = null): Promise<Store> {
  const opened = open(auditKey);
  for (let n = 1; n <= count; n++)
    await opened.audit({
      actor: 'cli',
      action: 'test.row',
      subject: `row:${String(n)}`,
      requestId: null,
      after: { n },
    });
  return opened;
}

/** Who can write the file removes the triggers first. */
function attack(change: (db: Database.Database) => void): void {
  close();
  const db = new Database(file);
  for (const name of db
    .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_log'")
    .pluck()
    .all())
    db.exec(`DROP TRIGGER ${String(name)}`);
  change(db);
  db.close();
}

async function verdict(checkpoints: readonly AuditCheckpoint[] = [], key: string | null = null): Promise<AuditVerdict> {
  return open(key).verifyAudit(checkpoints);
}

const found = async (...args: Parameters<typeof verdict>): Promise<readonly (readonly [string, number, number])[]> =>
  (await verdict(...args)).findings.map(({ kind, from, to }) => [kind, from, to] as const);

/** Makes the hashes right again from a row on, as an attacker without the key can. */
function rechain(db: Database.Database, from: number): void {
  const rows = db.prepare('SELECT *, request_id AS requestId FROM audit_log ORDER BY id').all() as ChainedRow[];
  let prev: string | null = null;
  for (const row of rows) {
    let { hash } = row;
    if (row.id >= from) {
      const digest = row.salt === null ? row.digest : digestOf(row.salt, row.before, row.after);
      hash = hashOf(prev, row, digest);
      db.prepare('UPDATE audit_log SET prev = ?, digest = ?, hash = ? WHERE id = ?').run(prev, digest, hash, row.id);
    }
    prev = hash;
  }
}

describe('the chain', () => {
  it('is whole as the bridge writes it', async () => {
    await write(5);
    const { findings, rows, last } = await verdict();
    expect([findings, rows, last?.id]).toEqual([[], 5, 5]);
  });

  it.each([
    'at = at + 1',
    "actor = 'bridge'",
    "action = 'x.y'",
    "subject = 'x'",
    "request_id = 'x'",
    'version = 7',
    `after = '{"n":9}'`,
    "before = '{}'",
    'after = NULL',
    "hash = replace(hash, '0', '1')",
  ])('names the row where %s was set', async (change) => {
    await write(5);
    attack((db) => db.exec(`UPDATE audit_log SET ${change} WHERE id = 3`));
    expect((await found())[0]).toEqual(['edited', 3, 3]);
  });

  it('names rows that were removed, first ones too', async () => {
    await write(6);
    attack((db) => db.exec('DELETE FROM audit_log WHERE id IN (1, 4, 5)'));
    expect(await found()).toEqual([
      ['removed', 1, 1],
      ['removed', 4, 5],
    ]);
  });

  it('names rows that were removed and the others numbered anew', async () => {
    await write(6);
    attack((db) => db.exec('DELETE FROM audit_log WHERE id = 4; UPDATE audit_log SET id = id - 1 WHERE id > 4'));
    expect(await found()).toEqual([['edited', 3, 3]]);
  });

  it.each([
    ['without a hash', false],
    ['with a hash of its own', true],
  ])('names a row that was put in %s', async (_name, isHashed) => {
    await write(5);
    attack((db) => {
      db.exec('UPDATE audit_log SET id = -id - 1 WHERE id > 2; UPDATE audit_log SET id = -id WHERE id < 0');
      const row = { at: 1, actor: 'cli', action: 'x.y', subject: null, requestId: null, version: null };
      const prev = db.prepare('SELECT hash FROM audit_log WHERE id = 2').pluck().get() as string;
      const place = isHashed ? [prev, hashOf(prev, row, null)] : [null, null];
      db.prepare("INSERT INTO audit_log (id, at, actor, action, prev, hash) VALUES (3, 1, 'cli', 'x.y', ?, ?)").run(
        ...place,
      );
    });
    expect(await found()).toEqual([['inserted', 3, 3]]);
  });

  it('does not find what a checkpoint does: rows removed at the end, and a log written anew', async () => {
    const head = await (await write(5)).auditHead();
    if (head === null) throw new Error('nothing was written');
    expect(await found([head])).toEqual([]);
    expect(await found([{ id: 5, hash: digitsOf(fingerprintOf(head.hash)) }])).toEqual([]);
    attack((db) => db.exec('DELETE FROM audit_log WHERE id > 3'));
    expect(await found()).toEqual([]);
    expect(await found([head])).toEqual([['removed', 4, 5]]);
  });

  it('does not find a log written anew without a checkpoint', async () => {
    const head = await (await write(5)).auditHead();
    if (head === null) throw new Error('nothing was written');
    attack((db) => {
      db.exec("UPDATE audit_log SET actor = 'somebody' WHERE id = 3");
      rechain(db, 3);
    });
    expect(await found()).toEqual([]);
    expect(await found([head])).toEqual([['rewritten', 5, 5]]);
  });
});

describe('a key', () => {
  it('finds a log that was written anew by somebody who has it not', async () => {
    await write(5, KEY);
    expect(await found([], KEY)).toEqual([]);
    attack((db) => {
      db.exec("UPDATE audit_log SET actor = 'somebody' WHERE id = 3");
      rechain(db, 3);
    });
    expect(await found([], KEY)).toEqual([
      ['forged', 3, 3],
      ['forged', 4, 4],
      ['forged', 5, 5],
    ]);
  });

  it('finds rows without a signature among signed ones', async () => {
    await write(3, KEY);
    attack((db) => db.exec('UPDATE audit_log SET signature = NULL WHERE id = 2'));
    expect(await found([], KEY)).toEqual([['unsigned', 2, 2]]);
  });

  it('is told of where it begins and changes, and cannot be left out afterwards', async () => {
    await write(2);
    const signed = open(KEY, true);
    expect(await signed.verifyAudit([])).toMatchObject({ findings: [], signedFrom: 3, signedByOthers: 0 });
    expect((await signed.auditRows({ limit: 1 }))[0]).toMatchObject({ action: 'audit.key', before: null });
    expect(() => open(null)).toThrow('AUDIT_KEY is not set');
    const other = open(`${KEY}-2`, true);
    expect(await other.verifyAudit([])).toMatchObject({ findings: [], signedFrom: 3, signedByOthers: 1 });
    expect((await open(`${KEY}-2`, true).auditRows({ limit: 9 })).map(({ action }) => action)).toEqual([
      'audit.key',
      'audit.key',
      'test.row',
      'test.row',
    ]);
  });
});

describe('a purge', () => {
  it('by age names what it emptied, and is never emptied itself', async () => {
    const opened = await write(3);
    clock.jump(2 * DAY);
    while ((await opened.expireOld(clock.now() - DAY, 2)) > 0);
    clock.jump(2 * DAY);
    while ((await opened.expireOld(clock.now() - DAY, 2)) > 0);
    expect(await opened.verifyAudit([])).toMatchObject({ findings: [], purged: 3 });
    const rows = await opened.auditRows({ action: 'audit.expire', limit: 9 });
    expect(rows.map(({ after }) => after)).toEqual(['{"emptied":"3"}', '{"emptied":"1-2"}']);
  });

  it('cannot be feigned: a row that was emptied by hand is named', async () => {
    await write(4);
    attack((db) => db.exec('UPDATE audit_log SET before = NULL, after = NULL, salt = NULL WHERE id IN (2, 3)'));
    expect(await found()).toEqual([['emptied', 2, 3]]);
  });
});

describe('an older database', () => {
  it('is brought into the chain by the migration, with a row that says so', async () => {
    const migrations = new URL('../../migrations/', import.meta.url);
    const old = new Database(file);
    old.exec(
      'CREATE TABLE schema_migrations (name TEXT PRIMARY KEY, checksum TEXT NOT NULL, applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP) STRICT, WITHOUT ROWID',
    );
    const { createHash } = await import('node:crypto');
    for (const name of readdirSync(migrations).sort()) {
      if (name >= '024') continue;
      const sql = readFileSync(new URL(name, migrations), 'utf8');
      old.exec(sql);
      const checksum = createHash('sha256').update(sql).digest('hex');
      old.prepare('INSERT INTO schema_migrations (name, checksum) VALUES (?, ?)').run(name, checksum);
    }
    const put = old.prepare("INSERT INTO audit_log (id, at, actor, action, after) VALUES (?, 1, 'cli', 'old.row', ?)");
    for (const id of [1, 2, 5]) put.run(id, id === 2 ? null : '{"old":true}');
    old.close();
    const opened = open();
    expect(await opened.verifyAudit([])).toMatchObject({ findings: [], rows: 4, adoptedUpTo: 5 });
    const [genesis] = await opened.auditRows({ limit: 1 });
    expect(genesis).toMatchObject({ id: 6, action: 'audit.genesis', after: '{"rows":3,"lastRow":5}' });
    attack((db) => db.exec("UPDATE audit_log SET actor = 'x' WHERE id = 2"));
    expect(await found()).toEqual([['edited', 2, 2]]);
  });
});
