/**
 * The relation to the workspace: is the key good, and is the workspace the one this database
 * belongs to? Nothing is sent upstream before both are known, and nothing while the key is
 * rejected; then the key is tried on a backoff until it is good again.
 */
import type { Clock } from '../clock.js';
import type { MemberId } from '../domain/types.js';
import type { GatewayError } from '../elevenlabs/port.js';
import type { Log } from '../log.js';
import type { Store } from '../store/port.js';
import { checkIdentity } from './identity.js';
import { deferred } from './keyed-locks.js';
import type { WorkspaceGateway } from '../elevenlabs/port.js';

/**
 * - `starting`: the key has not been checked yet.
 * - `keyRejected`: no call can work; grants are not accepted, the agenda is kept.
 * - `otherWorkspace`: key and database do not belong together; only a restart helps.
 */
export type Phase = 'starting' | 'serving' | 'keyRejected' | 'otherWorkspace' | 'stopping';

export interface ConnectionOptions {
  readonly store: Store;
  readonly gateway: WorkspaceGateway;
  readonly clock: Clock;
  readonly log: Log;
  readonly workspaceName: string | null;
  readonly retryDelay: (attempts: number) => number;
  /** The key is good: what has to be done before work begins. */
  readonly onVerified: (keyUser: MemberId | null) => Promise<void>;
  readonly onServing: () => void;
  readonly onLost: () => void;
  /** The key is rejected: now, at the start, or still. */
  readonly onRejected: (reason: string) => void;
  readonly onOtherWorkspace: (pinned: string, found: string) => void;
}

/** A key that is not accepted, or a workspace that cannot be reached, is tried about once a minute. */
const MAX_DOUBLINGS = 6;

export class Connection {
  readonly #options: ConnectionOptions;
  #phase: Phase = 'starting';
  #error: string | null = null;
  #connecting: Promise<void> = Promise.resolve();
  #wake: () => void = () => undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get error(): string | null {
    return this.#error;
  }

  start(): void {
    this.#connecting = this.#connect(0);
  }

  /** Nothing more is begun; resolves when the attempt under way has ended. */
  stop(): Promise<void> {
    this.#phase = 'stopping';
    this.#wake();
    return this.#connecting;
  }

  /** Some call was answered "invalid key". */
  keyRejected(error: GatewayError): void {
    if (this.#phase !== 'serving') return;
    this.#rejected(error);
    this.#options.onLost();
    this.#connecting = this.#sleep(0).then(() => this.#connect(1));
  }

  async #connect(firstAttempt: number): Promise<void> {
    const { log, onVerified, onServing } = this.#options;
    for (let attempts = firstAttempt; this.#isConnecting(); attempts++) {
      try {
        const verified = await this.#check();
        if (verified !== null) {
          await onVerified(verified.userId);
          if (!this.#isConnecting()) return;
          this.#phase = 'serving';
          this.#error = null;
          log.info('connected to the workspace');
          onServing();
          return;
        }
      } catch (error) {
        log.error({ err: error }, 'the API key could not be checked');
      }
      if (this.#isConnecting()) await this.#sleep(attempts);
    }
  }

  /** Neither at its end nor in vain. */
  #isConnecting(): boolean {
    return this.#phase === 'starting' || this.#phase === 'keyRejected';
  }

  async #check(): Promise<{ readonly userId: MemberId | null } | null> {
    const { store, gateway, log, onOtherWorkspace, workspaceName } = this.#options;
    const check = await checkIdentity(gateway, store, workspaceName);
    if (!this.#isConnecting()) return null;
    switch (check.kind) {
      case 'ours':
        return { userId: check.userId };
      case 'otherWorkspace':
        this.#phase = 'otherWorkspace';
        this.#error = 'the API key belongs to another workspace than the database';
        onOtherWorkspace(check.pinned, check.found);
        return null;
      case 'keyRejected':
        this.#rejected(check.error);
        return null;
      case 'failed':
        this.#error = check.error.message;
        log.warn({ reason: check.error.message }, 'the workspace cannot be reached');
        return null;
    }
  }

  /** The alert is the line in the log; what stays as it was is one at debug level only. */
  #rejected({ message }: GatewayError): void {
    if (this.#phase === 'keyRejected')
      this.#options.log.debug({ reason: message }, 'ElevenLabs still rejects the API key');
    this.#phase = 'keyRejected';
    this.#error = message;
    this.#options.onRejected(message);
  }

  /** A stop ends it early. */
  async #sleep(attempts: number): Promise<void> {
    const { clock, retryDelay } = this.#options;
    const { promise, resolve } = deferred();
    const cancel = clock.after(retryDelay(Math.min(attempts, MAX_DOUBLINGS)), resolve);
    this.#wake = resolve;
    await promise;
    cancel();
  }
}
