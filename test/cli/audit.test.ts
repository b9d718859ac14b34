/** The audit log on the command line: verified, exported, and kept by a restore. */
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { startUnserved, type Unserved } from '../support/unserved.js';

const KEY = 'a-key-of-the-audit-log-0123456789abcdef';

let place: Unserved;
beforeEach(async () => {
  place = await startUnserved();
});
afterEach(() => place.close());

const inFile = <T>(work: (db: Database.Database) => T): T => {
  const db = new Database(place.file);
  try {
    return work(db);
  } finally {
    db.close();
  }
};

describe('audit verify', () => {
  it('says that the log is whole, or which row is not', async () => {
    await place.createUser('ann');
    await place.createUser('bob');
    const whole = await place.run('audit', 'verify');
    expect(whole).toMatchObject({ code: 0, stdout: expect.stringContaining('The chain of 2 rows is whole.') });
    const head = /Newest row: (2:[0-9a-f]{64})/.exec(whole.stdout)?.[1] ?? '';
    expect(await place.run('audit', 'verify', '--checkpoint', head)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('1 checkpoint from outside agrees.'),
    });
    inFile((db) =>
      db.exec("DROP TRIGGER audit_log_only_purge; UPDATE audit_log SET actor = 'token:other' WHERE id = 1"),
    );
    const edited = await place.run('audit', 'verify');
    expect(edited).toMatchObject({ code: 1, stdout: expect.stringContaining('Row 1 was edited') });
    expect((await place.run('audit', 'verify', '--json')).json().findings).toMatchObject([{ kind: 'edited', from: 1 }]);
    expect((await place.run('audit', 'verify', '--checkpoint', '2')).code).toBe(64);
  }, 60_000);

  it('compares with the lines of a log', async () => {
    await place.createUser('ann');
    await place.createUser('bob');
    const hash = (await place.inStore((store) => store.auditHead()))?.hash ?? '';
    const log = path.join(place.folder, 'bridge.log');
    const lines = [
      'no line of the log, though it says "audit',
      JSON.stringify({ level: 'info', audit: { metadata: { sequence: 2, uid: hash } } }),
      JSON.stringify({ level: 'info', auditCheckpoint: { id: 2, hash } }),
    ];
    writeFileSync(log, lines.join('\n'));
    expect((await place.run('audit', 'verify', '--log', log)).code).toBe(0);
    inFile((db) => db.exec('DROP TRIGGER audit_log_no_delete; DELETE FROM audit_log WHERE id = 2'));
    expect((await place.run('audit', 'verify')).code).toBe(0);
    expect(await place.run('audit', 'verify', '--log', log)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('Row 2 was removed at the end'),
    });
    writeFileSync(log, 'nothing');
    expect((await place.run('audit', 'verify', '--log', log)).code).toBe(64);
  }, 60_000);
});

describe('audit export', () => {
  it('has the field names of OCSF, as JSON Lines and CSV', async () => {
    const id = await place.createUser('ann');
    const [event] = (await place.run('audit', 'export')).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(event).toMatchObject({
      class_uid: 3001,
      activity_name: 'Create',
      type_uid: 300101,
      user: { uid: id },
      actor: { user: { name: 'token:test', type_id: 4 } },
      metadata: { version: '1.6.0', event_code: 'user.create', sequence: 1, correlation_uid: 'req-1' },
      unmapped: { before: null, after: { userName: 'ann@workspace.example' } },
    });
    const [head, row] = (await place.run('audit', 'export', '--format', 'csv')).stdout.split('\n');
    expect(head).toMatch(/^metadata\.sequence,time_dt,class_uid,/);
    expect(row).toMatch(/^1,20\d\d-[^,]+Z,3001,Account Change,1,Create,300101,token:test,Service,user\.create,user,/);
    expect((await place.run('audit', 'export', '--action', 'group')).stdout).toBe('');
  }, 60_000);
});

describe('restore', () => {
  const token = (label: string) =>
    place.inStore((store) =>
      store.addToken(
        { id: `id-${label}`, kind: 'scim', label, scopes: [], clientId: null, expiresAt: null, hash: label },
        'cli',
      ),
    );
  const actions = async (): Promise<readonly string[]> =>
    (await place.inStore((store) => store.auditRows({ limit: 50, afterId: 0 }))).map(({ action }) => action);

  it('revives no revoked token, keeps the audit log, and is a row of it', async () => {
    await token('old');
    await token('good');
    const backup = path.join(place.folder, 'backup.db');
    await place.run('backup', backup);
    await place.inStore((store) => store.revokeToken('id-old', 'cli'));
    await token('newer');
    const head = await place.inStore((store) => store.auditHead());
    const restored = await place.run('restore', backup, '--yes');
    expect(restored.code).toBe(0);
    expect(restored.stdout).toContain('2 rows of the audit log that the backup lacks are kept.');
    expect(restored.stdout).toContain('Still revoked, or ended: old.');
    expect(restored.stderr).toContain('Tokens made since the backup are gone: newer.');
    const tokens = await place.inStore((store) => store.listTokens());
    expect(tokens.map(({ label, revokedAt }) => [label, revokedAt !== null])).toEqual([
      ['old', true],
      ['good', false],
    ]);
    expect(await actions()).toEqual([
      'token.create',
      'token.create',
      'token.revoke',
      'token.create',
      'database.restore',
    ]);
    const verdict = await place.inStore((store) => store.verifyAudit(head === null ? [] : [head]));
    expect(verdict).toMatchObject({ findings: [], checkpoints: 1, rows: 5 });
    // Nor may a row be removed there.
    expect(() => inFile((db) => db.exec('DELETE FROM audit_log'))).toThrow('append-only');
  }, 60_000);

  it('does not bring back what a purge has emptied', async () => {
    await place.createUser('ann');
    const backup = path.join(place.folder, 'backup.db');
    await place.run('backup', backup);
    await place.inStore((store) => store.expireOld(Date.now() + 1_000, 100));
    await place.run('restore', backup, '--yes');
    const rows = await place.inStore((store) => store.auditRows({ limit: 9, action: 'user.create' }));
    expect(rows).toMatchObject([{ before: null, after: null }]);
    expect(await place.inStore((store) => store.verifyAudit([]))).toMatchObject({ findings: [], purged: 1 });
  }, 60_000);

  it('works where the present database cannot be read, and says what is missing', async () => {
    await token('old');
    const backup = path.join(place.folder, 'backup.db');
    await place.run('backup', backup);
    await place.inStore((store) => store.revokeToken('id-old', 'cli'));
    writeFileSync(place.file, 'no database any more, but long enough to look at'.repeat(200));
    const restored = await place.run('restore', backup, '--yes');
    expect(restored).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(
        /were not carried over: the present database cannot be read \(file is not a database\)/,
      ),
    });
    expect(await actions()).toEqual(['token.create', 'database.restore']);
    const [row] = await place.inStore((store) => store.auditRows({ limit: 1 }));
    expect(JSON.parse(row?.after ?? '')).toMatchObject({
      backup: 'backup.db',
      auditRows: 0,
      problems: [expect.any(String)],
    });
    expect(readdirSync(place.folder).some((name) => name.includes('before-restore'))).toBe(true);
  }, 60_000);

  it('takes nothing from a log that does not go on from that of the backup', async () => {
    await token('old');
    const backup = path.join(place.folder, 'backup.db');
    await place.run('backup', backup);
    inFile((db) => db.exec("DROP TRIGGER audit_log_only_purge; UPDATE audit_log SET actor = 'token:other'"));
    const restored = await place.run('restore', backup, '--yes');
    expect(restored).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('does not go on from that of the backup'),
    });
    expect(await place.inStore((store) => store.verifyAudit([]))).toMatchObject({ findings: [], rows: 2 });
  }, 60_000);

  it('signs its row, and is refused without the key of a signed log', async () => {
    await place.runWith({ AUDIT_KEY: KEY }, 'migrate');
    inFile((db) => db.exec('SELECT 1'));
    const made = await place.runWith({ AUDIT_KEY: KEY }, 'token', 'create', 'entra');
    expect(made.code).toBe(0);
    const backup = path.join(place.folder, 'backup.db');
    await place.run('backup', backup);
    expect(await place.run('restore', backup, '--yes')).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('AUDIT_KEY is not set'),
    });
    expect((await place.runWith({ AUDIT_KEY: KEY }, 'restore', backup, '--yes')).code).toBe(0);
    const verified = await place.runWith({ AUDIT_KEY: KEY }, 'audit', 'verify', '--json');
    expect(verified.json()).toMatchObject({ findings: [], rows: 2, signedFrom: 1, signedByOthers: 0 });
    expect((await place.runWith({ AUDIT_KEY: 'short' }, 'audit', 'verify')).code).toBe(78);
  }, 60_000);
});
