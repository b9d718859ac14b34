/**
 * For how long this database has been served, all processes together: a clock that stands still while
 * nobody serves, and that no change of the wall clock moves. A process that dies takes at most what has
 * passed since the last `keep` with it, so that a window rather lasts longer than shorter.
 */
import type { Clock } from '../clock.js';
import type { Millis } from '../domain/types.js';
import type { Connection } from './connection.js';

export interface ServingTime {
  now(): Millis;
  /** Writes it down. */
  keep(): void;
}

/** `isServing`: this process serves the database; in others time stands where it was last written down. */
export function createServingTime(db: Connection, clock: Clock, isServing: boolean): ServingTime {
  const begun = clock.monotonic();
  const read = (): Millis => db.prepare<[], Millis>(SELECT).pluck().get() ?? 0;
  let before: Millis | null = null;
  const now = (): Millis => {
    if (!isServing) return read();
    before ??= read();
    return Math.floor(before + clock.monotonic() - begun);
  };
  return {
    now,
    keep() {
      if (isServing) db.prepare(UPSERT).run(String(now()));
    },
  };
}

// Uses are written at once, the setting now and then.
const SELECT = `SELECT MAX(COALESCE((SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'servingTime'), 0),
  COALESCE((SELECT MAX(at) FROM limit_uses), 0))`;
const UPSERT = `INSERT INTO settings (name, value) VALUES ('servingTime', ?)
  ON CONFLICT (name) DO UPDATE SET value = excluded.value`;
