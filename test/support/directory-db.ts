/** A database made from the migration, with users and groups put straight into it. */
import { readFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import type {
  Document,
  GroupId,
  LinkStatus,
  MemberId,
  UserId,
  UserStatus,
  WorkspaceGroupId,
} from '../../src/domain/types.js';
import { fold } from '../../src/domain/fold.js';
import { userColumns } from '../../src/domain/user-columns.js';
import type { GroupRecord, UserRecord } from '../../src/store/port.js';
import { registerFunctions } from '../../src/store/filter-functions.js';

export interface SeedUser {
  readonly document: Document;
  readonly version: number;
  readonly createdAt: number;
  readonly modifiedAt: number;
  readonly status: UserStatus;
  readonly memberId: string | null;
  readonly invitedAt: number | null;
  readonly pendingChanges: number;
  readonly lastError: string | null;
  /** Positions of groups. */
  readonly groups: readonly number[];
}

export interface SeedGroup {
  readonly document: Document;
  readonly version: number;
  readonly createdAt: number;
  readonly modifiedAt: number;
  readonly workspaceGroupId: string | null;
  readonly linkStatus: LinkStatus;
}

export interface Seeded {
  readonly db: Database.Database;
  readonly users: readonly UserRecord[];
  readonly groups: readonly GroupRecord[];
  /** The WHERE of users, without tombstones. */
  select(
    type: 'User' | 'Group',
    where: { readonly sql: string; readonly params: readonly (string | number | null)[] },
    order?: string,
  ): string[];
  close(): void;
}

export function seed(users: readonly SeedUser[], groups: readonly SeedGroup[]): Seeded {
  const db = new Database(':memory:');
  db.exec(readFileSync(new URL('../../migrations/001_initial.sql', import.meta.url), 'utf8'));
  registerFunctions(db);
  const groupRecords = groups.map((group, index) => insertGroup(db, group, index));
  const inserted = users.map((user, index) => insertUser(db, user, index, groupRecords));
  const userRecords = inserted.map((record) => ({ ...record, managerName: managerName(record, inserted) }));
  const withMembers = groupRecords.map((group, index) => ({
    ...group,
    members: userRecords
      .filter((_, at) => users[at]!.groups.includes(index))
      .map((user) => ({ userId: user.id, display: display(user.document) })),
  }));
  // A tombstone must never be found: the caller of the compiled filter leaves it out.
  db.prepare(
    `INSERT INTO users (id, user_name, user_name_key, active, document, managed, origin, version, created_at, modified_at, deleted_at)
     VALUES ('dead', 'dead', 'dead', 0, '{}', 1, 'idp', 1, 0, 0, 1)`,
  ).run();
  return {
    db,
    users: userRecords,
    groups: withMembers,
    select(type, { sql, params }, order = type === 'User' ? 'u.seq' : 'g.seq') {
      const from =
        type === 'User'
          ? 'SELECT u.id FROM users AS u WHERE u.deleted_at IS NULL AND'
          : 'SELECT g.id FROM groups AS g WHERE';
      return db
        .prepare(`${from} ${sql} ORDER BY ${order}`)
        .pluck()
        .all(...params) as string[];
    },
    close: () => void db.close(),
  };
}

function managerName({ document }: UserRecord, users: readonly UserRecord[]): string | null {
  const { managerId } = userColumns(document);
  const manager = users.find(({ id }) => id === managerId);
  return (manager?.document.displayName as string | undefined) ?? null;
}

function display(document: Document): string {
  return (document.displayName ?? document.userName) as string;
}

function insertGroup(db: Database.Database, group: SeedGroup, index: number): GroupRecord {
  const id = `10000000-0000-4000-8000-${String(index).padStart(12, '0')}` as GroupId;
  const name = group.document.displayName as string;
  db.prepare(
    `INSERT INTO groups (id, display_name, display_name_key, external_id, document, managed, version, created_at, modified_at, workspace_group_id, link_status)
     VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?)`,
  ).run(
    id,
    name,
    fold(name),
    group.document.externalId ?? null,
    JSON.stringify(group.document),
    group.version,
    group.createdAt,
    group.modifiedAt,
    group.workspaceGroupId,
    group.linkStatus,
  );
  return {
    ...group,
    id,
    seq: index + 1,
    managed: true,
    members: [],
    bridge: {
      groupId: group.workspaceGroupId as WorkspaceGroupId | null,
      linkStatus: group.linkStatus,
      lastError: null,
    },
  };
}

function insertUser(db: Database.Database, user: SeedUser, index: number, groups: readonly GroupRecord[]): UserRecord {
  const id = `00000000-0000-4000-8000-${String(index).padStart(12, '0')}` as UserId;
  const columns = userColumns(user.document);
  const { lastInsertRowid } = db
    .prepare(
      `INSERT INTO users (id, user_name, user_name_key, external_id, display_name, display_name_key, active, manager_id, document, managed, origin,
       version, created_at, modified_at, member_id, status, last_error, pending_changes, invited_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 'idp', ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      id,
      columns.userName,
      columns.userNameKey,
      columns.externalId,
      columns.displayName,
      columns.displayNameKey,
      columns.active ? 1 : 0,
      columns.managerId,
      JSON.stringify(user.document),
      user.version,
      user.createdAt,
      user.modifiedAt,
      user.memberId,
      user.status,
      user.lastError,
      user.pendingChanges,
      user.invitedAt,
    );
  columns.emails.forEach((email, position) => {
    db.prepare(
      'INSERT INTO user_emails (user_seq, position, value_key, type_key, is_primary) VALUES (?, ?, ?, ?, ?)',
    ).run(lastInsertRowid, position, email.valueKey, email.typeKey, email.isPrimary ? 1 : 0);
  });
  const own = [...user.groups].sort((a, b) => a - b).map((at) => groups[at]!);
  for (const group of own) {
    db.prepare("INSERT INTO memberships (group_seq, user_seq, origin, added_at) VALUES (?, ?, 'idp', 0)").run(
      group.seq,
      lastInsertRowid,
    );
  }
  return {
    id,
    seq: Number(lastInsertRowid),
    document: user.document,
    version: user.version,
    createdAt: user.createdAt,
    modifiedAt: user.modifiedAt,
    managed: true,
    address: null,
    groups: own.map((group) => ({ id: group.id, displayName: group.document.displayName as string })),
    managerName: null,
    bridge: {
      status: user.status,
      memberId: user.memberId as MemberId | null,
      origin: 'idp',
      invitedAt: user.invitedAt,
      acceptedAt: null,
      pendingChanges: user.pendingChanges,
      lastError: user.lastError,
    },
  };
}
