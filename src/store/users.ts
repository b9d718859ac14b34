/** Reading users: rows, records for the SCIM surface, pages. */
import type { AddressSlot } from '../domain/address.js';
import type { Person } from '../domain/person.js';
import type { Address, Document, GroupId, MemberId, Millis, UserId, UserOrigin, UserStatus } from '../domain/types.js';
import { hasAccount } from './accounts.js';
import type { Core } from './core.js';
import { invitesOf } from './invites.js';
import type { UserRecord } from './port.js';

/** A row of `users`, tombstones included. */
export interface UserRow {
  readonly seq: number;
  readonly id: UserId;
  readonly user_name: string;
  readonly user_name_key: string;
  readonly external_id: string | null;
  readonly display_name: string | null;
  readonly active: number;
  readonly manager_id: string | null;
  readonly document: string;
  readonly address: Address | null;
  readonly address_slot: AddressSlot | null;
  readonly managed: number;
  readonly origin: UserOrigin;
  readonly version: number;
  readonly created_at: Millis;
  readonly modified_at: Millis;
  readonly deleted_at: Millis | null;
  readonly member_id: MemberId | null;
  /** The present account, see accounts.ts. */
  readonly account_id: number | null;
  /** The IdP turned the user on after the member had gone: an invite may be sent. */
  readonly may_reinvite: number;
  readonly removed_at: Millis | null;
  readonly status: UserStatus;
  readonly last_error: string | null;
  readonly pending_changes: number;
  readonly invited_at: Millis | null;
  readonly accepted_at: Millis | null;
  readonly converged: number;
  readonly undone_at: Millis | null;
  readonly handover_since: Millis | null;
  /** An administrator ended the management, and no IdP has written the user since. */
  readonly released_at: Millis | null;
  /** See refused-values.ts. */
  readonly refused_values: string | null;
}

export function findUserRow(core: Core, id: string): UserRow | undefined {
  return core.get<UserRow>('SELECT * FROM users WHERE id = ? AND deleted_at IS NULL', id);
}

export function rowOfSeq(core: Core, seq: number): UserRow {
  const row = core.get<UserRow>('SELECT * FROM users WHERE seq = ?', seq);
  if (row === undefined) throw new Error(`no user with seq ${String(seq)}`);
  return row;
}

/** Tombstones included. */
export function rowOfUser(core: Core, id: UserId): UserRow | undefined {
  return core.get<UserRow>('SELECT * FROM users WHERE id = ?', id);
}

export function liveUserOfMember(core: Core, memberId: MemberId): UserRow | undefined {
  return core.get<UserRow>('SELECT * FROM users WHERE member_id = ? AND deleted_at IS NULL', memberId);
}

export function liveUserOfAddress(core: Core, address: Address | null): UserRow | undefined {
  if (address === null) return undefined;
  return core.get<UserRow>('SELECT * FROM users WHERE address = ? AND deleted_at IS NULL', address);
}

export function liveUserOfName(core: Core, userNameKey: string): UserRow | undefined {
  return core.get<UserRow>('SELECT * FROM users WHERE user_name_key = ? AND deleted_at IS NULL', userNameKey);
}

export function desiredOf(row: Pick<UserRow, 'deleted_at' | 'active'>): Person['desired'] {
  if (row.deleted_at !== null) return 'deleted';
  return row.active === 1 ? 'active' : 'inactive';
}

export function documentOf(row: { readonly document: string }): Document {
  return JSON.parse(row.document) as Document;
}

/** What a record is made of: half a row, which counts where a page is read. */
const RECORD_COLUMNS = [
  ...(['id', 'seq', 'document', 'version', 'created_at', 'modified_at', 'managed', 'address', 'manager_id'] as const),
  ...(['status', 'member_id', 'origin', 'invited_at', 'accepted_at', 'pending_changes', 'last_error'] as const),
] satisfies readonly (keyof UserRow)[];

type RecordRow = Pick<UserRow, (typeof RECORD_COLUMNS)[number]>;

type GroupRef = UserRecord['groups'][number];

export function readUser(core: Core, id: string): UserRecord | null {
  const row = core.get<RecordRow>(SELECT_RECORD, id);
  return row === undefined ? null : recordOfRow(core, row);
}

export function recordOfRow(core: Core, row: RecordRow): UserRecord {
  const manager = row.manager_id === null ? null : core.value<string | null>(SELECT_MANAGER, row.manager_id);
  return toRecord(row, core.all<GroupRef>(SELECT_GROUPS, row.seq), manager ?? null);
}

function toRecord(row: RecordRow, groups: readonly GroupRef[], managerName: string | null): UserRecord {
  return {
    id: row.id,
    seq: row.seq,
    document: documentOf(row),
    version: row.version,
    createdAt: row.created_at,
    modifiedAt: row.modified_at,
    managed: row.managed === 1,
    address: row.address,
    groups,
    managerName,
    bridge: {
      status: row.status,
      memberId: row.member_id,
      origin: row.origin,
      invitedAt: row.invited_at,
      acceptedAt: row.accepted_at,
      pendingChanges: row.pending_changes,
      lastError: row.last_error,
    },
  };
}

/** The records of a page, in the order of `seqs`: three statements whatever the size. */
export function recordsOfSeqs(core: Core, seqs: readonly number[]): readonly UserRecord[] {
  const list = JSON.stringify(seqs);
  const groups = new Map<number, GroupRef[]>();
  for (const [seq, id, displayName] of core.raw<[number, GroupId, string]>(SELECT_GROUPS_OF_MANY, list)) {
    const known = groups.get(seq);
    if (known === undefined) groups.set(seq, [{ id, displayName }]);
    else known.push({ id, displayName });
  }
  const managers = new Map(core.raw<[number, string | null]>(SELECT_MANAGERS_OF_MANY, list));
  const rows = new Map(core.all<RecordRow>(SELECT_MANY, list).map((row) => [row.seq, row]));
  return seqs.flatMap((seq) => {
    const row = rows.get(seq);
    return row === undefined ? [] : [toRecord(row, groups.get(seq) ?? [], managers.get(seq) ?? null)];
  });
}

/** What the bridge has to remember of a user upstream: a member, an e-mail sent, something given. */
export function hasUpstreamTraces(core: Core, row: UserRow): boolean {
  return (
    hasAccount(core, row.id) ||
    invitesOf(core, row.id).some((invite) => invite.sends > 0 || invite.state === 'sending') ||
    core.value(EXISTS_GIVEN, `user:${row.id}`) === 1
  );
}

const SELECT_GROUPS = `SELECT g.id, g.display_name AS displayName FROM memberships AS m JOIN groups AS g ON g.seq = m.group_seq
  WHERE m.user_seq = ? ORDER BY g.seq`;
const SELECT_MANAGER = 'SELECT display_name FROM users WHERE id = ? AND deleted_at IS NULL';
const SELECT_MANAGERS_OF_MANY = `SELECT u.seq, m.display_name FROM json_each(?) AS j JOIN users AS u ON u.seq = j.value
  JOIN users AS m ON m.id = u.manager_id AND m.deleted_at IS NULL`;
const SELECT_MANY = `SELECT ${RECORD_COLUMNS.map((name) => `u.${name}`).join(', ')} FROM json_each(?) AS j JOIN users AS u ON u.seq = j.value`;
const SELECT_RECORD = `SELECT ${RECORD_COLUMNS.join(', ')} FROM users WHERE id = ? AND deleted_at IS NULL`;
const SELECT_GROUPS_OF_MANY = `SELECT m.user_seq, g.id, g.display_name FROM json_each(?) AS j
  JOIN memberships AS m ON m.user_seq = j.value JOIN groups AS g ON g.seq = m.group_seq ORDER BY g.seq`;
const EXISTS_GIVEN = 'SELECT EXISTS (SELECT 1 FROM given_shares WHERE subject = ?)';
