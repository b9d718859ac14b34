/** What a write changed in a document, attribute by attribute: for traces and the audit log. */
import { isJsonObject, sameJson } from './json.js';
import type { Json } from './types.js';

export interface Difference {
  /** Attribute path; sub-attributes after a dot. */
  readonly path: string;
  /** Undefined: was not there. */
  readonly before: Json | undefined;
  /** Undefined: is gone. */
  readonly after: Json | undefined;
}

/** Lists are compared as a whole: their elements have no names. */
export function diffDocuments(before: Json | undefined, after: Json | undefined, path = ''): readonly Difference[] {
  if (sameJson(before, after)) return [];
  const isBranch = isJsonObject(before) || isJsonObject(after);
  const isMixed = !isObjectOrAbsent(before) || !isObjectOrAbsent(after);
  if (!isBranch || isMixed) return [{ path, before, after }];
  const left = isJsonObject(before) ? before : {};
  const right = isJsonObject(after) ? after : {};
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return names.flatMap((name) => diffDocuments(left[name], right[name], path === '' ? name : `${path}.${name}`));
}

function isObjectOrAbsent(value: Json | undefined): boolean {
  return value === undefined || value === null || isJsonObject(value);
}
