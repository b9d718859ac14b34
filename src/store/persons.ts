/** Builds what the planner may know of one user, and the shares of a group or the mapping file. */
import { elementsAt, textAt } from '../domain/json.js';
import type { Person } from '../domain/person.js';
import { resourceKey, wantedGroupShares, wantedShares } from '../domain/shares.js';
import {
  principalKey,
  type MemberId,
  type ResourceRef,
  type ShareRole,
  type UserId,
  type WorkspaceGroupId,
  type WorkspaceMember,
} from '../domain/types.js';
import { decideSeat } from '../domain/seat.js';
import { usageLimitOf } from '../domain/user-columns.js';
import type { Core } from './core.js';
import { findGroupRow, type GroupRow } from './groups.js';
import { invitesOf, latestInvite, staleInvites, toInvite } from './invites.js';
import { openLedgerRows, type OpenLedgerRow } from './ledger.js';
import { findMember, groupsOfMember, toMember, type MemberRow } from './mirror.js';
import type { ShareSubject, Subject } from './port.js';
import { protectionOf } from './protection.js';
import { membersReadAt } from './settings.js';
import { groupIdOf, MAPPING_SUBJECT, userSubject } from './subject.js';
import { groupsOfUser, sharesOfDocument, type GroupOfUser } from './user-groups.js';
import { documentOf, rowOfUser, type UserRow } from './users.js';

export function readPerson(core: Core, userId: UserId): Person | null {
  const row = rowOfUser(core, userId);
  if (row === undefined) return null;
  const rules = core.rules();
  const document = documentOf(row);
  const groups = groupsOfUser(core, row.seq);
  const member = findMember(core, row.member_id);
  const invites = invitesOf(core, userId);
  const invite = latestInvite(invites, row.address);
  const open = openLedgerRows(core, userSubject(userId));
  const entitlements = elementsAt(document, 'entitlements').flatMap((item) => textAt(item, 'value') ?? []);
  return {
    userId,
    userName: row.user_name,
    version: row.version,
    desired: desiredOf(row),
    managed: row.managed === 1,
    address: row.address,
    seat: decideSeat(document, groups, rules),
    usageLimit: usageLimitOf(document),
    groups: wantedGroups(core, groups),
    givenGroups: new Set(core.values<WorkspaceGroupId>(SELECT_GIVEN_GROUPS, userId)),
    withdrawnGroups: new Set(core.values<WorkspaceGroupId>(SELECT_WITHDRAWN_GROUPS, userId)),
    shares: wantedShares({ entitlements, groups }, rules),
    givenShares: givenShares(core, userSubject(userId)),
    heldShares: heldShares(core, member),
    activationFresh: row.activation_fresh === 1,
    lockedByBridge: row.locked_by_bridge === 1,
    removedAt: row.removed_at,
    seatBefore: row.seat_before,
    seatGiven: row.seat_given,
    seatDeclined: row.seat_declined,
    member,
    memberGroups: new Set(member === null ? [] : groupsOfMember(core, member.memberId)),
    strays: straysOf(core, userId, row.member_id),
    invite: invite === null ? null : toInvite(core, invite),
    staleInvites: staleInvites(invites, row.address).map((stale) => toInvite(core, stale)),
    protection: protectionOf(core, member, row.address),
    refused: refusedOf(open),
    released: new Set(open.filter((entry) => entry.released === 1).map((entry) => entry.key)),
    held: new Set(open.filter((entry) => entry.state === 'held' && entry.released !== 1).map((entry) => entry.key)),
    membersReadAt: membersReadAt(core),
  };
}

function desiredOf(row: UserRow): Person['desired'] {
  if (row.deleted_at !== null) return 'deleted';
  return row.active === 1 ? 'active' : 'inactive';
}

function wantedGroups(core: Core, groups: readonly GroupOfUser[]): ReadonlyMap<WorkspaceGroupId, string> {
  const wanted = new Map<WorkspaceGroupId, string>();
  for (const { workspaceGroupId, displayName } of groups) {
    if (workspaceGroupId === null || wanted.has(workspaceGroupId)) continue;
    if (core.value(IS_WRITABLE, workspaceGroupId) === 1) wanted.set(workspaceGroupId, displayName);
  }
  return wanted;
}

function straysOf(core: Core, userId: UserId, own: MemberId | null): readonly WorkspaceMember[] {
  return core.all<MemberRow>(SELECT_STRAYS, userId, own ?? '').map(toMember);
}

function refusedOf(open: readonly OpenLedgerRow[]): Person['refused'] {
  const refused = new Map<string, { until: number; error: string }>();
  for (const { state, key, retryAt, error } of open) {
    if (state === 'refused' && retryAt !== null) refused.set(key, { until: retryAt, error: error ?? 'refused' });
  }
  return refused;
}

interface GivenShareRow {
  readonly resource_type: string;
  readonly resource_id: string;
  readonly principal: string;
  readonly role: ShareRole;
}

function givenShares(core: Core, subject: Subject): Person['givenShares'] {
  return new Map(
    core.all<GivenShareRow>(SELECT_GIVEN_SHARES, subject).map((row) => {
      const resource: ResourceRef = { type: row.resource_type, id: row.resource_id };
      return [resourceKey(resource), { resource, role: row.role }];
    }),
  );
}

function heldShares(core: Core, member: WorkspaceMember | null): Person['heldShares'] {
  if (member === null) return new Map();
  const rows = core.all<GivenShareRow>(SELECT_HELD_SHARES, principalKey({ kind: 'member', memberId: member.memberId }));
  return new Map(rows.map((row) => [resourceKey({ type: row.resource_type, id: row.resource_id }), row.role]));
}

/** See ShareSubject. Keys are `type:id principal`. Null for a user's subject. */
export function readShareSubject(core: Core, subject: Subject): ShareSubject | null {
  const groupId = groupIdOf(subject);
  if (groupId === null && subject !== MAPPING_SUBJECT) return null;
  const group = groupId === null ? undefined : findGroupRow(core, groupId);
  const given = new Map(
    core.all<GivenShareRow>(SELECT_GIVEN_SHARES, subject).map((row) => {
      const resource: ResourceRef = { type: row.resource_type, id: row.resource_id };
      return [`${resourceKey(resource)} ${row.principal}`, { resource, role: row.role, principal: row.principal }];
    }),
  );
  const wanted = groupId === null ? sharesOfMapping(core) : sharesOfGroup(core, group);
  return { subject, wanted, given, refused: refusedOf(openLedgerRows(core, subject)) };
}

function sharesOfGroup(core: Core, group: GroupRow | undefined): ShareSubject['wanted'] {
  const wanted = new Map<string, ShareSubject['wanted'] extends ReadonlyMap<string, infer V> ? V : never>();
  if (group === undefined || group.workspace_group_id === null) return wanted;
  const principal = principalKey({ kind: 'group', groupId: group.workspace_group_id });
  const source = {
    displayName: group.display_name,
    nameKey: group.display_name_key,
    shares: sharesOfDocument(documentOf(group)),
  };
  for (const [key, share] of wantedGroupShares(source, core.rules()))
    wanted.set(`${key} ${principal}`, { ...share, principal });
  return wanted;
}

function sharesOfMapping(core: Core): ShareSubject['wanted'] {
  const rules = core.rules();
  const wanted = new Map<string, ShareSubject['wanted'] extends ReadonlyMap<string, infer V> ? V : never>();
  for (const { principal, share } of rules.fixedShares) {
    const key = principalKey(principal);
    wanted.set(`${resourceKey(share.resource)} ${key}`, {
      ...share,
      principal: key,
      rule: `mapping file, ${key}`,
      attribute: 'entitlements',
    });
  }
  for (const [nameKey, shares] of rules.workspaceGroupShares) {
    for (const groupId of core.values<WorkspaceGroupId>(
      'SELECT group_id FROM workspace_groups WHERE name_key = ?',
      nameKey,
    )) {
      const key = principalKey({ kind: 'group', groupId });
      for (const share of shares) {
        wanted.set(`${resourceKey(share.resource)} ${key}`, {
          ...share,
          principal: key,
          rule: `mapping file, workspace group "${nameKey}"`,
          attribute: 'groups',
        });
      }
    }
  }
  return wanted;
}

const SELECT_GIVEN_GROUPS = 'SELECT workspace_group_id FROM given_memberships WHERE user_id = ?';
const SELECT_WITHDRAWN_GROUPS = 'SELECT workspace_group_id FROM withdrawn_memberships WHERE user_id = ?';
const IS_WRITABLE = 'SELECT 1 FROM workspace_groups WHERE group_id = ? AND read_only = 0';
const SELECT_GIVEN_SHARES = 'SELECT resource_type, resource_id, principal, role FROM given_shares WHERE subject = ?';
const SELECT_HELD_SHARES =
  'SELECT resource_type, resource_id, principal, role FROM workspace_shares WHERE principal = ?';
const SELECT_STRAYS = `SELECT m.* FROM watches AS w JOIN workspace_members AS m ON m.address = w.address
  WHERE w.user_id = ? AND m.member_id <> ?
    AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.member_id = m.member_id AND u.deleted_at IS NULL)
    AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.address = m.address AND u.deleted_at IS NULL AND u.id <> w.user_id)`;
