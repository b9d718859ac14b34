/**
 * What makes the audit log tamper-evident. Each row holds the hash of the row before it, and its own:
 * a row that is changed, removed or put in breaks the chain at that place.
 *
 * The content of a row (before, after) is in the hash by a salted digest only. A purge takes content
 * and salt away: the chain stays whole, and nobody can try out what the content may have been.
 *
 * Who can write the file can make a new chain from any row on. What they cannot change are checkpoints
 * outside of the file (log, metrics), and signatures made with a key that is not in it (AUDIT_KEY).
 */
import { createHash, createHmac, randomUUID } from 'node:crypto';
import type { Connection } from './connection.js';

/** What the hash of a row covers, in the order of the table. */
export interface AuditContent {
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly subject: string | null;
  readonly requestId: string | null;
  readonly version: number | null;
}

/** A row with its place in the chain. */
export interface ChainedRow extends AuditContent {
  readonly id: number;
  readonly before: string | null;
  readonly after: string | null;
  readonly salt: string | null;
  readonly digest: string | null;
  readonly prev: string | null;
  readonly hash: string | null;
  readonly signature: string | null;
}

/** Salted digest of what a row holds; null: nothing. */
export function digestOf(salt: string, before: string | null, after: string | null): string | null {
  return before === null && after === null ? null : sha256(JSON.stringify([salt, before, after]));
}

/** Fields that are null are left out, so that a column that comes later leaves older hashes as they are. */
export function hashOf(prev: string | null, row: AuditContent, digest: string | null): string {
  const { at, actor, action } = row;
  const [subject, requestId, version] = [
    row.subject ?? undefined,
    row.requestId ?? undefined,
    row.version ?? undefined,
  ];
  const place = {
    prev: prev ?? undefined,
    at,
    actor,
    action,
    subject,
    requestId,
    version,
    digest: digest ?? undefined,
  };
  return sha256(JSON.stringify(place));
}

/** Binds a hash to its place, with a key that is not in the database. */
export function signatureOf(key: string, id: number, hash: string): string {
  return `${keyIdOf(key)}:${createHmac('sha256', key)
    .update(`${String(id)}:${hash}`)
    .digest('hex')}`;
}

/** Names a key without telling anything of it. */
export const keyIdOf = (key: string): string => sha256(`audit key ${key}`).slice(0, 8);

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

export const GENESIS = 'audit.genesis';
const ROWS_PER_STEP = 1_000;

/**
 * Brings the rows of an older version into the chain, and says so in a row of its own: what was done
 * to them before cannot be told. Part of the migration, and of its transaction.
 */
export function chainExistingRows(db: Connection, salt: () => string = randomUUID): void {
  const read = db.prepare<[number, number], ChainedRow>(`${SELECT_CHAINED} WHERE id > ? ORDER BY id LIMIT ?`);
  const write = db.prepare('UPDATE audit_log SET salt = ?, digest = ?, prev = ?, hash = ? WHERE id = ?');
  let prev: string | null = null;
  let count = 0;
  let lastId = 0;
  for (;;) {
    const rows = read.all(lastId, ROWS_PER_STEP);
    for (const row of rows) {
      const secret = salt();
      const digest = digestOf(secret, row.before, row.after);
      const hash = hashOf(prev, row, digest);
      write.run(digest === null ? null : secret, digest, prev, hash, row.id);
      prev = hash;
      lastId = row.id;
    }
    count += rows.length;
    if (rows.length < ROWS_PER_STEP) break;
  }
  if (count === 0) return;
  // What an older version wrote is not written to the log all at once.
  db.prepare("INSERT OR REPLACE INTO settings (name, value) VALUES ('auditLogged', ?)").run(String(lastId));
  const at = db.prepare<[], { readonly at: number }>("SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS at").get();
  const row = { at: at?.at ?? 0, actor: 'bridge', action: GENESIS, subject: null, requestId: null, version: null };
  const [secret, after] = [salt(), JSON.stringify({ rows: count, lastRow: lastId })];
  const digest = digestOf(secret, null, after);
  db.prepare(INSERT_GENESIS).run(
    lastId + 1,
    row.at,
    row.actor,
    row.action,
    after,
    secret,
    digest,
    prev,
    hashOf(prev, row, digest),
  );
}

export const SELECT_CHAINED = `SELECT id, at, actor, action, subject, request_id AS requestId, version, before, after,
  salt, digest, prev, hash, signature FROM audit_log`;
const INSERT_GENESIS =
  'INSERT INTO audit_log (id, at, actor, action, after, salt, digest, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)';
