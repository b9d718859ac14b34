/**
 * Filters and resources from one small vocabulary, so that they meet: case variants, Unicode,
 * prefixes of each other, values that look like SQL or like paths.
 */
import fc from 'fast-check';
import { COMMON_ATTRIBUTES } from '../../src/domain/common-attributes.js';
import {
  BRIDGE_GROUP,
  BRIDGE_USER,
  ENTERPRISE_USER,
  type Attribute,
  type ResourceType,
} from '../../src/domain/schema.js';
import type { Json } from '../../src/domain/types.js';
import { readGroupDocument, readUserDocument } from '../../src/scim/document.js';
import type { SeedGroup, SeedUser } from './directory-db.js';

export const BASE = 'https://bridge.test/scim/v2';
const WORDS = [
  'a',
  'A',
  'ab',
  'ABC',
  'straße',
  'STRASSE',
  'Ａ',
  'ｆ',
  'é',
  'e\u0301',
  '\u{1F600}',
  '\uFFFD',
  '\uE000',
  '%',
  '_',
  "'",
  '"; DROP',
  '\\',
  'x"y',
  'True',
  'work',
  'home',
  'null',
];
const INSTANTS = [0, 1, 1_700_000_000_000, 1_700_000_000_001, 1_700_003_600_000];

export const word = fc.constantFrom(...WORDS);
const instant = fc.constantFrom(...INSTANTS);
const userIndex = fc.nat(5);
const userId = userIndex.map((index) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`);
const groupId = fc.nat(2).map((index) => `10000000-0000-4000-8000-${String(index).padStart(12, '0')}`);

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const element = fc.record({
  value: optional(word),
  type: optional(fc.constantFrom('work', 'WORK', 'home')),
  display: optional(word),
  primary: optional(fc.boolean()),
});
const elements = fc.array(element, { maxLength: 3 });

const userBody = fc.record({
  userName: word,
  externalId: optional(word),
  displayName: optional(word),
  title: optional(word),
  profileUrl: optional(fc.constantFrom('https://a.test/A', 'https://a.test/a')),
  active: fc.boolean(),
  name: optional(fc.record({ givenName: optional(word), familyName: optional(word) })),
  emails: elements,
  phoneNumbers: elements,
  roles: elements,
  addresses: fc.array(
    fc.record({
      country: optional(word),
      locality: optional(word),
      type: optional(word),
      primary: optional(fc.boolean()),
    }),
    { maxLength: 2 },
  ),
  [ENTERPRISE_USER]: optional(fc.record({ department: optional(word), manager: optional(fc.oneof(userId, word)) })),
  [BRIDGE_USER]: optional(
    fc.record({
      seatType: optional(fc.constantFrom('workspace_admin', 'workspace_member')),
      usageLimit: optional(fc.nat(3)),
    }),
  ),
});

export const seedUser: fc.Arbitrary<SeedUser> = fc.record({
  document: userBody.map((body) => readUserDocument(body, null)),
  version: fc.integer({ min: 1, max: 12 }),
  createdAt: instant,
  modifiedAt: instant,
  status: fc.constantFrom('none', 'member', 'locked'),
  memberId: fc.constant(null),
  invitedAt: optional(instant),
  pendingChanges: fc.nat(2),
  lastError: optional(fc.constantFrom('', 'Refused', 'refused: seat')),
  groups: fc.uniqueArray(fc.nat(2)),
});

const groupBody = fc.record({
  displayName: word,
  externalId: optional(word),
  [BRIDGE_GROUP]: optional(
    fc.record({
      groupId: optional(word),
      seatType: optional(fc.constantFrom('workspace_admin', 'workspace_member')),
      shares: fc.array(
        fc.record({
          resourceType: fc.constant('voice'),
          resourceId: fc.constantFrom('a', 'A', 'ab'),
          role: fc.constantFrom('viewer', 'editor'),
        }),
        { maxLength: 2 },
      ),
    }),
  ),
});

export const seedGroup: fc.Arbitrary<SeedGroup> = fc.record({
  document: groupBody.map((body) => readGroupDocument(body, null).document),
  version: fc.integer({ min: 1, max: 12 }),
  createdAt: instant,
  modifiedAt: instant,
  workspaceGroupId: optional(word),
  linkStatus: fc.constantFrom('linked', 'unlinked'),
});

const ORDER = ['gt', 'ge', 'lt', 'le'];
const EQUALITY = ['eq', 'ne'];
const PARTS = ['co', 'sw', 'ew'];

function operators(attribute: Attribute): readonly string[] {
  switch (attribute.type) {
    case 'boolean':
      return EQUALITY;
    case 'integer':
    case 'decimal':
    case 'dateTime':
      return [...EQUALITY, ...ORDER];
    case 'binary':
      return [...EQUALITY, ...PARTS];
    case 'string':
    case 'reference':
    case 'complex':
      return [...EQUALITY, ...PARTS, ...ORDER];
  }
}

function literal(attribute: Attribute, path: string): fc.Arbitrary<string> {
  const quoted = (text: fc.Arbitrary<string>) => text.map((value) => JSON.stringify(value));
  switch (attribute.type) {
    case 'boolean':
      return fc.constantFrom('true', 'FALSE', '"True"', '"false"');
    case 'integer':
    case 'decimal':
      return fc.constantFrom('0', '1', '2', '1.5', '-1', '1e0');
    case 'dateTime':
      return quoted(
        fc.oneof(
          instant.map((at) => new Date(at).toISOString()),
          fc.constantFrom('1970-01-01', '1970-01-01T01:00:00+01:00'),
        ),
      );
    case 'binary':
    case 'string':
    case 'reference':
    case 'complex':
      return quoted(fc.oneof(...special(path), word, fc.constant('')));
  }
}

function special(path: string): fc.Arbitrary<string>[] {
  if (path.endsWith('$ref') || path === 'meta.location') {
    return [
      userId.map((id) => `${BASE}/Users/${id}`),
      groupId.map((id) => `${BASE}/Groups/${id}`),
      fc.constantFrom(BASE, '/Users/', 'https'),
    ];
  }
  if (path === 'meta.version') return [fc.constantFrom('W/"1"', 'W/"12"', '1"')];
  if (path === 'schemas') return [fc.constantFrom(ENTERPRISE_USER, BRIDGE_USER, BRIDGE_GROUP.toUpperCase(), 'urn:')];
  if (path === 'meta.resourceType') return [fc.constantFrom('User', 'user', 'Group')];
  return [
    userId,
    groupId,
    fc.constantFrom('member', 'linked', 'workspace_admin', 'Refused', 'direct', 'User', 'VOICE', 'viewer'),
  ];
}

interface Named {
  readonly text: string;
  readonly attribute: Attribute;
}

/** Every path that can be compared, as clients write it. */
export function comparablePaths(type: ResourceType): readonly Named[] {
  const schemas = [
    { prefix: '', attributes: [...COMMON_ATTRIBUTES, ...type.core.attributes] },
    ...type.extensions.map(({ id, attributes }) => ({ prefix: `${id}:`, attributes })),
  ];
  return schemas.flatMap(({ prefix, attributes }) =>
    attributes
      .filter((attribute) => attribute.returned !== 'never')
      .flatMap((attribute) =>
        attribute.type === 'complex'
          ? attribute.subAttributes.map((sub) => ({ text: `${prefix}${attribute.name}.${sub.name}`, attribute: sub }))
          : [{ text: prefix + attribute.name, attribute }],
      ),
  );
}

function complexPaths(type: ResourceType): readonly Named[] {
  const schemas = [
    { prefix: '', attributes: [...COMMON_ATTRIBUTES, ...type.core.attributes] },
    ...type.extensions.map(({ id, attributes }) => ({ prefix: `${id}:`, attributes })),
  ];
  return schemas.flatMap(({ prefix, attributes }) =>
    attributes
      .filter(({ type: kind }) => kind === 'complex')
      .map((attribute) => ({ text: prefix + attribute.name, attribute })),
  );
}

function term({ text, attribute }: Named): fc.Arbitrary<string> {
  const compare = fc
    .tuple(fc.constantFrom(...operators(attribute)), literal(attribute, text))
    .map(([op, value]) => `${text} ${op} ${value}`);
  return fc.oneof(
    { weight: 6, arbitrary: compare },
    { weight: 1, arbitrary: fc.constantFrom(`${text} pr`, `${text} eq null`, `${text} ne NULL`) },
  );
}

function logic(leaf: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.letrec<{ node: string }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      fc
        .tuple(tie('node'), fc.constantFrom('and', 'or', 'AND'), tie('node'))
        .map(([left, op, right]) => `${left} ${op} ${right}`),
      tie('node').map((node) => `not (${node})`),
      tie('node').map((node) => `(${node})`),
    ),
  })).node;
}

/** Text of a valid filter on resources of the type. */
export function filterText(type: ResourceType): fc.Arbitrary<string> {
  const plain = fc.constantFrom(...comparablePaths(type)).chain(term);
  const complex = fc.constantFrom(...complexPaths(type));
  const valuePath = complex.chain(({ text, attribute }) => {
    const inner = logic(
      fc.constantFrom(...attribute.subAttributes.map((sub) => ({ text: sub.name, attribute: sub }))).chain(term),
    );
    const sub = fc
      .constantFrom(...attribute.subAttributes)
      .chain((part) => term({ text: `.${part.name}`, attribute: part }));
    return fc.tuple(inner, fc.option(sub, { nil: '' })).map(([node, tail]) => `${text}[${node}]${tail}`);
  });
  return logic(
    fc.oneof(
      { weight: 4, arbitrary: plain },
      { weight: 3, arbitrary: valuePath },
      { weight: 1, arbitrary: complex.map(({ text }) => `${text} pr`) },
    ),
  );
}

export type AnyJson = Json;
