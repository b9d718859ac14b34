/**
 * The report on shares: for every managed resource who should have what, who has what, and what
 * stands between the two. A pure reading of the store's overview.
 */
import { MAX_PRINCIPALS, resourceKey } from '../domain/shares.js';
import { isHigherRole, SHARE_ROLES, type Millis, type ShareRole } from '../domain/types.js';
import type { ResourceFacts, ShareOverview, ShareState } from '../store/port.js';

/**
 * - `ok`: as wanted, by the bridge.
 * - `byHand`: as wanted, or not wanted by any rule, and given by somebody else: left alone.
 * - `creator`: the creator has `admin` whatever the rules say.
 * - `waiting`: the person is no member yet.
 * - `missing`, `otherRole`, `extra`: to be given, changed, withdrawn.
 * - `unverified`: given, but the resource could not be read, or its answer does not name the holder.
 * - `refused`: ElevenLabs refuses, or is known to refuse, the change.
 */
export type ShareVerdict =
  'ok' | 'byHand' | 'creator' | 'waiting' | 'missing' | 'otherRole' | 'extra' | 'unverified' | 'refused';

export interface ShareLine {
  /** `type:id` */
  readonly resource: string;
  readonly resourceName: string | null;
  readonly principal: string;
  /** For people: an address, the name of a group. */
  readonly who: string;
  readonly wanted: ShareRole | null;
  readonly has: string | null;
  /** The role that the bridge gave. */
  readonly given: ShareRole | null;
  readonly verdict: ShareVerdict;
  /** The rule that speaks; null = none. */
  readonly rule: string | null;
  readonly problem: string | null;
}

export interface ResourceLine {
  readonly resource: string;
  readonly name: string | null;
  readonly readAt: Millis;
  /** People, groups and keys that hold a role, of at most 100. */
  readonly holders: number;
  readonly isFull: boolean;
  readonly error: string | null;
}

export interface SharesReport {
  readonly resources: readonly ResourceLine[];
  readonly shares: readonly ShareLine[];
  /** Rules that give nothing now, and why. */
  readonly idle: readonly string[];
}

/** Verdicts that mean a difference between what should be and what is. */
const DIFFERENCES: ReadonlySet<ShareVerdict> = new Set(['missing', 'otherRole', 'extra', 'refused']);

export function reportShares({ resources, shares, idle }: ShareOverview): SharesReport {
  const byKey = new Map(resources.map((facts) => [resourceKey(facts.resource), facts]));
  const lines = shares.map((state) => toLine(state, byKey.get(resourceKey(state.resource)) ?? null));
  return {
    resources: resources.map(toResource).sort((a, b) => compare(a.resource, b.resource)),
    shares: lines.sort((a, b) => compare(a.resource, b.resource) || compare(a.who, b.who)),
    idle,
  };
}

/** What `shares check` shows: differences, resources that cannot be read or are full, idle rules. */
export function differencesOf({ resources, shares, idle }: SharesReport): SharesReport {
  return {
    resources: resources.filter(({ error, isFull }) => error !== null || isFull),
    shares: shares.filter(({ verdict }) => DIFFERENCES.has(verdict)),
    idle,
  };
}

function toResource({ resource, name, readAt, error, holders }: ResourceFacts): ResourceLine {
  const count = holders.size;
  return { resource: resourceKey(resource), name, readAt, holders: count, isFull: count >= MAX_PRINCIPALS, error };
}

function toLine(state: ShareState, facts: ResourceFacts | null): ShareLine {
  const verdict = judge(state, facts);
  return {
    resource: resourceKey(state.resource),
    resourceName: facts?.name ?? null,
    principal: state.principal,
    who: state.name,
    wanted: state.wanted?.role ?? null,
    has: state.held,
    given: state.given?.role ?? null,
    verdict,
    rule: state.wanted?.rule ?? null,
    problem: state.refused ?? (verdict === 'unverified' ? (facts?.error ?? null) : null),
  };
}

function judge({ wanted, given, held, principal, refused }: ShareState, facts: ResourceFacts | null): ShareVerdict {
  if (typeof facts?.creator === 'string' && principal === `member:${facts.creator}`) return 'creator';
  if (wanted === null) return given === null ? 'byHand' : refused === null ? 'extra' : 'refused';
  if (principal.startsWith('user:')) return 'waiting';
  const floor = given?.before ?? null;
  const target = floor !== null && isHigherRole(floor, wanted.role) ? floor : wanted.role;
  const isEnough = held !== null && (given === null ? isAtLeast(held, target) : held === target);
  if (isEnough && given?.isUnsure !== true) return given === null ? 'byHand' : 'ok';
  if (refused !== null) return 'refused';
  if (held === null && given !== null && facts?.error !== null) return 'unverified';
  return held === null ? 'missing' : 'otherRole';
}

function isAtLeast(held: string, wanted: ShareRole): boolean {
  const role = SHARE_ROLES.find((known) => known === held);
  return role !== undefined && !isHigherRole(wanted, role);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
