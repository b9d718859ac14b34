/**
 * Requests that wait for their effects. Waiting is best effort and bounded; what is not known in
 * time is `pending`. A waiter that has gone is what forbids to undo a write: its answer is out.
 */
import type { Clock } from '../clock.js';
import type { SettleOutcome } from '../domain/provisioning.js';
import type { UserId } from '../domain/types.js';
import { deferred } from './keyed-locks.js';

interface Waiter {
  readonly version: number;
  readonly resolve: (outcome: SettleOutcome) => void;
}

export class Waiters {
  readonly #clock: Clock;
  readonly #users = new Map<UserId, Set<Waiter>>();
  #nextEnd = deferred();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves with how the run that includes `version` ended, or `pending` after `ms`. */
  wait(userId: UserId, version: number, ms: number): Promise<SettleOutcome> {
    return new Promise((resolve) => {
      const waiters = this.#users.get(userId) ?? new Set();
      this.#users.set(userId, waiters);
      const cancel = this.#clock.after(ms, () => waiter.resolve({ kind: 'pending' }));
      const waiter: Waiter = {
        version,
        resolve: (outcome) => {
          cancel();
          waiters.delete(waiter);
          if (waiters.size === 0 && this.#users.get(userId) === waiters) this.#users.delete(userId);
          resolve(outcome);
        },
      };
      waiters.add(waiter);
    });
  }

  /** Is a request that made exactly this version still without its answer? */
  isLive(userId: UserId, version: number): boolean {
    return [...(this.#users.get(userId) ?? [])].some((waiter) => waiter.version === version);
  }

  /** Answers the request that made exactly this version; others go on waiting. */
  answer(userId: UserId, version: number, outcome: SettleOutcome): void {
    for (const waiter of [...(this.#users.get(userId) ?? [])]) if (waiter.version === version) waiter.resolve(outcome);
  }

  /** A run that planned with `version` has ended: every write up to it is answered. */
  end(userId: UserId, version: number, outcome: SettleOutcome): void {
    for (const waiter of [...(this.#users.get(userId) ?? [])]) if (waiter.version <= version) waiter.resolve(outcome);
  }

  /** Shutting down: what still waits goes on after the restart. */
  endAll(): void {
    for (const waiters of [...this.#users.values()])
      for (const waiter of [...waiters]) waiter.resolve({ kind: 'pending' });
    this.runEnded();
  }

  /** Waits until `isDone` answers other than null; asked now and after every run, for at most `ms`. */
  async until<T>(isDone: () => Promise<T | null>, ms: number, timedOut: T): Promise<T> {
    const timeout = deferred();
    const cancel = this.#clock.after(ms, timeout.resolve);
    const over = timeout.promise.then(() => 'over' as const);
    try {
      for (;;) {
        // Armed before the question: a run that ends while it is asked is not missed.
        const ended = this.#nextEnd.promise;
        const answer = await isDone();
        if (answer !== null) return answer;
        if ((await Promise.race([ended, over])) === 'over') return timedOut;
      }
    } finally {
      cancel();
    }
  }

  /** Some run has ended: who waits for several subjects looks again. */
  runEnded(): void {
    const ended = this.#nextEnd;
    this.#nextEnd = deferred();
    ended.resolve();
  }
}
