/**
 * What a body may look like, whatever it means: bounded depth and size, and no key that could lead
 * anybody's code to a prototype. Depth, values and names are counted in the bytes, before
 * JSON.parse: it needs seconds for megabytes of brackets, and for names that are all different.
 */
import { isList } from '../domain/match.js';
import { invalidSyntax } from '../errors.js';
import type { Json } from '../domain/types.js';

export const MAX_DEPTH = 32;
/** Different names in one body, however often each comes: all schemas together have about a hundred. */
export const MAX_NAMES = 1_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const FORBIDDEN: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Refuses text that nests deeper, or has more values or names than any SCIM message needs. Linear. */
export function checkShape(bytes: Buffer, maxValues: number): void {
  const names = new Set<string>();
  let start = 0;
  let end = 0;
  let depth = 0;
  let values = 1;
  let inString = false;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (inString) {
      if (byte === BACKSLASH) index += 1;
      else if (byte === QUOTE) {
        inString = false;
        end = index;
      }
    } else if (byte === QUOTE) {
      inString = true;
      start = index + 1;
    } else if (byte === COLON) {
      names.add(bytes.toString('latin1', start, end));
      if (names.size > MAX_NAMES) {
        throw invalidSyntax(`The body has more than ${String(MAX_NAMES)} different attribute names.`);
      }
    } else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      values += 1;
      if (depth > MAX_DEPTH) throw invalidSyntax(`The body nests deeper than ${String(MAX_DEPTH)} levels.`);
    } else if (byte === 0x7d || byte === 0x5d) {
      depth -= 1;
    } else if (byte === COMMA) {
      values += 1;
    }
    if (values > maxValues) throw invalidSyntax(`The body has more than ${String(maxValues)} values.`);
  }
}

/**
 * Refuses keys of which a segment is `__proto__`, `constructor` or `prototype`. Segments, because
 * IdPs send paths as keys (`name.givenName`, `urn:…:User:department`).
 */
export function checkKeys(root: Json): void {
  const stack: Json[] = [root];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (typeof node !== 'object' || node === null) continue;
    if (isList(node)) {
      for (const item of node) if (typeof item === 'object' && item !== null) stack.push(item);
      continue;
    }
    for (const [key, value] of Object.entries(node)) {
      if (hasForbiddenSegment(key)) throw invalidSyntax('The body has an attribute name that is not allowed.');
      if (typeof value === 'object' && value !== null) stack.push(value);
    }
  }
}

function hasForbiddenSegment(key: string): boolean {
  // The three words have letters no separator has, so a plain search is enough to let nearly all keys pass.
  if (!key.includes('proto') && !key.includes('constructor')) return false;
  return key.split(/[.:[\]\s"]/).some((segment) => FORBIDDEN.has(segment));
}
