/** Writing rows of `users` and `user_emails`: columns always follow the document. */
import type { ChosenAddress } from '../domain/address.js';
import type { Document, UserId, UserOrigin } from '../domain/types.js';
import { userColumns, type EmailColumns, type UserColumns } from '../domain/user-columns.js';
import type { Core } from './core.js';
import { documentOf, type UserRow } from './users.js';

export interface NewUser {
  /** One that was deleted and comes back keeps its id. */
  readonly id?: UserId;
  readonly document: Document;
  readonly columns: UserColumns;
  readonly address: ChosenAddress | null;
  readonly managed: boolean;
  readonly origin: UserOrigin;
  readonly writer: string | null;
}

export function insertUser(core: Core, user: NewUser): { readonly id: UserId; readonly seq: number } {
  const id = user.id ?? (core.uuid() as UserId);
  const { columns, address } = user;
  const now = core.now();
  core.listMoved('User');
  const seq = core.run(
    INSERT,
    id,
    columns.userName,
    columns.userNameKey,
    columns.externalId,
    columns.displayName,
    columns.displayNameKey,
    columns.active ? 1 : 0,
    columns.managerId,
    JSON.stringify(user.document),
    address?.address ?? null,
    address?.slot ?? null,
    user.managed ? 1 : 0,
    user.managed ? core.served() : null,
    user.origin,
    now,
    now,
    user.writer,
  ).lastId;
  insertEmails(core, seq, columns.emails);
  return { id, seq };
}

/** Writes a changed document: the version moves. Of columns and e-mails, only what is another: each is in indexes. */
export function updateDocument(
  core: Core,
  row: UserRow,
  next: {
    readonly document: Document;
    readonly columns: UserColumns;
    readonly address: ChosenAddress | null;
    readonly writer: string | null;
  },
): void {
  const { columns, address } = next;
  core.run(UPDATE_DOCUMENT, JSON.stringify(next.document), core.now(), next.writer, row.seq);
  if (JSON.stringify(userColumns(documentOf(row)).emails) !== JSON.stringify(columns.emails)) {
    core.run('DELETE FROM user_emails WHERE user_seq = ?', row.seq);
    insertEmails(core, row.seq, columns.emails);
  }
  if (hasColumns(row, columns, address)) return;
  core.run(
    UPDATE_COLUMNS,
    columns.userName,
    columns.userNameKey,
    columns.externalId,
    columns.displayName,
    columns.displayNameKey,
    columns.active ? 1 : 0,
    columns.managerId,
    address?.address ?? null,
    address?.slot ?? null,
    row.seq,
  );
}

function hasColumns(row: UserRow, columns: UserColumns, address: ChosenAddress | null): boolean {
  return (
    row.user_name === columns.userName &&
    row.user_name_key === columns.userNameKey &&
    row.external_id === columns.externalId &&
    row.display_name === columns.displayName &&
    (row.active === 1) === columns.active &&
    row.manager_id === columns.managerId &&
    row.address === (address?.address ?? null) &&
    row.address_slot === (address?.slot ?? null)
  );
}

function insertEmails(core: Core, seq: number, emails: readonly EmailColumns[]): void {
  emails.forEach(({ valueKey, typeKey, isPrimary }, position) => {
    core.run(INSERT_EMAIL, seq, position, valueKey, typeKey, isPrimary ? 1 : 0);
  });
}

/** Deletes the row and everything that hangs on it; the groups it was in get a new version. */
export function deleteUserRow(core: Core, seq: number): void {
  core.listMoved('User');
  leaveGroups(core, seq);
  core.run('DELETE FROM users WHERE seq = ?', seq);
}

export function leaveGroups(core: Core, seq: number): void {
  core.run(MOVE_GROUP_VERSIONS, core.now(), seq);
  core.run('DELETE FROM memberships WHERE user_seq = ?', seq);
}

/** What is left of a deleted user: enough to tidy the workspace and to watch the address. */
export function buryUser(core: Core, seq: number): void {
  const now = core.now();
  core.listMoved('User');
  leaveGroups(core, seq);
  core.run('DELETE FROM user_emails WHERE user_seq = ?', seq);
  core.run(BURY, now, now, seq);
}

const INSERT = `INSERT INTO users (id, user_name, user_name_key, external_id, display_name, display_name_key, active, manager_id,
  document, address, address_slot, managed, managed_at, origin, version, created_at, modified_at, last_writer)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?)`;
const UPDATE_DOCUMENT =
  'UPDATE users SET document = ?, version = version + 1, modified_at = ?, last_writer = ? WHERE seq = ?';
const UPDATE_COLUMNS = `UPDATE users SET user_name = ?, user_name_key = ?, external_id = ?, display_name = ?, display_name_key = ?,
  active = ?, manager_id = ?, address = ?, address_slot = ? WHERE seq = ?`;
const INSERT_EMAIL =
  'INSERT INTO user_emails (user_seq, position, value_key, type_key, is_primary) VALUES (?, ?, ?, ?, ?)';
const MOVE_GROUP_VERSIONS = `UPDATE groups SET version = version + 1, modified_at = ?
  WHERE seq IN (SELECT group_seq FROM memberships WHERE user_seq = ?)`;
const BURY = `UPDATE users SET deleted_at = ?, modified_at = ?, active = 0, document = '{}', external_id = NULL, display_name = NULL,
  display_name_key = NULL, manager_id = NULL, may_reinvite = 0, refused_values = NULL, version = version + 1 WHERE seq = ?`;
