import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { findAttribute, findSchema, resolvePath, splitPath } from '../../src/domain/attribute-lookup.js';
import { GROUP } from '../../src/domain/group-schema.js';
import { formatInstant, parseInstant } from '../../src/domain/instant.js';
import { compareText, isPresent } from '../../src/domain/match.js';
import { ENTERPRISE_USER, type Attribute } from '../../src/domain/schema.js';
import { USER } from '../../src/domain/user-schema.js';

describe('attribute paths', () => {
  it.each([
    ['username', ['userName']],
    ['urn:ietf:params:scim:schemas:CORE:2.0:user:USERNAME', ['userName']],
    ['Name.GivenName', ['name', 'givenName']],
    [`${ENTERPRISE_USER}:manager.$REF`, [ENTERPRISE_USER, 'manager', '$ref']],
    [`${ENTERPRISE_USER}.department`, [ENTERPRISE_USER, 'department']],
    ['department', [ENTERPRISE_USER, 'department']],
    ['meta.lastmodified', ['meta', 'lastModified']],
    ['id', ['id']],
  ])('%s', (text, keys) => expect(resolvePath(text, USER)?.keys).toEqual(keys));

  it.each([
    '',
    '.',
    'name.',
    'name..x',
    '__proto__',
    'constructor',
    'name.__proto__',
    'toString',
    ENTERPRISE_USER,
    `${ENTERPRISE_USER}:`,
    `${ENTERPRISE_USER}:userName`,
    'urn:x:y',
    'members',
    ':',
  ])('%s is none', (text) => {
    expect(resolvePath(text, USER)).toBeNull();
  });

  it('belong to one type', () =>
    expect([resolvePath('members', GROUP)?.keys, resolvePath('emails', GROUP)]).toEqual([['members'], null]));

  it('are split at the URN, whose version has a dot', () => {
    expect(splitPath(`${ENTERPRISE_USER}:manager.value`, USER)?.names).toEqual(['manager', 'value']);
    expect(splitPath('urn:other:a', USER)).toBeNull();
    expect(findSchema(USER, ENTERPRISE_USER.toUpperCase())?.id).toBe(ENTERPRISE_USER);
    expect(findAttribute(USER.core.attributes, 'hasOwnProperty')).toBeUndefined();
  });
});

describe('the tables', () => {
  const all = [USER, GROUP].flatMap((type) => [type.core, ...type.extensions]).flatMap(({ attributes }) => attributes);
  const flat = (list: readonly Attribute[]): readonly Attribute[] =>
    list.flatMap((attribute) => [attribute, ...attribute.subAttributes]);

  it('name each attribute once, whatever the case, without anything that SQL or a path could trip over', () => {
    for (const type of [USER, GROUP]) {
      const names = [type.core, ...type.extensions].flatMap(({ attributes }) =>
        attributes.map(({ name }) => name.toLowerCase()),
      );
      expect(new Set(names).size).toBe(names.length);
    }
    for (const { name } of flat(all)) expect(name).toMatch(/^[$A-Za-z][A-Za-z0-9]*$/);
  });

  it('are readOnly throughout where they are readOnly at all', () => {
    for (const { mutability, subAttributes } of all)
      if (mutability === 'readOnly') for (const sub of subAttributes) expect(sub.mutability).toBe('readOnly');
  });

  it('have sub-attributes exactly where they are complex', () => {
    for (const { type, subAttributes } of flat(all)) expect(subAttributes.length > 0).toBe(type === 'complex');
  });
});

describe('dateTime', () => {
  it.each([
    ['1970-01-01T00:00:01Z', 1000],
    ['1970-01-01t00:00:01.5z', 1500],
    ['1970-01-01T01:00:00+01:00', 0],
    ['1970-01-01T00:00', 0],
    ['1970-01-02', 86_400_000],
    ['1970-01-01T00:00:00.123456789Z', 123],
    ['2024-02-29', 1_709_164_800_000],
  ])('%s', (text, millis) => expect(parseInstant(text)).toBe(millis));

  it.each([
    '',
    'x',
    '2026',
    '2026-13-01',
    '2026-02-29',
    '2026-01-01T25:00Z',
    '2026-01-01T00:00:00+99:00',
    '2026-01-01 00:00',
    `2026-01-01T00:00:00.${'1'.repeat(99)}Z`,
  ])('%s is none', (text) => {
    expect(parseInstant(text)).toBeNull();
  });

  it('is read back as it is written', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('9999-01-01'), noInvalidDate: true }), (date) =>
        expect(parseInstant(formatInstant(date.getTime()))).toBe(date.getTime()),
      ),
    );
  });
});

describe('the order of text', () => {
  it('is that of UTF-8 bytes', () => {
    const text = fc.string({
      unit: fc.oneof(
        fc.constantFrom('a', '\uFFFD', '\uE000', '\uD7FF', '\u{1F600}', '\u{10FFFF}'),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      ),
      maxLength: 5,
    });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareText(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      { numRuns: 2000 },
    );
  });
});

it.each([
  [null, false],
  ['', false],
  [[], false],
  [{}, false],
  [[''], false],
  [{ a: null }, false],
  [false, true],
  [0, true],
  [' ', true],
  [{ a: 'b' }, true],
])('%j is present: %s', (value, present) => expect(isPresent(value)).toBe(present));
