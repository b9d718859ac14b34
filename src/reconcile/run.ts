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
import { driftOf } from '../domain/drift.js';
import { memberOf } from '../domain/effect.js';
import type { Person } from '../domain/person.js';
import { nextPlanAt, planPerson, type PlannedChange } from '../domain/plan.js';
import { planShareHolder } from '../domain/plan-shares.js';
import { earlier, type Sorted } from '../domain/policies/policy.js';
import { describeChange, remedyFor, type RefusalWords } from '../domain/refusal.js';
import {
  changeKey,
  isGrant,
  principalKey,
  type Address,
  type Change,
  type MemberId,
  type UserId,
} from '../domain/types.js';
import { isGatewayError, type Answer, type GatewayError } from '../elevenlabs/port.js';
import { invalidValue } from '../errors.js';
import type { AgendaEntry, CallFailure, CallResult, LedgerRow, Outcome, Revert, ShareSubject } from '../store/port.js';
import { entitlementOf } from '../domain/shares.js';
import { applyChange } from './apply.js';
import { REFUSAL_MS, type Engine } from './engine.js';
import { judgeFailure, type Verdict } from './judge.js';
import type { CallTag } from './limited-gateway.js';
import { PRIORITY } from './limiter.js';
import { isShareChange, prepareShare, type ShareChange } from './prepare-share.js';
import { MEMBERS } from './readings.js';
import { resourceLock } from './resource-readings.js';

export type RunEnd = 'settled' | 'postponed' | 'stopped';

interface Run {
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
}

/** The subject as read and planned at one moment. */
interface View {
  readonly person: Person | null;
  /** The plan before any policy. */
  readonly planned: readonly PlannedChange[];
  readonly sorted: Sorted;
  readonly needsReading: boolean;
  readonly nextAt: number | null;
}

/** Works on one agenda entry until it is settled or has to be put off. */
export async function runSubject(entry: AgendaEntry, engine: Engine): Promise<RunEnd> {
  const userId = entry.subject.startsWith('user:') ? (entry.subject.slice('user:'.length) as UserId) : null;
  const run: Run = {
    entry,
    userId,
    version: 0,
    touched: false,
    grants: new Set(),
    replaced: new Set(),
    replacement: null,
  };
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
  const { change } = planned;
  return engine.locks.hold(lockKey(change, view.person), () =>
    isShareChange(change)
      ? engine.locks.hold(resourceLock(change.resource), () => sendShare(run, view, { ...planned, change }, engine))
      : send(run, view, planned, engine),
  );
}

/** The resource is read first; what is known to be refused is not sent. */
async function sendShare(
  run: Run,
  view: View,
  planned: PlannedChange & { readonly change: ShareChange },
  engine: Engine,
): Promise<RunEnd | 'again'> {
  const ready = await prepareShare(planned.change, run.entry, engine);
  switch (ready.kind) {
    case 'send':
      return send(run, view, planned, engine);
    case 'again':
      return 'again';
    case 'postpone':
      return notStarted(run, view, ready.error, engine);
    case 'refuse': {
      const sent = await commit(run, planned, engine);
      if (sent === null) return 'again';
      const { error } = ready;
      const call = { ...measure(sent, error.status, error.requestId, engine), code: error.hint, error: error.message };
      return refuse(
        { run, view: sent.view, planned: sent.planned, row: sent.row, call, error, foreseen: true },
        engine,
      );
    }
  }
}

/** Reads the subject and plans it. Null: there is no such subject any more. */
async function look(run: Run, engine: Engine): Promise<View | null> {
  const { store, clock, guards } = engine;
  const now = clock.now();
  if (run.userId === null) {
    const holder: ShareSubject | null = await store.shareSubject(run.entry.subject);
    if (holder === null) return null;
    const planned = planShareHolder(holder, now);
    const sorted = await guards.sort(planned, null, now);
    const untils = [...holder.refused.values()].map(({ until }) => until).filter((until) => until > now);
    return {
      person: null,
      planned,
      sorted,
      needsReading: false,
      nextAt: untils.length === 0 ? null : Math.min(...untils),
    };
  }
  const read = await store.person(run.userId);
  if (read === null) return null;
  // A key that may not list members never learns more: what is ambiguous is sent once more unread.
  const person = engine.readings.state.blind ? { ...read, membersReadAt: now + 1 } : read;
  run.version = person.version;
  const plan = planPerson(person, engine.rules(), now);
  const sorted = await guards.sort(plan.changes, person, now);
  const nextAt = earlier(nextPlanAt(person, engine.rules(), now), sorted.waitUntil);
  return { person, planned: plan.changes, sorted, needsReading: plan.needsReading, nextAt };
}

async function settle(run: Run, view: View, engine: Engine): Promise<RunEnd> {
  const { entry } = run;
  await record(run, view, engine);
  const next = view.nextAt === null ? null : { dueAt: view.nextAt };
  await engine.store.settle(entry, next, isConverged(view));
  return 'settled';
}

/** Nothing is left, held or waited for: whatever comes up without a fresh cause was changed by hand. */
function isConverged({ person, planned, needsReading }: View): boolean {
  return person !== null && person.managed && person.protection === null && planned.length === 0 && !needsReading;
}

/** The plan as it stands, with nothing of it sent now. */
async function record(run: Run, view: View, engine: Engine): Promise<void> {
  const { subject, cause } = run.entry;
  await engine.store.record(subject, { ...toRecord(view), send: null, cause });
  engine.guards.tell(subject, view.sorted, view.person);
}

/** An invite may or may not be out: members first. */
async function readFirst(run: Run, engine: Engine): Promise<RunEnd | 'again'> {
  const { members } = await engine.readings.read(MEMBERS, 'verify');
  if (members?.kind === 'blind') return 'again';
  const after = run.userId === null ? null : await engine.store.person(run.userId);
  const isRead = after !== null && !planPerson(after, engine.rules(), engine.clock.now()).needsReading;
  if (members?.kind === 'applied' && isRead) return 'again';
  return postpone(run, 'the members could not be read', null, engine);
}

/** One address at a time, whoever asks: a tombstone and its successor may share one. */
function lockKey(change: Change, person: Person | null): string {
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

/** A call that has gone out: what it was, and its durable row. */
interface Sent {
  readonly view: View;
  readonly planned: PlannedChange;
  readonly row: LedgerRow;
  readonly startedAt: number;
  readonly begun: number;
}

/** Thrown inside the limiter when its turn has come and nothing is to be sent any more. */
const NOT_WANTED = new Error('the call is not wanted any more');

/** Sends the first change of the plan, once the limiter lets it, if it is still the first then. */
async function send(run: Run, view: View, planned: PlannedChange, engine: Engine): Promise<RunEnd | 'again'> {
  const { entry } = run;
  // Held by reference: the limiter rejects with what the call rejects with, and needs to see it.
  const out: { sent: Sent | null } = { sent: null };
  const priority = entry.priority === 0 ? PRIORITY.interactive : PRIORITY.background;
  try {
    const call = async (): Promise<Answer<null>> => {
      const sent = await commit(run, planned, engine);
      if (sent === null) throw NOT_WANTED;
      out.sent = sent;
      const gateway = engine.gateway(priority, tagOf(sent));
      return applyChange(gateway, sent.planned.change, (id) => emailOf(id, sent.view.person));
    };
    // A 500 to a revocation only says that there is no such invite.
    const countsForBreaker = planned.change.kind !== 'revokeInvite';
    const { status, requestId } = await engine.limiter.run(call, { priority, countsForBreaker });
    if (out.sent === null) throw new Error('the limiter answered without a call');
    const { row } = out.sent;
    const result = measure(out.sent, status, requestId, engine);
    const found = row.attempts === 1 && (await wasShared(planned.change, engine));
    await finish(row, { kind: 'done', call: result, found }, null, engine);
    run.touched = true;
    engine.log.info({ subject: entry.subject, change: planned.change.kind, cause: entry.cause }, 'done upstream');
    engine.onDone(planned.change, out.sent.view.person);
    return 'again';
  } catch (error) {
    if (error === NOT_WANTED) return 'again';
    if (!isGatewayError(error)) throw error;
    return out.sent === null ? notStarted(run, view, error, engine) : judge(run, out.sent, error, engine);
  }
}

/** The answer to a share says nothing of what was there before. */
async function wasShared(change: Change, engine: Engine): Promise<boolean> {
  if (change.kind !== 'share') return false;
  try {
    return await engine.resources.wasSoBefore(change.resource, change.principal);
  } catch (error) {
    engine.log.error({ err: error }, 'what was shared before could not be found out; it counts as given');
    return false;
  }
}

/**
 * Plans once more, and writes `sending` to the disk: from here on a crash leaves a trace. Null: the
 * call that was asked for is not the next one any more.
 */
async function commit(run: Run, asked: PlannedChange, engine: Engine): Promise<Sent | null> {
  const { entry } = run;
  if (engine.isStopping()) return null;
  const view = await look(run, engine);
  const replaces = asked === run.replacement;
  const planned = replaces ? asked : view?.sorted.send[0];
  if (view === null || planned === undefined || changeKey(planned.change) !== changeKey(asked.change)) return null;
  if (isGrant(planned.change) && planned.attribute !== 'groups') noteGrants(run, view);
  const plan = toRecord(view);
  const row = await engine.store.record(entry.subject, {
    ...plan,
    changes: replaces ? [planned, ...plan.changes] : plan.changes,
    send: planned,
    cause: entry.cause,
  });
  engine.guards.tell(entry.subject, view.sorted, view.person);
  if (row === null) throw new Error(`the ledger gave no row for ${changeKey(planned.change)}`);
  return { view, planned, row, startedAt: engine.clock.now(), begun: engine.clock.monotonic() };
}

/** What the log and the metrics are told of a call. */
function tagOf({ row, planned, view }: Sent): CallTag {
  const { change } = planned;
  const address = 'address' in change ? change.address : (view.person?.address ?? null);
  return {
    ledgerId: row.id,
    subject: row.subject,
    ...(row.cause !== null && { requestId: row.cause }),
    ...(address !== null && { address }),
  };
}

function measure(sent: Sent, status: number | null, requestId: string | null, engine: Engine): CallResult {
  return { startedAt: sent.startedAt, latencyMs: engine.clock.monotonic() - sent.begun, status, requestId };
}

/** The limiter did not let the call out: nothing was sent, and the plan is there to be seen. */
async function notStarted(run: Run, view: View, error: GatewayError, engine: Engine): Promise<RunEnd> {
  await record(run, view, engine);
  return postpone(run, error.message, error.retryAfterMs, engine);
}

async function judge(run: Run, sent: Sent, error: GatewayError, engine: Engine): Promise<RunEnd | 'again'> {
  const { view, planned, row } = sent;
  const result = measure(sent, error.status, error.requestId, engine);
  const call: CallFailure = { ...result, code: error.hint ?? error.code, error: error.message };
  const verdict = await judgeFailure(
    { change: planned.change, error, attempts: row.attempts, person: view.person, replaced: run.replaced },
    engine,
  );
  return conclude({ run, view, planned, row, call, error }, verdict, engine);
}

interface Failure {
  readonly run: Run;
  readonly view: View;
  readonly planned: PlannedChange;
  readonly row: LedgerRow;
  readonly call: CallFailure;
  readonly error: GatewayError;
  /** Nothing was sent: it was known that it would be refused. */
  readonly foreseen?: boolean;
}

/** Writes down what the verdict says, and goes on or puts the rest off. */
async function conclude(failure: Failure, verdict: Verdict, engine: Engine): Promise<RunEnd | 'again'> {
  const { run, view, planned, row, call, error } = failure;
  const facts = {
    subject: run.entry.subject,
    change: planned.change.kind,
    status: error.status,
    reason: error.message,
  };
  engine.log.info({ ...facts, cause: run.entry.cause, verdict: verdict.kind }, 'an upstream call failed');
  switch (verdict.kind) {
    case 'done':
      run.touched = true;
      await finish(row, { kind: 'done', call, found: row.attempts === 1 }, null, engine);
      engine.onDone(planned.change, view.person);
      return 'again';
    case 'transient':
      await finish(row, { kind: 'transient', call }, null, engine);
      return verdict.again ? 'again' : postpone(run, error.message, error.retryAfterMs, engine);
    case 'ambiguous':
      run.touched = true;
      await finish(row, { kind: 'ambiguous', call }, null, engine);
      engine.onDone(planned.change, view.person);
      engine.onAmbiguous(planned.change, view.person);
      // A second call follows at most once, after a reading, and not at once.
      return postpone(run, error.message, error.retryAfterMs, engine);
    case 'replaceInvite':
      run.replaced.add(verdict.address);
      await finish(row, { kind: 'refused', call, retryAt: engine.clock.now() }, null, engine);
      return replaceInvite(failure, verdict.address, engine);
    case 'refused':
      return refuse(failure, engine);
  }
}

async function refuse(failure: Failure, engine: Engine): Promise<'again'> {
  const { run, view, planned, row, call, error } = failure;
  const words = wordsFor(planned, view.person);
  const text = remedyFor(error, planned.change, words);
  const revert = revertOf(failure, engine);
  // A write that came while the call was out is a new reason to ask.
  const current = run.userId === null ? null : await engine.store.person(run.userId);
  const isNewer = current !== null && current.version > run.version;
  const retryAt = engine.clock.now() + (isNewer ? 0 : REFUSAL_MS);
  const foreseen = failure.foreseen === true;
  const outcome: Outcome = { kind: 'refused', call: { ...call, error: text }, retryAt, foreseen };
  const { reverted } = await finish(row, outcome, revert, engine);
  if (reverted && revert !== null)
    engine.waiters.answer(revert.userId, revert.version, { kind: 'refused', error: invalidValue(text) });
  engine.log.warn({ subject: run.entry.subject, reverted, what: describeChange(planned.change) }, 'refused for good');
  return 'again';
}

/**
 * Design section 3: a write can fail after the commit only while its request still waits, and only
 * if the refused call was its single effective grant and nothing of it has been done.
 */
function revertOf({ run, planned }: Failure, engine: Engine): Revert | null {
  const { userId, version } = run;
  const isAlone = run.grants.size === 1 && run.grants.has(changeKey(planned.change));
  if (userId === null || run.touched || !isAlone || planned.attribute === 'groups') return null;
  if (!engine.waiters.isLive(userId, version)) return null;
  return { userId, version, attribute: planned.attribute };
}

function noteGrants(run: Run, { sorted }: View): void {
  for (const { change, attribute } of sorted.send)
    if (isGrant(change) && attribute !== 'groups') run.grants.add(changeKey(change));
}

/** Revokes an invite that the bridge did not send; the next step sends ours. */
async function replaceInvite({ run, view }: Failure, address: Address, engine: Engine): Promise<RunEnd | 'again'> {
  const planned: PlannedChange = {
    change: { kind: 'revokeInvite', address },
    why: 'an invite that the bridge did not send is in the way',
    attribute: 'active',
  };
  run.replacement = planned;
  return send(run, view, planned, engine);
}

async function postpone(run: Run, reason: string, retryAfterMs: number | null, engine: Engine): Promise<RunEnd> {
  const { entry } = run;
  const delay = Math.max(engine.retryDelay(entry.attempts), retryAfterMs ?? 0);
  await engine.store.postpone(entry, engine.clock.now() + delay, reason);
  return 'postponed';
}

/** Writing down what has happened must not fail: until it is on disk, it is tried again. */
async function finish(row: LedgerRow, outcome: Outcome, revert: Revert | null, engine: Engine) {
  for (let attempts = 0; ; attempts++) {
    try {
      return await engine.store.finish(row.id, outcome, revert);
    } catch (error) {
      if (engine.isStopping() || attempts >= 20) throw error;
      engine.log.error({ err: error, ledger: row.id }, 'the outcome of a call could not be stored; trying again');
      await new Promise<void>((resolve) => engine.clock.after(engine.retryDelay(attempts), resolve));
    }
  }
}

function toRecord({ person, planned, sorted }: View) {
  const { send, waiting, held, notes } = sorted;
  const drift = person === null ? {} : { drift: driftOf(person, planned, person.isConverged) };
  return { changes: [...send, ...waiting], held, notes, ...drift };
}

function emailOf(memberId: MemberId, person: Person | null): string {
  const member = person && memberOf(person, memberId);
  if (!member) throw new Error(`a change names member ${memberId}, who is not this user's`);
  return member.email;
}

function wordsFor({ change, attribute, why }: PlannedChange, person: Person | null): RefusalWords {
  if (isShareChange(change)) {
    const value = change.kind === 'share' && attribute === 'entitlements' ? entitlementOf(change) : undefined;
    return {
      ...(attribute === 'entitlements' ? { attribute } : {}),
      ...(value === undefined ? {} : { value }),
      ...(person === null ? {} : { person: person.address ?? person.userName }),
    };
  }
  const group = 'groupId' in change ? person?.groups.get(change.groupId) : undefined;
  const value = attribute === 'active' ? 'true' : /"(.+)"/u.exec(person?.seat?.rule ?? why)?.[1];
  return {
    attribute,
    ...(person === null ? {} : { person: person.address ?? person.userName }),
    ...(group === undefined ? {} : { group }),
    ...(attribute === 'seatType' && change.kind === 'setSeat'
      ? { value: change.seatType }
      : value === undefined
        ? {}
        : { value }),
  };
}
