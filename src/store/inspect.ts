/** Reads for people who look from outside: commands and the admin page. Nothing here writes. */
import { fold, foldAddress } from '../domain/fold.js';
import { MAY_HAVE_PLAN } from './agenda.js';
import type { Core } from './core.js';
import { LINK_TROUBLE } from './groups.js';
import { OPEN_STATES } from './invites.js';
import type { InspectionStore, InviteRecord, LinkRecord, PersonRef, Subject } from './port.js';
import { MAPPING_SUBJECT } from './subject.js';

interface PersonRow extends Omit<PersonRef, 'managed'> {
  readonly managed: number;
}

const toRef = (row: PersonRow): PersonRef => ({ ...row, managed: row.managed === 1 });

/** By id, user name, address, or any e-mail of the document; live users before tombstones. */
export function findPeople(core: Core, text: string): readonly PersonRef[] {
  const found = core.all<PersonRow>(FIND, text, fold(text), foldAddress(text), fold(text));
  return found.map(toRef);
}

export function peopleOf(core: Core, subjects: readonly Subject[]): ReadonlyMap<Subject, PersonRef> {
  const rows = core.all<PersonRow>(SELECT_OF_SUBJECTS, JSON.stringify(subjects));
  return new Map(rows.map((row) => [`user:${row.id}`, toRef(row)]));
}

/** Whoever may have a plan: managed users and tombstones, groups, the mapping file. */
export function planSubjects(core: Core): readonly Subject[] {
  return [...core.values<Subject>(SELECT_SUBJECTS), MAPPING_SUBJECT];
}

export function listInvites(core: Core, query: Parameters<InspectionStore['invites']>[0]): readonly InviteRecord[] {
  const conditions: string[] = [];
  if (query.open) conditions.push(`i.state IN ${OPEN_STATES}`);
  if (query.userId !== undefined) conditions.push('i.user_id = ?');
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const params = query.userId === undefined ? [] : [query.userId];
  return core.all<InviteRecord>(`${SELECT_INVITES} ${where} ORDER BY i.id DESC LIMIT ?`, ...params, query.limit);
}

/** All SCIM groups with their links, in the order of creation. */
export function listLinks(core: Core): readonly LinkRecord[] {
  const rows = core.all<Omit<LinkRecord, 'managed'> & { readonly managed: number }>(SELECT_LINKS);
  return rows.map((row) => ({ ...row, managed: row.managed === 1 }));
}

const PERSON = `SELECT u.id, u.user_name AS userName, u.address, u.managed, u.status, u.member_id AS memberId,
  u.deleted_at AS deletedAt FROM users AS u`;
const FIND = `${PERSON} WHERE u.id = ? OR u.user_name_key = ? OR u.address = ?
    OR u.seq IN (SELECT user_seq FROM user_emails WHERE value_key = ?)
  ORDER BY u.deleted_at IS NOT NULL, u.seq DESC LIMIT 20`;
const SELECT_OF_SUBJECTS = `${PERSON} WHERE 'user:' || u.id IN (SELECT value FROM json_each(?))`;
const SELECT_SUBJECTS = `SELECT 'user:' || u.id FROM users AS u WHERE ${MAY_HAVE_PLAN}
  UNION ALL SELECT 'group:' || id FROM groups`;
const SELECT_INVITES = `SELECT i.id, i.user_id AS userId, u.user_name AS userName, i.address, i.seat_type AS seatType,
  i.usage_limit AS usageLimit, i.state, i.sends, i.round, i.sent_at AS sentAt, i.ended_at AS endedAt, i.member_id AS memberId
  FROM invites AS i JOIN users AS u ON u.id = i.user_id`;
const SELECT_LINKS = `SELECT g.id, g.display_name AS displayName, g.managed, g.link_status AS linkStatus,
  ${LINK_TROUBLE} AS trouble, CASE WHEN g.link_status <> 'unlinked' THEN g.link_source END AS linkSource, g.workspace_group_id AS groupId, w.name AS groupName,
  (SELECT COUNT(*) FROM memberships AS m WHERE m.group_seq = g.seq) AS members
  FROM groups AS g LEFT JOIN workspace_groups AS w ON w.group_id = g.workspace_group_id ORDER BY g.seq`;
