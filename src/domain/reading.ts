/**
 * Whether a reading of the workspace may be believed (docs/design.md 2). A bridge that acts on an empty,
 * truncated or exchanged list harms everybody who is missing from it. So a list is compared by who is
 * missing, not by how many there are, and is doubted unless
 * - it has exactly one owner,
 * - it has the API key's own user, unless that is a service account (those are never listed),
 * - it lacks at most max(5, 10 %) of those that the last one showed; one that lacks more is believed after
 *   three equal full readings in a row, or on an administrator's word.
 */
import { createHash } from 'node:crypto';
import type { MemberId, WorkspaceGroup, WorkspaceMember } from './types.js';

/** A list that lacked too many, and how often it came back the same. */
export interface Doubt {
  readonly fingerprint: string;
  readonly times: number;
}

export type Judgement =
  /** `isWhole`: whoever is missing has gone. */
  | { readonly believed: true; readonly isWhole: boolean }
  | { readonly believed: false; readonly reason: string; readonly doubt: Doubt | null };

/** Equal full readings in a row, without a fault between them, after which a list that lacks many is believed. */
export const EQUAL_READINGS = 3;

/** What the list is compared with. */
export interface Comparison {
  /** How many the last reading showed, and how many of these the list lacks. */
  readonly known: number;
  readonly lacking: number;
  readonly doubt: Doubt | null;
  /** An administrator's word: whoever is missing has gone. */
  readonly isAccepted: boolean;
}

export function judgeMembers(
  members: readonly WorkspaceMember[],
  last: Comparison,
  /** A member before, by an earlier reading; null = unknown, or a service account. */
  keyUser: MemberId | null,
): Judgement {
  const owners = members.filter((member) => member.isOwner).length;
  if (owners !== 1)
    return { believed: false, reason: `the member list has ${String(owners)} owners instead of one`, doubt: null };
  if (keyUser !== null && !members.some((member) => member.memberId === keyUser))
    return { believed: false, reason: "the member list lacks the API key's own user", doubt: null };
  return judgeLack(
    'members',
    members.map((member) => member.memberId),
    last,
  );
}

/** Groups carry no mark of completeness; none at all where there were some is never believed at once. */
export function judgeGroups(groups: readonly WorkspaceGroup[], last: Comparison): Judgement {
  const ids = groups.map((group) => group.groupId);
  if (groups.length === 0 && last.known > 0 && !last.isAccepted) return doubtful('groups', ids, last);
  return judgeLack('groups', ids, last);
}

/** At most max(5, 10 %) are missing. */
export function isPlausible({ known, lacking }: Pick<Comparison, 'known' | 'lacking'>): boolean {
  return lacking <= Math.max(5, Math.floor(known / 10));
}

function judgeLack(what: string, ids: readonly string[], last: Comparison): Judgement {
  if (last.isAccepted) return { believed: true, isWhole: true };
  return isPlausible(last) ? { believed: true, isWhole: false } : doubtful(what, ids, last);
}

function doubtful(what: string, ids: readonly string[], last: Comparison): Judgement {
  const fingerprint = createHash('sha256')
    .update([...ids].sort().join(' '))
    .digest('hex');
  const times = last.doubt?.fingerprint === fingerprint ? last.doubt.times + 1 : 1;
  if (times >= EQUAL_READINGS) return { believed: true, isWhole: true };
  return {
    believed: false,
    reason: `the list lacks ${String(last.lacking)} of the ${String(last.known)} ${what} that the last one had (reading ${String(times)} of ${String(EQUAL_READINGS)} that would have to be equal)`,
    doubt: { fingerprint, times },
  };
}
