/**
 * Discovery over HTTP (RFC 7644 4): what the tables say, the limits that are in force, and the
 * resource types of Okta. Sorting and paging have no meaning here; a filter is refused with 403, as
 * the RFC wants.
 */
import type { ResourceType } from '../domain/schema.js';
import type { JsonObject } from '../domain/types.js';
import { notFound, ScimError } from '../errors.js';
import type { Caller } from './context.js';
import { resourceTypesJson, schemasJson } from './discovery.js';
import { listResponse } from './listing.js';
import { ENTITLEMENT, ROLE } from './okta-roles.js';
import type { ReadParameters } from './query.js';
import { shorten } from './shorten.js';

const OKTA_TYPES: readonly ResourceType[] = [ROLE, ENTITLEMENT];

export function listSchemas(caller: Caller, parameters: ReadParameters): object {
  refuseFilter(parameters);
  const all = allSchemas(caller);
  return listResponse(all, all.length, 1);
}

/** By URN, in any case (RFC 7643 2.1). */
export function readSchema(caller: Caller, id: string): object {
  return find(allSchemas(caller), 'Schema', id);
}

export function listResourceTypes(caller: Caller, parameters: ReadParameters): object {
  refuseFilter(parameters);
  const all = allResourceTypes(caller);
  return listResponse(all, all.length, 1);
}

export function readResourceType(caller: Caller, id: string): object {
  return find(allResourceTypes(caller), 'ResourceType', id);
}

/** RFC 7643 5. Every number is the one that is enforced. */
export function serviceProviderConfig(caller: Caller, parameters: ReadParameters): object {
  refuseFilter(parameters);
  const { limits, baseUrl, documentationUri } = caller.app;
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    ...(documentationUri !== null && { documentationUri: documentationUri() }),
    patch: { supported: true },
    bulk: { supported: true, maxOperations: limits.bulkOperations, maxPayloadSize: limits.largeBodyBytes },
    filter: { supported: true, maxResults: limits.maxCount },
    // RFC 9865 4. Who names neither way gets pages by index, as before there were cursors.
    pagination: {
      cursor: true,
      index: true,
      defaultPaginationMethod: 'index',
      defaultPageSize: limits.defaultCount,
      maxPageSize: limits.maxCount,
      cursorTimeout: Math.floor(limits.cursorTimeoutMs / 1000),
    },
    changePassword: { supported: false },
    sort: { supported: true },
    etag: { supported: true },
    authenticationSchemes: [BEARER, OAUTH],
    meta: { resourceType: 'ServiceProviderConfig', location: `${baseUrl()}/ServiceProviderConfig` },
  };
}

const BEARER = {
  type: 'oauthbearertoken',
  name: 'OAuth Bearer Token',
  description: 'A token in the Authorization header, made by the administrator of the bridge.',
  specUri: 'https://www.rfc-editor.org/info/rfc6750',
  primary: true,
};

const OAUTH = {
  type: 'oauth2',
  name: 'OAuth 2.0 client credentials',
  description: 'Access tokens of limited life, given for client id and secret.',
  specUri: 'https://www.rfc-editor.org/info/rfc6749',
  primary: false,
};

function refuseFilter(parameters: ReadParameters): void {
  if (parameters.filter !== null) throw new ScimError(403, 'This endpoint takes no filter (RFC 7644 section 4).');
}

function find(resources: readonly JsonObject[], what: string, id: string): object {
  const wanted = id.toLowerCase();
  const found = resources.find(
    (resource) => typeof resource['id'] === 'string' && resource['id'].toLowerCase() === wanted,
  );
  if (found === undefined) throw notFound(what, shorten(id));
  return found;
}

function allSchemas({ app }: Caller): readonly JsonObject[] {
  return schemasJson(app.baseUrl(), app.rules(), OKTA_TYPES);
}

function allResourceTypes({ app }: Caller): readonly JsonObject[] {
  return resourceTypesJson(app.baseUrl(), OKTA_TYPES);
}
