/**
 * The meaning of a filter: a direct interpretation over a full resource, as a client sees it
 * (with id, meta, groups, members). store/filter-sql.ts selects the same rows; a property test
 * holds the two together.
 *
 * - A comparison with a multi-valued attribute holds if it holds for any of its elements
 *   (RFC 7644 3.4.2.2), `ne` too: `emails.type ne "work"` finds who has some other e-mail.
 * - `ne` also holds where nothing is there to compare: a single-valued attribute that is absent, a
 *   multi-valued one without elements. RFC 7644 leaves that open.
 * - An element without `primary` is not primary (RFC 7643 2.4): it has `primary eq false`.
 * - `eq null` is "absent" (RFC 7643 2.5: null, "" and [] are all unassigned), `ne null` is `pr`.
 * - Strings compare by the case rule of the schema, in the order of code points; dates as instants.
 */
import type { AttributePath, CompareOp, Filter } from './filter.js';
import { fold } from './fold.js';
import { parseInstant } from './instant.js';
import type { Attribute } from './schema.js';
import type { Json, JsonObject } from './types.js';

/** Whether the resource (or, inside a value path, the element) satisfies the filter. */
export function matches(filter: Filter, resource: JsonObject): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.nodes.every((node) => matches(node, resource));
    case 'or':
      return filter.nodes.some((node) => matches(node, resource));
    case 'not':
      return !matches(filter.node, resource);
    case 'present':
      return valuesAt(resource, filter.path).some(isPresent);
    case 'element':
      return valuesAt(resource, filter.path).some((element) => isObject(element) && matches(filter.node, element));
    case 'compare':
      return compares(filter, resource);
  }
}

function compares(filter: Extract<Filter, { kind: 'compare' }>, resource: JsonObject): boolean {
  const { path, op, value } = filter;
  const attribute = path.attributes.at(-1);
  if (attribute === undefined) return false;
  if (value === null) return valuesAt(resource, path).some(isPresent) === (op === 'ne');
  const holders = holdersOf(resource, path);
  if (holders !== null) {
    const inElement = { ...filter, path: { keys: path.keys.slice(-1), attributes: [attribute] } };
    const isMet = holders.some((element) => isObject(element) && compares(inElement, element));
    return isMet || (op === 'ne' && holders.length === 0);
  }
  const found = valuesAt(resource, path);
  const values = found.length === 0 && isFalseWhenMissing(attribute) ? [false] : found;
  if (op !== 'ne') return values.some((actual) => compareValue(attribute, op, actual, value));
  const differs = (actual: Json): boolean => !compareValue(attribute, 'eq', actual, value);
  return values.length === 0 || values.some(differs);
}

/** The elements whose part a path names; null: the path leads through no multi-valued complex attribute. */
function holdersOf(resource: JsonObject, { keys, attributes }: AttributePath): readonly Json[] | null {
  const holder = attributes.at(-2);
  if (holder?.multiValued !== true) return null;
  return valuesAt(resource, { keys: keys.slice(0, -1), attributes: attributes.slice(0, -1) });
}

/** RFC 7643 2.4: "If not specified, the value of "primary" SHALL be assumed to be "false"". */
export function isFalseWhenMissing({ name, type }: Attribute): boolean {
  return name === 'primary' && type === 'boolean';
}

/** The values at a path, multi-valued attributes on the way spread out. */
export function valuesAt(resource: JsonObject, path: AttributePath): readonly Json[] {
  let values: readonly Json[] = [resource];
  for (const key of path.keys) {
    values = values.flatMap((value) => {
      if (!isObject(value) || !Object.hasOwn(value, key)) return [];
      const next = value[key];
      return next === undefined ? [] : isList(next) ? next : [next];
    });
  }
  return values;
}

/** RFC 7643 2.5: null, the empty string, an empty list or object are "unassigned". */
export function isPresent(value: Json): boolean {
  if (value === null || value === '') return false;
  if (isList(value)) return value.some(isPresent);
  if (isObject(value)) return Object.values(value).some(isPresent);
  return true;
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function compareValue(attribute: Attribute, op: CompareOp, actual: Json, wanted: string | number | boolean): boolean {
  if (typeof wanted !== 'string')
    return typeof actual === typeof wanted && ordered(op, actual === wanted ? 0 : Number(actual) - Number(wanted));
  if (typeof actual !== 'string') return false;
  if (attribute.type === 'dateTime') {
    const [left, right] = [parseInstant(actual), parseInstant(wanted)];
    return left !== null && right !== null && ordered(op, left - right);
  }
  const [left, right] = attribute.caseExact ? [actual, wanted] : [fold(actual), fold(wanted)];
  switch (op) {
    case 'co':
      return left.includes(right);
    case 'sw':
      return left.startsWith(right);
    case 'ew':
      return left.endsWith(right);
    case 'eq':
    case 'ne':
    case 'gt':
    case 'ge':
    case 'lt':
    case 'le':
      return ordered(op, compareText(left, right));
  }
}

function ordered(op: CompareOp, difference: number): boolean {
  switch (op) {
    case 'eq':
      return difference === 0;
    case 'ne':
      return difference !== 0;
    case 'gt':
      return difference > 0;
    case 'ge':
      return difference >= 0;
    case 'lt':
      return difference < 0;
    case 'le':
      return difference <= 0;
    case 'co':
    case 'sw':
    case 'ew':
      return false;
  }
}

/** Order of code points, which is also that of UTF-8 bytes (SQLite); JavaScript's `<` is neither. */
export function compareText(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at += 1) {
    const [a, b] = [left.charCodeAt(at), right.charCodeAt(at)];
    if (a !== b) return codePointRank(a) - codePointRank(b);
  }
  return left.length - right.length;
}

/** Moves surrogates above U+E000..U+FFFF, where the code points that they write belong. */
function codePointRank(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800;
  return unit >= 0xd800 ? unit + 0x2000 : unit;
}
