/**
 * Whether a write asks for something that only a working API key can give. Needed before the
 * commit: while the key is known to be rejected, grants are refused and withdrawals still stored
 * (design section 3).
 */
import { isList, isObject } from '../domain/match.js';
import { BRIDGE_GROUP, BRIDGE_USER } from '../domain/schema.js';
import { SEAT_TYPES, type Document, type Json, type SeatType } from '../domain/types.js';
import type { GroupChange, MemberRecord } from '../store/port.js';

/** Attributes of an active user that lead to calls upstream. */
const EFFECTIVE = ['active', 'emails', 'userName', 'roles', 'entitlements', BRIDGE_USER] as const;

/** Whether turning `current` (null: no user yet) into `next` gives something. */
export function grantsUser(current: Document | null, next: Document): boolean {
  if (next['active'] === false) return false;
  if (current === null || current['active'] === false) return true;
  return EFFECTIVE.some((name) => !equal(current[name], next[name]) && !takesAway(name, current[name], next[name]));
}

/** Whether a change of a group gives something to somebody. `current` has its members where the change replaces them. */
export function grantsGroup(
  current: { readonly document: Document; readonly members: readonly MemberRecord[] | null } | null,
  next: Document,
  members: GroupChange['members'],
): boolean {
  const held = new Set<string>(current?.members?.map((member) => member.userId) ?? []);
  const adds = members.some(
    (op) => op.kind === 'add' || (op.kind === 'replace' && op.userIds.some((userId) => !held.has(userId))),
  );
  if (adds) return true;
  if (current === null) return next[BRIDGE_GROUP] !== undefined;
  // Another name or link is another workspace group; a seat or a share is given to every member.
  return ['displayName', BRIDGE_GROUP].some(
    (name) => next[name] !== undefined && !equal(current.document[name], next[name]),
  );
}

function takesAway(name: (typeof EFFECTIVE)[number], before: Json | undefined, after: Json | undefined): boolean {
  switch (name) {
    case 'roles':
    case 'entitlements':
      return isSubset(valuesOf(after), valuesOf(before));
    case BRIDGE_USER:
      return seatRank(after) >= seatRank(before);
    case 'active':
    case 'emails':
    case 'userName':
      return false;
  }
}

function valuesOf(list: Json | undefined): readonly Json[] {
  return isList(list) ? list.map((item) => property(item, 'value') ?? null) : [];
}

function isSubset(part: readonly Json[], whole: readonly Json[]): boolean {
  return part.every((value) => whole.includes(value));
}

/** Position in SEAT_TYPES, highest first; no seat named is the lowest. */
function seatRank(extension: Json | undefined): number {
  const rank = SEAT_TYPES.indexOf(property(extension, 'seatType') as SeatType);
  return rank < 0 ? SEAT_TYPES.length : rank;
}

function property(value: Json | undefined, name: string): Json | undefined {
  return isObject(value) ? value[name] : undefined;
}

/** Documents are normalised, so equal values have equal text but for the order of keys, and that errs on the side of a grant. */
function equal(a: Json | undefined, b: Json | undefined): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
