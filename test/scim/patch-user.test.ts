import { describe, expect, it } from '@jest/globals';
import type { Document } from '../../src/domain/types.js';
import { readUserDocument } from '../../src/scim/document.js';
import { parseUserPatch, type PatchOptions } from '../../src/scim/patch.js';
import { refusal } from '../support/refusal.js';

const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const CORE = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const BRIDGE = 'urn:ietf:params:scim:schemas:extension:elevenlabs:2.0:User';

const start: Document = readUserDocument(
  {
    userName: 'alice',
    displayName: 'Alice',
    title: 'VP',
    name: { givenName: 'Alice', familyName: 'Ames' },
    emails: [
      { value: 'w@x', type: 'work', primary: true },
      { value: 'h@x', type: 'home' },
    ],
    phoneNumbers: [{ value: '1', type: 'work' }],
    addresses: [{ type: 'home', country: 'DE', locality: 'Bonn' }],
    department: 'Sales',
    manager: 'm1',
    [BRIDGE]: { seatType: 'workspace_member' },
  },
  null,
);

const patch = (operations: unknown, options: PatchOptions = {}, from: Document = start) =>
  parseUserPatch({ schemas: [PATCH_OP], Operations: operations }, options)(from);
const one = (op: string, path: string | undefined, value?: unknown) =>
  patch([{ op, ...(path === undefined ? {} : { path }), ...(value === undefined ? {} : { value }) }]);
const bare = { userName: 'bare', active: true };
const onBare = (...operations: unknown[]) => patch(operations, {}, bare);

describe('add and replace', () => {
  it.each<[string, string, string | undefined, unknown, object]>([
    ['a simple attribute', 'replace', 'title', 'CEO', { title: 'CEO' }],
    ['in capitals, path in any case', 'Replace', 'TITLE', 'CEO', { title: 'CEO' }],
    ['with the URN of the core', 'Add', `${CORE}:title`, 'CEO', { title: 'CEO' }],
    ['active by string', 'Replace', 'active', 'False', { active: false }],
    ['active by boolean', 'replace', 'active', false, { active: false }],
    ['active without a path (Okta)', 'replace', undefined, { active: false }, { active: false }],
    ['a sub-attribute', 'Replace', 'name.givenName', 'Al', { name: { familyName: 'Ames', givenName: 'Al' } }],
    [
      'parts of a complex attribute, keeping the others',
      'replace',
      'name',
      { givenName: 'Al' },
      { name: { familyName: 'Ames', givenName: 'Al' } },
    ],
    [
      'parts cleared by null',
      'replace',
      'name',
      { givenName: null, middleName: 'B' },
      { name: { familyName: 'Ames', middleName: 'B' } },
    ],
    [
      'an extension attribute',
      'Replace',
      `${ENTERPRISE}:department`,
      'X',
      { [ENTERPRISE]: { department: 'X', manager: { value: 'm1' } } },
    ],
    [
      'an extension attribute, URN in lower case',
      'Replace',
      `${ENTERPRISE.toLowerCase()}:DEPARTMENT`,
      'X',
      { [ENTERPRISE]: { department: 'X', manager: { value: 'm1' } } },
    ],
    [
      'an extension by its URN as path',
      'replace',
      ENTERPRISE,
      { department: 'X' },
      { [ENTERPRISE]: { department: 'X', manager: { value: 'm1' } } },
    ],
    [
      'one element of a list',
      'Replace',
      'emails[type eq "work"].value',
      'n@x',
      {
        emails: [
          { value: 'n@x', type: 'work', primary: true },
          { value: 'h@x', type: 'home' },
        ],
      },
    ],
    [
      'one element found by its value',
      'replace',
      'emails[value eq "W@X"].value',
      'n@x',
      {
        emails: [
          { value: 'n@x', type: 'work', primary: true },
          { value: 'h@x', type: 'home' },
        ],
      },
    ],
    [
      'what the filter is about',
      'replace',
      'emails[type eq "home"].type',
      'other',
      {
        emails: [
          { value: 'w@x', type: 'work', primary: true },
          { value: 'h@x', type: 'other' },
        ],
      },
    ],
    [
      'parts of one element',
      'replace',
      'emails[type eq "home"]',
      { display: 'H' },
      {
        emails: [
          { value: 'w@x', type: 'work', primary: true },
          { value: 'h@x', display: 'H', type: 'home' },
        ],
      },
    ],
    [
      'an element by a bare string',
      'replace',
      'emails[type eq "home"]',
      'n@x',
      {
        emails: [
          { value: 'w@x', type: 'work', primary: true },
          { value: 'n@x', type: 'home' },
        ],
      },
    ],
    [
      'a new primary, the old one yields',
      'add',
      'emails',
      { value: 'p@x', type: 'other', primary: true },
      {
        emails: [
          { value: 'w@x', type: 'work', primary: false },
          { value: 'h@x', type: 'home' },
          { value: 'p@x', type: 'other', primary: true },
        ],
      },
    ],
    [
      'primary moved by path',
      'replace',
      'emails[type eq "home"].primary',
      'True',
      {
        emails: [
          { value: 'w@x', type: 'work', primary: false },
          { value: 'h@x', type: 'home', primary: true },
        ],
      },
    ],
    [
      'an element that is there already',
      'add',
      'emails',
      [{ value: 'W@x', type: 'work' }],
      {
        emails: [
          { value: 'W@x', type: 'work', primary: true },
          { value: 'h@x', type: 'home' },
        ],
      },
    ],
    ['an element that is there, without its type', 'add', 'emails', [{ value: 'h@x' }], {}],
    ['a whole list', 'replace', 'emails', [{ value: 'n@x' }, { value: 'n@x' }], { emails: [{ value: 'n@x' }] }],
    [
      'a list without a path replaces it',
      'replace',
      undefined,
      { emails: [{ value: 'n@x' }] },
      { emails: [{ value: 'n@x' }] },
    ],
    [
      'a list without a path adds to it',
      'add',
      undefined,
      { phoneNumbers: [{ value: '2' }] },
      { phoneNumbers: [{ value: '1', type: 'work' }, { value: '2' }] },
    ],
    [
      'every element',
      'replace',
      'emails.display',
      'D',
      {
        emails: [
          { value: 'w@x', display: 'D', type: 'work', primary: true },
          { value: 'h@x', display: 'D', type: 'home' },
        ],
      },
    ],
    ['a password, which is not kept', 'replace', 'password', 'secret', {}],
    [
      'an unknown attribute without a path',
      'replace',
      undefined,
      { nope: 1, 'urn:x:y:z': 2, title: 'CEO' },
      { title: 'CEO' },
    ],
  ])('%s', (_, op, path, value, changes) => expect(one(op, path, value)).toEqual({ ...start, ...changes }));

  it('takes keys that are paths, URNs and filters (aadOptscim062020)', () => {
    const value = {
      displayName: 'A',
      'name.givenName': 'Al',
      [`${ENTERPRISE}:employeeNumber`]: '7',
      [ENTERPRISE]: { costCenter: 'C' },
      'emails[type eq "work"].value': 'n@x',
      'EMAILS[TYPE EQ "other"].VALUE': 'o@x',
    };
    expect(patch([{ op: 'replace', value }])).toEqual({
      ...start,
      displayName: 'A',
      name: { familyName: 'Ames', givenName: 'Al' },
      emails: [
        { value: 'n@x', type: 'work', primary: true },
        { value: 'h@x', type: 'home' },
        { value: 'o@x', type: 'other' },
      ],
      [ENTERPRISE]: { employeeNumber: '7', costCenter: 'C', department: 'Sales', manager: { value: 'm1' } },
    });
  });

  it.each(['add', 'Replace'])(
    '%s creates the element that a filter describes, and consecutive operations join it',
    (op) => {
      expect(
        onBare(
          { op, path: 'addresses[type eq "work"].country', value: 'FR' },
          { op, path: 'addresses[type eq "work"].locality', value: 'Lyon' },
          { op, path: 'emails[type eq "work"].primary', value: 'true' },
          { op, path: 'emails[type eq "work"].value', value: 'a@x' },
          { op, path: 'roles[primary eq "True"].value', value: 'Admin' },
          { op, path: 'roles[primary eq "True"].display', value: 'Administrator' },
          { op, path: 'phoneNumbers[type eq "mobile" and primary eq true]', value: { value: '1' } },
        ),
      ).toEqual({
        ...bare,
        addresses: [{ locality: 'Lyon', country: 'FR', type: 'work' }],
        emails: [{ value: 'a@x', type: 'work', primary: true }],
        roles: [{ value: 'Admin', display: 'Administrator', primary: true }],
        phoneNumbers: [{ value: '1', type: 'mobile', primary: true }],
      });
    },
  );

  it('makes primary what was written, also before the one that was', () => {
    const moved = one('replace', 'emails[type eq "home"].primary', true);
    const back = patch([{ op: 'replace', path: 'emails[type eq "work"].primary', value: true }], {}, moved);
    expect(back['emails']).toEqual([
      { value: 'w@x', type: 'work', primary: true },
      { value: 'h@x', type: 'home', primary: false },
    ]);
    const added = patch(
      [{ op: 'add', path: 'emails', value: [{ value: 'w@x', type: 'work', primary: true }] }],
      {},
      moved,
    );
    expect(added['emails']).toEqual(back['emails']);
  });

  it('joins elements that an edit made the same, and keeps them primary', () => {
    const next = patch([
      { op: 'replace', path: 'emails[type eq "home"]', value: { value: 'w@x', type: 'work', display: 'H' } },
    ]);
    expect(next['emails']).toEqual([{ value: 'w@x', display: 'H', type: 'work', primary: true }]);
    const plain = {
      userName: 'a',
      active: true,
      emails: [
        { value: 'x', type: 'work', primary: true },
        { value: 'y', type: 'work', primary: false },
      ],
    };
    expect(patch([{ op: 'replace', path: 'emails.value', value: 'z' }], {}, plain)['emails']).toEqual([
      { value: 'z', type: 'work', primary: true },
    ]);
  });

  it('lets what was just written win where two elements became the same', () => {
    const roles = [
      { value: 'x', display: 'first', type: 'work', primary: true },
      { value: 'Admin', display: 'second', type: 'work' },
    ];
    const next = patch(
      [{ op: 'Replace', path: 'roles[primary eq "True"].value', value: 'ADMIN' }],
      {},
      {
        userName: 'a',
        active: true,
        roles,
      },
    );
    expect(next['roles']).toEqual([{ value: 'ADMIN', display: 'first', type: 'work', primary: true }]);
  });

  it('takes a value without type for the element that has none, else for the first of that value in any case', () => {
    const emails = [{ value: 'A@x', type: 'work' }];
    const from = { userName: 'a', active: true, emails };
    const add = (value: readonly object[], of: Document) => patch([{ op: 'add', path: 'emails', value }], {}, of);
    expect(add([{ value: 'a@x', display: 'D' }], from)['emails']).toEqual([
      { value: 'a@x', display: 'D', type: 'work' },
    ]);
    const both = [...emails, { value: 'A@x', display: 'D' }];
    expect(add(both, { userName: 'a', active: true })['emails']).toEqual(both);
    expect(add(both, { ...from, emails: both })['emails']).toEqual(both);
  });

  it('unassigns a complex attribute with its last part', () => {
    expect(one('replace', 'name', { givenName: null, familyName: '' })).not.toHaveProperty('name');
  });

  it.each<[string, unknown]>([
    ['a bare string', 'm2'],
    ['an object', { value: 'm2' }],
    ['a list of one', [{ $ref: 'https://x/Users/m2', value: 'm2' }]],
    ['a $ref alone', { $ref: 'https://x/Users/m2' }],
  ])('makes the manager an object: %s', (_, value) => {
    for (const path of ['manager', `${ENTERPRISE}:manager`]) {
      for (const from of [start, bare]) {
        const next = patch([{ op: 'Add', path, value }], {}, from);
        expect((next[ENTERPRISE] as Document)['manager']).toEqual({ value: 'm2' });
      }
    }
    expect(
      (onBare({ op: 'replace', path: `${ENTERPRISE}:manager.value`, value: 'm2' })[ENTERPRISE] as Document)['manager'],
    ).toEqual({ value: 'm2' });
  });

  it('reads roles that are JSON in a string', () => {
    const value = [{ value: '{"id":"06b07648","value":"Auditor","displayName":"The Auditor"}' }];
    expect(onBare({ op: 'Add', path: 'roles', value })['roles']).toEqual([
      { value: 'Auditor', display: 'The Auditor' },
    ]);
  });
});

describe('"" and null clear', () => {
  it.each<[string, string, unknown, object]>([
    ['replace', 'title', '', { title: undefined }],
    ['replace', 'title', null, { title: undefined }],
    ['add', 'title', '', { title: undefined }],
    ['replace', 'emails', [], { emails: undefined }],
    ['replace', 'emails', null, { emails: undefined }],
    ['replace', 'emails', [null], { emails: undefined }],
    ['replace', 'name', null, { name: undefined }],
    ['replace', 'name.givenName', '', { name: { familyName: 'Ames' } }],
    ['replace', 'emails[type eq "work"].value', '', { emails: [{ value: 'h@x', type: 'home' }] }],
    ['replace', 'emails[type eq "other"].value', '', {}],
    ['replace', 'emails[type eq "work"]', null, { emails: [{ value: 'h@x', type: 'home' }] }],
    ['replace', 'addresses[type eq "home"].country', '', { addresses: [{ type: 'home', locality: 'Bonn' }] }],
    ['replace', `${ENTERPRISE}:manager`, '', { [ENTERPRISE]: { department: 'Sales' } }],
    ['replace', 'manager', { value: '' }, { [ENTERPRISE]: { department: 'Sales' } }],
    ['replace', ENTERPRISE, null, { [ENTERPRISE]: undefined }],
    ['add', 'emails', [], {}],
    ['add', 'emails', null, {}],
  ])('%s %s %j', (op, path, value, changes) =>
    expect(one(op, path, value)).toEqual(JSON.parse(JSON.stringify({ ...start, ...changes }))),
  );

  it('an element goes with its last part, not before', () => {
    const step = one('remove', 'addresses[type eq "home"].country');
    expect(step['addresses']).toEqual([{ locality: 'Bonn', type: 'home' }]);
    expect(
      patch([{ op: 'replace', path: 'addresses[type eq "home"].locality', value: null }], {}, step)['addresses'],
    ).toBeUndefined();
  });
});

describe('remove', () => {
  it.each<[string, string, unknown, object]>([
    ['a simple attribute', 'title', undefined, { title: undefined }],
    ['what is not there', 'nickName', undefined, {}],
    ['a sub-attribute', 'name.givenName', undefined, { name: { familyName: 'Ames' } }],
    ['a whole list', 'emails', undefined, { emails: undefined }],
    ['elements by filter', 'emails[type eq "work"]', undefined, { emails: [{ value: 'h@x', type: 'home' }] }],
    [
      'a part of elements',
      'emails[type eq "work"].primary',
      undefined,
      {
        emails: [
          { value: 'w@x', type: 'work' },
          { value: 'h@x', type: 'home' },
        ],
      },
    ],
    [
      'the value of an element, and nothing else of it',
      'emails[type eq "work"].value',
      undefined,
      {
        emails: [
          { type: 'work', primary: true },
          { value: 'h@x', type: 'home' },
        ],
      },
    ],
    [
      'from those that are not primary',
      'emails[primary eq false].type',
      undefined,
      { emails: [{ value: 'w@x', type: 'work', primary: true }, { value: 'h@x' }] },
    ],
    ['a filter that matches nothing', 'emails[type eq "other"]', undefined, {}],
    [
      'only what the value lists',
      'emails',
      [{ value: 'H@X' }],
      { emails: [{ value: 'w@x', type: 'work', primary: true }] },
    ],
    ['only what a bare string names', 'emails', 'h@x', { emails: [{ value: 'w@x', type: 'work', primary: true }] }],
    ['nothing for a listed value with another type', 'emails', [{ value: 'h@x', type: 'work' }], {}],
    ['nothing for an empty list', 'emails', [], {}],
    ['nothing for a value that is not there', 'emails', [{ value: 'z@x' }], {}],
    ['a manager', 'manager', undefined, { [ENTERPRISE]: { department: 'Sales' } }],
    ['a manager that is named', 'manager', [{ value: 'm1' }], { [ENTERPRISE]: { department: 'Sales' } }],
    ['not the manager that came after', 'manager', [{ value: 'm0' }], {}],
    ['an extension', ENTERPRISE, undefined, { [ENTERPRISE]: undefined }],
    ['the last attribute of an extension', `${BRIDGE}:seatType`, undefined, { [BRIDGE]: undefined }],
  ])('%s', (_, path, value, changes) =>
    expect(one('Remove', path, value)).toEqual(JSON.parse(JSON.stringify({ ...start, ...changes }))),
  );
});

describe('a PATCH is refused', () => {
  it.each<[string, unknown, string, string]>([
    ['no operations', [], 'invalidSyntax', 'Operations'],
    ['no list', { op: 'add' }, 'invalidSyntax', 'Operations'],
    ['null', [null], 'invalidSyntax', 'an operation must be an object'],
    ['unknown op', [{ op: 'Bogus', path: 'title', value: 'x' }], 'invalidSyntax', '"Bogus"'],
    ['no op', [{ path: 'title', value: 'x' }], 'invalidSyntax', 'op must be'],
    ['path of another type', [{ op: 'add', path: 5, value: 'x' }], 'invalidSyntax', 'path'],
    ['unknown attribute', [{ op: 'add', path: 'nope', value: 'x' }], 'invalidPath', 'nope'],
    ['unfinished filter', [{ op: 'add', path: 'emails[type eq "work"', value: 'x' }], 'invalidPath', '] is missing'],
    ['bad filter without a path', [{ op: 'add', value: { 'emails[nope eq 1].value': 'x' } }], 'invalidPath', 'nope'],
    ['no value', [{ op: 'replace', path: 'title' }], 'invalidValue', 'needs a value'],
    ['no value and no path', [{ op: 'replace' }], 'invalidValue', 'value must be an object'],
    ['a string without a path', [{ op: 'add', value: 'x' }], 'invalidValue', 'value must be an object'],
    ['wrong type', [{ op: 'replace', path: 'title', value: 5 }], 'invalidValue', 'title must be a string; it is 5'],
    [
      'wrong type in an element',
      [{ op: 'replace', path: 'emails[type eq "work"].value', value: { a: 1 } }],
      'invalidValue',
      'must be a string',
    ],
    [
      'active by nothing',
      [{ op: 'replace', path: 'active', value: null }],
      'invalidValue',
      'active must be true or false',
    ],
    ['active removed', [{ op: 'remove', path: 'active' }], 'mutability', 'active is required'],
    [
      'a replace by a type that is none',
      [{ op: 'replace', path: 'emails[type eq "nonexistent"].value', value: 'n@x' }],
      'noTarget',
      'no element matches',
    ],
    [
      'an element without a value',
      [{ op: 'replace', path: 'phoneNumbers[type eq "fax"].display', value: 'Fax' }],
      'noTarget',
      'without a value',
    ],
    ['remove without a path', [{ op: 'remove', value: { title: 'VP' } }], 'noTarget', 'needs a path'],
    ['required removed', [{ op: 'remove', path: 'userName' }], 'mutability', 'required'],
    ['required emptied', [{ op: 'replace', path: 'userName', value: '' }], 'invalidValue', 'userName is required'],
    ['readOnly groups', [{ op: 'add', path: 'groups', value: [{ value: 'g' }] }], 'mutability', 'groups is readOnly'],
    ['readOnly meta', [{ op: 'replace', path: 'meta.created', value: '2026-01-01' }], 'mutability', 'readOnly'],
    ['readOnly schemas', [{ op: 'add', path: 'schemas', value: ['urn:x'] }], 'mutability', 'readOnly'],
    ['readOnly id', [{ op: 'replace', path: 'id', value: 'x' }], 'mutability', 'id is readOnly'],
    [
      'readOnly status',
      [{ op: 'replace', path: `${BRIDGE}:status`, value: 'member' }],
      'mutability',
      'status is readOnly',
    ],
    ['readOnly removed', [{ op: 'remove', path: 'groups' }], 'mutability', 'groups is readOnly'],
    ['readOnly part', [{ op: 'add', path: 'manager.displayName', value: 'x' }], 'mutability', 'readOnly'],
    [
      'no such element',
      [{ op: 'replace', path: 'emails[value eq "z@x"].display', value: 'x' }],
      'noTarget',
      'no element matches',
    ],
    [
      'no element to make of the filter',
      [{ op: 'replace', path: 'emails[type sw "z"].value', value: 'x' }],
      'noTarget',
      'no element matches',
    ],
    [
      'no element to make of a contradiction',
      [{ op: 'replace', path: 'emails[type eq "z"].type', value: 'x' }],
      'noTarget',
      'no element matches',
    ],
    [
      'remove that names nothing',
      [{ op: 'remove', path: 'emails', value: [{ nope: 1 }] }],
      'invalidValue',
      'what to remove',
    ],
    ['remove of ""', [{ op: 'remove', path: 'emails', value: '' }], 'invalidValue', 'what to remove'],
    ['closed value', [{ op: 'add', path: `${BRIDGE}:seatType`, value: 'king' }], 'invalidValue', 'workspace_admin'],
    [
      'entitlement',
      [{ op: 'add', path: 'entitlements', value: [{ value: 'voice:x' }] }],
      'invalidValue',
      'resourceType:resourceId:role',
    ],
    ['core URN removed', [{ op: 'remove', path: CORE }], 'noTarget', 'cannot be removed'],
  ])('for %s', (_, operations, scimType, detail) => {
    const error = refusal(() => patch(operations));
    expect(error.status).toBe(400);
    expect(error.scimType).toBe(scimType);
    expect(error.message).toContain(detail);
  });

  it('for a message that is no PatchOp', () => {
    for (const body of [
      null,
      [],
      'x',
      {},
      { Operations: [{ op: 'add', path: 'title', value: 'x' }] },
      { schemas: ['urn:x'], Operations: [] },
    ]) {
      expect(refusal(() => parseUserPatch(body)).scimType).toBe('invalidSyntax');
    }
  });

  it('with the number of the operation', () => {
    expect(
      refusal(() =>
        patch([
          { op: 'add', path: 'title', value: 'x' },
          { op: 'add', path: 'nope', value: 'x' },
        ]),
      ).message,
    ).toMatch(/^Operations\[1\]: /);
  });

  it('before it costs too much', () => {
    const emails = Array.from({ length: 1000 }, (_, n) => ({ value: `${String(n)}@x`, type: 'work' }));
    const filter = Array.from({ length: 50 }, (_, n) => `value co "${String(n)}z"`).join(' or ');
    const operations = [
      { op: 'replace', path: 'emails', value: emails },
      ...Array.from({ length: 100 }, () => ({ op: 'remove', path: `emails[${filter}]` })),
    ];
    expect(refusal(() => patch(operations)).scimType).toBe('tooMany');
    expect(refusal(() => patch(Array.from({ length: 10_001 }, () => ({ op: 'remove', path: 'title' })))).status).toBe(
      413,
    );
  });
});

describe('readOnly attributes without a path', () => {
  const rendered = { ...start, id: 'u1', groups: [{ value: 'g1', display: 'G' }] };

  it('are no change where they say what is', () => {
    const value = {
      id: 'u1',
      schemas: ['urn:x'],
      meta: { version: 'W/"1"' },
      groups: [{ display: 'G', value: 'g1' }],
      displayName: 'B',
    };
    expect(patch([{ op: 'replace', value }], { id: 'u1', rendered })['displayName']).toBe('B');
    expect(
      patch([{ op: 'replace', value: { groups: [], displayName: 'B' } }], { id: 'u1', rendered })['displayName'],
    ).toBe('B');
  });

  it.each([[{ id: 'u2' }], [{ groups: [{ value: 'g2' }] }], [{ [BRIDGE]: { status: 'member' } }]])(
    'are refused where they say otherwise: %j',
    (value) => {
      expect(refusal(() => patch([{ op: 'replace', value }], { id: 'u1', rendered })).scimType).toBe('mutability');
    },
  );
});

describe('names that are no attributes', () => {
  it.each([
    '__proto__',
    'constructor',
    '__proto__.polluted',
    'constructor.prototype.polluted',
    'emails[__proto__ eq "x"].value',
    `${ENTERPRISE}:__proto__`,
  ])('%s reaches no prototype', (path) => {
    expect(refusal(() => one('add', path, { polluted: 1 })).scimType).toBe('invalidPath');
    const value: unknown = JSON.parse(`{"${path.replaceAll('"', '\\"')}":{"polluted":1},"__proto__":{"polluted":1}}`);
    try {
      one('add', undefined, value);
    } catch {
      // keys with a bracket are refused, others ignored
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
