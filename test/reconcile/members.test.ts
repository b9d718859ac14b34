/** The truth table of docs/design.md for one person, each row through the front door. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { foldAddress } from '../../src/domain/fold.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { BRIDGE_URN, startTestBridge, type TestBridge } from '../support/bridge.js';

const ZOE = 'zoe@workspace.example';
const ADA = 'ada@workspace.example';
const OWNER = 'owner@workspace.example';
const RELEASE = { actor: 'admin:cli', requestId: 'cli-test', tokenId: null, interactive: false, ifMatch: null };
const DISABLE = { op: 'replace', path: 'active', value: false };
const ENABLE = { op: 'replace', path: 'active', value: true };

const seed = () =>
  minimalSeed({
    members: [
      { email: OWNER, owner: true },
      { email: ADA },
      { email: 'boss@workspace.example', seatType: 'workspace_admin' },
    ],
  });

describe('a person', () => {
  let bridge: TestBridge;
  beforeEach(async () => {
    bridge = await startTestBridge({ seed: seed() });
  });
  afterEach(() => bridge.close());

  /** Zoe, invited and accepted. */
  async function memberZoe(): Promise<string> {
    const { body } = await bridge.createUser('zoe');
    bridge.control.accept(ZOE);
    await bridge.sync();
    bridge.control.clearRequests();
    return body.id;
  }

  it('who is not in the workspace is invited once, with the default seat', async () => {
    const { status, body } = await bridge.createUser('zoe');
    expect(status).toBe(201);
    expect(body[BRIDGE_URN]).toMatchObject({ status: 'invited', origin: 'idp', pendingChanges: 0 });
    expect(bridge.workspace().pendingInvites).toEqual({ [ZOE]: { seat: 'workspace_member', usageLimit: null } });
    await bridge.sync();
    expect(bridge.writes()).toEqual([`POST invites/add ${ZOE}`]);
  });

  it('is invited with the seat and the usage limit that the IdP gives', async () => {
    await bridge.createUser('zoe', { [BRIDGE_URN]: { usageLimit: 5000 }, roles: [{ value: 'Admin' }] });
    expect(bridge.workspace().pendingInvites).toEqual({ [ZOE]: { seat: 'workspace_admin', usageLimit: 5000 } });
  });

  it('who is a member already is taken over, not invited', async () => {
    const { status, body } = await bridge.createUser('ada');
    expect(status).toBe(201);
    expect(body[BRIDGE_URN]).toMatchObject({ status: 'member', origin: 'adopted' });
    await bridge.sync();
    expect(bridge.writes()).toEqual([]);
  });

  it('who joined after the last reading is adopted when the invite is refused', async () => {
    bridge.control.addMember({ email: ZOE });
    const { status, body } = await bridge.createUser('zoe');
    expect(status).toBe(201);
    expect(body[BRIDGE_URN]).toMatchObject({ status: 'member', origin: 'adopted' });
    expect(bridge.workspace().mails).toEqual({});
    expect(await bridge.store.openInvites()).toMatchObject({ count: 0 });
  });

  it.each(['boss', 'boss2'])(
    '%s, an admin whose role in the IdP is lower, is adopted without losing the seat',
    async (name) => {
      bridge.control.addMember({ email: 'boss2@workspace.example', seatType: 'workspace_admin' });
      const { body } = await bridge.createUser(name, { roles: [{ value: 'lite' }] });
      await bridge.sync();
      const seat = () => bridge.workspace().members[`${name}@workspace.example`]?.seat;
      expect(seat()).toBe('workspace_admin');
      await bridge.patchUser(body.id, { op: 'replace', path: 'roles', value: [{ value: 'member' }] });
      expect(seat()).toBe('workspace_member');
    },
  );

  it('who accepts is noticed within the poll interval', async () => {
    const { body } = await bridge.createUser('zoe');
    bridge.control.accept(ZOE);
    await bridge.clock.advanceAsync(30_000);
    await bridge.until(async () => (await bridge.bridgeOf(body.id))['status'] === 'member', 'the acceptance');
  });

  it('who is disabled while the invite is pending loses the invite, and is invited anew when enabled', async () => {
    const { body } = await bridge.createUser('zoe');
    expect((await bridge.patchUser(body.id, DISABLE)).status).toBe(200);
    expect(bridge.workspace().pendingInvites).toEqual({});
    await bridge.patchUser(body.id, ENABLE);
    expect(Object.keys(bridge.workspace().pendingInvites)).toEqual([ZOE]);
    expect(bridge.workspace().mails).toEqual({ [ZOE]: 2 });
  });

  it('who is disabled as a member is locked, and unlocked when enabled', async () => {
    const id = await memberZoe();
    const { body } = await bridge.patchUser(id, DISABLE);
    expect(body[BRIDGE_URN]).toMatchObject({ status: 'locked' });
    expect(bridge.workspace().members[ZOE]).toMatchObject({ locked: true });
    await bridge.patchUser(id, ENABLE);
    expect(bridge.workspace().members[ZOE]).toMatchObject({ locked: false });
    await bridge.sync();
    expect(bridge.writes()).toHaveLength(2);
  });

  it('who is deleted while the invite is pending loses the invite', async () => {
    const { body } = await bridge.createUser('zoe');
    expect((await bridge.scim('DELETE', `/Users/${body.id}`)).status).toBe(204);
    await bridge.idle();
    expect(bridge.workspace().pendingInvites).toEqual({});
  });

  it('who is deleted as a member is locked, and unlocked again when created anew', async () => {
    const id = await memberZoe();
    await bridge.scim('DELETE', `/Users/${id}`);
    await bridge.idle();
    expect(bridge.workspace().members[ZOE]).toMatchObject({ locked: true });
    const { status } = await bridge.createUser('zoe');
    expect(status).toBe(201);
    await bridge.idle();
    expect(bridge.workspace().members[ZOE]).toMatchObject({ locked: false });
    expect(bridge.workspace().mails).toEqual({ [ZOE]: 1 });
  });

  it('whose revoked invite is accepted nevertheless is locked', async () => {
    const { body } = await bridge.createUser('zoe');
    await bridge.patchUser(body.id, DISABLE);
    bridge.control.addMember({ email: ZOE });
    await bridge.sync();
    expect(bridge.workspace().members[ZOE]).toMatchObject({ locked: true });
  });

  it('who was locked in the UI stays locked', async () => {
    const id = await memberZoe();
    bridge.control.setLocked(ZOE, true);
    await bridge.sync();
    expect(bridge.workspace().members[ZOE]).toMatchObject({ locked: true });
    expect(await bridge.bridgeOf(id)).toMatchObject({ status: 'locked' });
    expect(bridge.writes()).toEqual([]);
    await bridge.patchUser(id, DISABLE);
    await bridge.patchUser(id, ENABLE);
    expect(bridge.workspace().members[ZOE]).toMatchObject({ locked: false });
  });

  it('who left the workspace is not invited again until the IdP turns active on afresh', async () => {
    const id = await memberZoe();
    bridge.control.removeMember(ZOE);
    await bridge.syncUntilGone();
    expect(await bridge.bridgeOf(id)).toMatchObject({ status: 'removed' });
    expect(bridge.writes()).toEqual([]);
    await bridge.patchUser(id, DISABLE);
    await bridge.patchUser(id, ENABLE);
    expect(Object.keys(bridge.workspace().pendingInvites)).toEqual([ZOE]);
  });

  it('gets the seat that roles or seatType give, and the old one back when the rule goes', async () => {
    const id = await memberZoe();
    await bridge.patchUser(id, { op: 'add', path: 'roles', value: [{ value: 'admin' }] });
    expect(bridge.workspace().members[ZOE]).toMatchObject({ seat: 'workspace_admin' });
    await bridge.patchUser(id, { op: 'add', path: `${BRIDGE_URN}:seatType`, value: 'workspace_lite_member' });
    expect(bridge.workspace().members[ZOE]).toMatchObject({ seat: 'workspace_lite_member' });
    await bridge.patchUser(id, { op: 'remove', path: `${BRIDGE_URN}:seatType` }, { op: 'remove', path: 'roles' });
    expect(bridge.workspace().members[ZOE]).toMatchObject({ seat: 'workspace_member' });
  });

  it('whose e-mail changes while the invite is pending is invited at the new address', async () => {
    const { body } = await bridge.createUser('zoe');
    const value = 'zoe.new@workspace.example';
    await bridge.patchUser(body.id, { op: 'replace', path: 'emails[type eq "work"].value', value });
    expect(Object.keys(bridge.workspace().pendingInvites)).toEqual([value]);
  });

  it('whose e-mail changes as a member stays that member', async () => {
    const id = await memberZoe();
    const value = 'zoe.new@workspace.example';
    const { status } = await bridge.patchUser(id, { op: 'replace', path: 'emails[type eq "work"].value', value });
    expect(status).toBe(200);
    await bridge.sync();
    expect(bridge.writes()).toEqual([]);
    await bridge.patchUser(id, DISABLE);
    expect(bridge.workspace().members[ZOE]).toMatchObject({ locked: true });
  });

  it('who wants a lower seat while pending gets another invite', async () => {
    const { body } = await bridge.createUser('zoe', { roles: [{ value: 'admin' }] });
    await bridge.patchUser(body.id, { op: 'replace', path: 'roles', value: [{ value: 'lite' }] });
    expect(bridge.workspace().pendingInvites).toEqual({ [ZOE]: { seat: 'workspace_lite_member', usageLimit: null } });
  });

  it('is invited again after the TTL, and not for ever', async () => {
    await bridge.createUser('zoe');
    for (let week = 0; week < 8; week++) {
      bridge.clock.leap(7 * 86_400_000);
      await bridge.clock.advanceAsync(10_000);
      await bridge.idle();
    }
    expect(bridge.workspace().mails).toEqual({ [ZOE]: 3 });
  });

  it('who owns the workspace is never touched', async () => {
    const { body } = await bridge.createUser('owner', { roles: [{ value: 'lite' }] });
    expect(body[BRIDGE_URN]).toMatchObject({ status: 'protected' });
    const { status, body: error } = await bridge.patchUser(body.id, DISABLE);
    expect([status, error.scimType]).toEqual([400, 'mutability']);
    expect((await bridge.scim('DELETE', `/Users/${body.id}`)).status).toBe(400);
    expect(bridge.writes()).toEqual([]);
  });

  it('on the never-touch list keeps access, seat and groups; what else the IdP says passes', async () => {
    await bridge.setRules({ neverTouch: new Set([foldAddress(ADA)]) });
    const sales = bridge.control.createGroup('Sales');
    bridge.control.putInGroup(sales, ADA);
    await bridge.sync();
    const { body } = await bridge.createUser('ada', { roles: [{ value: 'lite' }], title: 'Chief' });
    expect(body).toMatchObject({ title: 'Chief', [BRIDGE_URN]: { status: 'protected' } });
    const group = (await bridge.createGroup('Sales', [body.id])).body.id as string;
    const taken = await bridge.patchGroup(group, { op: 'remove', path: `members[value eq "${String(body.id)}"]` });
    expect(taken.status).toBe(204);
    for (const answer of [
      await bridge.patchUser(body.id, DISABLE, { op: 'replace', path: 'title', value: 'Gone' }),
      await bridge.scim('DELETE', `/Users/${String(body.id)}`),
    ]) {
      expect([answer.status, answer.body.scimType]).toEqual([400, 'mutability']);
      expect(answer.body.detail).toContain('never-touch');
    }
    await bridge.sync();
    expect(bridge.writes()).toEqual([]);
    expect((await bridge.scim('GET', `/Users/${String(body.id)}`)).body).toMatchObject({
      title: 'Chief',
      active: true,
    });
  });

  it('whom an administrator releases is left as she is, by IdP, hands and time, until the IdP writes her', async () => {
    const id = await memberZoe();
    await bridge.patchUser(id, { op: 'replace', path: 'roles', value: [{ value: 'admin' }] });
    bridge.control.createGroup('Sales');
    await bridge.sync();
    const before = bridge.workspace();
    bridge.control.clearRequests();
    await bridge.store.releaseUser(id, RELEASE);
    await bridge.createGroup('Sales', [id]);
    await bridge.idle();
    expect(bridge.workspace()).toEqual(before);
    bridge.control.setSeat(ZOE, 'workspace_lite_member');
    await bridge.sync();
    await bridge.restart();
    await bridge.sync();
    expect(bridge.writes()).toEqual([]);
    await bridge.patchUser(id, { op: 'replace', path: 'displayName', value: 'Zoe' });
    await bridge.idle();
    expect(bridge.workspace().members[ZOE]).toMatchObject({ locked: false, groups: ['Sales'] });
  });

  it('whom no IdP has written is never changed', async () => {
    const before = bridge.workspace();
    await bridge.sync();
    bridge.control.setSeat(ADA, 'workspace_lite_member');
    await bridge.sync();
    expect(bridge.writes()).toEqual([]);
    expect(Object.keys(bridge.workspace().members)).toEqual(Object.keys(before.members));
  });

  it('created twenty times at once exists once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => bridge.createUser('zoe')));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 19 }, () => 409)]);
    expect(bridge.workspace().mails).toEqual({ [ZOE]: 1 });
  });
});
