/**
 * What a restore must not take back, read from the present database while it is still there: the audit
 * log, and the end of every token that was revoked since the backup. The restore is a row itself.
 *
 * The audit log is taken whole where it goes on from that of the backup: then its rows, their hashes
 * and what a purge has emptied since stay as they are. Where it does not (another database, or rows
 * that were changed), that of the backup stays, and the row of the restore says so.
 */
import Database from 'better-sqlite3';
import type { Rules } from '../domain/rules.js';
import { DEFAULT_RULES } from '../domain/rules.js';
import { signingKeyProblem, appendAudit } from './audit.js';
import type { Connection } from './connection.js';
import { createCore, type Core } from './core.js';
import { appliedMigrations, pendingMigrations, readMigrations } from './migrate.js';
import { SETTING } from './settings.js';
import { isSqliteError } from './sqlite-error.js';
import type { Clock } from '../clock.js';

/** Who restores what, for the audit log. */
export interface RestoreNote {
  readonly clock: Clock;
  readonly actor: string;
  readonly requestId: string;
  /** Name of the file of the backup. */
  readonly backup: string;
  readonly auditKey: string | null;
}

export interface CarriedOver {
  /** Rows of the audit log that are newer than the backup. */
  readonly auditRows: number;
  /** Labels of tokens that would have been valid again, or longer. */
  readonly revoked: readonly string[];
  /** Labels of tokens that were made since the backup: they are gone. */
  readonly lost: readonly string[];
  /** What could not be carried over, and why; empty: nothing is missing. */
  readonly problems: readonly string[];
}

const NOTHING: CarriedOver = { auditRows: 0, revoked: [], lost: [], problems: [] };
const rules = (): Rules => DEFAULT_RULES;

/** Into the copy that is to be the database; `present` is null where there is none. */
export function carryOver(copy: Connection, present: string | null, note: RestoreNote): CarriedOver {
  const core = createCore(copy, { clock: note.clock, rules, uuid: () => note.requestId, auditKey: note.auditKey });
  const carried = present === null ? NOTHING : copyFrom(core, present);
  const keyProblem = signingKeyProblem(core);
  if (keyProblem !== null) throw keyProblem;
  const { auditRows, revoked, lost, problems } = carried;
  const { actor, requestId, backup } = note;
  appendAudit(core, {
    ...{ actor, requestId, action: 'database.restore', subject: null },
    after: { backup, auditRows, revoked, lost, problems },
  });
  return carried;
}

function copyFrom(core: Core, file: string): CarriedOver {
  const { db } = core;
  let present: Database.Database | null = null;
  try {
    present = new Database(file, { readonly: true, fileMustExist: true });
    const missing = pendingMigrations(readMigrations(), appliedMigrations(present));
    if (missing.length > 0)
      return problem('it is of another version: run `migrate` before the restore to carry them over');
    const source = present;
    return db.transaction(() => {
      const tokens = copyRevocations(db, source);
      const audit = copyAudit(db, source);
      return { ...tokens, ...audit };
    })();
  } catch (error) {
    // A broken database is the reason to restore.
    if (!isSqliteError(error)) throw error;
    return problem(`the present database cannot be read (${error.message})`);
  } finally {
    present?.close();
  }
}

const problem = (why: string): CarriedOver => ({
  ...NOTHING,
  problems: [`Revoked tokens and newer rows of the audit log were not carried over: ${why}.`],
});

interface TokenEnd {
  readonly id: string;
  readonly label: string;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
}

function copyRevocations(copy: Connection, present: Connection): Pick<CarriedOver, 'revoked' | 'lost'> {
  const read = 'SELECT id, label, expires_at AS expiresAt, revoked_at AS revokedAt FROM tokens';
  const there = new Map(
    copy
      .prepare<[], TokenEnd>(read)
      .all()
      .map((token) => [token.id, token]),
  );
  const write = copy.prepare('UPDATE tokens SET revoked_at = ?, expires_at = ? WHERE id = ?');
  const revoked: string[] = [];
  const lost: string[] = [];
  for (const now of present.prepare<[], TokenEnd>(read).all()) {
    const then = there.get(now.id);
    if (then === undefined) {
      if (now.revokedAt === null) lost.push(now.label);
      continue;
    }
    const revokedAt = then.revokedAt ?? now.revokedAt;
    const ends = [then.expiresAt, now.expiresAt].filter((end) => end !== null);
    const expiresAt = ends.length === 0 ? null : Math.min(...ends);
    if (revokedAt === then.revokedAt && expiresAt === then.expiresAt) continue;
    write.run(revokedAt, expiresAt, now.id);
    revoked.push(now.label);
  }
  return { revoked, lost };
}

interface Row {
  readonly id: number;
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly subject: string | null;
}

function copyAudit(copy: Connection, present: Connection): Pick<CarriedOver, 'auditRows' | 'problems'> {
  // The last row that the bridge wrote before the backup, not the one that a migration has just added.
  const last = copy
    .prepare<[], Row>(
      "SELECT id, at, actor, action, subject FROM audit_log WHERE action <> 'audit.genesis' ORDER BY id DESC LIMIT 1",
    )
    .get();
  const lastId = last?.id ?? 0;
  const same = present
    .prepare<[number], Row>('SELECT id, at, actor, action, subject FROM audit_log WHERE id = ?')
    .get(lastId);
  if (last !== undefined && JSON.stringify(same) !== JSON.stringify(last))
    return {
      auditRows: 0,
      problems: [
        'Newer rows of the audit log were not carried over: the present log does not go on from that of the backup.',
      ],
    };
  const columns = present
    .prepare<[], { readonly name: string }>("SELECT name FROM pragma_table_info('audit_log')")
    .all();
  const names = columns.map(({ name }) => name);
  const trigger = copy
    .prepare<[], { readonly sql: string }>("SELECT sql FROM sqlite_master WHERE name = 'audit_log_no_delete'")
    .get();
  copy.exec('DROP TRIGGER IF EXISTS audit_log_no_delete; DELETE FROM audit_log;');
  const put = copy.prepare(`INSERT INTO audit_log (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`);
  let auditRows = 0;
  for (const values of present
    .prepare<[], unknown[]>(`SELECT ${names.join(', ')} FROM audit_log ORDER BY id`)
    .raw()
    .iterate()) {
    put.run(...values);
    if (Number(values[names.indexOf('id')]) > lastId) auditRows++;
  }
  if (trigger !== undefined) copy.exec(trigger.sql);
  const readSetting = 'SELECT value FROM settings WHERE name = ?';
  const setting = (db: Connection, name: string) => db.prepare<[string], string>(readSetting).pluck().get(name);
  const write = copy.prepare('INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)');
  write.run(SETTING.auditLogged, setting(present, SETTING.auditLogged) ?? '0');
  const undone = `${String(lastId)}-${String(lastId + auditRows)}`;
  const before = setting(copy, SETTING.carriedAudit);
  write.run(SETTING.carriedAudit, before === undefined ? undone : `${before},${undone}`);
  return { auditRows, problems: [] };
}
