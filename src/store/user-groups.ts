/** The SCIM groups of one user, as far as seats and shares hang on them. */
import { elementsAt, objectAt, textAt } from '../domain/json.js';
import { asSeat, decideSeat, type SeatGroup } from '../domain/seat.js';
import type { MappedShare } from '../domain/rules.js';
import { BRIDGE_GROUP } from '../domain/schema.js';
import type { GroupShareSource } from '../domain/shares.js';
import { SHARE_ROLES, type Document, type LinkStatus, type SeatType, type WorkspaceGroupId } from '../domain/types.js';
import type { SeatDecision } from '../domain/person.js';
import type { Core } from './core.js';
import { documentOf, type UserRow } from './users.js';

interface Row {
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

export function groupsOfUser(core: Core, seq: number): readonly GroupOfUser[] {
  return core.all<Row>(SELECT, seq).map((row) => ({
    displayName: row.display_name,
    nameKey: row.display_name_key,
    seatType: asSeat(row.seat_type),
    shares: sharesOfDocument(JSON.parse(row.document) as Document),
    linked: row.workspace_group_id !== null,
    linkedTo: row.workspace_group_id,
    workspaceGroupId: row.link_status === 'linked' ? row.workspace_group_id : null,
  }));
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

const SELECT = `SELECT g.display_name, g.display_name_key, g.seat_type, g.workspace_group_id, g.link_status, g.document
  FROM memberships AS m JOIN groups AS g ON g.seq = m.group_seq WHERE m.user_seq = ? ORDER BY g.seq`;
