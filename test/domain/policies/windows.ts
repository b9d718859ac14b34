/** The windows of limits in memory, as store/limit-uses.ts keeps them. */
import type { Person } from '../../../src/domain/person.js';
import type { PlannedChange } from '../../../src/domain/plan.js';
import {
  useKey,
  WINDOW_MS,
  type LimitUse,
  type LimitWindows,
  type PeopleLimit,
} from '../../../src/domain/policies/people-limit.js';
import { applyPolicies, type Policy, type PolicyContext, type Sorted } from '../../../src/domain/policies/policy.js';
import { usesOf } from '../../../src/domain/policies/uses.js';

export interface Counted extends LimitUse {
  readonly at: number;
}

export interface World {
  readonly limits: { readonly deprovisionLimit: PeopleLimit; readonly inviteLimit: PeopleLimit };
  /** What a percentage is of. */
  readonly whole: (use: LimitUse) => number;
  readonly counted: readonly Counted[];
}

export function windowsOf({ counted, whole }: World, uses: readonly LimitUse[], now: number): LimitWindows {
  return new Map(
    uses.map((use) => {
      const young = counted.filter(
        ({ kind, scope, at }) => kind === use.kind && scope === use.scope && at > now - WINDOW_MS,
      );
      const once = use.kind !== 'mail' && use.kind !== 'repair';
      const isCounted = once && young.some(({ who }) => who === use.who);
      const oldest = young[0]?.at ?? null;
      const freeInMs = oldest === null ? null : oldest + WINDOW_MS - now;
      return [useKey(use), { counted: young.length, whole: whole(use), isCounted, freeInMs }];
    }),
  );
}

/** What a policy makes of a plan, and the world after all of it has been sent. */
export function judge(
  changes: readonly PlannedChange[],
  policy: Policy,
  about: { readonly person: Person | null } & Partial<PolicyContext>,
  world: World,
  now: number,
): { readonly sorted: Sorted; readonly world: World } {
  const context = { now, ...about };
  const cost = (planned: readonly PlannedChange[]) => planned.flatMap((one) => usesOf(one, context, world.limits));
  const windows = windowsOf(world, cost(changes), now);
  const sorted = applyPolicies(changes, [policy], { ...context, windows });
  const uses = cost(sorted.send);
  const fresh = uses.filter((use) => windows.get(useKey(use))?.isCounted !== true);
  const once = [...new Map(fresh.map((use) => [useKey(use), use])).values()];
  return { sorted, world: { ...world, counted: [...world.counted, ...once.map((use) => ({ ...use, at: now }))] } };
}
