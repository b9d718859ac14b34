/**
 * Users as IdPs write them. Each function is the body of one transaction: what can be refused is
 * refused first, then document, links, agenda and audit row are written together.
 */
import { chooseAddress, followAddress, type ChosenAddress } from '../domain/address.js';
import { foldAddress } from '../domain/fold.js';
import { sameJson } from '../domain/json.js';
import { decideSeat } from '../domain/seat.js';
import { userColumns, type UserColumns } from '../domain/user-columns.js';
import type { Address, Document, WorkspaceMember } from '../domain/types.js';
import { onlyWhatPasses, stillRefused, withRefused, type RefusedValue } from '../domain/withdrawal.js';
import { invalidValue, ScimError } from '../errors.js';
import { forbidUnlock, tieAddress, untieOthers } from './accounts.js';
import { PRIORITY, schedule, unschedule } from './agenda.js';
import { appendAudit } from './audit.js';
import type { Core } from './core.js';
import { beginHandover, checkNobodysAccount, endIfSettled } from './handover.js';
import { hasOpenInvite } from './invites.js';
import { forgetRefusals, supersedeAll } from './ledger.js';
import { isAmbiguous, membersForNewcomer } from './lookalikes.js';
import { findMember } from './mirror.js';
import type { UserRecord, WriteContext, Written } from './port.js';
import { keepRefusedValues, refusedValuesOf, rehearse } from './refused-values.js';
import { checkSeat } from './seat-checks.js';
import { userSubject } from './subject.js';
import {
  acceptableAddress,
  addressTaken,
  checkAddressMove,
  checkMayInvite,
  checkUnprotected,
  checkVersion,
  existingUser,
  userNameTaken,
} from './user-checks.js';
import { groupsOfUser, seatOfUser } from './user-groups.js';
import { claimAddress, findFreeMember, linkMember, markAdopted, noteTurn } from './user-links.js';
import { buryUser, deleteUserRow, insertUser, updateDocument } from './user-rows.js';
import { refreshStatus } from './user-status.js';
import { noteWriter } from './writers.js';
import {
  documentOf,
  hasUpstreamTraces,
  liveUserOfAddress,
  liveUserOfName,
  recordOfRow,
  rowOfSeq,
  type UserRow,
} from './users.js';

type Created = Written<UserRecord> & { readonly tookOver: boolean };

export function createUser(core: Core, sent: Document, context: WriteContext): Created {
  const document: Document = 'active' in sent ? sent : { ...sent, active: true };
  const columns = userColumns(document);
  const address = acceptableAddress(core, chooseAddress(document), columns.active, null);
  const holder = findImportedHolder(core, columns, address);
  if (holder !== undefined) return takeOver(core, holder, { document, columns, address }, context);

  checkNobodysAccount(core, address?.address ?? null, null);
  const member = findFormerMember(core, address?.address ?? null, foldAddress(columns.userName));
  if (member === null && columns.active) {
    checkMayInvite(core, address?.address ?? null, null);
    const after = decideSeat(document, [], core.rules());
    const none = { member: null, wasActive: false, isInvitable: isInvitable(core, address?.address ?? null, null) };
    checkSeat(core, { ...none, isActive: true, before: null, after });
  }
  if (!columns.active && member !== null && !member.isLocked)
    checkUnprotected(core, 'disabled', member, address?.address ?? null);
  const { id, seq } = insertUser(core, {
    document,
    columns,
    address,
    managed: true,
    origin: 'idp',
    writer: context.tokenId,
  });
  if (address !== null) claimAddress(core, rowOfSeq(core, seq), address.address);
  if (member !== null) {
    if (member.address !== address?.address) claimAddress(core, rowOfSeq(core, seq), member.address);
    linkMember(core, seq, member);
  }
  appendAudit(core, {
    ...auditOf(context),
    action: 'user.create',
    subject: userSubject(id),
    version: 1,
    after: document,
  });
  return { record: afterWrite(core, seq, context, columns.active), changed: true, tookOver: false };
}

/** Whom a new user of these addresses would be: a member whose account is nobody's, or that of a deleted user. */
function findFormerMember(core: Core, ...addresses: readonly (Address | null)[]): WorkspaceMember | null {
  for (const address of addresses) {
    const [member, ...others] = membersForNewcomer(core, address);
    if (member !== undefined) return others.length === 0 ? member : null;
  }
  return null;
}

interface NextUser {
  readonly document: Document;
  readonly columns: UserColumns;
  readonly address: ChosenAddress | null;
}

/** The unmanaged imported user that a POST means: by address, else by userName. 409 against managed ones. */
function findImportedHolder(core: Core, columns: UserColumns, address: ChosenAddress | null): UserRow | undefined {
  const byName = liveUserOfName(core, columns.userNameKey);
  if (byName?.managed === 1) throw userNameTaken(columns.userName, byName);
  const byAddress = liveUserOfAddress(core, address?.address ?? null);
  if (address !== null && byAddress?.managed === 1) throw addressTaken(address.address, byAddress);
  // Two different members would be meant: never guessed.
  if (byName !== undefined && byAddress !== undefined && byName.seq !== byAddress.seq)
    throw userNameTaken(columns.userName, byName);
  return byAddress ?? byName;
}

/** An imported member becomes managed under the id it has: no invite, no demotion, no unlock. */
function takeOver(core: Core, row: UserRow, next: NextUser, context: WriteContext): Created {
  const member = findMember(core, row.member_id);
  if (row.active === 1 && !next.columns.active) checkUnprotected(core, 'disabled', member, row.address);
  if (member === null && next.columns.active) checkMayInvite(core, next.address?.address ?? row.address, row.id);
  const kept =
    row.address === null || row.address_slot === null ? null : { address: row.address, slot: row.address_slot };
  const address = next.address ?? kept;
  updateDocument(core, row, { ...next, address, writer: context.tokenId });
  beginManaging(core, row);
  if (address !== null) claimAddress(core, row, address.address);
  appendAudit(core, {
    ...auditOf(context),
    action: 'user.takeOver',
    subject: userSubject(row.id),
    version: row.version + 1,
    before: documentOf(row),
    after: next.document,
  });
  return { record: afterWrite(core, row.seq, context, next.columns.active), changed: true, tookOver: true };
}

function beginManaging(core: Core, row: UserRow): void {
  core.run(
    'UPDATE users SET managed = 1, managed_at = ?, may_reinvite = 0, released_at = NULL WHERE seq = ?',
    core.served(),
    row.seq,
  );
  forbidUnlock(core, row.id);
  const member = findMember(core, row.member_id);
  if (member !== null) markAdopted(core, row.seq, member);
}

export function updateUser(
  core: Core,
  id: string,
  change: (current: Document) => Document,
  context: WriteContext,
  action = 'user.update',
): Written<UserRecord> {
  const row = existingUser(core, id);
  checkVersion(row, context);
  const current = documentOf(row);
  const { document, refused } = decideDocument(core, row, change, context);
  wroteAgain(core, row, context);
  if (sameJson(current, document)) return repeatWrite(core, row, refused, context);
  const next = checkUpdate(core, row, document);
  const address = next.address?.address ?? null;
  noteWriter(core, row, context);
  updateDocument(core, row, { ...next, writer: context.tokenId });
  if (row.managed === 0) beginManaging(core, row);
  // The first word of an IdP is no turn: whom a hand had locked stays locked.
  else if ((row.active === 1) !== next.columns.active && (context.tokenId !== null || !next.columns.active))
    noteTurn(core, row, next.columns.active);
  if (address !== row.address && address !== null) moveAddress(core, row, address);
  forgetRefusals(core, userSubject(row.id));
  appendAudit(core, {
    ...auditOf(context),
    action,
    subject: userSubject(row.id),
    version: row.version + 1,
    before: current,
    after: document,
  });
  keepRefusedValues(core, refusedAt(row), refused, context);
  return { record: afterWrite(core, row.seq, context, next.columns.active), changed: true };
}

const refusedAt = (row: UserRow) => ({ table: 'users', subject: userSubject(row.id), row }) as const;

interface Decided {
  readonly document: Document;
  readonly refused: readonly RefusedValue[];
}

/**
 * What a write makes of the document, and what is refused of it. Turned on, the user gets what an
 * earlier withdrawal was refused, or the write fails.
 */
function decideDocument(
  core: Core,
  row: UserRow,
  change: (current: Document) => Document,
  { tolerance }: WriteContext,
): Decided {
  const current = documentOf(row);
  const known = refusedValuesOf(row);
  // Absent = unchanged: nobody gets access back by leaving a word out.
  const apply = (to: Document): Document => {
    const changed = change(to);
    return 'active' in changed ? changed : { ...changed, active: row.active === 1 };
  };
  const full = known.length === 0 ? null : apply(withRefused(current, known));
  if (tolerance === null || tolerance === undefined) {
    const document = apply(current);
    if (full === null) return { document, refused: [] };
    if (document['active'] === false) return { document, refused: stillRefused(known, document, full) };
    checkRetried(core, row, full, known);
    return { document: full, refused: [] };
  }
  const wanted = full ?? apply(current);
  if (wanted['active'] !== false) throw tolerance.because;
  const check = (document: Document): void => {
    rehearse(core, () => checkUpdate(core, row, document));
  };
  const document = onlyWhatPasses({ ...current, active: false }, wanted, check, tolerance.refuse);
  return { document, refused: tolerance.refused() };
}

/** Says why a write fails that itself asks for nothing that is taken. */
function checkRetried(core: Core, row: UserRow, document: Document, known: readonly RefusedValue[]): void {
  try {
    rehearse(core, () => checkUpdate(core, row, document));
  } catch (error) {
    if (!(error instanceof ScimError) || error.scimType === undefined) throw error;
    const { status, message, scimType } = error;
    const names = known.flatMap(({ attribute, wanted }) => (wanted === undefined ? [] : [attribute])).join(', ');
    const detail = `${message} (Tried again: ${names}, refused when the user was disabled. Send other values to replace them.)`;
    throw new ScimError(status, detail, { scimType, cause: error });
  }
}

/** The IdP speaks: what an administrator's undo held back is decided anew. */
function wroteAgain(core: Core, row: UserRow, context: WriteContext): void {
  if (row.undone_at === null || context.tokenId === null) return;
  core.run('UPDATE users SET undone_at = NULL WHERE seq = ?', row.seq);
}

/**
 * The IdP says again what is known. For the document nothing happened; for work that was refused or
 * has failed it is a fresh cause, and an imported user becomes managed by it.
 */
function repeatWrite(
  core: Core,
  row: UserRow,
  values: readonly RefusedValue[],
  context: WriteContext,
): Written<UserRecord> {
  const isKept = keepRefusedValues(core, refusedAt(row), values, context);
  const refused = forgetRefusals(core, userSubject(row.id));
  if (row.managed === 0) {
    beginManaging(core, row);
    appendAudit(core, {
      ...auditOf(context),
      action: 'user.manage',
      subject: userSubject(row.id),
      version: row.version,
    });
    return { record: afterWrite(core, row.seq, context, row.active === 1), changed: true };
  }
  if (refused || row.status === 'failed' || (row.undone_at !== null && context.tokenId !== null))
    return { record: afterWrite(core, row.seq, context, row.active === 1), changed: false };
  return { record: recordOfRow(core, isKept ? refreshStatus(core, row.seq) : row), changed: isKept };
}

function checkUpdate(core: Core, row: UserRow, document: Document): NextUser {
  const columns = userColumns(document);
  const member = findMember(core, row.member_id);
  if (row.active === 1 && !columns.active) checkUnprotected(core, 'disabled', member, row.address);
  const current =
    row.address === null || row.address_slot === null ? null : { address: row.address, slot: row.address_slot };
  const address = acceptableAddress(core, followAddress(current, document), columns.active, current);
  checkAddressMove(core, row, address);
  const isHandover = startsHandover(core, row, member, address);
  freeAddress(core, row, address, isHandover);
  if (address?.address !== row.address) checkNobodysAccount(core, address?.address ?? null, row);
  const namesake = columns.userNameKey === row.user_name_key ? undefined : liveUserOfName(core, columns.userNameKey);
  if (namesake !== undefined) throw userNameTaken(columns.userName, namesake);
  const asksForInvite = columns.active && (row.active === 0 || row.managed === 0 || address?.address !== row.address);
  if (
    asksForInvite &&
    (member === null || isHandover) &&
    findFreeMember(core, row.id, address?.address ?? null) === null &&
    membersForNewcomer(core, address?.address ?? null).length === 0
  ) {
    checkMayInvite(core, address?.address ?? null, row.id);
  }
  checkSeat(core, {
    member,
    isActive: columns.active,
    wasActive: row.active === 1 && row.managed === 1,
    isInvitable: isInvitable(core, address?.address ?? row.address, row),
    before: seatOfUser(core, row),
    after: decideSeat(document, groupsOfUser(core, row.seq), core.rules()),
  });
  return { document, columns, address };
}

/** Whether an invite could be sent: not where several are there already. A working link that may be out counts as paid for. */
function isInvitable(core: Core, address: Address | null, row: UserRow | null): boolean {
  return address !== null && !hasOpenInvite(core, address) && !isAmbiguous(core, address, row?.id ?? null);
}

/**
 * The new address must be free. Where a user who is no member yet moves to the address of an
 * imported one, both are the same person: the imported row gives way, its member is adopted.
 */
function freeAddress(core: Core, row: UserRow, next: ChosenAddress | null, isHandover: boolean): void {
  if (next === null || next.address === row.address) return;
  const holder = liveUserOfAddress(core, next.address);
  if (holder === undefined) return;
  if (holder.managed === 1 || holder.member_id === null || (row.member_id !== null && !isHandover))
    throw addressTaken(next.address, holder);
  core.run(MOVE_MEMBERSHIPS, row.seq, holder.seq);
  deleteUserRow(core, holder.seq);
}

function moveAddress(core: Core, row: UserRow, address: Address): void {
  claimAddress(core, row, address);
  if (row.member_id !== null) moveMember(core, row, address);
  const { member_id: linked, handover_since: since } = rowOfSeq(core, row.seq);
  if (linked !== null && since === null) return;
  const member = findFreeMember(core, row.id, address);
  if (member !== null && member.memberId !== linked) linkMember(core, row.seq, member);
}

/** The address of a member has changed: ElevenLabs knows the old one and no way to change it. */
function moveMember(core: Core, row: UserRow, address: Address): void {
  if (startsHandover(core, row, findMember(core, row.member_id), { address })) beginHandover(core, row);
  else endIfSettled(core, row.seq);
}

/** Whether this address is to take over from the present member. A hand-over under way follows the address. */
function startsHandover(
  core: Core,
  row: UserRow,
  member: WorkspaceMember | null,
  next: Pick<ChosenAddress, 'address'> | null,
): boolean {
  if (member === null || next === null || next.address === row.address || next.address === member.address) return false;
  return core.rules().emailChange === 'handover' || row.handover_since !== null;
}

/** An administrator's word: the address that the IdP says takes over from the one that ElevenLabs knows. */
export function handoverUser(core: Core, id: string, context: WriteContext): UserRecord {
  const row = existingUser(core, id);
  checkVersion(row, context);
  const member = findMember(core, row.member_id);
  if (row.managed === 0) throw invalidValue('The user is not managed by an IdP: there is nothing to hand over.');
  if (member === null) throw invalidValue('The user is no member of the workspace: there is nothing to hand over.');
  if (row.address === null || row.address === member.address)
    throw invalidValue(
      `ElevenLabs and the IdP agree on the address "${member.address}": there is nothing to hand over.`,
    );
  checkUnprotected(core, 'disabled', member, row.address);
  checkMayInvite(core, row.address, row.id);
  beginHandover(core, row);
  const there = findFreeMember(core, row.id, row.address);
  if (there !== null && there.memberId !== row.member_id) linkMember(core, row.seq, there);
  const subject = userSubject(row.id);
  const facts = { before: { address: member.address }, after: { address: row.address } };
  appendAudit(core, { ...auditOf(context), action: 'user.handover', subject, version: row.version, ...facts });
  return afterWrite(core, row.seq, context, row.active === 1);
}

export function deleteUser(core: Core, id: string, context: WriteContext): void {
  const row = existingUser(core, id);
  checkVersion(row, context);
  checkUnprotected(core, 'deleted', findMember(core, row.member_id), row.address);
  const subject = userSubject(row.id);
  const memberOf = core.values<string>(SELECT_WANTED_IN, row.seq);
  // An IdP that deletes whom it only found has spoken: the member loses access like any other leaver.
  if (hasUpstreamTraces(core, row) || isAmbiguous(core, row.address, row.id)) {
    noteWriter(core, row, context);
    if (row.managed === 0) beginManaging(core, row);
    forbidUnlock(core, row.id);
    buryUser(core, row.seq);
    if (row.address !== null) tieAddress(core, row.id, row.address, null);
    forgetRefusals(core, subject);
    schedule(core, subject, {
      priority: context.interactive ? PRIORITY.interactive : PRIORITY.withdrawal,
      id: context.requestId,
      dueAt: core.now(),
    });
    refreshStatus(core, row.seq);
  } else {
    supersedeAll(core, subject);
    unschedule(core, subject);
    deleteUserRow(core, row.seq);
  }
  appendAudit(core, {
    ...auditOf(context),
    action: 'user.delete',
    subject,
    version: row.version + 1,
    before: documentOf(row),
    // What it takes to bring it back; where the member is found, it is found again.
    ...(memberOf.length > 0 && { after: { memberOf } }),
  });
}

/** Ends the management of one user; what is planned is dropped, nothing upstream changes. */
export function releaseUser(core: Core, id: string, context: WriteContext): UserRecord {
  const row = existingUser(core, id);
  checkVersion(row, context);
  const subject = userSubject(row.id);
  core.run(RELEASE, core.now(), row.seq);
  // What the IdP took back before is not done, and not when it writes the user again either.
  core.run('DELETE FROM withdrawn_memberships WHERE user_id = ?', row.id);
  untieOthers(core, row.id, row.account_id);
  forbidUnlock(core, row.id);
  supersedeAll(core, subject);
  forgetRefusals(core, subject);
  unschedule(core, subject);
  appendAudit(core, { ...auditOf(context), action: 'user.release', subject, version: row.version });
  return recordOfRow(core, refreshStatus(core, row.seq));
}

function afterWrite(core: Core, seq: number, context: WriteContext, active: boolean): UserRecord {
  const priority = context.interactive ? PRIORITY.interactive : active ? PRIORITY.grant : PRIORITY.withdrawal;
  const row = refreshStatus(core, seq);
  schedule(core, userSubject(row.id), { priority, id: context.requestId, dueAt: core.now() });
  return recordOfRow(core, row);
}

export function auditOf(context: WriteContext): { readonly actor: string; readonly requestId: string } {
  return { actor: context.actor, requestId: context.requestId };
}

const RELEASE = 'UPDATE users SET managed = 0, may_reinvite = 0, handover_since = NULL, released_at = ? WHERE seq = ?';
const SELECT_WANTED_IN =
  "SELECT g.id FROM memberships AS m JOIN groups AS g ON g.seq = m.group_seq WHERE m.user_seq = ? AND m.origin = 'idp'";
const MOVE_MEMBERSHIPS = `INSERT OR IGNORE INTO memberships (group_seq, user_seq, origin, added_at)
  SELECT group_seq, ?, origin, added_at FROM memberships WHERE user_seq = ?`;
