/** Users and groups as the SCIM surface reads and writes them. */
import type { AttributePath, Filter } from '../../domain/filter.js';
import type { Tolerance } from '../../domain/withdrawal.js';
import type {
  Address,
  Document,
  GroupId,
  LinkStatus,
  MemberId,
  Millis,
  UserId,
  UserOrigin,
  UserStatus,
  WorkspaceGroupId,
} from '../../domain/types.js';

/** What a user and a group have in common. */
interface ResourceRecord<Id> {
  readonly id: Id;
  /** Position in the stable list order. */
  readonly seq: number;
  readonly document: Document;
  /** Moves exactly when `document` changes, and where the member set of a group does. */
  readonly version: number;
  readonly createdAt: Millis;
  readonly modifiedAt: Millis;
  readonly managed: boolean;
}

/** A live SCIM user. */
export interface UserRecord extends ResourceRecord<UserId> {
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
export interface GroupRecord extends ResourceRecord<GroupId> {
  readonly members: readonly MemberRecord[] | null;
  readonly bridge: {
    readonly groupId: WorkspaceGroupId | null;
    readonly linkStatus: LinkStatus;
    readonly lastError: string | null;
  };
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

/** Lists read by cursor: the rows beside one, whatever is written meanwhile. */
export interface CursorStore {
  /** Whether no index leads through this list in its order: then it is found once, as a whole (`allSeqs`). */
  isLongList(type: 'User' | 'Group', query: Pick<ListQuery, 'filter' | 'sortBy'>): Promise<boolean>;
  /** The `seq` of at most `limit` rows before or after one, in the order of creation. */
  seqsBeside(
    type: 'User' | 'Group',
    filter: Filter | null,
    place: { readonly side: 'after' | 'before'; readonly seq: number; readonly limit: number },
  ): Promise<readonly number[]>;
  /** The `seq` of every row, in order. */
  allSeqs(
    type: 'User' | 'Group',
    query: Pick<ListQuery, 'filter' | 'sortBy' | 'sortOrder'>,
  ): Promise<readonly number[]>;
  countOf(type: 'User' | 'Group', filter: Filter | null): Promise<number>;
  /** The records that are still there and still match, in the order given. */
  usersOfSeqs(seqs: readonly number[], filter: Filter | null): Promise<readonly UserRecord[]>;
  groupsOfSeqs(
    seqs: readonly number[],
    filter: Filter | null,
    options: { readonly members: boolean },
  ): Promise<readonly GroupRecord[]>;
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
  /** The write withdraws, and a value of it is refused: what is refused is left out, and kept as refused. */
  readonly tolerance?: Tolerance | null;
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
export interface DirectoryStore extends CursorStore {
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
