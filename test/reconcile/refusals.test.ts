/** What ElevenLabs refuses for good: a grant answered with an error never survives, a withdrawal is never undone. */
import { afterEach, describe, expect, it } from '@jest/globals';
import type { SeedMember } from '../../src/sandbox/seed.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import type { Switches } from '../../src/sandbox/switches.js';
import { BRIDGE_URN, startTestBridge, type ScimAnswer, type TestBridge } from '../support/bridge.js';

const ZOE = 'zoe@workspace.example';
const ADA = 'ada@workspace.example';
const DISABLE = { op: 'replace', path: 'active', value: false };
const ENABLE = { op: 'replace', path: 'active', value: true };
const INVITES = { method: 'POST', path: '/v1/workspace/invites/add' };
const UPDATE = { method: 'POST', path: '/v1/workspace/members' };

let bridge: TestBridge;
afterEach(() => bridge.close());

/** A workspace with room for the owner and `full - 1` more full seats. */
async function start(
  full: number,
  members: readonly SeedMember[] = [],
  switches: Partial<Switches> = {},
  env: Record<string, string> = {},
): Promise<void> {
  const seed = minimalSeed({
    seatLimits: { full, basic: 5 },
    members: [{ email: 'owner@workspace.example', owner: true }, ...members],
  });
  bridge = await startTestBridge({ seed, switches, env });
}

function expectRefusal({ status, body }: ScimAnswer, ...words: readonly string[]): void {
  expect([status, body.scimType]).toEqual([400, 'invalidValue']);
  for (const word of words) expect(body.detail).toContain(word);
  expect(body.detail).toMatch(/request id: [0-9a-f]+/);
}

async function idOf(address: string): Promise<string> {
  const { body } = await bridge.scim('GET', `/Users?filter=${encodeURIComponent(`userName eq "${address}"`)}`);
  return body.Resources[0].id;
}

/** Every way in which the workspace may word it. */
const WORDINGS: readonly (readonly [string, Partial<Switches>])[] = [
  ['the usual words', {}],
  ['legacy errors', { legacyErrors: true }],
  ['generic codes', { genericCodes: true }],
  ['legacy errors with generic codes', { legacyErrors: true, genericCodes: true }],
];

describe.each(WORDINGS)('no seat is free (%s)', (_name, switches) => {
  it('a created user is gone again, and the IdP is told why', async () => {
    await start(1, [], switches);
    expectRefusal(await bridge.createUser('zoe'), ZOE, 'active', 'seat');
    const { body } = await bridge.scim('GET', `/Users?filter=${encodeURIComponent(`userName eq "${ZOE}"`)}`);
    expect(body.totalResults).toBe(0);
    await bridge.sync();
    expect(bridge.writes()).toEqual([`POST invites/add ${ZOE}`]);
  });

  it('a seat that was asked for is given back', async () => {
    await start(1, [{ email: ADA, seatType: 'workspace_lite_member' }], switches);
    await bridge.createUser('ada', { title: 'Engineer' });
    const id = await idOf(ADA);
    const answer = await bridge.patchUser(
      id,
      { op: 'replace', path: 'title', value: 'Director' },
      { op: 'add', path: 'roles', value: [{ value: 'admin' }] },
    );
    expectRefusal(answer, ADA, 'roles', 'admin');
    const { body } = await bridge.scim('GET', `/Users/${id}`);
    expect(body.roles).toBeUndefined();
    expect(body.title).toBe('Director');
    expect(body[BRIDGE_URN]).toMatchObject({ status: 'member', pendingChanges: 0 });
    await bridge.sync();
    expect(bridge.writes()).toHaveLength(1);
  });

  it('a user who cannot be unlocked is inactive again', async () => {
    await start(2, [{ email: ADA }], switches);
    await bridge.createUser('ada');
    const id = await idOf(ADA);
    await bridge.patchUser(id, DISABLE);
    bridge.control.addMember({ email: 'newcomer@workspace.example' });
    expectRefusal(await bridge.patchUser(id, ENABLE), ADA, 'active');
    expect((await bridge.scim('GET', `/Users/${id}`)).body.active).toBe(false);
    expect(bridge.workspace().members[ADA]).toMatchObject({ locked: true });
  });
});

describe('ALLOW_BASIC_DOWNGRADE', () => {
  it.each(['enforce', 'report'])(
    'gives a basic seat where no full one is left, and the full one once it is free (DRIFT=%s)',
    async (drift) => {
      await start(2, [{ email: ADA }], {}, { ALLOW_BASIC_DOWNGRADE: 'true', DRIFT: drift });
      await bridge.createUser('ada', { roles: [{ value: 'member' }] });
      const id = await idOf(ADA);
      await bridge.patchUser(id, DISABLE);
      bridge.control.addMember({ email: 'newcomer@workspace.example' });
      expect((await bridge.patchUser(id, ENABLE)).status).toBe(200);
      await bridge.pass(1_000);
      await bridge.sync();
      expect(bridge.workspace().members[ADA]).toMatchObject({ locked: false, seat: 'workspace_lite_member' });
      expect(await bridge.bridgeOf(id)).toMatchObject({
        status: 'failed',
        lastError: expect.stringContaining('workspace_member'),
      });
      await bridge.pass(1_000);
      bridge.control.setLocked('newcomer@workspace.example', true);
      await bridge.sync();
      expect(bridge.workspace().members[ADA]).toMatchObject({ locked: false, seat: 'workspace_member' });
      expect(await bridge.bridgeOf(id)).toMatchObject({ status: 'member' });
    },
  );
});

describe('what cannot be told to the IdP any more', () => {
  it('is kept, shown, and tried again when a seat is free', async () => {
    await start(1, [], {}, { PROVISION_WAIT_MS: '0' });
    const { status, body } = await bridge.createUser('zoe');
    expect(status).toBe(201);
    await bridge.idle();
    expect(await bridge.bridgeOf(body.id)).toMatchObject({
      status: 'failed',
      lastError: expect.stringContaining('seat'),
    });
    await bridge.sync();
    expect(bridge.writes()).toHaveLength(1);
    bridge.control.setSeatLimits({ full: 2, basic: 5 });
    await bridge.sync();
    expect(bridge.writes()).toHaveLength(1); // More seats are no reading that shows one freed.
    bridge.clock.jump(86_400_000);
    await bridge.clock.advanceAsync(10_000);
    await bridge.idle();
    expect(await bridge.bridgeOf(body.id)).toMatchObject({ status: 'invited' });
  });

  it('recovers as soon as the bridge itself frees a seat', async () => {
    await start(2, [{ email: ADA }], {}, { PROVISION_WAIT_MS: '0' });
    await bridge.createUser('ada');
    const { body } = await bridge.createUser('zoe');
    await bridge.idle();
    expect(await bridge.bridgeOf(body.id)).toMatchObject({ status: 'failed' });
    await bridge.patchUser(await idOf(ADA), DISABLE);
    await bridge.until(async () => (await bridge.bridgeOf(body.id))['status'] === 'invited', 'the invite');
  });

  it('recovers when a reading shows a seat freed by hand', async () => {
    await start(2, [{ email: ADA }], {}, { PROVISION_WAIT_MS: '0' });
    const { body } = await bridge.createUser('zoe');
    await bridge.idle();
    bridge.control.setLocked(ADA, true);
    await bridge.sync();
    await bridge.until(async () => (await bridge.bridgeOf(body.id))['status'] === 'invited', 'the invite');
  });

  it.each([
    ['the bridge frees one', '0', async () => bridge.patchUser(await idOf(ADA), DISABLE)],
    ['a hand frees one', '0', async () => bridge.control.setLocked(ADA, true)],
    ['a hand frees one, and a request waits', '3000', async () => bridge.control.setLocked(ADA, true)],
  ])('recovers where %s while the refusal is still looked into', async (_how, wait, free) => {
    await start(2, [{ email: ADA }], {}, { PROVISION_WAIT_MS: wait });
    await bridge.createUser('ada');
    await bridge.idle();
    await bridge.pass(1_000);
    bridge.control.addFault({ method: 'GET', path: '/v1/workspace/members', times: 1, fault: { kind: 'hang' } });
    const answer = bridge.createUser('zoe');
    await bridge.until(() => bridge.control.hanging() > 0, 'the reading that verifies the refusal');
    await free();
    await bridge.until(() => bridge.workspace().members[ADA]?.locked === true, 'the free seat');
    if (wait === '0') await bridge.until(async () => (await bridge.store.counts()).agenda === 1, 'the end of the lock');
    bridge.control.releaseHanging();
    const { status, body } = await answer;
    expect(status).toBe(201);
    await bridge.until(async () => (await bridge.bridgeOf(body.id))['status'] === 'invited', 'the invite');
    expect(bridge.workspace().mails).toEqual({ [ZOE]: 1 });
  });

  it('is tried again when the IdP writes the user', async () => {
    await start(1, [], {}, { PROVISION_WAIT_MS: '0' });
    const { body } = await bridge.createUser('zoe');
    await bridge.idle();
    bridge.control.setSeatLimits({ full: 2, basic: 5 });
    await bridge.patchUser(
      body.id,
      { op: 'replace', path: 'active', value: true },
      { op: 'add', path: 'title', value: 'x' },
    );
    await bridge.idle();
    expect(await bridge.bridgeOf(body.id)).toMatchObject({ status: 'invited' });
  });

  it('is tried again at an administrator’s word', async () => {
    await start(1, [], {}, { PROVISION_WAIT_MS: '0' });
    const { body } = await bridge.createUser('zoe');
    await bridge.idle();
    bridge.control.setSeatLimits({ full: 2, basic: 5 });
    expect(await bridge.app.reconciler.retryRefused(`user:${body.id}`)).toBe(1);
    await bridge.idle();
    expect(await bridge.bridgeOf(body.id)).toMatchObject({ status: 'invited' });
  });
});

describe('two grants in one write', () => {
  it('the write stands although one of them is refused', async () => {
    await start(3, [{ email: ADA, seatType: 'workspace_member' }]);
    await bridge.createUser('ada');
    const id = await idOf(ADA);
    await bridge.patchUser(id, DISABLE);
    bridge.control.addFault({ ...UPDATE, bodyIncludes: 'workspace_seat_type', fault: { kind: 'status', status: 400 } });
    const { status } = await bridge.patchUser(id, ENABLE, { op: 'add', path: 'roles', value: [{ value: 'admin' }] });
    expect(status).toBe(200);
    const { body } = await bridge.scim('GET', `/Users/${id}`);
    expect(body.active).toBe(true);
    expect(body.roles).toEqual([{ value: 'admin' }]);
    expect(body[BRIDGE_URN]).toMatchObject({ status: 'failed' });
  });
});

describe('a refused withdrawal', () => {
  it('leaves the user disabled and says what is wrong', async () => {
    await start(3, [{ email: ADA }]);
    await bridge.createUser('ada');
    const id = await idOf(ADA);
    bridge.control.addFault({ ...UPDATE, fault: { kind: 'status', status: 403 } });
    const { status, body } = await bridge.patchUser(id, DISABLE);
    expect(status).toBe(200);
    expect(body.active).toBe(false);
    expect(body[BRIDGE_URN]).toMatchObject({ status: 'failed', lastError: expect.stringContaining('lock') });
  });
});

describe('an address that is invited already', () => {
  const foreign = async (duplicateInvite: 400 | 409, more: Partial<Switches> = {}): Promise<void> => {
    const seed = minimalSeed({ invites: [{ email: ZOE, seatType: 'workspace_lite_member' }] });
    bridge = await startTestBridge({ seed, switches: { duplicateInvite, ...more } });
  };

  it.each([400, 409] as const)('%s: the foreign invite is revoked once, then ours is sent', async (duplicateInvite) => {
    await foreign(duplicateInvite);
    const { status } = await bridge.createUser('zoe');
    expect(status).toBe(201);
    expect(bridge.workspace().pendingInvites).toEqual({ [ZOE]: { seat: 'workspace_member', usageLimit: null } });
    expect(bridge.writes()).toEqual([`POST invites/add ${ZOE}`, `DELETE invites ${ZOE}`, `POST invites/add ${ZOE}`]);
  });

  it('counts as invited where our own first call may have sent it', async () => {
    bridge = await startTestBridge({ switches: { duplicateInvite: 400 } });
    bridge.control.addFault({ ...INVITES, nth: 1, fault: { kind: 'reset', applied: true } });
    const { body } = await bridge.createUser('zoe');
    await bridge.finish();
    expect(await bridge.bridgeOf(body.id)).toMatchObject({ status: 'invited', pendingChanges: 0 });
    expect(bridge.workspace().mails).toEqual({ [ZOE]: 1 });
    expect(bridge.writes()).toHaveLength(2);
  });

  it('is refused where the revocation does not help', async () => {
    await foreign(400);
    bridge.control.addFault({
      method: 'DELETE',
      path: '/v1/workspace/invites',
      fault: { kind: 'status', status: 500 },
    });
    const answer = await bridge.createUser('zoe');
    await bridge.finish();
    expect([201, 400]).toContain(answer.status);
    expect(bridge.writes().filter((call) => call.startsWith('POST')).length).toBeLessThanOrEqual(3);
  });
});

describe('an address that ElevenLabs does not accept', () => {
  it('is refused to the IdP; refusals that come together share a reading', async () => {
    await start(100);
    bridge.control.addFault({ ...INVITES, fault: { kind: 'status', status: 400, body: { detail: 'no' } } });
    bridge.control.clearRequests();
    const names = Array.from({ length: 12 }, (_, index) => `person${String(index)}`);
    const answers = await Promise.all(names.map((name) => bridge.createUser(name)));
    for (const answer of answers) expect(answer.status).toBe(400);
    expect(bridge.control.requests({ path: '/v1/workspace/members' }).length).toBeLessThan(names.length);
  });
});

describe('a key without a permission', () => {
  it('disables only what needs it, and names the permission', async () => {
    await start(5, [{ email: ADA }]);
    await bridge.createUser('ada');
    bridge.control.setScopes(bridge.sandbox.apiKey(), [
      'user_read',
      'workspace_read',
      'workspace_members_read',
      'workspace_write',
    ]);
    const answer = await bridge.createUser('zoe');
    expect(answer.status).toBe(400);
    expect(answer.body.detail).toContain('workspace_members_invite');
    await bridge.patchUser(await idOf(ADA), DISABLE);
    expect(bridge.workspace().members[ADA]).toMatchObject({ locked: true });
  });
});
