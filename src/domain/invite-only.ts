/**
 * `inviteOnly` of the mapping file: who may be invited at all. A pattern is an address in which
 * `*` stands for any characters except "@", on either side: `*@example.com`, `*@*.example.com`,
 * `contractor-*@example.com`, `ann@example.com`.
 *
 * No regular expression is made from a pattern: the matcher goes back to the last star only, so
 * its time is bounded by the product of the lengths (at most 254 by 254).
 */
import { fold } from './fold.js';
import type { Address } from './types.js';

const MAX_PATTERN = 254;

/** Why `pattern` cannot be used, in words that follow "it"; null = it can. */
export function patternProblem(pattern: string): string | null {
  const text = fold(pattern.trim());
  if (text === '') return 'is empty';
  if (text.length > MAX_PATTERN) return `is longer than ${String(MAX_PATTERN)} characters`;
  if (/\s/.test(text)) return 'has white space in it';
  const parts = text.split('@');
  if (parts.length === 1) return `has no "@"; for a whole domain write "*@${text}"`;
  if (parts.length > 2) return 'has more than one "@"';
  if (parts.includes('')) return 'has nothing on one side of the "@"; write "*" for anything';
  return null;
}

/** True if some pattern covers the address, or if there are no patterns (null). An empty list covers nobody. */
export function mayInvite(address: Address, patterns: readonly string[] | null): boolean {
  return patterns === null || patterns.some((pattern) => matchesPattern(address, pattern));
}

/** Whether one pattern covers one address; both are folded here. */
export function matchesPattern(address: string, pattern: string): boolean {
  const [local, domain, ...more] = fold(address.trim()).split('@');
  const [localPattern, domainPattern, ...morePattern] = fold(pattern.trim()).split('@');
  if (local === undefined || domain === undefined || more.length > 0) return false;
  if (localPattern === undefined || domainPattern === undefined || morePattern.length > 0) return false;
  return glob(local, localPattern) && glob(domain, domainPattern);
}

function glob(text: string, pattern: string): boolean {
  let at = 0;
  let next = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    if (pattern[next] === '*') {
      star = next;
      resume = at;
      next += 1;
    } else if (pattern[next] === text[at]) {
      at += 1;
      next += 1;
    } else if (star >= 0) {
      // The last star takes one character more; earlier stars never need to.
      resume += 1;
      at = resume;
      next = star + 1;
    } else {
      return false;
    }
  }
  while (pattern[next] === '*') next += 1;
  return next === pattern.length;
}
