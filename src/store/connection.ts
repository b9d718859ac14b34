/**
 * Opens the database file. What is acknowledged is on the disk (WAL, synchronous=FULL), what the
 * rows hold is for the bridge's account only (0600 in a 0700 folder), and trouble with the file is
 * an answer (503, nothing was changed), not a bug.
 */
import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { unavailable } from '../errors.js';
import { isSqliteError, primaryCode } from './sqlite-error.js';

export type Connection = Database.Database;

/** How long a write waits for another process (the CLI) that is writing. The event loop waits with it. */
const BUSY_TIMEOUT_MS = 2_000;
/** The same while the database is known to be held: long enough for writes that come and go. */
const SHORT_BUSY_TIMEOUT_MS = 50;

export function openConnection(file: string): Connection {
  try {
    createPrivately(file);
    const db = new Database(file, { timeout: BUSY_TIMEOUT_MS });
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma('trusted_schema = OFF');
    // What is deleted is overwritten: a purge leaves no personal data in free space of the file.
    db.pragma('secure_delete = ON');
    db.pragma('temp_store = MEMORY');
    db.pragma('cache_size = -32768');
    return db;
  } catch (error) {
    throw mapStoreError(error);
  }
}

/** SQLite gives -wal and -shm the mode of the database file, so that one is made before it opens it. */
export function createPrivately(file: string): void {
  const folder = path.dirname(file);
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (existsSync(file)) return;
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
}

interface Trouble {
  readonly detail: string;
  readonly retryAfterSeconds: number;
}

const TROUBLE: Readonly<Record<string, Trouble>> = {
  SQLITE_BUSY: { detail: 'The database of the bridge is busy. Nothing was changed.', retryAfterSeconds: 2 },
  SQLITE_LOCKED: { detail: 'The database of the bridge is busy. Nothing was changed.', retryAfterSeconds: 2 },
  SQLITE_FULL: { detail: 'The disk of the bridge is full. Nothing was changed.', retryAfterSeconds: 60 },
  SQLITE_READONLY: { detail: 'The database of the bridge is read-only. Nothing was changed.', retryAfterSeconds: 60 },
  SQLITE_IOERR: { detail: 'The disk of the bridge has a fault. Nothing was changed.', retryAfterSeconds: 60 },
  SQLITE_CANTOPEN: {
    detail: 'The database of the bridge cannot be opened. Nothing was changed.',
    retryAfterSeconds: 60,
  },
};

/** Another process is writing. */
export const isBusy = (error: unknown): boolean => isSqliteError(error) && primaryCode(error) === 'SQLITE_BUSY';

/** How long writes wait for another process from now on. */
export function setPatience(db: Connection, isLong: boolean): void {
  db.pragma(`busy_timeout = ${String(isLong ? BUSY_TIMEOUT_MS : SHORT_BUSY_TIMEOUT_MS)}`);
}

/** Faults of the file become ScimError 503; everything else is handed through as it is. */
export function mapStoreError(error: unknown): unknown {
  const trouble = isSqliteError(error) ? TROUBLE[primaryCode(error)] : undefined;
  return trouble === undefined ? error : unavailable(trouble.detail, trouble.retryAfterSeconds, error);
}
