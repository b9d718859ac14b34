/**
 * Shares with principals that are no member: workspace groups, the baseline, API keys. Several
 * subjects may want the same principal to have the same resource (two SCIM groups linked to one
 * workspace group, a group and the mapping file): the highest role wins, and exactly one subject
 * sees to it, so that they never undo each other's work.
 */
import type { WantedShare } from '../domain/person.js';
import { highestShares, resourceKey, sharesOfGroup } from '../domain/shares.js';
import { principalKey, type ShareRole, type WorkspaceGroupId } from '../domain/types.js';
import type { Core } from './core.js';
import { givenBy, givenTo, heldBy, toGiven, type GivenRow } from './given-shares.js';
import { findGroupRow, groupsLinkedTo, type GroupRow } from './groups.js';
import { openLedgerRows } from './ledger.js';
import { isGoneGroup, workspaceGroupOf } from './mirror.js';
import type { ShareSubject, Subject } from './port.js';
import { refusedOf } from './refused.js';
import { groupIdOf, groupSubject, MAPPING_SUBJECT } from './subject.js';
import { sharesOfDocument } from './user-groups.js';
import { documentOf } from './users.js';

/** A wanted share, and whose rule wins. */
export interface OwnedShare extends WantedShare {
  readonly principal: string;
  readonly subject: Subject;
}

/** See ShareSubject. Null for a user's subject. */
export function readShareSubject(core: Core, subject: Subject): ShareSubject | null {
  const groupId = groupIdOf(subject);
  if (groupId === null && subject !== MAPPING_SUBJECT) return null;
  const wanted = new Map<string, OwnedShare>();
  const given = new Map<string, ReturnType<typeof toGiven>>();
  const held = new Map<string, ShareRole>();
  for (const principal of principalsOf(core, subject)) {
    const owned = wantedBy(core, principal);
    const rows = givenTo(core, principal);
    for (const [resource, role] of heldBy(core, principal)) held.set(`${resource} ${principal}`, role);
    for (const row of rows) {
      const { resource } = toGiven(row);
      if (isResponsible(subject, owned.get(resourceKey(resource)), row))
        given.set(`${resourceKey(resource)} ${principal}`, toGiven(row));
    }
    for (const [resource, share] of owned) {
      const key = `${resource} ${principal}`;
      if (share.subject === subject || given.has(key)) wanted.set(key, share);
    }
  }
  const open = openLedgerRows(core, subject);
  const refused = refusedOf(open);
  const released = open.filter((row) => row.released === 1).map(({ key }) => key);
  const isConverged = core.value(SELECT_SETTLED, subject) === wantsOf(wanted);
  return { subject, wanted, given, held, refused, isConverged, known: new Set([...refused.keys(), ...released]) };
}

/** Remembers that nothing is left to do for what is wanted now. */
export function settleShares(core: Core, subject: Subject): void {
  const holder = readShareSubject(core, subject);
  if (holder !== null) core.run(SETTLE, subject, wantsOf(holder.wanted));
}

function wantsOf(wanted: ShareSubject['wanted']): string {
  return JSON.stringify(Array.from(wanted, ([key, { role }]) => `${key} ${role}`).sort());
}

/** Whose rule wins, and who gave it: both may act, since only one of them may be on the agenda. */
function isResponsible(subject: Subject, wanted: OwnedShare | undefined, row: GivenRow): boolean {
  return row.subject === subject || wanted?.subject === subject;
}

/** The principals that the rules of a subject name, and those that it gave something to; without groups that have gone. */
function principalsOf(core: Core, subject: Subject): ReadonlySet<string> {
  const principals = new Set(givenPrincipals(core, subject));
  const groupId = groupIdOf(subject);
  if (groupId !== null) {
    const link = findGroupRow(core, groupId)?.workspace_group_id ?? null;
    if (link !== null) principals.add(groupKey(link));
    return principals;
  }
  for (const principal of mappedPrincipals(core)) principals.add(principal);
  return principals;
}

function givenPrincipals(core: Core, subject: Subject): readonly string[] {
  return givenBy(core, subject).flatMap(({ principal }) => (isGoneGroup(core, principal) ? [] : [principal]));
}

const groupKey = (groupId: WorkspaceGroupId): string => principalKey({ kind: 'group', groupId });

/** Principals that `shares` of the mapping file names, groups by name included. */
export function mappedPrincipals(core: Core): ReadonlySet<string> {
  const { fixedShares, workspaceGroupShares } = core.rules();
  const principals = new Set(fixedShares.map(({ principal }) => principalKey(principal)));
  for (const nameKey of workspaceGroupShares.keys())
    for (const id of core.values<WorkspaceGroupId>(SELECT_NAMED, nameKey)) principals.add(groupKey(id));
  return principals;
}

/** What one principal that is no member should have by all rules together, by `type:id`. */
export function wantedBy(core: Core, principal: string): ReadonlyMap<string, OwnedShare> {
  const { fixedShares, workspaceGroupShares } = core.rules();
  const all: OwnedShare[] = [];
  const own = { principal, subject: MAPPING_SUBJECT, attribute: 'groups' } as const;
  for (const { principal: named, share } of fixedShares)
    if (principalKey(named) === principal) all.push({ ...share, ...own, rule: `mapping file, ${inWords(principal)}` });
  const group = workspaceGroupOf(core, principal);
  if (group !== null) {
    for (const row of groupsLinkedTo(core, group.group_id)) all.push(...ofScimGroup(core, row, principal));
    const rule = `mapping file, workspace group "${group.name}"`;
    for (const share of workspaceGroupShares.get(group.name_key) ?? []) all.push({ ...share, ...own, rule });
  }
  return highestShares(all);
}

/** Of a group that an IdP has pushed; what was only imported is as the workspace has it. */
function ofScimGroup(core: Core, row: GroupRow, principal: string): readonly OwnedShare[] {
  if (row.managed === 0) return [];
  const source = {
    displayName: row.display_name,
    nameKey: row.display_name_key,
    shares: sharesOfDocument(documentOf(row)),
  };
  const subject = groupSubject(row.id);
  return sharesOfGroup(source, core.rules()).map((share) => ({ ...share, principal, subject }));
}

function inWords(principal: string): string {
  if (principal === 'default') return 'all members';
  return principal.replace(/^key:/u, 'API key ').replace(/^group:/u, 'workspace group ');
}

/**
 * What a subject gave and another one's rule wants is the other's from now on: whoever stops
 * wanting it must find it.
 */
export function handOverShares(core: Core, subject: Subject): void {
  for (const row of givenBy(core, subject)) {
    if (row.principal.startsWith('member:')) continue;
    const { resource, principal } = toGiven(row);
    const winner = wantedBy(core, principal).get(resourceKey(resource));
    if (winner !== undefined && winner.subject !== subject)
      core.run(HAND_OVER, winner.subject, resource.type, resource.id, principal);
  }
}

const SELECT_SETTLED = 'SELECT wanted FROM settled_subjects WHERE subject = ?';
const SETTLE =
  'INSERT INTO settled_subjects (subject, wanted) VALUES (?, ?) ON CONFLICT (subject) DO UPDATE SET wanted = excluded.wanted';
const SELECT_NAMED = 'SELECT group_id FROM workspace_groups WHERE name_key = ?';
const HAND_OVER = 'UPDATE given_shares SET subject = ? WHERE resource_type = ? AND resource_id = ? AND principal = ?';
