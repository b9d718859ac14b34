/**
 * Seat arithmetic. Unlocked members on an admin or member seat take a Full seat, those on a lite
 * seat a Basic one; free Full seats may be filled by Basic users. Locked members and service
 * accounts take none.
 */
import type { SeatType } from '../domain/types.js';
import type { SeatCount, World } from './state.js';
import { seatClass } from './state.js';

/**
 * True if `count` more users fit on this seat. `giveBack` is a seat that the same step frees: the old
 * seat of a member who changes it, or the reservation of an invite that is being accepted.
 */
export function seatFree(world: World, seat: SeatType, giveBack: SeatType | null = null, count = 1): boolean {
  const { seatsTaken, seatsReserved, seatLimits } = world.workspace;
  const reserved = world.switches.invitesReserveSeats ? seatsReserved : { full: 0, basic: 0 };
  const used: SeatCount = { full: seatsTaken.full + reserved.full, basic: seatsTaken.basic + reserved.basic };
  const freed = seatClass(giveBack);
  if (freed !== null) used[freed] -= 1;
  const spareFull = seatLimits.full - used.full;
  return seatClass(seat) === 'basic'
    ? used.basic + count <= seatLimits.basic + spareFull
    : spareFull >= count && used.basic <= seatLimits.basic + spareFull - count;
}
