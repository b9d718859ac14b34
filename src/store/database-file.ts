/**
 * The database as a file: whether it is sound, a copy of it while it is used, and one put in its
 * place. A backup is believed only after it was opened and read through.
 */
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { EXIT, StartError } from '../errors.js';
import { carryOver, type CarriedOver, type RestoreNote } from './carry-over.js';
import { createPrivately } from './connection.js';
import { appliedMigrations, migrate, pendingMigrations, readMigrations } from './migrate.js';
import { SETTING } from './settings.js';
import { isSqliteError } from './sqlite-error.js';

/** What a database file is. */
export interface DatabaseFacts {
  /** What SQLite finds broken, line by line; empty = sound. */
  readonly damage: readonly string[];
  /** Names of the migrations that this version would still run. */
  readonly pending: readonly string[];
  /** The workspace it belongs to; null before the first pin. */
  readonly workspace: string | null;
  readonly users: number;
  readonly groups: number;
  readonly bytes: number;
}

/** Pages between two reports of progress; small enough that writers never wait long. */
const PAGES_PER_STEP = 256;

/** Opens the file read-only and looks at all of it. Throws StartError where it is no database of the bridge, or of a newer version. */
export function inspectDatabase(file: string, check: 'quick' | 'full' = 'full'): DatabaseFacts {
  if (!existsSync(file)) throw new StartError(EXIT.config, `There is no file ${file}.`);
  let db: Database.Database | null = null;
  try {
    db = new Database(file, { readonly: true, fileMustExist: true });
    const found = db.pragma(check === 'full' ? 'integrity_check' : 'quick_check', { simple: false }) as object[];
    const lines = found.flatMap((row) => String(Object.values(row)[0]).split('\n'));
    const applied = appliedMigrations(db);
    if (applied.length === 0) throw new StartError(EXIT.config, `${file} is no database of the bridge.`);
    const one = (sql: string, ...params: string[]): unknown =>
      db
        ?.prepare(sql)
        .pluck()
        .get(...params);
    return {
      damage: lines.filter((line) => line !== 'ok' && !line.startsWith('***')),
      pending: pendingMigrations(readMigrations(), applied).map(({ name }) => name),
      workspace: (one('SELECT value FROM settings WHERE name = ?', SETTING.workspace) as string | undefined) ?? null,
      users: one('SELECT COUNT(*) FROM users WHERE deleted_at IS NULL') as number,
      groups: one('SELECT COUNT(*) FROM groups') as number,
      bytes: (one('PRAGMA page_count') as number) * (one('PRAGMA page_size') as number),
    };
  } catch (error) {
    if (isSqliteError(error))
      throw new StartError(EXIT.config, `${file} cannot be read as a database: ${error.message}.`, { cause: error });
    throw error;
  } finally {
    db?.close();
  }
}

/**
 * Copies the database, also while it is written to: the copy is one consistent state. It appears
 * under its name only when it is whole and sound.
 */
export async function backupDatabase(
  source: string,
  target: string,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<DatabaseFacts> {
  mkdirSync(path.dirname(path.resolve(target)), { recursive: true, mode: 0o700 });
  const fresh = `${target}.new`;
  rmSync(fresh, { force: true });
  createPrivately(fresh);
  const db = new Database(source, { readonly: true, fileMustExist: true });
  try {
    await db.backup(fresh, {
      progress({ totalPages, remainingPages }) {
        onProgress(totalPages - remainingPages, totalPages);
        return PAGES_PER_STEP;
      },
    });
    makeWhole(fresh);
    chmodSync(fresh, 0o600);
    const facts = inspectDatabase(fresh);
    if (facts.damage.length > 0)
      throw new StartError(
        EXIT.config,
        `The copy is damaged: ${facts.damage.slice(0, 3).join('; ')}. Is the database itself?`,
      );
    renameSync(fresh, target);
    return facts;
  } finally {
    db.close();
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(fresh + suffix, { force: true });
  }
}

/** One file that needs no companions, so that it can be carried about. */
function makeWhole(file: string): void {
  const db = new Database(file);
  try {
    db.pragma('journal_mode = DELETE');
  } finally {
    db.close();
  }
}

/**
 * Puts a backup in the place of the database, which is kept under the name that is answered (null:
 * there was none). The caller holds the serving lock. Before, the copy is brought up to date, gets
 * `settings`, and what a backup must not take back (carry-over.ts).
 */
export async function replaceDatabase(
  backup: string,
  target: string,
  stamp: string,
  settings: Readonly<Record<string, string>>,
  note: RestoreNote,
): Promise<{ readonly kept: string | null; readonly carried: CarriedOver }> {
  const fresh = `${target}.restored`;
  await backupDatabase(backup, fresh);
  const db = new Database(fresh);
  let carried: CarriedOver;
  try {
    migrate(db);
    const put = db.prepare(
      'INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    );
    for (const [name, value] of Object.entries(settings)) put.run(name, value);
    carried = carryOver(db, existsSync(target) ? target : null, note);
  } catch (error) {
    db.close();
    rmSync(fresh, { force: true });
    throw error;
  }
  db.close();
  makeWhole(fresh);
  const kept = existsSync(target) ? `${target}.before-restore-${stamp}` : null;
  if (kept !== null) {
    foldBack(target);
    for (const suffix of ['-wal', '-shm', ''])
      if (existsSync(target + suffix)) renameSync(target + suffix, kept + suffix);
  }
  renameSync(fresh, target);
  return { kept, carried };
}

/** Puts the write-ahead log into the file, as far as the file can still be read. */
function foldBack(file: string): void {
  try {
    const db = new Database(file, { fileMustExist: true });
    try {
      db.pragma('wal_checkpoint(TRUNCATE)');
    } finally {
      db.close();
    }
  } catch (error) {
    // A broken database is the reason to restore: it is kept as it is.
    if (!isSqliteError(error)) throw error;
  }
}
