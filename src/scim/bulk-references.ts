/**
 * References to resources that a bulk request itself creates (RFC 7644 3.7.2): `bulkId:<id>` as a
 * value anywhere in `data`, quoted in the path of a PATCH operation, or as the id of a `path`.
 */
import { isList, isObject } from '../domain/match.js';
import type { Json, JsonObject } from '../domain/types.js';
import { BULK_ID_PREFIX } from './bulk-request.js';

/** Keys whose values are ids of resources: a reference there that leads nowhere is an error. */
const REFERENCE_KEYS: ReadonlySet<string> = new Set(['value', 'manager', 'members']);
const QUOTED = /"bulkId:([^"\\]*)"/g;

export interface References {
  /** bulkIds that `data` refers to, as far as `isDefined` knows them. */
  readonly known: ReadonlySet<string>;
  /** bulkIds in the place of an id that no operation defines. */
  readonly unknown: ReadonlySet<string>;
}

/** The bulkId that a text refers to; null = it is no reference. */
export function referenceOf(text: string): string | null {
  return text.startsWith(BULK_ID_PREFIX) ? text.slice(BULK_ID_PREFIX.length) : null;
}

/** All references of the data of an operation. */
export function findReferences(data: JsonObject, isDefined: (bulkId: string) => boolean): References {
  const known = new Set<string>();
  const unknown = new Set<string>();
  visit(data, '', (text, key) => {
    for (const bulkId of namedBy(text, key)) {
      if (isDefined(bulkId)) known.add(bulkId);
      else if (REFERENCE_KEYS.has(key)) unknown.add(bulkId);
    }
  });
  return { known, unknown };
}

/**
 * The data with ids in the place of references. Where `idOf` answers null (a resource that is
 * being created in a circle) the value that holds the reference is left out.
 */
export function resolveReferences(data: JsonObject, idOf: (bulkId: string) => string | null | undefined): JsonObject {
  const resolved = rewrite(data, '', idOf);
  return resolved !== undefined && isObject(resolved) ? resolved : {};
}

function visit(value: Json, key: string, see: (text: string, key: string) => void): void {
  if (typeof value === 'string') see(value, key);
  else if (isList(value)) for (const item of value) visit(item, key, see);
  else if (isObject(value)) {
    for (const [name, member] of Object.entries(value)) visit(member, name.toLowerCase(), see);
  }
}

function namedBy(text: string, key: string): readonly string[] {
  if (key === 'path') return [...text.matchAll(QUOTED)].map((match) => match[1] ?? '');
  const bulkId = referenceOf(text);
  return bulkId === null ? [] : [bulkId];
}

function rewrite(value: Json, key: string, idOf: (bulkId: string) => string | null | undefined): Json | undefined {
  if (typeof value === 'string') return rewriteText(value, key, idOf);
  if (isList(value)) {
    return value.map((item) => rewrite(item, key, idOf)).filter((item): item is Json => item !== undefined);
  }
  if (!isObject(value)) return value;
  const result: Record<string, Json> = {};
  for (const [name, member] of Object.entries(value)) {
    const next = rewrite(member, name.toLowerCase(), idOf);
    if (next !== undefined) result[name] = next;
    // An element or a manager without its `value` says nothing.
    else if (name.toLowerCase() === 'value') return undefined;
  }
  return result;
}

function rewriteText(
  text: string,
  key: string,
  idOf: (bulkId: string) => string | null | undefined,
): string | undefined {
  if (key === 'path') return text.replace(QUOTED, (whole, bulkId: string) => withId(whole, idOf(bulkId)));
  const bulkId = referenceOf(text);
  if (bulkId === null) return text;
  const id = idOf(bulkId);
  return id === undefined ? text : (id ?? undefined);
}

function withId(whole: string, id: string | null | undefined): string {
  return typeof id === 'string' ? `"${id}"` : whole;
}
