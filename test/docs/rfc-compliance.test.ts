/** docs/rfc-compliance.md names tests: each of them is there, and each row names one or says why not. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const page = read('docs/rfc-compliance.md');

const rows = [...page.matchAll(/^\| (?!Section|-)([^|]+?) *\| ([^|]+?) *\| (.+?) *\|$/gm)].map(
  ([, section = '', requirement = '', covered = '']) => ({ section, requirement, covered }),
);
const references = rows.flatMap(({ covered }) =>
  covered.split('<br>').flatMap((part) => {
    const [, file, title] = /`(test\/[^`]+)`: (.+)$/.exec(part.trim()) ?? [];
    return file === undefined || title === undefined ? [] : [{ file, title }];
  }),
);

/** Titles of tests and of groups of tests, those around them first: `group › test`. */
const known = new Map<string, ReadonlySet<string>>();
function titlesOf(file: string): ReadonlySet<string> {
  const found = known.get(file);
  if (found !== undefined) return found;
  const titles = new Set<string>();
  const visit = (node: ts.Node, around: readonly string[]): void => {
    const title = ts.isCallExpression(node) ? titleOf(node) : null;
    const here = title === null ? around : [...around, title];
    if (title !== null) titles.add(here.join(' › '));
    ts.forEachChild(node, (child) => visit(child, here));
  };
  visit(ts.createSourceFile(file, read(file), ts.ScriptTarget.ES2022), []);
  known.set(file, titles);
  return titles;
}

/** The title where a call declares a test or a group, `.each` included. */
function titleOf({ expression, arguments: [title, body] }: ts.CallExpression): string | null {
  let callee: ts.Expression = expression;
  while (ts.isPropertyAccessExpression(callee) || ts.isCallExpression(callee)) callee = callee.expression;
  const declares = ts.isIdentifier(callee) && ['it', 'test', 'describe'].includes(callee.text);
  return declares && title !== undefined && body !== undefined && ts.isStringLiteralLike(title) ? title.text : null;
}

describe('docs/rfc-compliance.md', () => {
  it('has rows for both specifications', () => {
    expect(rows.length).toBeGreaterThan(70);
    expect(references.length).toBeGreaterThan(rows.length);
  });

  it.each(rows)('$section: $requirement', ({ covered }) => {
    expect(covered).toMatch(/`test\/[^`]+`: .|^Does not apply: ./);
  });

  it('names only tests that there are', () => {
    const missing = references.filter(
      ({ file, title }) => !existsSync(path.join(root, file)) || !titlesOf(file).has(title),
    );
    expect(missing).toEqual([]);
  });

  it('would notice a title that is none', () => {
    expect(titlesOf('test/scim-http/writes.test.ts').has('users › are created with 201')).toBe(false);
  });
});
