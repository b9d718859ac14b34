/** Builds what the planner may know of one user. */
import { elementsAt, textAt } from '../domain/json.js';
import type { Person } from '../domain/person.js';
import { resourceKey, wantedShares } from '../domain/shares.js';
import { isHigherRole, principalKey, type UserId, type WorkspaceGroupId } from '../domain/types.js';
import { asSeat, decideSeat } from '../domain/seat.js';
import { usageLimitOf } from '../domain/user-columns.js';
import type { Core } from './core.js';
import { givenTo, heldBy, refOf, toGiven } from './given-shares.js';
import { effectsOf } from './effects.js';
import { findAccount } from './accounts.js';
import { formerAccountsOf, isCallable } from './handover.js';
import { invitesOf, latestInvite, staleInvites, toInvite } from './invites.js';
import { openLedgerRows, type OpenLedgerRow } from './ledger.js';
import { lookalikesOf } from './lookalikes.js';
import { groupsOfMember, toMember, type MemberRow } from './mirror.js';
import { protectionOf } from './protection.js';
import { refusedOf } from './refused.js';
import { refusedValuesOf } from './refused-values.js';
import { membersReadAt } from './settings.js';
import { userSubject } from './subject.js';
import { readGroupsOfUser, type GroupOfUser } from './user-groups.js';
import { desiredOf, documentOf, rowOfUser, type UserRow } from './users.js';

export function readPerson(core: Core, userId: UserId): Person | null {
  const row = rowOfUser(core, userId);
  if (row === undefined) return null;
  const rules = core.rules();
  const document = documentOf(row);
  const { wanted: groups, found: foundGroups } = readGroupsOfUser(core, row.seq);
  const found = row.member_id === null ? undefined : core.get<MemberRow>(SELECT_MEMBER, row.member_id);
  const member = found === undefined ? null : toMember(found);
  const account = findAccount(core, row.account_id);
  const effects = effectsOf(core, row.account_id);
  const seatEffect = effects.find(({ aspect }) => aspect === 'seat');
  const invites = invitesOf(core, userId);
  const invite = latestInvite(invites, row.address);
  const open = openLedgerRows(core, userSubject(userId));
  const principal = member === null ? null : principalKey({ kind: 'member', memberId: member.memberId });
  const lookalikes = lookalikesOf(core, row);
  const given = givenShares(core, principal);
  const entitlements = elementsAt(document, 'entitlements').flatMap((item) => textAt(item, 'value') ?? []);
  return {
    userId,
    userName: row.user_name,
    version: row.version,
    desired: desiredOf(row),
    managed: row.managed === 1,
    isReleased: row.released_at !== null,
    address: row.address,
    seat: decideSeat(document, groups, rules),
    usageLimit: usageLimitOf(document),
    groups: wantedGroups(core, groups),
    foundGroups,
    givenGroups: new Set(effects.flatMap(({ target }) => (target === '' ? [] : [target]))),
    withdrawnGroups: new Set(core.values<WorkspaceGroupId>(SELECT_WITHDRAWN_GROUPS, userId)),
    shares: wantedShares(
      { entitlements, groups: groups.map((group) => withHeld(core, group)), given: new Set(given.keys()) },
      rules,
    ),
    givenShares: given,
    heldShares: principal === null ? new Map() : heldBy(core, principal),
    mayUnlock: account !== undefined && account.unlock_since !== null,
    mayReinvite: row.may_reinvite === 1,
    lockedByBridge: effects.some(({ aspect }) => aspect === 'access'),
    removedAt: row.removed_at,
    seatBefore: seatEffect === undefined ? null : (asSeat(seatEffect.before) ?? rules.defaultSeat),
    seatGiven: asSeat(seatEffect?.value ?? seatEffect?.sent ?? null),
    seatDeclined: account?.seat_declined ?? null,
    seatFound: account?.seat_found ?? null,
    member,
    isMissing: found !== undefined && found.missing_since !== null,
    isCallable: found === undefined || isCallable(core, userId, found),
    memberGroups: new Set(member === null ? [] : groupsOfMember(core, member.memberId)),
    formerAccounts: formerAccountsOf(core, row),
    lookalikes,
    invite: invite === null ? null : toInvite(core, invite),
    staleInvites: staleInvites(invites, row.address).map((stale) => toInvite(core, stale)),
    protection: protectionOf(core, member, row.address),
    refusedValues: refusedValuesOf(row),
    refused: refusedOf(open),
    released: new Set(open.filter((entry) => entry.released === 1).map((entry) => entry.key)),
    held: heldOf(open, row),
    isHandingOver: row.handover_since !== null && member !== null && member.address !== row.address,
    isConverged: row.converged === 1,
    isUndone: row.undone_at !== null,
    membersReadAt: membersReadAt(core),
  };
}

/**
 * What an undo held is no longer held once the IdP has spoken, nor what was ambiguous once it is not:
 * no other limit takes it for its own.
 */
function heldOf(open: readonly OpenLedgerRow[], row: UserRow): ReadonlySet<string> {
  const isHeld = ({ state, released, code }: OpenLedgerRow): boolean =>
    state === 'held' &&
    released !== 1 &&
    code !== 'ambiguousMember' &&
    code !== 'formerAddress' &&
    (code !== 'undoHold' || row.undone_at !== null);
  return new Set(open.filter(isHeld).map(({ key }) => key));
}

function wantedGroups(core: Core, groups: readonly GroupOfUser[]): ReadonlyMap<WorkspaceGroupId, string> {
  const wanted = new Map<WorkspaceGroupId, string>();
  for (const { workspaceGroupId, displayName } of groups) {
    if (workspaceGroupId === null || wanted.has(workspaceGroupId)) continue;
    if (core.value(IS_WRITABLE, workspaceGroupId) === 1) wanted.set(workspaceGroupId, displayName);
  }
  return wanted;
}

/** To the member of now: what an earlier account of the user was given says nothing about it. */
function givenShares(core: Core, principal: string | null): Person['givenShares'] {
  if (principal === null) return new Map();
  return new Map(givenTo(core, principal).map((row) => [resourceKey(refOf(row)), toGiven(row)]));
}

/** Linked groups with what their workspace group holds by now: until then the member keeps its own. */
function withHeld(core: Core, group: GroupOfUser): GroupOfUser {
  const { linkedTo } = group;
  if (linkedTo === null) return group;
  const held = heldBy(core, principalKey({ kind: 'group', groupId: linkedTo }));
  return {
    ...group,
    isHeld: (resource, role) => {
      const has = held.get(resource);
      return has !== undefined && !isHigherRole(role, has);
    },
  };
}

const SELECT_MEMBER = 'SELECT * FROM workspace_members WHERE member_id = ?';
const SELECT_WITHDRAWN_GROUPS = 'SELECT workspace_group_id FROM withdrawn_memberships WHERE user_id = ?';
const IS_WRITABLE = 'SELECT 1 FROM workspace_groups WHERE group_id = ? AND read_only = 0';
