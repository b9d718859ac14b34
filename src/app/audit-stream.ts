/**
 * Writes the audit log to the log, where a SIEM picks it up: each row is a line of its own kind, whoever
 * wrote it, commands included. What a line says cannot be taken back by changing the database.
 *
 * After a crash rows may come twice, with the same number; none is left out. A line holds no names and
 * no values, only which attributes changed: what is in a SIEM no purge reaches.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../clock.js';
import { auditEvent, changedAttributes } from '../domain/audit-event.js';
import type { Log } from '../log.js';
import type { Store } from '../store/port.js';

const TICK_MS = 5_000;
const CHECKPOINT_MS = 3_600_000;
const STEP = 200;

export interface AuditStream {
  start(): void;
  /** What is written up to now is logged, and a last checkpoint. */
  stop(): Promise<void>;
}

export function createAuditStream({
  store,
  clock,
  log,
}: {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}): AuditStream {
  let cancel: () => void = () => undefined;
  let isStopped = false;
  let upTo: number | null = null;
  let checkpointAt: number | null = null;
  let round: Promise<void> = Promise.resolve();

  const logRows = async (): Promise<void> => {
    upTo ??= await store.auditLoggedUpTo();
    for (;;) {
      const rows = await store.auditRows({ afterId: upTo, limit: STEP });
      for (const row of rows) log.info({ audit: auditEvent(row), changed: changedAttributes(row) }, 'Audit.');
      const last = rows.at(-1);
      if (last === undefined) return;
      upTo = last.id;
      await store.auditLogged(upTo);
      if (rows.length < STEP) return;
      await nextTurn();
    }
  };
  const logCheckpoint = async (): Promise<void> => {
    const head = await store.auditHead();
    if (head !== null) log.info({ auditCheckpoint: head }, 'Audit checkpoint.');
    checkpointAt = clock.monotonic();
  };
  const look = async (): Promise<void> => {
    try {
      await logRows();
      if (checkpointAt === null || clock.monotonic() - checkpointAt >= CHECKPOINT_MS) await logCheckpoint();
    } catch (error) {
      log.warn({ err: error }, 'The audit log could not be read: its rows are logged later.');
    }
  };
  const tick = (): void => {
    round = look().finally(() => {
      if (!isStopped) cancel = clock.after(TICK_MS, tick);
    });
  };
  return {
    start: tick,
    async stop() {
      isStopped = true;
      cancel();
      await round;
      checkpointAt = null;
      await look();
    },
  };
}
