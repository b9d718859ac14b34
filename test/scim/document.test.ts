import { describe, expect, it } from '@jest/globals';
import type { Document } from '../../src/domain/types.js';
import { invalidValue } from '../../src/errors.js';
import { readGroupDocument, readUserDocument } from '../../src/scim/document.js';
import { refusal } from '../support/refusal.js';

const CORE = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const BRIDGE = 'urn:ietf:params:scim:schemas:extension:elevenlabs:2.0:User';
const GROUP_CORE = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const GROUP_BRIDGE = 'urn:ietf:params:scim:schemas:extension:elevenlabs:2.0:Group';

const user = (body: object, previous: Document | null = null) => readUserDocument({ userName: 'a', ...body }, previous);

describe('the body of a User becomes', () => {
  it.each<[string, object, object]>([
    ['active by default', {}, { active: true }],
    [
      'canonical names, whatever the case',
      { USERNAME: 'x', DisplayName: 'D', NAME: { GIVENNAME: 'G' } },
      { userName: 'x', displayName: 'D', name: { givenName: 'G' }, active: true },
    ],
    [
      'nothing for null, "", [] and shells',
      {
        title: null,
        nickName: '',
        emails: [],
        phoneNumbers: [null],
        name: {},
        addresses: null,
        roles: [{}],
        ims: [{ value: '', type: 'x' }],
        [ENTERPRISE]: { manager: { value: '', displayName: '' } },
      },
      { active: true },
    ],
    [
      'nothing for what it does not know',
      { foo: 1, 'urn:x:y': { a: 1 }, name: { foo: 1, givenName: 'G' }, schemas: [CORE, 'urn:x:y'] },
      { name: { givenName: 'G' }, active: true },
    ],
    [
      'nothing for readOnly attributes',
      {
        id: 'x',
        meta: { created: 1 },
        groups: [{ value: 'g' }],
        [BRIDGE]: { status: 'member', memberId: 'm', usageLimit: 3 },
      },
      { active: true, [BRIDGE]: { usageLimit: 3 } },
    ],
    ['nothing for a password', { password: 'secret' }, { active: true }],
    [
      'booleans for their words',
      { active: 'False', emails: [{ value: 'a@x', primary: 'True' }] },
      { active: false, emails: [{ value: 'a@x', primary: true }] },
    ],
    [
      'verbatim text',
      { externalId: ' X ', phoneNumbers: [{ value: '55555555555', type: 'work' }] },
      { externalId: ' X ', active: true, phoneNumbers: [{ value: '55555555555', type: 'work' }] },
    ],
    [
      'an extension for its unprefixed attributes',
      { department: 'D', manager: null, employeeNumber: '7' },
      { active: true, [ENTERPRISE]: { employeeNumber: '7', department: 'D' } },
    ],
    [
      'an extension for its full attribute URNs',
      { [`${ENTERPRISE}:department`]: 'D' },
      { active: true, [ENTERPRISE]: { department: 'D' } },
    ],
    [
      'an extension for its URN in any case',
      { [ENTERPRISE.toUpperCase()]: { DEPARTMENT: 'D' } },
      { active: true, [ENTERPRISE]: { department: 'D' } },
    ],
    [
      'an object for a bare manager',
      { [ENTERPRISE]: { manager: 'u2' } },
      { active: true, [ENTERPRISE]: { manager: { value: 'u2' } } },
    ],
    [
      'an object for a manager in a list',
      { [ENTERPRISE]: { manager: [{ value: 'u2', $ref: null }] } },
      { active: true, [ENTERPRISE]: { manager: { value: 'u2' } } },
    ],
    [
      'an object for a manager by $ref',
      { [ENTERPRISE]: { manager: { $ref: '../Users/u2' } } },
      { active: true, [ENTERPRISE]: { manager: { value: 'u2' } } },
    ],
    [
      'roles for JSON in a string',
      { roles: [{ value: '{"id":"1","value":"Auditor","displayName":"The Auditor"}', primary: 'false' }] },
      { active: true, roles: [{ value: 'Auditor', display: 'The Auditor', primary: false }] },
    ],
    [
      'roles for displayName and bare strings',
      { roles: [{ value: 'A', displayName: 'Aa' }, 'B'] },
      { active: true, roles: [{ value: 'A', display: 'Aa' }, { value: 'B' }] },
    ],
    ['a role for text that only looks like JSON', { roles: ['{oops'] }, { active: true, roles: [{ value: '{oops' }] }],
    [
      'one element for a type and value twice',
      {
        emails: [
          { value: 'A@x', type: 'work', primary: true },
          { value: 'a@X', type: 'WORK', display: 'd' },
        ],
      },
      { active: true, emails: [{ value: 'a@X', display: 'd', type: 'WORK', primary: true }] },
    ],
    [
      'one primary: the last',
      {
        emails: [
          { value: 'a', primary: true },
          { value: 'b', primary: true },
        ],
      },
      {
        active: true,
        emails: [
          { value: 'a', primary: false },
          { value: 'b', primary: true },
        ],
      },
    ],
    [
      'a list for an element that stands alone',
      { emails: { value: 'a@x' } },
      { active: true, emails: [{ value: 'a@x' }] },
    ],
    [
      'any canonical value, they are hints',
      { emails: [{ value: 'a', type: 'Weird' }] },
      { active: true, emails: [{ value: 'a', type: 'Weird' }] },
    ],
    [
      'the closed ones in their own case',
      { [BRIDGE]: { seatType: 'Workspace_Admin', usageLimit: '10' } },
      { active: true, [BRIDGE]: { seatType: 'workspace_admin', usageLimit: 10 } },
    ],
    [
      'entitlements that differ by case alone',
      { entitlements: [{ value: 'voice:abC:viewer' }, { value: 'voice:aBc:viewer' }] },
      { active: true, entitlements: [{ value: 'voice:abC:viewer' }, { value: 'voice:aBc:viewer' }] },
    ],
  ])('%s', (_, body, stored) => expect(user(body)).toEqual({ userName: 'a', ...stored }));

  it('a document with its keys in the order of the tables, so that equal ones are equal as text', () => {
    const one = readUserDocument(
      {
        userName: 'a',
        displayName: 'd',
        externalId: 'e',
        emails: [{ type: 'work', value: 'v' }],
        department: 'x',
        [BRIDGE]: { usageLimit: 1, seatType: 'workspace_admin' },
      },
      null,
    );
    const other = readUserDocument(
      {
        [BRIDGE]: { seatType: 'workspace_admin', usageLimit: 1 },
        [ENTERPRISE]: { department: 'x' },
        emails: [{ value: 'v', type: 'work' }],
        externalId: 'e',
        displayName: 'd',
        active: true,
        userName: 'a',
      },
      null,
    );
    expect(JSON.stringify(one)).toBe(JSON.stringify(other));
  });

  it('shares nothing with the request', () => {
    const name = { givenName: 'G' };
    const document = user({ name });
    name.givenName = 'changed';
    expect(document['name']).toEqual({ givenName: 'G' });
  });
});

describe('the body of a User is refused', () => {
  it.each<[string, object, string]>([
    ['userName', { userName: '' }, 'userName'],
    ['userName', { userName: null }, 'userName'],
    ['userName', { userName: '  ' }, 'userName'],
    ['userName', { userName: 5 }, 'userName must be a string; it is 5'],
    ['a list', { userName: ['a', 'b'] }, 'userName must be one value; it is a list of 2'],
    ['active', { active: 'yes' }, 'active must be true or false; it is "yes"'],
    ['an element', { emails: [{ value: 'a' }, 7] }, 'emails[1] must be an object; it is 7'],
    [
      'a part of an element',
      { emails: [{ value: { x: 1 } }] },
      'emails[0].value must be a string; it is an object with x',
    ],
    ['name', { name: 'Alice' }, 'name must be an object; it is "Alice"'],
    ['profileUrl', { profileUrl: 'no url at all' }, 'profileUrl must be a URI'],
    ['a certificate', { x509Certificates: [{ value: '%%%' }] }, 'x509Certificates[0].value must be base64'],
    [
      'seatType',
      { [BRIDGE]: { seatType: 'king' } },
      `${BRIDGE}:seatType must be one of workspace_admin, workspace_member, workspace_lite_member; it is "king"`,
    ],
    ['usageLimit', { [BRIDGE]: { usageLimit: -1 } }, 'usageLimit must be a whole number, 0 or more; it is -1'],
    ['usageLimit', { [BRIDGE]: { usageLimit: 1.5 } }, 'usageLimit'],
    ['usageLimit', { [BRIDGE]: { usageLimit: 1e300 } }, 'usageLimit'],
    ['an extension', { [ENTERPRISE]: 'x' }, `${ENTERPRISE} must be an object`],
    ['an entitlement', { entitlements: [{ value: 'voice:nonsense' }] }, 'resourceType:resourceId:role'],
    ['text with NUL', { title: 'a\u0000b' }, 'title'],
    ['text with half a pair', { title: '\ud800' }, 'title'],
    [
      'too many elements',
      { emails: Array.from({ length: 1001 }, (_, n) => ({ value: `${String(n)}@x` })) },
      'more than 1000',
    ],
  ])('for %s: %j', (_, body, detail) => {
    const error = refusal(() => user(body));
    expect(error.scimType).toBe('invalidValue');
    expect(error.message).toContain(detail);
    expect(error.message.length).toBeLessThan(600);
  });

  it('without a word of a password that is refused', () => {
    for (const password of [12345678, true, ['a', 'b'], { hunter2: 1 }, 'hunter2\0', 'hunter2\ud800']) {
      const { message } = refusal(() => user({ password }));
      expect(message).toMatch(/^password must be [^;]+(; it is a list of 2)?\.$/);
    }
  });

  it.each([[null], ['x'], [[]], [7]])('where it is no object: %j', (body) =>
    expect(refusal(() => readUserDocument(body, null)).scimType).toBe('invalidSyntax'),
  );

  it('where a name is longer than any name', () => {
    const group = (displayName: string) => readGroupDocument({ displayName }, null).document;
    expect(group('x'.repeat(1024))['displayName']).toHaveLength(1024);
    expect(() => group('x'.repeat(1025))).toThrow('displayName has more than 1024 characters');
    expect(() => readUserDocument({ userName: '\ufdfa'.repeat(1025) }, null)).toThrow('userName has more than 1024');
  });

  it('where schemas names another type, and only then', () => {
    expect(refusal(() => user({ schemas: [GROUP_CORE] })).scimType).toBe('invalidSyntax');
    expect(refusal(() => user({ schemas: [5] })).scimType).toBe('invalidSyntax');
    for (const schemas of [[], null, CORE, [CORE.toUpperCase()], [CORE, 'urn:whatever']])
      expect(() => user({ schemas })).not.toThrow();
  });

  it('where the rules of the operator refuse an entitlement that is new', () => {
    const checks = {
      share: () => {
        throw invalidValue('not through SCIM');
      },
    };
    const body = { userName: 'a', entitlements: [{ value: 'voice:x:viewer' }] };
    expect(refusal(() => readUserDocument(body, null, checks)).message).toBe('not through SCIM');
    const stored = readUserDocument(body, null);
    expect(readUserDocument(body, stored, checks)).toEqual(stored);
  });
});

describe('keys of objects', () => {
  it('never reach a prototype', () => {
    const hostile: unknown = JSON.parse(
      `{"userName":"a","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"name":{"__proto__":{"polluted":1}},"${ENTERPRISE}:__proto__.polluted":1,"${ENTERPRISE}":{"__proto__":{"polluted":1}}}`,
    );
    expect(readUserDocument(hostile, null)).toEqual({ userName: 'a', active: true });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('PUT of a User', () => {
  const previous = user({
    active: false,
    title: 'T',
    department: 'D',
    employeeNumber: '7',
    [BRIDGE]: { seatType: 'workspace_admin' },
  });

  it('replaces, but keeps active and the extensions that are not in the body', () => {
    expect(user({}, previous)).toEqual({
      userName: 'a',
      active: false,
      [ENTERPRISE]: { employeeNumber: '7', department: 'D' },
      [BRIDGE]: { seatType: 'workspace_admin' },
    });
    expect(user({ active: null }, previous)['active']).toBe(false);
  });

  it('replaces an extension that is in the body', () => {
    expect(user({ [ENTERPRISE]: { department: 'E' } }, previous)[ENTERPRISE]).toEqual({ department: 'E' });
    expect(user({ [ENTERPRISE]: {} }, previous)[ENTERPRISE]).toBeUndefined();
    expect(user({ [ENTERPRISE]: null }, previous)[ENTERPRISE]).toBeUndefined();
  });

  it('changes only the unprefixed attributes that are in the body', () => {
    expect(user({ department: 'E' }, previous)[ENTERPRISE]).toEqual({ employeeNumber: '7', department: 'E' });
    expect(user({ department: '' }, previous)[ENTERPRISE]).toEqual({ employeeNumber: '7' });
  });

  it('of what was read back is the same text', () => {
    expect(JSON.stringify(user({ ...previous }, previous))).toBe(JSON.stringify(previous));
  });
});

describe('the body of a Group', () => {
  it.each<[string, object, string[] | null]>([
    ['has no members', {}, null],
    ['has none by template', { members: '' }, null],
    ['has an empty list', { members: [] }, []],
    ['has null', { members: null }, []],
    [
      'has members, each once, in order',
      {
        MEMBERS: [{ value: 'b' }, { VALUE: 'a', type: 'User' }, 'b', null, { $ref: 'https://x/Users/c', value: null }],
      },
      ['b', 'a', 'c'],
    ],
    ['has one alone', { members: { value: 'a' } }, ['a']],
    ['has them by full URN', { [`${GROUP_CORE}:members`]: [{ value: 'a' }] }, ['a']],
  ])('%s', (_, body, members) => {
    expect(readGroupDocument({ displayName: 'G', ...body }, null)).toEqual({ document: { displayName: 'G' }, members });
  });

  it('of a PUT never empties the group by a list that names nobody', () => {
    const read = (members: unknown) => readGroupDocument({ displayName: 'G', members }, { displayName: 'G' }).members;
    expect([read([]), read(null), read([null, { value: 'a' }])]).toEqual([[], [], ['a']]);
    expect(() => read([null])).toThrow('members must be a list of members');
    expect(() => read([{}])).toThrow('members[0].value');
  });

  it("tolerates Microsoft's schema and keeps the extension", () => {
    const body = {
      schemas: [GROUP_CORE, 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'],
      displayName: 'G',
      externalId: 'x',
      [GROUP_BRIDGE]: {
        groupId: 'w',
        linkStatus: 'linked',
        shares: [{ resourceType: 'voice', resourceId: 'v', role: 'EDITOR' }],
      },
    };
    expect(readGroupDocument(body, null).document).toEqual({
      externalId: 'x',
      displayName: 'G',
      [GROUP_BRIDGE]: { groupId: 'w', shares: [{ resourceType: 'voice', resourceId: 'v', role: 'editor' }] },
    });
  });

  it.each<[object, string]>([
    [{ displayName: '' }, 'displayName is required'],
    [{ members: [{ value: 'g', type: 'Group' }] }, 'ElevenLabs has no nested groups'],
    [{ members: [{ value: 'g', $ref: 'https://x/scim/v2/Groups/g' }] }, 'ElevenLabs has no nested groups'],
    [{ members: [{ display: 'x' }] }, 'members[0].value must be the id of a User'],
    [{ members: [{ value: 'a' }, { value: 7 }] }, 'members[1].value'],
    [{ members: [7] }, 'members[0]'],
    [{ [GROUP_BRIDGE]: { shares: [{ resourceType: 'voice', role: 'viewer' }] } }, 'resourceId is missing'],
    [
      { [GROUP_BRIDGE]: { shares: [{ resourceType: 'nope', resourceId: 'x', role: 'viewer' }] } },
      'unknown resource type',
    ],
    [
      { [GROUP_BRIDGE]: { shares: [{ resourceType: 'voice', resourceId: 'x', role: 'owner' }] } },
      'role must be one of',
    ],
  ])('is refused: %j', (body, detail) => {
    const error = refusal(() => readGroupDocument({ displayName: 'G', ...body }, null));
    expect(error.scimType).toBe('invalidValue');
    expect(error.message).toContain(detail);
  });
});
