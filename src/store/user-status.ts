/** Keeps the readOnly columns of a user (status, lastError, pendingChanges) true to the other tables. */
import { formatSecond } from '../domain/instant.js';
import { statusOf } from '../domain/status.js';
import { refusedInWords } from '../domain/withdrawal.js';
import { isGivenUp, isSettledByReading, unclearInWords, unclearLeftMs } from '../domain/unclear-invites.js';
import type { Core } from './core.js';
import { invitesOf, latestInvite, toInvite, type InviteRow } from './invites.js';
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
  const invite = member === null ? latestInvite(invitesOf(core, row.id), row.address) : null;
  const isWanted = row.managed === 1 && row.active === 1 && row.deleted_at === null;
  const unclear = isWanted && invite !== null ? unclearOf(core, invite) : null;
  const status = statusOf({
    managed: row.managed === 1,
    active: row.active === 1 && row.deleted_at === null,
    isProtected: member !== null && protectionOf(core, member, row.address) !== null,
    member,
    hasGone: row.removed_at !== null,
    hasAddress: row.address !== null,
    invite: invite?.state ?? null,
    held: count(open, 'held'),
    refused: count(open, 'refused'),
    isAmbiguous: ambiguity !== null,
    isGivenUp: isWanted && invite !== null && isGivenUp(invite),
  });
  const errors = [lastErrorOf(open, unclear) ?? ambiguity, refusedInWords(refusedValuesOf(row))];
  const lastError = errors.filter((text) => text !== null).join(' ') || null;
  const goesOn = unclear !== null && invite !== null && !isGivenUp(invite) ? count(open, 'ambiguous') : 0;
  const pending = count(open, 'planned') + count(open, 'sending') + count(open, 'held') + goesOn;
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

/** What is said of an invite that may or may not have been sent, and when it is sent again; null = its answer is clear. */
function unclearOf(core: Core, row: InviteRow): string | null {
  const invite = toInvite(core, row);
  if (invite.state !== 'ambiguous') return null;
  const left = unclearLeftMs(invite);
  const byTime = left === null ? null : `at ${formatSecond(core.now() + left)}`;
  return unclearInWords(
    invite.address,
    invite.sends,
    isSettledByReading(invite) ? 'after the next reading of the members' : byTime,
  );
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
function lastErrorOf(rows: readonly OpenLedgerRow[], unclear: string | null): string | null {
  const latest = (state: OpenLedgerRow['state']): string | null =>
    rows.findLast((row) => row.state === state && row.error !== null)?.error ?? null;
  return latest('refused') ?? unclear ?? latest('ambiguous') ?? latest('held') ?? latest('planned');
}
