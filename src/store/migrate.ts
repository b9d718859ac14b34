/**
 * Brings the schema up to date: the files of migrations/ in the order of their names, each once,
 * all in one transaction. A file that was changed after it ran, or a database that a newer version
 * wrote, stops the start: guessing on somebody's production data is not an option.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT, StartError } from '../errors.js';
import { chainExistingRows } from './audit-chain.js';
import type { Connection } from './connection.js';

export interface Migration {
  readonly name: string;
  readonly checksum: string;
  readonly sql: string;
}

/** A schema that this version cannot work with; the message says what to do. */
export class MigrationError extends StartError {
  constructor(message: string) {
    super(EXIT.config, message);
  }
}

/** migrations/ of the package, two folders up from src/store and from dist/store alike. */
export const MIGRATIONS_FOLDER = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'migrations');

const FILE_NAME = /^\d{3}_[a-z0-9_]+\.sql$/;

export function readMigrations(folder: string = MIGRATIONS_FOLDER): readonly Migration[] {
  if (!existsSync(folder)) throw new MigrationError(`The folder of the migrations is missing: ${folder}.`);
  const names = readdirSync(folder)
    .filter((name) => FILE_NAME.test(name))
    .sort();
  if (names.length === 0) throw new MigrationError(`There are no migrations in ${folder}.`);
  return names.map((name) => {
    const sql = readFileSync(path.join(folder, name), 'utf8');
    return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
  });
}

export interface Applied {
  readonly name: string;
  readonly checksum: string;
}

/** What a migration does beyond SQL, in the same transaction. */
const AFTERWARDS: Readonly<Partial<Record<string, (db: Connection) => void>>> = {
  '024_audit_chain.sql': (db) => {
    chainExistingRows(db);
  },
};

/** Runs what is missing and answers the names. Two processes may start at once: the second finds nothing to do. */
export function migrate(db: Connection, folder: string = MIGRATIONS_FOLDER): readonly string[] {
  const migrations = readMigrations(folder);
  return db
    .transaction(() => {
      db.exec(CREATE_TABLE);
      const missing = pendingMigrations(migrations, db.prepare<[], Applied>(SELECT_APPLIED).all());
      const record = db.prepare(INSERT_APPLIED);
      for (const { name, sql, checksum } of missing) {
        db.exec(sql);
        AFTERWARDS[name]?.(db);
        record.run(name, checksum);
      }
      return missing.map(({ name }) => name);
    })
    .immediate();
}

/** What has been run on a database; nothing where it is no database of the bridge. */
export function appliedMigrations(db: Connection): readonly Applied[] {
  const isThere = db.prepare(EXISTS_TABLE).get() !== undefined;
  return isThere ? db.prepare<[], Applied>(SELECT_APPLIED).all() : [];
}

/** For processes that do not migrate by themselves: says what to do where they would have to. */
export function requireUpToDate(db: Connection, folder: string = MIGRATIONS_FOLDER): void {
  const missing = pendingMigrations(readMigrations(folder), appliedMigrations(db));
  if (missing.length === 0) return;
  throw new MigrationError(
    `The database lacks the migrations ${missing.map(({ name }) => name).join(', ')}: ` +
      'start the new version of the bridge, or run `elevenlabs-scim migrate` while it is stopped.',
  );
}

/** What is still to be run, in order; throws where history and files contradict each other. */
export function pendingMigrations(migrations: readonly Migration[], applied: readonly Applied[]): readonly Migration[] {
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  for (const { name, checksum } of applied) {
    const migration = known.get(name);
    if (migration === undefined) {
      throw new MigrationError(
        `The database was written by a newer version of the bridge (it has run migration ${name}, which is unknown here). ` +
          'Start that version again, or restore a backup from before the upgrade.',
      );
    }
    if (migration.checksum !== checksum) {
      throw new MigrationError(
        `The migration ${name} was changed after it had been run on this database. ` +
          'Put the file back as it was released; changes of the schema go into a new file.',
      );
    }
  }
  const done = new Set(applied.map(({ name }) => name));
  const last = applied.at(-1)?.name ?? '';
  const missing = migrations.filter(({ name }) => !done.has(name));
  const late = missing.find(({ name }) => name < last);
  if (late !== undefined) {
    throw new MigrationError(
      `The migration ${late.name} comes before ${last}, which has been run already. Give it a higher number.`,
    );
  }
  return missing;
}

const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS schema_migrations (
  name       TEXT PRIMARY KEY,
  checksum   TEXT NOT NULL,
  applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
) STRICT, WITHOUT ROWID`;
const EXISTS_TABLE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'";
const SELECT_APPLIED = 'SELECT name, checksum FROM schema_migrations ORDER BY name';
const INSERT_APPLIED = 'INSERT INTO schema_migrations (name, checksum) VALUES (?, ?)';
