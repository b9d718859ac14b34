/**
 * Filters and PATCH beside two libraries that implement them independently. Where the two differ, the
 * difference is one of those named here, each by what makes the library agree: `npm run fuzz` looks
 * for others. The table is in docs/rfc-compliance.md.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { filter as theirFilter, parse as theirParse } from 'scim2-parse-filter';
import { scimPatch } from 'scim-patch';
import { matches } from '../../src/domain/match.js';
import type { Document } from '../../src/domain/types.js';
import { USER } from '../../src/domain/user-schema.js';
import { ScimError } from '../../src/errors.js';
import { readUserDocument } from '../../src/scim/document.js';
import { parseFilter } from '../../src/scim/filter-parser.js';
import { parseUserPatch } from '../../src/scim/patch.js';
import { runs } from '../support/property.js';

const word = fc.constantFrom('a', 'A', 'ab', 'b', 'aB');
const type = fc.constantFrom('work', 'home', 'WORK');
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const elements = fc.array(fc.record({ value: word, type: maybe(type), primary: maybe(fc.boolean()) }), {
  maxLength: 3,
});
const resource: fc.Arbitrary<Document> = fc
  .record({
    userName: word,
    title: maybe(word),
    active: fc.boolean(),
    name: maybe(fc.record({ givenName: maybe(word), familyName: word })),
    emails: elements,
    phoneNumbers: elements,
  })
  .map((body) => readUserDocument(body, null));

/** A filter as a tree, so that it can be written down for either side. */
type Tree =
  | { readonly kind: 'and' | 'or'; readonly nodes: readonly Tree[] }
  | { readonly kind: 'not'; readonly node: Tree }
  | { readonly kind: 'pr'; readonly path: string }
  | { readonly kind: 'compare'; readonly path: string; readonly op: string; readonly value: string }
  | { readonly kind: 'element'; readonly path: string; readonly node: Tree };

const text = word.map((value) => JSON.stringify(value));
const textOp = fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le');
const compare = (
  path: fc.Arbitrary<string>,
  op: fc.Arbitrary<string>,
  value: fc.Arbitrary<string>,
): fc.Arbitrary<Tree> => fc.record({ kind: fc.constant('compare' as const), path, op, value });
const present = (path: fc.Arbitrary<string>): fc.Arbitrary<Tree> =>
  fc.record({ kind: fc.constant('pr' as const), path });
const equality = fc.constantFrom('eq', 'ne');
const boolean = fc.constantFrom('true', 'false');
const inElement: fc.Arbitrary<Tree> = fc.oneof(
  compare(fc.constantFrom('value'), textOp, text),
  compare(
    fc.constantFrom('type'),
    textOp,
    type.map((value) => JSON.stringify(value)),
  ),
  compare(fc.constantFrom('primary'), equality, boolean),
  present(fc.constantFrom('value', 'type')),
);
const tree = fc.letrec<{ tree: Tree; leaf: Tree }>((tie) => ({
  leaf: fc.oneof(
    compare(fc.constantFrom('userName', 'title', 'name.givenName', 'name.familyName'), textOp, text),
    compare(fc.constantFrom('active'), equality, boolean),
    compare(
      fc.constantFrom('emails.value', 'emails.type', 'phoneNumbers.type', 'phoneNumbers', 'emails'),
      textOp,
      text,
    ),
    compare(fc.constantFrom('emails.primary'), equality, boolean),
    present(fc.constantFrom('title', 'name.givenName', 'emails', 'emails.type', 'phoneNumbers')),
    fc.record({
      kind: fc.constant('element' as const),
      path: fc.constantFrom('emails', 'phoneNumbers'),
      node: fc.oneof(
        inElement,
        fc.record({
          kind: fc.constantFrom('and' as const, 'or' as const),
          nodes: fc.array(inElement, { minLength: 2, maxLength: 3 }),
        }),
        inElement.map((node): Tree => ({ kind: 'not', node })),
      ),
    }),
  ),
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('leaf'),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      nodes: fc.array(tie('tree'), { minLength: 2, maxLength: 3 }),
    }),
    tie('tree').map((node): Tree => ({ kind: 'not', node })),
  ),
})).tree;

function write(node: Tree): string {
  switch (node.kind) {
    case 'and':
    case 'or':
      return node.nodes
        .map((part) => (part.kind === 'and' || part.kind === 'or' ? `(${write(part)})` : write(part)))
        .join(` ${node.kind} `);
    case 'not':
      return `not (${write(node.node)})`;
    case 'pr':
      return `${node.path} pr`;
    case 'compare':
      return `${node.path} ${node.op} ${node.value}`;
    case 'element':
      return `${node.path}[${write(node.node)}]`;
  }
}

/** What the library is to be asked instead, so that it answers the same; by name of the difference. */
const DIFFERENCES = {
  'a multi-valued attribute stands for its value': (node: Tree): Tree =>
    node.kind === 'compare' && ['emails', 'phoneNumbers'].includes(node.path)
      ? { ...node, path: `${node.path}.value` }
      : node,
  'ne holds where nothing is there to compare': (node: Tree): Tree => {
    if (node.kind !== 'compare' || node.op !== 'ne') return node;
    const [top = '', part] = node.path.split('.');
    const isList = part !== undefined && top !== 'name';
    const equal: Tree = { ...node, op: 'eq', path: isList ? part : node.path };
    if (!isList) return { kind: 'not', node: equal };
    const some: Tree = { kind: 'element', path: top, node: { kind: 'not', node: equal } };
    return { kind: 'or', nodes: [some, { kind: 'not', node: { kind: 'pr', path: top } }] };
  },
  'strings without caseExact are compared without case': (node: Tree): Tree =>
    node.kind === 'compare' ? { ...node, value: node.value.toLowerCase() } : node,
} as const;

function rewrite(node: Tree, change: (node: Tree) => Tree): Tree {
  switch (node.kind) {
    case 'and':
    case 'or':
      return { ...node, nodes: node.nodes.map((part) => rewrite(part, change)) };
    case 'not':
    case 'element':
      return { ...node, node: rewrite(node.node, change) };
    case 'pr':
    case 'compare':
      return change(node);
  }
}

const lower = (value: unknown): unknown => JSON.parse(JSON.stringify(value).toLowerCase());

/** A missing primary is false; strings in lower case where their case does not count. */
function prepared(user: Document): unknown {
  const filled = { ...(user as Record<string, unknown>) };
  for (const name of ['emails', 'phoneNumbers'])
    if (Array.isArray(filled[name]))
      filled[name] = (filled[name] as object[]).map((one) => ({ primary: false, ...one }));
  return lower(filled);
}

/**
 * The library lets the conditions in brackets hold of different elements, and `not` of all of them
 * together; RFC 7644 3.4.2.2 means one element. It is therefore asked about each element by itself.
 */
function byElements(node: Tree, user: unknown): boolean {
  if (!hasElement(node)) return theirFilter(theirParse(write(node)))(user);
  switch (node.kind) {
    case 'and':
      return node.nodes.every((part) => byElements(part, user));
    case 'or':
      return node.nodes.some((part) => byElements(part, user));
    case 'not':
      return !byElements(node.node, user);
    case 'element': {
      const list = (user as Record<string, unknown>)[node.path.toLowerCase()];
      return Array.isArray(list) && list.some((one) => byElements(node.node, one));
    }
    case 'pr':
    case 'compare':
      throw new Error('a leaf has no elements');
  }
}

function hasElement(node: Tree): boolean {
  if (node.kind === 'and' || node.kind === 'or') return node.nodes.some(hasElement);
  return node.kind === 'element' || (node.kind === 'not' && hasElement(node.node));
}

describe('filters, beside scim2-parse-filter', () => {
  it('differ only as named', () => {
    let differing = 0;
    fc.assert(
      fc.property(tree, resource, (node, user) => {
        const ours = matches(parseFilter(write(node), USER), user);
        const changed = Object.values(DIFFERENCES).reduce((at, change) => rewrite(at, change), node);
        if (theirFilter(theirParse(write(node)))(user) !== ours) differing += 1;
        expect(byElements(changed, prepared(user))).toBe(ours);
      }),
      runs(3000),
    );
    expect(differing).toBeGreaterThan(50);
  });
});

const list = fc.array(fc.record({ value: word, type: fc.constantFrom('work', 'home') }), {
  minLength: 1,
  maxLength: 2,
});
const operation = fc.oneof(
  fc.record({
    op: fc.constantFrom('add', 'replace'),
    path: fc.constantFrom('title', 'displayName', 'name.givenName', 'nickName'),
    value: word,
  }),
  fc.record({
    op: fc.constantFrom('add', 'replace'),
    path: fc.constant('name'),
    value: fc.record({ givenName: word }),
  }),
  fc.record({ op: fc.constant('replace'), path: fc.constant('active'), value: fc.boolean() }),
  fc.record({ op: fc.constantFrom('add', 'replace'), path: fc.constant('phoneNumbers'), value: list }),
  fc.record({
    op: fc.constant('replace'),
    path: fc.constantFrom(
      'emails[type eq "work"].value',
      'emails[type eq "home"].display',
      'emails[type eq "nonexistent"].value',
    ),
    value: word,
  }),
  fc.record({
    op: fc.constant('remove'),
    path: fc.constantFrom(
      'title',
      'name.familyName',
      'emails[type eq "work"]',
      'emails[type eq "work"].display',
      'phoneNumbers',
    ),
  }),
  fc.record({ op: fc.constantFrom('add', 'replace'), value: fc.record({ title: word, nickName: word }) }),
);

/** One element per type and value, as the bridge keeps them; nothing empty. */
function normal(document: unknown): unknown {
  const plain = JSON.parse(JSON.stringify(document)) as Record<string, unknown>;
  return readUserDocument(plain, null);
}

const refused = (error: unknown): string => (error instanceof ScimError ? String(error.scimType) : '');

describe('PATCH, beside scim-patch', () => {
  it('differs only as named', () => {
    const from = fc.record({
      userName: word,
      title: maybe(word),
      name: maybe(fc.record({ givenName: word, familyName: word })),
      emails: fc.array(fc.record({ value: fc.constantFrom('x', 'y', 'z'), type: fc.constantFrom('work', 'home') }), {
        maxLength: 2,
      }),
    });
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(from, operation, (body, op) => {
        const user = readUserDocument(body, null);
        let ours: unknown;
        try {
          ours = parseUserPatch({ schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [op] })(user);
        } catch (error) {
          expect(refused(error)).not.toBe('');
        }
        let theirs: unknown;
        try {
          const copy = JSON.parse(JSON.stringify(user)) as Parameters<typeof scimPatch>[0];
          theirs = scimPatch(copy, [op] as Parameters<typeof scimPatch>[1]);
        } catch {
          theirs = undefined;
        }
        const name = explain(op, user, ours, theirs === undefined ? undefined : normal(theirs));
        if (name !== null) seen.set(name, (seen.get(name) ?? 0) + 1);
      }),
      runs(2000),
    );
    expect([...seen.keys()].sort()).toEqual([...PATCH_DIFFERENCES].sort());
  });
});

const PATCH_DIFFERENCES = [
  'a replace makes no element of an unknown type, nor one without a value',
  'a remove of what is not there is a success',
] as const;

/** Null: the two agree. Throws where no named difference says why they do not. */
function explain(
  op: { readonly op: string; readonly path?: string; readonly value?: unknown },
  user: Document,
  ours: unknown,
  theirs: unknown,
): (typeof PATCH_DIFFERENCES)[number] | null {
  if (JSON.stringify(ours) === JSON.stringify(theirs)) return null;
  const makes = op.op === 'replace' && /nonexistent|display/.test(op.path ?? '');
  if (makes && ours === undefined && theirs !== undefined)
    return 'a replace makes no element of an unknown type, nor one without a value';
  if (op.op === 'remove' && theirs === undefined && JSON.stringify(ours) === JSON.stringify(user))
    return 'a remove of what is not there is a success';
  throw new Error(`not explained: ${JSON.stringify({ op, user, ours, theirs })}`);
}
