/**
 * At most 20 repeated invites an hour in the whole workspace: after a long stop of the bridge,
 * hundreds of invites may be past their time at once, and nobody wants that many e-mails.
 */
import type { Person } from '../person.js';
import type { Change, Millis } from '../types.js';
import { withhold, type Policy } from './policy.js';

export const REINVITES_PER_HOUR = 20;
const HOUR = 3_600_000;

/** Is this a repetition after INVITE_TTL_DAYS, and not a first invite or a second attempt at one? */
export function isReinvite(change: Change, person: Person | null): boolean {
  const state = person?.invite?.state;
  return change.kind === 'invite' && (state === 'invited' || state === 'expired');
}

/** `sentAt`: when repeated invites were sent, oldest first; those of the last hour count. */
export function reinviteCap(sentAt: () => readonly Millis[]): Policy {
  return (sorted, { person, now }) => {
    const recent = sentAt().filter((at) => at > now - HOUR);
    const oldest = recent[0];
    if (oldest === undefined || recent.length < REINVITES_PER_HOUR) return sorted;
    const capped = sorted.send.filter(({ change }) => isReinvite(change, person));
    if (capped.length === 0) return sorted;
    const reason = `${String(REINVITES_PER_HOUR)} invites were repeated within an hour; the rest follows`;
    const notes = capped.map(
      (planned) => ({ planned, fate: 'waiting', policy: 'reinviteCap', reason, alert: false }) as const,
    );
    return withhold(sorted, notes, oldest + HOUR);
  };
}
