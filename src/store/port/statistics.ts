/** Counters and lists for the page and the metrics. */
import type { DriftKind } from '../../domain/drift.js';
import type { LinkStatus, Millis, UserStatus } from '../../domain/types.js';
import type { CallName } from '../../domain/upstream-calls.js';
import type { Subject } from './work.js';

/** How often something happened in one hour (hours since the epoch). */
export interface HourlyCount {
  readonly hour: number;
  readonly name: string;
  readonly count: number;
}

/** A call upstream that belongs to no change: a reading, or a check of the key. */
export interface ReadingCall {
  readonly endpoint: CallName;
  readonly startedAt: Millis;
  readonly latencyMs: number;
  readonly outcome: string;
  readonly status: number | null;
  readonly requestId: string | null;
  readonly error: string | null;
}

export interface ReadingCallRow extends ReadingCall {
  readonly id: number;
}

/** Counts for the page and the metrics. Statuses and states that nobody has are absent. */
export interface Numbers {
  readonly users: Readonly<Partial<Record<UserStatus, number>>>;
  readonly groups: Readonly<Partial<Record<LinkStatus, number>>>;
  readonly invites: Readonly<Record<string, number>>;
  /** Members of the workspace as last read. */
  readonly members: number;
  /** Changes that have not come to an end; `refused` are those still to be tried again. */
  readonly open: Readonly<Record<'planned' | 'sending' | 'ambiguous' | 'held' | 'refused', number>>;
  /** Since when the oldest change waits, held and refused ones apart. */
  readonly oldestOpenAt: Millis | null;
  readonly oldestHeldAt: Millis | null;
  readonly agenda: number;
  readonly oldestDueAt: Millis | null;
  readonly driftOpen: number;
  /** Of these: users whose member several may be. */
  readonly ambiguousMembers: number;
  /** Size of the database. */
  readonly bytes: number;
}

/** A request of an IdP that was answered with an error. */
export interface RefusedRequest {
  readonly requestId: string;
  readonly at: Millis;
  readonly method: string;
  readonly template: string | null;
  readonly status: number;
  readonly tokenLabel: string | null;
  /** What the IdP was told. */
  readonly detail: string;
  /** Id, names and addresses that the request named. */
  readonly about: readonly string[];
}

/** Something in the workspace that is not as it was once settled. */
export interface DriftRow {
  readonly id: number;
  readonly subject: Subject;
  readonly kind: DriftKind;
  readonly detail: string;
  readonly foundAt: Millis;
  readonly endedAt: Millis | null;
  readonly outcome: string | null;
}

export interface StatisticsStore {
  /** Adds to the counters of their hours. */
  addHourly(counts: readonly HourlyCount[]): Promise<void>;
  hourly(sinceHour: number): Promise<readonly HourlyCount[]>;
  /** Writes calls down, and drops older ones: at most `rows` stay, and none from before `since`. */
  addReadingCalls(
    calls: readonly ReadingCall[],
    keep: { readonly rows: number; readonly since: Millis },
  ): Promise<void>;
  /** Newest first. */
  readingCalls(limit: number): Promise<readonly ReadingCallRow[]>;
  /** As `addReadingCalls`. */
  addRefusedRequests(
    requests: readonly RefusedRequest[],
    keep: { readonly rows: number; readonly since: Millis },
  ): Promise<void>;
  /** Newest first: those that named any of these words (in any case), or all since a time;
   * or, in their order, those of one request; `standing`: without those about users whom the IdP has written since. */
  refusedRequests(
    query: { readonly limit: number } & (
      | { readonly requestId: string }
      | { readonly about: readonly string[] }
      | { readonly since: Millis; readonly standing?: boolean }
    ),
  ): Promise<readonly RefusedRequest[]>;
  numbers(): Promise<Numbers>;
  /** Open, or ended drift; newest first. */
  drift(query: { readonly open: boolean; readonly limit: number }): Promise<readonly DriftRow[]>;
}
