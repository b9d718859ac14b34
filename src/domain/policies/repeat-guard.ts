/**
 * The last line against a loop: whatever goes wrong in plan or bookkeeping, nobody gets more than a
 * few e-mails within an hour. An IdP that turns somebody on and off stays below this.
 */
import type { Person } from '../person.js';
import { changeKey, type Change } from '../types.js';
import { isBeyond, NO_LIMIT, windowOf, type LimitUse, type PeopleLimit } from './people-limit.js';
import { withhold, type Policy } from './policy.js';

const INVITES_PER_HOUR: PeopleLimit = { count: 5, percent: null };

/** What an e-mail costs; null = the change sends none. A released one counts, and passes. */
export function mailUse(change: Change, person: Pick<Person, 'released'>): LimitUse | null {
  if (change.kind !== 'invite') return null;
  const limit = person.released.has(changeKey(change)) ? NO_LIMIT : INVITES_PER_HOUR;
  return { kind: 'mail', scope: change.address, who: change.address, limit };
}

export const repeatGuard: Policy = (sorted, { person, windows }) => {
  if (person === null) return sorted;
  const tooMany = sorted.send.filter(({ change }) => {
    const use = mailUse(change, person);
    return use !== null && isBeyond(use, windowOf(windows, use));
  });
  const reason = `${String(INVITES_PER_HOUR.count)} invites were sent to this address within an hour: something is wrong`;
  return withhold(
    sorted,
    tooMany.map((planned) => ({ planned, fate: 'held', policy: 'repeatGuard', reason, alert: true })),
  );
};
