/**
 * At most 20 repeated invites an hour in the whole workspace: after a long stop of the bridge,
 * hundreds of invites may be past their time at once, and nobody wants that many e-mails.
 */
import type { Person } from '../person.js';
import type { Change } from '../types.js';
import { isBeyond, windowOf, WINDOW_MS, type LimitUse, type PeopleLimit } from './people-limit.js';
import { withhold, type Policy } from './policy.js';

const REINVITES_PER_HOUR: PeopleLimit = { count: 20, percent: null };

/** Is this a repetition after INVITE_TTL_DAYS, and not a first invite or a second attempt at one? */
export function isReinvite(change: Change, person: Person | null): boolean {
  const state = person?.invite?.state;
  return change.kind === 'invite' && (state === 'invited' || state === 'expired');
}

/** What a repetition costs; null = the change is none. */
export function repeatedInviteUse(change: Change, person: Person): LimitUse | null {
  if (!isReinvite(change, person)) return null;
  return { kind: 'repeatedInvite', scope: '', who: person.userId, limit: REINVITES_PER_HOUR };
}

export const reinviteCap: Policy = (sorted, { person, now, windows }) => {
  if (person === null) return sorted;
  const repeated = sorted.send.find(({ change }) => isReinvite(change, person));
  const use = repeated === undefined ? null : repeatedInviteUse(repeated.change, person);
  if (repeated === undefined || use === null) return sorted;
  const window = windowOf(windows, use);
  if (!isBeyond(use, window)) return sorted;
  const reason = `${String(REINVITES_PER_HOUR.count)} invites were repeated within an hour; the rest follows`;
  const note = { planned: repeated, fate: 'waiting', policy: 'reinviteCap', reason, alert: false } as const;
  return withhold(sorted, [note], now + Math.ceil(window.freeInMs ?? WINDOW_MS));
};
