/** The bodies that are no resources: lists, PATCH, Bulk, errors, tokens, health. */
import type { JsonObject } from '../../domain/types.js';
import { ERROR_URN } from '../../scim/reply.js';
import { BULK_REQUEST_URN, BULK_RESPONSE_URN } from '../../scim/bulk-request.js';
import { LIST_URN } from '../../scim/listing.js';

export const PATCH_URN = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
export const SEARCH_URN = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';

const text = { type: 'string' };
const whole = { type: 'integer' };
const schemasOf = (urn: string): JsonObject => ({ type: 'array', items: text, contains: { const: urn } });
const object = (required: readonly string[], properties: JsonObject, description = ''): JsonObject => ({
  type: 'object',
  ...(description !== '' && { description }),
  required: [...required],
  properties,
});
/** Anything; Boolean schemas are not understood by every tool. */
const anything: JsonObject = {};

export const MESSAGES: JsonObject = {
  ListResponse: object(
    ['schemas', 'totalResults', 'startIndex', 'itemsPerPage', 'Resources'],
    {
      schemas: schemasOf(LIST_URN),
      ...{ totalResults: whole, startIndex: whole, itemsPerPage: whole },
      Resources: { type: 'array', items: { type: 'object' } },
    },
    'A page of resources (RFC 7644 3.4.2).',
  ),
  SearchRequest: object(['schemas'], {
    schemas: schemasOf(SEARCH_URN),
    ...{ filter: text, sortBy: text, startIndex: whole, count: whole },
    sortOrder: { type: 'string', enum: ['ascending', 'descending'] },
    attributes: { type: 'array', items: text },
    excludedAttributes: { type: 'array', items: text },
  }),
  PatchRequest: object(['schemas', 'Operations'], {
    schemas: schemasOf(PATCH_URN),
    Operations: {
      type: 'array',
      items: object(['op'], {
        op: { type: 'string', description: 'add, replace or remove, in any case.' },
        path: text,
        value: anything,
      }),
    },
  }),
  BulkRequest: object(['schemas', 'Operations'], {
    schemas: schemasOf(BULK_REQUEST_URN),
    failOnErrors: whole,
    Operations: {
      type: 'array',
      items: object(['method', 'path'], {
        method: { type: 'string', enum: ['POST', 'PUT', 'PATCH', 'DELETE'] },
        ...{ bulkId: text, path: text, version: text },
        data: { type: 'object' },
      }),
    },
  }),
  BulkResponse: object(['schemas', 'Operations'], {
    schemas: schemasOf(BULK_RESPONSE_URN),
    Operations: {
      type: 'array',
      items: object(['method', 'status'], {
        ...{ method: text, status: text, bulkId: text, location: text, version: text },
        response: { type: 'object' },
      }),
    },
  }),
  Error: object(
    ['schemas', 'status', 'detail'],
    {
      schemas: schemasOf(ERROR_URN),
      status: { type: 'string', pattern: '^[45][0-9][0-9]$' },
      scimType: text,
      detail: { type: 'string', description: 'What is wrong, what to do, and the id of the request.' },
    },
    'What every SCIM endpoint answers when it refuses (RFC 7644 3.12).',
  ),
  Discovery: object(['schemas', 'meta'], { schemas: { type: 'array', items: text }, meta: { type: 'object' } }),
  AccessToken: object(['access_token', 'token_type', 'expires_in'], {
    access_token: text,
    token_type: { const: 'Bearer' },
    expires_in: whole,
    scope: text,
  }),
  OAuthError: object(['error'], { error: text, error_description: text }),
  Health: object(['status', 'mode', 'workspace', 'upstream'], {
    status: { const: 'ok' },
    mode: { type: 'string', enum: ['sandbox', 'dryRun', 'live'] },
    workspace: { type: 'object' },
    upstream: { type: 'object' },
  }),
  Readiness: object(['ready', 'reason'], { ready: { type: 'boolean' }, reason: { type: ['string', 'null'] } }),
  AuditEvent: object(['class_uid', 'type_uid', 'time', 'actor', 'metadata', 'unmapped'], {
    ...{ class_uid: whole, class_name: text, activity_id: whole, activity_name: text, type_uid: whole, time: whole },
    time_dt: { type: 'string', format: 'date-time' },
    actor: { type: 'object' },
    metadata: object(['event_code', 'sequence'], { event_code: text, sequence: whole }),
    unmapped: object(['before', 'after'], { before: anything, after: anything }),
  }),
  Problem: object(['error'], { error: text }),
};
