/**
 * Writes that are taken back: a store on a connection of its own, in one transaction that is rolled
 * back whatever happens. The statements are those of every other write, so that a rehearsal cannot
 * come to anything else than the write itself; nobody else sees any of it.
 *
 * The transaction holds the write lock of the database, and in the server it does so in the process
 * whose other connection would wait for it. It therefore ends with the turn of the event loop in
 * which it began: `work` awaits nothing but the store it is given.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import type { Rules } from '../domain/rules.js';
import { mapStoreError, openConnection, type Connection } from './connection.js';
import { createCore } from './core.js';
import { registerFunctions } from './filter-functions.js';
import type { GroupCommit } from './group-commit.js';
import type { Store } from './port.js';
import { createStore } from './sqlite-store.js';

export interface RehearsalOptions {
  /** The database of the bridge, brought up to date by whoever serves it. */
  readonly path: string;
  readonly clock: Clock;
  readonly rules: () => Rules;
  readonly scimBase: () => string;
}

/** Runs `work` on the database as it is now, and takes back everything that it wrote. */
export async function rehearse<T>(options: RehearsalOptions, work: (store: Store) => Promise<T>): Promise<T> {
  const { clock, rules, scimBase } = options;
  const db = openConnection(options.path);
  let overran: NodeJS.Immediate | null = null;
  try {
    registerFunctions(db);
    const core = createCore(db, { clock, rules, uuid: randomUUID, writes: savepoints(db) });
    begin(db);
    overran = setImmediate(() => rollBack(db));
    return await work(createStore(core, db, null, scimBase));
  } finally {
    if (overran !== null) clearImmediate(overran);
    rollBack(db);
    db.close();
  }
}

function begin(db: Connection): void {
  try {
    db.exec('BEGIN IMMEDIATE');
  } catch (error) {
    throw mapStoreError(error);
  }
}

function rollBack(db: Connection): void {
  if (db.inTransaction) db.exec('ROLLBACK');
}

/** Each write at once, as a savepoint: what it throws takes back itself alone. Never outside the transaction. */
function savepoints(db: Connection): GroupCommit {
  const inSavepoint = db.transaction((work: () => unknown) => work());
  return {
    write: <T>(work: () => T) => {
      try {
        if (!db.inTransaction)
          throw new Error('the rehearsal is over: it has waited for something else than its store');
        return Promise.resolve(inSavepoint(work) as T);
      } catch (error) {
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what callbacks throw is handed through
        return Promise.reject(mapStoreError(error));
      }
    },
    flush: () => undefined,
  };
}
