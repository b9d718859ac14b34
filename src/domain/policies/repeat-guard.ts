/**
 * The last line against a loop: whatever goes wrong in plan or bookkeeping, nobody gets more than a
 * few e-mails within an hour. An IdP that turns somebody on and off stays below this.
 */
import { changeKey } from '../types.js';
import { WINDOW_MS, type Dated } from './people-limit.js';
import { withhold, type Policy } from './policy.js';

export const INVITES_PER_HOUR = 5;

/** `sent`: invites sent, `who` = address, `at` by the monotonic clock. */
export function repeatGuard(sent: () => readonly Dated[], monotonic: () => number): Policy {
  return (sorted, { person }) => {
    const since = monotonic() - WINDOW_MS;
    const tooMany = sorted.send.filter(
      ({ change }) =>
        change.kind === 'invite' &&
        person?.released.has(changeKey(change)) !== true &&
        sent().filter(({ who, at }) => who === change.address && at > since).length >= INVITES_PER_HOUR,
    );
    const reason = `${String(INVITES_PER_HOUR)} invites were sent to this address within an hour: something is wrong`;
    return withhold(
      sorted,
      tooMany.map((planned) => ({ planned, fate: 'held', policy: 'repeatGuard', reason, alert: true })),
    );
  };
}
