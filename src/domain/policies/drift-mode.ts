import { withhold, type Policy } from './policy.js';
import { isRepair } from './repair.js';

/** `DRIFT`: under `report`, repairs are listed and not made. A leaver is locked again in either mode. */
export function driftMode(mode: () => 'enforce' | 'report'): Policy {
  return (sorted, context) => {
    if (mode() === 'enforce') return sorted;
    const repairs = sorted.send.filter((planned) => isRepair(planned, context));
    const reason = 'the workspace was changed by hand; DRIFT=report lists it and changes nothing';
    return withhold(
      sorted,
      repairs.map((planned) => ({ planned, fate: 'dropped', policy: 'driftMode', reason, alert: false })),
    );
  };
}
