/** What the command line and the admin page look at; nothing of it is needed to provision. */
import type { UnlinkedGroup } from '../../domain/explanation.js';
import type {
  Address,
  GroupId,
  LinkStatus,
  LinkTrouble,
  MemberId,
  Millis,
  UserId,
  UserStatus,
  WorkspaceGroupId,
} from '../../domain/types.js';
import type { CallName } from '../../domain/upstream-calls.js';
import type { AuditRow } from './operations.js';
import type { RefusedRequest } from './statistics.js';
import type { LedgerRow, Subject } from './work.js';

/** A user as people name it; tombstones too. */
export interface PersonRef {
  readonly id: UserId;
  readonly userName: string;
  readonly address: Address | null;
  readonly managed: boolean;
  readonly status: UserStatus;
  readonly memberId: MemberId | null;
  readonly deletedAt: Millis | null;
}

export interface InviteRecord {
  readonly id: number;
  readonly userId: UserId;
  readonly userName: string;
  readonly address: Address;
  readonly seatType: string;
  readonly usageLimit: number | null;
  readonly state: string;
  /** Calls whose answer was yes or unknown. */
  readonly sends: number;
  readonly round: number;
  readonly sentAt: Millis | null;
  readonly endedAt: Millis | null;
  readonly memberId: MemberId | null;
}

/** A SCIM group and its link. */
export interface LinkRecord {
  readonly id: GroupId;
  readonly displayName: string;
  readonly managed: boolean;
  readonly linkStatus: LinkStatus;
  readonly trouble: LinkTrouble | null;
  readonly linkSource: string | null;
  readonly groupId: WorkspaceGroupId | null;
  readonly groupName: string | null;
  readonly members: number;
}

/** One call upstream, as table upstream_calls has it. */
export interface CallRow {
  readonly id: number;
  readonly ledgerId: number;
  readonly endpoint: CallName;
  readonly startedAt: Millis;
  readonly latencyMs: number | null;
  readonly outcome: string;
  readonly status: number | null;
  readonly requestId: string | null;
  readonly error: string | null;
}

export type TraceQuery =
  | { readonly userId: UserId; readonly limit: number }
  /** Of a SCIM request, a sync or a command; or of ElevenLabs. */
  | { readonly requestId: string; readonly limit: number };

/** One cause (IdP request, sync, command) and everything that followed from it. */
export interface TraceCause {
  readonly cause: string | null;
  readonly at: Millis;
  readonly audit: readonly AuditRow[];
  readonly changes: readonly { readonly row: LedgerRow; readonly calls: readonly CallRow[] }[];
}

/** Oldest first. */
export interface Trace {
  readonly causes: readonly TraceCause[];
}

/** Somebody whose access the IdP took away, and what became of it. */
export interface Leaver {
  readonly userId: string;
  readonly userName: string | null;
  readonly address: Address | null;
  readonly disabledAt: Millis;
  readonly deletedAt: Millis | null;
  /** When the IdP gave the access back. */
  readonly restoredAt: Millis | null;
  readonly by: string;
  readonly requestId: string | null;
  readonly outcome:
    'locked' | 'inviteRevoked' | 'lockedBefore' | 'noAccess' | 'pending' | 'held' | 'dropped' | 'failed';
  /** When ElevenLabs confirmed the lock or the revocation. */
  readonly accessEndedAt: Millis | null;
  readonly upstreamStatus: number | null;
  readonly upstreamRequestId: string | null;
  /** The last reading of the members, where it showed the member locked. */
  readonly seenLockedAt: Millis | null;
  readonly error: string | null;
}

/** What explains a person and stands in no plan. */
export interface BesideThePlan {
  /** Groups that the person is in and that stand for no workspace group. */
  readonly unlinked: readonly UnlinkedGroup[];
  /** The last request about the person that was refused; null: none since the IdP last wrote the person. */
  readonly refusedRequest: RefusedRequest | null;
}

export interface InspectionStore {
  /** By id, user name or any address; live users first. */
  findPeople(text: string): Promise<readonly PersonRef[]>;
  peopleOf(subjects: readonly Subject[]): Promise<ReadonlyMap<Subject, PersonRef>>;
  /** Whoever may have a plan. */
  planSubjects(): Promise<readonly Subject[]>;
  invites(query: {
    readonly open: boolean;
    readonly userId?: UserId;
    readonly limit: number;
  }): Promise<readonly InviteRecord[]>;
  besideThePlan(id: UserId): Promise<BesideThePlan>;
  links(): Promise<readonly LinkRecord[]>;
  trace(query: TraceQuery): Promise<Trace>;
  leavers(query: { readonly since: Millis; readonly until: Millis }): Promise<readonly Leaver[]>;
}
