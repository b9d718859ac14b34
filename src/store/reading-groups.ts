/** What the groups of a reading mean for SCIM groups and their members. */
import { principalKey, type WorkspaceGroup, type WorkspaceGroupId } from '../domain/types.js';
import { PRIORITY, unsettleSubject, unsettleUsers } from './agenda.js';
import { appendAudit } from './audit.js';
import type { Core } from './core.js';
import { countAbsences, settleByGroups } from './effects.js';
import { joinFound, leaveFound } from './found-members.js';
import { givenTo } from './given-shares.js';
import {
  groupIdAttribute,
  linkByName,
  linkTo,
  loseLink,
  movesMembers,
  UNCHANGED,
  waitingGroups,
  type LinkEffect,
} from './group-links.js';
import { dropGroup, hasShareWork, moveGroupVersion } from './group-writes.js';
import { groupsLinkedTo, rowOfGroupSeq, type GroupRow } from './groups.js';
import { followGroupName, importGroups } from './imports.js';
import { forgetRefusals } from './ledger.js';
import { findWorkspaceGroup } from './mirror.js';
import { diffGroups, type GroupDiff, type Pair } from './mirror-diff.js';
import type { ReadingContext } from './reading-members.js';
import { groupSubject } from './subject.js';
import { documentOf, liveUserOfMember } from './users.js';

const ACTOR = 'bridge';

export function applyGroups(
  core: Core,
  groups: readonly WorkspaceGroup[],
  context: ReadingContext & { readonly partial: boolean },
): { readonly imported: number; readonly changed: number } {
  const diff = diffGroups(core, groups, context);
  if (!context.partial) settleByGroups(core, context.startedAt);
  if (!context.partial && context.belief !== 'presence') countAbsences(core);
  for (const groupId of diff.gone) groupGone(core, groupId, context);
  for (const group of diff.switched) groupSwitched(core, group, context);
  for (const { before, group } of diff.renamed) groupRenamed(core, before, group, context);
  for (const { groupId } of diff.added) groupCameUp(core, groupId, context);
  // Nobody is linked to a group that has just come up: linking it takes its members over.
  const added = new Set(diff.added.map(({ groupId }) => groupId));
  for (const pair of diff.joined) if (!added.has(pair.groupId)) memberJoined(core, pair, context);
  for (const pair of diff.left) memberLeft(core, pair, context);
  for (const row of waitingGroups(core)) linkWaiting(core, row, context);
  return { imported: importGroups(core, context.cause), changed: countChanged(diff) };
}

function countChanged(diff: GroupDiff): number {
  const ids = [
    ...diff.added.map(({ groupId }) => groupId),
    ...diff.switched.map(({ groupId }) => groupId),
    ...diff.renamed.map(({ group }) => group.groupId),
    ...diff.gone,
    ...diff.joined.map(({ groupId }) => groupId),
    ...diff.left.map(({ groupId }) => groupId),
  ];
  return new Set(ids).size;
}

/**
 * Deleted in the UI, or so the lists say: what IdPs wrote is kept, and so is what the bridge gave
 * there, which has to be taken away if the group is there after all.
 */
function groupGone(core: Core, groupId: WorkspaceGroupId, context: ReadingContext): void {
  core.run('INSERT OR IGNORE INTO gone_groups (group_id) VALUES (?)', groupId);
  core.run('DELETE FROM workspace_shares WHERE principal = ?', principalKey({ kind: 'group', groupId }));
  for (const row of groupsLinkedTo(core, groupId)) {
    concernMembers(core, row, context);
    forgetRefusals(core, groupSubject(row.id));
    if (row.managed === 0) dropGroup(core, row);
    else if (movesMembers(loseLink(core, row))) moveGroupVersion(core, row.seq);
    const action = row.managed === 0 ? 'group.gone' : 'group.unlink';
    appendAudit(core, {
      actor: ACTOR,
      action,
      subject: groupSubject(row.id),
      requestId: context.cause,
      version: row.version,
      before: { groupId },
    });
  }
}

/** New, or one that had gone: who was in it then by the bridge may have been taken out since, by anybody. */
function groupCameUp(core: Core, groupId: WorkspaceGroupId, context: ReadingContext): void {
  core.run('DELETE FROM gone_groups WHERE group_id = ?', groupId);
  concernGiven(core, groupId, context);
}

/** Who may have to be taken out, and what to be unshared: nobody has changed that by hand, so it is no drift. */
function concernGiven(core: Core, groupId: WorkspaceGroupId, context: ReadingContext): void {
  const seqs = core.values<number>(SELECT_TO_REMOVE, groupId, groupId);
  unsettleUsers(core, seqs);
  context.concerned.users(seqs, PRIORITY.background);
  const principal = principalKey({ kind: 'group', groupId });
  for (const { subject } of givenTo(core, principal)) {
    unsettleSubject(core, subject);
    context.concerned.subject(subject);
  }
}

function groupSwitched(core: Core, group: WorkspaceGroup, context: ReadingContext): void {
  core.run(
    'UPDATE groups SET link_status = ? WHERE workspace_group_id = ?',
    group.readOnly ? 'readOnly' : 'linked',
    group.groupId,
  );
  for (const row of groupsLinkedTo(core, group.groupId)) concernMembers(core, row, context);
  concernGiven(core, group.groupId, context);
}

function groupRenamed(core: Core, before: string, group: WorkspaceGroup, context: ReadingContext): void {
  for (const row of groupsLinkedTo(core, group.groupId)) {
    if (row.managed === 0 && row.display_name === before) followGroupName(core, row, group.name, context.cause);
  }
}

/** Live or deleted, and whichever of its accounts it is: what the bridge gave may have come up late. */
function concernHolder(core: Core, { memberId }: Pair, context: ReadingContext): void {
  context.concerned.users(core.values<number>(SELECT_HOLDER, memberId), PRIORITY.background);
}

/** Put into the group in the UI: a membership like any other, unless the IdP took the person out. */
function memberJoined(core: Core, pair: Pair, context: ReadingContext): void {
  concernHolder(core, pair, context);
  const user = liveUserOfMember(core, pair.memberId);
  if (user === undefined) return;
  joinFound(core, user, pair.groupId);
}

/** Taken out in the UI: what the workspace brought goes, what the IdP wants stays wanted. */
function memberLeft(core: Core, pair: Pair, context: ReadingContext): void {
  concernHolder(core, pair, context);
  const user = liveUserOfMember(core, pair.memberId);
  if (user === undefined) return;
  leaveFound(core, user, pair.groupId);
}

/** A group without a link: its workspace group may have come up, or come back. */
function linkWaiting(core: Core, row: GroupRow, context: ReadingContext): void {
  const link = tryLink(core, row);
  if (!link.changed) return;
  if (movesMembers(link)) moveGroupVersion(core, row.seq);
  const { workspace_group_id: groupId, version } = rowOfGroupSeq(core, row.seq);
  appendAudit(core, {
    actor: ACTOR,
    action: 'group.link',
    subject: groupSubject(row.id),
    requestId: context.cause,
    version,
    after: { groupId },
  });
  concernMembers(core, row, context);
}

function tryLink(core: Core, row: GroupRow): LinkEffect {
  if (row.gone_group_id !== null && row.link_source !== null) {
    const back = findWorkspaceGroup(core, row.gone_group_id);
    return back === null ? UNCHANGED : linkTo(core, row, back, row.link_source);
  }
  const wanted = groupIdAttribute(documentOf(row));
  if (wanted === null) return linkByName(core, row);
  const group = findWorkspaceGroup(core, wanted);
  return group === null ? UNCHANGED : linkTo(core, row, group, 'attribute');
}

function concernMembers(core: Core, row: GroupRow, context: ReadingContext): void {
  const seqs = core.values<number>('SELECT user_seq FROM memberships WHERE group_seq = ?', row.seq);
  // The group means something else from now on: what follows for its members was never settled.
  unsettleUsers(core, seqs);
  context.concerned.users(seqs, PRIORITY.background);
  if (hasShareWork(core, row.id)) context.concerned.subject(groupSubject(row.id));
}

const SELECT_HOLDER = 'SELECT u.seq FROM accounts AS a JOIN users AS u ON u.id = a.user_id WHERE a.member_id = ?';
const SELECT_TO_REMOVE = `SELECT seq FROM users WHERE id IN (
  SELECT a.user_id FROM effects AS e JOIN accounts AS a ON a.id = e.account_id WHERE e.aspect = 'group' AND e.target = ?
  UNION SELECT user_id FROM withdrawn_memberships WHERE workspace_group_id = ?)`;
