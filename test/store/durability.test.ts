/** Which writes wait for the disk. SQLite says it itself: 2 = FULL, 1 = NORMAL. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/clock.js';
import { openConnection, type Connection } from '../../src/store/connection.js';
import { createCore, type Core } from '../../src/store/core.js';

describe('durability', () => {
  let folder: string;
  let db: Connection;
  let core: Core;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'durability-'));
    db = openConnection(path.join(folder, 'x.db'));
    const rules = (): never => {
      throw new Error('no rules are needed');
    };
    core = createCore(db, { clock: systemClock, rules, uuid: () => 'x' });
  });
  afterEach(() => {
    db.close();
    rmSync(folder, { recursive: true });
  });

  const level = (): unknown => db.pragma('synchronous', { simple: true });

  it('is full for every write but those that say otherwise, and again after them', async () => {
    expect(await core.write(level)).toBe(2);
    expect(await core.writeLazily(level)).toBe(1);
    expect(await core.write(level)).toBe(2);
  });

  it('is full again after a lazy write that failed, of which nothing is left', async () => {
    db.exec('CREATE TABLE t (v INTEGER)');
    const failing = core.writeLazily(() => {
      core.run('INSERT INTO t VALUES (1)');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(level()).toBe(2);
    expect(core.values('SELECT v FROM t')).toEqual([]);
  });
});
