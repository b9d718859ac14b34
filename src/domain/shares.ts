/**
 * Shares: what an entitlement means, which ones SCIM may hand out, and what a person or a group
 * should have when several rules speak.
 *
 * Invariants:
 * - One role per resource and principal: the highest that any rule gives. The rule names of all
 *   that give it are kept, for `explain`.
 * - Dangerous shares come only from the mapping file unless that file allows them to SCIM: whoever
 *   edits an attribute in the IdP must not be able to hand out secrets.
 * - A resource id is a path segment upstream: nothing that could change the path is accepted.
 */
import { invalidValue } from '../errors.js';
import type { WantedShare } from './person.js';
import { RESOURCE_TYPES } from './resource-types.js';
import type { MappedShare, Rules } from './rules.js';
import { SHARE_ROLES, type ResourceRef, type ShareRole } from './types.js';

export const ENTITLEMENT_FORM = 'resourceType:resourceId:role';

/** Resource types that open the workspace itself rather than a piece of content. */
export const DANGEROUS_TYPES = ['convai_secrets', 'workspace_auth_connections', 'convai_settings'] as const;
/** What `allowDangerousShares` in the mapping file may list. */
export const DANGERS: readonly string[] = [...DANGEROUS_TYPES, 'admin'];

/** ElevenLabs lets at most this many principals hold a role on one resource. */
export const MAX_PRINCIPALS = 100;

const RESOURCE_ID = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;

/** The key of a resource in every map of shares. */
export function resourceKey(resource: ResourceRef): string {
  return `${resource.type}:${resource.id}`;
}

/** Why the three parts are no share; null = they are one. For files, forms and requests alike. */
export function shareProblem(type: string, id: string, role: string): string | null {
  if (!(RESOURCE_TYPES as readonly string[]).includes(type)) {
    return `unknown resource type "${clip(type)}"; allowed are ${RESOURCE_TYPES.join(', ')}`;
  }
  if (!RESOURCE_ID.test(id)) {
    return `"${clip(id)}" is not a resource id (letters, digits, "_", "-" and "."; at most 128)`;
  }
  if (!(SHARE_ROLES as readonly string[]).includes(role)) {
    return `unknown role "${clip(role)}"; allowed are ${SHARE_ROLES.join(', ')}`;
  }
  return null;
}

/** Whether an entitlement begins with a type that can be shared; any other is not the bridge's to judge. */
export function namesResourceType(value: string): boolean {
  const [type = ''] = value.trim().split(':', 1);
  return (RESOURCE_TYPES as readonly string[]).includes(type);
}

/** Reads `type:id:role`. A problem is answered in words that fit behind a colon. */
export function readEntitlement(value: string): MappedShare | { readonly problem: string } {
  const parts = value.trim().split(':', 4);
  const [type, id, role] = parts;
  if (parts.length !== 3 || type === undefined || id === undefined || role === undefined) {
    return {
      problem: `"${clip(value)}" does not have the form ${ENTITLEMENT_FORM}, e.g. convai_agents:J3Pbu5gP6NNKBscdCdwB:viewer`,
    };
  }
  const problem = shareProblem(type, id, role);
  return problem === null ? { resource: { type, id }, role: role as ShareRole } : { problem };
}

/** The value of an entitlement as a share; 400 `invalidValue` with the form and what is allowed. */
export function parseEntitlement(value: string): MappedShare {
  const read = readEntitlement(value);
  if ('problem' in read) throw invalidValue(`entitlements: ${read.problem}.`);
  return read;
}

/** What makes a share dangerous, in words of `DANGERS`; empty = nothing. */
export function dangersOf(share: MappedShare): readonly string[] {
  const dangers: string[] = [];
  if ((DANGEROUS_TYPES as readonly string[]).includes(share.resource.type)) dangers.push(share.resource.type);
  if (share.role === 'admin') dangers.push('admin');
  return dangers;
}

type DangerRules = Pick<Rules, 'dangerousSharesByScim' | 'allowedDangerousShares'>;

/** The dangers of a share that SCIM may not hand out under these rules; empty = it may. */
export function forbiddenDangers(share: MappedShare, rules: DangerRules): readonly string[] {
  if (rules.dangerousSharesByScim) return [];
  return dangersOf(share).filter((danger) => !rules.allowedDangerousShares.has(danger));
}

/** Refuses a share that SCIM may not hand out: 400 `invalidValue` naming the attribute and the remedy. */
export function assertAllowedByScim(
  share: MappedShare,
  rules: DangerRules,
  attribute: 'entitlements' | 'shares',
): void {
  const forbidden = forbiddenDangers(share, rules);
  if (forbidden.length === 0) return;
  const what = forbidden
    .map((danger) => (danger === 'admin' ? 'role "admin"' : `resource type "${danger}"`))
    .join(' and ');
  throw invalidValue(
    `${attribute}: "${entitlementOf(share)}" is not accepted from the IdP: ${what} can only be given by the mapping file of the bridge, ` +
      'unless that file lists it under allowDangerousShares.',
  );
}

/** The inverse of `parseEntitlement`. */
export function entitlementOf(share: MappedShare): string {
  return `${resourceKey(share.resource)}:${share.role}`;
}

/** A SCIM group, as far as shares hang on it. */
export interface GroupShareSource {
  readonly displayName: string;
  /** Folded displayName: the key of `Rules.groupShares`. */
  readonly nameKey: string;
  /** `shares[]` of the group extension. */
  readonly shares: readonly MappedShare[];
  /** Linked to a workspace group: the shares go to that group, once, not to its members. */
  readonly linked: boolean;
  /** Whether that workspace group holds this role, or a higher one, by now. */
  readonly isHeld?: (resource: string, role: ShareRole) => boolean;
}

/** Everything that may give shares to one person. */
export interface PersonShareSource {
  /** Values of `entitlements[].value`. */
  readonly entitlements: readonly string[];
  /** The groups the person is a direct member of. */
  readonly groups: readonly GroupShareSource[];
  /** Resources, as `type:id`, that the bridge has shared with the person. */
  readonly given?: ReadonlySet<string>;
}

/**
 * The shares one person should have, by `type:id`: the entitlements, and the shares of groups that
 * are not linked to a workspace group. When a link comes, what the person was given stays wanted
 * until the workspace group holds it: nobody is without access meanwhile. Values that were stored under other rules and are not
 * acceptable now give nothing: a file made stricter withdraws what it forbids.
 */
export function wantedShares(source: PersonShareSource, rules: Rules): Map<string, WantedShare> {
  const given: WantedShare[] = [];
  for (const value of source.entitlements) {
    const share = readEntitlement(value);
    if ('problem' in share || forbiddenDangers(share, rules).length > 0) continue;
    given.push({ ...share, rule: `entitlement "${entitlementOf(share)}"`, attribute: 'entitlements' });
  }
  for (const group of source.groups) {
    const shares = sharesOfGroup(group, rules);
    given.push(...(group.linked ? shares.filter((share) => isInTransit(share, group, source)) : shares));
  }
  return highestShares(given);
}

/** Given to the member when the group had no link, and not yet to the workspace group. */
function isInTransit(
  { resource, role }: WantedShare,
  { isHeld }: GroupShareSource,
  { given }: PersonShareSource,
): boolean {
  const key = resourceKey(resource);
  return isHeld !== undefined && given?.has(key) === true && !isHeld(key, role);
}

/** The shares that one SCIM group gives, by `type:id`: its own and those of the mapping file. */
export function wantedGroupShares(
  group: Pick<GroupShareSource, 'displayName' | 'nameKey' | 'shares'>,
  rules: Rules,
): Map<string, WantedShare> {
  return highestShares(sharesOfGroup(group, rules));
}

/** Every rule of one SCIM group, its own attribute and the mapping file. */
export function sharesOfGroup(
  group: Pick<GroupShareSource, 'displayName' | 'nameKey' | 'shares'>,
  rules: Rules,
): readonly WantedShare[] {
  const own = group.shares.filter((share) => forbiddenDangers(share, rules).length === 0);
  const mapped = rules.groupShares.get(group.nameKey) ?? [];
  return [
    ...own.map((share) => ({ ...share, rule: `group "${group.displayName}"`, attribute: 'groups' as const })),
    ...mapped.map((share) => ({
      ...share,
      rule: `mapping file, group "${group.displayName}"`,
      attribute: 'groups' as const,
    })),
  ];
}

/** Highest role per resource. The winning rules are named first, then the others with their role. */
export function highestShares<T extends WantedShare>(given: readonly T[]): Map<string, T> {
  const byResource = new Map<string, T[]>();
  for (const share of given) {
    const key = resourceKey(share.resource);
    const list = byResource.get(key);
    if (list === undefined) byResource.set(key, [share]);
    else list.push(share);
  }
  const wanted = new Map<string, T>();
  for (const [key, list] of byResource) {
    const [first, ...others] = [...list].sort((a, b) => SHARE_ROLES.indexOf(a.role) - SHARE_ROLES.indexOf(b.role));
    if (first === undefined) continue;
    const rules = [first.rule, ...others.map(({ rule, role }) => (role === first.role ? rule : `${rule} (${role})`))];
    wanted.set(key, { ...first, rule: [...new Set(rules)].join('; ') });
  }
  return wanted;
}

/** Texts of strangers are quoted in part only. */
function clip(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`;
}
