/**
 * Groups as IdPs write them, one transaction each. The version moves once per write, and only if
 * the document or the member set changed.
 */
import { fold } from '../domain/fold.js';
import { objectAt, sameJson, textAt } from '../domain/json.js';
import { BRIDGE_GROUP } from '../domain/schema.js';
import { asSeat } from '../domain/seat.js';
import type { Document, GroupId, SeatType, WorkspaceGroupId } from '../domain/types.js';
import { isAboutValue, onlyWhatPasses, stillRefused, withRefused, type RefusedValue } from '../domain/withdrawal.js';
import { invalidValue, mutability, notFound, uniqueness } from '../errors.js';
import { PRIORITY, schedule, scheduleUsers } from './agenda.js';
import { appendAudit } from './audit.js';
import type { Core } from './core.js';
import { followLink, linkOf, linkTo, movesMembers, unlink, UNCHANGED, type LinkEffect } from './group-links.js';
import { findGroupOfName, findGroupRow, groupRecordOfSeq, rowOfGroupSeq, type GroupRow } from './groups.js';
import { applyMemberOps, markWithdrawn, NO_DELTA, userIdsOfSeqs, type MemberDelta } from './memberships.js';
import { findWorkspaceGroup } from './mirror.js';
import type { GroupChange, GroupRecord, MemberOp, WriteContext, Written } from './port.js';
import { keepRefusedValues, refusedValuesOf, rehearse } from './refused-values.js';
import { retryRejectedRemovals } from './repeated-removals.js';
import { groupSubject } from './subject.js';
import { checkVersion } from './user-checks.js';
import { sharesOfDocument } from './user-groups.js';
import { auditOf } from './user-writes.js';
import { documentOf } from './users.js';

type Options = { readonly members: boolean };
type Created = Written<GroupRecord> & { readonly tookOver: boolean };

export function createGroup(
  core: Core,
  document: Document,
  members: readonly string[],
  context: WriteContext,
): Created {
  const columns = groupColumns(document);
  const holder = findGroupOfName(core, columns.nameKey);
  if (holder?.managed === 1) throw nameTaken(columns.name, holder);
  const ops: readonly MemberOp[] = [{ kind: 'add', userIds: members }];
  if (holder !== undefined) {
    const written = writeGroup(core, holder, { document, ops, action: 'group.takeOver' }, context);
    return { record: groupRecordOfSeq(core, holder.seq, { members: true }), changed: written, tookOver: true };
  }
  const row = insertGroup(core, { document, managed: true, writer: context.tokenId });
  const link = followLink(core, row, document);
  const delta = applyMemberOps(core, row.seq, ops);
  checkWritable(core, row.seq, delta);
  appendAudit(core, {
    ...auditOf(context),
    action: 'group.create',
    subject: groupSubject(row.id),
    version: 1,
    after: { ...document, ...deltaInWords(core, delta) },
  });
  scheduleEffects(core, { before: null, after: rowOfGroupSeq(core, row.seq), delta, link }, context);
  return { record: groupRecordOfSeq(core, row.seq, { members: true }), changed: true, tookOver: false };
}

export function updateGroup(
  core: Core,
  id: string,
  change: GroupChange,
  context: WriteContext,
  options: Options,
  action = 'group.update',
): Written<GroupRecord> {
  const row = existingGroup(core, id);
  checkVersion(row, context);
  const { document, refused } = decideDocument(core, row, change, context);
  const changed = writeGroup(core, row, { document, refused, ops: change.members, action }, context);
  return { record: groupRecordOfSeq(core, row.seq, options), changed };
}

/** What a write makes of the document. What earlier removals were refused is tried again by each write. */
function decideDocument(
  core: Core,
  row: GroupRow,
  change: GroupChange,
  context: WriteContext,
): Pick<GroupWrite, 'document' | 'refused'> {
  const { tolerance } = context;
  const current = documentOf(row);
  const known = refusedValuesOf(row);
  const full = known.length === 0 ? null : change.document(withRefused(current, known));
  const check = (document: Document): void => {
    rehearse(core, () => {
      rewriteGroup(core, row, document, context);
      followLink(core, rowOfGroupSeq(core, row.seq), document);
    });
  };
  if (tolerance !== null && tolerance !== undefined) {
    const wanted = full ?? change.document(current);
    return { document: onlyWhatPasses(current, wanted, check, tolerance.refuse), refused: [] };
  }
  const document = change.document(current);
  if (full === null) return { document, refused: [] };
  try {
    check(full);
    return { document: full, refused: [] };
  } catch (error) {
    if (!isAboutValue(error)) throw error;
    return { document, refused: stillRefused(known, document, full) };
  }
}

interface GroupWrite {
  /** Still refused from before. */
  readonly refused?: readonly RefusedValue[] | undefined;
  readonly document: Document;
  readonly ops: readonly MemberOp[];
  readonly action: string;
}

/** Answers whether anything was stored. */
function writeGroup(core: Core, row: GroupRow, write: GroupWrite, context: WriteContext): boolean {
  const before = documentOf(row);
  const rewritten = !sameJson(before, write.document);
  if (rewritten) rewriteGroup(core, row, write.document, context);
  const { tolerance } = context;
  const delta = applyMemberOps(core, row.seq, write.ops, tolerance?.refuse);
  checkWritable(core, row.seq, delta);
  // A full list that drops nobody withdraws nothing.
  const refusal = tolerance?.firstRefusal() ?? null;
  if (refusal !== null && delta.removed.size === 0 && write.ops.every(({ kind }) => !kind.startsWith('remove')))
    throw refusal;
  const refused = tolerance?.refused() ?? write.refused ?? [];
  const linkedTo = linkOf(row);
  if (linkedTo !== null) markWithdrawn(core, linkedTo, delta);
  if (linkedTo !== null && write.ops.some(({ kind }) => kind !== 'add'))
    retryRejectedRemovals(core, linkedTo, context.requestId);
  const link = rewritten ? followLink(core, rowOfGroupSeq(core, row.seq), write.document) : UNCHANGED;
  const moved = delta.added.size + delta.removed.size > 0 || movesMembers(link);
  const managing = row.managed === 0;
  const of = { table: 'groups', subject: groupSubject(row.id), row } as const;
  if (!rewritten && !moved && !link.changed && !managing && delta.claimed.size === 0)
    return keepRefusedValues(core, of, refused, context);
  core.run(MANAGE, context.tokenId, row.seq);
  if (rewritten || moved) moveGroupVersion(core, row.seq);
  const after = rowOfGroupSeq(core, row.seq);
  appendAudit(core, {
    ...auditOf(context),
    action: write.action,
    subject: groupSubject(row.id),
    version: after.version,
    before: rewritten ? before : undefined,
    after: { ...(rewritten ? write.document : {}), ...deltaInWords(core, delta) },
  });
  keepRefusedValues(core, of, refused, context);
  scheduleEffects(core, { before: row, after, delta, link }, context);
  return true;
}

function rewriteGroup(core: Core, row: GroupRow, document: Document, context: WriteContext): void {
  const { name, nameKey, externalId, seatType } = groupColumns(document);
  const namesake = nameKey === row.display_name_key ? undefined : findGroupOfName(core, nameKey);
  if (namesake?.managed === 1) throw nameTaken(name, namesake);
  // Renamed to what an imported group is called: that one gives way, its workspace group is linked by name.
  if (namesake !== undefined) dropGroup(core, namesake);
  core.run(UPDATE, name, nameKey, externalId, JSON.stringify(document), seatType, context.tokenId, row.seq);
}

export function deleteGroup(core: Core, id: string, context: WriteContext): void {
  const row = existingGroup(core, id);
  checkVersion(row, context);
  const members = core.values<number>(SELECT_MEMBER_SEQS, row.seq);
  const removed = userIdsOfSeqs(core, new Set(core.values<number>(SELECT_WANTED_SEQS, row.seq)));
  const document = documentOf(row);
  const matters = hasEffect(core, row);
  dropGroup(core, row);
  if (matters) scheduleUsers(core, members, causeOf(core, context, members.length, PRIORITY.withdrawal));
  scheduleGroup(core, row.id, context);
  appendAudit(core, {
    ...auditOf(context),
    action: 'group.delete',
    subject: groupSubject(row.id),
    version: row.version + 1,
    before: document,
    // What it takes to bring it back; who is found in the workspace group is found again.
    after: { removed, groupId: linkOf(row) },
  });
  endUndo(core, members, context);
}

/** Links by hand; null unlinks, and then no automatic link follows. */
export function linkGroup(
  core: Core,
  id: string,
  groupId: WorkspaceGroupId | null,
  context: WriteContext,
): GroupRecord {
  const row = existingGroup(core, id);
  checkVersion(row, context);
  const group = groupId === null ? null : findWorkspaceGroup(core, groupId);
  if (groupId !== null && group === null) throw invalidValue(`The workspace has no group with the id "${groupId}".`);
  const link = group === null ? unlink(core, row, { byHand: true }) : linkTo(core, row, group, 'admin');
  if (movesMembers(link)) moveGroupVersion(core, row.seq);
  appendAudit(core, {
    ...auditOf(context),
    action: group === null ? 'group.unlink' : 'group.link',
    subject: groupSubject(row.id),
    version: rowOfGroupSeq(core, row.seq).version,
    before: { groupId: row.workspace_group_id },
    after: { groupId },
  });
  scheduleEffects(core, { before: row, after: rowOfGroupSeq(core, row.seq), delta: NO_DELTA, link }, context);
  return groupRecordOfSeq(core, row.seq, { members: false });
}

export function insertGroup(
  core: Core,
  group: {
    readonly id?: GroupId;
    readonly document: Document;
    readonly managed: boolean;
    readonly writer: string | null;
  },
): GroupRow {
  const { name, nameKey, externalId, seatType } = groupColumns(group.document);
  const now = core.now();
  core.listMoved('Group');
  const { lastId } = core.run(
    INSERT,
    group.id ?? core.uuid(),
    name,
    nameKey,
    externalId,
    JSON.stringify(group.document),
    group.managed ? 1 : 0,
    seatType,
    now,
    now,
    group.writer,
  );
  return rowOfGroupSeq(core, lastId);
}

export function moveGroupVersion(core: Core, seq: number): void {
  core.run(MOVE_VERSION, core.now(), seq);
}

export function dropGroup(core: Core, row: GroupRow): void {
  core.listMoved('Group');
  core.run('DELETE FROM groups WHERE seq = ?', row.seq);
}

function existingGroup(core: Core, id: string): GroupRow {
  const row = findGroupRow(core, id);
  if (row === undefined) throw notFound('Group', id);
  return row;
}

interface GroupColumns {
  readonly name: string;
  readonly nameKey: string;
  readonly externalId: string | null;
  readonly seatType: SeatType | null;
}

function groupColumns(document: Document): GroupColumns {
  const name = textAt(document, 'displayName') ?? '';
  return {
    name,
    nameKey: fold(name),
    externalId: textAt(document, 'externalId'),
    seatType: asSeat(textAt(objectAt(document, BRIDGE_GROUP), 'seatType')),
  };
}

export const groupNameKey = (document: Document): string => groupColumns(document).nameKey;

export function nameTaken(name: string, holder: GroupRow): Error {
  return uniqueness(`displayName "${name}" is already held by group ${holder.id}.`);
}

/** ElevenLabs' own SCIM manages such a group: the bridge must not, and says so before anything is stored. */
function checkWritable(core: Core, seq: number, delta: MemberDelta): void {
  if (delta.added.size + delta.removed.size === 0) return;
  const row = rowOfGroupSeq(core, seq);
  if (row.link_status !== 'readOnly') return;
  throw mutability(
    `members: the workspace group of "${row.display_name}" is managed by ElevenLabs' own SCIM and cannot be changed here. Take it out of that, or link the group to another one.`,
  );
}

function deltaInWords(core: Core, delta: MemberDelta): Document {
  return {
    ...(delta.added.size === 0 ? {} : { added: userIdsOfSeqs(core, delta.added) }),
    ...(delta.removed.size === 0 ? {} : { removed: userIdsOfSeqs(core, delta.removed) }),
    ...(delta.claimed.size === 0 ? {} : { claimed: userIdsOfSeqs(core, delta.claimed) }),
  };
}

interface GroupEffect {
  readonly before: GroupRow | null;
  readonly after: GroupRow;
  readonly delta: MemberDelta;
  readonly link: LinkEffect;
}

/** Puts on the agenda whom the write concerns: the changed members, or all where the meaning of the group changed. */
export function scheduleEffects(core: Core, effect: GroupEffect, context: WriteContext): void {
  const { before, after, delta, link } = effect;
  const named = [...delta.added, ...delta.claimed, ...delta.removed];
  endUndo(core, named, context);
  // Imported until now: rules of the mapping file speak of groups that an IdP has pushed.
  if (before?.managed === 0) scheduleGroup(core, after.id, context);
  const meansMore = link.changed || (before !== null && meaningOf(core, before) !== meaningOf(core, after));
  if (meansMore) scheduleGroup(core, after.id, context);
  if (!hasEffect(core, after) && (before === null || !hasEffect(core, before))) return;
  const seqs = meansMore
    ? [...core.values<number>(SELECT_MEMBER_SEQS, after.seq), ...delta.removed, ...link.left]
    : named;
  const withdrawal = delta.removed.size > 0 && delta.removed.size === named.length;
  scheduleUsers(core, seqs, causeOf(core, context, seqs.length, withdrawal ? PRIORITY.withdrawal : PRIORITY.grant));
}

/** The IdP speaks of these people: what an undo held back is decided anew, but for those whom the undo disabled. */
function endUndo(core: Core, seqs: readonly number[], { tokenId }: WriteContext): void {
  if (tokenId !== null && seqs.length > 0) core.run(END_UNDO, JSON.stringify(seqs));
}

/** A request for this many people waits for them; more would hold up everybody else who waits. */
const MAX_INTERACTIVE = 20;

function causeOf(
  core: Core,
  context: WriteContext,
  people: number,
  otherwise: number,
): Parameters<typeof scheduleUsers>[2] {
  return {
    priority: context.interactive && people <= MAX_INTERACTIVE ? PRIORITY.interactive : otherwise,
    id: context.requestId,
    dueAt: core.now(),
  };
}

function scheduleGroup(core: Core, id: GroupId, context: WriteContext): void {
  if (!hasShareWork(core, id)) return;
  const priority = context.interactive ? PRIORITY.interactive : PRIORITY.grant;
  schedule(core, groupSubject(id), { priority, id: context.requestId, dueAt: core.now() });
}

/** Whether shares are given, or to be given, to the group as such. */
export function hasShareWork(core: Core, id: GroupId): boolean {
  if (core.value(HAS_GIVEN_SHARES, groupSubject(id)) === 1) return true;
  const row = findGroupRow(core, id);
  return row !== undefined && hasShares(core, row);
}

/** Whether a rule gives shares to the group, or to its members while it has no link. */
function hasShares(core: Core, row: GroupRow): boolean {
  return core.rules().groupShares.has(row.display_name_key) || sharesOfDocument(documentOf(row)).length > 0;
}

/** Whether membership in the group means anything beyond the directory. */
function hasEffect(core: Core, row: GroupRow): boolean {
  return (
    row.workspace_group_id !== null ||
    row.seat_type !== null ||
    core.rules().groupSeats.has(row.display_name_key) ||
    hasShares(core, row)
  );
}

/** Changes when the group means something else to each of its members. */
function meaningOf(core: Core, row: GroupRow): string {
  const { groupSeats, groupShares } = core.rules();
  return JSON.stringify([
    row.workspace_group_id,
    row.link_status,
    row.seat_type,
    groupSeats.get(row.display_name_key) ?? null,
    groupShares.get(row.display_name_key) ?? null,
    sharesOfDocument(documentOf(row)),
  ]);
}

const INSERT = `INSERT INTO groups (id, display_name, display_name_key, external_id, document, managed, seat_type, version, created_at, modified_at, last_writer)
  VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?)`;
const UPDATE =
  'UPDATE groups SET display_name = ?, display_name_key = ?, external_id = ?, document = ?, seat_type = ?, last_writer = ? WHERE seq = ?';
const MANAGE = 'UPDATE groups SET managed = 1, last_writer = ? WHERE seq = ?';
const MOVE_VERSION = 'UPDATE groups SET version = version + 1, modified_at = ? WHERE seq = ?';
const SELECT_MEMBER_SEQS = 'SELECT user_seq FROM memberships WHERE group_seq = ?';
const SELECT_WANTED_SEQS = `${SELECT_MEMBER_SEQS} AND origin = 'idp'`;
const END_UNDO = `UPDATE users SET undone_at = NULL
  WHERE undone_at IS NOT NULL AND active = 1 AND seq IN (SELECT value FROM json_each(?))`;
const HAS_GIVEN_SHARES = 'SELECT 1 FROM given_shares WHERE subject = ? LIMIT 1';
