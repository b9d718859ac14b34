/**
 * The members of a group in a request. Only Users can be members; an element that does not say
 * clearly which User it means is an error, never "none" or "all".
 */
import { isList, isObject } from '../domain/match.js';
import type { Json, JsonObject } from '../domain/types.js';
import { invalidValue } from '../errors.js';
import { wrong } from './values.js';

/** The ids named by `members`, each once, in order. Null and [] are the empty list. */
export function readMembers(raw: Json, where: string): string[] {
  if (raw === null) return [];
  const list = isList(raw) ? raw : [raw];
  const ids = new Set<string>();
  list.forEach((element, index) => {
    // IdPs serialise a missing reference as null.
    if (element !== null) ids.add(readMember(element, isList(raw) ? `${where}[${index}]` : where));
  });
  return [...ids];
}

function readMember(raw: Json, where: string): string {
  const member = typeof raw === 'string' ? { value: raw } : lowerKeys(raw, where);
  const { type, $ref: ref } = member;
  const isGroup =
    (typeof type === 'string' && type.toLowerCase() === 'group') ||
    (typeof ref === 'string' && /\/groups\//i.test(ref));
  if (isGroup)
    throw invalidValue(
      `${where} is a group: ElevenLabs has no nested groups. Assign the users of that group directly.`,
    );
  const id = member['value'] ?? (typeof ref === 'string' ? ref.slice(ref.lastIndexOf('/') + 1) : null);
  if (typeof id !== 'string' || id.trim() === '') throw wrong(`${where}.value`, 'the id of a User', id);
  return id;
}

function lowerKeys(raw: Json, where: string): JsonObject {
  if (!isObject(raw)) throw wrong(where, 'an object with the id of a User as value', raw);
  return Object.fromEntries(Object.entries(raw).map(([key, value]) => [key.toLowerCase(), value]));
}
