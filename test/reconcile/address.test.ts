/** Changes of the e-mail address of a member: kept, handed over or refused, with everything that can come between. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { minimalSeed, type SeedMember } from '../../src/sandbox/seed.js';
import { BRIDGE_URN, startTestBridge, type TestBridge } from '../support/bridge.js';

const OWNER = { email: 'owner@workspace.example', owner: true };
const OLD = 'zoe@workspace.example';
const NEW = 'zoe.new@workspace.example';
const NEWER = 'zoe.newer@workspace.example';
const DISABLE = { op: 'replace', path: 'active', value: false };
const ENABLE = { op: 'replace', path: 'active', value: true };
const ADMIN = { requestId: 'admin-1', actor: 'admin', tokenId: null, interactive: false, ifMatch: null };
const INVITE = 'POST invites/add';

let bridge: TestBridge;
afterEach(() => bridge.close());

const moveTo = (value: string) => ({ op: 'replace', path: 'emails[type eq "work"].value', value });

/** Zoe, a managed member: an admin by hand, in Sales by the IdP and in Art by hand. */
async function zoe(mode: 'keep' | 'handover' | 'reject', others: readonly SeedMember[] = []): Promise<string> {
  bridge = await startTestBridge({
    seed: minimalSeed({
      members: [
        OWNER,
        { email: OLD, seatType: 'workspace_admin' },
        { email: 'boss@workspace.example', seatType: 'workspace_admin' },
        ...others,
      ],
      groups: [{ name: 'Sales' }, { name: 'Art', members: [OLD] }],
    }),
    env: { EMAIL_CHANGE: mode, IMPORT_EXISTING: 'false' },
  });
  const { body } = await bridge.createUser('zoe');
  await bridge.createGroup('Sales', [body.id]);
  await bridge.idle();
  await bridge.pass(1000);
  await bridge.sync();
  bridge.control.clearRequests();
  return body.id;
}

/** The invitee accepts, and the bridge notices. */
async function accept(address: string): Promise<void> {
  bridge.control.accept(address);
  await bridge.pass(1000);
  await bridge.sync();
}

const drift = async () => (await bridge.store.drift({ open: true, limit: 10 })).map(({ detail }) => detail);
const member = (address: string) => bridge.workspace().members[address];
const pending = () => Object.keys(bridge.workspace().pendingInvites);

describe('EMAIL_CHANGE=keep', () => {
  it('keeps the member, who is still served, and says so', async () => {
    const id = await zoe('keep');
    expect((await bridge.patchUser(id, moveTo(NEW))).status).toBe(200);
    await bridge.sync();
    expect(bridge.writes()).toEqual([]);
    expect(await drift()).toEqual([`the IdP says ${NEW}, ElevenLabs knows the member by ${OLD}`]);
    await bridge.patchUser(id, DISABLE);
    expect(member(OLD)).toMatchObject({ locked: true });
  });

  it('is content when the address is changed in ElevenLabs, too', async () => {
    const id = await zoe('keep');
    await bridge.patchUser(id, moveTo(NEW));
    await bridge.pass(1000);
    bridge.control.changeEmail(OLD, NEW);
    await bridge.sync();
    expect(await drift()).toEqual([]);
    expect(await bridge.bridgeOf(id)).toMatchObject({ status: 'member' });
  });

  it('never gives the account to a newcomer who takes the old address', async () => {
    const id = await zoe('keep');
    await bridge.patchUser(id, moveTo(NEW));
    await bridge.scim('PATCH', `/Users/${id}`, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'replace', path: 'userName', value: NEW }],
    });
    const { status, body } = await bridge.createUser('zoe');
    expect([status, body.scimType]).toEqual([409, 'uniqueness']);
    expect(body.detail).toContain(`ElevenLabs still knows user ${id}`);
    await bridge.sync();
    expect(bridge.writes()).toEqual([]);
  });

  it('refuses the address of another member', async () => {
    const id = await zoe('keep', [{ email: NEW }]);
    await bridge.createUser(NEW);
    const { status, body } = await bridge.patchUser(id, moveTo(NEW));
    expect([status, body.scimType]).toEqual([409, 'uniqueness']);
  });

  it("hands one person over on an administrator's word", async () => {
    const id = await zoe('keep');
    await bridge.patchUser(id, moveTo(NEW));
    await bridge.store.handoverUser(id, ADMIN);
    bridge.app.reconciler.poke();
    await bridge.idle();
    expect(pending()).toEqual([NEW]);
    await accept(NEW);
    expect([member(NEW)?.locked, member(OLD)?.locked]).toEqual([false, true]);
    await expect(bridge.store.handoverUser(id, ADMIN)).rejects.toThrow('nothing to hand over');
  });
});

describe('EMAIL_CHANGE=reject', () => {
  it('refuses the change of a member, and nothing is stored', async () => {
    const id = await zoe('reject');
    const { status, body } = await bridge.patchUser(id, moveTo(NEW));
    expect([status, body.scimType]).toEqual([400, 'mutability']);
    expect((await bridge.scim('GET', `/Users/${id}`)).body.emails[0].value).toBe(OLD);
  });

  it('lets an invite that is pending move', async () => {
    await zoe('reject');
    const { body } = await bridge.createUser('ida');
    expect((await bridge.patchUser(body.id, moveTo(NEW))).status).toBe(200);
    expect(pending()).toEqual([NEW]);
  });
});

describe('EMAIL_CHANGE=handover', () => {
  it('invites the new address with the old seat; on acceptance copies groups, then locks the old account', async () => {
    const id = await zoe('handover');
    expect((await bridge.patchUser(id, moveTo(NEW))).status).toBe(200);
    expect(bridge.workspace().pendingInvites).toEqual({ [NEW]: { seat: 'workspace_admin', usageLimit: null } });
    expect(member(OLD)).toMatchObject({ locked: false });
    bridge.control.clearRequests();
    await accept(NEW);
    expect(member(NEW)).toMatchObject({ seat: 'workspace_admin', locked: false });
    expect([...(member(NEW)?.groups ?? [])].sort()).toEqual(['Art', 'Sales']);
    expect(member(OLD)).toMatchObject({ locked: true });
    expect(bridge.writes().at(-1)).toBe(`POST members ${OLD}`);
    expect(await bridge.bridgeOf(id)).toMatchObject({ status: 'member', pendingChanges: 0 });
    expect(bridge.workspace().mails).toEqual({ [NEW]: 1 });
  });

  it('is over then: nothing is copied or repaired a second time', async () => {
    const id = await zoe('handover');
    await bridge.patchUser(id, moveTo(NEW));
    await accept(NEW);
    bridge.control.clearRequests();
    const art = (await bridge.store.groups()).find(({ name }) => name === 'Art')?.groupId as string;
    bridge.control.takeOutOfGroup(art, NEW);
    await bridge.pass(1000);
    await bridge.sync();
    expect(bridge.writes()).toEqual([]);
    expect(await drift()).toEqual([]);
  });

  it('keeps the old account locked', async () => {
    const id = await zoe('handover');
    await bridge.patchUser(id, moveTo(NEW));
    await accept(NEW);
    await bridge.pass(1000);
    bridge.control.setLocked(OLD, false);
    await bridge.sync();
    expect(member(OLD)).toMatchObject({ locked: true });
    await bridge.patchUser(id, DISABLE);
    expect([member(NEW)?.locked, member(OLD)?.locked]).toEqual([true, true]);
    await bridge.patchUser(id, ENABLE);
    expect([member(NEW)?.locked, member(OLD)?.locked]).toEqual([false, true]);
  });

  it('serves the old account until then', async () => {
    const id = await zoe('handover');
    await bridge.patchUser(id, moveTo(NEW));
    bridge.control.clearRequests();
    await bridge.patchUser(id, { op: 'add', path: 'roles', value: [{ value: 'member' }] });
    expect(member(OLD)).toMatchObject({ seat: 'workspace_member' });
  });

  it('to an address that is a member already needs no invite', async () => {
    const id = await zoe('handover', [{ email: NEW, seatType: 'workspace_lite_member' }]);
    await bridge.patchUser(id, moveTo(NEW));
    await bridge.idle();
    expect(bridge.workspace().mails).toEqual({});
    expect(member(NEW)).toMatchObject({ seat: 'workspace_admin', locked: false });
    expect(member(OLD)).toMatchObject({ locked: true });
  });

  it('to an address that joined since the last reading is found when the invite is refused', async () => {
    const id = await zoe('handover');
    await bridge.pass(1000);
    bridge.control.addMember({ email: NEW });
    expect((await bridge.patchUser(id, moveTo(NEW))).status).toBe(200);
    await bridge.idle();
    expect(bridge.workspace().mails).toEqual({});
    expect([member(NEW)?.locked, member(OLD)?.locked]).toEqual([false, true]);
  });

  it('that is refused leaves the address as it was, and tells the IdP why', async () => {
    const id = await zoe('handover');
    bridge.control.addFault({
      path: '/v1/workspace/invites/add',
      fault: { kind: 'status', status: 400, body: { detail: { status: 'invalid_email', message: 'No.' } } },
    });
    const { status, body } = await bridge.patchUser(id, moveTo(NEW));
    expect([status, body.scimType]).toEqual([400, 'invalidValue']);
    expect(body.detail).toContain(NEW);
    expect((await bridge.scim('GET', `/Users/${id}`)).body.emails[0].value).toBe(OLD);
    bridge.control.clearFaults();
    await bridge.sync();
    expect(pending()).toEqual([]);
    expect(member(OLD)).toMatchObject({ locked: false });
    expect(await drift()).toEqual([]);
  });

  it('that changes again while pending follows the last address', async () => {
    const id = await zoe('handover');
    await bridge.patchUser(id, moveTo(NEW));
    await bridge.patchUser(id, moveTo(NEWER));
    expect(pending()).toEqual([NEWER]);
    await accept(NEWER);
    expect([member(NEWER)?.locked, member(OLD)?.locked]).toEqual([false, true]);
  });

  it('that changes back while pending never was', async () => {
    const id = await zoe('handover');
    await bridge.patchUser(id, moveTo(NEW));
    await bridge.patchUser(id, moveTo(OLD));
    expect(pending()).toEqual([]);
    await bridge.sync();
    expect(member(OLD)).toMatchObject({ locked: false });
    expect(await drift()).toEqual([]);
  });

  it('of somebody who is disabled while it is pending ends both, and goes on when enabled', async () => {
    const id = await zoe('handover');
    await bridge.patchUser(id, moveTo(NEW));
    await bridge.patchUser(id, DISABLE);
    expect(pending()).toEqual([]);
    expect(member(OLD)).toMatchObject({ locked: true });
    await bridge.patchUser(id, ENABLE);
    expect(member(OLD)).toMatchObject({ locked: false });
    expect(pending()).toEqual([NEW]);
  });

  it('of somebody who is disabled and accepts all the same leaves no way in', async () => {
    const id = await zoe('handover');
    await bridge.patchUser(id, moveTo(NEW));
    await bridge.patchUser(id, DISABLE);
    bridge.control.addMember({ email: NEW });
    await bridge.pass(1000);
    await bridge.sync();
    expect([member(NEW)?.locked, member(OLD)?.locked]).toEqual([true, true]);
  });

  it('of somebody who is deleted locks both accounts', async () => {
    const id = await zoe('handover');
    await bridge.patchUser(id, moveTo(NEW));
    await accept(NEW);
    await bridge.pass(1000);
    bridge.control.setLocked(OLD, false);
    await bridge.scim('DELETE', `/Users/${id}`);
    await bridge.sync();
    expect([member(NEW)?.locked, member(OLD)?.locked]).toEqual([true, true]);
  });

  it('does not walk around a lock made by hand', async () => {
    const id = await zoe('handover');
    await bridge.pass(1000);
    bridge.control.setLocked(OLD, true);
    await bridge.sync();
    await bridge.patchUser(id, moveTo(NEW));
    await bridge.sync();
    expect(pending()).toEqual([]);
  });

  it('gives the old account to nobody else, ever', async () => {
    const id = await zoe('handover');
    await bridge.patchUser(id, { op: 'replace', path: 'userName', value: NEW }, moveTo(NEW));
    expect((await bridge.createUser('zoe')).status).toBe(409);
    await accept(NEW);
    expect((await bridge.createUser('zoe')).status).toBe(409);
    await bridge.pass(1000);
    bridge.control.removeMember(OLD);
    await bridge.syncUntilGone();
    const { status, body } = await bridge.createUser('zoe');
    expect(status).toBe(201);
    expect(body[BRIDGE_URN]).toMatchObject({ status: 'invited' });
    expect(bridge.writes().at(-1)).toBe(`${INVITE} ${OLD}`);
  });
});
