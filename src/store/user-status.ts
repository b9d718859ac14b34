/** Keeps the readOnly columns of a user (status, lastError, pendingChanges) true to the other tables. */
import { statusOf } from '../domain/status.js';
import { refusedInWords } from '../domain/withdrawal.js';
import type { Core } from './core.js';
import { invitesOf, latestInvite } from './invites.js';
import { DROPPED, openLedgerRows, type OpenLedgerRow } from './ledger.js';
import { ambiguityOf } from './lookalikes.js';
import { findMember } from './mirror.js';
import { protectionOf } from './protection.js';
import { refusedValuesOf } from './refused-values.js';
import { userSubject } from './subject.js';
import { rowOfSeq, type UserRow } from './users.js';

/** Answers the row as it is now. */
export function refreshStatus(core: Core, seq: number): UserRow {
  return refreshStatusOf(core, rowOfSeq(core, seq));
}

/** The same for a row that was read since it was last written. */
export function refreshStatusOf(core: Core, row: UserRow): UserRow {
  const member = findMember(core, row.member_id);
  const open = openLedgerRows(core, userSubject(row.id)).filter((entry) => stillCounts(entry, core.now()));
  const ambiguity = ambiguityOf(core, row);
  const status = statusOf({
    managed: row.managed === 1,
    active: row.active === 1 && row.deleted_at === null,
    isProtected: member !== null && protectionOf(core, member, row.address) !== null,
    member,
    hasGone: row.removed_at !== null,
    hasAddress: row.address !== null,
    invite: member === null ? (latestInvite(invitesOf(core, row.id), row.address)?.state ?? null) : null,
    held: count(open, 'held'),
    refused: count(open, 'refused'),
    isAmbiguous: ambiguity !== null,
  });
  const errors = [lastErrorOf(open) ?? ambiguity, refusedInWords(refusedValuesOf(row))].filter((text) => text !== null);
  const lastError = errors.length === 0 ? null : errors.join(' ');
  const pending = count(open, 'planned') + count(open, 'sending') + count(open, 'held');
  if (status === row.status && lastError === row.last_error && pending === row.pending_changes) return row;
  core.run(
    'UPDATE users SET status = ?, last_error = ?, pending_changes = ? WHERE seq = ?',
    status,
    lastError,
    pending,
    row.seq,
  );
  return { ...row, status, last_error: lastError, pending_changes: pending };
}

/** A refusal counts until its time has come to be tried again. */
function stillCounts(row: OpenLedgerRow, now: number): boolean {
  if (row.code === DROPPED) return false;
  return row.state !== 'refused' || (row.retryAt !== null && row.retryAt > now);
}

function count(rows: readonly OpenLedgerRow[], state: OpenLedgerRow['state']): number {
  return rows.reduce((sum, row) => (row.state === state ? sum + 1 : sum), 0);
}

/** What was refused for good before what may still work out. */
function lastErrorOf(rows: readonly OpenLedgerRow[]): string | null {
  const latest = (state: OpenLedgerRow['state']): string | null =>
    rows.findLast((row) => row.state === state && row.error !== null)?.error ?? null;
  return latest('refused') ?? latest('ambiguous') ?? latest('held') ?? latest('planned');
}
