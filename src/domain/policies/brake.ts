/**
 * The brake: a mistake in the IdP must not cost a company its workspace. Counts the people who
 * lose access in any 60 minutes; beyond the limit the rest is held, loudly, until somebody
 * releases or drops it, or the IdP takes the cause back.
 *
 * Invariants:
 * - In any 60 minutes at most the limit of people pass, those apart whom an administrator released.
 * - Who was counted is not counted again by a second change within the 60 minutes.
 * - What is held stays held: the limit is no drip by which the mistake gets through overnight.
 * - A person whose loss is held keeps groups and shares too: taking the cause back restores all.
 *
 * Not a loss: what happens to somebody who stays (a new address or seat for a pending invite, the
 * old account after a hand-over), and to somebody whose loss has passed here before (a withdrawn
 * address that appears as a member, a leaver unlocked by hand and locked again).
 */
import type { Person } from '../person.js';
import type { PlannedChange } from '../plan.js';
import { changeKey, type Change, type WorkspaceGroupId } from '../types.js';
import { allowed, recent, WINDOW_MS, type Dated, type PeopleLimit } from './people-limit.js';
import { withhold, type Policy, type PolicyNote } from './policy.js';

/** Losses as they were let through, `at` by the monotonic clock. `who` is a user id. */
export interface BrakeHistory {
  readonly people: readonly Dated[];
  readonly groups: ReadonlyMap<WorkspaceGroupId, readonly Dated[]>;
}

export interface BrakeLimits {
  /** `DEPROVISION_LIMIT` */
  readonly people: PeopleLimit;
  /** Members that some IdP manages: what `people.percent` is of. */
  readonly managedMembers: number;
  /** Members of a workspace group, as last read. */
  readonly groupSize: (groupId: WorkspaceGroupId) => number;
}

/** Removals from one group: the larger of 20 and half of it. */
export const GROUP_LIMIT: PeopleLimit = { count: 20, percent: 50 };

export const EMPTY_HISTORY: BrakeHistory = { people: [], groups: new Map() };

export interface BrakeResult {
  readonly send: readonly PlannedChange[];
  readonly held: readonly PolicyNote[];
  /** The history with what was let through. */
  readonly history: BrakeHistory;
}

/** Judges the changes of one person. `now` is monotonic. */
export function applyBrake(
  changes: readonly PlannedChange[],
  person: Person,
  history: BrakeHistory,
  limits: BrakeLimits,
  now: number,
  isDrift = false,
): BrakeResult {
  const pruned = prune(history, now);
  const losses = changes.filter(({ change }) => isLoss(change, person, isDrift) && !isReleased(change, person));
  const stop = losses.length === 0 ? null : stopPerson(losses, person, pruned, limits, now);
  const held: PolicyNote[] = [];
  let groups = pruned.groups;
  let isCounted = false;
  for (const planned of changes) {
    const { change } = planned;
    const isOwnLoss = losses.includes(planned);
    if (stop !== null && (isOwnLoss || followsLoss(change, losses)) && !isReleased(change, person)) {
      held.push(note(planned, stop));
    } else if (isOwnLoss) {
      isCounted = true;
    } else if (
      change.kind === 'removeFromGroup' &&
      (person.desired === 'active' || !person.managed) &&
      !isReleased(change, person)
    ) {
      const of = groups.get(change.groupId) ?? [];
      const stopGroup = stopRemoval(change, person, of, limits, now);
      if (stopGroup === null) groups = new Map([...groups, [change.groupId, [...of, { who: person.userId, at: now }]]]);
      else held.push(note(planned, stopGroup));
    }
  }
  const taken = new Set(held.map(({ planned }) => planned));
  const people = isCounted ? [...pruned.people, { who: person.userId, at: now }] : pruned.people;
  return { send: changes.filter((planned) => !taken.has(planned)), held, history: { people, groups } };
}

/** Where the history lives between judgements; `store` must keep what it is given before it returns. */
export interface BrakeWindow {
  load(): BrakeHistory;
  store(history: BrakeHistory): void;
  limits(): BrakeLimits;
  monotonic(): number;
}

/**
 * The brake as a policy. What it lets through is counted at once, before it is sent: several
 * people are worked on at the same time.
 */
export function brake(window: BrakeWindow): Policy {
  return (sorted, { person, isDrift }) => {
    if (person === null || sorted.send.length === 0) return sorted;
    const result = applyBrake(
      sorted.send,
      person,
      window.load(),
      window.limits(),
      window.monotonic(),
      isDrift ?? false,
    );
    window.store(result.history);
    return withhold(sorted, result.held);
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

/** A finished or running call of the ledger, as far as the brake counts it. */
export interface PastCall {
  readonly who: string;
  readonly change: Change;
  /** Wall time. */
  readonly sentAt: number;
}

/**
 * The history after a restart, from the ledger rows of the last hour: wall times become monotonic
 * ones. Counts rather too much than too little: what cannot be told apart from a loss is one.
 */
export function historyFrom(calls: readonly PastCall[], wallNow: number, monotonicNow: number): BrakeHistory {
  const people: Dated[] = [];
  const groups = new Map<WorkspaceGroupId, Dated[]>();
  for (const { who, change, sentAt } of calls) {
    // A time in the future means that the clock was set back: the call may be a moment old.
    const at = monotonicNow - Math.max(0, wallNow - sentAt);
    if (at <= monotonicNow - WINDOW_MS) continue;
    if (change.kind === 'removeFromGroup')
      groups.set(change.groupId, [...(groups.get(change.groupId) ?? []), { who, at }]);
    else if (isLoss(change, { desired: 'inactive', lockedByBridge: false }, false)) people.push({ who, at });
  }
  return { people, groups };
}

/** Of what is held already: the numbers of that time are not known any more. */
const STAYS_HELD = {
  person: 'more people would have lost access at once than DEPROVISION_LIMIT allows; it waits for an administrator',
  group: 'more members would have left this group at once than the brake allows; it waits for an administrator',
};

/** Why the losses of this person must wait; null = they pass. */
function stopPerson(
  losses: readonly PlannedChange[],
  person: Person,
  history: BrakeHistory,
  limits: BrakeLimits,
  now: number,
): string | null {
  if (losses.some(({ change }) => isHeld(change, person))) return STAYS_HELD.person;
  const counted = recent(history.people, now);
  const limit = allowed(limits.people, limits.managedMembers);
  if (limit === null || counted.has(person.userId) || counted.size < limit) return null;
  return `${counted.size === 1 ? '1 person' : `${String(counted.size)} people`} lost access within 60 minutes; the limit is ${String(limit)} (DEPROVISION_LIMIT)`;
}

/** A loss that was held under another name: a held revocation whose invite was accepted is now a lock. */
function isHeld(change: Change, person: Person): boolean {
  if (person.held.has(changeKey(change))) return true;
  if (change.kind !== 'lock' && change.kind !== 'revokeInvite') return false;
  return [...person.held].some((key) => key.startsWith('lock ') || key.startsWith('revokeInvite '));
}

function stopRemoval(
  change: Change & { readonly kind: 'removeFromGroup' },
  person: Person,
  history: readonly Dated[],
  limits: BrakeLimits,
  now: number,
): string | null {
  if (person.held.has(changeKey(change))) return STAYS_HELD.group;
  const counted = recent(history, now);
  // The size before these removals, so that the limit does not shrink with each of them.
  const limit = allowed(GROUP_LIMIT, limits.groupSize(change.groupId) + counted.size);
  if (limit === null || counted.has(person.userId) || counted.size < limit) return null;
  return `${String(counted.size)} members were removed from this group within 60 minutes; the limit is ${String(limit)}`;
}

/** Withdrawals that belong to a held lock or revocation. */
function followsLoss(change: Change, losses: readonly PlannedChange[]): boolean {
  if (!losses.some((loss) => loss.change.kind === 'lock' || loss.change.kind === 'revokeInvite')) return false;
  return change.kind === 'removeFromGroup' || change.kind === 'unshare';
}

function isReleased(change: Change, person: Person): boolean {
  return person.released.has(changeKey(change));
}

function note(planned: PlannedChange, reason: string): PolicyNote {
  return { planned, fate: 'held', policy: 'brake', reason, alert: true };
}

function prune(history: BrakeHistory, now: number): BrakeHistory {
  const young = (list: readonly Dated[]) => list.filter(({ at }) => at > now - WINDOW_MS);
  const groups = [...history.groups]
    .map(([id, list]) => [id, young(list)] as const)
    .filter(([, list]) => list.length > 0);
  return { people: young(history.people), groups: new Map(groups) };
}
