/**
 * One value of a request, made into what is stored (RFC 7643 2.3, 2.4), by the definition of its
 * attribute. Invariants:
 * - `undefined` means unassigned: null, "" and [] clear (RFC 7643 2.5; Entra's validator sends
 *   each), so no stored document ever holds one of them.
 * - Names come out in the case and the order of the table; unknown and readOnly parts are dropped.
 * - What comes out is new: nothing of the request is shared or kept.
 * - Recursion follows the tables, which are two levels deep, never the request.
 */
import { findAttribute } from '../domain/attribute-lookup.js';
import { fold } from '../domain/fold.js';
import { parseInstant } from '../domain/instant.js';
import { isList, isObject } from '../domain/match.js';
import type { Attribute } from '../domain/schema.js';
import type { Json, JsonObject } from '../domain/types.js';
import { invalidValue } from '../errors.js';
import { collapse } from './elements.js';
import { shorten } from './shorten.js';

/** A single multi-valued attribute of a User or of `shares` holds no more elements. */
export const MAX_ELEMENTS = 1000;

/** Reads the whole value of an attribute; `where` is its path, for errors. */
export function readValue(attribute: Attribute, raw: Json, where: string): Json | undefined {
  if (!attribute.multiValued) return readSingle(attribute, raw, where);
  const elements = readElements(attribute, raw, where);
  return elements.length === 0 ? undefined : elements;
}

/** Reads the elements of a multi-valued attribute; one that stands alone counts as a list of it. */
export function readElements(attribute: Attribute, raw: Json, where: string): readonly Json[] {
  if (raw === null || raw === '') return [];
  const list = isList(raw) ? raw : [raw];
  if (list.length > MAX_ELEMENTS) throw invalidValue(`${where}: more than ${MAX_ELEMENTS} elements.`);
  const elements: Json[] = [];
  list.forEach((item, index) => {
    const element = readOne(attribute, item, isList(raw) ? `${where}[${index}]` : where);
    if (element !== undefined && !isHollow(element)) elements.push(element);
  });
  return collapse(attribute, elements);
}

/** A single-valued attribute; Entra puts the manager into a list of one. */
function readSingle(attribute: Attribute, raw: Json, where: string): Json | undefined {
  if (!isList(raw)) return readOne(attribute, raw, where);
  const [only, ...more] = raw;
  if (more.length > 0) throw wrong(where, 'one value', raw);
  return only === undefined ? undefined : readOne(attribute, only, where);
}

/** One value, or one element of a multi-valued attribute. */
export function readOne(attribute: Attribute, raw: Json, where: string): Json | undefined {
  if (raw === null || raw === '') return undefined;
  switch (attribute.type) {
    case 'complex':
      return readComplex(attribute, raw, where);
    case 'boolean':
      return readBoolean(raw, where);
    case 'integer':
    case 'decimal':
      return readNumber(attribute, raw, where);
    case 'dateTime':
      if (typeof raw === 'string' && parseInstant(raw) !== null) return raw;
      throw wrong(where, 'a dateTime like "2026-01-31T00:00:00Z"', raw);
    case 'binary':
      // RFC 4648, both alphabets.
      if (typeof raw === 'string' && /^[A-Za-z0-9+/_-]+={0,2}$/.test(raw)) return raw;
      throw wrong(where, 'base64', raw);
    case 'reference':
      if (typeof raw === 'string' && isReference(raw)) return raw;
      throw wrong(where, 'a URI', raw);
    case 'string':
      return readString(attribute, raw, where);
  }
}

/** Text that the store and every comparison keep whole: no NUL, no half surrogate pair. */
function readString(attribute: Attribute, raw: Json, where: string): string {
  // What is refused is remembered and shown to administrators: never with a password in it.
  const shown = attribute.returned === 'never' ? undefined : raw;
  if (typeof raw !== 'string') throw wrong(where, 'a string', shown);
  if (raw.includes('\0') || /\p{Surrogate}/u.test(raw))
    throw wrong(where, 'text without NUL and half surrogate pairs', shown);
  if (!attribute.closed) return raw;
  const found = attribute.canonicalValues.find((value) => fold(value) === fold(raw.trim()));
  if (found === undefined) throw wrong(where, `one of ${attribute.canonicalValues.join(', ')}`, raw);
  return found;
}

/** Entra sends "True" and "False" (idp-behaviour: PATCH shapes), others "true". */
function readBoolean(raw: Json, where: string): boolean {
  const word = typeof raw === 'string' ? raw.trim().toLowerCase() : raw;
  if (word === true || word === 'true') return true;
  if (word === false || word === 'false') return false;
  throw wrong(where, 'true or false', raw);
}

/** The writable numbers are counts. Attribute mappings of IdPs often make strings of them. */
function readNumber(attribute: Attribute, raw: Json, where: string): number {
  const number = typeof raw === 'string' && /^[0-9]{1,15}$/.test(raw.trim()) ? Number(raw) : raw;
  const fits =
    typeof number === 'number' && number >= 0 && (attribute.type === 'decimal' || Number.isSafeInteger(number));
  if (!fits) throw wrong(where, `${attribute.type === 'integer' ? 'a whole number' : 'a number'}, 0 or more`, raw);
  return number;
}

function isReference(text: string): boolean {
  return !/[\s\0]/.test(text) && !/\p{Surrogate}/u.test(text) && URL.canParse(text, 'https://relative.invalid/');
}

function readComplex(attribute: Attribute, raw: Json, where: string): JsonObject | undefined {
  const object = asObject(attribute, raw, where);
  const parts = readParts(attribute, object, where);
  const element: Record<string, Json> = {};
  for (const { name } of attribute.subAttributes) {
    const value = parts.get(name);
    if (value !== undefined) element[name] = value;
  }
  return Object.keys(element).length === 0 ? undefined : element;
}

/**
 * The writable parts that an object names: undefined = named and to be cleared, absent = not
 * named. What a `$ref` alone says is read from its end.
 */
export function readParts(
  attribute: Attribute,
  object: JsonObject,
  where: string,
): ReadonlyMap<string, Json | undefined> {
  const parts = new Map<string, Json | undefined>();
  for (const [key, raw] of Object.entries(object)) {
    const sub = findAttribute(attribute.subAttributes, key);
    if (sub === undefined || sub.mutability === 'readOnly') continue;
    parts.set(sub.name, readValue(sub, raw, `${where}.${sub.name}`));
  }
  const value = findAttribute(attribute.subAttributes, 'value');
  const ref = object['$ref'];
  if (
    value !== undefined &&
    !parts.has('value') &&
    typeof ref === 'string' &&
    findAttribute(attribute.subAttributes, '$ref') !== undefined
  ) {
    const id = ref.slice(ref.lastIndexOf('/') + 1);
    if (id !== '') parts.set('value', readValue(value, id, `${where}.$ref`));
  }
  return parts;
}

/**
 * The object that a value of a complex attribute stands for: itself, or what is known of a bare
 * string (Entra: manager), of JSON within a string (Entra: app roles), of `displayName` (ditto).
 */
export function asObject(attribute: Attribute, raw: Json, where: string): JsonObject {
  if (typeof raw === 'string' && findAttribute(attribute.subAttributes, 'value') !== undefined) {
    return attribute.name === 'roles' ? unpackRole({ value: raw }) : { value: raw };
  }
  if (!isObject(raw)) throw wrong(where, 'an object', raw);
  return attribute.name === 'roles' ? unpackRole(raw) : raw;
}

function unpackRole(role: JsonObject): JsonObject {
  const packed =
    typeof role['value'] === 'string' && role['value'].trimStart().startsWith('{') ? parseObject(role['value']) : null;
  const merged = packed !== null && typeof packed['value'] === 'string' ? { ...role, ...packed } : role;
  return merged['display'] === undefined && merged['displayName'] !== undefined
    ? { ...merged, display: merged['displayName'] }
    : merged;
}

function parseObject(text: string): JsonObject | null {
  try {
    const parsed = JSON.parse(text) as Json;
    return isObject(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

/** `{type: "work"}` says of nothing that it is for work: templates of IdPs leave such shells. */
export function isHollow(element: Json): boolean {
  return isObject(element) && Object.keys(element).every((key) => key === 'type' || key === 'primary');
}

/** `raw` undefined: it is not to be shown. */
export function wrong(where: string, wanted: string, raw: Json | undefined): Error {
  return invalidValue(`${where} must be ${wanted}${raw === undefined ? '' : `; it is ${shorten(raw)}`}.`);
}
