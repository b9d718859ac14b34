/**
 * One run of one subject: plan, send the first change, write down how it ended, and plan again,
 * until nothing is left to do now.
 *
 * Invariants:
 * - The plan is computed immediately before each call, when the limiter lets it out, under the
 *   lock of the address it concerns; the ledger row says `sending` on disk before it goes.
 * - A run works in the open: whatever ends it, the agenda entry is still there unless the store
 *   settled it.
 */
import { planPerson } from '../domain/plan.js';
import type { AgendaEntry } from '../store/port.js';
import type { Engine } from './engine.js';
import { postpone, type RunEnd } from './let-go.js';
import { isShareChange } from './prepare-share.js';
import { VERIFY } from './read-workspace.js';
import { MEMBERS } from './readings.js';
import { resourceLock } from './resource-readings.js';
import { send, sendShare } from './send.js';
import { goesTogether, sendTogether } from './send-together.js';
import { lockKey, look, newRun, toRecord, type Run, type View } from './view.js';

/** Works on one agenda entry until it is settled or has to be put off. */
export async function runSubject(entry: AgendaEntry, engine: Engine): Promise<RunEnd> {
  const run = newRun(entry, engine);
  const { userId } = run;
  let end: RunEnd | 'again' = 'again';
  try {
    while (end === 'again') end = engine.isStopping() ? 'stopped' : await step(run, engine);
    return end;
  } finally {
    const outcome = end === 'settled' ? 'settled' : 'pending';
    if (userId !== null) engine.waiters.end(userId, run.version, { kind: outcome });
  }
}

async function step(run: Run, engine: Engine): Promise<RunEnd | 'again'> {
  const view = await look(run, engine);
  if (view === null) {
    await engine.store.settle(run.entry, null);
    run.version = Infinity; // Gone: no later version can come.
    return 'settled';
  }
  const [planned] = view.sorted.send;
  if (planned === undefined) return view.needsReading ? readFirst(run, engine) : settle(run, view, engine);
  if (goesTogether(run, view, planned, engine)) return sendTogether(run, view, planned, engine);
  const { change } = planned;
  return engine.locks.hold(lockKey(change, view.person), () =>
    isShareChange(change)
      ? engine.locks.hold(resourceLock(change.resource), () => sendShare(run, view, { ...planned, change }, engine))
      : send(run, view, planned, engine),
  );
}

async function settle(run: Run, view: View, engine: Engine): Promise<RunEnd> {
  const { entry } = run;
  const next = view.nextAt === null ? null : { dueAt: view.nextAt };
  const plan = { ...toRecord(view), send: null, cause: entry.cause };
  await engine.store.settle(entry, next, { plan, converged: isConverged(view) });
  engine.guards.tell(entry.subject, view.sorted, view.person);
  return 'settled';
}

/** Nothing is left, held or waited for: whatever comes up without a fresh cause was changed by hand. */
function isConverged({ person, planned, needsReading }: View): boolean {
  const isOurs = (person?.protection ?? null) === null;
  return isOurs && planned.length === 0 && !needsReading;
}

/** An invite may or may not be out: members first. */
async function readFirst(run: Run, engine: Engine): Promise<RunEnd | 'again'> {
  const { members } = await engine.readings.read(MEMBERS, VERIFY);
  if (members?.kind === 'blind') return 'again';
  const after = run.userId === null ? null : await engine.store.person(run.userId);
  const isRead = after !== null && !planPerson(after, engine.rules(), engine.clock.now()).needsReading;
  if (members?.kind === 'applied' && isRead) return 'again';
  return postpone(run, 'the members could not be read', null, engine);
}
