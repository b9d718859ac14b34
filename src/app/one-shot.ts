/** The bridge without HTTP, for a command that has to do the work of the server once. */
import type { Clock } from '../clock.js';
import type { Config } from '../config.js';
import { createSdkGateway } from '../elevenlabs/sdk-gateway.js';
import type { Log } from '../log.js';
import type { Reconciler } from '../reconcile/reconciler.js';
import type { Store } from '../store/port.js';
import { openStore } from '../store/sqlite-store.js';
import { createApp } from '../app.js';
import { startDemoWorkspace } from './demo-workspace.js';
import { loadRules } from './rules-source.js';
import { checkNeighbour, checkPin } from './workspace-pin.js';

export interface OneShot {
  readonly store: Store;
  readonly reconciler: Reconciler;
  close(): Promise<void>;
}

/** Takes the serving lock; the same checks as at the start of the server. */
export async function openWork({
  config,
  clock,
  log,
}: {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<OneShot> {
  const rules = loadRules(config);
  checkNeighbour(config);
  const store = openStore({
    path: config.databasePath,
    clock,
    rules: () => rules,
    serve: true,
    migrate: false,
    auditKey: config.auditKey,
  });
  const opened: (() => Promise<void> | void)[] = [() => store.close()];
  try {
    await checkPin(config, store);
    const demo = config.upstream.kind === 'sandbox' ? await startDemoWorkspace(config.databasePath, clock, log) : null;
    if (demo !== null) opened.unshift(() => demo.close());
    const upstream = config.upstream.kind === 'sandbox' ? demo : config.upstream;
    if (upstream === null) throw new Error('there is no workspace to work on');
    const app = createApp({
      ...{ config, store, clock, log },
      gateway: createSdkGateway({ ...upstream, timeoutMs: config.upstreamTimeoutMs, clock }),
      rules: () => rules,
      publicUrl: () => '',
      random: Math.random, // eslint-disable-line no-restricted-properties -- the root of all randomness
      // Seen in the state of the reconciler.
      onOtherWorkspace: () => undefined,
    });
    opened.unshift(() => app.close());
    await app.start();
    return {
      store,
      reconciler: app.reconciler,
      async close() {
        for (const close of opened) await close();
      },
    };
  } catch (error) {
    for (const close of opened) await close();
    throw error;
  }
}
