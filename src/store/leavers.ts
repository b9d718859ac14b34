/**
 * Who was disabled or deleted when, and when the access ended: the evidence that auditors ask for.
 * An episode begins when `active` turns false (or the user is deleted) and ends when it turns true.
 * Who was never a member and never invited had no access to lose, and is no leaver; neither is who
 * was purged.
 */
import type { Change, LedgerState, Millis } from '../domain/types.js';
import type { Core } from './core.js';
import { DROPPED } from './ledger.js';
import { findMember } from './mirror.js';
import type { Leaver } from './port.js';
import { membersReadAt } from './settings.js';
import { userIdOf } from './subject.js';
import { hasUpstreamTraces, rowOfUser } from './users.js';

interface AuditLine {
  readonly at: Millis;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly requestId: string | null;
  readonly userName: string | null;
  readonly wasActive: number | null;
  readonly isActive: number | null;
}

interface Episode {
  readonly subject: string;
  readonly userName: string | null;
  readonly disabledAt: Millis;
  deletedAt: Millis | null;
  restoredAt: Millis | null;
  readonly by: string;
  readonly requestId: string | null;
}

/** Episodes that began in [since, until), oldest first. */
export function listLeavers(
  core: Core,
  { since, until }: { readonly since: Millis; readonly until: Millis },
): readonly Leaver[] {
  const readAt = membersReadAt(core);
  return episodes(core.all<AuditLine>(SELECT_EVENTS))
    .filter(({ disabledAt }) => disabledAt >= since && disabledAt < until)
    .flatMap((episode) => evidence(core, episode, readAt) ?? []);
}

function episodes(lines: readonly AuditLine[]): readonly Episode[] {
  const open = new Map<string, Episode>();
  const all: Episode[] = [];
  for (const line of lines) {
    const current = open.get(line.subject);
    const isDelete = line.action === 'user.delete';
    if (!isDelete && line.isActive === 1) {
      if (current !== undefined) current.restoredAt = line.at;
      open.delete(line.subject);
    } else if (current !== undefined) {
      if (isDelete) current.deletedAt = line.at;
    } else if (isDelete ? line.wasActive !== 0 : line.wasActive === 1 && line.isActive === 0) {
      const { subject, userName, at: disabledAt, actor: by, requestId } = line;
      const begun: Episode = { subject, userName, disabledAt, deletedAt: null, restoredAt: null, by, requestId };
      if (isDelete) begun.deletedAt = disabledAt;
      open.set(subject, begun);
      all.push(begun);
    }
  }
  return all;
}

interface Withdrawal {
  readonly change: string;
  readonly state: LedgerState;
  readonly endedAt: Millis | null;
  readonly requestId: string | null;
  readonly status: number | null;
  readonly code: string | null;
  readonly error: string | null;
}

/** Null: nothing says that there was any access. */
function evidence(core: Core, episode: Episode, readAt: Millis | null): Leaver | null {
  const { subject, disabledAt, deletedAt, restoredAt, by, requestId } = episode;
  const userId = userIdOf(subject);
  const row = userId === null ? undefined : rowOfUser(core, userId);
  const calls = core.all<Withdrawal>(SELECT_WITHDRAWALS, subject, disabledAt, restoredAt ?? Number.MAX_SAFE_INTEGER);
  const mayHaveHadAccess = row !== undefined && (row.removed_at !== null || hasUpstreamTraces(core, row));
  if (!mayHaveHadAccess && calls.length === 0) return null;
  const done = calls.findLast(({ state }) => state === 'done') ?? null;
  const open = calls.findLast(({ state }) => state !== 'done') ?? null;
  const member = findMember(core, row?.member_id ?? null);
  const isLocked = member?.isLocked === true && restoredAt === null;
  const endedAt = done?.endedAt ?? null;
  const kind = done === null ? null : (JSON.parse(done.change) as Change).kind;
  return {
    userId: subject.slice('user:'.length),
    userName: row?.user_name ?? episode.userName,
    address: row?.address ?? null,
    ...{ disabledAt, deletedAt, restoredAt, by, requestId },
    outcome: outcomeOf({
      kind,
      openState: open?.state ?? null,
      isDropped: open?.code === DROPPED,
      isLocked,
      hasMember: member !== null,
    }),
    accessEndedAt: endedAt,
    upstreamStatus: done?.status ?? null,
    upstreamRequestId: done?.requestId ?? null,
    seenLockedAt: isLocked && readAt !== null && readAt >= (endedAt ?? disabledAt) ? readAt : null,
    error: open?.error ?? null,
  };
}

function outcomeOf(facts: {
  readonly kind: Change['kind'] | null;
  readonly openState: LedgerState | null;
  readonly isDropped: boolean;
  readonly isLocked: boolean;
  readonly hasMember: boolean;
}): Leaver['outcome'] {
  const { kind, openState, isDropped, isLocked, hasMember } = facts;
  if (isDropped) return 'dropped';
  if (openState === 'held') return 'held';
  if (openState === 'refused') return 'failed';
  if (openState !== null) return 'pending';
  if (kind === 'lock') return 'locked';
  if (kind === 'revokeInvite') return 'inviteRevoked';
  if (isLocked) return 'lockedBefore';
  return hasMember ? 'pending' : 'noAccess';
}

const SELECT_EVENTS = `SELECT at, actor, action, subject, request_id AS requestId,
    COALESCE(json_extract(before, '$.userName'), json_extract(after, '$.userName')) AS userName,
    json_extract(before, '$.active') AS wasActive, json_extract(after, '$.active') AS isActive
  FROM audit_log WHERE action GLOB 'user.*' AND subject IS NOT NULL
    AND (action = 'user.delete' OR json_extract(after, '$.active') IS NOT NULL) ORDER BY id`;
const SELECT_WITHDRAWALS = `SELECT change, state, ended_at AS endedAt, upstream_request_id AS requestId, upstream_status AS status, error_code AS code, error
  FROM ledger WHERE subject = ? AND kind IN ('lock', 'revokeInvite') AND state <> 'superseded'
    AND created_at >= ? AND created_at < ? ORDER BY id`;
