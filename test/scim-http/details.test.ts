/** Details of the specifications that clients and suites look at, over HTTP. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildRules, parseMapping } from '../../src/domain/mapping-file.js';
import { DEFAULT_RULES, type Rules } from '../../src/domain/rules.js';
import { patchBody, startBridge, userBody, type AnyJson, type Bridge } from './bridge.js';

const CORE = 'urn:ietf:params:scim:schemas:core:2.0';
const OURS = 'urn:ietf:params:scim:schemas:extension:elevenlabs:2.0';

let rules: Rules = DEFAULT_RULES;
let bridge: Bridge;
beforeAll(async () => {
  bridge = await startBridge({ rules: () => rules, documentationUri: () => 'https://bridge.test/admin/setup' });
});
afterAll(() => bridge.close());

const get = async (path: string) => bridge.call('GET', path);
const patch = (id: string, ...operations: readonly object[]) =>
  bridge.call('PATCH', `/Users/${id}`, { body: patchBody(...operations) });
const found = async (filter: string): Promise<string[]> =>
  (await get(`/Users?filter=${encodeURIComponent(filter)}`)).body.Resources.map((user: AnyJson) => user.userName);

describe('elements of multi-valued attributes', () => {
  it('are not primary unless they say so: for filters, and for a PATCH through one', async () => {
    const emails = [
      { value: 'first@primary.test', type: 'work', primary: true },
      { value: 'second@primary.test', type: 'home' },
      { value: 'third@primary.test', type: 'other', primary: false },
    ];
    const { id } = await bridge.user('primary', { emails });
    expect(await found('userName eq "primary" and emails[primary eq false and type eq "home"]')).toEqual(['primary']);
    expect(await found('userName eq "primary" and emails[primary eq false and type eq "work"]')).toEqual([]);
    const { status, body } = await patch(id, { op: 'replace', path: 'emails[primary eq false].display', value: 'D' });
    expect(status).toBe(200);
    expect(body.emails).toEqual([emails[0], { ...emails[1], display: 'D' }, { ...emails[2], display: 'D' }]);
  });

  it('lose the part that is removed and nothing else, and go with the last one', async () => {
    const phoneNumbers = [{ value: '1', display: 'One', type: 'work' }, { value: '2' }];
    const { id } = await bridge.user('parts', { phoneNumbers });
    const first = await patch(id, { op: 'remove', path: 'phoneNumbers[type eq "work"].value' });
    expect(first.body.phoneNumbers).toEqual([{ display: 'One', type: 'work' }, { value: '2' }]);
    const second = await patch(
      id,
      { op: 'remove', path: 'phoneNumbers[type eq "work"].display' },
      { op: 'remove', path: 'phoneNumbers[type eq "work"].type' },
    );
    expect(second.body.phoneNumbers).toEqual([{ value: '2' }]);
  });

  it('are not made by a replace without a value, nor of a type that is none', async () => {
    const { id } = await bridge.user('made');
    const none = await patch(id, { op: 'replace', path: 'emails[type eq "nonexistent"].value', value: 'n@made.test' });
    expect([none.status, none.body.scimType]).toEqual([400, 'noTarget']);
    const bare = await patch(id, { op: 'replace', path: 'phoneNumbers[type eq "work"].display', value: 'D' });
    expect([bare.status, bare.body.scimType]).toEqual([400, 'noTarget']);
    const made = await patch(id, { op: 'Replace', path: 'phoneNumbers[type eq "mobile"].value', value: '7' });
    expect(made.body.phoneNumbers).toEqual([{ value: '7', type: 'mobile' }]);
    const together = await patch(
      id,
      { op: 'Replace', path: 'phoneNumbers[type eq "fax"].display', value: 'Fax' },
      { op: 'Replace', path: 'phoneNumbers[type eq "fax"].value', value: '8' },
    );
    expect(together.body.phoneNumbers).toContainEqual({ value: '8', display: 'Fax', type: 'fax' });
  });

  it('match `ne` if one of them differs, or if there is none', async () => {
    await bridge.user('ne-work', { title: 'ne' });
    await bridge.user('ne-home', { title: 'ne', emails: [{ value: 'ne-home@x.test', type: 'home' }] });
    await bridge.user('ne-both', {
      title: 'ne',
      emails: [
        { value: 'ne-both@x.test', type: 'work' },
        { value: 'ne-both2@x.test', type: 'home' },
      ],
    });
    await bridge.user('ne-none', { title: 'ne', emails: [], active: false });
    const of = (filter: string) => found(`title eq "ne" and ${filter}`);
    expect(await of('emails.type ne "work"')).toEqual(['ne-home', 'ne-both', 'ne-none']);
    expect(await of('not (emails.type eq "work")')).toEqual(['ne-home', 'ne-none']);
    expect(await of('emails[type ne "work"]')).toEqual(['ne-home', 'ne-both']);
  });
});

it('active cannot be removed, and the schema says that it is required', async () => {
  const { id } = await bridge.user('kept');
  const { status, body } = await patch(id, { op: 'remove', path: 'active' });
  expect([status, body.scimType]).toEqual([400, 'mutability']);
  expect((await attributeOf(`${CORE}:User`, 'active')).required).toBe(true);
  expect((await bridge.call('POST', '/Users', { body: userBody('unsaid') })).body.active).toBe(true);
});

it('the address that is invited is unique, and the schema says so', async () => {
  await bridge.user('one', { emails: [{ value: 'same@x.test', type: 'work' }] });
  const emails = [{ value: 'SAME@x.test', type: 'work' }];
  const again = await bridge.call('POST', '/Users', { body: userBody('two', { emails }) });
  expect([again.status, again.body.scimType]).toEqual([409, 'uniqueness']);
  expect((await attributeOf(`${CORE}:User`, 'emails', 'value')).uniqueness).toBe('server');
});

describe('entitlements', () => {
  it('of no resource type are kept, and those that begin with one must be right', async () => {
    const entitlements = [{ value: 'payroll-admin' }, { value: 'crm:7:reader' }];
    const user = await bridge.user('entitled', { entitlements });
    expect(user.entitlements).toEqual(entitlements);
    const { idle } = { idle: (await bridge.store.shareOverview()).idle };
    expect(idle.join('\n')).toContain('user "entitled": "payroll-admin" gives nothing');
    for (const value of ['voice', 'voice:v1', 'voice:v1:king', 'voice:../x:viewer']) {
      const body = userBody(`bad-${value.length}`, { entitlements: [{ value }] });
      const answer = await bridge.call('POST', '/Users', { body });
      expect([value, answer.status, answer.body.scimType]).toEqual([value, 400, 'invalidValue']);
    }
  });
});

describe('/Schemas, /Roles and /Entitlements', () => {
  const mapped = (text: string): Rules => {
    const parsed = parseMapping(text);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    return buildRules(DEFAULT_RULES, parsed.mapping);
  };

  it('list what can be written under the rules in force, each value of it, and nothing that is refused', async () => {
    for (const text of [
      '',
      'roles:\n  builtin: false\n  Sales Lead: workspace_admin\n',
      'allowDangerousShares: [admin, convai_secrets]\nentitlements:\n  - value: voice:v1:admin\n    display: Voice\n',
      'entitlements:\n  - value: voice:v1:viewer\n    display: Voice\n',
    ]) {
      rules = text === '' ? DEFAULT_RULES : mapped(text);
      const roles = (await attributeOf(`${CORE}:User`, 'roles', 'value')).canonicalValues as string[];
      expect(roles).toEqual([...rules.roleSeats.keys()]);
      const listed = (await get('/Roles')).body.Resources.map(({ id }: AnyJson) => id as string);
      expect(listed.length).toBeGreaterThan(0);
      expect(roles).toEqual(expect.arrayContaining(listed));
      const entitled = (await get('/Entitlements')).body.Resources.map(({ id }: AnyJson) => id as string);
      expect((await attributeOf(`${CORE}:User`, 'entitlements', 'value')).canonicalValues ?? []).toEqual(entitled);
      expect(entitled).toEqual(rules.namedEntitlements.map(({ value }) => value));
      const types = (await attributeOf(`${OURS}:Group`, 'shares', 'resourceType')).canonicalValues as string[];
      const shareRoles = (await attributeOf(`${OURS}:Group`, 'shares', 'role')).canonicalValues as string[];
      const share = async (resourceType: string, role: string): Promise<number> => {
        const shares = [{ resourceType, resourceId: 'r1', role }];
        const body = { schemas: [`${CORE}:Group`], displayName: 'Shares', [`${OURS}:Group`]: { shares } };
        const { status, body: made } = await bridge.call('POST', '/Groups', { body });
        if (status === 201) await bridge.call('DELETE', `/Groups/${String(made.id)}`);
        return status;
      };
      for (const type of ['voice', 'convai_secrets', 'workspace_auth_connections', 'nothing'])
        expect([text, type, await share(type, 'viewer')]).toEqual([text, type, types.includes(type) ? 201 : 400]);
      for (const role of ['admin', 'editor', 'viewer', 'king'])
        expect([text, role, await share('voice', role)]).toEqual([text, role, shareRoles.includes(role) ? 201 : 400]);
      for (const seatType of (await attributeOf(`${OURS}:User`, 'seatType')).canonicalValues as string[]) {
        const user = await bridge.user('seated', { [`${OURS}:User`]: { seatType } });
        await bridge.call('DELETE', `/Users/${String(user.id)}`);
      }
    }
    rules = DEFAULT_RULES;
  });

  it('describe discovery itself', async () => {
    for (const name of ['ServiceProviderConfig', 'ResourceType', 'Schema']) {
      const { status, body } = await get(`/Schemas/${CORE}:${name}`);
      expect([status, body.name]).toEqual([200, name]);
      const resource = {
        ServiceProviderConfig: '/ServiceProviderConfig',
        ResourceType: '/ResourceTypes/User',
        Schema: `/Schemas/${CORE}:User`,
      }[name];
      const shown = (await get(resource ?? '')).body as Record<string, unknown>;
      const known = body.attributes.map((attribute: AnyJson) => attribute.name as string);
      for (const key of Object.keys(shown)) expect([...known, 'schemas', 'meta', 'id']).toContain(key);
      for (const attribute of body.attributes)
        if (attribute.required === true) expect(shown).toHaveProperty(attribute.name as string);
    }
  });
});

describe('answers', () => {
  it('have a media type without charset, errors too', async () => {
    const { id } = await bridge.user('media');
    for (const [method, path] of [
      ['GET', `/Users/${String(id)}`],
      ['GET', '/Users'],
      ['GET', '/Users/none'],
      ['GET', '/Schemas'],
      ['GET', '/nowhere'],
    ] as const)
      expect((await bridge.call(method, path)).headers['content-type']).toBe('application/scim+json');
    const json = await bridge.call('GET', `/Users/${String(id)}`, { headers: { accept: 'application/json' } });
    expect(json.headers['content-type']).toBe('application/json');
  });

  it('say where the resource is, also with 200', async () => {
    const user = await bridge.user('placed');
    const path = `/Users/${String(user.id)}`;
    const body = { ...user, title: 'X' };
    for (const answer of [
      await get(path),
      await bridge.call('PUT', path, { body }),
      await patch(user.id, { op: 'replace', path: 'title', value: 'Y' }),
    ])
      expect([answer.status, answer.headers['location']]).toEqual([200, user.meta.location]);
  });

  it('name the documentation', async () => {
    expect((await get('/ServiceProviderConfig')).body.documentationUri).toBe('https://bridge.test/admin/setup');
  });
});

async function attributeOf(schema: string, ...names: readonly string[]): Promise<AnyJson> {
  let { attributes } = (await get(`/Schemas/${schema}`)).body;
  let attribute: AnyJson;
  for (const name of names) {
    attribute = attributes.find((candidate: AnyJson) => candidate.name === name);
    attributes = attribute.subAttributes;
  }
  return attribute;
}
