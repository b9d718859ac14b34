/**
 * The engine: takes subjects from the agenda, makes the workspace match, and reads the workspace
 * on its schedule. docs/adr/0001-agenda-per-person.md says why work is queued per person.
 *
 * Invariants:
 * - One run per subject, and one call per address, at a time.
 * - No call changes anything upstream before the key was seen to belong to the pinned workspace.
 * - Nothing is accepted that cannot be compared with the workspace: writes wait for the first reading.
 */
import type { Alerts } from '../alerts.js';
import type { Clock } from '../clock.js';
import type { Person } from '../domain/person.js';
import type { DryRunReason } from '../domain/policies/dry-run.js';
import type { PeopleLimit } from '../domain/policies/people-limit.js';
import type { Provisioning, SettleOutcome } from '../domain/provisioning.js';
import type { Rules } from '../domain/rules.js';
import { changeKey, isGrant, isWithdrawal, type Change, type UserId } from '../domain/types.js';
import { unclearInWords, unclearWaitMs } from '../domain/unclear-invites.js';
import type { WorkspaceGateway } from '../elevenlabs/port.js';
import { unavailable } from '../errors.js';
import type { Log } from '../log.js';
import type { LedgerRow, Store, Subject } from '../store/port.js';
import { Company } from './company.js';
import { Connection, type Phase } from './connection.js';
import { Dispatcher } from './dispatcher.js';
import type { Engine } from './engine.js';
import { retryForFreedSeats } from './freed-seats.js';
import { Guards } from './guards.js';
import { rememberOwner } from './identity.js';
import { deferred, KeyedLocks } from './keyed-locks.js';
import { createLimitedGateway, type LimitedGatewayOptions, type UpstreamCall } from './limited-gateway.js';
import { PRIORITY, type Limiter } from './limiter.js';
import { reportFailingWithdrawals, reportOverdueLocks } from './overdue-withdrawals.js';
import { VERIFY, type Part, type ReadResult } from './read-workspace.js';
import { FULL, Readings, type ReadingsState } from './readings.js';
import { aboutRejection, rejectionInWords, retryRejectedWithdrawals } from './rejected-withdrawals.js';
import { ResourceReadings } from './resource-readings.js';
import { runSubject } from './run.js';
import { TRY } from './view.js';
import { Waiters } from './waiters.js';

export interface ReconcilerOptions {
  readonly store: Store;
  readonly gateway: WorkspaceGateway;
  /** The one gate for all calls to the workspace. */
  readonly limiter: Limiter;
  /** Told of every call that was really made. */
  readonly observe: (call: UpstreamCall) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly alerts: Alerts;
  readonly rules: () => Rules;
  /** Subjects worked on at once; as many again if a request waits for them. */
  readonly concurrency: number;
  readonly provisionWaitMs: number;
  readonly syncIntervalMs: number;
  readonly pendingPollMs: number;
  readonly dryRun: boolean;
  readonly deprovisionLimit: PeopleLimit;
  readonly inviteLimit: PeopleLimit;
  /** What the database is pinned to instead of the workspace's own id (`sandbox`); null = that id. */
  readonly workspaceName: string | null;
  /** Jittered milliseconds after so many consecutive failures. */
  readonly retryDelay: (attempts: number) => number;
  /** The key is of another workspace than the database: nothing may be done with the two. */
  readonly onOtherWorkspace: (pinned: string, found: string) => void;
}

export interface ReconcilerState {
  readonly phase: Phase;
  /** The workspace was read, now or in an earlier life of this database. */
  readonly hasReading: boolean;
  readonly inWork: number;
  readonly error: string | null;
  readonly readings: ReadingsState;
  /** Why nothing is sent; null = everything is. */
  readonly dryRun: DryRunReason | null;
}

const FIRST_READING_WAIT_MS = 10_000;
/** Bounded: what is still out then is found as `sending` by the next start. */
const DRAIN_MS = 6_000;
const MINUTE_MS = 60_000;
const REFUSED_PAGE = 500;

export class Reconciler implements Provisioning {
  readonly #options: ReconcilerOptions;
  readonly #connection: Connection;
  readonly #dispatcher: Dispatcher;
  readonly #readings: Readings;
  readonly #resources: ResourceReadings;
  readonly #locks = new KeyedLocks();
  readonly #waiters: Waiters;
  readonly #guards: Guards;
  readonly #company: Company;
  readonly #reader: WorkspaceGateway;
  readonly #firstReading = deferred();
  #sharesRead: Promise<void> = Promise.resolve();
  #hasReading = false;
  #seatsFreed = 0;
  /** Withdrawals wait because the workspace fails. */
  #isBlocked = false;
  #cancelTick: () => void = () => undefined;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    const { store, clock, log, rules, retryDelay, concurrency } = options;
    this.#reader = createLimitedGateway(this.#observed()).withPriority(PRIORITY.reading);
    this.#waiters = new Waiters(clock);
    this.#company = new Company(options);
    this.#guards = new Guards({ ...options, company: this.#company.policy });
    this.#readings = new Readings({
      ...{ store, clock, log, retryDelay },
      gateway: this.#reader,
      syncIntervalMs: options.syncIntervalMs,
      pendingPollMs: options.pendingPollMs,
      groupAliases: () => rules().groupAliases,
      onResult: (result, cause) => this.#onReading(result, cause),
    });
    this.#resources = new ResourceReadings({
      ...{ store, clock, log, locks: this.#locks, reader: this.#reader },
      onKeyRejected: (error) => this.#connection.keyRejected(error),
    });
    this.#connection = new Connection({
      ...{ store, clock, log, retryDelay },
      gateway: this.#reader,
      workspaceName: options.workspaceName,
      onVerified: (keyUser) => this.#firstRead(keyUser),
      onRejected: (reason) => this.#onKeyRejected(reason),
      onServing: () => {
        options.alerts.clear('keyRejected');
        this.#readings.start();
        this.poke();
      },
      onLost: () => this.#onKeyLost(),
      onOtherWorkspace: options.onOtherWorkspace,
    });
    const engine = this.#createEngine();
    this.#dispatcher = new Dispatcher({
      ...{ store, clock, log, retryDelay, concurrency },
      isOpen: () => this.#isServing() && this.#hasReading,
      run: (entry) => runSubject(entry, engine),
      onRunEnd: () => this.#waiters.runEnded(),
    });
  }

  #createEngine(): Engine {
    const { store, clock, log, rules, retryDelay, limiter } = this.#options;
    // Changes pass the limiter together with their plan (run.ts), so not a second time here.
    const inside = createLimitedGateway({ ...this.#observed(), limiter: { ...limiter, run: (call) => call() } });
    return {
      ...{ store, clock, log, rules, retryDelay, limiter },
      gateway: (priority, tag) => inside.withPriority(priority, tag),
      reader: this.#reader,
      readings: this.#readings,
      resources: this.#resources,
      waiters: this.#waiters,
      locks: this.#locks,
      guards: this.#guards,
      company: this.#company,
      claim: (subjects) => this.#dispatcher.claim(subjects),
      release: (subjects) => this.#dispatcher.release(subjects),
      nobodyWaits: this.#options.provisionWaitMs <= 0,
      isStopping: () => !this.#isServing(),
      seatsFreed: () => this.#seatsFreed,
      onKeyRejected: (error) => this.#connection.keyRejected(error),
      onDone: (change, subject) => this.#onDone(change, subject),
      onRejectedWithdrawal: (row, what, why) => this.#onRejectedWithdrawal(row, what, why),
      onBlocked: () => (this.#isBlocked = true),
      onAmbiguous: (change, person) => this.#onAmbiguous(change, person),
    };
  }

  get state(): ReconcilerState {
    return {
      phase: this.#connection.phase,
      hasReading: this.#hasReading,
      inWork: this.#dispatcher.size,
      error: this.#connection.error,
      readings: this.#readings.state,
      dryRun: this.#guards.dryRunReason,
    };
  }

  /** Takes up what a dead process left, and begins. Resolves before the workspace was asked anything. */
  async start(): Promise<void> {
    const { store, log } = this.#options;
    const recovered = await store.recover();
    if (recovered.ambiguous + recovered.replanned > 0) log.warn(recovered, 'calls of a dead process were in flight');
    await this.#guards.refresh();
    if ((await store.membersReadAt()) !== null) this.#open();
    this.#tick(true);
    this.#connection.start();
  }

  /** Takes no new work, waits a bounded time for calls in flight, and leaves the rest on the agenda. */
  async stop(): Promise<void> {
    const connection = this.#connection.stop();
    this.#cancelTick();
    this.#waiters.endAll();
    this.#firstReading.resolve();
    const deadline = deferred();
    const cancel = this.#options.clock.after(DRAIN_MS, deadline.resolve);
    const parts = [connection, this.#readings.stop(), this.#resources.stop(), this.#dispatcher.stop()];
    await Promise.race([Promise.all(parts), deadline.promise]);
    cancel();
  }

  /** The policies over another store, as they would judge now; see Guards.fork. */
  forkGuards(parts: Parameters<Guards['fork']>[0]): Guards {
    return this.#guards.fork(parts);
  }

  poke(): void {
    this.#dispatcher.poke();
  }

  /** Another process has written to the database: what is known of it by heart is read anew. */
  async databaseChanged(): Promise<void> {
    await this.#guards.refresh();
    this.poke();
  }

  /** Reads the whole workspace now, and the resources under management (page, CLI, tests). */
  async syncNow(cause: string): Promise<ReadResult> {
    const result = await this.#readings.read(FULL, cause);
    await this.#sharesRead;
    return result;
  }

  /** The mapping file was read anew: whoever is on the agenda for it is planned, and groups are looked for. */
  async rulesChanged(): Promise<void> {
    await this.#options.store.scheduleShares('mapping file');
    this.poke();
    if (this.#isServing()) await this.syncNow('mapping file');
  }

  /** An administrator's word that the workspace has really become so small. */
  acceptSmallerWorkspace(): Promise<ReadResult> {
    this.#readings.acceptSmaller();
    return this.syncNow('administrator');
  }

  /** An administrator's word: what was refused for this subject (null = for anybody) is tried again. */
  async retryRefused(subject: Subject | null): Promise<number> {
    const { store } = this.#options;
    const query = { states: ['refused'], limit: REFUSED_PAGE, ...(subject === null ? {} : { subject }) } as const;
    // What an administrator dropped comes back only by the IdP, or where it is named.
    const isMeant = ({ retryAt, errorCode }: LedgerRow): boolean =>
      retryAt !== null && (subject !== null || errorCode !== 'dropped');
    const ids = (await store.ledger(query)).filter(isMeant).map(({ id }) => id);
    if (ids.length > 0) await store.retryRefused(ids, 'administrator');
    this.poke();
    return ids.length;
  }

  async settle(userId: UserId, version: number): Promise<SettleOutcome> {
    const { provisionWaitMs, store } = this.#options;
    if (provisionWaitMs <= 0 || !this.#isServing()) {
      this.poke();
      return { kind: 'notAwaited' };
    }
    // Registered before anything is awaited: from here on a refusal can undo the write.
    const outcome = this.#waiters.wait(userId, version, provisionWaitMs);
    this.poke();
    const subject = `user:${userId}`;
    const { due, postponed } = await store.progress({ subject });
    if (due === 0 && !this.#dispatcher.isInWork(subject))
      this.#waiters.answer(userId, version, { kind: postponed > 0 ? 'pending' : 'settled' });
    return outcome;
  }

  async settleGroup(requestId: string): Promise<'settled' | 'pending'> {
    const { provisionWaitMs, store } = this.#options;
    this.poke();
    if (provisionWaitMs <= 0 || !this.#isServing()) return 'pending';
    const isDone = async (): Promise<'settled' | 'pending' | null> => {
      const { due, postponed } = await store.progress({ cause: requestId });
      if (due > 0 && this.#isServing()) return null;
      return due + postponed > 0 ? 'pending' : 'settled';
    };
    return this.#waiters.until(isDone, provisionWaitMs, 'pending');
  }

  async admitGrant(): Promise<void> {
    if (this.#connection.phase === 'keyRejected')
      throw unavailable('ElevenLabs rejects the API key of the bridge. Its operator has to replace the key.', 60);
    await this.admitWithdrawal();
  }

  async admitWithdrawal(): Promise<void> {
    this.#refuseIfOver();
    await this.awaitFirstReading();
  }

  async awaitFirstReading(): Promise<boolean> {
    if (this.#hasReading) return false;
    this.#refuseIfOver();
    const timeout = deferred();
    const cancel = this.#options.clock.after(FIRST_READING_WAIT_MS, timeout.resolve);
    await Promise.race([this.#firstReading.promise, timeout.promise]);
    cancel();
    this.#refuseIfOver();
    if (!this.state.hasReading) throw unavailable('The bridge has not been able to read the workspace yet.', 10);
    return true;
  }

  #refuseIfOver(): void {
    const { phase } = this.#connection;
    if (phase === 'stopping') throw unavailable('The bridge is shutting down.', 5);
    if (phase === 'otherWorkspace') throw unavailable('The API key of the bridge belongs to another workspace.', 60);
  }

  #isServing(): boolean {
    return this.#connection.phase === 'serving';
  }

  // What the parts report -----------------------------------------------------------------------------

  async #firstRead(keyUser: Parameters<Readings['setKeyUser']>[0]): Promise<void> {
    this.#readings.setKeyUser(keyUser);
    try {
      await this.#readings.read(FULL, 'start');
    } catch (error) {
      this.#logBug(error);
    }
  }

  #onKeyLost(): void {
    void this.#readings.stop();
    this.#waiters.endAll();
  }

  #onReading({ members, groups, effect, freedSeats }: ReadResult, cause: string): void {
    const { log, store } = this.#options;
    for (const part of [members, groups])
      if (part?.kind === 'failed' && part.error.kind === 'keyRejected') this.#connection.keyRejected(part.error);
    if (members?.kind === 'applied' || members?.kind === 'blind') this.#open();
    if (members?.kind === 'applied') rememberOwner(store).catch(this.#logBug);
    this.#tellDoubt(members ?? null, groups ?? null);
    for (const { userId } of effect?.accepted ?? []) log.info({ user: userId }, 'an invite was accepted');
    if (freedSeats > 0) this.#onSeatsFreed(freedSeats);
    if (members?.kind === 'blind' && cause !== VERIFY) store.scheduleTries(TRY).then(() => this.poke(), this.#logBug);
    if (members !== null && groups?.kind === 'applied') {
      this.#sharesRead = this.#readShares(cause);
      retryRejectedWithdrawals(store, this.#options.clock.now()).then(() => this.poke(), this.#logBug);
    }
    this.poke();
  }

  /** The part of a full sync that is about shares. */
  async #readShares(cause: string): Promise<void> {
    try {
      await this.#options.store.scheduleShares(cause);
      this.poke();
      await this.#resources.sweep(cause);
    } catch (error) {
      this.#logBug(error);
    }
    this.poke();
  }

  #tellDoubt(...parts: readonly (Part | null)[]): void {
    const { alerts } = this.#options;
    const doubted = parts.find((part) => part?.kind === 'doubted');
    if (doubted?.kind === 'doubted')
      alerts.raise(
        'readingDoubt',
        `A reading of the workspace is not believed, and changes nothing: ${doubted.reason}.`,
      );
    else if (parts.some((part) => part?.kind === 'applied')) alerts.clear('readingDoubt');
  }

  #onKeyRejected(reason: string): void {
    const text = `ElevenLabs rejects the API key (${reason}). Nothing is sent and no grant is accepted until it is replaced.`;
    this.#options.alerts.raise('keyRejected', text, { reason });
  }

  #onAmbiguous(change: Change, person: Person | null): void {
    // After the first the members are read and one more is sent; after the second time alone decides.
    if (change.kind !== 'invite' || (person?.invite?.sends ?? 0) < 1) return;
    const sends = (person?.invite?.sends ?? 0) + 1;
    const wait = unclearWaitMs(sends);
    const text = unclearInWords(change.address, sends, wait === null ? null : `in ${String(wait / 3_600_000)} h`);
    this.#options.alerts.raise('inviteAmbiguous', text, { address: change.address }, change.address);
  }

  /** Whatever else happens: withdrawals that are overdue are looked for, and the time served is written down. */
  #tick(isFirst: boolean): void {
    reportOverdueLocks(this.#options).catch(this.#logBug);
    // At the start nothing has been tried yet.
    if (!isFirst) reportFailingWithdrawals(this.#options).catch(this.#logBug);
    this.#options.store.keepServingTime().catch(this.#logBug);
    this.#cancelTick = this.#options.clock.after(MINUTE_MS, () => this.#tick(false));
  }

  #open(): void {
    this.#hasReading = true;
    this.#firstReading.resolve();
  }

  #onRejectedWithdrawal({ subject, change, changeKey: key }: LedgerRow, what: string, why: string): void {
    const about = aboutRejection(subject, key);
    const text = rejectionInWords(what, why, change);
    this.#options.alerts.raise('withdrawalRejected', text, { subject, change: change.kind }, about);
  }

  /** Every call is told to the observer; the first that is answered after a failure lets withdrawals go. */
  #observed(): LimitedGatewayOptions {
    const { observe } = this.#options;
    return {
      ...this.#options,
      observe: (call) => {
        observe(call);
        if (call.outcome === 'ok') this.#onAnswered();
      },
    };
  }

  #onAnswered(): void {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    this.#options.store.hurryWithdrawals().then(() => this.poke(), this.#logBug);
  }

  #onDone(change: Change, subject: Subject): void {
    if (isWithdrawal(change))
      this.#options.alerts.clear('withdrawalRejected', aboutRejection(subject, changeKey(change)));
    if (change.kind === 'invite') this.#readings.reschedule();
    // Whether a pending invite holds a seat is not documented: its end may free one.
    if (change.kind === 'lock' || change.kind === 'revokeInvite' || (change.kind === 'setSeat' && !isGrant(change)))
      this.#onSeatsFreed(1);
  }

  #onSeatsFreed(freed: number): void {
    const { store, clock } = this.#options;
    this.#seatsFreed += freed;
    const retried = [retryForFreedSeats(freed, clock.now(), store), store.scheduleWaiting('seatBudget', 'seatFreed')];
    Promise.all(retried).then((counts) => {
      if (counts.some((count) => count > 0)) this.poke();
    }, this.#logBug);
  }

  readonly #logBug = (error: unknown): void => {
    this.#options.log.error({ err: error }, 'an unexpected error; the work goes on');
  };
}
