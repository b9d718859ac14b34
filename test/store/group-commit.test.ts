/** Writes of one turn share a transaction: which of them hold, and what each is answered. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ScimError } from '../../src/errors.js';
import { openConnection, type Connection } from '../../src/store/connection.js';
import { systemClock } from '../../src/clock.js';
import { createGroupCommit, type GroupCommit } from '../../src/store/group-commit.js';

let folder: string;
let db: Connection;
let other: Connection;
let writes: GroupCommit;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'group-commit-'));
  const file = path.join(folder, 'x.db');
  db = openConnection(file);
  other = openConnection(file);
  db.exec('CREATE TABLE t (v INTEGER UNIQUE)');
  writes = createGroupCommit(db, systemClock);
});
afterEach(() => {
  db.close();
  other.close();
  rmSync(folder, { recursive: true });
});

const insert = (value: number) => (): number => {
  db.prepare('INSERT INTO t VALUES (?)').run(value);
  return value;
};
const stored = (): unknown => other.prepare('SELECT v FROM t ORDER BY v').pluck().all();
/** Commits seen by another connection: each moves its data version. */
const commits = async (work: () => Promise<unknown>): Promise<number> => {
  const versions = new Set([other.pragma('data_version', { simple: true })]);
  const turn = (): void => void versions.add(other.pragma('data_version', { simple: true }));
  const timer = setInterval(turn, 0);
  await work();
  clearInterval(timer);
  turn();
  return versions.size - 1;
};

describe('writes of one turn', () => {
  it('are answered each with its own, in one commit', async () => {
    const seen = await commits(async () => {
      const answers = [1, 2, 3].map((value) => writes.write(insert(value), 'durable'));
      expect(stored()).toEqual([]);
      expect(await Promise.all(answers)).toEqual([1, 2, 3]);
    });
    expect([seen, stored()]).toEqual([1, [1, 2, 3]]);
  });

  it('see what those before them wrote', async () => {
    const first = writes.write(insert(1), 'durable');
    const count = writes.write(() => db.prepare('SELECT COUNT(*) FROM t').pluck().get(), 'durable');
    expect(await Promise.all([first, count])).toEqual([1, 1]);
  });

  it('fail alone: what one throws takes back itself and no other', async () => {
    const failing = writes.write(() => {
      insert(2)();
      throw new Error('mine');
    }, 'durable');
    const all = await Promise.allSettled([
      writes.write(insert(1), 'durable'),
      failing,
      writes.write(insert(1), 'durable'),
      writes.write(insert(3), 'durable'),
    ]);
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    await expect(failing).rejects.toThrow('mine');
    expect(stored()).toEqual([1, 3]);
  });

  it('are tried one by one where the transaction as a whole fails', async () => {
    // As SQLite does by itself on a full disk or a fault of it.
    const failing = writes.write(() => {
      db.exec('ROLLBACK');
      throw new Error('the disk');
    }, 'durable');
    const all = await Promise.allSettled([
      writes.write(insert(1), 'durable'),
      failing,
      writes.write(insert(3), 'durable'),
    ]);
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(stored()).toEqual([1, 3]);
  });

  it('get a 503 each while another process writes, and change nothing', async () => {
    db.pragma('busy_timeout = 1');
    other.exec('BEGIN IMMEDIATE');
    const work = jest.fn();
    const all = await Promise.allSettled([writes.write(work, 'durable'), writes.write(insert(1), 'durable')]);
    expect(all).toEqual([
      { status: 'rejected', reason: expect.any(ScimError) },
      { status: 'rejected', reason: expect.any(ScimError) },
    ]);
    expect(work).not.toHaveBeenCalled();
    other.exec('COMMIT');
    expect(await writes.write(insert(2), 'durable')).toBe(2);
    expect(stored()).toEqual([2]);
  });

  it('wait for the disk if one of them has to', async () => {
    const level = (): unknown => db.pragma('synchronous', { simple: true });
    expect(await Promise.all([writes.write(level, 'lazy'), writes.write(level, 'durable')])).toEqual([2, 2]);
    expect(await Promise.all([writes.write(level, 'lazy'), writes.write(level, 'lazy')])).toEqual([1, 1]);
    expect(level()).toBe(2);
  });

  it('are written at once when asked for, and a closed database is not touched after that', async () => {
    const answer = writes.write(insert(1), 'durable');
    writes.flush();
    db.close();
    expect([await answer, stored()]).toEqual([1, [1]]);
  });
});
