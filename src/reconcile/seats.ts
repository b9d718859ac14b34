import type { WorkspaceMember } from '../domain/types.js';

/** How many members held a seat before and hold none now: each frees one for somebody who waits. */
export function freedSeats(before: readonly WorkspaceMember[], after: readonly WorkspaceMember[]): number {
  return Math.max(0, seated(before) - seated(after), fullSeats(before) - fullSeats(after));
}

const seated = (members: readonly WorkspaceMember[]): number => members.filter((member) => !member.isLocked).length;

const fullSeats = (members: readonly WorkspaceMember[]): number =>
  members.filter((member) => !member.isLocked && member.seatType !== 'workspace_lite_member').length;
