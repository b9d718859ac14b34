/**
 * One serving process per database. The lock is an exclusive transaction held open on a second
 * SQLite file: the operating system drops it with the process, however it dies, so there is no
 * stale lock to clear by hand. Commands may still read and write the database itself.
 */
import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { EXIT, StartError } from '../errors.js';
import { createPrivately } from './connection.js';
import { isSqliteError, primaryCode } from './sqlite-error.js';

export interface ServingLock {
  release(): void;
}

export const lockFileOf = (databasePath: string): string => `${databasePath}.lock`;

/** A command that only looks whether the lock is held is done after microseconds. */
const PATIENCE_MS = 250;

/** Does a process serve this database? Takes nothing, makes nothing. */
export function isServed(databasePath: string): boolean {
  const file = lockFileOf(databasePath);
  if (!existsSync(file)) return false;
  const db = new Database(file, { timeout: 0, readonly: true });
  try {
    db.prepare('SELECT 1 FROM sqlite_master').get();
    return false;
  } catch (error) {
    if (isSqliteError(error) && primaryCode(error) === 'SQLITE_BUSY') return true;
    throw error;
  } finally {
    db.close();
  }
}

/** Takes the lock, or throws StartError 75. */
export function acquireServingLock(databasePath: string): ServingLock {
  const file = lockFileOf(databasePath);
  createPrivately(file);
  const db = new Database(file, { timeout: PATIENCE_MS });
  try {
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (isSqliteError(error) && primaryCode(error) === 'SQLITE_BUSY') throw alreadyServing(databasePath, error);
    throw error;
  }
  return {
    release() {
      if (db.open) db.close();
    },
  };
}

function alreadyServing(databasePath: string, cause: unknown): StartError {
  return new StartError(
    EXIT.secondProcess,
    `Another process already serves ${databasePath}. Two bridges on one database would invite and lock people twice: stop the other one first.`,
    { cause },
  );
}
