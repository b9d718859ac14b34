/** Trouble with the file: a defined answer, nothing changed, and work again without a restart. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { DEFAULT_RULES } from '../../src/domain/rules.js';
import { mapStoreError, openConnection } from '../../src/store/connection.js';
import { createCore } from '../../src/store/core.js';
import { openStore } from '../../src/store/sqlite-store.js';
import type { Store } from '../../src/store/port.js';
import { createFakeClock } from '../support/fake-clock.js';
import { ann, EVERYTHING, IDP, refusal } from './contract/support.js';

describe('a store in trouble', () => {
  let folder: string;
  let file: string;
  let store: Store;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'bridge-faults-'));
    file = path.join(folder, 'bridge.db');
    store = openStore({ path: file, clock: createFakeClock(), rules: () => DEFAULT_RULES });
  });
  afterEach(() => {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('answers 503 while another process writes, and works again afterwards', async () => {
    const other = new Database(file);
    other.exec('BEGIN IMMEDIATE');
    const error = await refusal(store.createUser(ann(), IDP));
    expect(error.status).toBe(503);
    expect(error.headers['Retry-After']).toMatch(/^\d+$/);
    expect(error.message).toContain('Nothing was changed');
    expect((await store.listUsers(EVERYTHING)).total).toBe(0);
    other.exec('ROLLBACK');
    other.close();
    await store.createUser(ann(), IDP);
  });

  it('answers 503 when it is full, and works again when there is room', async () => {
    const db = openConnection(file);
    const core = createCore(db, { clock: createFakeClock(), rules: () => DEFAULT_RULES, uuid: () => 'x' });
    const pages = db.pragma('page_count', { simple: true }) as number;
    db.pragma(`max_page_count = ${String(pages + 2)}`);
    const fill = core.write(() => {
      for (let i = 0; i < 100; i++)
        core.run('INSERT INTO settings (name, value) VALUES (?, ?)', String(i), 'x'.repeat(4000));
    });
    expect(await refusal(fill)).toMatchObject({ status: 503, message: expect.stringContaining('full') });
    expect(db.inTransaction).toBe(false);
    expect(core.value('SELECT COUNT(*) FROM settings')).toBe(0);
    db.pragma(`max_page_count = ${String(pages + 1000)}`);
    await core.write(() => core.run("INSERT INTO settings (name, value) VALUES ('a', 'b')"));
    db.close();
    expect(await store.setting('a')).toBe('b');
  });

  it('answers 503 for a read-only database', async () => {
    await store.createUser(ann(), IDP);
    store.close();
    const db = new Database(file, { readonly: true });
    const core = createCore(db, { clock: createFakeClock(), rules: () => DEFAULT_RULES, uuid: () => 'x' });
    expect(await refusal(core.write(() => core.run('DELETE FROM users')))).toMatchObject({ status: 503 });
    expect(await core.read(() => core.value('SELECT COUNT(*) FROM users'))).toBe(1);
    db.close();
  });

  it.each([
    ['SQLITE_BUSY_SNAPSHOT', 503],
    ['SQLITE_FULL', 503],
    ['SQLITE_READONLY_DBMOVED', 503],
    ['SQLITE_IOERR_FSYNC', 503],
    ['SQLITE_CANTOPEN', 503],
  ])('takes %s for a fault of the file', (code, status) => {
    expect(mapStoreError(new Database.SqliteError('x', code))).toMatchObject({ status });
  });

  it('takes a violated constraint for a bug, and hands other errors through', () => {
    const bug = new Database.SqliteError('x', 'SQLITE_CONSTRAINT_UNIQUE');
    expect(mapStoreError(bug)).toBe(bug);
    const other = new TypeError('x');
    expect(mapStoreError(other)).toBe(other);
  });

  it('cannot be opened where the folder may not be written', () => {
    if (process.getuid?.() === 0) return;
    chmodSync(folder, 0o500);
    expect(() => openConnection(path.join(folder, 'x', 'y.db'))).toThrow();
  });
});
