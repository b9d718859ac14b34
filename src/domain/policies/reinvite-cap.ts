/**
 * At most 20 repeated invites an hour in the whole workspace: after a long stop of the bridge,
 * hundreds of invites may be past their time at once, and nobody wants that many e-mails.
 */
import type { Person } from '../person.js';
import type { Change } from '../types.js';
import { WINDOW_MS, type Dated } from './people-limit.js';
import { withhold, type Policy } from './policy.js';

export const REINVITES_PER_HOUR = 20;

/** Is this a repetition after INVITE_TTL_DAYS, and not a first invite or a second attempt at one? */
export function isReinvite(change: Change, person: Person | null): boolean {
  const state = person?.invite?.state;
  return change.kind === 'invite' && (state === 'invited' || state === 'expired');
}

/** Who was invited again lately, `at` by the monotonic clock. */
export interface RepeatWindow {
  load(): readonly Dated[];
  store(history: readonly Dated[]): void;
  monotonic(): number;
}

/** What it lets through is counted at once, before it is sent: people worked on at once do not slip by. */
export function reinviteCap(window: RepeatWindow): Policy {
  return (sorted, { person, now }) => {
    if (person === null) return sorted;
    const repeated = sorted.send.filter(({ change }) => isReinvite(change, person));
    if (repeated.length === 0) return sorted;
    const monotonic = window.monotonic();
    const history = window.load().filter(({ at }) => at > monotonic - WINDOW_MS);
    if (history.some(({ who }) => who === person.userId)) return sorted;
    const [oldest] = history;
    if (oldest === undefined || history.length < REINVITES_PER_HOUR) {
      window.store([...history, { who: person.userId, at: monotonic }]);
      return sorted;
    }
    const reason = `${String(REINVITES_PER_HOUR)} invites were repeated within an hour; the rest follows`;
    const notes = repeated.map(
      (planned) => ({ planned, fate: 'waiting', policy: 'reinviteCap', reason, alert: false }) as const,
    );
    return withhold(sorted, notes, now + Math.ceil(oldest.at + WINDOW_MS - monotonic));
  };
}
