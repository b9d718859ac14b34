/** The agenda, the ledger and what the engine writes down about its runs. */
import type { DriftItem } from '../../domain/drift.js';
import type { GivenShare, Person, WantedShare } from '../../domain/person.js';
import type { CausingAttribute, PlannedChange } from '../../domain/plan.js';
import type { LimitUse, LimitWindows } from '../../domain/policies/people-limit.js';
import type { PolicyNote } from '../../domain/policies/policy.js';
import type { SeatDemand } from '../../domain/policies/seat-budget.js';
import type { Change, LedgerState, Millis, SeatType, ShareRole, UserId } from '../../domain/types.js';
import type { CallName } from '../../domain/upstream-calls.js';
import type { WriteContext } from './directory.js';

/** `user:<UserId>` or `group:<GroupId>` or `mapping`: whose plan is to be computed. */
export type Subject = string;

export interface AgendaEntry {
  readonly subject: Subject;
  readonly priority: number;
  readonly dueAt: Millis;
  /** Consecutive transient failures. */
  readonly attempts: number;
  /** Moves with every new cause: `settle` and `postpone` of an older generation change nothing. */
  readonly generation: number;
  /** Request id of the last cause. */
  readonly cause: string | null;
}

/** What the planner needs for shares that hang on a group or on the mapping file. */
export interface ShareSubject {
  readonly subject: Subject;
  /** Wanted shares for which this subject has to see to it, by `type:id principal`. */
  readonly wanted: ReadonlyMap<string, WantedShare & { readonly principal: string }>;
  readonly given: ReadonlyMap<string, GivenShare & { readonly principal: string }>;
  /** Roles of the same principals according to the last `resources.get` and our own calls. */
  readonly held: ReadonlyMap<string, ShareRole>;
  readonly refused: Person['refused'];
  /** Nothing was left to do when the same was wanted before: what is planned now repairs what a hand changed. */
  readonly isConverged: boolean;
  /** Changes, by changeKey, that were refused or released before: to try them again is no repair. */
  readonly known: ReadonlySet<string>;
}

/** One row of the ledger. */
export interface LedgerRow {
  readonly id: number;
  readonly subject: Subject;
  readonly change: Change;
  readonly changeKey: string;
  readonly why: string;
  readonly state: LedgerState;
  readonly cause: string | null;
  readonly attempts: number;
  readonly upstreamStatus: number | null;
  readonly upstreamRequestId: string | null;
  readonly latencyMs: number | null;
  readonly errorCode: string | null;
  readonly error: string | null;
  readonly retryAt: Millis | null;
  readonly createdAt: Millis;
  readonly sentAt: Millis | null;
  readonly endedAt: Millis | null;
}

/** Which held changes: of one subject, of these rows, or all. */
export interface HeldFilter {
  readonly subject?: Subject;
  readonly ids?: readonly number[];
}

/** Who decided, for the audit log. */
export type Writer = Pick<WriteContext, 'actor' | 'requestId'>;

/** What limits look at. */
export interface LimitInputs {
  readonly windows: LimitWindows;
  /** Seats that calls under way take are in use. */
  readonly seats: SeatDemand;
}

/** What came back from one call. */
export interface CallResult {
  /** Where it is not the usual call for such a change. */
  readonly endpoint?: CallName;
  readonly startedAt: Millis;
  readonly latencyMs: number;
  readonly status: number | null;
  readonly requestId: string | null;
}

export interface CallFailure extends CallResult {
  readonly code: string | null;
  readonly error: string;
}

/** How a sent change ended. Each has its effect on mirror, links and invites in the same transaction. */
export type Outcome =
  /** The answer was yes, or a reading showed that the end is there. Mirror, link, invite and `given` follow. */
  | {
      readonly kind: 'done';
      readonly call: CallResult;
      /** The end was there before any call of ours: the bridge gave nothing, and may take nothing away. */
      readonly found?: boolean;
    }
  /** Will be tried again: the row goes back to `planned`. Nothing was applied, or it does not matter. */
  | {
      readonly kind: 'transient';
      readonly call: CallFailure;
      /** The call may have been applied. */
      readonly isUnsure?: boolean;
    }
  /** The call may have been applied and must not simply be repeated (invite). */
  | { readonly kind: 'ambiguous'; readonly call: CallFailure }
  /** Refused for good. Not planned again before `retryAt`. */
  | {
      readonly kind: 'refused';
      readonly call: CallFailure;
      readonly retryAt: Millis;
      /** No call was made: it was known that it would be refused. */
      readonly foreseen?: boolean;
    };

/** The restore of design section 3: which write, and which attribute it must give back. */
export interface Revert {
  readonly userId: UserId;
  /** The version that the refused write made. */
  readonly version: number;
  readonly attribute: CausingAttribute;
}

/** What a plan says, for the ledger. */
export interface RecordedPlan {
  readonly changes: readonly PlannedChange[];
  readonly held: readonly PlannedChange[];
  readonly send: PlannedChange | null;
  /** What `send` costs the limits. */
  readonly uses?: readonly LimitUse[];
  readonly cause: string | null;
  /** Why what is held or waits does so: shown as the error of its row. */
  readonly notes?: readonly PolicyNote[];
  /** What was found otherwise than it was once settled; absent = leave the list as it is. */
  readonly drift?: readonly DriftItem[];
  /** Refusals, by changeKey, that do not matter any more. */
  readonly pointless?: readonly string[];
}

/** What a run leaves behind when nothing is left to do now. */
export interface SettledPlan {
  /** The plan as it stands, with nothing of it sent: written down first. */
  readonly plan?: RecordedPlan;
  /** It was empty: whatever is planned next without a fresh cause repairs what was changed by hand. */
  readonly converged?: boolean;
}

export interface WorkStore {
  /** Due entries, most urgent first: priority, then due time. `skip` = subjects in work. */
  due(limit: number, skip: ReadonlySet<Subject>): Promise<readonly AgendaEntry[]>;
  /** When the next entry not in `skip` falls due; null = never. */
  nextDueAt(skip: ReadonlySet<Subject>): Promise<Millis | null>;
  /** Puts subjects on the agenda (or brings them forward) for a cause that is no SCIM write. */
  schedule(subjects: readonly Subject[], cause: string, priority: number, dueAt: Millis): Promise<void>;
  /** Null: no such user, not even a tombstone. */
  person(userId: UserId): Promise<Person | null>;
  shareSubject(subject: Subject): Promise<ShareSubject | null>;
  /**
   * Makes the ledger say what the plan says: new rows for changes that have none, `superseded` for
   * planned and held rows that the plan lacks. `held` changes get or keep the state held. If
   * `send` is given, that change becomes `sending` (and its invite row with it), what it costs the limits
   * is reserved, and its row is returned. Null: there is nothing to send, or it may not be sent any more (a limit
   * has no place for it, it would take the last administrator away); then it stays planned.
   */
  record(subject: Subject, plan: RecordedPlan): Promise<LedgerRow | null>;
  /** Ends a call. `revert` (only with `refused`) restores the directory in the same transaction, and answers whether it could. */
  finish(ledgerId: number, outcome: Outcome, revert: Revert | null): Promise<{ readonly reverted: boolean }>;
  /**
   * Nothing is left to do now for this generation: the entry goes, status columns follow. Later
   * work (TTL, retry) may set a new due time.
   */
  settle(entry: AgendaEntry, next: { readonly dueAt: Millis } | null, end?: SettledPlan): Promise<void>;
  /** Transient fault: try again at `dueAt`. `withdraws`: something is to be taken away. */
  postpone(entry: AgendaEntry, dueAt: Millis, error: string, withdraws?: boolean): Promise<void>;
  /** The workspace answers again: what takes something away and was put off is due now; answers how many. */
  hurryWithdrawals(): Promise<number>;
  /**
   * What is still to be done for one subject, or for one cause: entries due now, and entries that
   * were postponed after a transient fault. Entries that only wait for a TTL or a retry do not count.
   */
  progress(
    query: { readonly subject: Subject } | { readonly cause: string },
  ): Promise<{ readonly due: number; readonly postponed: number }>;
  /**
   * A new reason to try refused changes again (a seat was freed, an administrator's word): they
   * may be planned from now on, and their subjects go on the agenda, due now, priority 2.
   */
  retryRefused(ledgerIds: readonly number[], cause: string): Promise<void>;
  /** Held changes go when their turn comes, whatever limit held them; answers how many. Audited. */
  releaseHeld(filter: HeldFilter, writer: Writer): Promise<number>;
  /** Held changes are not planned again before the IdP next writes the user; answers how many. Audited. */
  dropHeld(filter: HeldFilter, writer: Writer): Promise<number>;
  /** What has been counted of these uses; nothing is spent by asking. */
  limitInputs(uses: readonly LimitUse[]): Promise<LimitInputs>;
  /** Writes down for how long this database has been served. Once a minute. */
  keepServingTime(): Promise<void>;
  /** Puts everybody on the agenda who has planned changes or may have some: rules changed, a dry run ended. */
  scheduleEverybody(cause: string): Promise<number>;
  /** Puts those on the agenda whose changes wait for this policy. */
  scheduleWaiting(policy: PolicyNote['policy'], cause: string): Promise<number>;
  /** Invites of this seat and limit that wait for company, with the agenda entry of each; the oldest first. */
  waitingInvites(query: {
    readonly seatType: SeatType;
    readonly usageLimit: number | null;
    readonly limit: number;
  }): Promise<
    readonly {
      readonly entry: AgendaEntry;
      readonly change: Extract<Change, { readonly kind: 'invite' }>;
      readonly why: string;
    }[]
  >;
  /** The wall clock was set back by `ms`: what waits for a time waits no longer for it. */
  clockSetBack(ms: Millis): Promise<void>;
  /** At start: rows in `sending` are of a dead process. Invites become ambiguous, the rest is planned again. */
  recover(): Promise<{ readonly ambiguous: number; readonly replanned: number }>;
  ledger(query: {
    readonly subject?: Subject;
    readonly cause?: string;
    readonly states?: readonly LedgerState[];
    readonly limit: number;
    readonly beforeId?: number;
  }): Promise<readonly LedgerRow[]>;
  counts(): Promise<{
    readonly agenda: number;
    readonly oldestDueAt: Millis | null;
    readonly ledger: Readonly<Record<LedgerState, number>>;
    readonly invites: Readonly<Record<string, number>>;
  }>;
}
