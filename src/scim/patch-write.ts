/**
 * `add` and `replace` (RFC 7644 3.5.2.1, 3.5.2.3). They differ only where a multi-valued attribute
 * is named as a whole: add unites, replace puts in the place of. Both merge the parts of complex
 * attributes, and both create the element that a filtered path describes.
 */
import { isList, isObject } from '../domain/match.js';
import type { Attribute } from '../domain/schema.js';
import type { Json, JsonObject } from '../domain/types.js';
import { invalidValue, noTarget } from '../errors.js';
import { elementKey, onePrimary, unite } from './elements.js';
import type { Operation, TargetPath, Verb } from './patch-request.js';
import {
  assertWritable,
  costOf,
  elementFromFilter,
  elementsOf,
  fromElements,
  mergeParts,
  select,
  settleElements,
  spend,
  type Edit,
} from './patch-target.js';
import { asObject, readElements, readParts, readValue, wrong } from './values.js';

type Parts = ReadonlyMap<string, Json | undefined>;

/** The edit that an add or replace makes; everything about its value is checked here. */
export function writeEdit({ verb, path, value, where }: Operation): Edit {
  assertWritable(path, where);
  if (value === undefined) throw invalidValue(`${where}: ${verb} needs a value.`);
  const { attribute, filter, sub } = path;
  if (filter !== null) return editMatching({ ...path, filter }, verb, value, where);
  if (sub !== null) {
    const parts: Parts = new Map([[sub.name, readValue(sub, value, where)]]);
    return attribute.multiValued ? editEach(attribute, parts) : editParts(attribute, parts);
  }
  if (attribute.multiValued)
    return verb === 'add' ? addElements(attribute, value, where) : replaceElements(attribute, value, where);
  return attribute.type === 'complex' ? writeComplex(attribute, value, where) : writeSimple(attribute, value, where);
}

function writeSimple(attribute: Attribute, value: Json, where: string): Edit {
  const read = readValue(attribute, value, where);
  // Neither true nor false can be meant by nothing, and a guess would give or take access.
  if (read === undefined && attribute.name === 'active') throw wrong(where, 'true or false', value);
  return () => read;
}

function writeComplex(attribute: Attribute, value: Json, where: string): Edit {
  const single = isList(value) && value.length <= 1 ? (value[0] ?? null) : value;
  if (single === null || single === '') return () => undefined;
  return editParts(attribute, readParts(attribute, asObject(attribute, single, where), where));
}

/** Parts that are not named stay (RFC 7644 3.5.2.3: "the set of sub-attributes SHALL be replaced"). */
function editParts(attribute: Attribute, parts: Parts): Edit {
  return (current) => (parts.size === 0 ? current : mergeParts(attribute, isObject(current) ? current : {}, parts));
}

function addElements(attribute: Attribute, value: Json, where: string): Edit {
  const added = readElements(attribute, value, where);
  return (current, work) => {
    const existing = elementsOf(current);
    spend(work, costOf(existing) + costOf(added));
    const { elements, touched } = unite(attribute, existing, typedLike(attribute, existing, added));
    return fromElements(attribute, onePrimary(elements, touched));
  };
}

/** `{value: x}` without a type is the element x that is there already, whatever its type, unless one without is there. */
function typedLike(attribute: Attribute, existing: readonly Json[], added: readonly Json[]): readonly Json[] {
  const types = new Map<string, Json | undefined>();
  for (const element of existing) {
    if (!isObject(element)) continue;
    const key = untypedKey(attribute, element);
    if (element['type'] === undefined || !types.has(key)) types.set(key, element['type']);
  }
  return added.map((element) => {
    if (!isObject(element) || element['value'] === undefined || element['type'] !== undefined) return element;
    const type = types.get(untypedKey(attribute, element));
    return type === undefined ? element : { ...element, type };
  });
}

function untypedKey(attribute: Attribute, { value }: JsonObject): string {
  return elementKey(attribute, value === undefined ? {} : { value });
}

function replaceElements(attribute: Attribute, value: Json, where: string): Edit {
  const elements = readElements(attribute, value, where);
  return () => fromElements(attribute, elements);
}

/** `emails.type`: every element; where there is none, the first. */
function editEach(attribute: Attribute, parts: Parts): Edit {
  return (current, work) => {
    const existing = elementsOf(current);
    spend(work, costOf(existing));
    const base = existing.length === 0 && ![...parts.values()].includes(undefined) ? [{}] : existing;
    const elements = base.flatMap((element) =>
      isObject(element) ? (mergeParts(attribute, element, parts) ?? []) : element,
    );
    return fromElements(attribute, settleElements(attribute, elements, new Set(elements.keys())));
  };
}

function editMatching(path: TargetPath & { readonly filter: object }, verb: Verb, value: Json, where: string): Edit {
  const { attribute, filter, sub } = path;
  const parts =
    sub === null ? elementParts(attribute, value, where) : new Map([[sub.name, readValue(sub, value, where)]]);
  const clears = parts === null || [...parts.values()].every((part) => part === undefined);
  const template = elementFromFilter(attribute, filter, where, verb === 'replace');
  const needsValue = attribute.multiValued && attribute.subAttributes.some((part) => part.name === 'value');
  return (current, work) => {
    const elements = elementsOf(current);
    const chosen = select(filter, elements, work);
    if (chosen.size === 0) {
      if (clears) return current;
      if (template === null || [...parts.keys()].some((name) => Object.hasOwn(template, name)))
        throw noTarget(`${where}: no element matches.`);
      if (!attribute.multiValued && elements.length > 0) throw noTarget(`${where}: ${attribute.name} is another.`);
      const created = mergeParts(attribute, template, parts);
      spend(work, costOf(elements));
      if (needsValue && created?.['value'] === undefined) work.unfinished.push({ keys: path.keys, filter, where });
      const next = created === undefined ? elements : [...elements, created];
      return fromElements(attribute, settleElements(attribute, next, new Set([elements.length])));
    }
    spend(work, costOf(elements));
    const next: Json[] = [];
    const touched = new Set<number>();
    elements.forEach((element, index) => {
      const edited =
        !chosen.has(index) || !isObject(element)
          ? element
          : parts === null
            ? undefined
            : mergeParts(attribute, element, parts);
      if (edited === undefined) return;
      if (chosen.has(index)) touched.add(next.length);
      next.push(edited);
    });
    return fromElements(attribute, settleElements(attribute, next, touched));
  };
}

/** Null: the matching elements are to be cleared. */
function elementParts(attribute: Attribute, value: Json, where: string): Parts | null {
  const single = isList(value) && value.length <= 1 ? (value[0] ?? null) : value;
  if (single === null || single === '') return null;
  const parts = readParts(attribute, asObject(attribute, single, where), where);
  if (parts.size === 0) throw invalidValue(`${where}: value names no attribute of ${attribute.name}.`);
  return parts;
}
