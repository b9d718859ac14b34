/** What one run knows: the subject as read and planned at one moment, and what the run has done so far. */
import { driftOf, driftOfShares } from '../domain/drift.js';
import { memberOf } from '../domain/effect.js';
import type { Person } from '../domain/person.js';
import { nextPlanAt, planPerson, pointlessRefusals, type PlannedChange } from '../domain/plan.js';
import { planShareHolder } from '../domain/plan-shares.js';
import { earlier, type Sorted } from '../domain/policies/policy.js';
import { isWithdrawal, principalKey, type Address, type Change, type UserId } from '../domain/types.js';
import { unreadLeftMs } from '../domain/unclear-invites.js';
import { planLockInTheDark, planTries } from '../domain/unlisted.js';
import type { AgendaEntry, ShareSubject } from '../store/port.js';
import type { Engine } from './engine.js';
import type { PlanContext } from './guards.js';

export interface Run {
  readonly entry: AgendaEntry;
  readonly userId: UserId | null;
  /** The version of the user that the last plan was made of. */
  version: number;
  /** A call of this run succeeded, or may have: the write cannot be undone any more. */
  touched: boolean;
  /** Grants planned in this run that a write to the user can have asked for. */
  readonly grants: Set<string>;
  /** Addresses whose foreign invite was revoked in this run, so that ours can be sent. */
  readonly replaced: Set<Address>;
  /** That revocation, which is in no plan. */
  replacement: PlannedChange | null;
  /** Nobody waits for the answer, so that an invite may wait for others. */
  mayWait: boolean;
  /** Seats that had come free when the last call went out (Engine.seatsFreed). */
  seatsFreed: number;
  /** The last plan takes something away. */
  withdraws: boolean;
  /** Calls in a row for which there was no place when they were to go out. */
  notAllowed: number;
  /** An invite was revoked, and the answer was no clear yes. */
  isRevokedInTheDark: boolean;
}

/** The cause of a run that may try whether an invitee is a member by now (domain/unlisted.ts). */
export const TRY = 'acceptance poll';

export function newRun(entry: AgendaEntry, { nobodyWaits }: Pick<Engine, 'nobodyWaits'>): Run {
  return {
    entry,
    userId: userIdOf(entry.subject),
    version: 0,
    touched: false,
    grants: new Set(),
    replaced: new Set(),
    replacement: null,
    mayWait: nobodyWaits || entry.priority > 0,
    seatsFreed: 0,
    withdraws: false,
    notAllowed: 0,
    isRevokedInTheDark: false,
  };
}

function userIdOf(subject: string): UserId | null {
  return subject.startsWith('user:') ? (subject.slice('user:'.length) as UserId) : null;
}

/** The subject as read and planned at one moment. */
export interface View {
  readonly person: Person | null;
  readonly about: PlanContext;
  /** The plan before any policy. */
  readonly planned: readonly PlannedChange[];
  readonly sorted: Sorted;
  readonly needsReading: boolean;
  readonly nextAt: number | null;
  /** Refusals that do not matter any more. */
  readonly pointless: readonly string[];
}

/** Reads the subject and plans it. Null: there is no such subject any more. */
export async function look(run: Run, engine: Engine): Promise<View | null> {
  const { store, clock, guards } = engine;
  const now = clock.now();
  if (run.userId === null) {
    const holder: ShareSubject | null = await store.shareSubject(run.entry.subject);
    if (holder === null) return null;
    const planned = planShareHolder(holder, now);
    const about = { person: null, isDrift: holder.isConverged, known: holder.known };
    const sorted = await guards.sort(planned, about, now);
    run.withdraws = takesAway(sorted);
    const untils = [...holder.refused.values()].map(({ until }) => until).filter((until) => until > now);
    return {
      person: null,
      about,
      planned,
      sorted,
      needsReading: false,
      nextAt: untils.length === 0 ? null : Math.min(...untils),
      pointless: [],
    };
  }
  const read = await store.person(run.userId);
  if (read === null) return null;
  // A key that may not list members never learns more: what is ambiguous is sent once more unread.
  const { blind } = engine.readings.state;
  const person = blind ? { ...read, membersReadAt: now + 1 } : read;
  run.version = person.version;
  const made = planPerson(person, engine.rules(), now);
  const unreadMs = blind ? unreadLeftMs(person.invite) : 0;
  const plan =
    unreadMs > 0 ? { ...made, changes: made.changes.filter(({ change }) => change.kind !== 'invite') } : made;
  const tries = blind ? planInTheDark(run, person) : [];
  const planned = [...plan.changes, ...tries];
  // What was never there is tried, and no drift.
  const about = { person, isDrift: person.isConverged && tries.length === 0, mayWait: run.mayWait };
  const sorted = await guards.sort(planned, about, now);
  run.withdraws = takesAway(sorted);
  const byTime = earlier(nextPlanAt(person, engine.rules(), now), sorted.waitUntil);
  const nextAt = unreadMs > 0 ? earlier(byTime, now + Math.ceil(unreadMs)) : byTime;
  const pointless = pointlessRefusals(person, engine.rules(), now);
  return { person, about, planned, sorted, needsReading: plan.needsReading, nextAt, pointless };
}

const takesAway = ({ send }: Sorted): boolean => send.some(({ change }) => isWithdrawal(change));

/** What only trying tells, where members cannot be listed. */
function planInTheDark({ entry, isRevokedInTheDark }: Run, person: Person): readonly PlannedChange[] {
  if (isRevokedInTheDark) return planLockInTheDark(person);
  return entry.cause === TRY ? planTries(person) : [];
}

/** The plan as it stands, with nothing of it sent now. */
export async function record(run: Run, view: View, engine: Engine): Promise<void> {
  const { subject, cause } = run.entry;
  await engine.store.record(subject, { ...toRecord(view), send: null, cause });
  engine.guards.tell(subject, view.sorted, view.person);
}

export function toRecord({ person, about, planned, sorted, pointless }: View) {
  const { send, waiting, held, notes } = sorted;
  const drift = person === null ? driftOfShares(planned, about.isDrift) : driftOf(person, planned, about.isDrift);
  return { changes: [...send, ...waiting], held, notes, pointless, drift };
}

/** One address at a time, whoever asks: a tombstone and its successor may share one. */
export function lockKey(change: Change, person: Person | null): string {
  switch (change.kind) {
    case 'invite':
    case 'revokeInvite':
      return change.address;
    case 'lock':
    case 'unlock':
    case 'setSeat':
    case 'addToGroup':
    case 'removeFromGroup':
      return (person && memberOf(person, change.memberId)?.address) ?? change.memberId;
    case 'share':
    case 'unshare':
      return person?.address ?? principalKey(change.principal);
  }
}
