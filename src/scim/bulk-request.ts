/**
 * Reads a BulkRequest (RFC 7644 3.7). What is wrong with the request as a whole is thrown; what is
 * wrong with one operation is kept as its `problem`, so that the others are still performed.
 */
import { isList, isObject } from '../domain/match.js';
import type { Json, JsonObject } from '../domain/types.js';
import { invalidSyntax, invalidValue, payloadTooLarge, ScimError } from '../errors.js';
import { shorten } from './shorten.js';

export const BULK_REQUEST_URN = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
export const BULK_RESPONSE_URN = 'urn:ietf:params:scim:api:messages:2.0:BulkResponse';
/** How a resource that this request creates is referred to before it has an id. */
export const BULK_ID_PREFIX = 'bulkId:';

export type BulkMethod = 'POST' | 'PUT' | 'PATCH' | 'DELETE';
export type Collection = 'users' | 'groups';

export interface BulkTarget {
  readonly collection: Collection;
  /** Null: the collection itself. May be `bulkId:<id>`. */
  readonly id: string | null;
}

export interface BulkOperation {
  readonly method: BulkMethod;
  readonly bulkId: string | null;
  readonly target: BulkTarget;
  readonly data: JsonObject;
  readonly version: string | null;
}

/** One entry of `Operations`: an operation, or what is wrong with it. */
export type BulkEntry =
  | { readonly kind: 'operation'; readonly operation: BulkOperation }
  | {
      readonly kind: 'broken';
      readonly method: string;
      readonly bulkId: string | null;
      /** As it came. */
      readonly data: Json;
      readonly problem: ScimError;
    };

export interface BulkPlan {
  /** Errors after which nothing more is performed; Infinity where the client sets no limit. */
  readonly failOnErrors: number;
  readonly entries: readonly BulkEntry[];
}

export function parseBulkRequest(body: JsonObject, maxOperations: number): BulkPlan {
  const members = lowerKeys(body);
  const schemas = members.get('schemas');
  const isNamed = (urn: Json) => typeof urn === 'string' && urn.toLowerCase() === BULK_REQUEST_URN.toLowerCase();
  if (!isList(schemas) || !schemas.some(isNamed)) throw invalidSyntax(`"schemas" must name ${BULK_REQUEST_URN}.`);
  const operations = members.get('operations');
  if (!isList(operations)) throw invalidSyntax('"Operations" must be a list.');
  if (operations.length > maxOperations) {
    throw payloadTooLarge(`A bulk request may have ${String(maxOperations)} operations (maxOperations).`);
  }
  const entries = operations.map((item, index) => {
    if (!isObject(item)) throw invalidSyntax(`Operations[${String(index)}] must be an object.`);
    return parseEntry(item);
  });
  refuseDuplicates(entries);
  return { failOnErrors: parseFailOnErrors(members.get('failonerrors')), entries };
}

function parseFailOnErrors(value: Json | undefined): number {
  if (value === undefined || value === null) return Infinity;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1) return value;
  throw invalidValue('"failOnErrors" must be an integer of at least 1.');
}

/** RFC 7644 3.7: unique within the request, or a reference would have two meanings. */
function refuseDuplicates(entries: readonly BulkEntry[]): void {
  const seen = new Set<string>();
  for (const entry of entries) {
    const bulkId = entry.kind === 'operation' ? entry.operation.bulkId : entry.bulkId;
    if (bulkId === null) continue;
    if (seen.has(bulkId)) throw invalidValue(`The bulkId ${shorten(bulkId)} is used by more than one operation.`);
    seen.add(bulkId);
  }
}

function parseEntry(item: JsonObject): BulkEntry {
  const members = lowerKeys(item);
  const bulkId = textOf(members.get('bulkid'));
  const method = textOf(members.get('method'))?.toUpperCase() ?? '';
  try {
    return { kind: 'operation', operation: parseOperation(members, method, bulkId) };
  } catch (problem) {
    if (!(problem instanceof ScimError)) throw problem;
    return { kind: 'broken', method: method.slice(0, 20), bulkId, data: members.get('data') ?? null, problem };
  }
}

function parseOperation(members: ReadonlyMap<string, Json>, method: string, bulkId: string | null): BulkOperation {
  if (method !== 'POST' && method !== 'PUT' && method !== 'PATCH' && method !== 'DELETE') {
    throw invalidSyntax(`"method" must be POST, PUT, PATCH or DELETE, not ${shorten(method)}.`);
  }
  const target = parseTarget(textOf(members.get('path')) ?? '');
  if ((method === 'POST') !== (target.id === null)) {
    throw invalidSyntax(
      method === 'POST'
        ? 'The path of a POST must be /Users or /Groups.'
        : `The path of a ${method} must name a resource.`,
    );
  }
  if (method === 'POST' && bulkId === null) throw invalidSyntax('A POST needs a "bulkId".');
  const data = members.get('data') ?? null;
  if (method !== 'DELETE' && !isObject(data)) throw invalidSyntax(`A ${method} needs "data", an object.`);
  return { method, bulkId, target, data: isObject(data) ? data : {}, version: textOf(members.get('version')) };
}

/** `/Users`, `/Groups/<id>`; a leading slash may be missing. */
function parseTarget(path: string): BulkTarget {
  const [head = '', id, ...rest] = path.replace(/^\//, '').split('/');
  const name = head.toLowerCase();
  if ((name !== 'users' && name !== 'groups') || id === '' || rest.length > 0) {
    throw invalidSyntax(`"path" must be /Users, /Groups or one of their resources, not ${shorten(path)}.`);
  }
  return { collection: name, id: id === undefined ? null : decode(id) };
}

function decode(segment: string): string {
  // JSON can say half a surrogate pair, the path of an HTTP request cannot: no URI can be made of it.
  if (/\p{Surrogate}/u.test(segment)) throw invalidSyntax('"path" has half a surrogate pair.');
  try {
    return decodeURIComponent(segment);
  } catch {
    throw invalidSyntax('"path" has a broken percent escape.');
  }
}

function textOf(value: Json | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Names of message attributes in any case (RFC 7643 2.1). */
function lowerKeys(object: JsonObject): ReadonlyMap<string, Json> {
  return new Map(Object.entries(object).map(([key, value]) => [key.toLowerCase(), value]));
}
