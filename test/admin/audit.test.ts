/** The audit log: filters, export, and that nothing but a purge changes a row. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { digitsOf } from '../../src/domain/audit-fingerprint.js';
import { startAdmin, type AdminBrowser } from './support.js';

const HOUR = 3_600_000;

let admin: AdminBrowser;
let zoe: string;
let start: number;

beforeAll(async () => {
  admin = await startAdmin();
  const { bridge } = admin;
  start = bridge.clock.now();
  zoe = (await bridge.createUser('zoe')).body.id;
  bridge.clock.jump(HOUR);
  await bridge.patchUser(zoe, { op: 'replace', path: 'displayName', value: 'Zoe, "the" Hart' });
  await bridge.createGroup('Team', [zoe]);
  await admin.signIn();
});
afterAll(() => admin.close());

const exported = async (format: string, query = ''): Promise<string> =>
  (await admin.raw('GET', `/admin/audit/export.${format}${query}`)).text();

async function actions(query: string): Promise<readonly string[]> {
  const lines = (await exported('jsonl', query)).trim().split('\n').filter(Boolean);
  return lines.map((line) => (JSON.parse(line) as { metadata: { event_code: string } }).metadata.event_code);
}

describe('filters', () => {
  it('narrow the log by who, what, whom, request and time', async () => {
    expect(await actions('?actor=token&action=user')).toEqual(['user.create', 'user.update']);
    expect(await actions('?actor=token%3ASCIM_TOKEN&action=group')).toEqual(['group.create']);
    expect(await actions('?action=user.update')).toEqual(['user.update']);
    expect(await actions('?actor=admin')).toEqual(['session.open']);
    expect(await actions(`?subject=${zoe}`)).toEqual(['user.create', 'user.update']);
    const [row] = await admin.bridge.store.auditRows({ action: 'group.create', limit: 1 });
    expect(await actions(`?request=${row?.requestId ?? ''}`)).toEqual(['group.create']);
    const middle = new Date(start + HOUR / 2).toISOString().slice(0, 16);
    expect(await actions(`?actor=token&until=${middle}`)).toEqual(['user.create']);
    expect(await actions(`?actor=token&since=${middle}`)).toEqual(['user.update', 'group.create']);
    expect(await actions('?actor=tok')).toEqual([]);
    expect(await actions('?action=use')).toEqual([]);
  });

  it('are the same on the page, which keeps them while leafing', async () => {
    const { store } = admin.bridge;
    for (let n = 0; n < 60; n++)
      await store.audit({ actor: 'leaf', action: `leaf.${String(n)}`, subject: null, requestId: null });
    const first = await admin.get('/audit?actor=leaf');
    expect(first.text).toContain('leaf.59');
    expect(first.text).not.toContain('leaf.9 ');
    const older = /href="\/admin(\/audit\?[^"]*before=\d+)"/.exec(first.html)?.[1]?.replaceAll('&amp;', '&') ?? '';
    expect(older).toContain('actor=leaf');
    const second = await admin.get(older);
    expect(second.text).toContain('leaf.9 ');
    expect(second.text).not.toContain('leaf.59');
    expect(second.text).not.toContain('user.create');
  });
});

describe('the export', () => {
  it('is CSV with a head, quoted as RFC 4180 says', async () => {
    const response = await admin.raw('GET', '/admin/audit/export.csv?action=user.update');
    expect(response.headers.get('content-type')).toContain('text/csv');
    expect(response.headers.get('content-disposition')).toBe('attachment; filename="audit-log.csv"');
    const [head, row] = (await response.text()).split('\r\n');
    expect(head).toBe(
      'metadata.sequence,time_dt,class_uid,class_name,activity_id,activity_name,type_uid,actor.user.name,actor.user.type,' +
        'metadata.event_code,target.type,target.uid,metadata.correlation_uid,unmapped.version,unmapped.before,unmapped.after,metadata.uid',
    );
    expect(row).toMatch(
      /^\d+,20\d\d-[^,]+Z,3001,Account Change,99,user\.update,300199,token:SCIM_TOKEN,Service,user\.update,user,[0-9a-f-]{36},[0-9a-f-]{36},2,/,
    );
    expect(row).toContain('""displayName"":""Zoe, \\""the\\"" Hart""');
  });

  it('is JSON Lines with before and after as JSON', async () => {
    const rows = (await exported('jsonl', '?action=user.update')).trim().split('\n');
    expect(rows).toHaveLength(1);
    expect(JSON.parse(rows[0] ?? '')).toMatchObject({
      actor: { user: { name: 'token:SCIM_TOKEN', type: 'Service' } },
      user: { uid: zoe },
      time: start + HOUR,
      time_dt: new Date(start + HOUR).toISOString(),
      unmapped: { version: 2, after: { displayName: 'Zoe, "the" Hart' } },
    });
  });

  it('has every row once, however many, oldest first', async () => {
    const { store } = admin.bridge;
    for (let n = 0; n < 1_203; n++)
      await store.audit({ actor: 'many', action: `many.${String(n)}`, subject: null, requestId: null });
    expect(await actions('?actor=many')).toEqual(Array.from({ length: 1_203 }, (_, n) => `many.${String(n)}`));
  });

  it('is sent to two at once; who comes then is told when to come back', async () => {
    const { store } = admin.bridge;
    // More than the buffers between the two ends hold, so that an export that is not read stays under way.
    const long = { text: 'x'.repeat(200_000) };
    for (let n = 0; n < 150; n++)
      await store.audit({ actor: 'long', action: 'long', subject: null, requestId: null, after: long });
    const unread = await Promise.all([1, 2].map(() => admin.raw('GET', '/admin/audit/export.jsonl?actor=long')));
    expect(unread.map(({ status }) => status)).toEqual([200, 200]);
    const third = await admin.raw('GET', '/admin/audit/export.csv');
    expect([third.status, Number(third.headers.get('retry-after')) > 0]).toEqual([503, true]);
    expect((await admin.get('/audit')).status).toBe(200);
    for (const response of unread) expect((await response.text()).trim().split('\n')).toHaveLength(150);
    await admin.bridge.until(
      async () => (await admin.raw('GET', '/admin/audit/export.csv?actor=nobody')).status === 200,
      'an export after the others',
    );
  });

  it('ends quietly where the reader goes away', async () => {
    const abort = new AbortController();
    const response = await admin.raw('GET', '/admin/audit/export.csv', { signal: abort.signal });
    abort.abort();
    await expect(response.text()).rejects.toThrow();
    expect((await admin.get('/audit')).status).toBe(200);
  });
});

describe('the log', () => {
  interface Line {
    readonly msg: string;
    readonly audit?: { readonly metadata: { readonly sequence: number; readonly uid: string } };
    readonly changed?: readonly string[];
    readonly auditCheckpoint?: { readonly id: number; readonly hash: string };
  }
  const logged = (): readonly Line[] => admin.bridge.logLines.map((line) => JSON.parse(line) as Line);

  it('has a line for every row, once, with what changed but not the values, and checkpoints', async () => {
    const { bridge } = admin;
    const head = await bridge.store.auditHead();
    await bridge.clock.advanceAsync(2 * HOUR);
    await bridge.until(
      () => logged().some(({ auditCheckpoint }) => auditCheckpoint?.hash === head?.hash),
      'a checkpoint',
    );
    const events = logged().flatMap(({ audit }) => audit ?? []);
    const rows = await bridge.store.auditRows({ afterId: 0, limit: 10_000 });
    expect(events.map(({ metadata }) => [metadata.sequence, metadata.uid])).toEqual(
      rows.map(({ id, hash }) => [id, hash]),
    );
    const lines = bridge.logLines.filter((line) => line.includes('"user.update"'));
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: 'Audit.', changed: ['displayName'] });
    expect(lines[0]).not.toContain('Hart');
    const checkpoints = logged().flatMap(({ auditCheckpoint }) => auditCheckpoint ?? []);
    expect(await bridge.store.verifyAudit(checkpoints)).toMatchObject({
      findings: [],
      checkpoints: checkpoints.length,
    });
  });

  it('and the metrics agree on the newest row', async () => {
    const text = await (await admin.raw('GET', '/metrics')).text();
    const value = (name: string): number => Number(new RegExp(`^scim_bridge_${name} (.+)$`, 'm').exec(text)?.[1]);
    const head = await admin.bridge.store.auditHead();
    expect(value('audit_last_row')).toBe(head?.id);
    expect(head?.hash.startsWith(digitsOf(value('audit_last_hash')))).toBe(true);
  });
});

describe('a row', () => {
  it('is never removed or changed, but its content can be emptied', () => {
    const db = new Database(admin.bridge.config.databasePath);
    try {
      expect(() => db.exec('DELETE FROM audit_log')).toThrow('append-only');
      for (const change of [
        "actor = 'me'",
        "action = 'x'",
        'at = 1',
        "subject = 'x'",
        "request_id = 'x'",
        "after = '{}'",
        "before = '{}'",
      ])
        expect(() => db.exec(`UPDATE audit_log SET ${change} WHERE action = 'user.create'`)).toThrow('append-only');
      db.exec("UPDATE audit_log SET before = NULL, after = NULL WHERE action = 'user.create'");
      expect(db.prepare("SELECT actor, after FROM audit_log WHERE action = 'user.create'").all()).toEqual([
        { actor: 'token:SCIM_TOKEN', after: null },
      ]);
    } finally {
      db.close();
    }
  });
});
