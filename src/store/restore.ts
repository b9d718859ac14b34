/** Deleted users and groups that come back under their old ids, as `undo` wants them. */
import { chooseAddress } from '../domain/address.js';
import type { Document, GroupId, UserId, WorkspaceGroupId } from '../domain/types.js';
import { userColumns, type UserColumns } from '../domain/user-columns.js';
import { uniqueness } from '../errors.js';
import { PRIORITY, schedule } from './agenda.js';
import { writeAudit } from './audit.js';
import type { Core } from './core.js';
import { followLink, linkTo, UNCHANGED, waitForGroup, type LinkEffect } from './group-links.js';
import { dropGroup, groupNameKey, insertGroup, nameTaken, scheduleEffects } from './group-writes.js';
import { findGroupOfName, rowOfGroupSeq, type GroupRow } from './groups.js';
import { checkNobodysAccount } from './handover.js';
import { NO_DELTA } from './memberships.js';
import { findWorkspaceGroup } from './mirror.js';
import type { WriteContext } from './port.js';
import { groupSubject, userSubject } from './subject.js';
import { acceptableAddress, addressTaken, checkMayInvite, userNameTaken } from './user-checks.js';
import { claimAddress, findFreeMember, joinMirrorGroups, linkMember } from './user-links.js';
import { insertUser, updateDocument } from './user-rows.js';
import { refreshStatus } from './user-status.js';
import { auditOf } from './user-writes.js';
import {
  documentOf,
  liveUserOfAddress,
  liveUserOfMember,
  liveUserOfName,
  rowOfSeq,
  rowOfUser,
  type UserRow,
} from './users.js';

/** From the tombstone, or anew where nothing was left: with the member that it had. */
export function restoreUser(core: Core, id: UserId, document: Document, context: WriteContext): void {
  const columns = userColumns(document);
  const tombstone = rowOfUser(core, id);
  const address = acceptableAddress(core, chooseAddress(document), columns.active, null);
  checkFree(core, columns, address, tombstone ?? null);
  const hasMember =
    (tombstone?.member_id ?? null) !== null || findFreeMember(core, id, address?.address ?? null) !== null;
  if (columns.active && !hasMember) checkMayInvite(core, address?.address ?? null, id);
  const next = { document, columns, address, writer: null };
  const seq = tombstone?.seq ?? insertUser(core, { ...next, id, managed: true, origin: 'idp' }).seq;
  if (tombstone !== undefined) {
    updateDocument(core, tombstone, next);
    core.run(
      'UPDATE users SET deleted_at = NULL, managed_at = CASE managed WHEN 1 THEN managed_at ELSE ? END, managed = 1 WHERE seq = ?',
      core.served(),
      seq,
    );
    core.listMoved('User');
  }
  core.run('UPDATE users SET undone_at = ? WHERE seq = ?', core.now(), seq);
  if (address !== null) claimAddress(core, rowOfSeq(core, seq), address.address);
  const { member_id: memberId } = rowOfSeq(core, seq);
  const member = memberId === null ? findFreeMember(core, id, address?.address ?? null) : null;
  if (member !== null) linkMember(core, seq, member);
  if (memberId !== null) joinMirrorGroups(core, seq, memberId);
  schedule(core, userSubject(id), { priority: PRIORITY.grant, id: context.requestId, dueAt: core.now() });
  refreshStatus(core, seq);
  const { version } = rowOfSeq(core, seq);
  writeAudit(core, { ...auditOf(context), action: 'user.undo', subject: userSubject(id), version, after: document });
}

/** Name, address and member may be somebody else's by now. */
function checkFree(
  core: Core,
  { userName, userNameKey }: UserColumns,
  address: ReturnType<typeof acceptableAddress>,
  tombstone: UserRow | null,
): void {
  const namesake = liveUserOfName(core, userNameKey);
  if (namesake !== undefined) throw userNameTaken(userName, namesake);
  const holder = liveUserOfAddress(core, address?.address ?? null);
  if (address !== null && holder !== undefined) throw addressTaken(address.address, holder);
  checkNobodysAccount(core, address?.address ?? null, tombstone);
  const memberId = tombstone?.member_id ?? null;
  const heir = memberId === null ? undefined : liveUserOfMember(core, memberId);
  if (heir !== undefined) throw uniqueness(`The member is now that of user ${heir.id} (userName "${heir.user_name}").`);
}

/** Without its members: they are put back by their own history. */
export function restoreGroup(
  core: Core,
  id: GroupId,
  document: Document,
  linkedTo: WorkspaceGroupId | null,
  context: WriteContext,
): void {
  const namesake = findGroupOfName(core, groupNameKey(document));
  if (namesake?.managed === 1) throw nameTaken(namesake.display_name, namesake);
  // One that was imported since the deletion is the same group of the workspace.
  if (namesake !== undefined) dropGroup(core, namesake);
  const row = insertGroup(core, { id, document, managed: true, writer: null });
  const link = restoreLink(core, row, linkedTo);
  const after = rowOfGroupSeq(core, row.seq);
  writeAudit(core, {
    ...auditOf(context),
    action: 'group.undo',
    subject: groupSubject(id),
    version: 1,
    after: document,
  });
  scheduleEffects(core, { before: null, after, delta: NO_DELTA, link }, context);
}

function restoreLink(core: Core, row: GroupRow, linkedTo: WorkspaceGroupId | null): LinkEffect {
  if (linkedTo === null) return followLink(core, row, documentOf(row));
  const group = findWorkspaceGroup(core, linkedTo);
  if (group !== null) return linkTo(core, row, group, 'name');
  waitForGroup(core, row.seq, linkedTo, 'name');
  return UNCHANGED;
}
