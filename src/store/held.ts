/**
 * What an administrator decides about held changes. Released: the change goes when its turn comes,
 * whatever limit held it. Dropped: it is not planned again before the IdP next writes the user.
 */
import type { Millis } from '../domain/types.js';
import { PRIORITY, schedule } from './agenda.js';
import { appendAudit } from './audit.js';
import type { Core } from './core.js';
import { DROPPED, findLedgerRow } from './ledger.js';
import type { HeldFilter, LedgerRow, Writer } from './port.js';
import { userIdOf } from './subject.js';
import { refreshStatus } from './user-status.js';
import { rowOfUser } from './users.js';

/** Far enough away: only a fresh IdP write makes the change possible again. */
export const NEVER: Millis = 8_640_000_000_000_000;

export function releaseHeld(core: Core, filter: HeldFilter, writer: Writer): number {
  const rows = heldRows(core, filter);
  for (const row of rows) {
    core.run(RELEASE, row.id);
    audit(core, row, 'held.release', writer);
  }
  planAgain(core, rows, writer);
  return rows.length;
}

export function dropHeld(core: Core, filter: HeldFilter, writer: Writer): number {
  const rows = heldRows(core, filter);
  for (const row of rows) {
    core.run(
      DROP,
      DROPPED,
      `dropped by ${writer.actor}; not done before the IdP writes the user`,
      NEVER,
      core.now(),
      row.id,
    );
    audit(core, row, 'held.drop', writer);
  }
  planAgain(core, rows, writer);
  return rows.length;
}

function heldRows(core: Core, { subject, ids }: HeldFilter): readonly LedgerRow[] {
  const found =
    subject === undefined
      ? core.values<number>(SELECT_ALL)
      : core.values<number>(`${SELECT_ALL} AND subject = ?`, subject);
  const wanted = ids === undefined ? found : found.filter((id) => ids.includes(id));
  return wanted.flatMap((id) => findLedgerRow(core, id) ?? []);
}

function audit(core: Core, row: LedgerRow, action: string, { actor, requestId }: Writer): void {
  appendAudit(core, { actor, action, subject: row.subject, requestId, before: { change: row.change, why: row.why } });
}

function planAgain(core: Core, rows: readonly LedgerRow[], { requestId }: Writer): void {
  for (const subject of new Set(rows.map((row) => row.subject))) {
    schedule(core, subject, { priority: PRIORITY.withdrawal, id: requestId, dueAt: core.now() });
    const userId = userIdOf(subject);
    const user = userId === null ? undefined : rowOfUser(core, userId);
    if (user !== undefined) refreshStatus(core, user.seq);
  }
}

const SELECT_ALL = "SELECT id FROM ledger WHERE state = 'held'";
const RELEASE = "UPDATE ledger SET state = 'planned', released = 1, error_code = NULL, error = NULL WHERE id = ?";
const DROP = "UPDATE ledger SET state = 'refused', error_code = ?, error = ?, retry_at = ?, ended_at = ? WHERE id = ?";
