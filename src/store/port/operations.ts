/** Tokens, the audit log, privacy, undo, settings. */
import type { Millis, UserId } from '../../domain/types.js';
import type { Subject, Writer } from './work.js';

/** Whose signed assertions stand for a client (RFC 7523). */
export interface TokenTrust {
  /** `iss` of the assertions, compared as it is. */
  readonly issuer: string;
  /** Where the keys of the issuer are. */
  readonly jwksUri: string;
  readonly subject: string;
  readonly audience: string;
}

export interface TokenRecord {
  readonly id: string;
  readonly kind: 'scim' | 'admin' | 'oauthClient' | 'federated' | 'access';
  readonly label: string;
  readonly scopes: readonly string[];
  /** OAuth clients: the secrets and access tokens of one client share it. */
  readonly clientId: string | null;
  /** Access tokens: the secret or trust that it was given for. */
  readonly parentId: string | null;
  /** Federated clients have this in place of a secret. */
  readonly trust: TokenTrust | null;
  readonly createdAt: Millis;
  readonly expiresAt: Millis | null;
  /** Its own revocation, or that of its parent. */
  readonly revokedAt: Millis | null;
  readonly lastUsedAt: Millis | null;
  readonly lastAddress: string | null;
}

export type NewTokenRecord = Pick<TokenRecord, 'id' | 'kind' | 'label' | 'scopes' | 'clientId' | 'expiresAt'> & {
  /** Null: federated. */
  readonly hash: string | null;
  readonly parentId?: string;
  readonly trust?: TokenTrust;
};

export interface TokenStore {
  /** By SHA-256 of the secret, hex. Never filters by expiry: the caller decides and explains. */
  findToken(hash: string): Promise<TokenRecord | null>;
  addToken(token: NewTokenRecord, actor: string): Promise<TokenRecord>;
  revokeToken(id: string, actor: string): Promise<boolean>;
  /** Sets the end of a token that is not revoked: for a rotation with overlap. */
  expireToken(id: string, at: Millis, actor: string): Promise<boolean>;
  touchToken(id: string, at: Millis, address?: string | null): Promise<void>;
  /** All but access tokens, oldest first. */
  listTokens(): Promise<readonly TokenRecord[]>;
  /** What an OAuth client authenticates by, oldest first. */
  clientTokens(clientId: string): Promise<readonly TokenRecord[]>;
  /** Notes the use of a signed assertion; false: it was used before. */
  useAssertion(key: string, expiresAt: Millis): Promise<boolean>;
  /** Removes access tokens, OAuth secrets and used assertions that ended long ago; answers how many. */
  purgeTokens(): Promise<number>;
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
  /** Of this row and, through it, of all before (store/audit-chain.ts). */
  readonly hash: string | null;
}

/** What somebody has seen of the audit log: a row, and how its hash begins. */
export interface AuditCheckpoint {
  readonly id: number;
  readonly hash: string;
}

export interface AuditFinding {
  /** First and last row that it is about. */
  readonly from: number;
  readonly to: number;
  readonly kind: 'edited' | 'removed' | 'inserted' | 'rewritten' | 'emptied' | 'unsigned' | 'forged';
  readonly text: string;
}

export interface AuditVerdict {
  readonly rows: number;
  readonly last: AuditCheckpoint | null;
  /** In the order of the rows; empty: the log is as it was written. */
  readonly findings: readonly AuditFinding[];
  /** Checkpoints that were compared, and agree. */
  readonly checkpoints: number;
  /** Rows whose content a purge took away, and says so. */
  readonly purged: number;
  /** Rows that an older version wrote, from the first to this one; null: none. */
  readonly adoptedUpTo: number | null;
  /** The first signed row; null: none is. */
  readonly signedFrom: number | null;
  /** Signed rows that this key cannot check. */
  readonly signedByOthers: number;
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
  /** The newest row of the audit log; null: there is none. */
  auditHead(): Promise<AuditCheckpoint | null>;
  /** Reads all of the audit log, and finds what was changed by hand. */
  verifyAudit(checkpoints: readonly AuditCheckpoint[]): Promise<AuditVerdict>;
  /** Remembers up to which row the audit log was written to the log. */
  auditLogged(upTo: number): Promise<void>;
  auditLoggedUpTo(): Promise<number>;
  /** Moves when another process wrote to the database: caches are void then. */
  dataVersion(): number;
  /** Folds the write-ahead log back; before a clean exit. */
  checkpoint(): Promise<void>;
}
