/** The gateway with the real SDK over loopback, against the sandbox workspace. */
import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WorkspaceGroupId } from '../../src/domain/types.js';
import { GatewayError, type GatewayMethod, type WorkspaceGateway } from '../../src/elevenlabs/port.js';
import { createSdkGateway, type SdkGateway } from '../../src/elevenlabs/sdk-gateway.js';
import { createSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/sandbox.js';
import type { Seed } from '../../src/sandbox/seed.js';
import type { Listening } from '../../src/sandbox/server.js';
import { createFakeClock, FAKE_START, settle, type FakeClock } from '../support/fake-clock.js';

const TIMEOUT_MS = 10_000;
const GROUP = 'g7NfZr8YdKcV6wQmXt4LhSb9GjE1' as WorkspaceGroupId;
const ADA = 'a9KxWv3TqPzL5eRnYh7GmBc1DsJ4';
const OWNER = 'tR5vYq8LkWz3NcXhJ2bPm7GdSf9A';
const AGENT = { type: 'convai_agents', id: '4ZUqyldxf71HqUbcP2Lc' };

const seed: Seed = {
  workspaceId: '7f2c94b0d1e84a6f93b5c8a17e40d256',
  tier: 'enterprise',
  seatLimits: { full: 5, basic: 5 },
  verifiedDomains: ['acme.example'],
  members: [
    { email: 'grace@acme.example', firstName: 'Grace', owner: true, userId: OWNER },
    { email: 'Ada@Acme.example', userId: ADA },
    { email: 'bob@acme.example', seatType: 'workspace_lite_member', locked: true },
  ],
  groups: [
    { name: 'Engineering', id: GROUP, members: ['Ada@Acme.example'] },
    { name: 'Native', scimSynced: true },
    { name: 'Frozen', scimFrozen: true },
  ],
  resources: [{ ...AGENT, name: 'Support agent', creator: 'grace@acme.example', slots: { role_x: [ADA] } }],
};

let clock: FakeClock;
let sandbox: Sandbox;
let server: Listening;
let gateway: SdkGateway;
const closing: (() => Promise<unknown>)[] = [];

async function setUp(options: Partial<SandboxOptions> = {}): Promise<void> {
  clock = createFakeClock();
  sandbox = createSandbox({ clock, seed, ...options });
  server = await sandbox.listen();
  closing.push(() => server.close());
  gateway = open();
}

function open(options: Partial<Parameters<typeof createSdkGateway>[0]> = {}): SdkGateway {
  return createSdkGateway({ apiKey: sandbox.apiKey(), baseUrl: server.url, timeoutMs: TIMEOUT_MS, clock, ...options });
}

/** A bare server, for what the sandbox never does. */
async function bare(listener: Parameters<typeof createServer>[1]): Promise<string> {
  const http: Server = createServer(listener);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  closing.push(
    () =>
      new Promise((resolve) => {
        http.close(resolve);
        http.closeAllConnections();
      }),
  );
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

async function failure(call: Promise<unknown>): Promise<GatewayError> {
  const error: unknown = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(GatewayError);
  return error as GatewayError;
}

/** One fit request of each method, as the wire must see it. */
const CALLS: Record<
  GatewayMethod,
  { call: (to: WorkspaceGateway) => Promise<unknown>; wire: [string, string, unknown] }
> = {
  identity: { call: (to) => to.identity(), wire: ['GET', '/v1/user', null] },
  listMembers: { call: (to) => to.listMembers(), wire: ['GET', '/v1/workspace/members', null] },
  listGroups: { call: (to) => to.listGroups(), wire: ['GET', '/v1/workspace/groups', null] },
  searchGroups: {
    call: (to) => to.searchGroups('Eng & co/é'),
    wire: ['GET', '/v1/workspace/groups/search?name=Eng%20%26%20co%2F%C3%A9', null],
  },
  invite: {
    call: (to) => to.invite({ email: 'new@acme.example', seatType: 'workspace_lite_member', usageLimit: 500 }),
    wire: [
      'POST',
      '/v1/workspace/invites/add',
      { email: 'new@acme.example', seat_type: 'workspace_lite_member', usage_limit: 500 },
    ],
  },
  inviteMany: {
    call: (to) =>
      to.inviteMany({ emails: ['x@acme.example', 'y@acme.example'], seatType: 'workspace_member', usageLimit: null }),
    wire: [
      'POST',
      '/v1/workspace/invites/add-bulk',
      { emails: ['x@acme.example', 'y@acme.example'], seat_type: 'workspace_member' },
    ],
  },
  revokeInvite: {
    call: (to) => to.revokeInvite('pending@acme.example'),
    wire: ['DELETE', '/v1/workspace/invites', { email: 'pending@acme.example' }],
  },
  setLocked: {
    call: (to) => to.setLocked({ email: 'Ada@Acme.example', locked: true, allowDowngrade: true }),
    wire: ['POST', '/v1/workspace/members', { email: 'Ada@Acme.example', is_locked: true }],
  },
  setSeat: {
    call: (to) => to.setSeat({ email: 'Ada@Acme.example', seatType: 'workspace_admin' }),
    wire: ['POST', '/v1/workspace/members', { email: 'Ada@Acme.example', workspace_seat_type: 'workspace_admin' }],
  },
  addToGroup: {
    call: (to) => to.addToGroup(GROUP, 'bob@acme.example'),
    wire: ['POST', `/v1/workspace/groups/${GROUP}/members`, { email: 'bob@acme.example' }],
  },
  removeFromGroup: {
    call: (to) => to.removeFromGroup(GROUP, 'Ada@Acme.example'),
    wire: ['POST', `/v1/workspace/groups/${GROUP}/members/remove`, { email: 'Ada@Acme.example' }],
  },
  getResource: {
    call: (to) => to.getResource(AGENT),
    wire: ['GET', `/v1/workspace/resources/${AGENT.id}?resource_type=convai_agents`, null],
  },
  share: {
    call: (to) => to.share(AGENT, 'editor', { userEmail: 'Ada@Acme.example' }),
    wire: [
      'POST',
      `/v1/workspace/resources/${AGENT.id}/share`,
      { role: 'editor', resource_type: 'convai_agents', user_email: 'Ada@Acme.example' },
    ],
  },
  unshare: {
    call: (to) => to.unshare(AGENT, { groupId: GROUP }),
    wire: ['POST', `/v1/workspace/resources/${AGENT.id}/unshare`, { resource_type: 'convai_agents', group_id: GROUP }],
  },
};
const READS: readonly string[] = ['identity', 'listMembers', 'listGroups', 'searchGroups', 'getResource'];
const METHODS = Object.keys(CALLS) as GatewayMethod[];
const isWrite = (method: GatewayMethod): boolean => !READS.includes(method);

// The SDK takes seconds to load on a busy machine; that belongs to no single test.
beforeAll(async () => {
  await createSdkGateway({ apiKey: 'x', baseUrl: 'http://127.0.0.1', timeoutMs: 1, clock: createFakeClock() }).load();
}, 60_000);

beforeEach(async () => {
  await setUp();
  // Invites that `revokeInvite` can take back.
  await gateway.invite({ email: 'pending@acme.example', seatType: 'workspace_member', usageLimit: null });
  sandbox.control.clearRequests();
});

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

describe('each method', () => {
  it.each(METHODS)('%s sends one request, and what it should', async (method) => {
    const { call, wire } = CALLS[method];
    const answer = await call(gateway);
    const [request, ...more] = sandbox.control.requests();
    expect(more).toEqual([]);
    expect([request?.method, request?.path, request?.body]).toEqual(wire);
    expect(answer).toMatchObject({ status: 200, requestId: request?.requestId });
  });

  it('changes the workspace', async () => {
    await gateway.invite({ email: 'new@acme.example', seatType: 'workspace_lite_member', usageLimit: 500 });
    expect(sandbox.control.invite('new@acme.example')).toMatchObject({ status: 'pending', usageLimit: 500 });
    await gateway.revokeInvite('new@acme.example');
    expect(sandbox.control.invite('new@acme.example')).toMatchObject({ status: 'revoked' });
    await gateway.setLocked({ email: 'ada@acme.example', locked: true });
    expect(sandbox.control.member('ada@acme.example')).toMatchObject({ is_locked: true });
    await gateway.setLocked({ email: 'ada@acme.example', locked: false });
    expect(sandbox.control.member('ada@acme.example')).toMatchObject({ is_locked: false });
    await gateway.setSeat({ email: 'ada@acme.example', seatType: 'workspace_lite_member' });
    expect(sandbox.control.member('ada@acme.example')).toMatchObject({ seat_type: 'workspace_lite_member' });
    await gateway.removeFromGroup(GROUP, 'ada@acme.example');
    await gateway.addToGroup(GROUP, 'bob@acme.example');
    const group = (await gateway.listGroups()).value.find(({ groupId }) => groupId === GROUP);
    expect(group?.memberIds).toEqual([sandbox.control.member('bob@acme.example')?.user_id]);
  });

  it('unlocks on a lower seat only where that is allowed', async () => {
    sandbox.control.setSeat('bob@acme.example', 'workspace_member');
    sandbox.control.setSeatLimits({ full: 2, basic: 5 });
    const bob = { email: 'bob@acme.example', locked: false };
    expect(await failure(gateway.setLocked(bob))).toMatchObject({ kind: 'refused', hint: 'noSeat', status: 400 });
    await gateway.setLocked({ ...bob, allowDowngrade: true });
    expect(sandbox.control.member(bob.email)).toMatchObject({ is_locked: false, seat_type: 'workspace_lite_member' });
  });

  it('reads who the key belongs to, and the server clock', async () => {
    expect((await gateway.identity()).value).toMatchObject({
      workspaceId: seed.workspaceId,
      userId: OWNER,
      seatType: 'workspace_admin',
    });
    const url = await bare((_request, response) => {
      response.setHeader('date', 'Tue, 24 Nov 2026 08:00:00 GMT');
      response.end(JSON.stringify({ user_id: 'u1', workspace_id: 'w1', seat_type: 'workspace_admin' }));
    });
    // The subscription is missing, so the SDK refuses the answer; what the bridge needs is there.
    expect((await open({ baseUrl: url }).identity()).value).toEqual({
      workspaceId: 'w1',
      userId: 'u1',
      seatType: 'workspace_admin',
      serverTime: FAKE_START - 3_600_000,
    });
  });

  it('reads members, each once, seats as far as they are known', async () => {
    expect((await gateway.listMembers()).value).toEqual([
      expect.objectContaining({ memberId: OWNER, firstName: 'Grace', isOwner: true, seatType: 'workspace_admin' }),
      {
        memberId: ADA,
        email: 'Ada@Acme.example',
        address: 'ada@acme.example',
        firstName: null,
        seatType: 'workspace_member',
        isOwner: false,
        isLocked: false,
      },
      expect.objectContaining({ address: 'bob@acme.example', isLocked: true, seatType: 'workspace_lite_member' }),
    ]);
    const member = {
      user_id: 'u1',
      email: 'a@b.example',
      first_name: null,
      seat_type: 'x',
      is_owner: true,
      is_locked: false,
    };
    const url = await bare((_request, response) => response.end(JSON.stringify([member, member])));
    expect((await open({ baseUrl: url }).listMembers()).value).toMatchObject([{ memberId: 'u1', seatType: null }]);
  });

  it.each(['id', 'name'] as const)('reads groups by their own id, keyed by %s', async (groupMapKey) => {
    sandbox.control.setSwitches({ groupMapKey });
    expect((await gateway.listGroups()).value).toEqual([
      { groupId: GROUP, name: 'Engineering', memberIds: [ADA], readOnly: false },
      { groupId: expect.any(String), name: 'Native', memberIds: [], readOnly: true },
      { groupId: expect.any(String), name: 'Frozen', memberIds: [], readOnly: true },
    ]);
  });

  it('resolves addresses in groups by the last member list', async () => {
    sandbox.control.setSwitches({ memberIdsAsEmails: true });
    expect((await gateway.listGroups()).value[0]?.memberIds).toEqual(['ada@acme.example']);
    await gateway.listMembers();
    expect((await gateway.listGroups()).value[0]?.memberIds).toEqual([ADA]);
  });

  it('tells addresses in groups apart by case where members differ in nothing else', async () => {
    const member = (id: string, email: string) => ({
      ...{ user_id: id, email, first_name: null, seat_type: 'workspace_member', is_owner: false, is_locked: false },
    });
    const group = { name: 'G', id: 'g1', members: ['ANN@b.example', 'Bob@b.example'], permissions: null };
    const url = await bare((request, response) =>
      response.end(
        JSON.stringify(
          request.url?.endsWith('/groups')
            ? { g1: group }
            : [member('u1', 'ANN@b.example'), member('u2', 'ann@b.example'), member('u3', 'bob@b.example')],
        ),
      ),
    );
    const other = open({ baseUrl: url });
    await other.listMembers();
    expect((await other.listGroups()).value[0]?.memberIds).toEqual(['u1', 'u3']);
  });

  it('collapses what is there twice', async () => {
    const group = { name: 'G', id: 'g1', members: ['u1', 'u1', 'u2'], permissions: null };
    const url = await bare((_request, response) =>
      response.end(JSON.stringify({ a: group, b: { ...group, members: ['u2', 'u3'], is_scim_synced: true } })),
    );
    expect((await open({ baseUrl: url }).listGroups()).value).toEqual([
      { groupId: 'g1', name: 'G', memberIds: ['u1', 'u2', 'u3'], readOnly: true },
    ]);
  });

  it('finds groups by name', async () => {
    expect((await gateway.searchGroups('Engineering')).value).toEqual([
      { groupId: GROUP, name: 'Engineering', memberEmails: ['Ada@Acme.example'] },
    ]);
    expect((await gateway.searchGroups('nope')).value).toEqual([]);
  });

  it('reads, gives and takes roles', async () => {
    await gateway.share(AGENT, 'viewer', { groupId: GROUP });
    const { value } = await gateway.getResource(AGENT);
    expect(value).toMatchObject({ resource: AGENT, name: 'Support agent', creator: OWNER });
    expect([...value.roles]).toEqual(
      expect.arrayContaining([
        [ADA, ['role_x']],
        [OWNER, ['admin']],
        [GROUP, ['viewer']],
      ]),
    );
    await gateway.unshare(AGENT, { groupId: GROUP });
    expect((await gateway.getResource(AGENT)).value.roles.has(GROUP)).toBe(false);
  });
});

describe('requests that are not sent', () => {
  const seat = { seatType: 'workspace_member', usageLimit: null } as const;
  const table: [string, (to: WorkspaceGateway) => Promise<unknown>, Partial<GatewayError>][] = [
    ['no address', (to) => to.invite({ email: '', ...seat }), { hint: 'badAddress' }],
    ['no address at all', (to) => to.inviteMany({ emails: [], ...seat }), { hint: 'badAddress' }],
    [
      'one bad address of two',
      (to) => to.inviteMany({ emails: ['a@b.example', 'x'], ...seat }),
      { hint: 'badAddress' },
    ],
    ['no @', (to) => to.revokeInvite('ada'), { hint: 'badAddress' }],
    ['line break', (to) => to.setLocked({ email: 'a@b.example\r\n', locked: true }), { hint: 'badAddress' }],
    ['two @', (to) => to.setSeat({ email: 'a@b@c', seatType: 'workspace_admin' }), { hint: 'badAddress' }],
    ['endless address', (to) => to.addToGroup(GROUP, `${'a'.repeat(400)}@b.example`), { hint: 'badAddress' }],
    ['negative limit', (to) => to.invite({ email: 'a@b.example', ...seat, usageLimit: -1 }), {}],
    ['fractional limit', (to) => to.invite({ email: 'a@b.example', ...seat, usageLimit: 0.5 }), {}],
    ['empty group id', (to) => to.removeFromGroup('' as WorkspaceGroupId, 'a@b.example'), {}],
    ['a group id that climbs', (to) => to.addToGroup('..' as WorkspaceGroupId, 'a@b.example'), {}],
    ['a resource id that climbs', (to) => to.share({ ...AGENT, id: '..' }, 'viewer', { groupId: GROUP }), {}],
    ['a resource id that stays', (to) => to.getResource({ ...AGENT, id: '.' }), {}],
    ['empty group name', (to) => to.searchGroups(' '), {}],
    ['empty share target', (to) => to.unshare(AGENT, { workspaceApiKeyId: '' }), {}],
    [
      'a type the SDK does not know',
      (to) => to.share({ type: 'spaceship', id: 'x' }, 'viewer', { groupId: GROUP }),
      { code: 'invalid_request' },
    ],
  ];
  it.each(table)('%s', async (_name, call, expected) => {
    expect(await failure(call(gateway))).toMatchObject({
      kind: 'refused',
      status: null,
      maybeApplied: false,
      ...expected,
    });
    expect(sandbox.control.requests()).toEqual([]);
  });

  it('sends ids in one piece of the path', async () => {
    await failure(gateway.addToGroup('g/../1 ?x' as WorkspaceGroupId, 'a@b.example'));
    expect(sandbox.control.requests()[0]?.path).toBe('/v1/workspace/groups/g%2F..%2F1%20%3Fx/members');
  });
});

describe('faults, for every method', () => {
  it.each(METHODS)('%s', async (method) => {
    const { call } = CALLS[method];
    const write = isWrite(method);
    const during = async (fault: Parameters<typeof sandbox.control.addFault>[0]['fault']): Promise<GatewayError> => {
      const id = sandbox.control.addFault({ fault });
      const error = await failure(call(gateway));
      sandbox.control.clearFaults(id);
      return error;
    };
    expect(await during({ kind: 'status', status: 500, body: undefined })).toMatchObject({
      kind: 'transient',
      status: 500,
      maybeApplied: write,
      requestId: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(await during({ kind: 'status', status: 429, body: '', headers: { 'retry-after': '7' } })).toMatchObject({
      kind: 'transient',
      status: 429,
      maybeApplied: false,
      retryAfterMs: 7000,
    });
    expect(
      await during({ kind: 'status', status: 401, body: { detail: { status: 'invalid_api_key' } } }),
    ).toMatchObject({ kind: 'keyRejected' });
    expect(
      await during({ kind: 'status', status: 401, body: { detail: { status: 'missing_permissions', message: 'x' } } }),
    ).toMatchObject({ kind: 'scopeMissing' });
    expect(await during({ kind: 'status', status: 404, body: { detail: 'Not Found' } })).toMatchObject({
      kind: 'refused',
      status: 404,
    });
    // JSON by its header only: the SDK alone would lose the status.
    expect(await during({ kind: 'status', status: 403, body: '{"detail": {' })).toMatchObject({
      kind: 'refused',
      status: 403,
    });
    expect(await during({ kind: 'html', applied: false })).toMatchObject({
      kind: 'transient',
      status: 200,
      code: 'unreadable_answer',
      maybeApplied: write,
    });
    expect(await during({ kind: 'violation', violation: 'brokenJson' })).toMatchObject({
      kind: 'transient',
      maybeApplied: write,
    });
    expect(await during({ kind: 'reset' })).toMatchObject({ kind: 'transient', status: null, maybeApplied: write });
    // One call is one request, whatever the status: no retries inside.
    expect(sandbox.control.requests()).toHaveLength(9);
  });

  it.each(METHODS)('%s gives up in time', async (method) => {
    const id = sandbox.control.addFault({ fault: { kind: 'hang' } });
    const failed = failure(CALLS[method].call(gateway));
    while (sandbox.control.hanging() === 0) await settle();
    await clock.advanceAsync(TIMEOUT_MS - 1);
    let over = false;
    void failed.then(() => (over = true));
    await settle();
    expect(over).toBe(false);
    await clock.advanceAsync(1);
    expect(await failed).toMatchObject({
      kind: 'transient',
      message: 'no answer in time',
      status: null,
      maybeApplied: isWrite(method),
    });
    sandbox.control.clearFaults(id);
    expect(clock.pending()).toEqual([]);
  });
});

describe('faults', () => {
  it('counts the body into the timeout', async () => {
    sandbox.control.addFault({ fault: { kind: 'slowBody', ms: 60_000 } });
    const failed = failure(gateway.listMembers());
    while (clock.pending().length < 2) await settle();
    await clock.advanceAsync(TIMEOUT_MS);
    expect(await failed).toMatchObject({ kind: 'transient', message: 'no answer in time' });
  });

  it('does not know whether a lost answer was applied', async () => {
    sandbox.control.addFault({ fault: { kind: 'reset', applied: true }, times: 1 });
    const request = { email: 'lost@acme.example', seatType: 'workspace_member', usageLimit: null } as const;
    expect(await failure(gateway.invite(request))).toMatchObject({ kind: 'transient', maybeApplied: true });
    expect(sandbox.control.mailbox().filter(({ to }) => to === request.email)).toHaveLength(1);
  });

  it.each(['missingIsOwner', 'emptyBody', 'emptyObject'] as const)('believes no members with %s', async (violation) => {
    sandbox.control.addFault({ fault: { kind: 'violation', violation } });
    expect(await failure(gateway.listMembers())).toMatchObject({ kind: 'transient', code: 'unreadable_answer' });
  });

  it('believes no groups as an array', async () => {
    sandbox.control.addFault({ fault: { kind: 'violation', violation: 'groupsAsArray' } });
    expect(await failure(gateway.listGroups())).toMatchObject({ kind: 'transient', code: 'unreadable_answer' });
  });

  it('takes nothing but "ok" for a success', async () => {
    const url = await bare((_request, response) => response.end('{"status":"error"}'));
    const error = await failure(open({ baseUrl: url }).setLocked({ email: 'a@b.example', locked: true }));
    expect(error).toMatchObject({ kind: 'transient', status: 200, maybeApplied: true });
  });

  it('knows that a closed port took nothing', async () => {
    const url = await bare(() => {});
    await closing.pop()?.();
    const error = await failure(open({ baseUrl: url }).revokeInvite('a@b.example'));
    expect(error).toMatchObject({ kind: 'transient', code: 'ECONNREFUSED', maybeApplied: false });
  });

  it('stops reading an endless answer', async () => {
    const url = await bare((_request, response) => {
      const chunk = Buffer.alloc(1024 * 1024, 0x20);
      const fill = (): void => {
        while (response.write(chunk));
        response.once('drain', fill);
      };
      response.on('error', () => {});
      fill();
    });
    expect(await failure(open({ baseUrl: url }).listMembers())).toMatchObject({
      kind: 'transient',
      message: expect.stringContaining('answer too long'),
    });
  });

  it.each([
    ['never answers', () => new Promise<Response>(() => {})],
    ['never ends', async () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) }))],
  ])('gives up on a fetch that heeds no signal and %s', async (_name, deaf) => {
    const failed = failure(open({ fetch: deaf }).listGroups());
    while (clock.pending().length === 0) await settle();
    await settle();
    await clock.advanceAsync(TIMEOUT_MS);
    expect(await failed).toMatchObject({ kind: 'transient', message: 'no answer in time' });
  });
});

describe('refusals in the words of the sandbox', () => {
  const invite = (email: string): Promise<unknown> =>
    gateway.invite({ email, seatType: 'workspace_member', usageLimit: null });
  const table: [string, () => Promise<unknown>, Partial<GatewayError>][] = [
    ['already a member', () => invite('ada@acme.example'), { kind: 'alreadySo', hint: 'alreadyMember' }],
    [
      'already invited',
      async () => {
        sandbox.control.setSwitches({ duplicateInvite: 400 });
        return invite('pending@acme.example');
      },
      { kind: 'alreadySo', hint: 'alreadyInvited' },
    ],
    [
      'no seat',
      async () => {
        sandbox.control.setSeatLimits({ full: 2, basic: 0 });
        return invite('new@acme.example');
      },
      { kind: 'refused', hint: 'noSeat' },
    ],
    [
      'unverified domain',
      () => gateway.inviteMany({ emails: ['a@other.example'], seatType: 'workspace_member', usageLimit: null }),
      { kind: 'refused', hint: 'domainNotVerified' },
    ],
    [
      'bulk invites below Enterprise',
      async () => {
        sandbox.control.setTier('business');
        return gateway.inviteMany({ emails: ['a@acme.example'], seatType: 'workspace_member', usageLimit: null });
      },
      { kind: 'refused', hint: 'featureNotAvailable' },
    ],
    ['no such invite', () => gateway.revokeInvite('none@acme.example'), { kind: 'transient', status: 500 }],
    [
      'unknown member',
      () => gateway.setLocked({ email: 'none@acme.example', locked: true }),
      { kind: 'refused', hint: 'unknownMember' },
    ],
    [
      'the owner',
      () => gateway.setLocked({ email: 'grace@acme.example', locked: true }),
      { kind: 'refused', hint: 'protectedMember' },
    ],
    [
      'unknown group',
      () => gateway.addToGroup('nope' as WorkspaceGroupId, 'ada@acme.example'),
      { kind: 'refused', hint: 'unknownGroup' },
    ],
    ['nobody to add', () => gateway.addToGroup(GROUP, 'none@acme.example'), { kind: 'refused', hint: 'unknownMember' }],
    [
      'a group that native SCIM manages',
      async () => {
        sandbox.control.markGroup(GROUP, { scimSynced: true });
        return gateway.addToGroup(GROUP, 'bob@acme.example');
      },
      { kind: 'refused', hint: 'readOnlyGroup' },
    ],
    ['not in the group', () => gateway.removeFromGroup(GROUP, 'bob@acme.example'), { kind: 'alreadySo' }],
    [
      'unknown resource',
      () => gateway.getResource({ ...AGENT, id: 'nope' }),
      { kind: 'refused', hint: 'unknownResource' },
    ],
    [
      'the creator of a resource',
      () => gateway.unshare(AGENT, { userEmail: 'grace@acme.example' }),
      { kind: 'refused', hint: 'protectedMember' },
    ],
  ];
  it.each(table)('%s', async (_name, call, expected) => {
    expect(await failure(call())).toMatchObject(expected);
  });

  it.each([{ rejectedKeyAs400: false }, { rejectedKeyAs400: true }, { legacyErrors: true }])(
    'a revoked key (%o)',
    async (switches) => {
      sandbox.control.setSwitches(switches);
      const key = sandbox.apiKey();
      sandbox.control.rotateKey(key);
      expect(await failure(open({ apiKey: key }).listMembers())).toMatchObject({ kind: 'keyRejected' });
    },
  );

  it.each([{ missingScopeAs403: false }, { missingScopeAs403: true }, { legacyErrors: true }])(
    'a missing permission (%o)',
    async (switches) => {
      sandbox.control.setSwitches(switches);
      sandbox.control.setScopes(sandbox.apiKey(), ['workspace_read']);
      expect(await failure(gateway.listMembers())).toMatchObject({ kind: 'scopeMissing' });
      await gateway.listGroups();
    },
  );
});

describe('the API key', () => {
  it('is never taken to another origin', async () => {
    const seen: unknown[] = [];
    const elsewhere = await bare((request, response) => {
      seen.push(request.headers);
      response.end('[]');
    });
    for (const status of [301, 302, 307, 308]) {
      sandbox.control.addFault({
        id: 'r',
        fault: { kind: 'redirect', location: `${elsewhere}/v1/workspace/members`, status },
      });
      expect(await failure(gateway.listMembers())).toMatchObject({ kind: 'transient', code: 'redirect' });
      expect(await failure(gateway.revokeInvite('a@b.example'))).toMatchObject({
        code: 'redirect',
        maybeApplied: true,
      });
      sandbox.control.clearFaults('r');
    }
    expect(seen).toEqual([]);
  });

  it('does not trust a fetch that follows redirects', async () => {
    const follows: typeof fetch = async () => Object.defineProperty(new Response('[]'), 'redirected', { value: true });
    expect(await failure(open({ fetch: follows }).listMembers())).toMatchObject({ code: 'redirect' });
    const shows: typeof fetch = async () => new Response('', { status: 302 });
    expect(await failure(open({ fetch: shows }).listMembers())).toMatchObject({ code: 'redirect' });
  });

  it('asks for no redirect to be followed, and for nothing outside the base path', async () => {
    const asked: { url: string; init: RequestInit | undefined }[] = [];
    const spy: typeof fetch = async (url, init) => {
      asked.push({ url: url as string, init });
      return new Response('[]', { headers: { 'content-type': 'application/json' } });
    };
    await open({ baseUrl: 'https://proxy.example/eleven/', fetch: spy }).listMembers();
    expect(asked).toMatchObject([
      { url: 'https://proxy.example/eleven/v1/workspace/members', init: { redirect: 'error', method: 'GET' } },
    ]);
  });

  it('appears in nothing that leaves, however the server echoes it', async () => {
    const apiKey = 'sk_0123456789ABCdef/"Secret"+key';
    const echo = await bare((request, response) => {
      const key = String(request.headers['xi-api-key']);
      expect(key).toBe(apiKey);
      response.statusCode = 400;
      response.setHeader('x-request-id', key);
      const long = 'x'.repeat(270);
      response.end(JSON.stringify({ detail: { code: key, message: `${long} ${key} ${encodeURIComponent(key)}` } }));
    });
    const other = await bare((_request, response) => {
      response.statusCode = 401;
      response.end(`Invalid key ${apiKey} sk_anotherKey1234567890`);
    });
    const broken: typeof fetch = async (_url, init) => {
      throw new TypeError(`invalid header value ${JSON.stringify(init?.headers)} ${apiKey}`);
    };
    const errors = [
      await failure(open({ apiKey, baseUrl: echo }).revokeInvite('a@b.example')),
      await failure(open({ apiKey, baseUrl: other }).listMembers()),
      await failure(open({ apiKey, fetch: broken }).listMembers()),
    ];
    for (const error of errors) {
      const all = `${JSON.stringify(error, Object.getOwnPropertyNames(error))} ${error.stack ?? ''} ${String(error)}`;
      expect(all).not.toMatch(/\bsk_[0-9a-z]|secret|0123456789/i);
      expect(error.cause).toBeUndefined();
    }
    expect(errors[0]?.message).toContain('[redacted]');
  });

  it.each(['', 'sk_with space', 'sk_line\nbreak', 'sk_ümlaut'])('%j is refused before it is sent', async (apiKey) => {
    const error = await failure(open({ apiKey }).listMembers());
    expect(error).toMatchObject({ kind: 'keyRejected', maybeApplied: false, status: null });
    expect(sandbox.control.requests()).toEqual([]);
  });

  it('is printed nowhere', async () => {
    const written: unknown[] = [];
    const spies = (['log', 'info', 'warn', 'error', 'debug'] as const).map((level) =>
      jest.spyOn(console, level).mockImplementation((...args) => void written.push(...args)),
    );
    sandbox.control.addFault({ fault: { kind: 'status', status: 500, body: undefined } });
    await failure(gateway.listMembers());
    spies.forEach((spy) => spy.mockRestore());
    expect(written).toEqual([]);
  });
});

it('can be loaded ahead, more than once', async () => {
  await Promise.all([gateway.load(), gateway.load()]);
  await expect(gateway.listGroups()).resolves.toMatchObject({ status: 200 });
});
