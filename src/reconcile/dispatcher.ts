/**
 * Takes subjects from the agenda and works on a few at a time: one run per subject, the most
 * urgent first, and room kept for those that a request waits for.
 *
 * Nothing throws out of here: what is unexpected is logged and tried again later.
 */
import type { Clock } from '../clock.js';
import type { Log } from '../log.js';
import type { AgendaEntry, Subject, WorkStore } from '../store/port.js';

export interface DispatcherOptions {
  readonly store: WorkStore;
  readonly clock: Clock;
  readonly log: Log;
  /** Background subjects at once; as many again if a request waits for them. */
  readonly concurrency: number;
  readonly retryDelay: (attempts: number) => number;
  readonly isOpen: () => boolean;
  readonly run: (entry: AgendaEntry) => Promise<unknown>;
  readonly onRunEnd: () => void;
}

/** The clock may have been set: looked at this often while something waits for a time. */
const TICK_MS = 5_000;
/** Less is the slewing of a time service. */
const LEAST_SET_BACK_MS = 1_000;

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #inWork = new Map<Subject, { readonly entry: AgendaEntry; readonly done: Promise<void> }>();
  /** Subjects whose run broke and could not even be put off: left alone for a moment. */
  readonly #resting = new Set<Subject>();
  /** In the hands of somebody else's run. */
  readonly #claimed = new Set<Subject>();
  /** Wall time at the zero of the monotonic clock: less of it means that the wall clock was set back. */
  #epoch: number;
  #isDispatching = false;
  #isPoked = false;
  #isStopped = false;
  #cancelTimer: () => void = () => undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#epoch = options.clock.now() - options.clock.monotonic();
  }

  get size(): number {
    return this.#inWork.size;
  }

  isInWork(subject: Subject): boolean {
    return this.#inWork.has(subject) || this.#claimed.has(subject);
  }

  /** Hands over the subjects that nobody works on; answers which these are. Release them. */
  claim(subjects: readonly Subject[]): ReadonlySet<Subject> {
    const free = subjects.filter((subject) => !this.isInWork(subject) && !this.#resting.has(subject));
    for (const subject of free) this.#claimed.add(subject);
    return new Set(free);
  }

  release(subjects: readonly Subject[]): void {
    for (const subject of subjects) this.#claimed.delete(subject);
    this.#options.onRunEnd();
    this.poke();
  }

  /** The agenda may have something new. Never throws, never waits. */
  poke(): void {
    this.#isPoked = true;
    if (!this.#isDispatching && !this.#isStopped) void this.#dispatch();
  }

  /** Takes nothing more; resolves when the runs under way have ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelTimer();
    await Promise.all(Array.from(this.#inWork.values(), ({ done }) => done));
  }

  async #dispatch(): Promise<void> {
    this.#isDispatching = true;
    try {
      while (this.#isPoked) {
        this.#isPoked = false;
        this.#cancelTimer();
        await this.#watchClock();
        if (this.#options.isOpen()) await this.#fill();
      }
    } catch (error) {
      this.#options.log.error({ err: error }, 'the agenda could not be read');
      this.#wakeIn(TICK_MS);
    } finally {
      this.#isDispatching = false;
    }
  }

  /** What waits until a time would wait for so much longer, where the wall clock was set back. */
  async #watchClock(): Promise<void> {
    const { store, clock, log } = this.#options;
    const epoch = clock.now() - clock.monotonic();
    const ms = this.#setBackBy();
    if (ms >= LEAST_SET_BACK_MS) {
      log.warn({ ms }, 'the clock of this machine was set back');
      await store.clockSetBack(ms);
    }
    // Small steps add up, so that the first look stays the measure until one is large enough.
    if (ms < 0 || ms >= LEAST_SET_BACK_MS) this.#epoch = epoch;
  }

  #setBackBy(): number {
    const { clock } = this.#options;
    return Math.round(this.#epoch - (clock.now() - clock.monotonic()));
  }

  /** Begins what is due and has room, and sets the timer for what falls due next. */
  async #fill(): Promise<void> {
    const { store, concurrency } = this.#options;
    const room = 2 * concurrency - this.#inWork.size;
    const entries = room > 0 ? await store.due(room, this.#skipped()) : [];
    let isFull = room <= 0;
    for (const entry of entries) {
      // The second half of the room is kept for requests that wait.
      if (entry.priority > 0 && this.#background() >= concurrency) isFull = true;
      else this.#begin(entry);
    }
    const dueAt = isFull ? null : await store.nextDueAt(this.#skipped());
    if (dueAt !== null) this.#wakeAt(dueAt);
  }

  #skipped(): ReadonlySet<Subject> {
    return new Set([...this.#inWork.keys(), ...this.#resting, ...this.#claimed]);
  }

  #background(): number {
    return [...this.#inWork.values()].filter(({ entry }) => entry.priority > 0).length;
  }

  #wakeIn(ms: number): void {
    this.#cancelTimer();
    if (!this.#isStopped) this.#cancelTimer = this.#options.clock.after(ms, () => this.poke());
  }

  /** The agenda is asked again only then, or where the clock was set: whoever writes to it pokes. */
  #wakeAt(dueAt: number): void {
    const { clock } = this.#options;
    this.#cancelTimer();
    if (this.#isStopped) return;
    this.#cancelTimer = clock.after(Math.min(TICK_MS, Math.max(0, dueAt - clock.now())), () => {
      if (clock.now() >= dueAt || this.#setBackBy() >= LEAST_SET_BACK_MS) this.poke();
      else this.#wakeAt(dueAt);
    });
  }

  #begin(entry: AgendaEntry): void {
    if (this.#isStopped || !this.#options.isOpen()) return;
    const done = this.#run(entry).finally(() => {
      this.#inWork.delete(entry.subject);
      this.#options.onRunEnd();
      this.poke();
    });
    this.#inWork.set(entry.subject, { entry, done });
  }

  async #run(entry: AgendaEntry): Promise<void> {
    const { store, clock, log, retryDelay, run } = this.#options;
    try {
      await run(entry);
    } catch (error) {
      log.error({ err: error, subject: entry.subject }, 'a run broke; it is tried again');
      try {
        await store.postpone(entry, clock.now() + retryDelay(entry.attempts), 'internal error');
      } catch {
        // Not even that: the agenda still has it.
        this.#resting.add(entry.subject);
        clock.after(retryDelay(entry.attempts), () => {
          this.#resting.delete(entry.subject);
          this.poke();
        });
      }
    }
  }
}
