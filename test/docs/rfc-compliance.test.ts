/** docs/rfc-compliance.md names tests: each of them is there, and each row names one or says why not. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { isThere, referencesIn } from '../support/test-titles.js';

const page = readFileSync(new URL('../../docs/rfc-compliance.md', import.meta.url), 'utf8');

const rows = [...page.matchAll(/^\| (?!Section|-)([^|]+?) *\| ([^|]+?) *\| (.+?) *\|$/gm)].map(
  ([, section = '', requirement = '', covered = '']) => ({ section, requirement, covered }),
);
const references = rows.flatMap(({ covered }) => referencesIn(covered));

describe('docs/rfc-compliance.md', () => {
  it('has rows for both specifications', () => {
    expect(rows.length).toBeGreaterThan(70);
    expect(references.length).toBeGreaterThan(rows.length);
  });

  it.each(rows)('$section: $requirement', ({ covered }) => {
    expect(covered).toMatch(/`test\/[^`]+`: .|^Does not apply: ./);
  });

  it('names only tests that there are', () => {
    expect(references.filter((reference) => !isThere(reference))).toEqual([]);
  });

  it('would notice a title that is none', () => {
    expect(isThere({ file: 'test/scim-http/writes.test.ts', title: 'users › are created with 201' })).toBe(false);
  });
});
