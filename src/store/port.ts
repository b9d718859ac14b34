/**
 * The store as everything else sees it: coarse methods, each one transaction, durable when its
 * Promise resolves. No database type appears here. The contract test suite (test/store/) runs
 * against every implementation.
 *
 * Callbacks given to a method run inside its transaction: they are pure and synchronous, and what
 * they throw rolls everything back and is rethrown as it is.
 *
 * Every method may reject with ScimError 503 when the database is busy, full or read-only; then
 * nothing was changed.
 */
import type { StandingShare, UnlinkedGroup } from '../domain/explain.js';
import type { Filter, AttributePath } from '../domain/filter.js';
import type { DriftItem } from '../domain/drift.js';
import type { GivenShare, Person, WantedShare } from '../domain/person.js';
import type { CausingAttribute, PlannedChange } from '../domain/plan.js';
import type { PolicyNote } from '../domain/policies/policy.js';
import type { SeatUsage } from '../domain/policies/seat-budget.js';
import type {
  Address,
  Change,
  Document,
  GroupId,
  LedgerState,
  LinkStatus,
  MemberId,
  Millis,
  Principal,
  ResourceRef,
  SeatType,
  ShareRole,
  UserId,
  UserOrigin,
  UserStatus,
  WorkspaceGroup,
  WorkspaceGroupId,
  WorkspaceMember,
} from '../domain/types.js';
import type { CallName } from '../domain/upstream-calls.js';

// Directory -----------------------------------------------------------------------------------------

/** A live SCIM user. */
export interface UserRecord {
  readonly id: UserId;
  /** Position in the stable list order. */
  readonly seq: number;
  readonly document: Document;
  /** Moves exactly when `document` changes. */
  readonly version: number;
  readonly createdAt: Millis;
  readonly modifiedAt: Millis;
  readonly managed: boolean;
  readonly address: Address | null;
  /** Direct groups, for the readOnly `groups` attribute. */
  readonly groups: readonly { readonly id: GroupId; readonly displayName: string }[];
  /** displayName of the user named by `manager.value`; null where there is none. */
  readonly managerName: string | null;
  /** The readOnly attributes of the bridge's User extension. */
  readonly bridge: {
    readonly status: UserStatus;
    readonly memberId: MemberId | null;
    readonly origin: UserOrigin;
    readonly invitedAt: Millis | null;
    readonly acceptedAt: Millis | null;
    readonly pendingChanges: number;
    readonly lastError: string | null;
  };
}

/** A SCIM group. `members` is null where it was not asked for. */
export interface GroupRecord {
  readonly id: GroupId;
  readonly seq: number;
  readonly document: Document;
  /** Moves when `document` or the member set changes. */
  readonly version: number;
  readonly createdAt: Millis;
  readonly modifiedAt: Millis;
  readonly managed: boolean;
  readonly members: readonly MemberRecord[] | null;
  readonly bridge: { readonly groupId: WorkspaceGroupId | null; readonly linkStatus: LinkStatus };
}

export interface MemberRecord {
  readonly userId: UserId;
  /** displayName, else userName. */
  readonly display: string;
}

export interface ListQuery {
  readonly filter: Filter | null;
  readonly sortBy: AttributePath | null;
  readonly sortOrder: 'ascending' | 'descending';
  /** 1-based. */
  readonly startIndex: number;
  /** 0 or more; the caller has clamped it. */
  readonly count: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Matches in all, whatever the page. */
  readonly total: number;
}

/** Who writes, and how urgent the effects are. */
export interface WriteContext {
  readonly requestId: string;
  /** `token:<label>`, `admin`, `cli`, `bridge`. */
  readonly actor: string;
  readonly tokenId: string | null;
  /** The request waits for its effects: they go before background work. */
  readonly interactive: boolean;
  /** Versions that `If-Match` allows; null = any. A mismatch is ScimError 412. */
  readonly ifMatch: readonly number[] | null;
}

export interface Written<T> {
  readonly record: T;
  /** False: the write asked for what was there already; nothing was stored, no version moved. */
  readonly changed: boolean;
}

/** A change of a member set. `replace` is the full list. Unknown ids are ScimError 400 naming them. */
export type MemberOp =
  | { readonly kind: 'add' | 'remove' | 'replace'; readonly userIds: readonly string[] }
  /** Removes the members for which the predicate holds (odd filters; linear in the group). */
  | { readonly kind: 'removeWhere'; readonly test: (member: MemberRecord) => boolean };

export interface GroupChange {
  readonly document: (current: Document) => Document;
  /** Applied in order. `remove` of an absent or unknown member is no error. */
  readonly members: readonly MemberOp[];
}

/**
 * Users and groups as IdPs write them. Refuses before the commit what design section 3 lists
 * (uniqueness, protected, read-only group, missing address, inviteOnly), by ScimError.
 * A write that is a new cause puts its users on the agenda in the same transaction.
 */
export interface DirectoryStore {
  getUser(id: string): Promise<UserRecord | null>;
  listUsers(query: ListQuery): Promise<Page<UserRecord>>;
  /**
   * Creates a user, or takes over the unmanaged imported one of the same userName or address
   * (then `tookOver`, same id). A member of that address is adopted: linked, not invited.
   */
  createUser(document: Document, context: WriteContext): Promise<Written<UserRecord> & { readonly tookOver: boolean }>;
  /** `change` gets the current document and returns the next. 404 where there is no live user. */
  updateUser(id: string, change: (current: Document) => Document, context: WriteContext): Promise<Written<UserRecord>>;
  /** Leaves a tombstone where the workspace still has to be tidied or the address watched. */
  deleteUser(id: string, context: WriteContext): Promise<void>;

  getGroup(id: string, options: { readonly members: boolean }): Promise<GroupRecord | null>;
  listGroups(query: ListQuery, options: { readonly members: boolean }): Promise<Page<GroupRecord>>;
  createGroup(
    document: Document,
    members: readonly string[],
    context: WriteContext,
  ): Promise<Written<GroupRecord> & { readonly tookOver: boolean }>;
  /** The record comes without members unless `options.members`. */
  updateGroup(
    id: string,
    change: GroupChange,
    context: WriteContext,
    options: { readonly members: boolean },
  ): Promise<Written<GroupRecord>>;
  deleteGroup(id: string, context: WriteContext): Promise<void>;

  /** Links a group by hand (admin page, CLI); null unlinks. */
  linkGroup(id: string, workspaceGroupId: WorkspaceGroupId | null, context: WriteContext): Promise<GroupRecord>;
  /** Hands the member over to the address that the IdP says by now; 400 where there is nothing to hand over. */
  handoverUser(id: string, context: WriteContext): Promise<UserRecord>;
  /** Ends the management of one user; nothing upstream changes. */
  releaseUser(id: string, context: WriteContext): Promise<UserRecord>;
}

// Work ----------------------------------------------------------------------------------------------

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

export interface Census {
  /** Members that some IdP manages; those deleted within the hour included. */
  readonly managedMembers: number;
  readonly groupSizes: ReadonlyMap<WorkspaceGroupId, number>;
  readonly seats: SeatUsage;
}

/** A call that counts for the limits. */
export interface PastChange {
  readonly subject: Subject;
  readonly change: Change;
  readonly sentAt: Millis;
  /** An invite that was not the first one of its kind: sent again after INVITE_TTL_DAYS. */
  readonly isRepeat: boolean;
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
  | { readonly kind: 'transient'; readonly call: CallFailure }
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
   * `send` is given, that change becomes `sending` (and its invite row with it) and its row is returned.
   */
  record(subject: Subject, plan: RecordedPlan): Promise<LedgerRow | null>;
  /** Ends a call. `revert` (only with `refused`) restores the directory in the same transaction, and answers whether it could. */
  finish(ledgerId: number, outcome: Outcome, revert: Revert | null): Promise<{ readonly reverted: boolean }>;
  /**
   * Nothing is left to do now for this generation: the entry goes, status columns follow. Later
   * work (TTL, retry) may set a new due time.
   */
  settle(entry: AgendaEntry, next: { readonly dueAt: Millis } | null, end?: SettledPlan): Promise<void>;
  /** Transient fault: try again at `dueAt`. */
  postpone(entry: AgendaEntry, dueAt: Millis, error: string): Promise<void>;
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
  /** Numbers that limits are percentages of; `groupIds`: whose sizes are asked for. */
  census(groupIds: readonly WorkspaceGroupId[]): Promise<Census>;
  /** Calls that went out since then, and those whose answer is not known; oldest first. */
  pastChanges(since: Millis): Promise<readonly PastChange[]>;
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

// Workspace -----------------------------------------------------------------------------------------

export interface Reading {
  readonly startedAt: Millis;
  readonly members: readonly WorkspaceMember[] | null;
  readonly groups: readonly WorkspaceGroup[] | null;
  /** The groups were found by name because the key may not list them: one that is absent has not gone. */
  readonly groupsPartial?: boolean;
}

export interface ReadingEffect {
  /** Subjects put on the agenda because something about them changed. */
  readonly scheduled: number;
  readonly accepted: readonly { readonly userId: UserId; readonly address: Address }[];
  readonly imported: number;
  readonly membersChanged: number;
  readonly groupsChanged: number;
}

export interface MemberCounts {
  readonly members: number;
  /** Not locked, on whatever seat. */
  readonly seated: number;
  /** Of these, not on a Basic seat. */
  readonly fullSeats: number;
}

export interface WorkspaceStore {
  /** The mirror; empty before the first reading. */
  members(): Promise<readonly WorkspaceMember[]>;
  owner(): Promise<WorkspaceMember | null>;
  memberCounts(): Promise<MemberCounts>;
  groups(): Promise<readonly WorkspaceGroup[]>;
  memberByAddress(address: Address): Promise<WorkspaceMember | null>;
  member(memberId: MemberId): Promise<WorkspaceMember | null>;
  /**
   * Takes over a reading that was judged believable: mirror, acceptance, adoption, removal,
   * import, group links, watches; whoever is concerned goes on the agenda. Rows that the bridge
   * itself wrote after `startedAt` are left alone. Writes nothing where nothing changed.
   */
  applyReading(reading: Reading, cause: string): Promise<ReadingEffect>;
  /** When the last applied reading of the members began. */
  membersReadAt(): Promise<Millis | null>;
  /** Members cannot be listed: invitees are put on the agenda, so that what they are to have is tried. */
  scheduleTries(cause: string): Promise<number>;
  /** Invites that wait for acceptance: how many, and when the youngest was sent. */
  openInvites(): Promise<{ readonly count: number; readonly youngestSentAt: Millis | null }>;
}

// Shares --------------------------------------------------------------------------------------------

/** One `resources.get`. */
export interface ResourceReading {
  readonly resource: ResourceRef;
  readonly startedAt: Millis;
  /** Null: it could not be read, and `error` says why. */
  readonly found: {
    readonly name: string | null;
    readonly creator: MemberId | null;
    /** Id of the principal as ElevenLabs names it -> slots. */
    readonly roles: ReadonlyMap<string, readonly string[]>;
  } | null;
  readonly error: string | null;
}

/** A resource as last read, and as our own calls have left it since. */
export interface ResourceFacts {
  readonly resource: ResourceRef;
  readonly name: string | null;
  readonly creator: MemberId | null;
  readonly readAt: Millis;
  readonly error: string | null;
  /** By principal key (`other:<id>` where the id is nobody's known here); a role, or a custom slot. */
  readonly holders: ReadonlyMap<string, string>;
}

/** One principal on one resource: who should have what, who has what, who gave it. */
export interface ShareState {
  readonly resource: ResourceRef;
  readonly principal: string;
  /** For people: an address, the name of a group. */
  readonly name: string;
  readonly subject: Subject | null;
  readonly wanted: WantedShare | null;
  readonly given: GivenShare | null;
  /** Null: none, or unknown where the resource was never read. */
  readonly held: string | null;
  /** Why a change about it was refused. */
  readonly refused: string | null;
}

/** Everything about shares, for the report. */
export interface ShareOverview {
  readonly resources: readonly ResourceFacts[];
  readonly shares: readonly ShareState[];
  /** Rules that can have no effect now, in words. */
  readonly idle: readonly string[];
}

export interface ShareStore {
  /**
   * Takes over a reading of one resource: holders, shares that have gone or that prove to be ours.
   * Subjects concerned go on the agenda, but for `except`, whose plan is under way.
   */
  applyResource(
    reading: ResourceReading,
    options: { readonly cause: string; readonly except: Subject | null },
  ): Promise<void>;
  resource(resource: ResourceRef): Promise<ResourceFacts | null>;
  /** The resources that some rule names or on which the bridge gave something; forgets the others. */
  managedResources(): Promise<readonly ResourceRef[]>;
  /** Puts the mapping file on the agenda: whether its shares are as it says is seen at each full sync. */
  scheduleShares(cause: string): Promise<void>;
  /**
   * By which id `resources.get` names the baseline or a key: learnt, since it is documented nowhere.
   * `before`: the slots it turns out to have had on a resource that has just been shared with it.
   */
  learnPrincipal(
    principal: Principal,
    id: string,
    before: { readonly resource: ResourceRef; readonly slots: readonly string[] },
  ): Promise<void>;
  knowsPrincipal(principal: Principal): Promise<boolean>;
  shareOverview(): Promise<ShareOverview>;
  /** What reaches a user through workspace groups and the baseline of all members. */
  standingShares(userId: UserId): Promise<readonly StandingShare[]>;
}

// Operations ----------------------------------------------------------------------------------------

export interface TokenRecord {
  readonly id: string;
  readonly kind: 'scim' | 'admin' | 'oauthClient';
  readonly label: string;
  readonly scopes: readonly string[];
  /** OAuth clients: the secrets of one client share it. */
  readonly clientId: string | null;
  readonly createdAt: Millis;
  readonly expiresAt: Millis | null;
  readonly revokedAt: Millis | null;
  readonly lastUsedAt: Millis | null;
}

export interface TokenStore {
  /** By SHA-256 of the secret, hex. Never filters by expiry: the caller decides and explains. */
  findToken(hash: string): Promise<TokenRecord | null>;
  addToken(
    token: Omit<TokenRecord, 'createdAt' | 'lastUsedAt' | 'revokedAt'> & { readonly hash: string },
    actor: string,
  ): Promise<TokenRecord>;
  revokeToken(id: string, actor: string): Promise<boolean>;
  /** Sets the end of a token that is not revoked: for a rotation with overlap. */
  expireToken(id: string, at: Millis, actor: string): Promise<boolean>;
  touchToken(id: string, at: Millis): Promise<void>;
  listTokens(): Promise<readonly TokenRecord[]>;
}

export interface AuditRow {
  readonly id: number;
  readonly at: Millis;
  readonly actor: string;
  readonly action: string;
  readonly subject: string | null;
  readonly requestId: string | null;
  /** Of the subject, after the action. */
  readonly version: number | null;
  readonly before: string | null;
  readonly after: string | null;
}

export interface AuditQuery {
  readonly subject?: string;
  readonly requestId?: string;
  /** `token:<label>`, `admin:<label>`, …; a kind alone (`token`) means all of its labels. */
  readonly actor?: string;
  /** `user.create`; a kind alone (`user`) means all of its actions. */
  readonly action?: string;
  readonly since?: Millis;
  readonly until?: Millis;
  readonly beforeId?: number;
  /** Given: oldest first, from this id on. Otherwise newest first. */
  readonly afterId?: number;
  readonly limit: number;
}

/** A user that two tokens wrote within 24 hours. */
export interface WriterConflict {
  readonly userId: UserId;
  readonly userName: string;
  /** The latest of such writes on that day. */
  readonly at: Millis;
  readonly writes: number;
  /** Labels of the tokens, or their ids where they are gone. */
  readonly writers: readonly [string, string];
}

export type PurgeOutcome =
  /** `inWorkspace`: ElevenLabs still lists the locked member, so its e-mail comes with every reading. */
  | { readonly kind: 'purged'; readonly inWorkspace: boolean }
  | { readonly kind: 'notFound' }
  /** The IdP has not deleted the user. */
  | { readonly kind: 'live' }
  /** Its access is not gone for certain. */
  | { readonly kind: 'unsettled'; readonly reason: string };

export interface PrivacyStore {
  /** Newest first. */
  writerConflicts(query: { readonly since: Millis; readonly limit: number }): Promise<readonly WriterConflict[]>;
  /** Those that nobody was told of yet; they count as told from now on. */
  takeWriterConflicts(limit: number): Promise<readonly WriterConflict[]>;
  /** Removes the personal data of a user that was deleted and whose access is gone for certain. */
  purgeUser(id: UserId, actor: string): Promise<PurgeOutcome>;
  /** One step of the retention; answers how many rows there were, 0 = nothing is left to do. */
  expireOld(before: Millis, limit: number): Promise<number>;
}

/** What an undo does about one subject. */
export interface UndoItem {
  readonly subject: Subject;
  /** For people. */
  readonly name: string;
  readonly what: 'changed' | 'restored' | 'disabled' | 'members';
  /** In words: what is written, or why. */
  readonly detail: string;
  /** Why it cannot be done, and is left as it is; null = it can. */
  readonly problem: string | null;
}

export interface UndoResult {
  readonly items: readonly UndoItem[];
  /** Id of the last audit row that was looked at. */
  readonly upTo: number;
}

export interface OperationsStore {
  /** What `undo` would do now. */
  previewUndo(since: Millis): Promise<UndoResult>;
  /**
   * Puts the directory back to what it was at `since`, as far as IdPs have written it up to the
   * audit row `upTo`. What that takes away upstream is held until the IdP next writes the user.
   */
  undo(query: { readonly since: Millis; readonly upTo: number }, writer: Writer): Promise<readonly UndoItem[]>;
  setting(name: string): Promise<string | null>;
  setSetting(name: string, value: string): Promise<void>;
  audit(row: {
    readonly actor: string;
    readonly action: string;
    readonly subject: string | null;
    readonly requestId: string | null;
    readonly before?: unknown;
    readonly after?: unknown;
  }): Promise<void>;
  auditRows(query: AuditQuery): Promise<readonly AuditRow[]>;
  /** Moves when another process wrote to the database: caches are void then. */
  dataVersion(): number;
  /** Folds the write-ahead log back; before a clean exit. */
  checkpoint(): Promise<void>;
}

// Looking from outside --------------------------------------------------------------------------------

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

// Numbers -------------------------------------------------------------------------------------------

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
  readonly kind: string;
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
  /** Newest first: one request, those that named any of these words (in any case), or all since a time;
   * `standing`: without those about users whom the IdP has written since. */
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

export interface Store
  extends
    DirectoryStore,
    WorkStore,
    WorkspaceStore,
    ShareStore,
    TokenStore,
    OperationsStore,
    PrivacyStore,
    InspectionStore,
    StatisticsStore {
  close(): void;
}
