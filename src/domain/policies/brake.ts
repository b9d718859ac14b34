/**
 * The brake: a mistake in the IdP must not cost a company its workspace. Counts losses, one per
 * account and decision, at their first sending, in any 60 minutes of serving time; beyond the limit
 * the rest is held, loudly, until somebody releases or drops it, or the IdP takes the cause back.
 *
 * Invariants:
 * - In any 60 minutes at most the limit of losses is sent, those apart that an administrator released.
 * - A loss that was sent is not counted again: not for a retry, after a kill, or for a second change,
 *   unless the account was given its access back meanwhile. A certain refusal gives the place back.
 * - What is held stays held: the limit is no drip by which the mistake gets through overnight.
 * - A person whose loss is held keeps groups and shares too: taking the cause back restores all.
 *
 * Not a loss: what happens to somebody who stays (a new address or seat for a pending invite, the
 * old account after a hand-over), and to somebody whose loss has passed here before (a withdrawn
 * address that appears as a member, a leaver unlocked by hand and locked again).
 */
import { memberOf } from '../effect.js';
import type { Person } from '../person.js';
import type { PlannedChange } from '../plan.js';
import { changeKey, type Change } from '../types.js';
import {
  allowed,
  isBeyond,
  useKey,
  windowOf,
  type LimitUse,
  type LimitWindows,
  type PeopleLimit,
} from './people-limit.js';
import { withhold, type Policy, type PolicyNote } from './policy.js';

/** Removals from one group: the larger of 20 and half of it. */
export const GROUP_LIMIT: PeopleLimit = { count: 20, percent: 50 };

/** What the loss of an account costs; null = the change is none, or was released. */
export function lossUse(change: Change, person: Person, isDrift: boolean, limit: PeopleLimit): LimitUse | null {
  if (!isLoss(change, person, isDrift) || isReleased(change, person)) return null;
  return { kind: 'loss', scope: '', who: accountOf(change, person), limit };
}

/** What a removal costs its group; null = the change is none, was released, or follows from the loss of a person. */
export function removalUse(change: Change, person: Person): LimitUse | null {
  // Of a user whose access is not managed, a removal follows from no loss.
  const isOfLeaver = person.managed && person.desired !== 'active';
  if (change.kind !== 'removeFromGroup' || isOfLeaver || isReleased(change, person)) return null;
  return { kind: 'groupRemoval', scope: change.groupId, who: change.memberId, limit: GROUP_LIMIT };
}

/** `limit`: `DEPROVISION_LIMIT`. */
export function brake(limit: PeopleLimit): Policy {
  return (sorted, { person, isDrift, windows }) => {
    if (person === null || sorted.send.length === 0) return sorted;
    const losses = sorted.send.flatMap((planned) => {
      const use = lossUse(planned.change, person, isDrift === true, limit);
      return use === null ? [] : [{ planned, use }];
    });
    const stop = losses.length === 0 ? null : stopPerson(losses, person, windows);
    const held: PolicyNote[] = [];
    for (const planned of sorted.send) {
      const { change } = planned;
      const isStopped = losses.some((loss) => loss.planned === planned) || followsLoss(change, losses);
      if (stop !== null && isStopped && !isReleased(change, person)) {
        held.push(note(planned, stop));
        continue;
      }
      const stopGroup = stopRemoval(change, person, windows);
      if (stopGroup !== null) held.push(note(planned, stopGroup));
    }
    return withhold(sorted, held);
  };
}

/** Does this change take the access of a person who had it? */
export function isLoss(change: Change, person: Pick<Person, 'desired' | 'lockedByBridge'>, isDrift: boolean): boolean {
  switch (change.kind) {
    case 'lock':
      if (change.reason === 'withdrawn' || change.reason === 'handover') return false;
      return !person.lockedByBridge && !isDrift;
    case 'revokeInvite':
      return person.desired !== 'active';
    case 'setSeat':
      return change.from === 'workspace_admin' && change.seatType !== 'workspace_admin';
    case 'invite':
    case 'unlock':
    case 'addToGroup':
    case 'removeFromGroup':
    case 'share':
    case 'unshare':
      return false;
  }
}

/** An invite and the member who accepted it are one account: both are known by the address. */
function accountOf(change: Change, person: Person): string {
  if ('address' in change) return change.address;
  return 'memberId' in change ? (memberOf(person, change.memberId)?.address ?? change.memberId) : person.userId;
}

/** Of what is held already: the numbers of that time are not known any more. */
const STAYS_HELD = {
  person: 'more people would have lost access at once than DEPROVISION_LIMIT allows; it waits for an administrator',
  group: 'more members would have left this group at once than the brake allows; it waits for an administrator',
};

interface Loss {
  readonly planned: PlannedChange;
  readonly use: LimitUse;
}

/** Why the losses of this person must wait; null = they pass. All accounts of a person go together. */
function stopPerson(losses: readonly Loss[], person: Person, windows: LimitWindows | undefined): string | null {
  if (losses.some(({ planned: { change } }) => isHeld(change, person))) return STAYS_HELD.person;
  const fresh = losses.filter(({ use }) => !windowOf(windows, use).isCounted);
  const needed = new Set(fresh.map(({ use }) => useKey(use))).size;
  const [first] = fresh;
  if (first === undefined) return null;
  const window = windowOf(windows, first.use);
  if (!isBeyond(first.use, window, needed)) return null;
  const { counted } = window;
  const limit = String(allowed(first.use.limit, window.whole));
  return `${counted === 1 ? '1 person' : `${String(counted)} people`} lost access within 60 minutes; the limit is ${limit} (DEPROVISION_LIMIT)`;
}

/** A loss that was held under another name: a held revocation whose invite was accepted is now a lock. */
function isHeld(change: Change, person: Person): boolean {
  if (person.held.has(changeKey(change))) return true;
  if (change.kind !== 'lock' && change.kind !== 'revokeInvite') return false;
  return [...person.held].some((key) => key.startsWith('lock ') || key.startsWith('revokeInvite '));
}

function stopRemoval(change: Change, person: Person, windows: LimitWindows | undefined): string | null {
  const use = removalUse(change, person);
  if (use === null) return null;
  if (person.held.has(changeKey(change))) return STAYS_HELD.group;
  const window = windowOf(windows, use);
  if (!isBeyond(use, window)) return null;
  return `${String(window.counted)} members were removed from this group within 60 minutes; the limit is ${String(allowed(use.limit, window.whole))}`;
}

/** Withdrawals that belong to a held lock or revocation. */
function followsLoss(change: Change, losses: readonly Loss[]): boolean {
  if (!losses.some(({ planned }) => planned.change.kind === 'lock' || planned.change.kind === 'revokeInvite'))
    return false;
  return change.kind === 'removeFromGroup' || change.kind === 'unshare';
}

function isReleased(change: Change, person: Pick<Person, 'released'>): boolean {
  return person.released.has(changeKey(change));
}

function note(planned: PlannedChange, reason: string): PolicyNote {
  return { planned, fate: 'held', policy: 'brake', reason, alert: true };
}
