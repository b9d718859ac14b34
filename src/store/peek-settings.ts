/** Reads settings of a database that is not opened for work: no lock, no migration, no write. */
import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';

/** Empty where there is no such file, or it is no database of the bridge. */
export function peekSettings(file: string, names: readonly string[]): ReadonlyMap<string, string> {
  if (!existsSync(file)) return new Map();
  try {
    const db = new Database(file, { readonly: true, fileMustExist: true });
    try {
      const select = db.prepare(SELECT);
      const rows = select.raw().all(JSON.stringify(names)) as [string, string][];
      return new Map(rows);
    } finally {
      db.close();
    }
  } catch (error) {
    if (error instanceof Database.SqliteError) return new Map();
    throw error;
  }
}

const SELECT = 'SELECT name, value FROM settings WHERE name IN (SELECT value FROM json_each(?))';
