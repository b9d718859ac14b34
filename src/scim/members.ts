/**
 * The members of a group in a request. Only Users can be members; an element that does not say
 * clearly which User it means is an error, never "none" or "all".
 */
import { isList, isObject } from '../domain/match.js';
import type { Json, JsonObject } from '../domain/types.js';
import { isAboutValue, type Refuse } from '../domain/withdrawal.js';
import { invalidValue } from '../errors.js';
import { wrong } from './values.js';

/**
 * Elements that may be left out. Of a full list only those that are certainly no User: an element that
 * cannot be read may mean a member of today, who would be removed for lack of a name.
 */
export interface LeaveOut {
  readonly refuse: Refuse;
  readonly only: 'groups' | 'all';
}

/** The ids named by `members`, each once, in order. Null and [] are the empty list. */
export function readMembers(raw: Json, where: string, leaveOut?: LeaveOut): string[] {
  if (raw === null) return [];
  const list = isList(raw) ? raw : [raw];
  const ids = new Set<string>();
  list.forEach((element, index) => {
    // IdPs serialise a missing reference as null.
    if (element === null) return;
    const place = isList(raw) ? `${where}[${index}]` : where;
    try {
      ids.add(readMember(element, place));
    } catch (error) {
      const isGroup = isObject(element) && isGroupReference(element);
      if (leaveOut === undefined || !isAboutValue(error) || (leaveOut.only === 'groups' && !isGroup)) throw error;
      leaveOut.refuse(place, error);
    }
  });
  return [...ids];
}

function readMember(raw: Json, where: string): string {
  const member = typeof raw === 'string' ? { value: raw } : lowerKeys(raw, where);
  const { $ref: ref } = member;
  if (isGroupReference(member))
    throw invalidValue(
      `${where} is a group: ElevenLabs has no nested groups. Assign the users of that group directly.`,
    );
  const id = member['value'] ?? (typeof ref === 'string' ? ref.slice(ref.lastIndexOf('/') + 1) : null);
  if (typeof id !== 'string' || id.trim() === '') throw wrong(`${where}.value`, 'the id of a User', id);
  return id;
}

function isGroupReference(raw: JsonObject): boolean {
  const { type, $ref: ref } = Object.fromEntries(Object.entries(raw).map(([key, value]) => [key.toLowerCase(), value]));
  return (
    (typeof type === 'string' && type.toLowerCase() === 'group') || (typeof ref === 'string' && /\/groups\//i.test(ref))
  );
}

function lowerKeys(raw: Json, where: string): JsonObject {
  if (!isObject(raw)) throw wrong(where, 'an object with the id of a User as value', raw);
  return Object.fromEntries(Object.entries(raw).map(([key, value]) => [key.toLowerCase(), value]));
}
