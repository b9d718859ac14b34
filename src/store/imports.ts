/**
 * Existing members and groups as SCIM resources that nobody manages yet: an IdP's look-up finds
 * them, a POST takes them over. They follow the workspace until then, and go with it.
 */
import type { ChosenAddress } from '../domain/address.js';
import { elementsAt, sameJson } from '../domain/json.js';
import type { Document, GroupId, Json, UserStatus, WorkspaceGroup, WorkspaceMember } from '../domain/types.js';
import { userColumns } from '../domain/user-columns.js';
import { fold } from '../domain/fold.js';
import { appendAudit } from './audit.js';
import type { Core } from './core.js';
import { linkTo } from './group-links.js';
import { insertGroup } from './group-writes.js';
import { accountOfMember, tieMember } from './accounts.js';
import { findGroupOfName, type GroupRow } from './groups.js';
import { isFree, isPresent } from './lookalikes.js';
import { findWorkspaceGroup, toMember, type MemberRow } from './mirror.js';
import { protectionOf } from './protection.js';
import { groupSubject, userSubject } from './subject.js';
import { deleteUserRow, insertUser, updateDocument } from './user-rows.js';
import { documentOf, liveUserOfName, type UserRow } from './users.js';

const ACTOR = 'bridge';

/** Members whose account is nobody's, at an address that is nobody's, which they have to themselves. */
export function importMembers(core: Core, cause: string): readonly number[] {
  if (!core.rules().importExisting) return [];
  const imported: number[] = [];
  for (const row of core.all<MemberRow>(SELECT_IMPORTABLE)) {
    const member = toMember(row);
    // The name of a user with another address: whose member this is, is not for us to guess.
    if (liveUserOfName(core, fold(member.email)) !== undefined) continue;
    imported.push(importMember(core, member, cause));
  }
  return imported;
}

function importMember(core: Core, member: WorkspaceMember, cause: string): number {
  const document = documentOfMember(member);
  const address: ChosenAddress = { address: member.address, slot: 'primary' };
  // One that was listed before keeps the id that IdPs may know.
  const before = accountOfMember(core, member.memberId)?.user_id;
  const { id, seq } = insertUser(core, {
    ...(before !== undefined && before !== null && { id: before }),
    document,
    columns: userColumns(document),
    address,
    managed: false,
    origin: 'adopted',
    writer: null,
  });
  const isProtected = protectionOf(core, member, member.address) !== null;
  const status: UserStatus = isProtected ? 'protected' : member.isLocked ? 'locked' : 'member';
  const account = tieMember(core, id, member);
  core.run(
    'UPDATE users SET account_id = ?, member_id = ?, status = ? WHERE seq = ?',
    account.id,
    member.memberId,
    status,
    seq,
  );
  appendAudit(core, {
    actor: ACTOR,
    action: 'user.import',
    subject: userSubject(id),
    requestId: cause,
    version: 1,
    after: document,
  });
  return seq;
}

function documentOfMember(member: WorkspaceMember): Document {
  return {
    userName: member.email,
    ...(member.firstName === null ? {} : { name: { givenName: member.firstName } }),
    active: !member.isLocked,
    emails: [{ value: member.email, type: 'work', primary: true }],
  };
}

/** An unmanaged user shows what changed in the workspace, and nothing else about it changes. */
export function followMember(
  core: Core,
  row: UserRow,
  change: { readonly before: WorkspaceMember; readonly after: WorkspaceMember },
  cause: string,
): void {
  const { before, after } = change;
  const current = documentOf(row);
  const document = {
    ...current,
    ...(current['userName'] === before.email ? { userName: after.email } : {}),
    active: !after.isLocked,
    ...('emails' in current
      ? {
          emails: elementsAt(current, 'emails').map((email): Json =>
            email['value'] === before.email ? { ...email, value: after.email } : email,
          ),
        }
      : {}),
  };
  if (sameJson(current, document)) return;
  const columns = userColumns(document);
  const namesake = liveUserOfName(core, columns.userNameKey);
  if (namesake !== undefined && namesake.seq !== row.seq) return;
  const address: ChosenAddress | null =
    row.address === before.address && row.address_slot !== null
      ? { address: after.address, slot: row.address_slot }
      : row.address === null || row.address_slot === null
        ? null
        : { address: row.address, slot: row.address_slot };
  const holder =
    address === null
      ? undefined
      : core.value<number>('SELECT seq FROM users WHERE address = ? AND deleted_at IS NULL', address.address);
  if (holder !== undefined && holder !== row.seq) return;
  updateDocument(core, row, { document, columns, address, writer: null });
  appendAudit(core, {
    actor: ACTOR,
    action: 'user.follow',
    subject: userSubject(row.id),
    requestId: cause,
    version: row.version + 1,
    before: current,
    after: document,
  });
}

/** Stood for one of several members at an address: an IdP that found it would have been told whose account it is. */
export function dropAmbiguous(core: Core, cause: string): void {
  for (const row of core.all<UserRow>(SELECT_AMBIGUOUS)) dropImported(core, row, cause);
}

/** The member of an unmanaged user has gone, and the user with it. */
export function dropImported(core: Core, row: UserRow, cause: string): void {
  appendAudit(core, {
    actor: ACTOR,
    action: 'user.gone',
    subject: userSubject(row.id),
    requestId: cause,
    version: row.version + 1,
    before: documentOf(row),
  });
  deleteUserRow(core, row.seq);
}

/** Workspace groups that no SCIM group stands for. Of two with one name neither is imported: a POST would have to guess. */
export function importGroups(core: Core, cause: string): number {
  if (!core.rules().importExisting) return 0;
  let imported = 0;
  for (const { group_id: groupId, name } of core.all<{ group_id: WorkspaceGroup['groupId']; name: string }>(
    SELECT_IMPORTABLE_GROUPS,
  )) {
    const workspaceGroup = findWorkspaceGroup(core, groupId);
    if (workspaceGroup === null || findGroupOfName(core, fold(name)) !== undefined) continue;
    // One that was listed before keeps the id that IdPs may know.
    const before = core.value<GroupId>(SELECT_IMPORTED_ID, groupId);
    const row = insertGroup(core, {
      ...(before !== undefined && { id: before }),
      document: { displayName: name },
      managed: false,
      writer: null,
    });
    core.run(KEEP_IMPORTED_ID, groupId, row.id);
    linkTo(core, row, workspaceGroup, 'import');
    appendAudit(core, {
      actor: ACTOR,
      action: 'group.import',
      subject: groupSubject(row.id),
      requestId: cause,
      version: 1,
      after: { displayName: name, groupId },
    });
    imported++;
  }
  return imported;
}

/** An imported group is called what the workspace calls it. */
export function followGroupName(core: Core, row: GroupRow, name: string, cause: string): void {
  const namesake = findGroupOfName(core, fold(name));
  if (namesake !== undefined && namesake.seq !== row.seq) return;
  const document = { ...documentOf(row), displayName: name };
  core.run(RENAME_GROUP, name, fold(name), JSON.stringify(document), core.now(), row.seq);
  appendAudit(core, {
    actor: ACTOR,
    action: 'group.follow',
    subject: groupSubject(row.id),
    requestId: cause,
    version: row.version + 1,
    before: documentOf(row),
    after: document,
  });
}

const SELECT_IMPORTABLE = `SELECT m.* FROM workspace_members AS m
  WHERE ${isPresent('m')} AND ${isFree('m')}
    AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.address = m.address AND u.deleted_at IS NULL)
    AND NOT EXISTS (SELECT 1 FROM accounts AS a JOIN users AS u ON u.id = a.user_id WHERE a.address = m.address AND a.ended_at IS NULL
      AND a.member_id IS NOT m.member_id)
    AND NOT EXISTS (SELECT 1 FROM workspace_members AS o WHERE o.address = m.address AND o.member_id <> m.member_id
      AND ${isPresent('o')} AND ${isFree('o')})`;
// Whom an IdP has ever written keeps the link.
const SELECT_AMBIGUOUS = `WITH
    shared AS (SELECT address FROM workspace_members WHERE missing_since IS NULL GROUP BY address HAVING COUNT(*) > 1),
    imported AS (SELECT * FROM users WHERE managed = 0 AND last_writer IS NULL AND origin = 'adopted' AND deleted_at IS NULL)
  SELECT u.* FROM shared AS s JOIN workspace_members AS m ON m.address = s.address
  JOIN imported AS u ON u.member_id = m.member_id
  WHERE EXISTS (SELECT 1 FROM workspace_members AS o WHERE o.address = m.address AND o.member_id <> m.member_id
    AND ${isPresent('o')} AND ((${isFree('o')}) OR o.member_id IN (SELECT member_id FROM imported)))`;
const SELECT_IMPORTABLE_GROUPS = `SELECT w.group_id, w.name FROM workspace_groups AS w
  WHERE NOT EXISTS (SELECT 1 FROM groups AS g WHERE g.workspace_group_id = w.group_id)
    AND NOT EXISTS (SELECT 1 FROM workspace_groups AS o WHERE o.name_key = w.name_key AND o.group_id <> w.group_id)`;
// Unless another group has the id by now: an undo brought it back.
const SELECT_IMPORTED_ID = `SELECT scim_id FROM imported_groups AS i WHERE group_id = ?
  AND NOT EXISTS (SELECT 1 FROM groups AS g WHERE g.id = i.scim_id)`;
const KEEP_IMPORTED_ID = 'INSERT OR IGNORE INTO imported_groups (group_id, scim_id) VALUES (?, ?)';
const RENAME_GROUP = `UPDATE groups SET display_name = ?, display_name_key = ?, document = ?, version = version + 1, modified_at = ? WHERE seq = ?`;
