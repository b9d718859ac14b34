/** Reading groups: rows and records for the SCIM surface. */
import type { Document, GroupId, LinkStatus, Millis, SeatType, UserId, WorkspaceGroupId } from '../domain/types.js';
import type { Core } from './core.js';
import { refusedInWords } from '../domain/withdrawal.js';
import type { GroupRecord, MemberRecord } from './port.js';
import { refusedValuesOf } from './refused-values.js';
import { documentOf } from './users.js';

export interface GroupRow {
  readonly seq: number;
  readonly id: GroupId;
  readonly display_name: string;
  readonly display_name_key: string;
  readonly external_id: string | null;
  readonly document: string;
  readonly managed: number;
  readonly seat_type: SeatType | null;
  readonly version: number;
  readonly created_at: Millis;
  readonly modified_at: Millis;
  readonly workspace_group_id: WorkspaceGroupId | null;
  readonly link_source: 'name' | 'attribute' | 'admin' | 'import' | null;
  readonly link_status: LinkStatus;
  readonly relink_by_hand: number;
  /** Its workspace group when that went. */
  readonly gone_group_id: WorkspaceGroupId | null;
  /** See refused-values.ts. */
  readonly refused_values: string | null;
}

export function findGroupRow(core: Core, id: string): GroupRow | undefined {
  return core.get<GroupRow>('SELECT * FROM groups WHERE id = ?', id);
}

export function rowOfGroupSeq(core: Core, seq: number): GroupRow {
  const row = core.get<GroupRow>('SELECT * FROM groups WHERE seq = ?', seq);
  if (row === undefined) throw new Error(`no group with seq ${String(seq)}`);
  return row;
}

export function findGroupOfName(core: Core, nameKey: string): GroupRow | undefined {
  return core.get<GroupRow>('SELECT * FROM groups WHERE display_name_key = ?', nameKey);
}

/** SCIM groups linked to a workspace group: usually one. */
export function groupsLinkedTo(core: Core, groupId: WorkspaceGroupId): readonly GroupRow[] {
  return core.all<GroupRow>('SELECT * FROM groups WHERE workspace_group_id = ?', groupId);
}

export function readGroup(core: Core, id: string, options: { readonly members: boolean }): GroupRecord | null {
  const row = findGroupRow(core, id);
  return row === undefined ? null : toGroupRecord(core, row, options);
}

export function groupRecordOfSeq(core: Core, seq: number, options: { readonly members: boolean }): GroupRecord {
  return toGroupRecord(core, rowOfGroupSeq(core, seq), options);
}

export function groupRecordsOfSeqs(
  core: Core,
  seqs: readonly number[],
  options: { readonly members: boolean },
): readonly GroupRecord[] {
  const rows = core.all<GroupRow>(
    'SELECT g.* FROM json_each(?) AS j JOIN groups AS g ON g.seq = j.value',
    JSON.stringify(seqs),
  );
  const bySeq = new Map(rows.map((row) => [row.seq, row]));
  return seqs.flatMap((seq) => {
    const row = bySeq.get(seq);
    return row === undefined ? [] : [toGroupRecord(core, row, options)];
  });
}

function toGroupRecord(core: Core, row: GroupRow, options: { readonly members: boolean }): GroupRecord {
  const document: Document = documentOf(row);
  return {
    id: row.id,
    seq: row.seq,
    document,
    version: row.version,
    createdAt: row.created_at,
    modifiedAt: row.modified_at,
    managed: row.managed === 1,
    members: options.members ? membersOfGroup(core, row.seq) : null,
    bridge: {
      groupId: row.workspace_group_id,
      linkStatus: row.link_status,
      lastError: refusedInWords(refusedValuesOf(row)),
    },
  };
}

export function membersOfGroup(core: Core, seq: number): readonly MemberRecord[] {
  return core.raw<[UserId, string]>(SELECT_MEMBERS, seq).map(([userId, display]) => ({ userId, display }));
}

/** SQL for LinkTrouble, null where there is none; for a query with groups AS g. */
export const LINK_TROUBLE = `CASE WHEN g.link_status = 'linked' THEN NULL WHEN g.link_status <> 'unlinked' THEN g.link_status
  WHEN g.gone_group_id IS NOT NULL THEN 'gone' WHEN g.relink_by_hand = 1 THEN 'byHand' ELSE 'noGroup' END`;
const SELECT_MEMBERS = `SELECT u.id, COALESCE(u.display_name, u.user_name) FROM memberships AS m JOIN users AS u ON u.seq = m.user_seq
  WHERE m.group_seq = ? ORDER BY m.user_seq`;
