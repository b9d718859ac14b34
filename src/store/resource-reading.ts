/**
 * Takes over a reading of one resource (`resources.get`): who holds what, which of our shares have
 * gone or were changed by hand, and which calls of unknown outcome proved to have been applied.
 *
 * Invariants:
 * - What somebody else gave never becomes ours by a reading.
 * - The creator holds `admin` whatever the answer says, and is never counted as given.
 * - A principal whose id in the answer is not known (the baseline, an API key) is never thought gone.
 */
import { resourceKey } from '../domain/shares.js';
import {
  isHigherRole,
  principalKey,
  type MemberId,
  type Principal,
  type ResourceRef,
  type ShareRole,
  type WorkspaceGroupId,
} from '../domain/types.js';
import { remind } from './agenda.js';
import type { Core } from './core.js';
import { presetRole, type GivenRow, type HeldRow } from './given-shares.js';
import { groupsLinkedTo } from './groups.js';
import { isGoneGroup } from './mirror.js';
import type { ResourceFacts, ResourceReading, ShareStore, Subject } from './port.js';
import { groupSubject, MAPPING_SUBJECT, userSubject } from './subject.js';
import { mappedPrincipals } from './share-subjects.js';
import { liveUserOfMember } from './users.js';

type Options = Parameters<ShareStore['applyResource']>[1];

export function applyResource(core: Core, reading: ResourceReading, options: Options): void {
  const { resource, found, startedAt, error } = reading;
  const before = readResource(core, resource);
  if (found === null) {
    core.run(
      UPSERT_RESOURCE,
      resource.type,
      resource.id,
      before?.name ?? null,
      before?.creator ?? null,
      startedAt,
      error,
    );
    return;
  }
  core.run(UPSERT_RESOURCE, resource.type, resource.id, found.name, found.creator, startedAt, null);
  const holders = holdersOf(core, found);
  const concerned = new Set<Subject>();
  for (const row of core.all<GivenRow>(SELECT_GIVEN_ON, resource.type, resource.id)) {
    const creator = found.creator === null ? null : creatorKey(found.creator);
    if (judgeGiven(core, row, holders.get(row.principal), row.principal === creator)) concerned.add(row.subject);
  }
  for (const principal of replaceHolders(core, resource, before, holders)) {
    // Who else holds a resource that is read for the first time is news to nobody's plan.
    if (before !== null) for (const subject of subjectsOf(core, principal)) concerned.add(subject);
  }
  for (const subject of concerned) if (subject !== options.except) remind(core, subject, options.cause);
}

/** Null: never read. */
export function readResource(core: Core, resource: ResourceRef): ResourceFacts | null {
  const row = core.get<ResourceRow>(SELECT_RESOURCE, resource.type, resource.id);
  if (row === undefined) return null;
  const held = core.all<HeldRow>(SELECT_HELD_ON, resource.type, resource.id);
  return {
    resource,
    name: row.name,
    creator: row.creator,
    readAt: row.read_at,
    error: row.error,
    holders: new Map(held.map(({ principal, role }) => [principal, role])),
  };
}

interface ResourceRow {
  readonly name: string | null;
  readonly creator: MemberId | null;
  readonly read_at: number;
  readonly error: string | null;
}

const creatorKey = (creator: MemberId): string => principalKey({ kind: 'member', memberId: creator });

/** By principal: the highest preset role, else a custom slot. */
function holdersOf(core: Core, found: NonNullable<ResourceReading['found']>): ReadonlyMap<string, string> {
  const names = principalNames(core);
  const mapped = mappedPrincipals(core);
  const holders = new Map<string, string>();
  for (const [id, slots] of found.roles) {
    const principal = principalOf(core, id, names, mapped);
    const role = highestSlot(slots);
    if (role !== null) holders.set(principal, role);
  }
  if (found.creator !== null) holders.set(creatorKey(found.creator), 'admin');
  return holders;
}

function highestSlot(slots: readonly string[]): string | null {
  const preset = slots.map(presetRole).filter((role) => role !== null);
  const [first, ...others] = preset;
  if (first === undefined) return slots[0] ?? null;
  return others.reduce<ShareRole>((best, role) => (isHigherRole(role, best) ? role : best), first);
}

function principalOf(core: Core, id: string, names: ReadonlyMap<string, string>, mapped: ReadonlySet<string>): string {
  const learnt = names.get(id);
  if (learnt !== undefined) return learnt;
  if (id === 'default' || mapped.has(`key:${id}`)) {
    const key = id === 'default' ? id : `key:${id}`;
    learn(core, key, id);
    return key;
  }
  if (core.value(IS_MEMBER, id) === 1) return creatorKey(id as MemberId);
  if (core.value(IS_GROUP, id) === 1) return principalKey({ kind: 'group', groupId: id as WorkspaceGroupId });
  return `other:${id}`;
}

/**
 * What a reading means for one share of ours. True: the plan of its subject may change.
 * A share that has gone is no longer ours; should it be wanted still, the plan gives it again.
 */
function judgeGiven(core: Core, row: GivenRow, holder: string | undefined, isCreator: boolean): boolean {
  const where = [row.resource_type, row.resource_id, row.principal] as const;
  if (isCreator || (holder !== undefined && row.sent_role === null && holder === row.role_before)) {
    // The creator's role is nobody's gift; and whoever put the earlier role back took it over.
    core.run(DROP, ...where);
    return true;
  }
  if (holder === undefined) {
    const isGone = row.sent_role === null && knows(core, row.principal);
    if (isGone) core.run(DROP, ...where);
    return isGone;
  }
  if (row.sent_role === null) return holder !== row.role;
  if (holder === row.sent_role) core.run(CONFIRM_SENT, ...where);
  else if (holder === row.role) core.run(FORGET_SENT, ...where);
  return true;
}

/** Answers the principals whose role is another than before. */
function replaceHolders(
  core: Core,
  { type, id }: ResourceRef,
  before: ResourceFacts | null,
  holders: ReadonlyMap<string, string>,
): readonly string[] {
  const known = before?.holders ?? new Map<string, string>();
  const gone = [...known.keys()].filter((principal) => !holders.has(principal) && knows(core, principal));
  const changed = [...holders].filter(([principal, role]) => known.get(principal) !== role);
  for (const principal of gone) core.run(DROP_HELD, type, id, principal);
  for (const [principal, role] of changed) core.run(HOLD, type, id, principal, role);
  return [...gone, ...changed.map(([principal]) => principal)];
}

/** Whose plans hang on the shares of a principal. */
function subjectsOf(core: Core, principal: string): readonly Subject[] {
  const id = principal.slice(principal.indexOf(':') + 1);
  if (principal.startsWith('member:')) {
    const user = liveUserOfMember(core, id as MemberId);
    return user?.managed === 1 ? [userSubject(user.id)] : [];
  }
  if (principal.startsWith('group:'))
    return [MAPPING_SUBJECT, ...groupsLinkedTo(core, id as WorkspaceGroupId).map((row) => groupSubject(row.id))];
  return principal === 'default' || principal.startsWith('key:') ? [MAPPING_SUBJECT] : [];
}

// Names of principals ---------------------------------------------------------------------------------

const NAME = 'principalName ';

/** Id in answers -> principal key, as far as it had to be learnt. */
function principalNames(core: Core): ReadonlyMap<string, string> {
  const rows = core.raw<[string, string]>(SELECT_NAMES);
  return new Map(rows.map(([name, id]) => [id, name.slice(NAME.length)]));
}

function learn(core: Core, key: string, id: string): void {
  core.run(UPSERT_NAME, NAME + key, id);
}

export function learnPrincipal(
  core: Core,
  principal: Principal,
  id: string,
  before: { readonly resource: ResourceRef; readonly slots: readonly string[] },
): void {
  const key = principalKey(principal);
  learn(core, key, id);
  const role = presetRole(highestSlot(before.slots) ?? '');
  if (role !== null) core.run(REMEMBER_BEFORE, role, before.resource.type, before.resource.id, key);
  core.run('DELETE FROM workspace_shares WHERE principal = ?', `other:${id}`);
}

/** Whether its absence from an answer means anything. */
function knows(core: Core, principal: string): boolean {
  if (principal !== 'default' && !principal.startsWith('key:')) return !isGoneGroup(core, principal);
  return core.value('SELECT 1 FROM settings WHERE name = ?', NAME + principal) === 1;
}

export function knowsPrincipal(core: Core, principal: Principal): boolean {
  return knows(core, principalKey(principal));
}

// Which resources -------------------------------------------------------------------------------------

/** See ShareStore.managedResources. */
export function managedResources(core: Core, wanted: Iterable<ResourceRef>): readonly ResourceRef[] {
  const managed = new Map<string, ResourceRef>();
  for (const resource of wanted) managed.set(resourceKey(resource), resource);
  for (const [type, id] of core.raw<[string, string]>(SELECT_ALL_GIVEN)) managed.set(`${type}:${id}`, { type, id });
  for (const [type, id] of core.raw<[string, string]>('SELECT resource_type, resource_id FROM workspace_resources')) {
    if (managed.has(`${type}:${id}`)) continue;
    core.run('DELETE FROM workspace_resources WHERE resource_type = ? AND resource_id = ?', type, id);
    core.run('DELETE FROM workspace_shares WHERE resource_type = ? AND resource_id = ?', type, id);
  }
  return [...managed.values()];
}

const WHERE = 'WHERE resource_type = ? AND resource_id = ? AND principal = ?';
const SELECT_RESOURCE = 'SELECT * FROM workspace_resources WHERE resource_type = ? AND resource_id = ?';
const SELECT_HELD_ON = 'SELECT * FROM workspace_shares WHERE resource_type = ? AND resource_id = ?';
const SELECT_GIVEN_ON = 'SELECT * FROM given_shares WHERE resource_type = ? AND resource_id = ?';
const SELECT_ALL_GIVEN = `SELECT DISTINCT resource_type, resource_id FROM given_shares
  WHERE principal NOT IN (SELECT 'group:' || group_id FROM gone_groups)`;
const UPSERT_RESOURCE = `INSERT INTO workspace_resources (resource_type, resource_id, name, creator, read_at, error) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (resource_type, resource_id) DO UPDATE SET name = excluded.name, creator = excluded.creator,
  read_at = excluded.read_at, error = excluded.error`;
const HOLD = `INSERT INTO workspace_shares (resource_type, resource_id, principal, role) VALUES (?, ?, ?, ?)
  ON CONFLICT (resource_type, resource_id, principal) DO UPDATE SET role = excluded.role`;
const DROP_HELD = `DELETE FROM workspace_shares ${WHERE}`;
const DROP = `DELETE FROM given_shares ${WHERE}`;
const CONFIRM_SENT = `UPDATE given_shares SET role = sent_role, sent_role = NULL ${WHERE}`;
const FORGET_SENT = `UPDATE given_shares SET sent_role = NULL ${WHERE}`;
const REMEMBER_BEFORE = `UPDATE given_shares SET role_before = ? ${WHERE}`;
const IS_MEMBER = 'SELECT 1 FROM workspace_members WHERE member_id = ?';
const IS_GROUP = 'SELECT 1 FROM workspace_groups WHERE group_id = ?';
const SELECT_NAMES = `SELECT name, value FROM settings WHERE name LIKE '${NAME}%'`;
const UPSERT_NAME =
  'INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value';
