/** A withdrawal takes effect although something else in its request is refused. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { explain } from '../../src/domain/explain.js';
import { renderExplanation } from '../../src/domain/explain-text.js';
import { DEFAULT_RULES } from '../../src/domain/rules.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { BRIDGE_URN, GROUP_URN, startTestBridge, type ScimAnswer, type TestBridge } from '../support/bridge.js';

const at = (name: string): string => `${name}@workspace.example`;
const DISABLE = { op: 'replace', path: 'active', value: false };
const ENABLE = { op: 'replace', path: 'active', value: true };
const USER_URN = 'urn:ietf:params:scim:schemas:core:2.0:User';
const BULK_URN = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const name = (value: string) => ({ op: 'replace', path: 'userName', value });
const mail = (value: string) => ({ op: 'replace', path: 'emails', value: [{ value, type: 'work', primary: true }] });
const add = (...ids: readonly string[]) => ({ op: 'add', path: 'members', value: ids.map((value) => ({ value })) });
const remove = (id: string) => ({ op: 'remove', path: `members[value eq "${id}"]` });

let bridge: TestBridge;
afterEach(() => bridge.close());

async function start(env: Record<string, string> = {}): Promise<{ readonly ada: string; readonly bob: string }> {
  const members = [{ email: at('owner'), owner: true }, { email: at('ada') }, { email: at('bob') }];
  bridge = await startTestBridge({
    seed: minimalSeed({ members, groups: [{ name: 'Sales' }, { name: 'Legal' }] }),
    env,
  });
  const [ada, bob] = [await bridge.createUser('ada'), await bridge.createUser('bob')];
  return { ada: ada.body.id, bob: bob.body.id };
}

const isLocked = (who: string): boolean => bridge.workspace().members[at(who)]?.locked === true;
const documentOf = async (id: string) => (await bridge.scim('GET', `/Users/${id}`)).body;

async function explained(id: string): Promise<string> {
  const person = await bridge.store.person(id as never);
  if (person === null) throw new Error('no such person');
  const input = { groupName: () => null, person, rules: DEFAULT_RULES, now: bridge.clock.now(), ledger: [] };
  return renderExplanation(explain(input));
}

const refusedRows = async (kind: 'user' | 'group', id: string) =>
  (await bridge.store.auditRows({ subject: `${kind}:${id}`, limit: 20 })).filter(({ action }) =>
    action.endsWith('.refusedValues'),
  );

describe('active=false with a value that cannot be', () => {
  /** Every way of saying it in one request. */
  const ways: readonly (readonly [string, string, (ada: string) => Promise<ScimAnswer>])[] = [
    ['a userName of somebody else', 'userName', (ada) => bridge.patchUser(ada, name(at('bob')), DISABLE)],
    ['an e-mail of somebody else', 'emails', (ada) => bridge.patchUser(ada, DISABLE, mail(at('bob')))],
    [
      'both, without a path',
      'userName',
      (ada) =>
        bridge.patchUser(ada, {
          op: 'replace',
          value: { userName: at('bob'), active: 'False', emails: [{ value: at('bob'), type: 'work' }] },
        }),
    ],
    [
      'a userName of somebody else, by PUT',
      'userName',
      (ada) =>
        bridge.scim('PUT', `/Users/${ada}`, {
          schemas: [USER_URN],
          userName: at('bob'),
          emails: [{ value: at('ada'), type: 'work', primary: true }],
          active: false,
        }),
    ],
    [
      'a value of the wrong type',
      'title',
      (ada) => bridge.patchUser(ada, { op: 'replace', path: 'title', value: [1, 2] }, DISABLE),
    ],
    [
      'an id that is another',
      'id',
      (ada) => bridge.patchUser(ada, { op: 'replace', value: { id: UNKNOWN, active: false } }),
    ],
    [
      'a filter that chooses nothing',
      'emails',
      (ada) =>
        bridge.patchUser(
          ada,
          { op: 'replace', path: 'emails[value eq "nobody@x.example"].value', value: 'x@x.example' },
          DISABLE,
        ),
    ],
    [
      'no userName at all, by PUT',
      'userName',
      (ada) => bridge.scim('PUT', `/Users/${ada}`, { schemas: [USER_URN], active: false }),
    ],
  ];

  it.each(ways)('locks, and keeps what was: %s', async (_title, attribute, write) => {
    const { ada } = await start();
    const before = await documentOf(ada);
    const { status, body } = await write(ada);
    expect(status).toBe(200);
    await bridge.idle();
    expect(isLocked('ada')).toBe(true);
    expect(isLocked('bob')).toBe(false);
    expect(body).toMatchObject({ active: false, userName: before.userName });
    const { lastError, status: now } = await bridge.bridgeOf(ada);
    expect(now).toBe('locked');
    expect(lastError).toContain(attribute);
    expect(await explained(ada)).toContain(`refused value of ${attribute}`);
    const [row] = await refusedRows('user', ada);
    expect(row?.after).toContain(attribute);
  });

  it('applies what else the request says', async () => {
    const { ada } = await start();
    const { body } = await bridge.patchUser(
      ada,
      { op: 'add', path: 'title', value: 'Leaver' },
      name(at('bob')),
      DISABLE,
    );
    expect(body).toMatchObject({ title: 'Leaver', userName: at('ada') });
  });

  it('answers the same when it is repeated, and writes nothing', async () => {
    const { ada } = await start();
    const first = await bridge.patchUser(ada, name(at('bob')), DISABLE);
    const again = await bridge.patchUser(ada, name(at('bob')), DISABLE);
    expect([again.status, again.body.meta.version]).toEqual([200, first.body.meta.version]);
    expect(await refusedRows('user', ada)).toHaveLength(1);
  });

  it('keeps the address of a member under EMAIL_CHANGE=reject', async () => {
    const { ada } = await start({ EMAIL_CHANGE: 'reject' });
    const { status, body } = await bridge.patchUser(ada, mail(at('new')), DISABLE);
    await bridge.idle();
    expect([status, body.emails[0].value, isLocked('ada')]).toEqual([200, at('ada'), true]);
    expect(body[BRIDGE_URN].lastError).toContain('EMAIL_CHANGE=reject');
  });

  it('in Bulk', async () => {
    const { ada } = await start();
    const data = { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [name(at('bob')), DISABLE] };
    const Operations = [{ method: 'PATCH', path: `/Users/${ada}`, data }];
    const { body } = await bridge.scim('POST', '/Bulk', { schemas: [BULK_URN], Operations });
    await bridge.idle();
    expect([body.Operations[0].status, isLocked('ada')]).toEqual(['200', true]);
  });

  it('locks an imported member, by the first word of an IdP', async () => {
    const { bob } = await start();
    bridge.control.addMember({ email: at('eve') });
    await bridge.sync();
    const found = await bridge.scim('GET', `/Users?filter=${encodeURIComponent(`userName eq "${at('eve')}"`)}`);
    const { status } = await bridge.patchUser(found.body.Resources[0].id, name(at('bob')), DISABLE);
    await bridge.idle();
    expect([status, isLocked('eve'), bob.length > 0]).toEqual([200, true, true]);
  });
});

describe('the refused value is tried again when the user is turned on', () => {
  it('applied, once it is free', async () => {
    const { ada, bob } = await start();
    await bridge.patchUser(ada, name(at('bob')), DISABLE);
    await bridge.patchUser(bob, name('robert'), mail(at('bob')));
    const { status, body } = await bridge.patchUser(ada, ENABLE);
    await bridge.idle();
    expect([status, body.userName, isLocked('ada')]).toEqual([200, at('bob'), false]);
    expect((await bridge.bridgeOf(ada))['lastError']).toBeUndefined();
    expect(await explained(ada)).not.toContain('refused value');
  });

  it('answered with 409 while it is not', async () => {
    const { ada } = await start();
    await bridge.patchUser(ada, name(at('bob')), DISABLE);
    const { status, body } = await bridge.patchUser(ada, ENABLE);
    await bridge.idle();
    expect([status, body.scimType, isLocked('ada')]).toEqual([409, 'uniqueness', true]);
    expect(body.detail).toContain('refused when the user was disabled');
    expect((await documentOf(ada)).active).toBe(false);
  });

  it('but not against what the IdP says by then', async () => {
    const { ada } = await start();
    await bridge.patchUser(ada, name(at('bob')), DISABLE);
    const { status, body } = await bridge.patchUser(ada, name(at('ada')), ENABLE);
    expect([status, body.userName]).toEqual([200, at('ada')]);
  });

  it('and forgotten when the IdP takes it back before', async () => {
    const { ada } = await start();
    await bridge.patchUser(ada, name(at('bob')), DISABLE);
    await bridge.patchUser(ada, name(at('ada')));
    expect((await bridge.bridgeOf(ada))['lastError']).toBeUndefined();
    expect((await bridge.patchUser(ada, ENABLE)).status).toBe(200);
  });
});

describe('a withdrawal yields', () => {
  it.each([
    [
      'to a path that cannot be read',
      [DISABLE, { op: 'replace', path: 'emails[type eq', value: 'x' }],
      400,
      'invalidPath',
    ],
    ['to an operation that is none', [DISABLE, { op: 'toggle', path: 'title', value: 'x' }], 400, 'invalidSyntax'],
    ['where the last word is another', [DISABLE, ENABLE, name(at('bob'))], 409, 'uniqueness'],
    ['where active itself cannot be read', [{ ...DISABLE, value: 'maybe' }, name(at('bob'))], 400, 'invalidValue'],
  ])('%s', async (_title, operations, status, scimType) => {
    const { ada } = await start();
    const before = await documentOf(ada);
    const answer = await bridge.patchUser(ada, ...operations);
    await bridge.idle();
    expect([answer.status, answer.body.scimType, isLocked('ada')]).toEqual([status, scimType, false]);
    expect(await documentOf(ada)).toEqual(before);
  });

  it('to protection', async () => {
    await start();
    const { body } = await bridge.createUser('owner');
    const answer = await bridge.patchUser(body.id, name(at('bob')), DISABLE);
    expect([answer.status, answer.body.scimType]).toEqual([400, 'mutability']);
    expect(answer.body.detail).toContain('cannot be disabled');
  });

  it('to If-Match', async () => {
    const { ada } = await start();
    const body = { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [name(at('bob')), DISABLE] };
    expect((await bridge.scim('PATCH', `/Users/${ada}`, body, { 'if-match': 'W/"7"' })).status).toBe(412);
  });

  it('and another write to somebody who is inactive is refused as ever', async () => {
    const { ada } = await start();
    await bridge.patchUser(ada, DISABLE);
    expect((await bridge.patchUser(ada, name(at('bob')))).status).toBe(409);
  });
});

describe('members are removed although', () => {
  async function groups(): Promise<{ sales: string; ada: string; bob: string }> {
    const { ada, bob } = await start();
    const { body } = await bridge.createGroup('Sales', [ada]);
    await bridge.createGroup('Legal');
    await bridge.idle();
    expect(bridge.workspace().groups['Sales']).toEqual([at('ada')]);
    return { sales: body.id, ada, bob };
  }
  const shown = async (id: string) => (await bridge.scim('GET', `/Groups/${id}`)).body;

  it('a member to be added is unknown', async () => {
    const { sales, ada, bob } = await groups();
    const { status, body } = await bridge.patchGroup(sales, remove(ada), add(UNKNOWN, bob));
    await bridge.idle();
    expect(status).toBe(200);
    expect(body[GROUP_URN].lastError).toContain(UNKNOWN);
    expect(bridge.workspace().groups['Sales']).toEqual([at('bob')]);
    expect(await refusedRows('group', sales)).toHaveLength(1);
  });

  it('another group has the name', async () => {
    const { sales, ada } = await groups();
    const { status, body } = await bridge.patchGroup(sales, remove(ada), {
      op: 'replace',
      path: 'displayName',
      value: 'Legal',
    });
    await bridge.idle();
    expect([status, body.displayName]).toEqual([200, 'Sales']);
    expect(body[GROUP_URN].lastError).toContain('displayName');
    expect(bridge.workspace().groups['Sales']).toEqual([]);
  });

  it('a full list names somebody unknown', async () => {
    const { sales, bob } = await groups();
    const body = {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Sales',
      members: [{ value: bob }, { value: UNKNOWN }],
    };
    expect((await bridge.scim('PUT', `/Groups/${sales}`, body)).status).toBe(200);
    await bridge.idle();
    expect(bridge.workspace().groups['Sales']).toEqual([at('bob')]);
  });

  it('the name is tried again by the next write, and applied once it is free', async () => {
    const { sales, ada, bob } = await groups();
    await bridge.patchGroup(sales, remove(ada), { op: 'replace', path: 'displayName', value: 'Legal' });
    await bridge.patchGroup(sales, add(bob));
    expect(await shown(sales)).toMatchObject({ displayName: 'Sales', [GROUP_URN]: { lastError: expect.any(String) } });
    const legal = await bridge.scim('GET', `/Groups?filter=${encodeURIComponent('displayName eq "Legal"')}`);
    await bridge.scim('DELETE', `/Groups/${legal.body.Resources[0].id}`);
    await bridge.patchGroup(sales, add(ada));
    const after = await shown(sales);
    expect([after.displayName, after[GROUP_URN].lastError]).toEqual(['Legal', undefined]);
  });

  it('but where nobody is removed, the request is refused', async () => {
    const { sales, ada } = await groups();
    expect((await bridge.patchGroup(sales, add(UNKNOWN))).status).toBe(400);
    const list = { op: 'replace', path: 'members', value: [{ value: ada }, { value: UNKNOWN }] };
    expect((await bridge.patchGroup(sales, list)).status).toBe(400);
    const unreadable = { op: 'replace', path: 'members', value: [{ display: 'Ada' }] };
    expect((await bridge.patchGroup(sales, unreadable)).status).toBe(400);
    await bridge.idle();
    expect(bridge.workspace().groups['Sales']).toEqual([at('ada')]);
  });
});
