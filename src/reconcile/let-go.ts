/** The two ways in which a run lets go of something: until later, or written down for good. */
import type { LedgerRow, Outcome, Revert } from '../store/port.js';
import type { Engine } from './engine.js';
import type { Run } from './view.js';

/** With the timeout of a call a withdrawal is so tried again at least once a minute. */
const LONGEST_WITHDRAWAL_MS = 45_000;

export type RunEnd = 'settled' | 'postponed' | 'stopped';

export async function postpone(run: Run, reason: string, retryAfterMs: number | null, engine: Engine): Promise<RunEnd> {
  const { entry } = run;
  const own = engine.retryDelay(entry.attempts);
  const delay = Math.max(run.withdraws ? Math.min(own, LONGEST_WITHDRAWAL_MS) : own, retryAfterMs ?? 0);
  await engine.store.postpone(entry, engine.clock.now() + delay, reason, run.withdraws);
  return 'postponed';
}

/** Writing down what has happened must not fail: until it is on disk, it is tried again. */
export async function finish(row: LedgerRow, outcome: Outcome, revert: Revert | null, engine: Engine) {
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
