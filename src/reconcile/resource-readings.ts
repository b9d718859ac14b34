/**
 * Reads resources (`resources.get`): before a share changes, and at each full sync those under
 * management, one after the other.
 *
 * Invariants:
 * - A resource is read, or shared, by one at a time (`resourceLock`): no reading is overtaken by a
 *   call of ours, so that what it lacks has really gone.
 * - What cannot be read is remembered for as short a time as what can.
 */
import type { Clock } from '../clock.js';
import { resourceKey } from '../domain/shares.js';
import type { Principal, ResourceRef } from '../domain/types.js';
import { isGatewayError, type GatewayError, type ResourceMetadata, type WorkspaceGateway } from '../elevenlabs/port.js';
import type { Log } from '../log.js';
import type { Store, Subject } from '../store/port.js';
import type { KeyedLocks } from './keyed-locks.js';

export interface ResourceReadingsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly locks: KeyedLocks;
  /** The workspace behind the limiter. */
  readonly reader: WorkspaceGateway;
  readonly onKeyRejected: (error: GatewayError) => void;
}

export type ResourceState =
  | { readonly kind: 'read'; readonly metadata: ResourceMetadata }
  /** ElevenLabs knows no such resource, or does not show it to the owner of the key. */
  | { readonly kind: 'missing'; readonly error: GatewayError }
  /** It cannot be read; whether it can be shared only the call itself shows. */
  | { readonly kind: 'unreadable'; readonly error: GatewayError }
  | { readonly kind: 'failed'; readonly error: GatewayError };

/** So long a reading serves the changes of everybody who wants the same resource. */
export const FRESH_MS = 15_000;

/** The workspace is ill, or the bridge is to wait: the rest is read at the next sync. */
const MAX_FAILURES = 3;

export const resourceLock = (resource: ResourceRef): string => `resource ${resourceKey(resource)}`;

export class ResourceReadings {
  readonly #options: ResourceReadingsOptions;
  readonly #recent = new Map<string, { readonly at: number; readonly state: ResourceState }>();
  #sweeping: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: ResourceReadingsOptions) {
    this.#options = options;
  }

  /** The last reading, if it is young enough to change something by it. */
  recent(resource: ResourceRef): ResourceState | null {
    const last = this.#recent.get(resourceKey(resource));
    return last !== undefined && this.#options.clock.monotonic() - last.at < FRESH_MS ? last.state : null;
  }

  /** Reads now. The caller holds `resourceLock`. `except`: whose plan is under way. */
  async read(
    resource: ResourceRef,
    about: { readonly cause: string; readonly except: Subject | null },
  ): Promise<ResourceState> {
    const { store, clock } = this.#options;
    const startedAt = clock.now();
    const state = await this.#ask(resource);
    if (state.kind !== 'failed') {
      const found = state.kind === 'read' ? state.metadata : null;
      const error = state.kind === 'read' ? null : state.error.message;
      await store.applyResource({ resource, startedAt, found, error }, about);
      this.#recent.set(resourceKey(resource), { at: clock.monotonic(), state });
    }
    return state;
  }

  async #ask(resource: ResourceRef): Promise<ResourceState> {
    try {
      return { kind: 'read', metadata: (await this.#options.reader.getResource(resource)).value };
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      if (error.kind === 'keyRejected') this.#options.onKeyRejected(error);
      if (error.kind === 'transient' || error.kind === 'keyRejected') return { kind: 'failed', error };
      return { kind: error.status === 404 || error.hint === 'unknownResource' ? 'missing' : 'unreadable', error };
    }
  }

  /**
   * After a share with the baseline or an API key, whose name in answers is documented nowhere:
   * the difference to the reading before shows it. Answers whether there was none, so that it was
   * shared before any call of ours. The caller holds `resourceLock`.
   */
  async wasSoBefore(resource: ResourceRef, principal: Principal): Promise<boolean> {
    const { store } = this.#options;
    const before = this.#recent.get(resourceKey(resource))?.state;
    if (before?.kind !== 'read' || (await store.knowsPrincipal(principal))) return false;
    const after = await this.#ask(resource);
    if (after.kind !== 'read') return false;
    const changed = [...after.metadata.roles].filter(([id, slots]) => !sameSlots(before.metadata.roles.get(id), slots));
    const [only] = changed;
    if (only === undefined) return true;
    const [id] = only;
    if (changed.length === 1)
      await store.learnPrincipal(principal, id, { resource, slots: before.metadata.roles.get(id) ?? [] });
    return false;
  }

  /** Reads every resource under management, in the background; whoever asks while it runs waits for another round. */
  sweep(cause: string): Promise<void> {
    this.#sweeping = this.#sweeping
      .then(() => this.#sweep(cause))
      .catch((error: unknown) => {
        this.#options.log.error({ err: error }, 'the resources could not be read');
      });
    return this.#sweeping;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#sweeping;
  }

  async #sweep(cause: string): Promise<void> {
    const { store, locks, log, clock } = this.#options;
    if (this.#isStopped) return;
    for (const [key, { at }] of this.#recent) if (clock.monotonic() - at >= FRESH_MS) this.#recent.delete(key);
    let failures = 0;
    for (const resource of await store.managedResources()) {
      // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- stop() may come during an await
      if (this.#isStopped) return;
      const state = await locks.hold(resourceLock(resource), () => this.read(resource, { cause, except: null }));
      if (state.kind === 'read') continue;
      log.warn({ resource: resourceKey(resource), reason: state.error.message }, 'a shared resource could not be read');
      failures = state.kind === 'failed' ? failures + 1 : 0;
      if (failures >= MAX_FAILURES) return;
    }
  }
}

function sameSlots(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return a?.length === b.length && a.every((slot) => b.includes(slot));
}
