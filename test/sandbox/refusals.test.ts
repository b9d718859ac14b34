/** What the workspace API refuses, in the order and the words in which the real one does. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import type { Started } from './start.js';
import { start } from './start.js';

const OWNER = 'owner@workspace.example';
const MEMBERS = '/v1/workspace/members';
const INVITE = '/v1/workspace/invites/add';
const BULK = '/v1/workspace/invites/add-bulk';
const INVITES = '/v1/workspace/invites';

let running: Started;

beforeEach(async () => {
  running = await start({
    seed: minimalSeed({
      seatLimits: { full: 3, basic: 1 },
      members: [
        { email: OWNER, owner: true },
        { email: 'ann@x.example', firstName: 'Ann' },
        { email: 'lou@x.example', seatType: 'workspace_lite_member' },
        { email: 'locked@x.example', locked: true },
      ],
      groups: [
        { name: 'Team', id: 'team', members: ['ann@x.example'] },
        { name: 'Synced', id: 'synced', scimSynced: true },
      ],
      resources: [{ type: 'voice', id: 'v1', creator: 'ann@x.example' }],
    }),
  });
});
afterEach(() => running.close());

const state = () => JSON.stringify(running.sandbox.control.state());

describe('the pipeline', () => {
  it('wants a key first, even on unknown paths', async () => {
    const answer = await running.call('GET', '/v1/nowhere', undefined, null);
    expect(answer.status).toBe(401);
    expect(answer.json.detail).toEqual({
      type: 'authentication_error',
      code: 'needs_authorization',
      message: 'Neither authorization header nor xi-api-key received, please provide one.',
      status: 'needs_authorization',
      request_id: answer.headers.get('x-request-id'),
    });
  });

  it('rejects an unknown, a disabled and a locked member’s key', async () => {
    const { control } = running.sandbox;
    const ofAnn = control.createKey({ owner: 'ann@x.example' });
    const disabled = control.createKey({ owner: OWNER });
    control.revokeKey(disabled);
    expect((await running.call('GET', MEMBERS, undefined, ofAnn)).status).toBe(200);
    control.setLocked('ann@x.example', true);
    for (const key of ['sk_wrong', disabled, ofAnn]) {
      const { status, json } = await running.call('GET', MEMBERS, undefined, key);
      expect([status, json.detail.status]).toEqual([401, 'invalid_api_key']);
    }
  });

  it('answers a missing scope with 401 before it looks at the body', async () => {
    const key = running.sandbox.control.createKey({ owner: OWNER, scopes: ['workspace_members_read'] });
    expect((await running.call('GET', MEMBERS, undefined, key)).status).toBe(200);
    const { status, json } = await running.call('POST', MEMBERS, '{broken', key);
    expect([status, json.detail.code]).toEqual([401, 'missing_permissions']);
    expect(json.detail.message).toContain('workspace_write');
  });

  it('lets only administrators change members', async () => {
    const key = running.sandbox.control.createKey({ owner: 'ann@x.example' });
    const { status, json } = await running.call('POST', MEMBERS, { email: 'lou@x.example', is_locked: true }, key);
    expect([status, json.detail.code]).toEqual([403, 'insufficient_permissions']);
  });

  it('reports broken JSON and wrong fields like FastAPI', async () => {
    const broken = await running.call('POST', INVITE, '{"email":');
    expect(broken).toMatchObject({
      status: 422,
      json: { detail: [{ msg: 'JSON decode error', type: 'json_invalid' }] },
    });
    const missing = await running.call('POST', INVITE, { seat_type: 'workspace_queen', usage_limit: -1 });
    expect(missing.status).toBe(422);
    expect(missing.json.detail.map(({ loc, type }: { loc: string[]; type: string }) => [loc.join('.'), type])).toEqual([
      ['body.email', 'missing'],
      ['body.usage_limit', 'greater_than_equal'],
      ['body.seat_type', 'enum'],
    ]);
    const query = await running.call('GET', '/v1/workspace/groups/search');
    expect(query.json.detail[0]).toMatchObject({ loc: ['query', 'name'], type: 'missing' });
  });

  it('knows its paths and methods', async () => {
    expect(await running.call('GET', '/v1/nowhere')).toMatchObject({ status: 404, json: { detail: 'Not Found' } });
    expect(await running.call('PUT', MEMBERS)).toMatchObject({ status: 405, json: { detail: 'Method Not Allowed' } });
    expect((await running.call('DELETE', MEMBERS, { email: 'ann@x.example' })).status).toBe(405);
  });
});

/** [what, method, path, body, status, code] */
const REFUSED: readonly (readonly [string, string, string, unknown, number, string])[] = [
  ['update of a stranger', 'POST', MEMBERS, { email: 'no@x.example' }, 404, 'user_not_found'],
  ['lock of the owner', 'POST', MEMBERS, { email: OWNER, is_locked: true }, 403, 'forbidden'],
  [
    'demotion of the owner',
    'POST',
    MEMBERS,
    { email: OWNER, workspace_seat_type: 'workspace_member' },
    403,
    'forbidden',
  ],
  ['invite of a member', 'POST', INVITE, { email: 'ANN@x.example' }, 400, 'user_already_in_workspace'],
  ['invite of a locked member', 'POST', INVITE, { email: 'locked@x.example' }, 400, 'user_already_in_workspace'],
  ['invite of no address', 'POST', INVITE, { email: 'nobody' }, 400, 'invalid_parameters'],
  ['invite into an unknown group', 'POST', INVITE, { email: 'n@x.example', group_ids: ['?'] }, 404, 'group_not_found'],
  [
    'invite into a synced group',
    'POST',
    INVITE,
    { email: 'n@x.example', group_ids: ['synced'] },
    400,
    'group_managed_by_scim',
  ],
  ['bulk below Enterprise', 'POST', BULK, { emails: ['n@x.example'] }, 403, 'feature_not_available'],
  ['delete of no invite', 'DELETE', INVITES, { email: 'n@x.example' }, 500, 'internal_server_error'],
  [
    'add to an unknown group',
    'POST',
    '/v1/workspace/groups/no/members',
    { email: 'ann@x.example' },
    404,
    'group_not_found',
  ],
  [
    'add to a synced group',
    'POST',
    '/v1/workspace/groups/synced/members',
    { email: 'ann@x.example' },
    400,
    'group_managed_by_scim',
  ],
  [
    'add of a stranger',
    'POST',
    '/v1/workspace/groups/team/members',
    { email: 'no@x.example' },
    400,
    'user_not_in_workspace',
  ],
  [
    'remove of who is not in',
    'POST',
    '/v1/workspace/groups/team/members/remove',
    { email: 'lou@x.example' },
    400,
    'user_not_in_group',
  ],
  ['unknown resource', 'GET', '/v1/workspace/resources/v9?resource_type=voice', undefined, 404, 'resource_not_found'],
  [
    'share with nobody',
    'POST',
    '/v1/workspace/resources/v1/share',
    { role: 'viewer', resource_type: 'voice' },
    400,
    'invalid_parameters',
  ],
  [
    'share with two',
    'POST',
    '/v1/workspace/resources/v1/share',
    { role: 'viewer', resource_type: 'voice', user_email: 'lou@x.example', group_id: 'team' },
    400,
    'invalid_parameters',
  ],
  [
    'share with a stranger',
    'POST',
    '/v1/workspace/resources/v1/share',
    { role: 'viewer', resource_type: 'voice', user_email: 'no@x.example' },
    400,
    'user_not_in_workspace',
  ],
  [
    'unshare from the creator',
    'POST',
    '/v1/workspace/resources/v1/unshare',
    { resource_type: 'voice', user_email: 'ann@x.example' },
    400,
    'forbidden',
  ],
  ['audit log below Enterprise', 'GET', '/v1/workspace/audit-logs', undefined, 403, 'feature_not_available'],
];

describe('refusals', () => {
  it.each(REFUSED)('%s', async (_what, method, path, body, status, code) => {
    const before = state();
    const answer = await running.call(method, path, body);
    expect([answer.status, answer.json.detail.code, answer.json.detail.status]).toEqual([status, code, code]);
    expect(state()).toBe(before);
    expect(running.sandbox.control.mailbox()).toEqual([]);
  });

  it('refuses to lock the caller and to demote the last administrator', async () => {
    const { control } = running.sandbox;
    control.addMember({ email: 'admin@x.example', seatType: 'workspace_admin' });
    const key = control.createKey({ owner: 'admin@x.example' });
    expect((await running.call('POST', MEMBERS, { email: 'admin@x.example', is_locked: true }, key)).status).toBe(400);
    // The owner holds a plain seat here, so the other one is the last administrator.
    control.setSeat(OWNER, 'workspace_member');
    const demote = { email: 'admin@x.example', workspace_seat_type: 'workspace_member' };
    expect(await running.call('POST', MEMBERS, demote)).toMatchObject({
      status: 400,
      json: { detail: { code: 'last_admin' } },
    });
    control.setSeat(OWNER, 'workspace_admin');
    expect((await running.call('POST', MEMBERS, demote)).status).toBe(200);
  });

  it('shares only for those who have admin on the resource', async () => {
    const { control } = running.sandbox;
    const key = control.createKey({ owner: 'lou@x.example' });
    const body = { role: 'viewer', resource_type: 'voice', group_id: 'default' };
    expect((await running.call('POST', '/v1/workspace/resources/v1/share', body, key)).status).toBe(403);
    control.putInGroup('team', 'lou@x.example');
    control.share({ type: 'voice', id: 'v1' }, 'admin', { groupId: 'team' });
    expect(await running.call('POST', '/v1/workspace/resources/v1/share', body, key)).toMatchObject({
      status: 200,
      text: 'null',
    });
  });

  it('shares with at most 100 principals', async () => {
    const { control } = running.sandbox;
    for (let index = 0; index < 100; index += 1) control.createGroup(`G${index}`, `g${index}`);
    const share = (groupId: string) =>
      running.call('POST', '/v1/workspace/resources/v1/share', {
        role: 'viewer',
        resource_type: 'voice',
        group_id: groupId,
      });
    for (let index = 0; index < 99; index += 1) expect((await share(`g${index}`)).status).toBe(200);
    expect(await share('g99')).toMatchObject({ status: 400, json: { detail: { code: 'too_many_principals' } } });
    expect((await share('g0')).status).toBe(200);
  });

  it('sends all of a bulk or none', async () => {
    const { control } = running.sandbox;
    control.setTier('enterprise');
    control.setVerifiedDomains(['x.example']);
    const bulk = (...emails: string[]) => running.call('POST', BULK, { emails });
    expect(await bulk('a@x.example', 'b@y.example')).toMatchObject({
      status: 400,
      json: { detail: { code: 'domain_not_verified' } },
    });
    expect((await bulk('a@x.example', 'ann@x.example')).status).toBe(400);
    expect((await bulk()).status).toBe(422);
    expect(control.mailbox()).toEqual([]);
    expect((await bulk('a@x.example', 'b@x.example')).status).toBe(200);
    expect(control.mailbox()).toHaveLength(2);
  });

  it('reads the audit log 30 times a minute', async () => {
    running.sandbox.control.setTier('enterprise');
    const statuses = [];
    for (let index = 0; index < 31; index += 1)
      statuses.push((await running.call('GET', '/v1/workspace/audit-logs')).status);
    expect(statuses.slice(-2)).toEqual([200, 429]);
  });
});

describe('seats', () => {
  const update = async (body: object) => (await running.call('POST', MEMBERS, body)).json;
  const noSeat = { detail: expect.objectContaining({ code: 'no_seats_available' }) };

  it('a lock frees one, an unlock needs one, a downgrade takes a basic one', async () => {
    // Full: owner, ann and one that Basic users may fill; basic: lou on the one Basic seat.
    expect(await update({ email: 'locked@x.example', is_locked: false })).toEqual({ status: 'ok' });
    expect(await update({ email: 'lou@x.example', workspace_seat_type: 'workspace_member' })).toEqual(noSeat);
    expect(await update({ email: 'locked@x.example', is_locked: true })).toEqual({ status: 'ok' });
    expect(await update({ email: 'lou@x.example', workspace_seat_type: 'workspace_member' })).toEqual({ status: 'ok' });
    const before = state();
    expect(await update({ email: 'locked@x.example', is_locked: false })).toEqual(noSeat);
    expect(state()).toBe(before);
    expect(await update({ email: 'locked@x.example', is_locked: false, allow_downgrade_to_basic_seat: true })).toEqual({
      status: 'ok',
    });
    expect(running.sandbox.control.member('locked@x.example')).toMatchObject({
      is_locked: false,
      seat_type: 'workspace_lite_member',
    });
  });

  it('counts Basic users on free Full seats', async () => {
    const { control } = running.sandbox;
    // Two Full seats taken of three: one spare, so two Basic users fit in all.
    control.addMember({ email: 'low@x.example', seatType: 'workspace_lite_member' });
    expect(await update({ email: 'locked@x.example', is_locked: false })).toEqual(noSeat);
    expect(
      (await running.call('POST', INVITE, { email: 'n@x.example', seat_type: 'workspace_lite_member' })).status,
    ).toBe(400);
    control.removeMember('low@x.example');
    expect(
      (await running.call('POST', INVITE, { email: 'n@x.example', seat_type: 'workspace_lite_member' })).status,
    ).toBe(200);
  });

  it('is taken when an invite is accepted, not before', async () => {
    const { control } = running.sandbox;
    for (const email of ['a@x.example', 'b@x.example'])
      expect((await running.call('POST', INVITE, { email })).status).toBe(200);
    control.accept('a@x.example');
    expect(() => control.accept('b@x.example')).toThrow('no seats');
    expect(control.invite('b@x.example')?.status).toBe('pending');
    control.setLocked('ann@x.example', true);
    control.accept('b@x.example');
    expect(control.member('b@x.example')).toMatchObject({ seat_type: 'workspace_member', is_locked: false });
  });
});
