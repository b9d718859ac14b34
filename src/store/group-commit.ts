/**
 * Writes that come in the same turn of the event loop share one transaction, and with it one wait
 * for the disk, which is most of the cost of a small write. Each is a savepoint: what it throws takes
 * back itself alone. Nobody is answered before the commit is on the disk.
 *
 * Where the transaction as a whole fails (a full disk, an error at the commit), its writes are tried
 * one by one, so that each is answered for itself; `work` may therefore run twice, of which the first
 * leaves nothing.
 */
import type { Clock } from '../clock.js';
import type { Connection } from './connection.js';
import { isBusy, mapStoreError, setPatience } from './connection.js';

export interface GroupCommit {
  /** Commits `work` with what else there is to write; what it throws is thrown, and rolls it back. */
  write<T>(work: () => T, durability: Durability): Promise<T>;
  /** Commits now what waits. */
  flush(): void;
}

/** `lazy`: a loss of power may undo it, until the next durable one. Only for what follows from the rest. */
export type Durability = 'durable' | 'lazy';

interface Write {
  readonly work: () => unknown;
  readonly durability: Durability;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type Outcome = { readonly value: unknown } | { readonly error: unknown };

export function createGroupCommit(db: Connection, clock: Pick<Clock, 'turn'>): GroupCommit {
  const inTransaction = db.transaction((work: () => unknown) => work());
  let waiting: Write[] = [];
  // One write waits long for another process. If in vain, the next ones hardly do until one succeeds:
  // everything else, health checks and reading included, would wait with each of them.
  let isPatient = true;
  const patience = (wanted: boolean): void => {
    if (isPatient !== wanted) setPatience(db, wanted);
    isPatient = wanted;
  };

  const commit = <T>(work: () => T, durability: Durability): T => {
    if (durability === 'lazy') db.pragma('synchronous = NORMAL');
    try {
      const result = inTransaction.immediate(work) as T;
      patience(true);
      return result;
    } catch (error) {
      if (isBusy(error)) patience(false);
      throw error;
    } finally {
      if (durability === 'lazy') db.pragma('synchronous = FULL');
    }
  };

  const inSavepoint = ({ work }: Write): Outcome => {
    try {
      return { value: inTransaction(work) };
    } catch (error) {
      // SQLite has ended the transaction by itself: nothing of it is left.
      if (!db.inTransaction) throw error;
      return { error };
    }
  };

  const alone = (write: Write): Outcome => {
    try {
      return { value: commit(write.work, write.durability) };
    } catch (error) {
      return { error };
    }
  };

  const together = (writes: readonly Write[]): readonly Outcome[] => {
    const durability = writes.every((write) => write.durability === 'lazy') ? 'lazy' : 'durable';
    try {
      return commit(() => writes.map(inSavepoint), durability);
    } catch (error) {
      return isBusy(error) ? writes.map(() => ({ error })) : writes.map(alone);
    }
  };

  const flush = (): void => {
    const writes = waiting;
    waiting = [];
    if (writes.length === 0) return;
    const outcomes = writes.length === 1 ? writes.map(alone) : together(writes);
    outcomes.forEach((outcome, index) => {
      if ('value' in outcome) writes[index]?.resolve(outcome.value);
      else writes[index]?.reject(mapStoreError(outcome.error));
    });
  };

  return {
    write: <T>(work: () => T, durability: Durability) =>
      new Promise<T>((resolve, reject) => {
        if (waiting.length === 0) void clock.turn().then(flush);
        waiting.push({ work, durability, resolve: resolve as (value: unknown) => void, reject });
      }),
    flush,
  };
}
