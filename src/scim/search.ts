/**
 * Queries over all resource types (RFC 7644 3.4.2.1, 3.4.3): the root, by GET or by /.search.
 * Users come first, then groups; `sortBy` sorts within each type.
 *
 * A filter may name attributes that only one of the types has. For the other they are attributes
 * without a value, so `userName pr or displayName sw "A"` finds users and groups.
 */
import { resolvePath } from '../domain/attribute-lookup.js';
import type { Filter } from '../domain/filter.js';
import { GROUP } from '../domain/group-schema.js';
import type { ResourceType } from '../domain/schema.js';
import { USER } from '../domain/user-schema.js';
import { invalidFilter } from '../errors.js';
import type { ListQuery, Page } from '../store/port.js';
import type { Caller } from './context.js';
import { cursorPage, listOfGroups, listOfUsers, type CursorList } from './cursor-page.js';
import { FilterParser, parseAttributePath, reporting } from './filter-parser.js';
import { tokenize } from './filter-tokens.js';
import { listResponse, lookUp, viewOf } from './listing.js';
import { project, shows } from './project.js';
import type { ReadParameters } from './query.js';
import { checkSearch, readable } from './readable.js';
import { renderGroup, renderUser } from './render.js';
import { scopeRefusal } from '../auth/token-scopes.js';

/** A page of users and groups, as far as the token may see them. */
export async function searchAll(caller: Caller, parameters: ReadParameters): Promise<object> {
  if (parameters.cursor !== null) return cursorPage(caller, parameters, joinedLists(caller, parameters));
  const { items, total } = await lookUp(caller, parameters, () => readAll(caller, parameters));
  return listResponse(items, total, parameters.startIndex);
}

async function readAll(caller: Caller, parameters: ReadParameters): Promise<Page<object>> {
  const { limits } = caller.app;
  const sources = [users(caller, parameters), groups(caller, parameters)].filter((source) => source !== null);
  const found: object[] = [];
  let total = 0;
  const wanted = Math.min(parameters.count ?? limits.defaultCount, limits.maxCount);
  for (const source of sources) {
    const page = await source(Math.max(1, parameters.startIndex - total), wanted - found.length);
    found.push(...page.items);
    total += page.total;
  }
  return { items: found, total };
}

/** What the token may see, as a cursor goes through it: users, then groups. */
function joinedLists(caller: Caller, parameters: ReadParameters): readonly CursorList[] {
  const maySee = (resource: 'users' | 'groups'): boolean =>
    scopeRefusal(caller.principal.scopes, { resource, write: false }) === null;
  return [
    ...(maySee('users') ? [listOfUsers(queryOf(parameters, USER, GROUP), viewOf(parameters, USER), caller)] : []),
    ...(maySee('groups') ? [listOfGroups(queryOf(parameters, GROUP, USER), viewOf(parameters, GROUP), caller)] : []),
  ];
}

type Source = (startIndex: number, count: number) => Promise<Page<object>>;

function users(caller: Caller, parameters: ReadParameters): Source | null {
  if (scopeRefusal(caller.principal.scopes, { resource: 'users', write: false }) !== null) return null;
  const query = queryOf(parameters, USER, GROUP);
  checkSearch(caller, USER, query);
  const view = viewOf(parameters, USER);
  return async (startIndex, count) => {
    const page = await caller.app.store.listUsers({ ...query, startIndex, count });
    return {
      ...page,
      items: page.items.map((record) =>
        project(readable(caller, USER, renderUser(record, caller.app.baseUrl())), view),
      ),
    };
  };
}

function groups(caller: Caller, parameters: ReadParameters): Source | null {
  if (scopeRefusal(caller.principal.scopes, { resource: 'groups', write: false }) !== null) return null;
  const query = queryOf(parameters, GROUP, USER);
  checkSearch(caller, GROUP, query);
  const view = viewOf(parameters, GROUP);
  return async (startIndex, count) => {
    const options = { members: shows(view, 'members') };
    const page = await caller.app.store.listGroups({ ...query, startIndex, count }, options);
    return {
      ...page,
      items: page.items.map((record) =>
        project(readable(caller, GROUP, renderGroup(record, caller.app.baseUrl())), view),
      ),
    };
  };
}

function queryOf(
  parameters: ReadParameters,
  type: ResourceType,
  other: ResourceType,
): Pick<ListQuery, 'filter' | 'sortBy' | 'sortOrder'> {
  const { filter, sortBy, sortOrder } = parameters;
  return {
    filter: filter === null ? null : parseFilterOfAny(filter, type, other),
    sortBy: sortBy === null ? null : parseSortBy(sortBy, type, other),
    sortOrder,
  };
}

function parseFilterOfAny(text: string, type: ResourceType, other: ResourceType): Filter {
  return reporting(text, invalidFilter, 'filter', () => {
    const resolve = (name: string) => resolvePath(name, type) ?? resolvePath(name, other);
    const parser = new FilterParser(tokenize(text), resolve, 'No resource type');
    const filter = parser.or();
    parser.expectEnd();
    return filter;
  });
}

function parseSortBy(text: string, type: ResourceType, other: ResourceType): ListQuery['sortBy'] {
  if (resolvePath(text.trim(), type) !== null) return parseAttributePath(text, type);
  parseAttributePath(text, other); // refuses what neither type has
  return null;
}
