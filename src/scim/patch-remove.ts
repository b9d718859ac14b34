/**
 * `remove` (RFC 7644 3.5.2.2). Removing what is not there is a success: the end is as asked. A
 * remove with a `value` (Entra, JumpCloud) removes only what the value lists, where the RFC's
 * literal reading would remove everything.
 */
import { fold } from '../domain/fold.js';
import { isList, isObject } from '../domain/match.js';
import type { Attribute } from '../domain/schema.js';
import type { Json, JsonObject } from '../domain/types.js';
import { invalidValue, mutability } from '../errors.js';
import type { Operation } from './patch-request.js';
import {
  assertWritable,
  costOf,
  elementsOf,
  fromElements,
  select,
  settleElements,
  spend,
  withoutPart,
  type Edit,
} from './patch-target.js';
import { asObject, readParts, wrong } from './values.js';

export function removeEdit({ path, value, where }: Operation): Edit {
  assertWritable(path, where);
  const { attribute, filter, sub } = path;
  // RFC 7644 3.5.2.2: required attributes cannot be removed, `mutability`. `active` is one: neither true
  // nor false can be meant by nothing, and a guess would give or take access.
  if (attribute.required && sub === null && filter === null)
    throw mutability(`${where} is required and cannot be removed.`);
  if (sub?.required === true) throw mutability(`${where}: ${sub.name} is required and cannot be removed.`);
  if (sub !== null) return editChosen(attribute, filter, (element) => withoutPart(element, sub.name));
  if (filter !== null) return editChosen(attribute, filter, () => undefined);
  if (attribute.type !== 'complex' || value === undefined || value === null) return () => undefined;
  return removeListed(attribute, value, where);
}

type Filter = Operation['path']['filter'];

function editChosen(attribute: Attribute, filter: Filter, edit: (element: JsonObject) => JsonObject | undefined): Edit {
  return (current, work) => {
    const elements = elementsOf(current);
    const chosen = filter === null ? new Set(elements.keys()) : select(filter, elements, work);
    if (chosen.size === 0) return current;
    spend(work, costOf(elements));
    const left = elements.flatMap((element, index) =>
      chosen.has(index) && isObject(element) ? (edit(element) ?? []) : [element],
    );
    return fromElements(attribute, attribute.multiValued ? settleElements(attribute, left, new Set()) : left);
  };
}

function removeListed(attribute: Attribute, value: Json, where: string): Edit {
  const list = isList(value) ? value : [value];
  const wanted = list.filter((item) => item !== null).map((item) => readListed(attribute, item, where));
  const wantedCost = costOf(wanted.flatMap((parts) => [...parts.values()]));
  return (current, work) => {
    const elements = elementsOf(current);
    spend(work, elements.length * wantedCost + wanted.length * costOf(elements));
    return fromElements(
      attribute,
      elements.filter((element) => !isObject(element) || !wanted.some((parts) => isListed(attribute, element, parts))),
    );
  };
}

/** What one item of the list says of the elements it means; saying nothing would mean all. */
function readListed(attribute: Attribute, item: Json, where: string): ReadonlyMap<string, Json> {
  if (item === '') throw wrong(where, 'a list of what to remove', item);
  const parts = new Map<string, Json>();
  for (const [name, part] of readParts(attribute, asObject(attribute, item, where), where)) {
    if (part !== undefined && name !== '$ref') parts.set(name, part);
  }
  if (parts.size === 0) throw invalidValue(`${where}: an item of value does not say what to remove.`);
  return parts;
}

/** By value, and type where both name one; without a value, by everything that the item names. */
function isListed(attribute: Attribute, element: JsonObject, parts: ReadonlyMap<string, Json>): boolean {
  return [...parts].every(([name, part]) => {
    if (parts.has('value') && name !== 'value' && (name !== 'type' || element['type'] === undefined)) return true;
    return isSame(attribute, name, element[name], part);
  });
}

function isSame(attribute: Attribute, name: string, left: Json | undefined, right: Json): boolean {
  if (typeof left !== 'string' || typeof right !== 'string') return left === right;
  const exact = attribute.subAttributes.find((sub) => sub.name === name)?.caseExact ?? false;
  return exact ? left === right : fold(left) === fold(right);
}
