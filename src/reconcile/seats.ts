import type { WorkspaceMember } from '../domain/types.js';
import type { MemberCounts } from '../store/port.js';

/** How many members held a seat before and hold none now: each frees one for somebody who waits. */
export function freedSeats(before: MemberCounts, after: readonly WorkspaceMember[]): number {
  return Math.max(0, before.seated - seated(after), before.fullSeats - fullSeats(after));
}

const seated = (members: readonly WorkspaceMember[]): number => members.filter((member) => !member.isLocked).length;

const fullSeats = (members: readonly WorkspaceMember[]): number =>
  members.filter((member) => !member.isLocked && member.seatType !== 'workspace_lite_member').length;
