/** docs/threat-model.md: every threat has a control and a test, and the tests are there. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { isThere, referencesIn } from '../support/test-titles.js';

const page = readFileSync(new URL('../../docs/threat-model.md', import.meta.url), 'utf8');

/** The tables of threats, below their headings. */
const rows = page
  .split(/^## /m)
  .filter((part) => /^\| Threat /m.test(part))
  .flatMap((part) =>
    [...part.matchAll(/^\| (?!Threat|-)([^|]+?) *\| ([^|]*?) *\| ([^|]*?) *\|$/gm)].map(
      ([, threat = '', control = '', tests = '']) => ({ threat, control, tests: referencesIn(tests) }),
    ),
  );

/** The table of ASVS: what is not met has no proof, and says so. */
const requirements = [...page.matchAll(/^\| (\d+\.\d+\.\d+) ([^|]+?) *\| ([^|]*?) *\| ([^|]*?) *\|$/gm)].map(
  ([, number = '', , control = '', proof = '']) => ({ number, control, proof, tests: referencesIn(proof) }),
);

describe('the table of ASVS', () => {
  it('has each requirement once', () => {
    expect(requirements.length).toBeGreaterThan(30);
    expect(new Set(requirements.map(({ number }) => number)).size).toBe(requirements.length);
  });

  it.each(requirements)('$number', ({ control, proof, tests }) => {
    expect(control.length).toBeGreaterThan(5);
    if (tests.length === 0) expect([proof, control]).toEqual(['none', expect.stringMatching(/^Gap: /)]);
    expect(tests.filter((reference) => !isThere(reference))).toEqual([]);
  });
});

describe('docs/threat-model.md', () => {
  it('has its threats', () => {
    expect(rows.length).toBeGreaterThan(45);
    expect(new Set(rows.map(({ threat }) => threat)).size).toBe(rows.length);
  });

  it.each(rows)('$threat', ({ control, tests }) => {
    expect(control.length).toBeGreaterThan(10);
    expect(tests.length).toBeGreaterThan(0);
    expect(tests.filter((reference) => !isThere(reference))).toEqual([]);
  });

  it('leaves out no file of the suite of attacks', () => {
    const files = readdirSync(new URL('../security', import.meta.url)).filter((name) => name.endsWith('.test.ts'));
    const named = new Set(rows.flatMap(({ tests }) => tests.map(({ file }) => file)));
    expect(files.filter((name) => !named.has(`test/security/${name}`))).toEqual([]);
  });
});
