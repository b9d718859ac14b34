/** One life of the bridge: the production store, services and reconciler, on a database that outlives it. */
import Database from 'better-sqlite3';
import { createAlerts } from '../alerts.js';
import type { Clock } from '../clock.js';
import type { PeopleLimit } from '../domain/policies/people-limit.js';
import type { Rules } from '../domain/rules.js';
import type { WorkspaceGateway } from '../elevenlabs/port.js';
import type { Log } from '../log.js';
import { backoff } from '../reconcile/backoff.js';
import { createLimiter } from '../reconcile/limiter.js';
import { Reconciler } from '../reconcile/reconciler.js';
import { DEFAULT_LIMITS, type Caller } from '../scim/context.js';
import type { Connection } from '../store/connection.js';
import { createCursors } from '../scim/cursors.js';
import { migrate } from '../store/migrate.js';
import type { Store } from '../store/port.js';
import { openStoreOn } from '../store/sqlite-store.js';

export interface Bridge {
  readonly store: Store;
  readonly reconciler: Reconciler;
  readonly caller: () => Caller;
}

let template: Buffer | null = null;

/** A database in memory, up to date. */
export function newDatabase(): Connection {
  if (template === null) {
    const first = new Database(':memory:');
    migrate(first);
    template = first.serialize();
    first.close();
  }
  const db = new Database(template);
  db.pragma('foreign_keys = ON');
  return db;
}

export interface LifeParts {
  readonly db: Connection;
  readonly clock: Clock;
  readonly gateway: WorkspaceGateway;
  readonly rules: Rules;
  readonly limit: PeopleLimit;
  readonly syncIntervalMs: number;
  readonly random: () => number;
  readonly newId: () => string;
  /** Wraps the store, so that the process can die at any of its calls. */
  readonly wrap: (store: Store) => Store;
  readonly onBug: (text: string) => void;
}

export function startLife(parts: LifeParts): Bridge {
  const { db, clock, gateway, rules, random, newId, limit } = parts;
  const log = quietLog(parts.onBug);
  const store = parts.wrap(openStoreOn(db, { clock, rules: () => rules, uuid: newId, isServing: true }));
  const limiter = createLimiter({ clock, random, maxConcurrency: 4 });
  const reconciler = new Reconciler({
    ...{ store, gateway, limiter, clock, log, rules: () => rules },
    alerts: createAlerts({ clock, log, post: null }),
    observe: () => undefined,
    concurrency: 4,
    provisionWaitMs: 3000,
    syncIntervalMs: parts.syncIntervalMs,
    pendingPollMs: 300_000,
    dryRun: false,
    deprovisionLimit: limit,
    inviteLimit: { count: null, percent: null },
    workspaceName: null,
    retryDelay: (failures) => backoff(failures + 1, random),
    onOtherWorkspace: () => parts.onBug('the workspace is taken for another one'),
  });
  const app = {
    ...{ store, clock, log, rules: () => rules, provisioning: reconciler },
    limits: DEFAULT_LIMITS,
    baseUrl: () => 'https://bridge.example/scim/v2',
    documentationUri: null,
    cursors: createCursors({ store, clock, timeoutMs: DEFAULT_LIMITS.cursorTimeoutMs }),
    turn: () => clock.turn(),
  };
  const principal = { tokenId: null, label: 'simulator', scopes: ['users', 'groups'], actor: 'token:simulator' };
  void reconciler.start().catch((error: unknown) => parts.onBug(`the start failed: ${String(error)}`));
  return {
    store,
    reconciler,
    caller: () => ({ app, principal, requestId: newId(), interactive: true, ifMatch: null, ifNoneMatch: null }),
  };
}

/** Only what the bridge itself calls a bug is of interest: an error with an exception. */
function quietLog(onBug: (text: string) => void): Log {
  const nothing = (): void => undefined;
  const error = (facts: unknown, text?: string): void => {
    const err = (facts as { readonly err?: { readonly stack?: string } } | null)?.err;
    if (err !== undefined) onBug(`${text ?? ''}: ${err.stack ?? 'an error without a stack'}`);
  };
  const log = { debug: nothing, info: nothing, warn: nothing, error, fatal: error, child: () => log } as unknown as Log;
  return log;
}
