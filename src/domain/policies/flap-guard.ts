/**
 * Two repairs of the same thing within an hour mean that somebody, or another system, wants it
 * otherwise: the third is not made but held, and somebody has to look. It stays held until it is
 * released, or until the IdP writes the user (then it is no repair any more).
 */
import { changeKey } from '../types.js';
import { WINDOW_MS, type Dated } from './people-limit.js';
import { withhold, type Policy, type PolicyNote } from './policy.js';
import { isRepair } from './repair.js';

export const REPAIRS_PER_HOUR = 2;

/** `repairs`: those made, `who` = changeKey, `at` by the monotonic clock. */
export function flapGuard(repairs: () => readonly Dated[], monotonic: () => number): Policy {
  return (sorted, context) => {
    const since = monotonic() - WINDOW_MS;
    const notes: PolicyNote[] = [];
    for (const planned of sorted.send) {
      if (!isRepair(planned, context)) continue;
      const key = changeKey(planned.change);
      const count = repairs().filter(({ who, at }) => who === key && at > since).length;
      if (count < REPAIRS_PER_HOUR && context.person?.held.has(key) !== true) continue;
      const reason =
        'repaired twice within an hour and changed by hand again: somebody or something else wants it otherwise';
      notes.push({ planned, fate: 'held', policy: 'flapGuard', reason, alert: true });
    }
    return withhold(sorted, notes);
  };
}
