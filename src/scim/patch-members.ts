/**
 * Members in a PATCH of a group. What they come to is a list of changes of the member set
 * (store/port.ts): the group is never read, so that one more member costs the same in a group of
 * ten and of fifty thousand. A value that is not understood is an error, never "all".
 */
import type { Filter } from '../domain/filter.js';
import { isList, matches } from '../domain/match.js';
import { invalidValue, mutability, tooMany } from '../errors.js';
import type { Refuse } from '../domain/withdrawal.js';
import type { MemberOp, MemberRecord } from '../store/port.js';
import { readMembers } from './members.js';
import type { Operation } from './patch-request.js';
import { costOfMatching, countTerms, spend, type Work } from './patch-target.js';
import { renderMember } from './render.js';
import { wrong } from './values.js';

/** Comparisons, in all, of filters that have to look at every member. */
export const MAX_MEMBER_TERMS = 100;
/** The same, times members and the text of their names: under a second. Ten comparisons of fifty thousand members. */
const MAX_MEMBER_WORK = 1_000_000;

/** Turns the operations of one PATCH into changes; keeps count of what they cost. */
export function memberOps(
  base: string,
  check: (filter: Filter) => void = () => undefined,
  refuse?: Refuse,
): (operation: Operation) => MemberOp {
  let terms = 0;
  const work: Work = { left: MAX_MEMBER_WORK, unfinished: [] };
  return (operation) => {
    const { path, verb, where } = operation;
    const { filter, sub } = path;
    if (sub !== null && sub.mutability === 'readOnly') throw mutability(`${where}: ${sub.name} is readOnly.`);
    if (sub !== null && sub.name !== 'value')
      throw mutability(`${where}: ${sub.name} is immutable. Remove the member and add another.`);
    if (filter !== null) check(filter);
    if (filter === null) return verb === 'remove' ? removeListed(operation, refuse) : writeListed(operation, refuse);
    const ids = idsOf(filter);
    if (verb !== 'remove') return addFiltered(operation, ids);
    if (sub !== null) throw mutability(`${where}: the value of a member cannot be removed. Remove the member.`);
    if (ids !== null) return { kind: 'remove', userIds: ids };
    terms += countTerms(filter);
    if (terms > MAX_MEMBER_TERMS)
      throw tooMany(`${where}: more than ${MAX_MEMBER_TERMS} comparisons of members in one PATCH.`);
    const test = (member: MemberRecord): boolean => {
      spend(work, costOfMatching(filter, [member.display]));
      return matches(filter, renderMember(member, base));
    };
    return { kind: 'removeWhere', test };
  };
}

function writeListed({ verb, value, where, path }: Operation, refuse: Refuse | undefined): MemberOp {
  if (value === undefined) throw invalidValue(`${where}: ${verb} needs a value.`);
  const userIds = readMembers(value, where, refuse && { refuse, only: verb === 'add' ? 'all' : 'groups' });
  if (verb === 'add') return { kind: 'add', userIds };
  // Taken for a list of members, `members.value` would remove all others.
  if (path.sub !== null) throw mutability(`${where}: ${path.sub.name} is immutable. Replace members as a whole.`);
  // [null] and the like are no list of members; only [] and null say that there shall be none.
  if (userIds.length === 0 && isList(value) && value.length > 0) throw wrong(where, 'a list of members', value);
  return { kind: 'replace', userIds };
}

function removeListed({ value, where, path }: Operation, refuse: Refuse | undefined): MemberOp {
  if (value === undefined) {
    if (path.sub !== null) throw mutability(`${where}: the value of a member cannot be removed. Remove the member.`);
    return { kind: 'replace', userIds: [] };
  }
  if (value === null || value === '')
    throw invalidValue(`${where}: value says no members. Leave it out to remove all, or list those to remove.`);
  return { kind: 'remove', userIds: readMembers(value, where, refuse && { refuse, only: 'all' }) };
}

/** `members[value eq "x"]` written to: only saying again what the filter says is possible. */
function addFiltered({ value, where }: Operation, ids: readonly string[] | null): MemberOp {
  const [id, ...more] = ids ?? [];
  const given = value === undefined || value === null || value === '' ? [] : readMembers(value, where);
  if (id === undefined || more.length > 0 || given.some((other) => other !== id)) {
    throw mutability(`${where}: members are immutable. Remove the member and add another.`);
  }
  return { kind: 'add', userIds: [id] };
}

/** The ids that a filter names, where it is `value eq "x"`, or several joined by `or`. */
function idsOf(filter: Filter): readonly string[] | null {
  if (filter.kind === 'or') {
    const parts = filter.nodes.map(idsOf);
    return parts.some((part) => part === null) ? null : parts.flatMap((part) => part ?? []);
  }
  const isId =
    filter.kind === 'compare' && filter.op === 'eq' && filter.path.keys.length === 1 && filter.path.keys[0] === 'value';
  return isId && typeof filter.value === 'string' ? [filter.value] : null;
}
