/**
 * What a PATCH operation is applied to: one attribute of a document, or elements of it. Edits are
 * pure functions; what they need of the request was read and checked when they were made.
 */
import type { Filter } from '../domain/filter.js';
import { fold } from '../domain/fold.js';
import { isList, isObject, matches } from '../domain/match.js';
import type { Attribute } from '../domain/schema.js';
import type { Document, Json, JsonObject } from '../domain/types.js';
import { mutability, noTarget, tooMany } from '../errors.js';
import { elementKey, inOrder, onePrimary } from './elements.js';
import type { TargetPath } from './patch-request.js';
import { readOne } from './values.js';

/** What one PATCH may still do: elements looked at, times comparisons, and text that is folded for them. */
export interface Work {
  left: number;
  /** Elements made of a filter that have no `value` yet: a later operation of the same PATCH gives it, or none may stay. */
  readonly unfinished: Unfinished[];
}

export interface Unfinished {
  readonly keys: readonly string[];
  readonly filter: Filter;
  readonly where: string;
}

/**
 * Measured: what uses this up, be it thousands of small operations or a mebibyte of characters that
 * fold to eighteen each, takes 0.4 s of one processor at most. A request applies its PATCH twice:
 * to see what it would give, and in the transaction. test/scim/patch-cost.test.ts keeps watch.
 */
export const MAX_WORK = 100_000;

/** Characters that are folded for the price of one element; letters beyond ASCII need tables. */
const ASCII_PER_ELEMENT = 64;
const OTHERS_PER_ELEMENT = 8;

/** The price of looking at values once. */
export function costOf(values: readonly Json[]): number {
  return values.reduce<number>((sum, value) => sum + 1 + textCost(value), 0);
}

/** The price of the text in a value, that of its parts included. */
function textCost(value: Json): number {
  if (typeof value === 'string')
    return Math.floor(value.length / (/[^ -~]/.test(value) ? OTHERS_PER_ELEMENT : ASCII_PER_ELEMENT));
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value as JsonObject).reduce<number>((sum, part) => sum + textCost(part), 0);
}

/** The next value of an attribute; undefined = unassigned. */
export type Edit = (current: Json | undefined, work: Work) => Json | undefined;

export function spend(work: Work, amount: number): void {
  work.left -= amount;
  if (work.left < 0)
    throw tooMany('The operations of this PATCH compare too many values: send them in several requests.');
}

/** Applies an edit at a path of one or two keys. */
export function editAt(document: Document, keys: readonly string[], edit: Edit, work: Work): Document {
  const [first, second] = keys;
  if (first === undefined) return document;
  if (second === undefined) return withValue(document, first, edit(document[first], work));
  const extension = isObject(document[first]) ? document[first] : {};
  const next = withValue(extension, second, edit(extension[second], work));
  return withValue(document, first, Object.keys(next).length === 0 ? undefined : next);
}

export function withValue(object: JsonObject, key: string, value: Json | undefined): JsonObject {
  if (value !== undefined) return { ...object, [key]: value };
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
}

/** Refuses paths to what clients cannot write (RFC 7644 3.5.2, `mutability`). */
export function assertWritable({ attribute, sub }: TargetPath, where: string): void {
  const fixed = [attribute, sub].find((part) => part?.mutability === 'readOnly');
  if (fixed !== undefined && fixed !== null) throw mutability(`${where}: ${fixed.name} is readOnly.`);
  if (sub?.mutability === 'immutable')
    throw mutability(`${where}: ${sub.name} is immutable. Remove the element and add another.`);
}

/** The elements of an attribute; a single-valued complex one counts as one. */
export function elementsOf(current: Json | undefined): readonly Json[] {
  return current === undefined ? [] : isList(current) ? current : [current];
}

/** Back from elements to the value of the attribute. */
export function fromElements(attribute: Attribute, elements: readonly Json[]): Json | undefined {
  if (!attribute.multiValued) return elements[0];
  return elements.length === 0 ? undefined : elements;
}

/** The positions that a value filter chooses. */
export function select(filter: Filter, elements: readonly Json[], work: Work): ReadonlySet<number> {
  spend(work, costOfMatching(filter, elements));
  return new Set(elements.flatMap((element, index) => (isObject(element) && matches(filter, element) ? [index] : [])));
}

/** Refuses elements that a filter made and nobody gave a value: a replace never makes such (RFC 7644 3.5.2.3). */
export function assertFinished(document: Document, work: Work): void {
  for (const { keys, filter, where } of work.unfinished) {
    const value = keys.reduce<Json | undefined>((at, key) => (isObject(at) ? at[key] : undefined), document);
    const isBare = (element: Json): boolean =>
      isObject(element) && element['value'] === undefined && matches(filter, element);
    if (elementsOf(value).some(isBare))
      throw noTarget(`${where}: no element matches, and one without a value is not made.`);
  }
}

/** The price of comparing each value with each term of the filter. */
export function costOfMatching(filter: Filter, values: readonly Json[]): number {
  return countTerms(filter) * costOf(values) + values.length * literalCost(filter);
}

function literalCost(filter: Filter): number {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.nodes.reduce((sum, node) => sum + literalCost(node), 0);
    case 'not':
    case 'element':
      return literalCost(filter.node);
    case 'present':
      return 0;
    case 'compare':
      return textCost(filter.value);
  }
}

export function countTerms(filter: Filter): number {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.nodes.reduce((sum, node) => sum + countTerms(node), 0);
    case 'not':
    case 'element':
      return countTerms(filter.node);
    case 'present':
    case 'compare':
      return 1;
  }
}

/** An element without one of its parts (RFC 7644 3.5.2.2: that part alone); undefined where nothing is left. */
export function withoutPart(element: JsonObject, name: string): JsonObject | undefined {
  const left = withValue(element, name, undefined);
  return Object.keys(left).length === 0 ? undefined : left;
}

/** An element with some parts replaced; undefined where too little is left to be one. */
export function mergeParts(
  attribute: Attribute,
  element: JsonObject,
  parts: ReadonlyMap<string, Json | undefined>,
): JsonObject | undefined {
  const merged: Record<string, Json> = { ...element };
  for (const [name, value] of parts) {
    if (value === undefined) Reflect.deleteProperty(merged, name);
    else merged[name] = value;
  }
  const cleared = [...parts.values()].includes(undefined);
  const names = Object.keys(merged);
  // An element that lost its value says nothing any more: `{type: "work", primary: true}`.
  const isShell =
    names.every((name) => name === 'type' || name === 'primary') ||
    (parts.has('value') && merged['value'] === undefined);
  return cleared && isShell ? undefined : inOrder(attribute, merged);
}

/** Elements after an edit: the same ones joined, what was just written winning, else the later; one primary. */
export function settleElements(
  attribute: Attribute,
  elements: readonly Json[],
  touched: ReadonlySet<number>,
): readonly Json[] {
  const settled: Json[] = [];
  const places = new Map<string, { readonly at: number; readonly written: boolean }>();
  onePrimary(elements, touched).forEach((element, index) => {
    const key = elementKey(attribute, element);
    const place = places.get(key);
    const previous = place === undefined ? undefined : settled[place.at];
    const written = touched.has(index);
    if (place === undefined || !isObject(previous) || !isObject(element)) {
      places.set(key, { at: settled.length, written });
      settled.push(element);
      return;
    }
    const parts = place.written && !written ? { ...element, ...previous } : { ...previous, ...element };
    const primary = previous['primary'] === true || element['primary'] === true ? { primary: true } : {};
    settled[place.at] = inOrder(attribute, { ...parts, ...primary });
    places.set(key, { at: place.at, written: written || place.written });
  });
  return settled;
}

/**
 * The element that a filter describes, where it does so wholly: `type eq "work"`,
 * `primary eq "True"`, joined by `and`. Entra sends such paths to *create* elements, against
 * RFC 7644 3.5.2.3 (idp-behaviour: PATCH shapes). A filter on `value` names one that should exist:
 * null, hence noTarget. So does a `replace` (`onlyCanonical`) with a type that the schema does not list.
 */
export function elementFromFilter(
  attribute: Attribute,
  filter: Filter,
  where: string,
  onlyCanonical: boolean,
): JsonObject | null {
  const element: Record<string, Json> = {};
  const terms = filter.kind === 'and' ? filter.nodes : [filter];
  for (const term of terms) {
    if (term.kind !== 'compare' || term.op !== 'eq' || term.value === null) return null;
    const sub = term.path.attributes.at(-1);
    if (sub === undefined || sub.name === 'value' || Object.hasOwn(element, sub.name)) return null;
    const value = readOne(sub, term.value, `${where}.${sub.name}`);
    if (value === undefined || sub.mutability === 'readOnly') return null;
    if (onlyCanonical && sub.name === 'type' && !isCanonical(sub, value)) return null;
    element[sub.name] = value;
  }
  return inOrder(attribute, element);
}

function isCanonical({ canonicalValues }: Attribute, value: Json): boolean {
  return typeof value === 'string' && canonicalValues.some((known) => fold(known) === fold(value));
}
