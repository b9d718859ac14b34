/**
 * Requests as nobody should send them: sound ones with something broken in them, which get further
 * into the bridge than noise does, and some noise. `{u0}` and `{g0}` stand for ids of users and
 * groups that exist.
 */
import fc from 'fast-check';
import { BRIDGE_GROUP, BRIDGE_USER, CORE_GROUP, CORE_USER, ENTERPRISE_USER } from '../../src/domain/schema.js';
import { GROUP } from '../../src/domain/group-schema.js';
import { USER } from '../../src/domain/user-schema.js';
import { comparablePaths, filterText, word } from '../support/filter-arbitraries.js';

export interface FuzzRequest {
  readonly method: string;
  /** Path and query below the base, as bytes. */
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Null: none. */
  readonly body: string | Buffer | null;
}

const MESSAGES = 'urn:ietf:params:scim:api:messages:2.0:';
export const USER_IDS = ['{u0}', '{u1}', '{u2}', '{u3}'];
export const GROUP_IDS = ['{g0}', '{g1}'];

const ODD_TEXTS = [
  '',
  ' ',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '__proto__.polluted',
  'constructor.prototype.polluted',
  `${ENTERPRISE_USER}:__proto__.polluted`,
  '\u0000',
  '\ud800',
  '\ufeff',
  '\u202e',
  '🦊',
  'İ',
  "' OR 1=1 --",
  '"; DROP TABLE users; --',
  '" or value pr or value eq "',
  '%00',
  '%s%n',
  '../../etc/passwd',
  '..\\..',
  '${7*7}',
  'NaN',
  '1e999',
  '-0',
  'null',
  'bulkId:a',
  'bulkId:',
  '00000000-0000-4000-8000-00000000dead',
  'W/"1"',
  'a'.repeat(3000),
  '('.repeat(200),
  '['.repeat(200),
  ...USER_IDS,
  ...GROUP_IDS,
];

export const oddText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...ODD_TEXTS) },
  { weight: 2, arbitrary: word },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
);

/** Valid text with some of its characters taken out, doubled, or with something put in. */
function broken(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const edit = fc.record({ at: fc.nat(400), length: fc.nat(6), by: fc.option(oddText, { nil: '' }) });
  return fc.tuple(text, fc.array(edit, { maxLength: 3 })).map(([start, edits]) =>
    edits.reduce((now, { at, length, by }) => {
      const from = now.length === 0 ? 0 : at % now.length;
      return now.slice(0, from) + by + now.slice(from + length);
    }, start),
  );
}

const PIECES = [
  ...[' and ', ' or ', ' not ', ' not (', '(', ')', '[', ']', '.', ':', '"', '\\', ' ', '\t', 'pr', ' eq ', ' co '],
  ...[
    'userName',
    'emails',
    'emails[type eq "work"].value',
    'members',
    'value',
    'true',
    '"True"',
    'null',
    '1',
    '-1e400',
  ],
];
const soup = fc
  .array(fc.oneof(fc.constantFrom(...PIECES), oddText), { maxLength: 12 })
  .map((pieces) => pieces.join(''));

const anyFilter = fc.oneof(filterText(USER), filterText(GROUP));
export const filter: fc.Arbitrary<string> = fc.oneof(
  { weight: 2, arbitrary: anyFilter },
  { weight: 5, arbitrary: broken(anyFilter) },
  { weight: 2, arbitrary: soup },
);

const PATHS = [
  ...comparablePaths(USER).map(({ text }) => text),
  ...comparablePaths(GROUP).map(({ text }) => text),
  ...['emails', 'roles', 'name', 'members', 'manager', 'groups', 'entitlements', 'schemas', 'id', 'meta'],
  ...['emails[type eq "work"]', 'emails[type eq "work"].value', 'members[value eq "{u0}"]', 'members[display pr]'],
  ...['roles[primary eq "True"].value', 'emails[not (type eq "work")].display', CORE_USER, CORE_GROUP],
  ...[ENTERPRISE_USER, BRIDGE_USER, BRIDGE_GROUP, `${BRIDGE_GROUP}:shares`],
];
export const attributePath: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...PATHS) },
  { weight: 2, arbitrary: broken(fc.constantFrom(...PATHS)) },
  { weight: 1, arbitrary: soup },
);

const collection = fc.constantFrom('/Users', '/Groups');
export const id = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...USER_IDS, ...GROUP_IDS) },
  { weight: 2, arbitrary: oddText },
);
const reference = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...USER_IDS).map((value): unknown => ({ value })) },
  { weight: 1, arbitrary: fc.constantFrom(...GROUP_IDS).map((value): unknown => ({ value, type: 'Group' })) },
  { weight: 2, arbitrary: oddText.map((value): unknown => ({ value, $ref: value })) },
);

const element = fc.record(
  { value: fc.oneof(word, oddText), type: fc.constantFrom('work', 'home', 'WORK'), primary: fc.boolean() },
  { requiredKeys: [] },
);
const user: fc.Arbitrary<unknown> = fc.record(
  {
    schemas: fc.constant([CORE_USER, ENTERPRISE_USER]),
    userName: fc.oneof(word, oddText, fc.constantFrom('ann', 'BOB')),
    emails: fc.array(fc.record({ value: word.map((text) => `${text}@example.test`), type: fc.constant('work') }), {
      minLength: 1,
      maxLength: 2,
    }),
    name: fc.record({ givenName: word, familyName: oddText }),
    active: fc.constantFrom(true, false, 'True', 'false', 'yes', null),
    roles: fc.array(element, { maxLength: 2 }),
    phoneNumbers: fc.array(element, { maxLength: 2 }),
    entitlements: fc.array(fc.record({ value: oddText }), { maxLength: 2 }),
    [ENTERPRISE_USER]: fc.record({ department: oddText, manager: fc.record({ value: id }) }),
    [BRIDGE_USER]: fc.record({
      seatType: fc.oneof(oddText, fc.constant('workspace_member')),
      usageLimit: fc.integer(),
    }),
  },
  { requiredKeys: ['schemas', 'userName', 'emails'] },
);
const group: fc.Arbitrary<unknown> = fc.record(
  {
    schemas: fc.constant([CORE_GROUP]),
    displayName: fc.oneof(word, oddText, fc.constantFrom('alpha', 'Beta')),
    externalId: oddText,
    members: fc.array(reference, { maxLength: 4 }),
    [BRIDGE_GROUP]: fc.record({ groupId: oddText, shares: fc.array(fc.dictionary(word, oddText), { maxLength: 2 }) }),
  },
  { requiredKeys: ['schemas', 'displayName'] },
);

const patchValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 2, arbitrary: oddText },
  { weight: 2, arbitrary: fc.array(reference, { maxLength: 4 }) },
  { weight: 1, arbitrary: fc.array(element, { maxLength: 3 }) },
  { weight: 2, arbitrary: fc.constantFrom(null, true, false, 0, [], [null], {}, [[]], [{}]) },
  { weight: 1, arbitrary: fc.dictionary(attributePath, oddText, { maxKeys: 4 }) },
);
const operation = fc.record(
  { op: fc.constantFrom('add', 'Replace', 'remove', 'REMOVE', 'move'), path: attributePath, value: patchValue },
  { requiredKeys: ['op'] },
);
const patch: fc.Arbitrary<unknown> = fc.record({
  schemas: fc.constant([`${MESSAGES}PatchOp`]),
  Operations: fc.array(operation, { minLength: 1, maxLength: 3 }),
});
const search: fc.Arbitrary<unknown> = fc.record(
  {
    schemas: fc.constant([`${MESSAGES}SearchRequest`]),
    filter,
    sortBy: attributePath,
    sortOrder: fc.constantFrom('ascending', 'descending', 'sideways'),
    startIndex: fc.oneof(fc.integer(), fc.constantFrom('2', 1.5, null, 1e300)),
    count: fc.oneof(fc.nat(10), fc.integer()),
    attributes: fc.array(attributePath, { maxLength: 3 }),
    excludedAttributes: fc.array(attributePath, { maxLength: 3 }),
  },
  { requiredKeys: ['schemas'] },
);
const bulkOperation = fc
  .tuple(
    fc.constantFrom('POST', 'PUT', 'PATCH', 'DELETE', 'post', 'GET', ''),
    collection,
    fc.oneof(id, fc.constant('bulkId:a'), fc.constant('bulkId:b')),
    fc.constantFrom('a', 'b', 'c', '__proto__', undefined),
    fc.oneof(user, group, patch),
  )
  .map(([method, at, target, bulkId, data]) => {
    const path = method.toUpperCase() === 'POST' ? at : `${at}/${target}`;
    return { method, path, ...(bulkId === undefined ? {} : { bulkId }), data };
  });
const bulk: fc.Arbitrary<unknown> = fc.record(
  {
    schemas: fc.constant([`${MESSAGES}BulkRequest`]),
    failOnErrors: fc.integer({ min: 0, max: 3 }),
    Operations: fc.array(bulkOperation, { maxLength: 4 }),
  },
  { requiredKeys: ['schemas', 'Operations'] },
);

/** What a JSON value is replaced with. */
const oddJson: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 2, arbitrary: oddText },
  { weight: 2, arbitrary: fc.constantFrom(null, true, false, 0, -1, 1.5, 1e300, [], {}, [null], [[]], { value: [] }) },
  { weight: 1, arbitrary: fc.anything({ maxDepth: 2, key: oddText, values: [fc.boolean(), fc.integer(), word] }) },
);
interface Damage {
  readonly at: number;
  readonly kind: 'replace' | 'drop' | 'rename' | 'list' | 'double' | 'nest';
  readonly by: unknown;
  readonly name: string;
}
const damage: fc.Arbitrary<Damage> = fc.record({
  at: fc.nat(60),
  kind: fc.constantFrom('replace', 'drop', 'rename', 'list', 'double', 'nest'),
  by: oddJson,
  name: oddText,
});

type Container = Record<string, unknown> | unknown[];

/** A copy of a JSON value in which one place, counted in depth-first order, is damaged. */
function applyDamage(root: unknown, { at, kind, by, name }: Damage): unknown {
  const copy: unknown = structuredClone(root);
  const places: { readonly holder: Container; readonly key: string }[] = [];
  const visit = (holder: unknown): void => {
    if (typeof holder !== 'object' || holder === null) return;
    for (const key of Object.keys(holder)) {
      places.push({ holder: holder as Container, key });
      visit((holder as Record<string, unknown>)[key]);
    }
  };
  visit(copy);
  const place = places[at % Math.max(1, places.length)];
  if (place === undefined) return by;
  const holder = place.holder as Record<string, unknown>;
  const { key } = place;
  const value = holder[key];
  // Own properties only: the keys are hostile.
  const put = (where: string, what: unknown): void => {
    Object.defineProperty(holder, where, { value: what, enumerable: true, configurable: true, writable: true });
  };
  if (kind === 'replace') put(key, by);
  else if (kind === 'list') put(key, [value]);
  else if (kind === 'nest') put(key, { [key === '__proto__' ? 'value' : key]: value });
  else if (kind === 'double') put(key, [value, value, by]);
  else {
    Reflect.deleteProperty(holder, key);
    if (kind === 'rename' && !Array.isArray(holder)) put(name, value);
  }
  return copy;
}

function damaged(message: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(message, fc.array(damage, { maxLength: 3 }))
    .map(([start, all]) => all.reduce((now: unknown, one) => applyDamage(now, one), start));
}

/** JSON text, at times cut off, with other bytes in it, with a key of its own, or no JSON at all. */
function asBytes(message: fc.Arbitrary<unknown>): fc.Arbitrary<string | Buffer> {
  const text = message.map((value) => JSON.stringify(value) ?? '');
  return fc.oneof(
    { weight: 12, arbitrary: text },
    { weight: 1, arbitrary: fc.tuple(text, fc.nat(300)).map(([json, at]) => json.slice(0, at)) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(text, oddText)
        .map(([json, key]) => `{${JSON.stringify(key)}:{"polluted":1},${json.slice(1)}`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(text, fc.uint8Array({ maxLength: 4 }))
        .map(([json, bytes]) => Buffer.concat([Buffer.from(json.slice(0, 40)), bytes, Buffer.from(json.slice(40))])),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('[]', 'null', '7', '""', '['.repeat(500), `${'{"a":'.repeat(60)}1${'}'.repeat(60)}`),
    },
  );
}

const JSON_TYPE: readonly (readonly [string, string])[] = [['Content-Type', 'application/scim+json']];
const query = (name: string, value: string): string => `${name}=${encodeText(value)}`;

/** Percent-encoded, also where it is no well-formed Unicode. */
export function encodeText(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}

const parameter = fc.oneof(
  filter.map((text) => query('filter', text)),
  attributePath.map((text) => query('sortBy', text)),
  attributePath.map((text) => query('attributes', text)),
  attributePath.map((text) => query('excludedAttributes', text)),
  oddText.map((text) => query('count', text)),
  fc.integer().map((count) => query('startIndex', String(count))),
  fc.tuple(oddText, oddText).map(([name, text]) => `${encodeText(name)}=${encodeText(text)}`),
  fc.constantFrom('filter=%E0%A4%A', 'filter', '&&', '=', '?', 'filter=a%', '__proto__[x]=y', 'aadOptscim062020'),
);
const queryString = fc.array(parameter, { maxLength: 3 }).map((all) => (all.length === 0 ? '' : `?${all.join('&')}`));

/** Filters, in a list and in a search. */
export const filterRequest: fc.Arbitrary<FuzzRequest> = fc.oneof(
  fc.tuple(fc.constantFrom('/Users', '/Groups', '/', ''), filter, queryString).map(([at, text, more]) => ({
    method: 'GET',
    target: `${at}?${query('filter', text)}${more.replace('?', '&')}`,
    headers: [],
    body: null,
  })),
  fc
    .tuple(fc.constantFrom('/Users/.search', '/Groups/.search', '/.search'), search)
    .map(([target, body]) => ({ method: 'POST', target, headers: JSON_TYPE, body: JSON.stringify(body) })),
);

/** Writes with bodies that are nearly right. */
export const bodyRequest: fc.Arbitrary<FuzzRequest> = fc.oneof(
  ...(
    [
      ['POST', fc.constant('/Users'), user],
      ['POST', fc.constant('/Groups'), group],
      ['PUT', fc.constantFrom(...USER_IDS.map((one) => `/Users/${one}`)), user],
      ['PUT', fc.constantFrom(...GROUP_IDS.map((one) => `/Groups/${one}`)), group],
      ['PATCH', fc.constantFrom(...USER_IDS.map((one) => `/Users/${one}`)), patch],
      ['PATCH', fc.constantFrom(...GROUP_IDS.map((one) => `/Groups/${one}`)), patch],
      ['POST', fc.constant('/Bulk'), bulk],
      ['POST', fc.constantFrom('/.search', '/Users/.search', '/Groups/.search'), search],
    ] as const
  ).map(([method, target, message]) =>
    fc
      .tuple(target, asBytes(damaged(message)), queryString)
      .map(([at, body, more]) => ({ method, target: at + more, headers: JSON_TYPE, body })),
  ),
);

const segment = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('Users', 'Groups', 'users', 'Bulk', 'Me', '.search', 'Schemas', 'Roles') },
  {
    weight: 2,
    arbitrary: fc.constantFrom('ResourceTypes', 'ServiceProviderConfig', 'Entitlements', CORE_USER, 'User'),
  },
  { weight: 2, arbitrary: fc.constantFrom('', '.', '..', '%2e%2e', '%2F', '%00', '%', '%zz', '%C0%AF', ';', '*', '#') },
  // As an id, and spelt so that it only looks like an endpoint.
  { weight: 1, arbitrary: fc.constantFrom('%2Esearch', '.sear%63h', '%2ESEARCH', '.search%2F', '%3Aid') },
  { weight: 3, arbitrary: id.map(encodeText) },
  // Bytes of a request line that no client library lets through.
  { weight: 1, arbitrary: fc.constantFrom('\u00e9', '\\', '{', '|', '"', '<script>', '\u0080') },
);
const METHODS = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND', 'get', 'FOO'];
const wholeBody = asBytes(fc.oneof(user, group, patch, bulk));

/** Any method on any path. */
export const pathRequest: fc.Arbitrary<FuzzRequest> = fc
  .tuple(fc.constantFrom(...METHODS), fc.array(segment, { maxLength: 3 }), queryString, fc.option(wholeBody))
  .map(([method, segments, more, body]) => ({
    method,
    target: `/${segments.join('/')}${more}`,
    headers: body === null ? [] : JSON_TYPE,
    body,
  }));

/** Ids in every place where a client may put one. */
export const idRequest: fc.Arbitrary<FuzzRequest> = fc
  .tuple(collection, id, fc.constantFrom('GET', 'PUT', 'PATCH', 'DELETE', 'HEAD'), fc.boolean())
  .chain(([at, one, method, inBulk]) => {
    const message = method === 'PATCH' ? patch : at === '/Users' ? user : group;
    const members = { op: 'add', path: `members[value eq ${JSON.stringify(one)}]`, value: [{ value: one }] };
    const about = { schemas: [`${MESSAGES}PatchOp`], Operations: [members] };
    return fc.oneof(message, fc.constant(about)).map((data) => {
      if (!inBulk) {
        const body = method === 'PUT' || method === 'PATCH' ? JSON.stringify(data) : null;
        return { method, target: `${at}/${encodeText(one)}`, headers: JSON_TYPE, body };
      }
      const Operations = [{ method, path: `${at}/${encodeText(one)}`, bulkId: 'b', data }];
      const body = JSON.stringify({ schemas: [`${MESSAGES}BulkRequest`], Operations });
      return { method: 'POST', target: '/Bulk', headers: JSON_TYPE, body };
    });
  });

const headerText = fc.oneof(
  oddText.map((text) => text.replace(/[\r\n\0]/g, '').slice(0, 500)),
  fc.constantFrom('*', '"', 'W/"1"', 'W/"1", W/"2"', '"1', ',,,', '\u00ff\u00fe', 'q=0', '*/*;q=x'),
);
const header = fc.oneof(
  fc.tuple(
    fc.constantFrom('If-Match', 'If-None-Match', 'Accept', 'Accept-Encoding', 'Accept-Language', 'Prefer', 'Range'),
    headerText,
  ),
  fc.tuple(
    fc.constantFrom('Content-Type'),
    fc.constantFrom('text/xml', 'application/json; charset=utf-16', 'application/json;;', '', 'application/JSON', 'x'),
  ),
  fc.tuple(fc.constantFrom('Content-Encoding'), fc.constantFrom('gzip', 'identity', 'br', 'x')),
  fc.tuple(
    fc.constantFrom(
      'X-Forwarded-For',
      'X-Forwarded-Host',
      'X-HTTP-Method-Override',
      'X-Request-Id',
      'Origin',
      'Cookie',
    ),
    headerText,
  ),
  fc.tuple(fc.constantFrom('Expect'), fc.constantFrom('100-continue', '200-ok')),
  fc.tuple(fc.constantFrom('Upgrade'), fc.constantFrom('h2c', 'websocket')),
  fc.tuple(
    fc.constantFrom('Authorization'),
    fc.oneof(
      headerText,
      fc.constantFrom('Bearer', 'Bearer ', 'Basic Og==', 'bearer esb_x', 'Bearer a b', `Bearer ${'x'.repeat(2000)}`),
    ),
  ),
  fc.tuple(fc.constantFrom('Host', 'X Bad', 'Bad:Name', '', '__proto__', 'constructor'), headerText),
);

/** Sound requests with headers that are not. */
export const headerRequest: fc.Arbitrary<FuzzRequest> = fc
  .tuple(
    fc.oneof(
      fc
        .constantFrom('/Users', '/Users/{u0}', '/Groups/{g0}', '/Schemas')
        .map((target) => ['GET', target, null] as const),
      user.map((body) => ['POST', '/Users', JSON.stringify(body)] as const),
      patch.map((body) => ['PATCH', '/Groups/{g0}', JSON.stringify(body)] as const),
      fc.constant(['DELETE', '/Users/{u1}', null] as const),
    ),
    fc.array(header, { minLength: 1, maxLength: 4 }),
  )
  .map(([[method, target, body], headers]) => {
    const named = headers.some(([name]) => name === 'Content-Type');
    return { method, target, headers: [...(body === null || named ? [] : JSON_TYPE), ...headers], body };
  });
