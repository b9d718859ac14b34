/**
 * The link from a SCIM group to a workspace group. It is to the id, once made, and survives renames
 * on both sides; by name it is only made where exactly one name matches. Linking never removes
 * anybody: members found there become memberships of origin `workspace` (found-members.ts), for as
 * long as the link is to that group. A workspace group that goes takes the link with it and, should
 * it come up again under the same id, brings it back: it was never deleted, the lists were wrong.
 */
import { fold } from '../domain/fold.js';
import { objectAt, textAt } from '../domain/json.js';
import { BRIDGE_GROUP } from '../domain/schema.js';
import type { Document, WorkspaceGroupId } from '../domain/types.js';
import { invalidValue } from '../errors.js';
import type { Core } from './core.js';
import { joinMembers, leaveMembers } from './found-members.js';
import { rowOfGroupSeq, type GroupRow } from './groups.js';
import { findWorkspaceGroup, workspaceGroupsNamed, type WorkspaceGroupRow } from './mirror.js';
import { readSetting, SETTING } from './settings.js';

export type LinkSource = 'name' | 'attribute' | 'admin' | 'import';

export const groupIdAttribute = (document: Document): WorkspaceGroupId | null =>
  textAt(objectAt(document, BRIDGE_GROUP), 'groupId') as WorkspaceGroupId | null;

/** How group names are compared on both sides. */
export const nameKeyOf = (name: string): string => fold(name.trim());

/** What changed by a link: who came in with it, and who went with the last one; seqs of users. */
export interface LinkEffect {
  readonly changed: boolean;
  readonly joined: readonly number[];
  readonly left: readonly number[];
}

export const UNCHANGED: LinkEffect = { changed: false, joined: [], left: [] };

export const movesMembers = ({ joined, left }: LinkEffect): boolean => joined.length + left.length > 0;

/**
 * Makes the link follow a written document: by the attribute `groupId`, else, where there is no
 * link yet, by name. A value that is no workspace group is refused once the groups are known.
 */
export function followLink(core: Core, row: GroupRow, document: Document): LinkEffect {
  const wanted = groupIdAttribute(document);
  if (wanted !== null) {
    if (wanted === row.workspace_group_id || wanted === row.gone_group_id) return UNCHANGED;
    const group = findWorkspaceGroup(core, wanted);
    if (group !== null) return linkTo(core, row, group, 'attribute');
    if (readSetting(core, SETTING.groupsReadAt) !== null) {
      throw invalidValue(`${BRIDGE_GROUP}:groupId: the workspace has no group with the id "${wanted.slice(0, 100)}".`);
    }
    // Before the first reading nobody knows: the link is made when the group is seen.
    return row.workspace_group_id === null ? UNCHANGED : unlink(core, row, { byHand: false });
  }
  const dropped = row.link_source === 'attribute' ? unlink(core, row, { byHand: false }) : UNCHANGED;
  const linked = linkByName(core, rowOfGroupSeq(core, row.seq));
  return { changed: dropped.changed || linked.changed, joined: linked.joined, left: dropped.left };
}

/** Links by name, unless there is a link or only a person may make one. */
export function linkByName(core: Core, row: GroupRow): LinkEffect {
  if (row.workspace_group_id !== null || row.relink_by_hand === 1) return UNCHANGED;
  const alias = core.rules().groupAliases.get(row.display_name_key);
  const [first, second] = workspaceGroupsNamed(core, alias ?? nameKeyOf(row.display_name));
  if (first !== undefined && second === undefined) return linkTo(core, row, first, 'name');
  const status = first === undefined ? 'unlinked' : 'ambiguous';
  if (row.link_status !== status) core.run('UPDATE groups SET link_status = ? WHERE seq = ?', status, row.seq);
  return UNCHANGED;
}

export function linkTo(core: Core, row: GroupRow, group: WorkspaceGroupRow, source: LinkSource): LinkEffect {
  // Of another workspace group: who was found in that one has no business in this one.
  const left = row.workspace_group_id === group.group_id ? [] : leaveMembers(core, row.seq);
  core.run(LINK, group.group_id, source, group.read_only === 1 ? 'readOnly' : 'linked', core.now(), row.seq);
  return { changed: true, joined: joinMembers(core, row.seq, group.group_id), left };
}

/** What IdPs wrote is kept. `byHand`: no automatic link may follow. */
export function unlink(core: Core, row: GroupRow, options: { readonly byHand: boolean }): LinkEffect {
  core.run(UNLINK, options.byHand ? 1 : 0, row.seq);
  return { changed: row.workspace_group_id !== null, joined: [], left: leaveMembers(core, row.seq) };
}

/** The workspace group that the group stands for, also while that one is missing. */
export const linkOf = (row: GroupRow): WorkspaceGroupId | null => row.workspace_group_id ?? row.gone_group_id;

/** The workspace group has gone: only the same one, or a person, links the group again. */
export function loseLink(core: Core, row: GroupRow): LinkEffect {
  const effect = unlink(core, row, { byHand: true });
  waitForGroup(core, row.seq, row.workspace_group_id, row.link_source);
  return effect;
}

/** Without a link until this workspace group is there again. */
export function waitForGroup(
  core: Core,
  seq: number,
  groupId: WorkspaceGroupId | null,
  source: LinkSource | null,
): void {
  core.run(WAIT, groupId, source, seq);
}

/** Groups that wait for a workspace group: by attribute, by name, or for the one that had gone. */
export function waitingGroups(core: Core): readonly GroupRow[] {
  return core.all<GroupRow>(SELECT_WAITING);
}

const LINK =
  'UPDATE groups SET workspace_group_id = ?, link_source = ?, link_status = ?, linked_at = ?, relink_by_hand = 0, gone_group_id = NULL WHERE seq = ?';
const UNLINK = `UPDATE groups SET workspace_group_id = NULL, link_source = NULL, link_status = 'unlinked', linked_at = NULL,
  relink_by_hand = ?, gone_group_id = NULL WHERE seq = ?`;
const WAIT = 'UPDATE groups SET gone_group_id = ?, link_source = ?, relink_by_hand = 1 WHERE seq = ?';
const SELECT_WAITING = `SELECT * FROM groups WHERE workspace_group_id IS NULL
  AND (relink_by_hand = 0 OR gone_group_id IN (SELECT group_id FROM workspace_groups))`;
