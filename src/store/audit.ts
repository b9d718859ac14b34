/** The audit log: one row per write, in the transaction of the write, never deleted. */
import type { AuditQuery, AuditRow } from './port.js';
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

export function writeAudit(core: Core, entry: AuditEntry): void {
  core.run(
    INSERT,
    core.now(),
    entry.actor,
    entry.action,
    entry.subject,
    entry.requestId,
    entry.version ?? null,
    asText(entry.before),
    asText(entry.after),
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

/** What one version of a user was made of: for the restore after a refusal. */
export function auditOfVersion(
  core: Core,
  subject: string,
  version: number,
): { readonly action: string; readonly before: string | null; readonly after: string | null } | undefined {
  return core.get(SELECT_VERSION, subject, version);
}

const INSERT =
  'INSERT INTO audit_log (at, actor, action, subject, request_id, version, before, after) VALUES (?, ?, ?, ?, ?, ?, ?, ?)';
const SELECT = 'SELECT id, at, actor, action, subject, request_id AS requestId, version, before, after FROM audit_log';
const SELECT_VERSION =
  'SELECT action, before, after FROM audit_log WHERE subject = ? AND version = ? ORDER BY id LIMIT 1';
