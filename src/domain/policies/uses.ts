/** What the changes of a plan would cost the limits, each change for itself. */
import type { PlannedChange } from '../plan.js';
import { lossUse, removalUse } from './brake.js';
import { repairUse } from './flap-guard.js';
import { inviteUse } from './invite-limit.js';
import type { LimitUse, PeopleLimit } from './people-limit.js';
import type { PolicyContext } from './policy.js';
import { repeatedInviteUse } from './reinvite-cap.js';
import { mailUse } from './repeat-guard.js';

export interface ConfiguredLimits {
  readonly deprovisionLimit: PeopleLimit;
  readonly inviteLimit: PeopleLimit;
}

export function usesOf(
  planned: PlannedChange,
  context: PolicyContext,
  { deprovisionLimit, inviteLimit }: ConfiguredLimits,
): readonly LimitUse[] {
  const { person } = context;
  const repair = repairUse(planned, context);
  const uses =
    person === null
      ? [repair]
      : [
          lossUse(planned.change, person, context.isDrift === true, deprovisionLimit),
          removalUse(planned.change, person),
          inviteUse(planned.change, person, inviteLimit),
          repeatedInviteUse(planned.change, person),
          mailUse(planned.change, person),
          repair,
        ];
  return uses.filter((use) => use !== null);
}
