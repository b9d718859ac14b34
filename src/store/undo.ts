/**
 * `undo`: the directory as it was at some time, as far as IdPs have written it since. What each
 * subject was then is told by the first audit row about it that came after.
 *
 * - Who was created since is disabled, not deleted: the IdP knows the id and would be answered 404.
 * - What is given back is sent; what would be taken away is held until the IdP next writes the
 *   user (policies/undo-hold.ts): it may still say what was undone.
 * - Hand-made locks stay: an administrator's word on the directory is no fresh activation.
 * - One subject that cannot be put back (its name is taken by now) keeps nobody else from it.
 */
import { sameJson } from '../domain/json.js';
import type { Document, GroupId, Millis, UserId, WorkspaceGroupId } from '../domain/types.js';
import { ScimError } from '../errors.js';
import type { Core } from './core.js';
import { updateGroup } from './group-writes.js';
import { findGroupRow } from './groups.js';
import type { AuditRow, MemberOp, Subject, UndoItem, UndoResult, WriteContext, Writer } from './port.js';
import { restoreGroup, restoreUser } from './restore.js';
import { groupIdOf, groupSubject, userIdOf } from './subject.js';
import { updateUser } from './user-writes.js';
import { documentOf, findUserRow, rowOfUser } from './users.js';

type Row = Pick<AuditRow, 'id' | 'action' | 'subject' | 'before' | 'after'>;
type History = ReadonlyMap<Subject, readonly Row[]>;

/** Rolls back what was only to be seen. */
class Preview extends Error {
  readonly items: readonly UndoItem[];

  constructor(items: readonly UndoItem[]) {
    super('preview');
    this.items = items;
  }
}

/** What `undo` would do now, and up to which audit row it has looked: done, and taken back. */
export function previewUndo(core: Core, since: Millis): UndoResult {
  const upTo = core.value<number | null>('SELECT MAX(id) FROM audit_log') ?? 0;
  const writer = { actor: 'admin', requestId: 'preview' };
  try {
    core.db.transaction(() => {
      throw new Preview(undo(core, { since, upTo }, writer));
    })();
  } catch (error) {
    if (error instanceof Preview) return { upTo, items: error.items };
    throw error;
  }
  return { upTo, items: [] };
}

/** See OperationsStore.undo. Rows after `upTo` are later words of the IdP: their subjects are left alone. */
export function undo(
  core: Core,
  query: { readonly since: Millis; readonly upTo: number },
  writer: Writer,
): readonly UndoItem[] {
  const context: WriteContext = { ...writer, tokenId: null, interactive: false, ifMatch: null };
  const history = historyOf(core, query);
  const later = new Set(core.values<Subject>(SELECT_LATER, query.since, query.upTo));
  const work: Work = { core, context, history, later };
  const items: UndoItem[] = [];
  // Groups first, so that people can be put back into them; memberships last, when everybody is there.
  for (const subject of history.keys()) items.push(...undoGroup(subject, work));
  for (const subject of history.keys()) items.push(...undoUser(subject, work));
  items.push(...undoMemberships(work));
  return items;
}

interface Work {
  readonly core: Core;
  readonly context: WriteContext;
  readonly history: History;
  readonly later: ReadonlySet<Subject>;
}

/** The rows of IdPs about users and groups, oldest first, by subject. */
function historyOf(core: Core, { since, upTo }: { readonly since: Millis; readonly upTo: number }): History {
  const bySubject = new Map<Subject, Row[]>();
  for (const row of core.all<Row>(SELECT_ROWS, since, upTo)) {
    if (row.subject === null) continue;
    const rows = bySubject.get(row.subject);
    if (rows === undefined) bySubject.set(row.subject, [row]);
    else rows.push(row);
  }
  return bySubject;
}

const GONE = 'the audit log no longer has what it was';
const WRITTEN = 'the IdP has written it since this was shown';

function undoUser(subject: Subject, work: Work): readonly UndoItem[] {
  const userId = userIdOf(subject);
  const first = work.history.get(subject)?.find(({ action }) => action !== 'user.manage');
  if (userId === null || first === undefined) return [];
  if (first.action === 'user.create') return disableNewcomer(subject, userId, work);
  if (first.before === null) return [problem(subject, nameOfUser(work.core, userId), GONE)];
  const then = JSON.parse(first.before) as Document;
  const live = findUserRow(work.core, userId);
  const name = textOf(then['userName']) ?? nameOfUser(work.core, userId);
  if (live !== undefined && sameJson(documentOf(live), then)) return [];
  const what = live === undefined ? 'restored' : 'changed';
  return attempt({ subject, name, what, detail: inWords(live && documentOf(live), then) }, work, () => {
    if (live === undefined) restoreUser(work.core, userId, then, work.context);
    else putBack(work.core, userId, then, work.context);
  });
}

function disableNewcomer(subject: Subject, userId: UserId, work: Work): readonly UndoItem[] {
  const { core, context } = work;
  const live = findUserRow(core, userId);
  if (live?.active !== 1) return [];
  const name = live.address ?? live.user_name;
  return attempt({ subject, name, what: 'disabled', detail: 'created since then' }, work, () =>
    putBack(core, userId, { ...documentOf(live), active: false }, context),
  );
}

/** Writes the document as it was, and marks the user. */
function putBack(core: Core, userId: UserId, document: Document, context: WriteContext): void {
  updateUser(core, userId, () => document, context, 'user.undo');
  core.run(MARK_UNDONE, core.now(), userId);
}

function undoGroup(subject: Subject, work: Work): readonly UndoItem[] {
  const { core, context, history } = work;
  const groupId = groupIdOf(subject);
  const rows = history.get(subject) ?? [];
  if (groupId === null || rows[0]?.action === 'group.create') return [];
  const told = rows.find(
    ({ before, action }) => before !== null && action !== 'group.link' && action !== 'group.unlink',
  );
  const live = findGroupRow(core, groupId);
  const before = told?.before ?? null;
  if (before === null) return live === undefined ? [problem(subject, groupId, GONE)] : [];
  const then = JSON.parse(before) as Document;
  const name = textOf(then['displayName']) ?? groupId;
  if (live !== undefined && sameJson(documentOf(live), then)) return [];
  const what = live === undefined ? 'restored' : 'changed';
  return attempt({ subject, name, what, detail: inWords(live && documentOf(live), then) }, work, () => {
    if (live === undefined) restoreGroup(core, groupId, then, linkOf(rows), context);
    else updateGroup(core, groupId, { document: () => then, members: [] }, context, { members: false }, 'group.undo');
  });
}

/** Which workspace group it was linked to when it was deleted. */
function linkOf(rows: readonly Row[]): WorkspaceGroupId | null {
  const deleted = rows.findLast(({ action }) => action === 'group.delete');
  const after = JSON.parse(deleted?.after ?? '{}') as Document;
  return textOf(after['groupId']) as WorkspaceGroupId | null;
}

/** Who was in which group then: the first word about each pair tells. */
function undoMemberships(work: Work): readonly UndoItem[] {
  const wasMember = new Map<GroupId, Map<string, boolean>>();
  const note = (groupId: GroupId, userId: string, was: boolean): void => {
    const pairs = wasMember.get(groupId) ?? new Map<string, boolean>();
    wasMember.set(groupId, pairs);
    if (!pairs.has(userId)) pairs.set(userId, was);
  };
  const rows = [...work.history.values()].flat().sort((a, b) => a.id - b.id);
  for (const { subject, after } of rows) {
    if (subject === null || after === null) continue;
    const told = JSON.parse(after) as Document;
    const [groupId, userId] = [groupIdOf(subject), userIdOf(subject)];
    if (groupId !== null) {
      for (const id of idsOf(told['added'])) note(groupId, id, false);
      for (const id of idsOf(told['removed'])) note(groupId, id, true);
    } else if (userId !== null) {
      for (const id of idsOf(told['memberOf'])) note(id as GroupId, userId, true);
    }
  }
  return [...wasMember].flatMap(([groupId, pairs]) => undoMembers(groupId, pairs, work));
}

function undoMembers(groupId: GroupId, pairs: ReadonlyMap<string, boolean>, work: Work): readonly UndoItem[] {
  const { core, context } = work;
  const row = findGroupRow(core, groupId);
  if (row === undefined) return [];
  const isMember = (userId: string): boolean => core.value(IS_MEMBER, row.seq, userId) === 1;
  const isLive = (userId: string): boolean => findUserRow(core, userId) !== undefined;
  const back = [...pairs].flatMap(([id, was]) => (was && !isMember(id) && isLive(id) ? [id] : []));
  const out = [...pairs].flatMap(([id, was]) => (!was && isMember(id) ? [id] : []));
  if (back.length + out.length === 0) return [];
  const detail = [
    ...(back.length > 0 ? [`${String(back.length)} put back`] : []),
    ...(out.length > 0 ? [`${String(out.length)} taken out`] : []),
  ].join(', ');
  const ops: readonly MemberOp[] = [
    { kind: 'add', userIds: back },
    { kind: 'remove', userIds: out },
  ];
  const item = { subject: groupSubject(groupId), name: row.display_name, what: 'members', detail } as const;
  return attempt(item, work, () => {
    updateGroup(core, groupId, { document: (now) => now, members: ops }, context, { members: false }, 'group.undo');
    for (const id of [...back, ...out]) core.run(MARK_MEMBER_UNDONE, core.now(), id);
  });
}

/** Does it, unless the IdP has spoken since; what cannot be done is told, and leaves nothing behind. */
function attempt(item: Omit<UndoItem, 'problem'>, { core, later }: Work, work: () => void): readonly UndoItem[] {
  if (later.has(item.subject)) return [{ ...item, problem: WRITTEN }];
  try {
    core.db.transaction(work)();
    return [{ ...item, problem: null }];
  } catch (error) {
    if (!(error instanceof ScimError)) throw error;
    return [{ ...item, problem: error.message }];
  }
}

const problem = (subject: Subject, name: string, text: string): UndoItem => ({
  ...{ subject, name, what: 'changed', detail: '', problem: text },
});

function inWords(now: Document | undefined, then: Document): string {
  if (now === undefined) return 'deleted since then';
  const names = [...new Set([...Object.keys(now), ...Object.keys(then)])];
  const changed = names.filter((name) => !sameJson(now[name] ?? null, then[name] ?? null));
  if (changed.includes('active')) return then['active'] === true ? 'active again' : 'disabled again';
  return changed.map((name) => name.split(':').at(-1) ?? name).join(', ');
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const idsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((id): id is string => typeof id === 'string') : [];

function nameOfUser(core: Core, userId: UserId): string {
  const row = rowOfUser(core, userId);
  return row === undefined ? userId : (row.address ?? row.user_name);
}

const WHERE =
  "actor >= 'token:' AND actor < 'token;' AND (action >= 'group.' AND action < 'group/' OR action >= 'user.' AND action < 'user/')";
const SELECT_ROWS = `SELECT id, action, subject, before, after FROM audit_log WHERE at >= ? AND id <= ? AND ${WHERE} ORDER BY id`;
const SELECT_LATER = `SELECT DISTINCT subject FROM audit_log WHERE at >= ? AND id > ? AND subject IS NOT NULL AND ${WHERE}`;
const MARK_UNDONE = 'UPDATE users SET undone_at = ? WHERE id = ?';
const MARK_MEMBER_UNDONE = 'UPDATE users SET undone_at = ? WHERE id = ? AND deleted_at IS NULL';
const IS_MEMBER =
  'SELECT 1 FROM memberships AS m JOIN users AS u ON u.seq = m.user_seq WHERE m.group_seq = ? AND u.id = ?';
