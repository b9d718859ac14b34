/**
 * Two repairs of the same thing within an hour mean that somebody, or another system, wants it
 * otherwise: the third is not made but held, and somebody has to look. It stays held until it is
 * released, or until the IdP writes the user (then it is no repair any more).
 */
import type { PlannedChange } from '../plan.js';
import { changeKey } from '../types.js';
import { isBeyond, windowOf, type LimitUse, type PeopleLimit } from './people-limit.js';
import { withhold, type Policy, type PolicyContext, type PolicyNote } from './policy.js';
import { isRepair } from './repair.js';

const REPAIRS_PER_HOUR: PeopleLimit = { count: 2, percent: null };

/** What a repair costs; null = the change is none. */
export function repairUse(planned: PlannedChange, context: PolicyContext): LimitUse | null {
  if (!isRepair(planned, context)) return null;
  const key = changeKey(planned.change);
  return { kind: 'repair', scope: key, who: key, limit: REPAIRS_PER_HOUR };
}

export const flapGuard: Policy = (sorted, context) => {
  const notes: PolicyNote[] = [];
  for (const planned of sorted.send) {
    const use = repairUse(planned, context);
    if (use === null) continue;
    const isHeld = context.person?.held.has(changeKey(planned.change)) === true;
    if (!isHeld && !isBeyond(use, windowOf(context.windows, use))) continue;
    const reason =
      'repaired twice within an hour and changed by hand again: somebody or something else wants it otherwise';
    notes.push({ planned, fate: 'held', policy: 'flapGuard', reason, alert: true });
  }
  return withhold(sorted, notes);
};
