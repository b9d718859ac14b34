import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import type { ResourceType } from '../../src/domain/schema.js';
import { GROUP } from '../../src/domain/group-schema.js';
import { matches } from '../../src/domain/match.js';
import type { JsonObject } from '../../src/domain/types.js';
import { USER } from '../../src/domain/user-schema.js';
import { ScimError } from '../../src/errors.js';
import { MAX_FILTER_BYTES, parseAttributePath, parseFilter } from '../../src/scim/filter-parser.js';
import { parsePatchPath } from '../../src/scim/patch-path.js';
import { filterText } from '../support/filter-arbitraries.js';
import { refusal } from '../support/refusal.js';
import { runs } from '../support/property.js';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

const alice: JsonObject = {
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', ENTERPRISE],
  id: 'u1',
  externalId: 'Ext-1',
  userName: 'Alice@X.com',
  title: 'VP (Sales)',
  active: true,
  name: { givenName: 'Alice', familyName: 'Straße' },
  emails: [
    { value: 'alice@x.com', type: 'work', primary: true },
    { value: 'alice@home.org', type: 'home' },
  ],
  roles: [{ value: 'admin', primary: true }],
  groups: [{ value: 'g1', display: 'Sales', type: 'direct' }],
  [ENTERPRISE]: { department: 'Sales', manager: { value: 'u2' } },
  meta: {
    resourceType: 'User',
    created: '2026-01-01T00:00:00.000Z',
    lastModified: '2026-02-01T12:00:00.000Z',
    version: 'W/"3"',
  },
};
const bob: JsonObject = {
  id: 'u2',
  userName: 'bob',
  active: false,
  emails: [{ value: 'bob@x.com', type: 'home' }],
  nickName: '',
};

const found = (text: string): string => {
  const filter = parseFilter(text, USER);
  return [alice, bob]
    .filter((user) => matches(filter, user))
    .map((user) => user['id'] as string)
    .join(' ');
};

afterEach(() => void jest.restoreAllMocks());

describe('a filter finds', () => {
  it.each([
    // case rules of the schema
    ['userName eq "ALICE@x.COM"', 'u1'],
    ['USERNAME EQ "alice@x.com"', 'u1'],
    ['externalId eq "ext-1"', ''],
    ['externalId eq "Ext-1"', 'u1'],
    ['name.familyName eq "STRASSE"', ''],
    ['name.familyName eq "STRAßE"', 'u1'],
    // booleans
    ['active eq TRUE', 'u1'],
    ['active eq "True"', 'u1'],
    ['active eq "False"', 'u2'],
    ['active ne true', 'u2'],
    // logic
    ['not (userName eq "bob" or title pr)', ''],
    ['not (userName eq "bob" and title pr)', 'u1 u2'],
    ['userName pr and not (active eq true or title pr)', 'u2'],
    ['active eq true and userName co "a" and (title pr or userName eq "bob")', 'u1'],
    ['userName eq "bob" and (title pr or title eq "x") and active eq false', ''],
    ['userName eq "bob" or userName co "alice" and active eq false', 'u2'],
    ['((userName eq "bob"))', 'u2'],
    ['not (not (userName eq "bob"))', 'u2'],
    ['not(userName eq "bob")', 'u1'],
    ['  userName   eq\t"bob"  ', 'u2'],
    // strings with the syntax in them
    ['(title eq "VP (Sales)")', 'u1'],
    ['not (title eq "a and b")', 'u1 u2'],
    ['title co "[y]"', ''],
    ['title eq "VP \\u0028Sales\\u0029"', 'u1'],
    ['title eq "a\\"b\\\\c"', ''],
    // multi-valued and value paths
    ['emails eq "BOB@x.com"', 'u2'],
    ['emails co "@x.com"', 'u1 u2'],
    ['emails pr', 'u1 u2'],
    ['emails[type eq "work" and value co "@x"]', 'u1'],
    ['emails[type eq "home" and value co "@x"]', 'u2'],
    ['emails.type eq "work" and emails.value co "home"', 'u1'],
    ['emails[type eq "work"].value eq "alice@x.com"', 'u1'],
    ['emails[type eq "work"].value eq "alice@home.org"', ''],
    ['emails[type eq "work"].value ne "alice@x.com"', ''],
    ['emails[not (type eq "work")]', 'u1 u2'],
    // some e-mail is of another type; no e-mail at all is no work e-mail either
    ['emails.type ne "work"', 'u1 u2'],
    ['emails.type ne "home"', 'u1'],
    ['not (emails.type eq "work")', 'u2'],
    ['phoneNumbers.type ne "work"', 'u1 u2'],
    ['phoneNumbers[type ne "work"]', ''],
    // RFC 7643 2.4: not primary unless it says so
    ['emails[primary eq false]', 'u1 u2'],
    ['emails[primary eq false and type eq "work"]', ''],
    ['emails.primary eq true', 'u1'],
    ['emails[primary ne false]', 'u1'],
    ['emails[primary ne true]', 'u1 u2'],
    ['emails[type eq "home" and primary pr]', ''],
    ['emails[type eq "work"] and active eq true', 'u1'],
    ['roles[primary eq "True"].value eq "admin"', 'u1'],
    ['name[givenName eq "alice"]', 'u1'],
    // URNs
    [`${ENTERPRISE}:department eq "sales"`, 'u1'],
    [`${ENTERPRISE.toUpperCase()}:DEPARTMENT eq "sales"`, 'u1'],
    ['urn:ietf:params:scim:schemas:core:2.0:User:userName eq "bob"', 'u2'],
    [`${ENTERPRISE}:manager.value eq "u2"`, 'u1'],
    ['manager eq "u2"', 'u1'],
    ['id eq "u1" and manager eq "u2"', 'u1'],
    [`schemas eq "${ENTERPRISE}"`, 'u1'],
    ['department sw "SA"', 'u1'],
    // absence
    ['title eq null', 'u2'],
    ['title ne NULL', 'u1'],
    ['title ne "x"', 'u1 u2'],
    ['title eq ""', ''],
    ['nickName pr', ''],
    // dates
    ['meta.lastModified gt "2026-02-01T11:59:59Z"', 'u1'],
    ['meta.lastModified eq "2026-02-01T13:00:00+01:00"', 'u1'],
    ['meta.lastModified lt "2026-02-01"', ''],
    ['meta.resourceType eq "User"', 'u1'],
    ['groups.value eq "g1"', 'u1'],
    ['groups[display eq "sales"]', 'u1'],
    // parts of strings
    ['userName sw "ali" and userName ew ".COM"', 'u1'],
    ['userName ge "b"', 'u2'],
  ])('%s', (text, ids) => expect(found(text)).toBe(ids));
});

describe('a filter is refused, with position and reason', () => {
  it.each([
    ['', 1, 'an attribute is missing'],
    ['userName', 9, 'an operator is missing'],
    ['userName eq', 12, 'a value is missing'],
    ['userName likes "x"', 10, '"likes" is no operator'],
    ['userName eq alice', 13, 'double quotes'],
    ['userName eq "a', 13, 'no closing quote'],
    ['userName eq "\\x"', 13, 'escape'],
    ['userName eq "\\ud800"', 13, 'surrogate'],
    ['userName eq "\\u0000"', 13, 'NUL'],
    ['userName eq "a" and', 20, 'an attribute is missing'],
    ['userName eq "a" "b"', 17, 'is not expected here'],
    ['userName pr "x"', 13, 'is not expected here'],
    ['userName eq "a"and active eq true', 16, 'a space is missing'],
    ['()', 2, 'an attribute is missing'],
    ['[]', 1, 'an attribute is missing'],
    ['(userName pr', 13, ') is missing'],
    ['emails[type eq "work"', 22, '] is missing'],
    ['emails[type eq "work")', 22, '] is missing'],
    ['emails[type eq "work"].value', 29, 'an operator is missing'],
    ['emails[nope eq "work"]', 8, 'emails has no attribute "nope"'],
    ['emails[type eq "work"].nope eq "x"', 23, 'emails has no sub-attribute "nope"'],
    ['title[value eq "x"]', 6, 'no sub-attributes'],
    ['not userName pr', 5, '( is missing after not'],
    ['1 eq 1', 1, 'User has no attribute "1"'],
    ['nope eq "x"', 1, 'User has no attribute "nope"'],
    ['name.nope eq "x"', 1, 'no attribute'],
    ['members eq "x"', 1, 'User has no attribute "members"'],
    ['urn:example:User:x eq "x"', 1, 'no attribute'],
    ['name eq "x"', 6, 'complex'],
    ['active gt true', 8, 'gt cannot be used with the boolean active'],
    ['active co "t"', 11, 'boolean'],
    ['active eq "yes"', 11, 'true or false'],
    ['title gt null', 7, 'gt cannot be used with null'],
    ['x509Certificates.value gt "AA"', 24, 'binary'],
    ['meta.created co "2026"', 17, 'dateTime'],
    ['meta.created gt "2026-02-31"', 17, 'dateTime'],
    [
      'urn:ietf:params:scim:schemas:extension:elevenlabs:2.0:User:usageLimit co 5',
      71,
      'co cannot be used with the integer',
    ],
    ['urn:ietf:params:scim:schemas:extension:elevenlabs:2.0:User:usageLimit eq "5"', 74, 'without quotes'],
    ['password eq "x"', 1, 'never returned'],
    ['__proto__.x eq "y"', 1, 'no attribute'],
    ['constructor.keys eq "x"', 1, 'no attribute'],
    ['emails[__proto__.x eq "y"]', 8, 'no attribute'],
  ])('%s', (text, position, reason) => {
    const error = refusal(() => parseFilter(text, USER));
    expect(error.scimType).toBe('invalidFilter');
    expect(error.status).toBe(400);
    expect(error.message).toContain(`at position ${String(position)}, `);
    expect(error.message).toContain(reason);
  });

  it('for its size, its depth, its number of comparisons', () => {
    const long = `userName eq "${'a'.repeat(MAX_FILTER_BYTES)}"`;
    expect(refusal(() => parseFilter(long, USER)).message).toContain('8192 bytes');
    const deep = (levels: number) => `${'('.repeat(levels)}active eq true${')'.repeat(levels)}`;
    expect(() => parseFilter(deep(32), USER)).not.toThrow();
    expect(refusal(() => parseFilter(deep(33), USER)).message).toContain('nested deeper than 32');
    const terms = (count: number) => Array.from({ length: count }, () => 'title pr').join(' or ');
    expect(() => parseFilter(terms(100), USER)).not.toThrow();
    expect(refusal(() => parseFilter(terms(101), USER)).message).toContain('more than 100 comparisons');
  });

  it('with a detail that repeats nothing of a filter or path on a password', () => {
    const told = ['password eq "hunter2"', 'title pr and PASSWORD sw "hunter2"', 'foo eq 1 or password eq hunter2'].map(
      (text) => refusal(() => parseFilter(text, USER)).message,
    );
    told.push(refusal(() => parsePatchPath('password[value eq "hunter2"]', USER)).message);
    for (const message of told) expect(message).toMatch(/^The (filter|path) is not valid: at position \d+, [^"]/);
    expect(told.join()).not.toContain('hunter2');
  });

  it('with a detail that never repeats a long filter', () => {
    expect(refusal(() => parseFilter(`nope eq "${'x'.repeat(5000)}"`, USER)).message.length).toBeLessThan(400);
  });
});

describe('whatever the text', () => {
  const pieces = fc.constantFrom(
    'userName',
    'emails',
    '[',
    ']',
    '(',
    ')',
    'not',
    'and',
    'or',
    'eq',
    'co',
    'pr',
    '"a"',
    '"',
    '\\',
    '.value',
    ' ',
    'type',
    'true',
    'null',
    '__proto__',
    'constructor',
    '\u0000',
    '\ud800',
    '-1e9',
    'urn:ietf:params:scim:schemas:core:2.0:User:',
  );
  const soup = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.array(pieces, { maxLength: 14 }).map((list) => list.join(' ')),
    fc.array(pieces, { maxLength: 14 }).map((list) => list.join('')),
  );

  it('parsers answer or throw a ScimError, and leave every prototype alone', () => {
    const before = [
      Object.getOwnPropertyNames(Object.prototype),
      Object.getOwnPropertyNames(Object),
      Object.keys.toString(),
    ];
    fc.assert(
      fc.property(soup, fc.constantFrom(USER, GROUP), (text, type: ResourceType) => {
        for (const parse of [parseFilter, parsePatchPath, parseAttributePath]) {
          try {
            parse(text, type);
          } catch (error) {
            expect(error).toBeInstanceOf(ScimError);
          }
        }
      }),
      runs(2000),
    );
    expect([
      Object.getOwnPropertyNames(Object.prototype),
      Object.getOwnPropertyNames(Object),
      Object.keys.toString(),
    ]).toEqual(before);
  });

  it.each([
    ['backslashes in an open string', (n: number) => `title eq "${'\\x'.repeat(n)}`],
    ['open brackets', (n: number) => '('.repeat(2 * n)],
    ['alternatives in groups', (n: number) => Array.from({ length: Math.ceil(n / 8) }, () => '(a or b)').join(' and ')],
    ['a long word', (n: number) => 'a.'.repeat(n)],
    ['one long string', (n: number) => `title eq "${'a'.repeat(2 * n)}"`],
  ])('each character of %s is looked at a bounded number of times', (_, make) => {
    const charCodeAt = jest.spyOn(String.prototype, 'charCodeAt');
    const steps = (n: number): number => {
      charCodeAt.mockClear();
      const text = make(n);
      try {
        parseFilter(text, USER);
      } catch {
        // what is counted is the work, not the outcome
      }
      return charCodeAt.mock.calls.length / text.length;
    };
    expect(steps(100)).toBeGreaterThan(0);
    expect(steps(2000)).toBeLessThanOrEqual(3);
  });
});

describe('valid filters', () => {
  it('are all accepted', () => {
    fc.assert(
      fc.property(filterText(USER), (text) => {
        parseFilter(text, USER);
      }),
      runs(500),
    );
  });
});

describe('a PATCH path', () => {
  it.each([
    ['members[value eq "a" or value eq "b"]', GROUP, 'members'],
    ['EMAILS[TYPE EQ "work"].VALUE', USER, 'emails'],
    [`${ENTERPRISE.toLowerCase()}:manager.value`, USER, `${ENTERPRISE}/manager`],
    ['urn:ietf:params:scim:schemas:core:2.0:User:name.givenName', USER, 'name'],
    ['department', USER, `${ENTERPRISE}/department`],
  ])('%s', (text, type, keys) => {
    const path = parsePatchPath(text, type);
    expect(path.kind === 'attribute' && path.keys.join('/')).toBe(keys);
  });

  it.each([
    '',
    'nope',
    'name.nope',
    'name.givenName.x',
    'emails[type eq "work"',
    'emails[type eq "work"].nope',
    'emails.value[type eq "x"]',
    '__proto__.x',
    'userName eq "x"',
    'emails[type eq "work"] .value',
    '[type eq "x"]',
    '"userName"',
  ])('is refused: %s', (text) => expect(refusal(() => parsePatchPath(text, USER)).scimType).toBe('invalidPath'));
});

describe('a path to sort by', () => {
  it('is resolved in any case, and a complex attribute stands for its value', () => {
    expect(parseAttributePath('EMAILS', USER).keys).toEqual(['emails', 'value']);
    expect(parseAttributePath('Meta.LastModified', USER).keys).toEqual(['meta', 'lastModified']);
  });

  it.each(['name', 'nope', 'password', '', 'emails[type eq "work"].value'])('is refused: %s', (text) => {
    expect(refusal(() => parseAttributePath(text, USER)).scimType).toBe('invalidPath');
  });
});
