/** Filters without an index over more rows than are looked through at once. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DEFAULT_RULES } from '../../src/domain/rules.js';
import type { Document } from '../../src/domain/types.js';
import { USER } from '../../src/domain/user-schema.js';
import { parseAttributePath, parseFilter } from '../../src/scim/filter-parser.js';
import type { ListQuery, Store } from '../../src/store/port.js';
import { openStore } from '../../src/store/sqlite-store.js';
import { createFakeClock } from '../support/fake-clock.js';
import { EVERYTHING, IDP } from './contract/support.js';

/** Rows apart, in creation: more than are looked through at once. */
const APART = 5_000;
const NAMES = ['dora', 'carl', 'bert', 'anna'] as const;

let folder: string;
let store: Store;
const ids = new Map<string, string>();

/** Users far apart, as if thousands of others had come and gone in between. */
beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'bridge-search-'));
  const file = path.join(folder, 'bridge.db');
  store = openStore({ path: file, clock: createFakeClock(), rules: () => DEFAULT_RULES });
  const beside = new Database(file);
  for (const [index, name] of NAMES.entries()) {
    const { record } = await store.createUser(person(name), IDP);
    ids.set(name, record.id);
    beside.prepare("UPDATE sqlite_sequence SET seq = ? WHERE name = 'users'").run((index + 1) * APART);
  }
  beside.close();
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const person = (name: string): Document => ({
  ...{ userName: `${name}@x.com`, title: name === 'bert' ? 'Boss' : 'Engineer' },
  name: { familyName: name },
  active: false,
});

const search = (filter: string, more: Partial<ListQuery> = {}): ReturnType<Store['listUsers']> =>
  store.listUsers({ ...EVERYTHING, ...more, filter: parseFilter(filter, USER) });
const namesOf = ({ items }: Awaited<ReturnType<Store['listUsers']>>) =>
  items.map(({ document }) => (document['userName'] as string).split('@')[0]);

describe('a filter without an index', () => {
  it.each([
    'title eq "engineer"',
    'active eq false and title eq "engineer"',
    'userName gt "a" and title eq "engineer"',
  ])('finds what is far apart, in the order of creation: %s', async (filter) => {
    const page = await search(filter);
    expect(namesOf(page)).toEqual(['dora', 'carl', 'anna']);
    expect(page.total).toBe(3);
  });

  it('answers pages of it, sorted where that is asked for', async () => {
    const second = await search('title eq "engineer"', { startIndex: 2, count: 1 });
    expect([namesOf(second), second.total]).toEqual([['carl'], 3]);
    const sortBy = parseAttributePath('name.familyName', USER);
    const sorted = await search('title eq "engineer"', { sortBy, startIndex: 2, count: 2 });
    expect([namesOf(sorted), sorted.total]).toEqual([['carl', 'dora'], 3]);
    const none = await search('title eq "engineer"', { count: 0 });
    expect([namesOf(none), none.total]).toEqual([[], 3]);
  });

  it('lets others have their turn', async () => {
    let isDone = false;
    const found = search('title eq "boss"').finally(() => (isDone = true));
    let turns = 0;
    for (; !isDone; turns++) await setImmediate();
    expect(namesOf(await found)).toEqual(['bert']);
    expect(turns).toBeGreaterThanOrEqual(3);
  });

  it('shows nobody who does not match any more, and nobody who has gone meanwhile', async () => {
    const found = search('title eq "engineer"');
    await setImmediate();
    await store.updateUser(ids.get('dora') ?? '', (current) => ({ ...current, title: 'Boss' }), IDP);
    await store.deleteUser(ids.get('carl') ?? '', IDP);
    const page = await found;
    expect([namesOf(page), page.total]).toEqual([['anna'], 1]);
  });

  it('waits for the search before it, and does not mind how that ended', async () => {
    const pages = await Promise.all(['boss', 'engineer', 'nobody'].map((title) => search(`title eq "${title}"`)));
    expect(pages.map(({ total }) => total)).toEqual([1, 3, 0]);
  });
});
