/**
 * Which seat the rules give a user: explicit `seatType` > the highest of `roles` > the highest
 * seat given by groups. No rule: the seat found stays (docs/design.md 4).
 */
import { fold } from './fold.js';
import { elementsAt, objectAt, textAt } from './json.js';
import type { SeatDecision } from './person.js';
import type { Rules } from './rules.js';
import { BRIDGE_USER } from './schema.js';
import { isHigherSeat, SEAT_TYPES, type Document, type SeatType } from './types.js';

export interface SeatGroup {
  readonly displayName: string;
  /** Folded displayName. */
  readonly nameKey: string;
  /** `seatType` of the group extension. */
  readonly seatType: SeatType | null;
}

export function decideSeat(
  document: Document,
  groups: readonly SeatGroup[],
  rules: Pick<Rules, 'roleSeats' | 'groupSeats'>,
): SeatDecision | null {
  const explicit = asSeat(textAt(objectAt(document, BRIDGE_USER), 'seatType'));
  if (explicit !== null) return { seatType: explicit, rule: 'seatType', attribute: 'seatType' };
  return seatByRoles(document, rules) ?? seatByGroups(groups, rules);
}

function seatByRoles(document: Document, rules: Pick<Rules, 'roleSeats'>): SeatDecision | null {
  let best: SeatDecision | null = null;
  for (const role of elementsAt(document, 'roles')) {
    const value = textAt(role, 'value');
    const seatType = value === null ? undefined : rules.roleSeats.get(fold(value.trim()));
    if (value !== null && seatType !== undefined && (best === null || isHigherSeat(seatType, best.seatType))) {
      best = { seatType, rule: `roles "${value}"`, attribute: 'roles' };
    }
  }
  return best;
}

function seatByGroups(groups: readonly SeatGroup[], rules: Pick<Rules, 'groupSeats'>): SeatDecision | null {
  let best: SeatDecision | null = null;
  for (const group of groups) {
    for (const seatType of [group.seatType, rules.groupSeats.get(group.nameKey) ?? null]) {
      if (seatType !== null && (best === null || isHigherSeat(seatType, best.seatType))) {
        best = { seatType, rule: `group "${group.displayName}"`, attribute: 'groups' };
      }
    }
  }
  return best;
}

/**
 * Adoption never demotes: the rule seat that is not applied to a member found with a higher one,
 * until the rule changes. Null: the rule may be applied.
 */
export function declinedSeat(decision: SeatDecision | null, found: SeatType | null): SeatType | null {
  if (decision === null || found === null) return null;
  return isHigherSeat(found, decision.seatType) ? decision.seatType : null;
}

export function asSeat(text: string | null): SeatType | null {
  return SEAT_TYPES.find((seat) => seat === text) ?? null;
}
