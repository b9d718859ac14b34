/**
 * What the engine would do about what is on the agenda of a rehearsal, with a workspace that says
 * yes to every call: the same plan, the same policies, the same rows as a run writes, and no call.
 */
import { isGrant, type Change } from '../domain/types.js';
import type { RehearsedChange, WithheldChange } from '../domain/what-if.js';
import type { AgendaEntry, Subject } from '../store/port.js';
import { retryForFreedSeats } from './freed-seats.js';
import { look, newRun, toRecord, type Planning, type View } from './view.js';

export interface Rehearsed {
  /** In the order in which they would go out. */
  readonly calls: RehearsedChange[];
  readonly held: WithheldChange[];
  readonly waiting: WithheldChange[];
  /** Members would have to be read before these people can be planned on. */
  readonly unread: Subject[];
}

/** Subjects looked at in one rehearsal; a change of a rule could concern everybody. */
const MAX_SUBJECTS = 5_000;
/** Changes of one subject; a plan that never ends would be a bug. */
const MAX_CHANGES = 500;
const FREED = 'seatFreed';

/** Works on what these causes put on the agenda, until nothing of it is due. */
export async function workThrough(causes: ReadonlySet<string>, to: Rehearsed, engine: Planning): Promise<void> {
  const { store, clock } = engine;
  const done = new Set<Subject>();
  for (;;) {
    const due = await store.due(MAX_SUBJECTS, done);
    const entry = due.find(({ cause }) => cause !== null && (causes.has(cause) || cause === FREED));
    if (entry === undefined) return;
    done.add(entry.subject);
    const freed = await runEntry(entry, to, engine);
    if (freed === 0) continue;
    // As the engine does: who waits for a seat has a turn when one comes free.
    await retryForFreedSeats(freed, clock.now(), store);
    await store.scheduleWaiting('seatBudget', FREED);
  }
}

/** Answers how many seats came free. */
async function runEntry(entry: AgendaEntry, to: Rehearsed, engine: Planning): Promise<number> {
  const { store, clock, guards } = engine;
  const { subject, cause } = entry;
  const run = newRun(entry, { nobodyWaits: false });
  let freed = 0;
  for (let sent = 0; sent < MAX_CHANGES; sent += 1) {
    const view = await look(run, engine);
    if (view === null) {
      await store.settle(entry, null);
      return freed;
    }
    const [planned] = view.sorted.send;
    if (planned === undefined) {
      note(view, subject, to);
      const next = view.nextAt === null ? null : { dueAt: view.nextAt };
      await store.settle(entry, next, { plan: { ...toRecord(view), send: null, cause } });
      return freed;
    }
    const uses = guards.usesOf(planned, view.about);
    const row = await store.record(subject, { ...toRecord(view), send: planned, uses, cause });
    // Somebody else took the last place of a limit: the next plan knows.
    if (row === null) continue;
    const call = { startedAt: clock.now(), latencyMs: 0, status: 200, requestId: null };
    await store.finish(row.id, { kind: 'done', call }, null);
    to.calls.push({ subject, change: planned.change, why: planned.why });
    if (freesSeat(planned.change)) freed += 1;
  }
  throw new Error(`the plan of ${subject} does not end`);
}

/** What is left when nothing more goes out. What a dry run keeps back is what the bridge would do. */
function note({ sorted, needsReading }: View, subject: Subject, to: Rehearsed): void {
  if (needsReading) to.unread.push(subject);
  for (const { planned, fate, policy, reason } of sorted.notes) {
    const change = { subject, change: planned.change, why: planned.why };
    if (policy === 'dryRun') to.calls.push(change);
    else if (fate === 'held') to.held.push({ ...change, policy, reason });
    else if (fate === 'waiting') to.waiting.push({ ...change, policy, reason });
  }
}

function freesSeat(change: Change): boolean {
  return change.kind === 'lock' || change.kind === 'revokeInvite' || (change.kind === 'setSeat' && !isGrant(change));
}
