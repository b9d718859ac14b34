/**
 * The plan of shares: for one principal and one resource, and for subjects that are no person (a
 * SCIM group, the mapping file).
 *
 * | wanted | held          | given by the bridge | step                                          |
 * |--------|---------------|---------------------|-----------------------------------------------|
 * | role   | none          | no                  | share                                         |
 * | role   | as high       | no                  | none: somebody else gave it, and it is theirs |
 * | role   | lower         | no                  | share; the role held before is remembered     |
 * | role   | that role     | yes                 | none                                          |
 * | role   | another, none | yes                 | share                                         |
 * | role   | any           | sent, answer lost   | share                                         |
 * | none   | any           | no                  | none                                          |
 * | none   | any           | yes, or sent        | unshare, or back to the role held before      |
 *
 * "That role" is never below the one that somebody else had given before.
 */
import type { GivenShare, WantedShare } from './person.js';
import type { PlannedChange } from './plan.js';
import {
  changeKey,
  isHigherRole,
  type Change,
  type MemberId,
  type Millis,
  type Principal,
  type ShareRole,
  type WorkspaceGroupId,
} from './types.js';

/** One principal on one resource. */
export interface ShareFacts {
  readonly wanted: WantedShare | undefined;
  readonly held: ShareRole | undefined;
  readonly given: GivenShare | undefined;
}

/** The call that is due for one principal on one resource; null = none. */
export function planShare({ wanted, held, given }: ShareFacts, principal: Principal): PlannedChange | null {
  if (wanted === undefined) return given === undefined ? null : planWithdrawal(given, principal);
  const { resource, rule, attribute } = wanted;
  const before = given?.before ?? null;
  const role = before !== null && isHigherRole(before, wanted.role) ? before : wanted.role;
  const isSo =
    given === undefined
      ? held !== undefined && !isHigherRole(role, held)
      : given.isUnsure !== true && (held ?? given.role) === role;
  return isSo ? null : { change: { kind: 'share', resource, role, principal }, why: rule, attribute };
}

function planWithdrawal({ resource, before }: GivenShare, principal: Principal): PlannedChange {
  const why = 'no rule gives this share any more';
  if (before === undefined || before === null)
    return { change: { kind: 'unshare', resource, principal }, why, attribute: 'groups' };
  const change: Change = { kind: 'share', resource, role: before, principal };
  return { change, why: `${why}; back to the role held before`, attribute: 'groups' };
}

/** What the planner has to know of a group or the mapping file. Keys are `type:id` and principal. */
export interface ShareHolder {
  readonly wanted: ReadonlyMap<string, WantedShare & { readonly principal: string }>;
  readonly given: ReadonlyMap<string, GivenShare & { readonly principal: string }>;
  readonly held: ReadonlyMap<string, ShareRole>;
  readonly refused: ReadonlyMap<string, { readonly until: Millis; readonly error: string }>;
}

/** Gives what is wanted, then withdraws what no rule wants any more: access moves without a gap. */
export function planShareHolder(holder: ShareHolder, now: Millis): readonly PlannedChange[] {
  const { wanted, given, held } = holder;
  const plan = (key: string, principal: string): PlannedChange | null =>
    planShare({ wanted: wanted.get(key), given: given.get(key), held: held.get(key) }, parsePrincipal(principal));
  const changes = [
    ...Array.from(wanted, ([key, { principal }]) => plan(key, principal)),
    ...Array.from(given, ([key, { principal }]) => (wanted.has(key) ? null : plan(key, principal))),
  ].filter((planned) => planned !== null);
  return changes.filter(({ change }) => {
    const refused = holder.refused.get(changeKey(change));
    return refused === undefined || now >= refused.until;
  });
}

/** The inverse of `principalKey`. */
export function parsePrincipal(key: string): Principal {
  if (key === 'default') return { kind: 'default' };
  const colon = key.indexOf(':');
  const id = key.slice(colon + 1);
  switch (key.slice(0, colon)) {
    case 'member':
      return { kind: 'member', memberId: id as MemberId };
    case 'group':
      return { kind: 'group', groupId: id as WorkspaceGroupId };
    case 'key':
      return { kind: 'key', keyId: id };
    default:
      throw new Error(`not a principal: ${key}`);
  }
}
