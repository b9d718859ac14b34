/** The audit log: one row per write, in the transaction of the write, never deleted. */
import { randomUUID } from 'node:crypto';
import { EXIT, StartError } from '../errors.js';
import { digestOf, hashOf, keyIdOf, signatureOf } from './audit-chain.js';
import { readSetting, SETTING } from './settings.js';
import type { AuditCheckpoint, AuditQuery, AuditRow } from './port.js';
import type { Bind, Core } from './core.js';

export interface AuditEntry {
  readonly actor: string;
  readonly action: string;
  readonly subject: string | null;
  readonly requestId: string | null;
  /** Version of the subject after the action. */
  readonly version?: number | null;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** The only writer of the audit log. Goes into the transaction of what it tells of. */
export function appendAudit(core: Core, entry: AuditEntry): void {
  const { actor, action, subject, requestId } = entry;
  const [before, after] = [asText(entry.before), asText(entry.after)];
  const last = core.get<{ readonly id: number; readonly hash: string | null }>(SELECT_LAST);
  const id = (last?.id ?? 0) + 1;
  const prev = last?.hash ?? null;
  const row = { at: core.now(), actor, action, subject, requestId, version: entry.version ?? null };
  const salt = before === null && after === null ? null : randomUUID();
  const digest = salt === null ? null : digestOf(salt, before, after);
  const hash = hashOf(prev, row, digest);
  const signature = core.auditKey === null ? null : signatureOf(core.auditKey, id, hash);
  const place = [salt, digest, prev, hash, signature];
  core.run(INSERT, id, row.at, actor, action, subject, requestId, row.version, before, after, ...place);
}

/** The newest row: what a checkpoint holds. */
export function auditHead(core: Core): AuditCheckpoint | null {
  const last = core.get<{ readonly id: number; readonly hash: string | null }>(SELECT_LAST);
  return last === undefined || last.hash === null ? null : { id: last.id, hash: last.hash };
}

/** Rows that name those a purge has emptied: without them an emptied row is taken for a forged one. */
export const PURGES = ['user.purge', 'audit.expire'] as const;

/** Content that a purge may take away. */
export const HAS_CONTENT = `(before IS NOT NULL OR after IS NOT NULL) AND action NOT IN (${PURGES.map((action) => `'${action}'`).join(', ')})`;

/**
 * Takes the content out of the rows that match, and answers their ids. The caller names them in a
 * row of its own (`emptied`), which no purge empties.
 */
export function emptyAudit(core: Core, where: string, ...params: readonly Bind[]): readonly number[] {
  return core.values<number>(`${EMPTY} AND ${where} RETURNING id`, ...params);
}

/** Ids as text: `1-3,7`. */
export function rangesOf(ids: Iterable<number>): string {
  const ranges: { from: number; to: number }[] = [];
  for (const id of [...new Set(ids)].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last?.to === id - 1) last.to = id;
    else ranges.push({ from: id, to: id });
  }
  return ranges.map(({ from, to }) => (from === to ? String(from) : `${String(from)}-${String(to)}`)).join(',');
}

/**
 * Where a database was written with a key, it goes on with one: a row without a signature among
 * signed ones is what a forger would leave. A new key is told of by a row of its own.
 */
export function beginSigning(core: Core): void {
  const last = core.value<string | null>('SELECT signature FROM audit_log ORDER BY id DESC LIMIT 1') ?? null;
  if (core.auditKey === null || last?.startsWith(`${keyIdOf(core.auditKey)}:`) === true) return;
  const before = last === null ? undefined : { key: last.split(':')[0] };
  appendAudit(core, {
    actor: 'bridge',
    action: 'audit.key',
    subject: null,
    requestId: null,
    ...(before !== undefined && { before }),
    after: { key: keyIdOf(core.auditKey) },
  });
}

/** The log is signed, and there is no key to go on with; null: it can be written. */
export function signingKeyProblem(core: Core): StartError | null {
  const last = core.value<string | null>('SELECT signature FROM audit_log ORDER BY id DESC LIMIT 1') ?? null;
  if (core.auditKey !== null || last === null) return null;
  return new StartError(
    EXIT.config,
    'The audit log of this database is signed, and AUDIT_KEY is not set. Set the key that it was signed with. ' +
      'If that key is lost, set a new one: `audit verify` then checks the rows from there on.',
  );
}

function asText(value: unknown): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value);
}

export function readAudit(core: Core, query: AuditQuery): readonly AuditRow[] {
  const conditions: string[] = [];
  const params: Bind[] = [];
  const where = (condition: string, ...values: readonly (Bind | undefined)[]): void => {
    if (values.includes(undefined)) return;
    conditions.push(condition);
    params.push(...values.flatMap((value) => value ?? []));
  };
  where('subject = ?', query.subject);
  where('request_id = ?', query.requestId);
  // A kind alone stands for everything that begins with it: ';' follows ':', '/' follows '.'.
  where('(actor = ? OR (actor >= ? AND actor < ?))', query.actor, upTo(query.actor, ':'), upTo(query.actor, ';'));
  where('(action = ? OR (action >= ? AND action < ?))', query.action, upTo(query.action, '.'), upTo(query.action, '/'));
  where('at >= ?', query.since);
  where('at < ?', query.until);
  where('id < ?', query.beforeId);
  where('id > ?', query.afterId);
  const filter = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const order = query.afterId === undefined ? 'DESC' : 'ASC';
  return core.all<AuditRow>(`${SELECT} ${filter} ORDER BY id ${order} LIMIT ?`, ...params, query.limit);
}

const upTo = (kind: string | undefined, end: string): string | undefined =>
  kind === undefined ? undefined : `${kind}${end}`;

/**
 * What one version of a user was made of: for the restore after a refusal. After a restore of the
 * database versions are given anew; rows of what it has undone are not meant.
 */
export function auditOfVersion(core: Core, subject: string, version: number): VersionRow | undefined {
  const undone = (readSetting(core, SETTING.carriedAudit) ?? '')
    .split(',')
    .map((range) => range.split('-').map(Number));
  const isUndone = (id: number): boolean => undone.some(([from = 0, to = 0]) => id > from && id <= to);
  return core.all<VersionRow>(SELECT_VERSION, subject, version).find(({ id }) => !isUndone(id));
}

interface VersionRow {
  readonly id: number;
  readonly action: string;
  readonly before: string | null;
  readonly after: string | null;
}

const INSERT = `INSERT INTO audit_log (id, at, actor, action, subject, request_id, version, before, after, salt, digest, prev, hash, signature)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const SELECT_LAST = 'SELECT id, hash FROM audit_log ORDER BY id DESC LIMIT 1';
const EMPTY = `UPDATE audit_log SET before = NULL, after = NULL, salt = NULL WHERE ${HAS_CONTENT}`;
const SELECT =
  'SELECT id, at, actor, action, subject, request_id AS requestId, version, before, after, hash FROM audit_log';
const SELECT_VERSION = 'SELECT id, action, before, after FROM audit_log WHERE subject = ? AND version = ? ORDER BY id';
