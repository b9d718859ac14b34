/** Numbers that limits are percentages of, and what has passed them lately. */
import type { Change, Millis, WorkspaceGroupId } from '../domain/types.js';
import type { Core } from './core.js';
import { invitedSeats } from './invites.js';
import { seatsInUse } from './mirror.js';
import type { Census, PastChange, Subject } from './port.js';
import { countSeats } from '../domain/policies/seat-budget.js';

const HOUR = 3_600_000;

/** Those deleted within the hour still count: a limit must not shrink with each loss. */
export function readCensus(core: Core, groupIds: readonly WorkspaceGroupId[]): Census {
  return {
    managedMembers: core.value<number>(COUNT_MANAGED, core.now() - HOUR) ?? 0,
    groupSizes: new Map(groupIds.map((id) => [id, core.value<number>(COUNT_GROUP, id) ?? 0])),
    seats: {
      usage: countSeats(seatsInUse(core)),
      invited: countSeats(invitedSeats(core)),
    },
  };
}

interface PastRow {
  readonly subject: Subject;
  readonly change: string;
  readonly sentAt: Millis;
  readonly isRepeat: number;
  readonly isRepair: number;
}

/** Calls that went out since then, and those whose answer is not known. */
export function pastChanges(core: Core, since: Millis): readonly PastChange[] {
  return core.all<PastRow>(SELECT_PAST, since, since).map(({ subject, change, sentAt, isRepeat, isRepair }) => {
    return {
      ...{ subject, change: JSON.parse(change) as Change, sentAt },
      ...{ isRepeat: isRepeat === 1, isRepair: isRepair === 1 },
    };
  });
}

const COUNT_MANAGED = `SELECT COUNT(*) FROM users WHERE member_id IS NOT NULL AND managed = 1
  AND (deleted_at IS NULL OR deleted_at > ?)`;
const COUNT_GROUP = 'SELECT COUNT(*) FROM workspace_group_members WHERE group_id = ?';
const KINDS = "kind IN ('lock', 'revokeInvite', 'setSeat', 'removeFromGroup', 'invite')";
// Row and invite are written in one transaction, perhaps a millisecond apart.
const IS_REPEAT = `kind = 'invite' AND EXISTS (
  SELECT 1 FROM invites AS i WHERE i.user_id = substr(subject, 6) AND i.round > 1 AND i.sent_at >= ledger.sent_at - 1000)`;
// Sent while a difference of its kind was open; what an administrator released is no repair.
const IS_REPAIR = `released = 0 AND EXISTS (
  SELECT 1 FROM lately AS d WHERE d.subject = ledger.subject AND d.found_at <= ledger.sent_at
    AND COALESCE(d.ended_at, ledger.sent_at) >= ledger.sent_at AND d.kind = CASE ledger.kind
      WHEN 'setSeat' THEN 'seat' WHEN 'addToGroup' THEN 'group' WHEN 'removeFromGroup' THEN 'group'
      WHEN 'share' THEN 'share' WHEN 'unshare' THEN 'share' END)`;
const PAST = `kind, subject, change, COALESCE(sent_at, created_at) AS sentAt, ${IS_REPEAT} AS isRepeat, ${IS_REPAIR} AS isRepair`;
const SELECT_PAST = `WITH lately AS MATERIALIZED
    (SELECT subject, kind, found_at, ended_at FROM drift WHERE ended_at IS NULL OR ended_at >= ?)
  SELECT subject, change, sentAt, isRepeat, isRepair FROM (
    SELECT ${PAST} FROM ledger WHERE ended_at >= ? AND state = 'done'
    UNION ALL SELECT ${PAST} FROM ledger WHERE state IN ('sending', 'ambiguous'))
  WHERE ${KINDS} OR isRepair ORDER BY sentAt`;
