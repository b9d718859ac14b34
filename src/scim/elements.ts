/**
 * Elements of multi-valued attributes: what makes two the same, and the one that is primary
 * (RFC 7643 2.4).
 */
import { fold } from '../domain/fold.js';
import { isObject } from '../domain/match.js';
import type { Attribute } from '../domain/schema.js';
import type { Json, JsonObject } from '../domain/types.js';

/**
 * What identifies an element: its `type` and `value` ("SHOULD NOT return the same (type, value)
 * combination more than once"), by the case rule of the attribute; where it has no value, all of it.
 */
export function elementKey(attribute: Attribute, element: Json): string {
  if (!isObject(element) || typeof element['value'] !== 'string') return JSON.stringify(element);
  const { value, type } = element as { value: string; type?: Json };
  const caseExact = attribute.subAttributes.find((sub) => sub.name === 'value')?.caseExact ?? false;
  return JSON.stringify([caseExact ? value : fold(value), typeof type === 'string' ? fold(type) : null]);
}

/** Joins elements that are the same, later parts winning, and leaves one primary: the last. */
export function collapse(attribute: Attribute, elements: readonly Json[]): readonly Json[] {
  return onePrimary(unite(attribute, [], elements).elements);
}

/** `added` united with `existing`, in place of the element that it is the same as, else behind. */
export function unite(
  attribute: Attribute,
  existing: readonly Json[],
  added: readonly Json[],
): { readonly elements: readonly Json[]; readonly touched: ReadonlySet<number> } {
  const elements = [...existing];
  const touched = new Set<number>();
  const positions = new Map(existing.map((element, index) => [elementKey(attribute, element), index]));
  for (const element of added) {
    const key = elementKey(attribute, element);
    const at = positions.get(key) ?? elements.length;
    const previous = elements[at];
    elements[at] = isObject(previous) && isObject(element) ? inOrder(attribute, { ...previous, ...element }) : element;
    positions.set(key, at);
    touched.add(at);
  }
  return { elements, touched };
}

/**
 * At most one element stays primary: the last of those just written, else the last
 * (RFC 7644 3.5.2: the server "SHALL set the value of the existing attribute to false").
 */
export function onePrimary(elements: readonly Json[], touched?: ReadonlySet<number>): readonly Json[] {
  const primaries = elements.flatMap((element, index) =>
    isObject(element) && element['primary'] === true ? [index] : [],
  );
  if (primaries.length < 2) return elements;
  const winner = primaries.filter((index) => touched?.has(index) === true).at(-1) ?? primaries.at(-1);
  return elements.map((element, index) =>
    index !== winner && isObject(element) && element['primary'] === true ? { ...element, primary: false } : element,
  );
}

/** The parts of an element in the order of the table, so that equal elements are equal as text. */
export function inOrder(attribute: Attribute, element: JsonObject): JsonObject {
  const ordered: Record<string, Json> = {};
  for (const { name } of attribute.subAttributes) {
    const value = element[name];
    if (value !== undefined) ordered[name] = value;
  }
  return ordered;
}
