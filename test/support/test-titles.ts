/** Pages of the documentation name tests as proof: whether a file has a test of that name. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface TestReference {
  readonly file: string;
  readonly title: string;
}

/** The tests that a cell of a table names, as `` `test/x.test.ts`: group › test ``, parted by line breaks. */
export function referencesIn(cell: string): readonly TestReference[] {
  return cell.split('<br>').flatMap((part) => {
    const [, file, title] = /`(test\/[^`]+)`: (.+)$/.exec(part.trim()) ?? [];
    return file === undefined || title === undefined ? [] : [{ file, title }];
  });
}

/** Whether the test, or the group of tests, is there. */
export function isThere({ file, title }: TestReference): boolean {
  return existsSync(path.join(root, file)) && titlesOf(file).has(title);
}

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
  const text = readFileSync(path.join(root, file), 'utf8');
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.ES2022), []);
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
