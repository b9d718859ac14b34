/**
 * One call that invites many: those who wait for company (company.ts), each with a ledger row and an
 * invite of its own. There is no answer per address, so what the call says is said of each: yes,
 * refused (then each is asked for alone), or unclear (then each is ambiguous by itself).
 */
import type { PlannedChange } from '../domain/plan.js';
import type { PlannedInvite } from '../domain/policies/company.js';
import type { Address, UserId } from '../domain/types.js';
import { UPSTREAM_CALLS } from '../domain/upstream-calls.js';
import { isGatewayError, type Answer, type GatewayError } from '../elevenlabs/port.js';
import type { CallFailure, CallResult } from '../store/port.js';
import { MOST_TOGETHER } from './company.js';
import type { Engine } from './engine.js';
import { finish, postpone, type RunEnd } from './let-go.js';
import { PRIORITY } from './limiter.js';
import { afterBug, commit, notStarted, NOT_WANTED, send, type Sent } from './send.js';
import { newRun, type Run, type View } from './view.js';

interface Invitee {
  readonly run: Run;
  readonly planned: PlannedInvite;
}

/** The call as it went out. */
interface Out {
  readonly sent: { readonly invitee: Invitee; readonly sent: Sent }[];
  startedAt: number;
  begun: number;
}

/** Whether this is an invite that nobody waits for, and that may go with others. */
export function goesTogether(run: Run, view: View, planned: PlannedChange, engine: Engine): planned is PlannedInvite {
  if (planned.change.kind !== 'invite' || view.person === null || !run.mayWait) return false;
  return engine.company.isWelcome({ ...planned, change: planned.change }, view.person);
}

/** Sends the invite together with all who wait for the same; alone if there is nobody. */
export async function sendTogether(
  run: Run,
  view: View,
  planned: PlannedInvite,
  engine: Engine,
): Promise<RunEnd | 'again'> {
  const { company, locks } = engine;
  const { change } = planned;
  // Whoever comes while such a call is under way waits for the next one.
  if (run.userId === null || !company.lead(change, run.userId)) return 'again';
  run.mayWait = false;
  try {
    const others = await gather(run, planned, engine);
    const all: readonly Invitee[] = [{ run, planned }, ...others];
    // In one order for everybody, so that two such calls never wait for each other.
    const addresses = all.map((one) => one.planned.change.address).sort();
    try {
      return await locks.holdAll(addresses, () =>
        others.length === 0 ? send(run, view, planned, engine) : sendAll({ run, view, planned }, all, engine),
      );
    } finally {
      engine.release(others.map((other) => other.run.entry.subject));
    }
  } finally {
    company.leave(change, [run.userId]);
    company.endLead(change);
  }
}

/** Others who wait for the same, taken out of reach of the dispatcher. */
async function gather({ entry }: Run, { change }: PlannedInvite, engine: Engine): Promise<readonly Invitee[]> {
  const { seatType, usageLimit } = change;
  const waiting = await engine.store.waitingInvites({ seatType, usageLimit, limit: MOST_TOGETHER });
  const others = waiting.filter(({ entry: { subject } }) => subject !== entry.subject).slice(0, MOST_TOGETHER - 1);
  const claimed = engine.claim(others.map(({ entry: { subject } }) => subject));
  return others.filter(({ entry: { subject } }) => claimed.has(subject)).map((one) => toInvitee(one, engine));
}

type Waiting = Awaited<ReturnType<Engine['store']['waitingInvites']>>[number];

function toInvitee({ entry, change, why }: Waiting, engine: Engine): Invitee {
  return { run: { ...newRun(entry, engine), mayWait: false }, planned: { change, why, attribute: 'active' } };
}

async function sendAll(
  leader: { readonly run: Run; readonly view: View; readonly planned: PlannedInvite },
  all: readonly Invitee[],
  engine: Engine,
): Promise<RunEnd | 'again'> {
  const out: Out = { sent: [], startedAt: 0, begun: 0 };
  const { run, view, planned } = leader;
  try {
    const answer = await engine.limiter.run(() => callForAll(planned, all, out, engine), {
      priority: PRIORITY.background,
    });
    await allInvited(out, resultOf(out, answer, engine), engine);
    return 'again';
  } catch (error) {
    if (error === NOT_WANTED) return 'again';
    if (isGatewayError(error) && out.sent.length === 0) return notStarted(run, view, error, engine);
    if (isGatewayError(error)) return allFailed(run, out, error, engine);
    for (const { sent } of out.sent) await afterBug(sent, engine);
    throw error;
  }
}

/** Inside the limiter: plans each once more, writes `sending` for each to the disk, and calls. */
async function callForAll(
  { change }: PlannedInvite,
  all: readonly Invitee[],
  out: Out,
  engine: Engine,
): Promise<Answer<null>> {
  for (const invitee of all) {
    const sent = await commit(invitee.run, invitee.planned, engine);
    if (sent !== null) out.sent.push({ invitee, sent });
  }
  if (out.sent.length === 0) throw NOT_WANTED;
  engine.company.leave(change, userIdsOf(out));
  out.startedAt = engine.clock.now();
  out.begun = engine.clock.monotonic();
  const [first] = out.sent;
  const tag = { ...(first !== undefined && { ledgerId: first.sent.row.id }) };
  const gateway = engine.gateway(PRIORITY.background, tag);
  return gateway.inviteMany({
    emails: addressesOf(out),
    seatType: change.seatType,
    usageLimit: change.usageLimit,
  });
}

const addressesOf = ({ sent }: Out): readonly Address[] => sent.map(({ invitee }) => invitee.planned.change.address);
const userIdsOf = ({ sent }: Out): readonly UserId[] => sent.flatMap(({ invitee }) => invitee.run.userId ?? []);

function resultOf(
  { startedAt, begun }: Out,
  { status, requestId }: Pick<CallResult, 'status' | 'requestId'>,
  engine: Engine,
): CallResult {
  const latencyMs = engine.clock.monotonic() - begun;
  return { startedAt, latencyMs, status, requestId, endpoint: UPSTREAM_CALLS.inviteMany };
}

async function allInvited(out: Out, call: CallResult, engine: Engine): Promise<void> {
  for (const { invitee, sent } of out.sent) {
    await finish(sent.row, { kind: 'done', call }, null, engine);
    invitee.run.touched = true;
    engine.onDone(invitee.planned.change, sent.row.subject);
  }
  engine.log.info({ people: out.sent.length, requestId: call.requestId }, 'invited in one call');
}

async function allFailed(leader: Run, out: Out, error: GatewayError, engine: Engine): Promise<RunEnd | 'again'> {
  const failure = { code: error.hint ?? error.code, error: error.message };
  const call: CallFailure = { ...resultOf(out, error, engine), ...failure };
  const facts = { people: out.sent.length, status: error.status, reason: error.message };
  engine.log.info({ ...facts, outcome: error.kind, maybeApplied: error.maybeApplied }, 'a call for many failed');
  switch (error.kind) {
    case 'transient':
      return error.maybeApplied
        ? allAmbiguous(leader, out, call, error, engine)
        : allLater(leader, out, call, error, engine);
    case 'keyRejected':
      engine.onKeyRejected(error);
      return allLater(leader, out, call, error, engine);
    case 'refused':
    case 'alreadySo':
    case 'scopeMissing':
      return allAlone(out, call, error, engine);
  }
}

/** Nothing was applied: the same again, later. */
async function allLater(
  leader: Run,
  out: Out,
  call: CallFailure,
  error: GatewayError,
  engine: Engine,
): Promise<RunEnd> {
  for (const { invitee, sent } of out.sent) {
    await finish(sent.row, { kind: 'transient', call }, null, engine);
    if (invitee.run !== leader) await postpone(invitee.run, error.message, error.retryAfterMs, engine);
  }
  return postpone(leader, error.message, error.retryAfterMs, engine);
}

/** Nobody can tell who got an e-mail: members are read, then each is asked for once more, alone. */
async function allAmbiguous(
  leader: Run,
  out: Out,
  call: CallFailure,
  error: GatewayError,
  engine: Engine,
): Promise<RunEnd> {
  for (const { invitee, sent } of out.sent) {
    const { run, planned } = invitee;
    run.touched = true;
    await finish(sent.row, { kind: 'ambiguous', call }, null, engine);
    engine.onDone(planned.change, run.entry.subject);
    engine.onAmbiguous(planned.change, sent.view.person);
    if (run !== leader) await postpone(run, error.message, error.retryAfterMs, engine);
  }
  return postpone(leader, error.message, error.retryAfterMs, engine);
}

/** All were refused, perhaps because of one: single calls tell who is meant. */
async function allAlone(out: Out, call: CallFailure, error: GatewayError, engine: Engine): Promise<'again'> {
  const { company, log } = engine;
  company.disperse(addressesOf(out));
  if (concernsAnyCall(error)) {
    company.close();
    log.warn({ reason: error.message }, 'ElevenLabs takes no invites for many at once; they go one by one');
  }
  for (const { sent } of out.sent) await finish(sent.row, { kind: 'transient', call }, null, engine);
  return 'again';
}

/** The workspace has no verified domain, its plan lacks the call, or there is none: no matter for whom. */
function concernsAnyCall({ kind, hint, status }: GatewayError): boolean {
  if (kind === 'scopeMissing' || hint === 'featureNotAvailable' || hint === 'domainNotVerified') return true;
  return status === 404 || status === 405 || status === 501;
}
