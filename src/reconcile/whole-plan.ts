/**
 * The plan of everybody at once, as the engine would make it now: planner and policies are the
 * same, only nothing is sent. What a dry run withholds counts as a call: that is what it is for.
 */
import { planPerson, type PlannedChange } from '../domain/plan.js';
import { planShareHolder } from '../domain/plan-shares.js';
import { nothingSpent, spend, type Spent } from '../domain/policies/people-limit.js';
import type { PolicyNote } from '../domain/policies/policy.js';
import type { Rules } from '../domain/rules.js';
import type { Change, Millis, UserId } from '../domain/types.js';
import type { PersonRef, Store, Subject } from '../store/port.js';
import type { Guards, PlanContext } from './guards.js';

/** One call, and whom it is for. */
export interface PlannedCall {
  readonly subject: Subject;
  readonly change: Change;
  /** The rule that gave it. */
  readonly why: string;
}

export interface WithheldCall extends PlannedCall {
  readonly policy: PolicyNote['policy'];
  readonly reason: string;
}

export interface WholePlan {
  /** In the order in which each subject would be worked on. */
  readonly calls: readonly PlannedCall[];
  /** An administrator has to release or drop these. */
  readonly held: readonly WithheldCall[];
  /** Time, a free seat or another mode lets these through. */
  readonly waiting: readonly WithheldCall[];
  /** Members have to be read before these people can be planned on. */
  readonly unread: readonly Subject[];
  readonly people: ReadonlyMap<Subject, PersonRef>;
  /** When the workspace was last read. */
  readonly readAt: Millis | null;
}

interface Growing {
  readonly calls: PlannedCall[];
  readonly held: WithheldCall[];
  readonly waiting: WithheldCall[];
  readonly unread: Subject[];
  readonly spent: Spent;
}

/** Limits count what is planned here as if it were done, for this look only. */
export async function planEverybody(parts: {
  readonly store: Store;
  readonly rules: Rules;
  readonly guards: Pick<Guards, 'sort' | 'usesOf'>;
  readonly now: Millis;
  readonly onProgress: (done: number, total: number) => void;
}): Promise<WholePlan> {
  const { store, onProgress } = parts;
  const subjects = await store.planSubjects();
  const plan: Growing = { calls: [], held: [], waiting: [], unread: [], spent: nothingSpent() };
  for (const [index, subject] of subjects.entries()) {
    onProgress(index, subjects.length);
    await planSubject(subject, parts, plan);
  }
  const named = [...plan.calls, ...plan.held, ...plan.waiting].map(({ subject }) => subject);
  const people = await store.peopleOf([...new Set([...named, ...plan.unread])]);
  const { calls, held, waiting, unread } = plan;
  return { calls, held, waiting, unread, people, readAt: await store.membersReadAt() };
}

async function planSubject(subject: Subject, parts: Parameters<typeof planEverybody>[0], plan: Growing): Promise<void> {
  const { store, rules, now } = parts;
  if (!subject.startsWith('user:')) {
    const holder = await store.shareSubject(subject);
    if (holder === null) return;
    const about = { person: null, isDrift: holder.isConverged, known: holder.known };
    await put(subject, planShareHolder(holder, now), about, parts, plan);
    return;
  }
  const person = await store.person(subject.slice('user:'.length) as UserId);
  if (person === null) return;
  const { changes, needsReading } = planPerson(person, rules, now);
  if (needsReading) plan.unread.push(subject);
  await put(subject, changes, { person, isDrift: person.isConverged }, parts, plan);
}

async function put(
  subject: Subject,
  changes: readonly PlannedChange[],
  about: PlanContext,
  { guards, now }: Parameters<typeof planEverybody>[0],
  plan: Growing,
): Promise<void> {
  const { send, notes } = await guards.sort(changes, about, now, plan.spent);
  const withheld = notes.filter(({ policy }) => policy === 'dryRun').map(({ planned }) => planned);
  for (const planned of [...send, ...withheld]) {
    plan.calls.push(callOf(subject, planned));
    for (const use of guards.usesOf(planned, about)) spend(plan.spent, use);
  }
  for (const { planned, fate, policy, reason } of notes) {
    const call = callOf(subject, planned);
    if (policy === 'dryRun') continue;
    if (fate === 'held') plan.held.push({ ...call, policy, reason });
    else if (fate === 'waiting') plan.waiting.push({ ...call, policy, reason });
  }
}

const callOf = (subject: Subject, { change, why }: PlannedChange): PlannedCall => ({ subject, change, why });
