/** A what-if says what the same request then does, and leaves nothing: neither in the database nor upstream. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import type { Json } from '../../src/domain/types.js';
import type { WhatIf } from '../../src/domain/what-if.js';
import { startTestBridge, type TestBridge } from '../support/bridge.js';

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const BULK = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';

let bridge: TestBridge;
beforeEach(async () => {
  bridge = await startTestBridge({});
});
afterEach(() => bridge.close());

/** Every table, row by row. */
function everything(): string {
  const db = new Database(bridge.config.databasePath, { readonly: true });
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").pluck().all();
  const rowsOf = (name: string): string[] =>
    db
      .prepare(`SELECT * FROM "${name}"`)
      .raw()
      .all()
      .map((row) => JSON.stringify(row))
      .sort();
  const rows = (tables as string[]).map((name) => [name, rowsOf(name)]);
  db.close();
  return JSON.stringify(rows);
}

/** Asks, and sees to it that nothing has come of it. */
async function ask(script: Json): Promise<WhatIf> {
  await bridge.idle();
  const [before, calls] = [everything(), bridge.writes().length];
  const answer = await bridge.app.whatIf(script);
  expect(everything()).toBe(before);
  await bridge.idle();
  expect(bridge.writes().length).toBe(calls);
  expect(everything()).toBe(before);
  return answer;
}

/** Ids and times differ between a rehearsal and the truth. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    (JSON.stringify(value) ?? 'null')
      .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<id>')
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>'),
  );

/** The ledger rows that came since, as the what-if names its calls. */
async function sentSince(rows: number): Promise<readonly unknown[]> {
  await bridge.finish();
  const ledger = [...(await bridge.store.ledger({ states: ['done'], limit: 1000 }))].sort((a, b) => a.id - b.id);
  return ledger.slice(rows).map(({ change }) => change);
}

const doneRows = async (): Promise<number> => (await bridge.store.ledger({ states: ['done'], limit: 1000 })).length;
const body = (name: string, more: object = {}): { [key: string]: Json } => ({
  schemas: [USER],
  userName: name,
  emails: [{ value: `${name}@new.example`, type: 'work' }],
  ...more,
});

/** The what-if, and then the same in truth. */
async function compare(method: string, path: string, sent: { [key: string]: Json } | null): Promise<WhatIf> {
  const answer = await ask({ method, path, body: sent });
  const rows = await doneRows();
  const real = await bridge.scim(method, path, sent ?? undefined);
  const [played] = answer.requests;
  expect(played?.status).toBe(real.status);
  const realBody = real.body === null || real.body === '' || real.status === 204 ? null : (real.body as unknown);
  expect(plain(played?.answer ?? null)).toEqual(plain(realBody));
  // Several people are worked on at once: only the order of each one's calls is promised.
  const sorted = (changes: readonly unknown[]): string[] => changes.map((one) => JSON.stringify(plain(one))).sort();
  expect(sorted(answer.calls.map(({ change }) => change))).toEqual(sorted(await sentSince(rows)));
  return answer;
}

describe('what if', () => {
  it('a user is created, changed, locked, deleted: the answer, and the calls, are those of the request', async () => {
    const invited = await compare('POST', '/Users', body('ann', { roles: [{ value: 'admin' }] }));
    expect(invited.calls.map(({ change }) => change.kind)).toEqual(['invite']);
    expect(invited.seats.after.invited.full - invited.seats.before.invited.full).toBe(1);
    await compare('POST', '/Users', body('ann'));
    await compare('POST', '/Users', { schemas: [USER], userName: 'nobody' });
    const found = (await bridge.scim('GET', '/Users?filter=userName%20eq%20%22ann%22')).body.Resources[0];
    const path = `/Users/${String(found.id)}`;
    const active = (value: boolean): { [key: string]: Json } => ({
      schemas: [PATCH],
      Operations: [{ op: 'replace', path: 'active', value }],
    });
    const revoked = await compare('PATCH', path, active(false));
    expect(revoked.calls.map(({ change }) => change.kind)).toEqual(['revokeInvite']);
    await compare('PATCH', path, active(true));
    await compare('DELETE', path, null);
    await compare('DELETE', path, null);
  });

  it('a member is locked, which frees a seat, and comes back', async () => {
    await compare('POST', '/Users', body('zoe'));
    bridge.control.accept('zoe@new.example');
    await bridge.sync();
    const found = (await bridge.scim('GET', '/Users?filter=userName%20eq%20%22zoe%22')).body;
    const path = `/Users/${String(found.Resources[0].id)}`;
    const active = (value: boolean): { [key: string]: Json } => ({
      schemas: [PATCH],
      Operations: [{ op: 'replace', path: 'active', value }],
    });
    const locked = await compare('PATCH', path, active(false));
    expect(locked.calls.map(({ change }) => change.kind)).toEqual(['lock']);
    expect(locked.seats.before.usage.full + locked.seats.before.usage.basic).toBe(
      locked.seats.after.usage.full + locked.seats.after.usage.basic + 1,
    );
    await compare('PATCH', path, active(true));
  });

  it('a bulk request with references; a group with its members', async () => {
    const bulk = {
      schemas: [BULK],
      Operations: [
        { method: 'POST', path: '/Users', bulkId: 'a', data: body('bulk-a') },
        { method: 'POST', path: '/Users', bulkId: 'b', data: body('bulk-b') },
        { method: 'POST', path: '/Users', bulkId: 'c', data: { schemas: [USER] } },
        {
          method: 'POST',
          path: '/Groups',
          bulkId: 'g',
          data: { displayName: 'Bulk', members: [{ value: 'bulkId:a' }, { value: 'bulkId:b' }] },
        },
      ],
    } as const;
    const byBody = await ask(bulk);
    expect(byBody.calls.map(({ change }) => change.kind)).toEqual(['invite', 'invite']);
    await compare('POST', '/Bulk', bulk);
  });

  it('a group of the IdP is assigned: who is missing is created, who is disabled is enabled, all are members', async () => {
    const off = (await bridge.createUser('off', { active: false })).body as { userName: string };
    const on = (await bridge.createUser('on')).body as { userName: string };
    const answer = await ask({ assignGroup: 'Everybody', users: ['new@new.example', off.userName, on.userName] });
    expect(answer.requests.map(({ method, status }) => `${method} ${String(status)}`)).toEqual([
      'POST 201',
      'PATCH 200',
      'POST 201',
    ]);
    expect((answer.requests[2]?.answer as { members: unknown[] }).members).toHaveLength(3);
    expect(answer.calls.map(({ change }) => change.kind)).toEqual(['invite', 'invite']);
    expect((await bridge.scim('GET', '/Groups?filter=displayName%20eq%20%22Everybody%22')).body.totalResults).toBe(0);
  });

  it('what is no script is refused, and what only reads as well', async () => {
    for (const script of [null, [], 'x', {}, { method: 'POST' }, { assignGroup: 'x', users: [1] }])
      await expect(bridge.app.whatIf(script as Json)).rejects.toMatchObject({ status: 400 });
    const read = await bridge.app.whatIf({ method: 'GET', path: '/Users' });
    expect(read.requests[0]?.status).toBe(400);
  });
});

describe('the brake', () => {
  it('would hold what it would, and looking does not use it up', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 14; index += 1) {
      const { body: made } = await bridge.createUser(`b${String(index)}`);
      ids.push(String(made.id));
    }
    await bridge.finish();
    const script = ids.map((id) => ({ method: 'DELETE', path: `/Users/${id}`, body: null }));
    const answers: WhatIf[] = [];
    for (let time = 0; time < 3; time += 1) answers.push(await ask(script));
    const [first, ...others] = answers;
    expect(first?.isBraked).toBe(true);
    for (const other of others) expect(plain({ ...other, people: [] })).toEqual(plain({ ...first, people: [] }));
    for (const id of ids) await bridge.scim('DELETE', `/Users/${id}`);
    await bridge.finish();
    const held = await bridge.store.ledger({ states: ['held'], limit: 100 });
    expect(held.length).toBe(first?.held.length);
    expect(held.length).toBeGreaterThan(0);
  });
});
