/* eslint-disable @typescript-eslint/no-unnecessary-type-parameters -- the caller knows what its SQL selects */
/**
 * What every part of the store works with: one connection, prepared statements, transactions, the
 * clock and the rules. The parts are plain synchronous functions that take a Core first; only the
 * methods of the port (sqlite-store.ts) open transactions, and never await inside one.
 */
import type { Statement } from 'better-sqlite3';
import type { Clock } from '../clock.js';
import type { Rules } from '../domain/rules.js';
import type { Millis } from '../domain/types.js';
import { mapStoreError, type Connection } from './connection.js';
import { createGroupCommit } from './group-commit.js';
import { createServingTime } from './serving-time.js';

export type Bind = string | number | null;

export type ListName = 'User' | 'Group';

export interface Core {
  readonly db: Connection;
  readonly rules: () => Rules;
  readonly uuid: () => string;
  readonly now: () => Millis;
  /** For how long this database has been served (serving-time.ts). */
  readonly served: () => Millis;
  /** Writes that down. */
  keepServingTime(): void;
  /** Lets everybody else have a turn of the event loop. */
  readonly turn: () => Promise<void>;
  /** First row, all rows, first column of the first row, first column of all rows. */
  get<R>(sql: string, ...params: readonly Bind[]): R | undefined;
  all<R>(sql: string, ...params: readonly Bind[]): R[];
  value<V>(sql: string, ...params: readonly Bind[]): V | undefined;
  values<V>(sql: string, ...params: readonly Bind[]): V[];
  /** Rows as arrays: half the cost where thousands are read. */
  raw<T extends readonly unknown[]>(sql: string, ...params: readonly Bind[]): T[];
  run(sql: string, ...params: readonly Bind[]): { readonly changes: number; readonly lastId: number };
  /** Runs `work` as a transaction (group-commit.ts); what it throws rolls all of it back. */
  write<T>(work: () => T): Promise<T>;
  /**
   * The same without waiting for the disk. Until the next `write` a loss of power may undo it, as a
   * whole; the end of the process does not. Only for what is made again from the rest of the database.
   */
  writeLazily<T>(work: () => T): Promise<T>;
  /** Commits now what waits to be written. */
  flush(): void;
  /** Runs `work` on one snapshot. */
  read<T>(work: () => T): Promise<T>;
  /** Rows came or went: the caches of the lists are void. */
  listMoved(list: ListName): void;
  /** Equal stamps: no row of the list has come or gone, by this process or another. */
  listStamp(list: ListName): string;
  dataVersion(): number;
}

/** SQL made from filters varies without end: only so many statements are kept. */
const MAX_STATEMENTS = 800;

export function createCore(
  db: Connection,
  parts: {
    readonly clock: Clock;
    readonly rules: () => Rules;
    readonly uuid: () => string;
    readonly isServing?: boolean;
  },
): Core {
  const prepared = {
    rows: statementCache(db, (statement) => ({ statement: statement.raw(), toRow: rowMaker(statement) })),
    plucked: statementCache(db, (statement) => statement.pluck()),
    changes: statementCache(db, (statement) => statement),
  };
  const dataVersion = db.prepare('PRAGMA data_version').pluck();
  const transaction = db.transaction((work: () => unknown) => work());
  const writes = createGroupCommit(db, parts.clock);
  const servingTime = createServingTime(db, parts.clock, parts.isServing ?? false);
  const moves: Record<ListName, number> = { User: 0, Group: 0 };
  const read = <T>(work: () => T): Promise<T> => {
    try {
      return Promise.resolve(transaction.deferred(work) as T);
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what callbacks throw is handed through
      return Promise.reject(mapStoreError(error));
    }
  };
  return {
    db,
    rules: parts.rules,
    uuid: parts.uuid,
    now: () => parts.clock.now(),
    served: () => servingTime.now(),
    keepServingTime: () => {
      servingTime.keep();
    },
    turn: () => parts.clock.turn(),
    get<R>(sql: string, ...params: readonly Bind[]) {
      const { statement, toRow } = prepared.rows(sql);
      const values = statement.get(...params) as Values | undefined;
      return values && (toRow(values) as R);
    },
    all<R>(sql: string, ...params: readonly Bind[]) {
      const { statement, toRow } = prepared.rows(sql);
      return (statement.all(...params) as Values[]).map(toRow) as R[];
    },
    value: <V>(sql: string, ...params: readonly Bind[]) => prepared.plucked(sql).get(...params) as V | undefined,
    values: <V>(sql: string, ...params: readonly Bind[]) => prepared.plucked(sql).all(...params) as V[],
    raw: <T extends readonly unknown[]>(sql: string, ...params: readonly Bind[]) =>
      prepared.rows(sql).statement.all(...params) as T[],
    run(sql, ...params) {
      const { changes, lastInsertRowid } = prepared.changes(sql).run(...params);
      return { changes, lastId: Number(lastInsertRowid) };
    },
    write: (work) => writes.write(work, 'durable'),
    writeLazily: (work) => writes.write(work, 'lazy'),
    flush: () => {
      writes.flush();
    },
    read,
    listMoved(list) {
      moves[list]++;
    },
    listStamp: (list) => `${String(moves[list])} ${String(dataVersion.get())}`,
    dataVersion: () => dataVersion.get() as number,
  };
}

type Values = readonly unknown[];

/**
 * Makes the rows of a statement objects. better-sqlite3 can do it, but sets each property through the
 * interface of V8 to C++, which costs as much as reading them.
 */
function rowMaker(statement: Statement): (values: Values) => object {
  const names = statement.columns().map(({ name }) => name);
  const empty: Readonly<Record<string, unknown>> = Object.fromEntries(names.map((name) => [name, null]));
  return (values) => {
    const row: Record<string, unknown> = { ...empty };
    names.forEach((name, at) => (row[name] = values[at]));
    return row;
  };
}

function statementCache<T>(db: Connection, make: (statement: Statement) => T): (sql: string) => T {
  const cache = new Map<string, T>();
  return (sql) => {
    let made = cache.get(sql);
    if (made !== undefined) return made;
    made = make(db.prepare(sql));
    if (cache.size >= MAX_STATEMENTS) cache.clear();
    cache.set(sql, made);
    return made;
  };
}
