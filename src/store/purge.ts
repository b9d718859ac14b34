/**
 * Removal of personal data: of one person on request, of everybody by age.
 *
 * What may be purged is a tombstone that is settled: the IdP has deleted the user, and nothing of
 * that waits, is held, was refused or may still be accepted. Where the user had a member a nameless row
 * stays: without it a reading would import the member anew, and nothing would lock it again. The audit
 * log keeps its rows and loses what they say.
 *
 * Deleted content is overwritten in the file (`secure_delete`, connection.ts).
 */
import type { Millis, UserId } from '../domain/types.js';
import { hasAccount } from './accounts.js';
import { unschedule } from './agenda.js';
import { emptyAudit, HAS_CONTENT, rangesOf, appendAudit } from './audit.js';
import type { Core } from './core.js';
import type { PurgeOutcome } from './port.js';
import { forgetRefusedRequests } from './refused-requests.js';
import { userSubject } from './subject.js';
import { deleteUserRow } from './user-rows.js';
import { rowOfUser, type UserRow } from './users.js';

export function purgeUser(core: Core, id: UserId, actor: string): PurgeOutcome {
  const row = rowOfUser(core, id);
  if (row === undefined || core.value(IS_PURGED, id) === 1) return { kind: 'notFound' };
  if (row.deleted_at === null) return { kind: 'live' };
  const reason = unsettledReason(core, row);
  if (reason !== null) return { kind: 'unsettled', reason };
  const inWorkspace = core.value(IS_IN_WORKSPACE, row.id) === 1;
  const emptied = [...forgetPerson(core, row)];
  // Rows about others that name the person: an import, a link.
  for (const word of new Set([row.address, row.user_name_key])) {
    if (word === null || word.length <= 2) continue;
    emptied.push(...emptyAudit(core, NAMES_WORD, word, word));
    forgetRefusedRequests(core, word);
  }
  forgetRefusedRequests(core, id);
  const after = { emptied: rangesOf(emptied) };
  appendAudit(core, { actor, action: 'user.purge', subject: userSubject(id), requestId: null, after });
  return { kind: 'purged', inWorkspace };
}

/** Why a tombstone must stay as it is, in words; null: it is settled. */
function unsettledReason(core: Core, row: UserRow): string | null {
  const subject = userSubject(row.id);
  if (core.value(HAS_OPEN_CHANGES, subject, subject) === 1)
    return 'a change of its access is still to be made, is held or was refused';
  if (core.value(IS_DUE, subject, core.now()) === 1) return 'its access has not been looked at since the last cause';
  if (core.value(HAS_OPEN_INVITES, row.id) === 1) return 'an invite may still be accepted';
  if (core.value(HAS_USABLE, row.id) === 1) return 'the member is not locked';
  return null;
}

/** Answers which rows of the audit log it has emptied. */
function forgetPerson(core: Core, row: UserRow): readonly number[] {
  const subject = userSubject(row.id);
  core.run('DELETE FROM ledger WHERE subject = ?', subject);
  core.run('DELETE FROM drift WHERE subject = ?', subject);
  const emptied = emptyAudit(core, 'subject = ?', subject);
  core.run(FORGET_USES, row.id, row.address, row.address, row.id, row.id);
  unschedule(core, subject);
  core.run('DELETE FROM accounts WHERE user_id = ? AND member_id IS NULL', row.id);
  if (!hasAccount(core, row.id)) {
    deleteUserRow(core, row.seq);
    return emptied;
  }
  core.run("UPDATE accounts SET address = '' WHERE user_id = ?", row.id);
  core.run('DELETE FROM invites WHERE user_id = ?', row.id);
  core.run('DELETE FROM writer_conflicts WHERE user_id = ?', row.id);
  core.run(CLEAR_USER, `purged:${row.id}`, `purged:${row.id}`, core.now(), row.seq);
  return emptied;
}

/**
 * One step of the retention: removes at most about `limit` rows of each kind that ended before
 * `before`, and answers how many there were; 0 = nothing is left to do.
 */
export function expireOld(core: Core, before: Millis, limit: number): number {
  let removed = 0;
  for (const sql of [DELETE_LEDGER, DELETE_READING_CALLS, DELETE_REQUESTS, DELETE_DRIFT, DELETE_CONFLICTS])
    removed += core.run(sql, before, limit).changes;
  const emptied = [...emptyAudit(core, OLD_ROWS, before, limit)];
  removed += emptied.length;
  for (const row of core.all<UserRow>(SELECT_OLD_TOMBSTONES, before, limit)) {
    emptied.push(...forgetPerson(core, row));
    removed++;
  }
  if (emptied.length > 0) {
    const after = { emptied: rangesOf(emptied) };
    appendAudit(core, { actor: 'bridge', action: 'audit.expire', subject: null, requestId: null, after });
  }
  return removed;
}

const OPEN_CHANGES = `state IN ('planned', 'sending', 'ambiguous', 'held')`;
const HAS_OPEN_CHANGES = `SELECT EXISTS (SELECT 1 FROM ledger WHERE subject = ? AND ${OPEN_CHANGES})
  OR EXISTS (SELECT 1 FROM ledger WHERE subject = ? AND state = 'refused' AND retry_at IS NOT NULL)`;
const IS_DUE = 'SELECT EXISTS (SELECT 1 FROM agenda WHERE subject = ? AND (due_at <= ? OR attempts > 0))';
const OPEN_INVITES = `sends > 0 AND state IN ('invited', 'ambiguous') OR state = 'sending'`;
const HAS_OPEN_INVITES = `SELECT EXISTS (SELECT 1 FROM invites WHERE user_id = ? AND ended_at IS NULL AND (${OPEN_INVITES}))`;
const CLEAR_USER = `UPDATE users SET user_name = ?, user_name_key = ?, external_id = NULL, display_name = NULL, display_name_key = NULL,
  manager_id = NULL, document = '{}', address = NULL, address_slot = NULL, last_error = NULL, last_writer = NULL, purged_at = ? WHERE seq = ?`;
// What the limits count names addresses.
const FORGET_USES = `DELETE FROM limit_uses WHERE who IN (?, ?) OR scope = ?
  OR who IN (SELECT address FROM accounts WHERE user_id = ?) OR who IN (SELECT member_id FROM accounts WHERE user_id = ?)`;
const IS_PURGED = 'SELECT 1 FROM users WHERE id = ? AND purged_at IS NOT NULL';
const NAMES_WORD = '(instr(lower(before), ?) > 0 OR instr(lower(after), ?) > 0)';

const DELETE_LEDGER = `DELETE FROM ledger WHERE id IN (SELECT id FROM ledger WHERE ended_at < ?
  AND (state IN ('done', 'superseded') OR state = 'refused' AND retry_at IS NULL) LIMIT ?)`;
const DELETE_READING_CALLS =
  'DELETE FROM upstream_calls WHERE id IN (SELECT id FROM upstream_calls WHERE ledger_id IS NULL AND started_at < ? LIMIT ?)';
const DELETE_REQUESTS =
  'DELETE FROM refused_requests WHERE id IN (SELECT id FROM refused_requests WHERE at < ? LIMIT ?)';
const OLD_ROWS = `id IN (SELECT id FROM audit_log WHERE at < ? AND ${HAS_CONTENT} LIMIT ?)`;
const DELETE_DRIFT = 'DELETE FROM drift WHERE id IN (SELECT id FROM drift WHERE ended_at < ? LIMIT ?)';
const DELETE_CONFLICTS = `DELETE FROM writer_conflicts WHERE (user_id, day) IN
  (SELECT user_id, day FROM writer_conflicts WHERE at < ? LIMIT ?)`;
const SELECT_OLD_TOMBSTONES = `SELECT * FROM users AS u WHERE u.deleted_at < ? AND u.purged_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM ledger AS l WHERE l.subject = 'user:' || u.id AND (${OPEN_CHANGES} OR state = 'refused' AND retry_at IS NOT NULL))
  AND NOT EXISTS (SELECT 1 FROM agenda AS a WHERE a.subject = 'user:' || u.id AND a.attempts > 0)
  AND NOT EXISTS (SELECT 1 FROM invites AS i WHERE i.user_id = u.id AND i.ended_at IS NULL AND (${OPEN_INVITES}))
  AND NOT EXISTS (SELECT 1 FROM accounts AS a JOIN workspace_members AS m ON m.member_id = a.member_id
    WHERE a.user_id = u.id AND m.is_locked = 0)
  LIMIT ?`;
const IS_IN_WORKSPACE = `SELECT EXISTS (SELECT 1 FROM accounts AS a JOIN workspace_members AS m ON m.member_id = a.member_id
  WHERE a.user_id = ?)`;
const HAS_USABLE = `SELECT EXISTS (SELECT 1 FROM accounts AS a JOIN workspace_members AS m ON m.member_id = a.member_id
  WHERE a.user_id = ? AND m.is_locked = 0)`;
