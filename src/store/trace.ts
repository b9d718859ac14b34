/**
 * What exactly happened, and why: from the IdP's request over the stored change and every upstream
 * call to the outcome. Read from audit_log, ledger and upstream_calls in one snapshot.
 */
import type { Millis } from '../domain/types.js';
import { readAudit } from './audit.js';
import type { Core } from './core.js';
import { findLedgerRow, queryLedger } from './ledger.js';
import type { AuditRow, CallRow, LedgerRow, Trace, TraceCause, TraceQuery } from './port.js';

/** Rows of one reading or one command belong together; a later one of the same name does not. */
const SAME_CAUSE_MS = 60_000;

export function readTrace(core: Core, query: TraceQuery): Trace {
  const { audit, ledger } = 'userId' in query ? rowsOfUser(core, query) : rowsOfRequest(core, query);
  return { causes: group(core, audit, ledger) };
}

interface Rows {
  readonly audit: readonly AuditRow[];
  readonly ledger: readonly LedgerRow[];
}

function rowsOfUser(core: Core, { userId, limit }: Extract<TraceQuery, { userId: unknown }>): Rows {
  const subject = `user:${userId}`;
  const ledger = queryLedger(core, { subject, limit });
  const own = readAudit(core, { subject, limit });
  // A write to a group is the cause of calls for its members.
  const known = new Set(own.map(({ requestId }) => requestId));
  const others = [...new Set(ledger.map(({ cause }) => cause))].filter((cause) => cause !== null && !known.has(cause));
  const foreign = others.flatMap((cause) => (cause === null ? [] : readAudit(core, { requestId: cause, limit: 20 })));
  return { audit: [...own, ...foreign], ledger };
}

function rowsOfRequest(core: Core, { requestId, limit }: Extract<TraceQuery, { requestId: unknown }>): Rows {
  const audit = readAudit(core, { requestId, limit });
  const ledger = queryLedger(core, { cause: requestId, limit });
  if (audit.length + ledger.length > 0) return { audit, ledger };
  // ElevenLabs' support names its own request ids.
  const ids = core.values<number>(SELECT_LEDGER_OF_CALL, requestId);
  const rows = ids.flatMap((id) => findLedgerRow(core, id) ?? []);
  const causes = [...new Set(rows.flatMap(({ cause }) => cause ?? []))];
  return { audit: causes.flatMap((cause) => readAudit(core, { requestId: cause, limit })), ledger: rows };
}

interface Growing {
  readonly id: string | null;
  at: Millis;
  lastAt: Millis;
  readonly audit: AuditRow[];
  readonly rows: LedgerRow[];
}

function group(core: Core, audit: readonly AuditRow[], ledger: readonly LedgerRow[]): readonly TraceCause[] {
  const requests = new Map<string, Growing>();
  const all: Growing[] = [];
  const open = (id: string | null, at: Millis): Growing => {
    const fresh: Growing = { id, at, lastAt: at, audit: [], rows: [] };
    all.push(fresh);
    return fresh;
  };
  for (const row of [...audit].sort((a, b) => a.id - b.id)) {
    const known = row.requestId === null ? undefined : requests.get(row.requestId);
    const cause = known ?? open(row.requestId, row.at);
    if (row.requestId !== null) requests.set(row.requestId, cause);
    cause.audit.push(row);
  }
  for (const row of [...ledger].sort((a, b) => a.id - b.id)) {
    const known = row.cause === null ? undefined : requests.get(row.cause);
    const recent = all.find(
      ({ id, lastAt, audit: of }) => of.length === 0 && id === row.cause && row.createdAt - lastAt < SAME_CAUSE_MS,
    );
    const cause = known ?? recent ?? open(row.cause, row.createdAt);
    cause.rows.push(row);
    cause.lastAt = row.createdAt;
  }
  const calls = callsOf(
    core,
    ledger.map(({ id }) => id),
  );
  return all
    .sort((a, b) => a.at - b.at)
    .map(({ id, at, audit: rows, rows: changes }) => ({
      cause: id,
      at,
      audit: rows,
      changes: changes.map((row) => ({ row, calls: calls.get(row.id) ?? [] })),
    }));
}

function callsOf(core: Core, ledgerIds: readonly number[]): ReadonlyMap<number, readonly CallRow[]> {
  const found = new Map<number, CallRow[]>();
  for (const call of core.all<CallRow>(SELECT_CALLS, JSON.stringify(ledgerIds))) {
    const list = found.get(call.ledgerId);
    if (list === undefined) found.set(call.ledgerId, [call]);
    else list.push(call);
  }
  return found;
}

const SELECT_CALLS = `SELECT id, ledger_id AS ledgerId, endpoint, started_at AS startedAt, latency_ms AS latencyMs, outcome, status,
  upstream_request_id AS requestId, error FROM upstream_calls WHERE ledger_id IN (SELECT value FROM json_each(?)) ORDER BY id`;
const SELECT_LEDGER_OF_CALL =
  'SELECT DISTINCT ledger_id FROM upstream_calls WHERE upstream_request_id = ? AND ledger_id IS NOT NULL LIMIT 20';
