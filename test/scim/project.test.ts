import { describe, expect, it } from '@jest/globals';
import type { Attribute, ResourceType } from '../../src/domain/schema.js';
import { attribute } from '../../src/domain/attribute.js';
import type { JsonObject } from '../../src/domain/types.js';
import { USER } from '../../src/domain/user-schema.js';
import { parseProjection, project, shows, type AttributeNames } from '../../src/scim/project.js';

const CORE = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

const resource: JsonObject = {
  schemas: [CORE, ENTERPRISE],
  id: 'u1',
  externalId: 'x',
  userName: 'alice',
  name: { givenName: 'A', familyName: 'B' },
  emails: [{ value: 'a@x', type: 'work' }, { type: 'home' }],
  groups: [{ value: 'g', display: 'G' }],
  [ENTERPRISE]: { department: 'D', manager: { value: 'm', $ref: 'r' } },
  meta: { resourceType: 'User', version: 'W/"1"' },
};
const always = { schemas: resource['schemas'], id: 'u1' };
const view = (attributes: AttributeNames, excluded?: AttributeNames) =>
  project(resource, parseProjection(attributes, excluded, USER));
const without = (...names: string[]) =>
  Object.fromEntries(Object.entries(resource).filter(([name]) => !names.includes(name)));

describe('attributes=', () => {
  it.each<[string, AttributeNames, object]>([
    ['one', 'userName', { userName: 'alice' }],
    ['in any case, with spaces', ' USERNAME , Name ', { userName: 'alice', name: resource['name'] }],
    ['as a list', ['userName', 'externalId'], { userName: 'alice', externalId: 'x' }],
    ['a sub-attribute', 'name.givenName', { name: { givenName: 'A' } }],
    ['a sub-attribute of elements; elements without it go', 'emails.value', { emails: [{ value: 'a@x' }] }],
    ['with a filter, which counts for nothing', 'emails[type eq "work"].value', { emails: [{ value: 'a@x' }] }],
    ['several parts', 'emails.type,emails.value', { emails: resource['emails'] }],
    ['the whole and a part', 'emails,emails.value', { emails: resource['emails'] }],
    ['a part and the whole', 'emails.value,emails', { emails: resource['emails'] }],
    ['by the URN of the core', `${CORE}:userName`, { userName: 'alice' }],
    ['an extension', ENTERPRISE, { [ENTERPRISE]: resource[ENTERPRISE] }],
    [
      'an extension attribute, any case',
      `${ENTERPRISE.toLowerCase()}:DEPARTMENT`,
      { [ENTERPRISE]: { department: 'D' } },
    ],
    ['an extension sub-attribute', `${ENTERPRISE}:manager.value`, { [ENTERPRISE]: { manager: { value: 'm' } } }],
    ['meta', 'meta.version', { meta: { version: 'W/"1"' } }],
    ['what does not exist', 'nope,emails.nope,__proto__,constructor.keys', {}],
    ['what was not given', 'title,emails.display', {}],
    ['password', 'password', {}],
    [
      'all of the core',
      CORE,
      { userName: 'alice', name: resource['name'], emails: resource['emails'], groups: resource['groups'] },
    ],
  ])('%s', (_, attributes, shown) => expect(view(attributes)).toEqual({ ...always, ...shown }));

  it.each([null, undefined, '', ' , ', []])('not given (%j) shows everything', (attributes) => {
    expect(view(attributes)).toEqual(resource);
  });
});

describe('excludedAttributes=', () => {
  it.each<[string, AttributeNames, object]>([
    ['one', 'emails', without('emails')],
    ['several', 'EMAILS,groups', without('emails', 'groups')],
    ['a part', 'emails.type', { ...resource, emails: [{ value: 'a@x' }] }],
    ['never id and schemas', 'id,schemas,userName', without('userName')],
    ['an extension', ENTERPRISE, without(ENTERPRISE)],
    ['an extension attribute', `${ENTERPRISE}:manager`, { ...resource, [ENTERPRISE]: { department: 'D' } }],
    ['meta', 'meta', without('meta')],
    ['what does not exist', 'nope', resource],
  ])('%s', (_, excluded, shown) => expect(view(undefined, excluded)).toEqual(shown));

  it('yields to attributes', () => expect(view('userName', 'userName')).toEqual({ ...always, userName: 'alice' }));
});

describe('the returned characteristic', () => {
  const part = (name: string, returned: Attribute['returned']) => attribute(name, 'string', '', { returned });
  const type: ResourceType = {
    name: 'T',
    endpoint: '/Ts',
    description: '',
    core: {
      id: 'urn:t',
      name: 'T',
      description: '',
      attributes: [part('a', 'always'), part('n', 'never'), part('d', 'default'), part('r', 'request')],
    },
    extensions: [],
  };
  const all = { a: '1', n: '2', d: '3', r: '4' };

  it.each<[AttributeNames, AttributeNames, string]>([
    [null, null, 'a d'],
    ['r', null, 'a r'],
    ['n,d', null, 'a d'],
    [null, 'a,d,r', 'a'],
  ])('attributes %j, excluded %j', (attributes, excluded, shown) => {
    expect(Object.keys(project(all, parseProjection(attributes, excluded, type))).join(' ')).toBe(shown);
  });
});

it('tells beforehand whether an attribute can be shown', () => {
  const can = (attributes: AttributeNames, excluded: AttributeNames) =>
    shows(parseProjection(attributes, excluded, USER), 'groups');
  expect([
    can(null, null),
    can('groups.value', null),
    can('userName', null),
    can(null, 'groups'),
    can(null, 'groups.value'),
  ]).toEqual([true, true, false, false, true]);
});
