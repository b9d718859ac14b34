/**
 * The SCIM groups of one user, as far as anything hangs on them: those in which some IdP wants the
 * user. Who was only found in the workspace group is shown there, and given nothing by it.
 */
import { elementsAt, objectAt, textAt } from '../domain/json.js';
import { asSeat, decideSeat, type SeatGroup } from '../domain/seat.js';
import type { MappedShare } from '../domain/rules.js';
import { BRIDGE_GROUP } from '../domain/schema.js';
import type { GroupShareSource } from '../domain/shares.js';
import {
  SHARE_ROLES,
  type Document,
  type LinkStatus,
  type MembershipOrigin,
  type SeatType,
  type WorkspaceGroupId,
} from '../domain/types.js';
import type { SeatDecision } from '../domain/person.js';
import type { Core } from './core.js';
import { documentOf, type UserRow } from './users.js';

interface Row {
  readonly origin: MembershipOrigin;
  readonly display_name: string;
  readonly display_name_key: string;
  readonly seat_type: SeatType | null;
  readonly workspace_group_id: WorkspaceGroupId | null;
  readonly link_status: LinkStatus;
  readonly document: string;
}

export interface GroupOfUser extends SeatGroup, GroupShareSource {
  /** Set where the link can be written through. */
  readonly workspaceGroupId: WorkspaceGroupId | null;
  /** The link, whether or not it can be written through. */
  readonly linkedTo: WorkspaceGroupId | null;
}

/** `found`: groups in which no IdP wants the user, by the workspace group where the user was found; value = name. */
export interface GroupsOfUser {
  readonly wanted: readonly GroupOfUser[];
  readonly found: ReadonlyMap<WorkspaceGroupId, string>;
}

export function readGroupsOfUser(core: Core, seq: number): GroupsOfUser {
  const wanted: GroupOfUser[] = [];
  const found = new Map<WorkspaceGroupId, string>();
  for (const row of core.all<Row>(SELECT, seq)) {
    if (row.origin === 'idp') wanted.push(toGroup(row));
    else if (row.workspace_group_id !== null) found.set(row.workspace_group_id, row.display_name);
  }
  return { wanted, found };
}

export function groupsOfUser(core: Core, seq: number): readonly GroupOfUser[] {
  return readGroupsOfUser(core, seq).wanted;
}

function toGroup(row: Row): GroupOfUser {
  return {
    displayName: row.display_name,
    nameKey: row.display_name_key,
    seatType: asSeat(row.seat_type),
    shares: sharesOfDocument(JSON.parse(row.document) as Document),
    linked: row.workspace_group_id !== null,
    linkedTo: row.workspace_group_id,
    workspaceGroupId: row.link_status === 'linked' ? row.workspace_group_id : null,
  };
}

/** The seat that the rules give now. */
export function seatOfUser(
  core: Core,
  row: UserRow,
  groups: readonly SeatGroup[] = groupsOfUser(core, row.seq),
): SeatDecision | null {
  return decideSeat(documentOf(row), groups, core.rules());
}

/** `shares[]` of the group extension. */
export function sharesOfDocument(document: Document): readonly MappedShare[] {
  return elementsAt(objectAt(document, BRIDGE_GROUP), 'shares').flatMap((share) => {
    const type = textAt(share, 'resourceType');
    const id = textAt(share, 'resourceId');
    const role = SHARE_ROLES.find((known) => known === share['role']);
    return type === null || id === null || role === undefined ? [] : [{ resource: { type, id }, role }];
  });
}

const SELECT = `SELECT m.origin, g.display_name, g.display_name_key, g.seat_type, g.workspace_group_id, g.link_status, g.document
  FROM memberships AS m JOIN groups AS g ON g.seq = m.group_seq WHERE m.user_seq = ? ORDER BY g.seq`;
