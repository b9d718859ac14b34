/**
 * Whether a reading of the workspace may be believed (design section 2). A bridge that acts on an
 * empty or truncated list harms everybody who is missing from it, so a reading counts only if
 * - it has exactly one owner,
 * - it has the API key's own user, unless that is a service account (those are never listed),
 * - it lacks not more than max(5, 10 %) of what the last one had; a smaller one is believed after
 *   three equal readings or an administrator's word.
 */
import type { MemberId, WorkspaceGroup, WorkspaceMember } from './types.js';

/** A reading that was too small to be believed, and how often it came back the same. */
export interface Doubt {
  readonly fingerprint: string;
  readonly times: number;
}

export type Judgement =
  { readonly believed: true } | { readonly believed: false; readonly reason: string; readonly doubt: Doubt | null };

/** Equal full readings in a row, without a fault between them, after which a smaller workspace is believed. */
export const EQUAL_READINGS = 3;

const BELIEVED: Judgement = { believed: true };

export function judgeMembers(
  members: readonly WorkspaceMember[],
  last: { readonly count: number; readonly doubt: Doubt | null },
  /** A member before, by an earlier reading; null = unknown, or a service account. */
  keyUser: MemberId | null,
): Judgement {
  const owners = members.filter((member) => member.isOwner).length;
  if (owners !== 1)
    return { believed: false, reason: `the member list has ${String(owners)} owners instead of one`, doubt: null };
  if (keyUser !== null && !members.some((member) => member.memberId === keyUser))
    return { believed: false, reason: "the member list lacks the API key's own user", doubt: null };
  const ids = members.map((member) => member.memberId);
  return judgeSize('members', ids, last);
}

/** Groups carry no mark of completeness but their number; none at all where there were some is never believed at once. */
export function judgeGroups(
  groups: readonly WorkspaceGroup[],
  last: { readonly count: number; readonly doubt: Doubt | null },
): Judgement {
  const ids = groups.map((group) => group.groupId);
  if (groups.length === 0 && last.count > 0) return doubtful('groups', ids, last);
  return judgeSize('groups', ids, last);
}

/** Not more than max(5, 10 %) fewer. */
export function isPlausibleSize(count: number, lastCount: number): boolean {
  return lastCount - count <= Math.max(5, Math.floor(lastCount / 10));
}

type Last = { readonly count: number; readonly doubt: Doubt | null };

function judgeSize(what: string, ids: readonly string[], last: Last): Judgement {
  return isPlausibleSize(ids.length, last.count) ? BELIEVED : doubtful(what, ids, last);
}

function doubtful(what: string, ids: readonly string[], last: Last): Judgement {
  const fingerprint = [...ids].sort().join(' ');
  const times = last.doubt?.fingerprint === fingerprint ? last.doubt.times + 1 : 1;
  if (times >= EQUAL_READINGS) return BELIEVED;
  return {
    believed: false,
    reason: `the list has ${String(ids.length)} ${what}, the last one had ${String(last.count)} (reading ${String(times)} of ${String(EQUAL_READINGS)} that would have to be equal)`,
    doubt: { fingerprint, times },
  };
}
