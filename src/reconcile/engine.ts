/** What one run of one subject needs of the engine around it. */
import type { Clock } from '../clock.js';
import type { Person } from '../domain/person.js';
import type { Rules } from '../domain/rules.js';
import type { Change } from '../domain/types.js';
import type { GatewayError, WorkspaceGateway } from '../elevenlabs/port.js';
import type { Log } from '../log.js';
import type { LedgerRow, Store, Subject } from '../store/port.js';
import type { Company } from './company.js';
import type { Guards } from './guards.js';
import type { KeyedLocks } from './keyed-locks.js';
import type { CallTag } from './limited-gateway.js';
import type { Limiter } from './limiter.js';
import type { Readings } from './readings.js';
import type { ResourceReadings } from './resource-readings.js';
import type { Waiters } from './waiters.js';

export interface Engine {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly readings: Readings;
  readonly resources: ResourceReadings;
  readonly locks: KeyedLocks;
  readonly waiters: Waiters;
  readonly guards: Guards;
  readonly company: Company;
  /** Keeps the dispatcher away from these subjects, those apart that are in work; answers which. */
  readonly claim: (subjects: readonly Subject[]) => ReadonlySet<Subject>;
  readonly release: (subjects: readonly Subject[]) => void;
  readonly rules: () => Rules;
  /** The gate for all calls: what is sent is decided inside it, when its turn has come. */
  readonly limiter: Pick<Limiter, 'run'>;
  /** The workspace itself, for use inside the limiter; calls are told to the observer. */
  readonly gateway: (priority: number, tag: CallTag) => WorkspaceGateway;
  /** The workspace behind the limiter. */
  readonly reader: WorkspaceGateway;
  /** Jittered milliseconds after so many consecutive failures. */
  readonly retryDelay: (attempts: number) => number;
  /** No request waits for its effects, so that even those of requests may wait for each other. */
  readonly nobodyWaits: boolean;
  readonly isStopping: () => boolean;
  /** How many seats have come free since the start. */
  readonly seatsFreed: () => number;
  readonly onKeyRejected: (error: GatewayError) => void;
  /** A change was made, or may have been: seats may be free, an invite may be out. */
  readonly onDone: (change: Change, subject: Subject) => void;
  /** A withdrawal that ElevenLabs rejects for certain; `what` and `why` are words for people. */
  readonly onRejectedWithdrawal: (row: LedgerRow, what: string, why: string) => void;
  /** A call was not let out, because the workspace fails. */
  readonly onBlocked: () => void;
  /** A call whose answer was lost and that is not simply repeated. */
  readonly onAmbiguous: (change: Change, person: Person | null) => void;
}

/** How long a refusal is remembered when nothing new happens. */
export const REFUSAL_MS = 86_400_000;
