import { describe, expect, it } from '@jest/globals';
import type { Document, UserId } from '../../src/domain/types.js';
import { parseGroupPatch, type PatchOptions } from '../../src/scim/patch.js';
import type { MemberOp, MemberRecord } from '../../src/store/port.js';
import { refusal } from '../support/refusal.js';

const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const BRIDGE = 'urn:ietf:params:scim:schemas:extension:elevenlabs:2.0:Group';
const BASE = 'https://bridge.test/scim/v2';
const start: Document = { displayName: 'Sales', [BRIDGE]: { groupId: 'w1' } };

const parse = (operations: unknown, options: PatchOptions = {}) =>
  parseGroupPatch({ schemas: [PATCH_OP], Operations: operations }, options);
const document = (...operations: unknown[]) => parse(operations).document(start);
const members = (...operations: unknown[]) => parse(operations).members;

/** What a list of changes makes of a member set. */
function applyAll(ops: readonly MemberOp[], ids: readonly string[]): string[] {
  const set = new Set(ids);
  for (const op of ops) {
    if (op.kind === 'removeWhere') {
      for (const id of set)
        if (op.test({ userId: id as UserId, display: `User ${id}` } satisfies MemberRecord)) set.delete(id);
    } else {
      if (op.kind === 'replace') set.clear();
      for (const id of op.userIds)
        if (op.kind === 'remove') set.delete(id);
        else set.add(id);
    }
  }
  return [...set].sort();
}

describe('members of a group of a, b, c', () => {
  it.each<[string, unknown, string]>([
    ['add (Entra, $ref null)', { op: 'Add', path: 'members', value: [{ $ref: null, value: 'd' }] }, 'a b c d'],
    ['add one alone', { op: 'add', path: 'members', value: { value: 'd' } }, 'a b c d'],
    ['add strings', { op: 'add', path: 'MEMBERS', value: ['d', 'a', 'd'] }, 'a b c d'],
    ['add without a path', { op: 'add', value: { members: [{ value: 'd' }] } }, 'a b c d'],
    [
      'add by URN',
      { op: 'add', path: 'urn:ietf:params:scim:schemas:core:2.0:Group:members', value: [{ value: 'd' }] },
      'a b c d',
    ],
    ['add to members.value', { op: 'add', path: 'members.value', value: 'd' }, 'a b c d'],
    ['add by filter', { op: 'add', path: 'members[value eq "d"]', value: { value: 'd' } }, 'a b c d'],
    ['add nothing', { op: 'add', path: 'members', value: [] }, 'a b c'],
    ['remove by value list (Entra)', { op: 'Remove', path: 'members', value: [{ value: 'a' }] }, 'b c'],
    ['remove by strings (JumpCloud)', { op: 'remove', path: 'members', value: ['a', 'b'] }, 'c'],
    ['remove by one object', { op: 'remove', path: 'members', value: { value: 'a' } }, 'b c'],
    ['remove by filter (Okta)', { op: 'remove', path: 'members[value eq "a"]' }, 'b c'],
    [
      'remove by filter, value ignored',
      { op: 'remove', path: 'members[value eq "a"]', value: [{ value: 'b' }] },
      'b c',
    ],
    ['remove by alternatives', { op: 'remove', path: 'members[value eq "a" or (value eq "b")]' }, 'c'],
    ['remove by an odd filter', { op: 'remove', path: 'members[not (value eq "a")]' }, 'a'],
    ['remove by display', { op: 'remove', path: 'members[display ew "USER B" or display ew "c"]' }, 'a'],
    ['remove by $ref', { op: 'remove', path: `members[$ref eq "${BASE}/Users/a"]` }, 'b c'],
    ['remove who is no member', { op: 'remove', path: 'members', value: [{ value: 'z' }] }, 'a b c'],
    [
      'remove an injection',
      { op: 'Remove', path: 'members', value: [{ value: 'a" or value pr or value eq "' }] },
      'a b c',
    ],
    ['remove an empty list', { op: 'remove', path: 'members', value: [] }, 'a b c'],
    ['remove a list of nothing', { op: 'remove', path: 'members', value: [null] }, 'a b c'],
    ['remove all', { op: 'remove', path: 'members' }, ''],
    ['replace (Push now)', { op: 'replace', path: 'members', value: [{ value: 'x' }, { value: 'a' }] }, 'a x'],
    ['replace by none (Push now, empty group)', { op: 'replace', path: 'members', value: [] }, ''],
    ['replace by null', { op: 'replace', path: 'members', value: null }, ''],
    ['replace without a path', { op: 'replace', value: { members: [{ value: 'x' }] } }, 'x'],
    ['rename (Okta)', { op: 'replace', value: { id: 'g1', displayName: 'New' } }, 'a b c'],
  ])('%s', (_, operation, left) => {
    const ops = parse([operation], { id: 'g1', base: BASE }).members;
    expect(applyAll(ops, ['a', 'b', 'c']).join(' ')).toBe(left);
    expect(applyAll([...ops, ...ops], ['a', 'b', 'c']).join(' ')).toBe(left);
  });

  it.each<[string, unknown, string]>([
    ['remove null', { op: 'remove', path: 'members', value: null }, 'invalidValue'],
    ['remove ""', { op: 'remove', path: 'members', value: '' }, 'invalidValue'],
    ['remove {}', { op: 'remove', path: 'members', value: {} }, 'invalidValue'],
    ['remove [{}]', { op: 'remove', path: 'members', value: [{}] }, 'invalidValue'],
    ['remove [[]]', { op: 'remove', path: 'members', value: [[]] }, 'invalidValue'],
    ['remove a number', { op: 'remove', path: 'members', value: [{ value: 7 }] }, 'invalidValue'],
    ['remove false', { op: 'remove', path: 'members', value: false }, 'invalidValue'],
    ['replace ""', { op: 'replace', path: 'members', value: '' }, 'invalidValue'],
    ['replace [null]', { op: 'replace', path: 'members', value: [null] }, 'invalidValue'],
    ['replace {}', { op: 'replace', path: 'members', value: {} }, 'invalidValue'],
    ['replace without value', { op: 'replace', path: 'members' }, 'invalidValue'],
    ['add ""', { op: 'add', path: 'members', value: [''] }, 'invalidValue'],
    ['a nested group', { op: 'add', path: 'members', value: [{ value: 'g', type: 'Group' }] }, 'invalidValue'],
    ['another value for a member', { op: 'replace', path: 'members[value eq "a"].value', value: 'b' }, 'mutability'],
    [
      'another member for a filter',
      { op: 'add', path: 'members[display eq "x"]', value: { value: 'b' } },
      'mutability',
    ],
    ['another value for all', { op: 'replace', path: 'members.value', value: 'b' }, 'mutability'],
    ['another type', { op: 'replace', path: 'members.type', value: 'Group' }, 'mutability'],
    ['another display', { op: 'replace', path: 'members[value eq "a"].display', value: 'X' }, 'mutability'],
    ['members without value', { op: 'remove', path: 'members.value' }, 'mutability'],
    ['a bad filter', { op: 'remove', path: 'members[value eq 5]' }, 'invalidPath'],
  ])('refused, and nobody removed: %s', (_, operation, scimType) =>
    expect(refusal(() => members(operation)).scimType).toBe(scimType),
  );

  it('keeps the order of operations', () => {
    const ops = members(
      { op: 'remove', path: 'members' },
      { op: 'add', path: 'members', value: ['x', 'y'] },
      { op: 'remove', path: 'members[value eq "x"]' },
    );
    expect(applyAll(ops, ['a'])).toEqual(['y']);
  });

  it('takes thousands in one operation', () => {
    const ids = Array.from({ length: 5000 }, (_, n) => `id-${String(n)}`);
    expect(members({ op: 'add', path: 'members', value: ids.map((value) => ({ value })) })).toEqual([
      { kind: 'add', userIds: ids },
    ]);
  });

  it('bounds what odd filters cost', () => {
    const filter = Array.from({ length: 60 }, (_, n) => `display co "${String(n)}"`).join(' and ');
    expect(refusal(() => members(...[1, 2].map(() => ({ op: 'remove', path: `members[${filter}]` })))).scimType).toBe(
      'tooMany',
    );
  });
});

describe('the document of a group', () => {
  it('is renamed and extended, members apart', () => {
    expect(
      document({ op: 'Replace', path: 'displayName', value: 'New' }, { op: 'add', path: 'members', value: ['a'] }),
    ).toEqual({ ...start, displayName: 'New' });
    expect(
      document({
        op: 'add',
        path: `${BRIDGE}:shares`,
        value: [{ resourceType: 'voice', resourceId: 'v', role: 'viewer' }],
      }),
    ).toEqual({
      displayName: 'Sales',
      [BRIDGE]: { groupId: 'w1', shares: [{ resourceType: 'voice', resourceId: 'v', role: 'viewer' }] },
    });
    expect(document({ op: 'remove', path: `${BRIDGE}:groupId` })).toEqual({ displayName: 'Sales' });
  });

  it('is the same object where only members change', () => {
    expect(document({ op: 'add', path: 'members', value: ['a'] })).toBe(start);
  });

  it('takes shares apart by what identifies them', () => {
    const two = document({
      op: 'add',
      path: `${BRIDGE}:shares`,
      value: [
        { resourceType: 'voice', resourceId: 'v', role: 'viewer' },
        { resourceType: 'voice', resourceId: 'w', role: 'viewer' },
      ],
    });
    const left = parse([{ op: 'remove', path: `${BRIDGE}:shares[resourceId eq "v"]` }]).document(two);
    expect((left[BRIDGE] as Document)['shares']).toEqual([{ resourceType: 'voice', resourceId: 'w', role: 'viewer' }]);
    const listed = parse([
      { op: 'remove', path: `${BRIDGE}:shares`, value: [{ resourceType: 'voice', resourceId: 'w', role: 'viewer' }] },
    ]).document(left);
    expect((listed[BRIDGE] as Document)['shares']).toBeUndefined();
  });

  it.each<[unknown, string]>([
    [{ op: 'remove', path: 'displayName' }, 'mutability'],
    [{ op: 'replace', path: 'displayName', value: '' }, 'invalidValue'],
    [{ op: 'replace', path: `${BRIDGE}:linkStatus`, value: 'linked' }, 'mutability'],
    [{ op: 'replace', value: { id: 'g2' } }, 'mutability'],
    [{ op: 'add', path: `${BRIDGE}:shares[resourceType eq "voice"].role`, value: 'viewer' }, 'invalidValue'],
  ])('is not changed by %j', (operation, scimType) => {
    expect(refusal(() => parse([operation], { id: 'g1' }).document(start)).scimType).toBe(scimType);
  });
});
