/** Lists (RFC 7644 3.4.2): from the parameters of a request to a page of the store and its envelope. */
import type { ResourceType } from '../domain/schema.js';
import type { JsonObject } from '../domain/types.js';
import type { ListQuery } from '../store/port.js';
import type { Caller, ScimLimits } from './context.js';
import { parseAttributePath, parseFilter } from './filter-parser.js';
import { parseProjection, type Projection } from './project.js';
import type { ReadParameters } from './query.js';

export const LIST_URN = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';

export interface Listing {
  readonly query: ListQuery;
  readonly view: Projection;
}

/** What to read for a list, and what to show of it. A `count` over the maximum is clamped, not refused. */
export function toListing(parameters: ReadParameters, type: ResourceType, limits: ScimLimits): Listing {
  return {
    query: {
      filter: parameters.filter === null ? null : parseFilter(parameters.filter, type),
      sortBy: parameters.sortBy === null ? null : parseAttributePath(parameters.sortBy, type),
      sortOrder: parameters.sortOrder,
      startIndex: parameters.startIndex,
      count: Math.min(parameters.count ?? limits.defaultCount, limits.maxCount),
    },
    view: viewOf(parameters, type),
  };
}

/** What `attributes` and `excludedAttributes` let through. */
export function viewOf(parameters: ReadParameters, type: ResourceType): Projection {
  return parseProjection(parameters.attributes, parameters.excludedAttributes, type);
}

/**
 * Reads a page. Before the first reading ever a list is not known to be whole, and a filter without hits
 * would tell an IdP that existing members do not exist: both wait for the reading. Hits are shown at once.
 */
export async function lookUp<P extends { readonly total: number }>(
  { app }: Caller,
  { filter }: { readonly filter: unknown },
  read: () => Promise<P>,
): Promise<P> {
  const page = await read();
  if ((page.total > 0 && filter !== null) || !app.rules().importExisting) return page;
  return (await app.provisioning.awaitFirstReading()) ? read() : page;
}

/** The envelope of a page. `itemsPerPage` is what the page has, as Okta's import expects. */
export function listResponse(resources: readonly object[], total: number, startIndex: number): object {
  return {
    schemas: [LIST_URN],
    totalResults: total,
    startIndex,
    itemsPerPage: resources.length,
    Resources: resources,
  };
}

/** A page out of a short list that is in memory anyway (roles, entitlements). */
export function pageOf(resources: readonly JsonObject[], parameters: ReadParameters, limits: ScimLimits): object {
  const start = parameters.startIndex - 1;
  const count = Math.min(parameters.count ?? limits.defaultCount, limits.maxCount);
  return listResponse(resources.slice(start, start + count), resources.length, parameters.startIndex);
}
