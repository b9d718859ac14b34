/**
 * What has to be done now and then, whatever the IdP does: tokens that end soon are named in the log
 * once a day, users with two writers once per user and day, and what is older than RETENTION_DAYS is
 * removed. Nothing of it is urgent: a store that is not available is asked again an hour later.
 */
import { tokenWarnings, type TokenWarning } from '../auth/token-warnings.js';
import type { Clock } from '../clock.js';
import type { Log } from '../log.js';
import type { Store } from '../store/port.js';

export interface HousekeepingOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly retentionDays: number;
}

export interface Housekeeping {
  start(): void;
  /** Nothing more is begun. */
  stop(): void;
}

const FIRST_AFTER_MS = 60_000;
const EVERY_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Rows in one transaction: some milliseconds, in which no request is answered. */
const STEP = 500;
const PAUSE_MS = 50;

export function createHousekeeping({ store, clock, log, retentionDays }: HousekeepingOptions): Housekeeping {
  let cancel: () => void = () => undefined;
  let isStopped = false;
  let dayDoneAt: number | null = null;

  const round = async (): Promise<void> => {
    const now = clock.monotonic();
    if (dayDoneAt === null || now - dayDoneAt >= DAY_MS) {
      for (const warning of await tokenWarnings(store, clock.now())) warnOfToken(log, warning);
      await removeOld();
      dayDoneAt = now;
    }
    await store.purgeTokens();
    for (const { userId, writers, writes } of await store.takeWriterConflicts(100)) {
      log.warn(
        { userId, writers, writes },
        'Two tokens wrote the same user within a day: two provisioning apps may be undoing each other’s work.',
      );
    }
  };

  const removeOld = async (): Promise<void> => {
    const before = clock.now() - retentionDays * DAY_MS;
    let removed = 0;
    for (;;) {
      const step = await store.expireOld(before, STEP);
      removed += step;
      if (step === 0 || isStopped) break;
      await new Promise<void>((resolve) => clock.after(PAUSE_MS, resolve));
    }
    if (removed > 0) log.info({ removed, retentionDays }, 'old rows removed');
  };

  const run = (): void => {
    round()
      .catch((error: unknown) => log.warn({ err: error }, 'housekeeping was put off'))
      .finally(() => {
        if (!isStopped) cancel = clock.after(EVERY_MS, run);
      });
  };
  return {
    start: () => void (cancel = clock.after(FIRST_AFTER_MS, run)),
    stop() {
      isStopped = true;
      cancel();
    },
  };
}

function warnOfToken(log: Log, { kind, label, expiresAt, daysLeft }: TokenWarning): void {
  const fields = { kind, label, expiresAt: new Date(expiresAt).toISOString(), daysLeft };
  if (daysLeft < 0) log.error(fields, 'A token has expired and has no successor: whoever uses it is turned away.');
  else log.warn(fields, 'A token expires soon: make a new one and give it to whoever uses it.');
}
