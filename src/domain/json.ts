/** JSON values: comparison and narrow access to parts of a document. */
import type { Json, JsonObject } from './types.js';

/** Equal as JSON: the order of keys does not matter, the order of array elements does. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item: Json, index) => sameJson(item, b[index] as Json));
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]));
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object at `key`, or an empty one. */
export function objectAt(document: JsonObject, key: string): JsonObject {
  const value = document[key];
  return isJsonObject(value) ? value : {};
}

/** The string at `key`; null where there is none or an empty one. */
export function textAt(document: JsonObject, key: string): string | null {
  const value = document[key];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The objects in the array at `key`. */
export function elementsAt(document: JsonObject, key: string): readonly JsonObject[] {
  const value = document[key];
  return Array.isArray(value) ? value.filter((item: Json) => isJsonObject(item)) : [];
}
