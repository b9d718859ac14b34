/**
 * `SEAT_LIMITS`: foresees that ElevenLabs will refuse for lack of a seat, and says so in numbers.
 * The same words serve the refusal before the commit and the plan.
 *
 * What counts (docs/api-limits.md): unlocked members only. Admin and member seats are Full seats,
 * the owner's included; lite seats are Basic. Basic seats overflow into free Full seats. Whether
 * pending invites hold a seat is not documented: they are not counted, ElevenLabs decides; that
 * more are out than can be accepted is said (`overbooking`), and keeps nobody from being invited.
 * Where a limit is not configured nothing is foreseen.
 */
import type { PlannedChange } from '../plan.js';
import type { SeatLimits } from '../rules.js';
import type { Change, SeatType, WorkspaceMember } from '../types.js';
import { memberOf } from '../effect.js';
import { withhold, type Policy, type PolicyNote } from './policy.js';

/** Seats in use. */
export interface SeatUsage {
  readonly full: number;
  readonly basic: number;
}

/** Seats in use, and those that the invites that are out will take when they are accepted. */
export interface SeatDemand {
  readonly usage: SeatUsage;
  readonly invited: SeatUsage;
}

/** A waiting change is looked at again after this time, besides whenever something happens to its person. */
const LOOK_AGAIN_MS = 900_000;

/** Counts the seats that members hold; members of unknown seat count as Full, the dearer guess. */
export function countSeats(held: readonly (readonly [SeatType | null, number])[]): SeatUsage {
  let full = 0;
  let basic = 0;
  for (const [seatType, count] of held) {
    if (seatType !== null && isBasic(seatType)) basic += count;
    else full += count;
  }
  return { full, basic };
}

export function isBasic(seat: SeatType): boolean {
  return seat === 'workspace_lite_member';
}

/** Why no seat of this type is free, with numbers and remedy; null = one is, or it cannot be foreseen. */
export function seatShortage(wanted: SeatType, usage: SeatUsage, limits: SeatLimits): string | null {
  const { full, basic } = limits;
  const free = freeSeats(usage, limits);
  if (full === null || free === null) return null;
  if (!isBasic(wanted)) {
    if (free.full > 0) return null;
    const used = Math.max(usage.full, full - free.full);
    return `No Full seat is free: ${of(used, full)} in use. ${FREE_ONE}, ${BUY}, or give a Basic seat (workspace_lite_member).`;
  }
  if (basic === null || free.basic > 0) return null;
  return `No Basic seat is free: ${of(usage.basic, basic)} Basic and ${of(usage.full, full)} Full seats in use. ${FREE_ONE}, or ${BUY}.`;
}

const FREE_ONE = 'Free a seat by disabling somebody';
const BUY = 'buy seats in ElevenLabs and raise SEAT_LIMITS';

/** Why not everybody who is invited to such a seat can accept, with numbers and remedy; null = they can, or it cannot be foreseen. */
export function overbooking(seat: SeatType, { usage, invited }: SeatDemand, limits: SeatLimits): string | null {
  const free = freeSeats(usage, limits);
  if (free === null || (isBasic(seat) && limits.basic === null)) return null;
  const [kind, out, room] = isBasic(seat)
    ? // Full seats that nobody is invited to may be taken by Basic members.
      ['Basic', invited.basic, free.basic - Math.min(invited.full, free.full)]
    : ['Full', invited.full, free.full];
  if (out <= room) return null;
  const invites = out === 1 ? `1 invite to a ${kind} seat is` : `${String(out)} invites to a ${kind} seat are`;
  const seats = room === 1 ? '1 seat is' : `${String(room)} seats are`;
  return `${invites} out, ${seats} free: who accepts last is refused, and stays invited. ${FREE_ONE}, or ${BUY}.`;
}

/** Free for one kind or the other: a Full seat counts for both. Null = not known. */
function freeSeats({ full, basic }: SeatUsage, limits: SeatLimits): SeatUsage | null {
  if (limits.full === null) return null;
  const ofFull = limits.full - full;
  const ofBoth = ofFull + (limits.basic === null ? 0 : limits.basic - basic);
  return { full: Math.max(0, Math.min(ofFull, ofBoth)), basic: Math.max(0, ofBoth) };
}

function of(used: number, limit: number): string {
  return `${String(used)} of ${String(limit)}`;
}

/** The shortage that one change would meet; null = none. `member`: whom it is about, as last read. */
export function shortageFor(
  change: Change,
  member: WorkspaceMember | null,
  usage: SeatUsage,
  limits: SeatLimits,
): string | null {
  switch (change.kind) {
    case 'invite':
      return seatShortage(change.seatType, usage, limits);
    case 'unlock': {
      const seat = member?.seatType ?? 'workspace_member';
      const shortage = seatShortage(seat, usage, limits);
      const canDowngrade = change.allowDowngrade && seatShortage('workspace_lite_member', usage, limits) === null;
      return canDowngrade ? null : shortage;
    }
    case 'setSeat': {
      // A locked member holds no seat, and between two Full seats none is taken.
      if (member === null || member.isLocked) return null;
      const held = member.seatType;
      if (held !== null && isBasic(held) === isBasic(change.seatType)) return null;
      return seatShortage(change.seatType, without(held, usage), limits);
    }
    case 'revokeInvite':
    case 'lock':
    case 'addToGroup':
    case 'removeFromGroup':
    case 'share':
    case 'unshare':
      return null;
  }
}

function without(seat: SeatType | null, { full, basic }: SeatUsage): SeatUsage {
  return seat !== null && isBasic(seat) ? { full, basic: basic - 1 } : { full: full - 1, basic };
}

/** Keeps back what would be refused, and what rests on it. It goes by itself when a seat is free. */
export function seatBudget(seatLimits: () => SeatLimits): Policy {
  return (sorted, { person, now, seats: usage }) => {
    if (person === null || usage === undefined) return sorted;
    const limits = seatLimits();
    const notes: PolicyNote[] = [];
    for (const planned of sorted.send) {
      const { change } = planned;
      const member = 'memberId' in change ? memberOf(person, change.memberId) : null;
      const reason = shortageFor(change, member, usage, limits);
      if (reason === null) continue;
      const resting = sorted.send.filter((other) => other === planned || restsOn(other, planned));
      notes.push(
        ...resting.map(
          (one) => ({ planned: one, fate: 'waiting', policy: 'seatBudget', reason, alert: false }) as const,
        ),
      );
      break;
    }
    return withhold(sorted, notes, notes.length === 0 ? null : now + LOOK_AGAIN_MS);
  };
}

/** A locked member gets nothing before the unlock; an invite is not revoked only to be sent again. */
function restsOn({ change }: PlannedChange, { change: kept }: PlannedChange): boolean {
  if (kept.kind === 'unlock')
    return change.kind === 'setSeat' || change.kind === 'addToGroup' || change.kind === 'share';
  return kept.kind === 'invite' && change.kind === 'revokeInvite' && change.address === kept.address;
}
