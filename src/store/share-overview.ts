/** Every share that a rule wants, that the bridge gave, or that somebody holds on a managed resource. */
import type { GivenShare, WantedShare } from '../domain/person.js';
import type { StandingShare } from '../domain/explanation.js';
import { elementsAt, textAt } from '../domain/json.js';
import { forbiddenDangers, namesResourceType, readEntitlement, resourceKey } from '../domain/shares.js';
import { principalKey, type Address, type Document, type ResourceRef, type UserId } from '../domain/types.js';
import type { Core } from './core.js';
import { givenTo, refOf, toGiven, type HeldRow } from './given-shares.js';
import { openLedgerRows } from './ledger.js';
import { readPerson } from './persons.js';
import { isGoneGroup } from './mirror.js';
import type { ResourceFacts, ShareOverview, ShareState, Subject } from './port.js';
import { readResource } from './resource-reading.js';
import { mappedPrincipals, wantedBy } from './share-subjects.js';
import { sharesOfDocument } from './user-groups.js';
import { userSubject } from './subject.js';

export function shareOverview(core: Core): ShareOverview {
  const held = heldByKey(core);
  const states = [
    ...standingPrincipals(core).flatMap((principal) => statesOf(core, principal, held)),
    ...core.values<UserId>(SELECT_PEOPLE).flatMap((userId) => statesOfPerson(core, userId, held)),
  ];
  const known = new Set(states.map(({ resource, principal }) => `${resourceKey(resource)} ${principal}`));
  const others = [...held].filter(([key]) => !known.has(key)).map(([, row]) => stateOfHolder(core, row));
  const shares = [...states, ...others];
  return { resources: resourcesOf(core, shares), shares, idle: idleRules(core) };
}

type Held = ReadonlyMap<string, HeldRow>;

/** `principals`: only theirs. */
function heldByKey(core: Core, principals?: readonly string[]): Held {
  const rows =
    principals === undefined
      ? core.all<HeldRow>(SELECT_HELD)
      : core.all<HeldRow>(SELECT_HELD_BY, JSON.stringify(principals));
  return new Map(rows.map((row) => [`${resourceKey(refOf(row))} ${row.principal}`, row]));
}

/** Principals that are no member and that some rule names, or that were given something. */
function standingPrincipals(core: Core): readonly string[] {
  const linked = core.values<string>(SELECT_LINKED_GROUPS);
  const given = core.values<string>(SELECT_GIVEN_PRINCIPALS).filter((principal) => !isGoneGroup(core, principal));
  return [...new Set([...mappedPrincipals(core), ...linked, ...given])];
}

function statesOf(core: Core, principal: string, held: Held): readonly ShareState[] {
  const wanted = wantedBy(core, principal);
  const given = givenTo(core, principal);
  const subjects = new Map<string, Subject>([
    ...given.map((row) => [resourceKey(refOf(row)), row.subject] as const),
    ...Array.from(wanted, ([key, share]) => [key, share.subject] as const),
  ]);
  return merge(wanted, new Map(given.map((row) => [resourceKey(refOf(row)), toGiven(row)]))).map((facts) =>
    toState(core, { ...facts, principal, subject: subjects.get(resourceKey(facts.resource)) ?? null }, held),
  );
}

function statesOfPerson(core: Core, userId: UserId, held: Held): readonly ShareState[] {
  const person = readPerson(core, userId);
  if (person === null) return [];
  const { member, shares, givenShares, desired } = person;
  const principal = member === null ? `user:${userId}` : principalKey({ kind: 'member', memberId: member.memberId });
  const wanted = desired === 'deleted' || !person.managed ? new Map<string, WantedShare>() : shares;
  return merge(wanted, givenShares).map((facts) => ({
    ...toState(core, { ...facts, principal, subject: userSubject(userId) }, held),
    name: person.address ?? person.userName,
  }));
}

/** See ShareStore.standingShares. */
export function standingShares(core: Core, userId: UserId): readonly StandingShare[] {
  const person = readPerson(core, userId);
  if (person?.desired !== 'active') return [];
  const groups = [...new Set([...person.groups.keys(), ...person.memberGroups])];
  const principals = ['default', ...groups.map((groupId) => principalKey({ kind: 'group', groupId }))];
  const held = heldByKey(core, principals);
  return principals.flatMap((principal) => {
    const states = statesOf(core, principal, held);
    const known = new Set(states.map(({ resource }) => resourceKey(resource)));
    const others = [...held.values()].filter(
      (row) => row.principal === principal && !known.has(resourceKey(refOf(row))),
    );
    return [...states, ...others.map((row) => stateOfHolder(core, row))].map(toStanding);
  });
}

function toStanding({ resource, name, wanted, held, refused }: ShareState): StandingShare {
  const via = name.startsWith('group ') ? `workspace ${name}` : name;
  const [role, rule] = wanted === null ? [null, null] : [wanted.role, wanted.rule];
  return { resource: resourceKey(resource), via, wanted: role, held, rule, refused };
}

interface Facts {
  readonly resource: ResourceRef;
  readonly wanted: WantedShare | null;
  readonly given: GivenShare | null;
}

function merge(wanted: ReadonlyMap<string, WantedShare>, given: ReadonlyMap<string, GivenShare>): readonly Facts[] {
  return [...new Set([...wanted.keys(), ...given.keys()])].flatMap((key) => {
    const facts = { wanted: wanted.get(key) ?? null, given: given.get(key) ?? null };
    const resource = facts.wanted?.resource ?? facts.given?.resource;
    return resource === undefined ? [] : [{ resource, ...facts }];
  });
}

type Owned = Facts & { readonly principal: string; readonly subject: Subject | null };

function toState(core: Core, { resource, principal, subject, wanted, given }: Owned, held: Held): ShareState {
  const key = resourceKey(resource);
  return {
    resource,
    principal,
    name: nameOf(core, principal),
    subject,
    wanted: wanted === null ? null : { resource, role: wanted.role, rule: wanted.rule, attribute: wanted.attribute },
    given,
    held: held.get(`${key} ${principal}`)?.role ?? null,
    refused: subject === null ? null : refusalOf(core, subject, key, principal),
  };
}

/** The reason of the last refusal that still stands. */
function refusalOf(core: Core, subject: Subject, key: string, principal: string): string | null {
  const row = openLedgerRows(core, subject).findLast(
    ({ state, key: change }) =>
      state === 'refused' &&
      (change === `unshare ${key} ${principal}` ||
        (change.startsWith(`share ${key}:`) && change.endsWith(` ${principal}`))),
  );
  return row?.error ?? null;
}

function stateOfHolder(core: Core, row: HeldRow): ShareState {
  const { principal, role } = row;
  const common = { subject: null, wanted: null, given: null, refused: null };
  return { ...common, resource: refOf(row), principal, name: nameOf(core, principal), held: role };
}

function nameOf(core: Core, principal: string): string {
  if (principal === 'default') return 'all members';
  const id = principal.slice(principal.indexOf(':') + 1);
  switch (principal.slice(0, principal.indexOf(':'))) {
    case 'member':
      return core.value<Address>('SELECT address FROM workspace_members WHERE member_id = ?', id) ?? id;
    case 'group': {
      const name = core.value<string>('SELECT name FROM workspace_groups WHERE group_id = ?', id);
      return name === undefined ? `group ${id}` : `group "${name}"`;
    }
    case 'key':
      return `API key ${id}`;
    default:
      return id;
  }
}

function resourcesOf(core: Core, shares: readonly ShareState[]): readonly ResourceFacts[] {
  const refs = new Map(shares.map(({ resource }) => [resourceKey(resource), resource]));
  return [...refs.values()].flatMap((resource) => readResource(core, resource) ?? []);
}

/** Rules that give nothing, and why. */
function idleRules(core: Core): readonly string[] {
  const { workspaceGroupShares, groupShares } = core.rules();
  return [
    ...[...workspaceGroupShares.keys()]
      .filter((nameKey) => core.value(HAS_WORKSPACE_GROUP, nameKey) !== 1)
      .map((nameKey) => `mapping file, shares: the workspace has no group "${nameKey}"`),
    ...[...groupShares.keys()]
      .filter((nameKey) => core.value(HAS_GROUP, nameKey) !== 1)
      .map((nameKey) => `mapping file, groups: the IdP has pushed no group "${nameKey}"`),
    ...forbidden(core),
  ];
}

/** Values that give nothing: of no resource type, or stored under looser rules. */
function forbidden(core: Core): readonly string[] {
  const rules = core.rules();
  const words = (who: string, value: string): string =>
    `${who}: "${value}" gives nothing: only the mapping file may give it (allowDangerousShares)`;
  const ofUsers = core.raw<[string, string]>(SELECT_ENTITLED).flatMap(([userName, text]) =>
    elementsAt(JSON.parse(text) as Document, 'entitlements').flatMap((item) => {
      const value = textAt(item, 'value') ?? '';
      if (!namesResourceType(value))
        return [`user "${userName}": "${value}" gives nothing: it begins with no resource type of ElevenLabs`];
      const share = readEntitlement(value);
      return 'problem' in share || forbiddenDangers(share, rules).length === 0
        ? []
        : [words(`user "${userName}"`, value)];
    }),
  );
  const ofGroups = core.raw<[string, string]>(SELECT_GROUPS).flatMap(([name, text]) =>
    sharesOfDocument(JSON.parse(text) as Document)
      .filter((share) => forbiddenDangers(share, rules).length > 0)
      .map(({ resource, role }) => words(`group "${name}"`, `${resourceKey(resource)}:${role}`)),
  );
  return [...ofUsers, ...ofGroups];
}

const SELECT_HELD = 'SELECT * FROM workspace_shares ORDER BY resource_type, resource_id, principal';
const SELECT_HELD_BY = 'SELECT w.* FROM json_each(?) AS j JOIN workspace_shares AS w ON w.principal = j.value';
// People of whom some rule about shares speaks, or who were given something; tombstones included.
const SELECT_PEOPLE = `SELECT u.id FROM users AS u WHERE u.managed = 1 AND (
    (u.deleted_at IS NULL AND instr(u.document, '"entitlements"') > 0)
    OR EXISTS (SELECT 1 FROM memberships AS m WHERE m.user_seq = u.seq AND u.deleted_at IS NULL)
    OR EXISTS (SELECT 1 FROM given_shares AS g WHERE g.subject = 'user:' || u.id))
  ORDER BY u.seq`;
const SELECT_LINKED_GROUPS =
  "SELECT DISTINCT 'group:' || workspace_group_id FROM groups WHERE workspace_group_id IS NOT NULL";
const SELECT_GIVEN_PRINCIPALS = "SELECT DISTINCT principal FROM given_shares WHERE principal NOT LIKE 'member:%'";
const HAS_WORKSPACE_GROUP = 'SELECT 1 FROM workspace_groups WHERE name_key = ? LIMIT 1';
const HAS_GROUP = 'SELECT 1 FROM groups WHERE display_name_key = ? AND managed = 1';
const SELECT_ENTITLED = `SELECT user_name, document FROM users
  WHERE deleted_at IS NULL AND managed = 1 AND instr(document, '"entitlements"') > 0`;
const SELECT_GROUPS = `SELECT display_name, document FROM groups WHERE instr(document, '"shares"') > 0`;
