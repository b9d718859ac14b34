/** Every switch, with every value: the observation that changes with it. */
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Seed } from '../../src/sandbox/seed.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import type { SwitchName, Switches } from '../../src/sandbox/switches.js';
import { SWITCH_TABLE } from '../../src/sandbox/switches.js';
import { createFakeClock } from '../support/fake-clock.js';
import type { Answer, Started } from './start.js';
import { start } from './start.js';

const OWNER = 'owner@x.example';
const MEMBERS = '/v1/workspace/members';
const INVITE = '/v1/workspace/invites/add';
const TEAM = '/v1/workspace/groups/team/members';

const SEED: Partial<Seed> = {
  tier: 'enterprise',
  everyoneGroupId: 'everyone',
  verifiedDomains: ['x.example'],
  seatLimits: { full: 4, basic: 0 },
  members: [
    { email: OWNER, owner: true, userId: 'u-owner' },
    { email: 'ann@x.example', userId: 'u-ann' },
    { email: 'bob@x.example', userId: 'u-bob' },
    { email: 'locked@x.example', userId: 'u-locked', locked: true },
  ],
  serviceAccounts: [{ name: 'Robot', userId: 'u-robot' }],
  groups: [
    { name: 'Team', id: 'team', members: ['ann@x.example'] },
    { name: 'Team leads', id: 'leads' },
    { name: 'Synced', id: 'synced', scimSynced: true },
  ],
  keys: [
    { name: 'Owner', owner: OWNER, key: 'sk_owner' },
    { name: 'Robot', owner: 'Robot', key: 'sk_robot', keyId: 'k-robot' },
  ],
  resources: [{ type: 'voice', id: 'v1', creator: OWNER }],
};

let running: Started | undefined;
afterEach(() => running?.close());

/** `200`, or status and code of the refusal. */
const verdict = ({ status, json }: Answer) =>
  status === 200 ? 200 : `${status} ${json.detail.code ?? json.detail.status}`;

type Observe = (started: Started) => Promise<unknown>;

const posting =
  (path: string, body: unknown): Observe =>
  async ({ call }) =>
    verdict(await call('POST', path, body));

const fill = ({ sandbox }: Started) => sandbox.control.setSeatLimits({ full: 3, basic: 0 });

async function sharedAs({ call }: Started, target: object): Promise<unknown> {
  await call('POST', '/v1/workspace/resources/v1/share', { role: 'viewer', resource_type: 'voice', ...target });
  return (await call('GET', '/v1/workspace/resources/v1?resource_type=voice')).json.role_to_group_ids.viewer;
}

/** Per switch: what to look at, and what is seen for each value of its row in the table, in order. */
const OBSERVED: Readonly<Record<SwitchName, readonly [Observe, readonly unknown[]]>> = {
  rejectedKeyAs400: [
    async ({ call }) => verdict(await call('GET', MEMBERS, undefined, 'sk_no')),
    ['401 invalid_api_key', '400 invalid_api_key'],
  ],
  missingScopeAs403: [
    async ({ call, sandbox }) =>
      verdict(await call('GET', MEMBERS, undefined, sandbox.control.createKey({ owner: OWNER, scopes: [] }))),
    ['401 missing_permissions', '403 insufficient_permissions'],
  ],
  legacyErrors: [
    async ({ call }) => Object.keys((await call('GET', MEMBERS, undefined, 'sk_no')).json.detail),
    [
      ['type', 'code', 'message', 'status', 'request_id'],
      ['status', 'message'],
    ],
  ],
  genericCodes: [posting(INVITE, { email: 'ann@x.example' }), ['400 user_already_in_workspace', '400 bad_request']],
  planGate: [
    async ({ call, sandbox }) => {
      sandbox.control.setTier('pro');
      return verdict(await call('GET', MEMBERS));
    },
    [200, '403 feature_not_available'],
  ],
  serviceAccountIsAdmin: [
    async ({ call }) => verdict(await call('POST', MEMBERS, { email: 'ann@x.example', is_locked: true }, 'sk_robot')),
    [200, '403 insufficient_permissions'],
  ],
  lockedKeyOwnerRejected: [
    async ({ call, sandbox }) =>
      verdict(await call('GET', MEMBERS, undefined, sandbox.control.createKey({ owner: 'locked@x.example' }))),
    ['401 invalid_api_key', 200],
  ],
  duplicateInvite: [
    async (started) => {
      await posting(INVITE, { email: 'new@x.example' })(started);
      const second = await posting(INVITE, { email: 'new@x.example', seat_type: 'workspace_admin' })(started);
      const { control } = started.sandbox;
      return [second, control.invite('new@x.example')?.seatType, control.mailbox().length];
    },
    [
      [200, 'workspace_admin', 2],
      ['400 user_already_invited', 'workspace_member', 1],
      ['409 user_already_invited', 'workspace_member', 1],
    ],
  ],
  defaultSeatOnInvite: [
    async (started) => {
      await posting(INVITE, { email: 'new@x.example' })(started);
      return started.sandbox.control.invite('new@x.example')?.seatType;
    },
    ['workspace_member', 'workspace_lite_member'],
  ],
  invitesReserveSeats: [
    async (started) => {
      await posting(INVITE, { email: 'one@x.example' })(started);
      const second = await posting(INVITE, { email: 'two@x.example' })(started);
      started.sandbox.control.accept('one@x.example');
      return second;
    },
    [200, '400 no_seats_available'],
  ],
  inviteWithoutSeat: [
    async (started) => {
      fill(started);
      return posting(INVITE, { email: 'new@x.example' })(started);
    },
    ['400 no_seats_available', 200],
  ],
  inviteUnknownGroup: [
    posting(INVITE, { email: 'new@x.example', group_ids: ['no'] }),
    ['404 group_not_found', '400 group_not_found'],
  ],
  bulkPartial: [
    async (started) => {
      const bulk = { emails: ['ann@x.example', 'new@x.example'] };
      const answer = await posting('/v1/workspace/invites/add-bulk', bulk)(started);
      return [answer, started.sandbox.control.mailbox().map((mail) => mail.to)];
    },
    [
      ['400 user_already_in_workspace', []],
      [200, ['new@x.example']],
    ],
  ],
  deleteUnknownInvite: [
    async ({ call }) => verdict(await call('DELETE', '/v1/workspace/invites', { email: 'no@x.example' })),
    ['500 internal_server_error', '404 invite_not_found', '400 invite_not_found', 200],
  ],
  unknownMember: [
    posting(MEMBERS, { email: 'no@x.example', is_locked: true }),
    ['404 user_not_found', '400 user_not_found', '500 internal_server_error'],
  ],
  unlockWithoutSeat: [
    async (started) => {
      fill(started);
      return posting(MEMBERS, { email: 'locked@x.example', is_locked: false })(started);
    },
    [400, 402, 403, 409, 422, 500].map((status) => `${status} no_seats_available`),
  ],
  changeOwner: [posting(MEMBERS, { email: OWNER, is_locked: true }), ['403 forbidden', '400 forbidden']],
  lockSelf: [
    async ({ call, sandbox }) => {
      sandbox.control.setSeat('ann@x.example', 'workspace_admin');
      const key = sandbox.control.createKey({ owner: 'ann@x.example' });
      return verdict(await call('POST', MEMBERS, { email: 'ann@x.example', is_locked: true }, key));
    },
    ['400 cannot_lock_self', 200],
  ],
  demoteLastAdmin: [
    async (started) => {
      started.sandbox.control.setSeat(OWNER, 'workspace_member');
      started.sandbox.control.setSeat('ann@x.example', 'workspace_admin');
      return posting(MEMBERS, { email: 'ann@x.example', workspace_seat_type: 'workspace_member' })(started);
    },
    ['400 last_admin', 200],
  ],
  enableMemberDelete: [
    async ({ call, sandbox }) => {
      const { status } = await call('DELETE', MEMBERS, { email: 'ann@x.example' });
      return [status, sandbox.control.member('ann@x.example') === undefined];
    },
    [
      [405, false],
      [200, true],
    ],
  ],
  emailCaseSensitive: [posting(MEMBERS, { email: 'Ann@X.example', is_locked: true }), [200, '404 user_not_found']],
  groupSearch: [
    async ({ call }) => {
      const find = async (name: string) => (await call('GET', `/v1/workspace/groups/search?name=${name}`)).json.length;
      return [await find('Team'), await find('team')];
    },
    [
      [1, 0],
      [1, 1],
      [2, 2],
    ],
  ],
  groupMapKey: [
    async ({ call }) => Object.keys((await call('GET', '/v1/workspace/groups')).json),
    [
      ['team', 'leads', 'synced'],
      ['Team', 'Team leads', 'Synced'],
    ],
  ],
  everyoneGroup: [
    async ({ call }) => (await call('GET', '/v1/workspace/groups')).json.everyone?.members.length,
    [undefined, 4],
  ],
  memberIdsAsEmails: [
    async ({ call }) => (await call('GET', '/v1/workspace/groups')).json.team.members,
    [['u-ann'], ['ann@x.example']],
  ],
  addNonMember: [posting(TEAM, { email: 'no@x.example' }), ['400 user_not_in_workspace', '404 user_not_in_workspace']],
  addExisting: [
    posting(TEAM, { email: 'ann@x.example' }),
    [200, '400 user_already_in_group', '409 user_already_in_group'],
  ],
  removeNonMember: [
    posting(`${TEAM}/remove`, { email: 'bob@x.example' }),
    ['400 user_not_in_group', 200, '404 user_not_in_group'],
  ],
  groupAddWorksForLocked: [posting(TEAM, { email: 'locked@x.example' }), [200, '400 user_not_in_workspace']],
  lockRemovesFromGroups: [
    async (started) => {
      await posting(MEMBERS, { email: 'ann@x.example', is_locked: true })(started);
      return (await started.call('GET', '/v1/workspace/groups')).json.team.members;
    },
    [['u-ann'], []],
  ],
  groupManagedByScim: [
    posting('/v1/workspace/groups/synced/members', { email: 'ann@x.example' }),
    [400, 403, 409].map((status) => `${status} group_managed_by_scim`),
  ],
  shareBody: [
    async ({ call }) => {
      const body = { role: 'viewer', resource_type: 'voice', group_id: 'team' };
      return (await call('POST', '/v1/workspace/resources/v1/share', body)).text;
    },
    ['null', '{"status":"ok"}'],
  ],
  shareNonMember: [
    posting('/v1/workspace/resources/v1/share', { role: 'viewer', resource_type: 'voice', user_email: 'no@x.example' }),
    ['400 user_not_in_workspace', '404 user_not_in_workspace'],
  ],
  unshareCreator: [
    posting('/v1/workspace/resources/v1/unshare', { resource_type: 'voice', user_email: OWNER }),
    ['400 forbidden', '403 forbidden'],
  ],
  unshareMissing: [
    posting('/v1/workspace/resources/v1/unshare', { resource_type: 'voice', group_id: 'team' }),
    [200, '400 not_shared', '404 not_shared'],
  ],
  defaultPrincipal: [(started) => sharedAs(started, { group_id: 'default' }), [['default'], ['everyone']]],
  keyPrincipal: [(started) => sharedAs(started, { workspace_api_key_id: 'k-robot' }), [['k-robot'], ['u-robot']]],
};

const CASES = Object.entries(OBSERVED).flatMap(([name, [observe, expected]]) =>
  SWITCH_TABLE[name as SwitchName].values.map((value, index) => ({ name, value, observe, expected, index })),
);

describe('switches', () => {
  it('each value shows', () => {
    for (const [name, [, expected]] of Object.entries(OBSERVED)) {
      const seen = new Set(expected.map((value) => JSON.stringify(value)));
      expect([name, seen.size]).toEqual([name, SWITCH_TABLE[name as SwitchName].values.length]);
    }
  });

  it.each(CASES)('$name: $value', async ({ name, value, observe, expected, index }) => {
    const switches: Partial<Switches> = { [name]: value };
    running = await start({ seed: minimalSeed(SEED), switches });
    expect(await observe(running)).toEqual(expected[index]);
  });

  it('routeScopes replaces the scope that a route needs', async () => {
    running = await start({ switches: { routeScopes: { 'groups.list': 'workspace_write', 'members.list': null } } });
    const key = running.sandbox.control.createKey({ owner: 'owner@workspace.example', scopes: ['workspace_read'] });
    expect((await running.call('GET', '/v1/workspace/groups', undefined, key)).status).toBe(401);
    expect((await running.call('GET', '/v1/workspace/groups/search?name=x', undefined, key)).status).toBe(200);
    expect((await running.call('GET', MEMBERS, undefined, key)).status).toBe(200);
  });
});

describe('readLag', () => {
  const emails = async ({ call }: Started) =>
    (await call('GET', MEMBERS)).json.map(
      (row: { email: string; is_locked: boolean }) => `${row.email} ${row.is_locked}`,
    );

  it('hides writes for a time', async () => {
    const clock = createFakeClock();
    running = await start({ clock, seed: minimalSeed(SEED), switches: { readLag: { ms: 1000 } } });
    const before = await emails(running);
    const { control } = running.sandbox;
    await running.call('POST', MEMBERS, { email: 'ann@x.example', is_locked: true });
    clock.advance(500);
    await running.call('POST', MEMBERS, { email: 'ann@x.example', is_locked: false });
    await running.call('POST', TEAM, { email: 'bob@x.example' });
    control.removeMember('locked@x.example');
    control.addMember({ email: 'new@x.example' });
    const sorted = (rows: readonly string[]) => [...rows].sort();
    expect(sorted(await emails(running))).toEqual(sorted(before));
    expect((await running.call('GET', '/v1/workspace/groups')).json.team.members).toEqual(['u-ann']);
    clock.advance(500);
    expect(await emails(running)).toContain('ann@x.example true');
    expect(await emails(running)).not.toContain('new@x.example false');
    clock.advance(500);
    expect(await emails(running)).toEqual([
      `${OWNER} false`,
      'ann@x.example false',
      'bob@x.example false',
      'new@x.example false',
    ]);
    expect((await running.call('GET', '/v1/workspace/groups')).json.team.members).toEqual(['u-ann', 'u-bob']);
  });

  it('hides writes for so many readings of the same list', async () => {
    running = await start({ seed: minimalSeed(SEED), switches: { readLag: { reads: 2 } } });
    await running.call('POST', MEMBERS, { email: 'ann@x.example', is_locked: true });
    await running.call('GET', '/v1/workspace/groups');
    expect(await emails(running)).toContain('ann@x.example false');
    expect(await emails(running)).toContain('ann@x.example false');
    expect(await emails(running)).toContain('ann@x.example true');
  });
});
