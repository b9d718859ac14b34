/**
 * Refuses before the commit what ElevenLabs would refuse for lack of a seat, where SEAT_LIMITS
 * makes that known (docs/design.md 3). The same words serve the plan (policies/seat-budget.ts).
 */
import { countSeats, isBasic, seatShortage, type SeatUsage } from '../domain/policies/seat-budget.js';
import type { SeatDecision } from '../domain/person.js';
import type { SeatType, WorkspaceMember } from '../domain/types.js';
import { invalidValue } from '../errors.js';
import type { Core } from './core.js';
import { seatsInUse } from './mirror.js';

export interface SeatWish {
  /** Null: an invite is the effect, or nothing if one is out. */
  readonly member: WorkspaceMember | null;
  readonly isActive: boolean;
  readonly wasActive: boolean;
  /** Whether there is an address to invite, and no invite out that counts as paid for. */
  readonly isInvitable: boolean;
  readonly before: SeatDecision | null;
  readonly after: SeatDecision | null;
}

export function checkSeat(core: Core, wish: SeatWish): void {
  const { seatLimits } = core.rules();
  if (!wish.isActive || (seatLimits.full === null && seatLimits.basic === null)) return;
  const usage = countSeats(seatsInUse(core));
  const shortage = shortageOf(core, wish, usage);
  if (shortage === null) return;
  const attribute = wish.wasActive ? (wish.after?.attribute ?? 'active') : 'active';
  throw invalidValue(`${attribute}: ${shortage}`);
}

function shortageOf(core: Core, wish: SeatWish, usage: SeatUsage): string | null {
  const { seatLimits, defaultSeat, allowDowngrade } = core.rules();
  const { member, wasActive, isInvitable, before, after } = wish;
  if (member === null)
    return wasActive || !isInvitable ? null : seatShortage(after?.seatType ?? defaultSeat, usage, seatLimits);
  if (member.isLocked) {
    if (wasActive) return null;
    const shortage = seatShortage(member.seatType ?? defaultSeat, usage, seatLimits);
    const canDowngrade = allowDowngrade && seatShortage('workspace_lite_member', usage, seatLimits) === null;
    return canDowngrade ? null : shortage;
  }
  const seat = after?.seatType ?? null;
  if (seat === null || seat === before?.seatType || isSameKind(seat, member.seatType)) return null;
  return seatShortage(seat, without(member, usage), seatLimits);
}

const isSameKind = (wanted: SeatType, held: SeatType | null): boolean =>
  held !== null && isBasic(wanted) === isBasic(held);

/** The seat that the member leaves is free then. */
function without({ seatType }: WorkspaceMember, { full, basic }: SeatUsage): SeatUsage {
  return seatType !== null && isBasic(seatType) ? { full, basic: basic - 1 } : { full: full - 1, basic };
}
