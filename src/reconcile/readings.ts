/**
 * When the workspace is read: at start, at each full sync, while invites are pending, and whenever
 * a refusal has to be verified.
 *
 * Invariants:
 * - One reading at a time. Whoever asks gets one that begins after the question; all who ask
 *   while one is running share the next.
 * - Intervals follow the monotonic clock: a wall clock that jumps causes no storm and no silence.
 */
import type { MemberId } from '../domain/types.js';
import type { Log } from '../log.js';
import { readWorkspace, type Need, type Part, type ReadingSources, type ReadResult } from './read-workspace.js';

export interface ReadingsState {
  readonly lastMembersAt: number | null;
  readonly lastFullAt: number | null;
  /** Why the last reading was not believed. */
  readonly doubt: string | null;
  readonly error: string | null;
  /** The key may not list members: acceptance cannot be noticed. */
  readonly blind: boolean;
  /** The key may not list groups: they are searched by name. */
  readonly groupsBySearch: boolean;
}

export interface ReadingsOptions extends ReadingSources {
  readonly log: Log;
  readonly syncIntervalMs: number;
  readonly pendingPollMs: number;
  readonly retryDelay: (attempts: number) => number;
  /** After every reading, before those who asked for it hear of it. */
  readonly onResult: (result: ReadResult, cause: string) => void;
}

export const FULL: Need = { members: true, groups: true };
export const MEMBERS: Need = { members: true, groups: false };
export const GROUPS: Need = { members: false, groups: true };

/** A workspace that cannot be reached is asked about once a minute. */
const MAX_DOUBLINGS = 6;
/** While the youngest open invite is younger than this, members are read at the poll interval. */
const YOUNG = 3_600_000;

export class Readings {
  readonly #options: ReadingsOptions;
  readonly #memory = { acceptSmaller: false, keyUser: null as MemberId | null };
  #running: Promise<unknown> = Promise.resolve();
  #next: { need: Need; result: Promise<ReadResult> } | null = null;
  #cancelTimer: () => void = () => undefined;
  #isStarted = false;
  #lastFullTick: number;
  #lastMembersTick: number;
  #failures = 0;
  #state: ReadingsState = {
    lastMembersAt: null,
    lastFullAt: null,
    doubt: null,
    error: null,
    blind: false,
    groupsBySearch: false,
  };

  constructor(options: ReadingsOptions) {
    this.#options = options;
    this.#lastFullTick = this.#lastMembersTick = options.clock.monotonic();
  }

  get state(): ReadingsState {
    return this.#state;
  }

  /** Begins the schedule; the first reading is the caller's. */
  start(): void {
    this.#isStarted = true;
    this.reschedule();
  }

  /** No further reading; resolves when the last one has ended. */
  async stop(): Promise<void> {
    this.#isStarted = false;
    this.#cancelTimer();
    await this.#running;
  }

  /** The user the API key belongs to, if known: readings without it are doubted once it was seen. */
  setKeyUser(userId: MemberId | null): void {
    this.#memory.keyUser = userId;
  }

  /** An administrator's word: the next reading may be smaller than the last one. */
  acceptSmaller(): void {
    this.#memory.acceptSmaller = true;
  }

  /** A reading that begins after this call. */
  read(need: Need, cause: string): Promise<ReadResult> {
    const next = this.#next;
    if (next !== null) {
      next.need = { members: next.need.members || need.members, groups: next.need.groups || need.groups };
      return next.result;
    }
    const before = this.#running;
    const result = before.then(() => {
      const merged = this.#next?.need ?? need;
      this.#next = null;
      return this.#read(merged, cause);
    });
    this.#next = { need, result };
    this.#running = result.catch(() => undefined);
    return result;
  }

  /** Sets the timer for the next reading; called when an invite was sent and after each reading. */
  reschedule(): void {
    if (!this.#isStarted) return;
    this.#delay().then(({ ms, need }) => {
      this.#cancelTimer();
      if (!this.#isStarted) return;
      this.#cancelTimer = this.#options.clock.after(ms, () => {
        this.read(need, need.groups ? 'sync' : 'poll').catch(this.#logBug);
      });
    }, this.#logBug);
  }

  readonly #logBug = (error: unknown): void => {
    this.#options.log.error({ err: error }, 'the workspace could not be read');
    this.#cancelTimer = this.#options.clock.after(this.#options.retryDelay(MAX_DOUBLINGS), () => this.reschedule());
  };

  async #delay(): Promise<{ readonly ms: number; readonly need: Need }> {
    const { clock, store, syncIntervalMs, pendingPollMs, retryDelay } = this.#options;
    const interval =
      this.#failures === 0
        ? syncIntervalMs
        : Math.min(syncIntervalMs, retryDelay(Math.min(this.#failures, MAX_DOUBLINGS)));
    const full = { ms: Math.max(0, this.#lastFullTick + interval - clock.monotonic()), need: FULL };
    const { count, youngestSentAt } = await store.openInvites();
    if (count === 0 || this.#failures > 0) return full;
    // Backs off as the youngest pending invite ages, up to the interval of the full sync.
    const age = Math.max(0, clock.now() - (youngestSentAt ?? clock.now()));
    const poll = Math.min(syncIntervalMs, pendingPollMs * Math.max(1, age / YOUNG));
    const ms = Math.max(0, this.#lastMembersTick + poll - clock.monotonic());
    return full.ms <= ms ? full : { ms, need: MEMBERS };
  }

  async #read(need: Need, cause: string): Promise<ReadResult> {
    const { clock, onResult } = this.#options;
    const result = await readWorkspace(need, cause, this.#options, this.#memory).finally(() => {
      // Counted from the end: a slow workspace is not asked again at once.
      if (need.members) this.#lastMembersTick = clock.monotonic();
      if (need.members && need.groups) this.#lastFullTick = clock.monotonic();
    });
    const parts = [result.members, result.groups].filter((part) => part !== null);
    // A doubtful reading is not repeated at once: three equal ones in a row would prove nothing then.
    this.#failures = parts.some(({ kind }) => kind === 'failed') ? this.#failures + 1 : 0;
    this.#note(result, parts);
    onResult(result, cause);
    this.reschedule();
    return result;
  }

  #note(result: ReadResult, parts: readonly Part[]): void {
    const { clock, log } = this.#options;
    let doubt: string | null = null;
    let failure: string | null = null;
    for (const part of parts) {
      if (part.kind === 'doubted') doubt = part.reason;
      if (part.kind === 'failed' || part.kind === 'blind') failure = part.error.message;
    }
    if (doubt !== null) log.error({ reason: doubt }, 'a reading of the workspace is not believed; it changes nothing');
    if (failure !== null) log.warn({ reason: failure }, 'the workspace could not be read');
    const hasMembers = result.members?.kind === 'applied';
    const isFull = hasMembers && result.groups?.kind === 'applied';
    this.#state = {
      lastMembersAt: hasMembers ? clock.now() : this.#state.lastMembersAt,
      lastFullAt: isFull ? clock.now() : this.#state.lastFullAt,
      doubt,
      error: failure,
      blind: result.members === null ? this.#state.blind : result.members.kind === 'blind',
      groupsBySearch: result.groups === null ? this.#state.groupsBySearch : result.groupsBySearch,
    };
  }
}
