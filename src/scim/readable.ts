/**
 * Values that the scopes of a token do not open, although they stand in a resource that they do: the
 * groups of a user without the scope `groups`, the names of members without the scope `users`. They
 * are not shown, and a request that would search or sort by them is refused: an answer that ignores
 * a condition would mislead the client.
 */
import type { Filter } from '../domain/filter.js';
import { isList, isObject } from '../domain/match.js';
import type { ResourceType } from '../domain/schema.js';
import type { JsonObject } from '../domain/types.js';
import { ScimError } from '../errors.js';
import { scopeRefusal } from '../auth/token-scopes.js';
import type { ListQuery } from '../store/port.js';
import type { Caller } from './context.js';

/** A path that a token may not read, and the scope that would open it. */
interface Hidden {
  readonly keys: readonly [string] | readonly [string, string];
  readonly scope: 'users' | 'groups';
}

const HIDDEN: Readonly<Record<string, Hidden>> = {
  User: { keys: ['groups'], scope: 'groups' },
  Group: { keys: ['members', 'display'], scope: 'users' },
};

function hiddenFor(caller: Pick<Caller, 'principal'>, type: ResourceType): Hidden | null {
  const hidden = HIDDEN[type.name];
  if (hidden === undefined) return null;
  const access = { resource: hidden.scope, write: false } as const;
  return scopeRefusal(caller.principal.scopes, access) === null ? null : hidden;
}

/** A rendered resource without what the token may not read. */
export function readable(caller: Pick<Caller, 'principal'>, type: ResourceType, resource: JsonObject): JsonObject {
  const hidden = hiddenFor(caller, type);
  if (hidden === null) return resource;
  const [top, sub] = hidden.keys;
  const value = resource[top];
  if (value === undefined) return resource;
  if (sub !== undefined && isList(value))
    return { ...resource, [top]: value.map((element) => (isObject(element) ? without(element, sub) : element)) };
  return without(resource, top);
}

const without = (object: JsonObject, key: string): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));

/** Refuses a list that depends on what the token may not read. */
export function checkSearch(
  caller: Pick<Caller, 'principal'>,
  type: ResourceType,
  { filter, sortBy }: Pick<ListQuery, 'filter' | 'sortBy'>,
): void {
  if (filter !== null) checkFilter(caller, type, filter);
  const hidden = hiddenFor(caller, type);
  if (hidden !== null && sortBy !== null && touches(hidden, sortBy.keys)) throw refused(hidden);
}

/** The same for a filter; `under`: the path of the elements that it is about. */
export function checkFilter(
  caller: Pick<Caller, 'principal'>,
  type: ResourceType,
  filter: Filter,
  under: readonly string[] = [],
): void {
  const hidden = hiddenFor(caller, type);
  if (hidden !== null && filterTouches(hidden, filter, under)) throw refused(hidden);
}

function filterTouches(hidden: Hidden, filter: Filter, under: readonly string[]): boolean {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.nodes.some((node) => filterTouches(hidden, node, under));
    case 'not':
      return filterTouches(hidden, filter.node, under);
    case 'element':
      return (
        touches(hidden, [...under, ...filter.path.keys]) ||
        filterTouches(hidden, filter.node, [...under, ...filter.path.keys])
      );
    case 'present':
    case 'compare':
      return touches(hidden, [...under, ...filter.path.keys]);
  }
}

const touches = ({ keys }: Hidden, path: readonly string[]): boolean => keys.every((key, index) => path[index] === key);

function refused({ keys, scope }: Hidden): ScimError {
  return new ScimError(403, `The token has no scope "${scope}", so it cannot search or sort by ${keys.join('.')}.`);
}
