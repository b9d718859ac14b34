/**
 * `INVITE_LIMIT`: assigning the whole company by mistake must not send an e-mail to all of it.
 * Counts the people invited in any 60 minutes; the rest is held until released or dropped, or
 * until the IdP takes the cause back. (Repeated invites have a cap of their own: reinvite-cap.ts.)
 */
import type { Person } from '../person.js';
import type { PlannedChange } from '../plan.js';
import { changeKey } from '../types.js';
import { allowed, recent, WINDOW_MS, type Dated, type PeopleLimit } from './people-limit.js';
import { withhold, type Policy, type PolicyNote } from './policy.js';

export interface InviteResult {
  readonly held: readonly PolicyNote[];
  /** The history with what was let through. */
  readonly history: readonly Dated[];
}

/** Judges the changes of one person. `whole` is what a percentage is of; `now` is monotonic. */
export function applyInviteLimit(
  changes: readonly PlannedChange[],
  person: Person,
  history: readonly Dated[],
  limit: PeopleLimit,
  whole: number,
  now: number,
): InviteResult {
  const pruned = history.filter(({ at }) => at > now - WINDOW_MS);
  const most = allowed(limit, whole);
  const invite = changes.find(({ change }) => change.kind === 'invite');
  if (most === null || invite === undefined || person.released.has(changeKey(invite.change))) {
    return { held: [], history: pruned };
  }
  const counted = recent(pruned, now);
  const isHeld = [...person.held].some((key) => key.startsWith('invite '));
  if (!isHeld && (counted.has(person.userId) || counted.size < most)) {
    return { held: [], history: [...pruned, { who: person.userId, at: now }] };
  }
  const reason = isHeld
    ? 'held by INVITE_LIMIT until it is released or dropped'
    : `${String(counted.size)} people were invited within 60 minutes; the limit is ${String(most)} (INVITE_LIMIT)`;
  const held = changes.filter((planned) => planned === invite || makesRoomFor(planned, invite));
  return {
    held: held.map((planned) => ({ planned, fate: 'held', policy: 'inviteLimit', reason, alert: true })),
    history: pruned,
  };
}

export interface InviteWindow {
  load(): readonly Dated[];
  store(history: readonly Dated[]): void;
  limit(): { readonly limit: PeopleLimit; readonly managedMembers: number };
  monotonic(): number;
}

/** The limit as a policy. What it lets through is counted at once, before it is sent. */
export function inviteLimit(window: InviteWindow): Policy {
  return (sorted, { person }) => {
    if (person === null || sorted.send.length === 0) return sorted;
    const { limit, managedMembers } = window.limit();
    const { held, history } = applyInviteLimit(
      sorted.send,
      person,
      window.load(),
      limit,
      managedMembers,
      window.monotonic(),
    );
    window.store(history);
    return withhold(sorted, held);
  };
}

/** A revocation only to invite the same address with another seat: without the invite it would just take one away. */
function makesRoomFor({ change }: PlannedChange, invite: PlannedChange): boolean {
  return change.kind === 'revokeInvite' && invite.change.kind === 'invite' && change.address === invite.change.address;
}
