/**
 * One call: planned once more when the limiter lets it out, `sending` on the disk before it goes,
 * and its outcome written down whatever it is.
 */
import { memberOf } from '../domain/effect.js';
import type { Person } from '../domain/person.js';
import type { PlannedChange } from '../domain/plan.js';
import { changeKey, isGrant, isWithdrawal, type Address, type Change, type MemberId } from '../domain/types.js';
import { isTry } from '../domain/unlisted.js';
import { isGatewayError, type Answer, type GatewayError } from '../elevenlabs/port.js';
import type { CallFailure, CallResult, LedgerRow, Outcome } from '../store/port.js';
import { applyChange } from './apply.js';
import type { Engine } from './engine.js';
import { judgeFailure, type Verdict } from './judge.js';
import { finish, postpone, type RunEnd } from './let-go.js';
import type { CallTag } from './limited-gateway.js';
import { CIRCUIT_OPEN, PRIORITY } from './limiter.js';
import { prepareShare, type ShareChange } from './prepare-share.js';
import { refuse, type Failure } from './refuse.js';
import { look, record, toRecord, type Run, type View } from './view.js';

/** A call that has gone out: what it was, and its durable row. */
export interface Sent {
  readonly view: View;
  readonly planned: PlannedChange;
  readonly row: LedgerRow;
  readonly startedAt: number;
  readonly begun: number;
}

/** Thrown inside the limiter when its turn has come and nothing is to be sent any more. */
export const NOT_WANTED = new Error('the call is not wanted any more');

/** More than so often in a row, and plan and store do not agree. */
const NOT_ALLOWED_TIMES = 10;

/** Sends the first change of the plan, once the limiter lets it, if it is still the first then. */
export async function send(run: Run, view: View, planned: PlannedChange, engine: Engine): Promise<RunEnd | 'again'> {
  const { entry } = run;
  // Held by reference: the limiter rejects with what the call rejects with, and needs to see it.
  const out: { sent: Sent | null } = { sent: null };
  const priority = priorityOf(run, planned.change);
  try {
    const call = async (): Promise<Answer<null>> => {
      const sent = await commit(run, planned, engine);
      if (sent === null) throw NOT_WANTED;
      out.sent = sent;
      const gateway = engine.gateway(priority, tagOf(sent));
      return applyChange(gateway, sent.planned.change, (id) => emailOf(id, sent.view.person));
    };
    // A 500 to a revocation only says that there is no such invite; to a try, that there is no such member.
    const countsForBreaker = planned.change.kind !== 'revokeInvite' && !isTry(planned.change, view.person);
    const { status, requestId } = await engine.limiter.run(call, { priority, countsForBreaker });
    if (out.sent === null) throw new Error('the limiter answered without a call');
    const { row } = out.sent;
    const result = measure(out.sent, status, requestId, engine);
    const found = row.attempts === 1 && (await wasShared(planned.change, engine));
    await finish(row, { kind: 'done', call: result, found }, null, engine);
    run.touched = true;
    engine.log.info({ subject: entry.subject, change: planned.change.kind, cause: entry.cause }, 'done upstream');
    engine.onDone(planned.change, run.entry.subject);
    if (planned.change.kind === 'invite') engine.company.forgive(planned.change.address);
    return 'again';
  } catch (error) {
    if (error === NOT_WANTED) return 'again';
    if (isGatewayError(error))
      return out.sent === null ? notStarted(run, view, error, engine) : judge(run, out.sent, error, engine);
    if (out.sent !== null) await afterBug(out.sent, engine);
    throw error;
  }
}

function priorityOf({ entry }: Run, change: Change): number {
  if (isWithdrawal(change)) return PRIORITY.withdrawal;
  return entry.priority === 0 ? PRIORITY.interactive : PRIORITY.background;
}

/** The resource is read first; what is known to be refused is not sent. */
export async function sendShare(
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
export async function commit(run: Run, asked: PlannedChange, engine: Engine): Promise<Sent | null> {
  const { entry } = run;
  if (engine.isStopping()) return null;
  const view = await look(run, engine);
  const replaces = asked === run.replacement;
  const planned = replaces ? asked : view?.sorted.send[0];
  if (view === null || planned === undefined || !isSameCall(planned.change, asked.change)) return null;
  if (isGrant(planned.change) && planned.attribute !== 'groups') noteGrants(run, view);
  const plan = toRecord(view);
  const row = await engine.store.record(entry.subject, {
    ...plan,
    changes: replaces ? [planned, ...plan.changes] : plan.changes,
    send: planned,
    uses: engine.guards.usesOf(planned, view.about),
    cause: entry.cause,
  });
  engine.guards.tell(entry.subject, view.sorted, view.person);
  run.seatsFreed = engine.seatsFreed();
  if (row === null) {
    // Somebody else took the last place meanwhile: the next plan knows.
    if (++run.notAllowed > NOT_ALLOWED_TIMES)
      throw new Error(`no place for ${changeKey(planned.change)}, and no policy sees it`);
    return null;
  }
  run.notAllowed = 0;
  return { view, planned, row, startedAt: engine.clock.now(), begun: engine.clock.monotonic() };
}

function isSameCall(a: Change, b: Change): boolean {
  const isSameLimit = a.kind !== 'invite' || b.kind !== 'invite' || a.usageLimit === b.usageLimit;
  return changeKey(a) === changeKey(b) && isSameLimit;
}

/** Nobody knows how the call went, and a row that says `sending` for ever would block the person. */
export async function afterBug(sent: Sent, engine: Engine): Promise<void> {
  const { planned, row } = sent;
  const call = { ...measure(sent, null, null, engine), code: null, error: 'internal error' };
  const outcome: Outcome =
    planned.change.kind === 'invite' ? { kind: 'ambiguous', call } : { kind: 'transient', call, isUnsure: true };
  try {
    await engine.store.finish(row.id, outcome, null);
  } catch (error) {
    engine.log.error(
      { err: error, ledger: row.id },
      'the outcome of a call could not be stored; the next start does it',
    );
  }
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
export async function notStarted(run: Run, view: View, error: GatewayError, engine: Engine): Promise<RunEnd> {
  await record(run, view, engine);
  if (error.code === CIRCUIT_OPEN) engine.onBlocked();
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
      if (planned.change.kind === 'revokeInvite') run.isRevokedInTheDark = true;
      await finish(row, { kind: 'done', call, found: row.attempts === 1 }, null, engine);
      engine.onDone(planned.change, run.entry.subject);
      return 'again';
    case 'notYet':
      await finish(row, { kind: 'transient', call: { ...call, code: 'notYet', error: NOT_YET } }, null, engine);
      await engine.store.settle(run.entry, view.nextAt === null ? null : { dueAt: view.nextAt });
      return 'settled';
    case 'transient':
      await finish(row, { kind: 'transient', call, isUnsure: error.maybeApplied }, null, engine);
      return verdict.again ? 'again' : postpone(run, error.message, error.retryAfterMs, engine);
    case 'ambiguous':
      run.touched = true;
      await finish(row, { kind: 'ambiguous', call }, null, engine);
      engine.onDone(planned.change, run.entry.subject);
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

const NOT_YET =
  'No member of this address yet. The API key may not list members, so it is tried again at the next poll.';

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

function emailOf(memberId: MemberId, person: Person | null): string {
  const member = person && memberOf(person, memberId);
  if (!member) throw new Error(`a change names member ${memberId}, who is not this user's`);
  return member.email;
}
