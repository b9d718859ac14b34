/**
 * `INVITE_LIMIT`: assigning the whole company by mistake must not send an e-mail to all of it.
 * Counts the people invited in any 60 minutes; the rest is held until released or dropped, or
 * until the IdP takes the cause back. (Repeated invites have a cap of their own: reinvite-cap.ts.)
 */
import type { Person } from '../person.js';
import type { PlannedChange } from '../plan.js';
import { changeKey, type Change } from '../types.js';
import { allowed, isBeyond, windowOf, type LimitUse, type PeopleLimit } from './people-limit.js';
import { withhold, type Policy } from './policy.js';

/** What an invite costs; null = the change is none, or was released. */
export function inviteUse(change: Change, person: Person, limit: PeopleLimit): LimitUse | null {
  if (change.kind !== 'invite' || person.released.has(changeKey(change))) return null;
  return { kind: 'invite', scope: '', who: person.userId, limit };
}

export function inviteLimit(limit: PeopleLimit): Policy {
  return (sorted, { person, windows }) => {
    const invite = sorted.send.find(({ change }) => change.kind === 'invite');
    const use = person === null || invite === undefined ? null : inviteUse(invite.change, person, limit);
    if (person === null || invite === undefined || use === null) return sorted;
    const window = windowOf(windows, use);
    const most = allowed(limit, window.whole);
    if (most === null) return sorted;
    const isHeld = [...person.held].some((key) => key.startsWith('invite '));
    if (!isHeld && !isBeyond(use, window)) return sorted;
    const reason = isHeld
      ? 'held by INVITE_LIMIT until it is released or dropped'
      : `${String(window.counted)} people were invited within 60 minutes; the limit is ${String(most)} (INVITE_LIMIT)`;
    const held = sorted.send.filter((planned) => planned === invite || makesRoomFor(planned, invite));
    return withhold(
      sorted,
      held.map((planned) => ({ planned, fate: 'held', policy: 'inviteLimit', reason, alert: true })),
    );
  };
}

/** A revocation only to invite the same address with another seat: without the invite it would just take one away. */
function makesRoomFor({ change }: PlannedChange, invite: PlannedChange): boolean {
  return change.kind === 'revokeInvite' && invite.change.kind === 'invite' && change.address === invite.change.address;
}
