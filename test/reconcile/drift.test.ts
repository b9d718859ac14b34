/** What somebody changed by hand: found at a reading, told with its cause, repaired or left. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { startTestBridge, type TestBridge } from '../support/bridge.js';

const ZOE = 'zoe@workspace.example';
const OWNER = { email: 'owner@workspace.example', owner: true };
const DISABLE = { op: 'replace', path: 'active', value: false };

let bridge: TestBridge;
afterEach(() => bridge.close());

interface Zoe {
  readonly id: string;
  /** The workspace group, and the group of the IdP. */
  readonly sales: string;
  readonly group: string;
}

/** Zoe is a member by invite, an admin by role, and in Sales by the IdP. */
async function zoe(drift: 'enforce' | 'report'): Promise<Zoe> {
  bridge = await startTestBridge({
    seed: minimalSeed({
      members: [OWNER, { email: 'boss@workspace.example', seatType: 'workspace_admin' }],
      groups: [{ name: 'Sales' }],
    }),
    env: { DRIFT: drift },
  });
  const { body } = await bridge.createUser('zoe', { roles: [{ value: 'admin' }] });
  bridge.control.accept(ZOE);
  await bridge.sync();
  const group = await bridge.createGroup('Sales', [body.id]);
  await bridge.idle();
  await bridge.sync();
  bridge.control.clearRequests();
  const sales = (await bridge.store.groups())[0]?.groupId as string;
  return { id: body.id, sales, group: group.body.id };
}

const found = async () =>
  (await bridge.store.drift({ open: true, limit: 10 })).map(({ kind, detail }) => [kind, detail]);
const ended = async () =>
  (await bridge.store.drift({ open: false, limit: 10 }))
    .filter(({ endedAt }) => endedAt !== null)
    .map(({ kind, outcome }) => [kind, outcome]);

describe('DRIFT=enforce', () => {
  it('gives a seat back, and says which rule wanted it', async () => {
    await zoe('enforce');
    await bridge.pass(1000);
    bridge.control.setSeat(ZOE, 'workspace_lite_member');
    await bridge.sync();
    expect(bridge.workspace().members[ZOE]).toMatchObject({ seat: 'workspace_admin' });
    expect(await found()).toEqual([]);
    expect(await ended()).toEqual([['seat', 'repaired']]);
    const [row] = await bridge.store.drift({ open: false, limit: 10 });
    expect(row?.detail).toContain('roles "admin"');
  });

  it('puts back into a group', async () => {
    const { sales } = await zoe('enforce');
    await bridge.pass(1000);
    bridge.control.takeOutOfGroup(sales, ZOE);
    await bridge.sync();
    expect(bridge.workspace().members[ZOE]).toMatchObject({ groups: ['Sales'] });
    expect(await ended()).toEqual([['group', 'repaired']]);
  });

  it('stops after two repairs within an hour, and alerts; the IdP may still want it', async () => {
    const { sales, id, group } = await zoe('enforce');
    for (let time = 0; time < 4; time++) {
      bridge.control.takeOutOfGroup(sales, ZOE);
      await bridge.sync();
      await bridge.clock.advanceAsync(60_000);
    }
    expect(bridge.writes()).toHaveLength(2);
    expect(bridge.workspace().members[ZOE]).toMatchObject({ groups: [] });
    expect(bridge.app.alerts.recent().map(({ kind }) => kind)).toEqual(['flapping']);
    expect(await bridge.bridgeOf(id)).toMatchObject({ status: 'held' });
    await bridge.patchGroup(group, { op: 'remove', path: `members[value eq "${id}"]` });
    await bridge.patchGroup(group, { op: 'add', path: 'members', value: [{ value: id }] });
    await bridge.idle();
    expect(bridge.workspace().members[ZOE]).toMatchObject({ groups: ['Sales'] });
  });

  const role = (value: string) => ({ op: 'replace', path: 'roles', value: [{ value }] });
  it.each([
    [
      'a membership',
      ({ sales }: Zoe) => bridge.control.takeOutOfGroup(sales, ZOE),
      ({ id, group }: Zoe) => bridge.patchGroup(group, { op: 'remove', path: `members[value eq "${id}"]` }),
      ({ id, group }: Zoe) => bridge.patchGroup(group, { op: 'add', path: 'members', value: [{ value: id }] }),
    ],
    [
      'a seat',
      () => bridge.control.setSeat(ZOE, 'workspace_lite_member'),
      ({ id }: Zoe) => bridge.patchUser(id, role('member')),
      ({ id }: Zoe) => bridge.patchUser(id, role('admin')),
    ],
  ])('stops after two repairs of %s, whatever restarts; what the IdP said is none', async (_, disturb, ...says) => {
    const one = await zoe('enforce');
    for (const say of [...says, ...says]) {
      await say(one);
      await bridge.idle();
    }
    await bridge.pass(1_000);
    const repairs: number[] = [];
    for (let time = 0; time < 3; time++) {
      await bridge.restart();
      bridge.control.clearRequests();
      disturb(one);
      await bridge.sync();
      repairs.push(bridge.writes().length);
      await bridge.clock.advanceAsync(60_000);
    }
    expect(repairs).toEqual([1, 1, 0]);
    expect(await bridge.bridgeOf(one.id)).toMatchObject({ status: 'held' });
  });

  it('never unlocks who was locked by hand; that is listed until it ends', async () => {
    await zoe('enforce');
    await bridge.pass(1000);
    bridge.control.setLocked(ZOE, true);
    await bridge.sync();
    expect(bridge.writes()).toEqual([]);
    expect(await found()).toEqual([['lockedByHand', `${ZOE} was locked in ElevenLabs, and is left locked`]]);
    await bridge.pass(1000);
    bridge.control.setLocked(ZOE, false);
    await bridge.sync();
    expect(await found()).toEqual([]);
  });

  it('never invites again who was removed by hand', async () => {
    await zoe('enforce');
    await bridge.pass(1000);
    bridge.control.removeMember(ZOE);
    await bridge.syncUntilGone();
    expect(bridge.writes()).toEqual([]);
    expect((await found()).map(([kind]) => kind)).toEqual(['removedByHand']);
  });

  it.each([
    ['locked', () => bridge.control.setLocked(ZOE, true), 'unlock', ['POST groups/remove']],
    ['removed', () => bridge.control.removeMember(ZOE), 'invite', []],
  ])(
    'leaves who was %s by hand so, whatever the IdP says but that she is active again',
    async (_how, hand, end, calls) => {
      const { id, group } = await zoe('enforce');
      await bridge.pass(1000);
      hand();
      await bridge.syncUntilGone();
      const { userName, emails } = (await bridge.scim('GET', `/Users/${id}`)).body;
      // As it was, and otherwise: nothing of this turns `active` from false to true.
      for (const more of [{}, { title: 'Chief' }, { roles: [{ value: 'lite' }] }, { roles: [{ value: 'admin' }] }])
        expect((await bridge.scim('PUT', `/Users/${id}`, { userName, emails, active: true, ...more })).status).toBe(
          200,
        );
      await bridge.patchUser(id, { op: 'replace', path: 'active', value: true });
      await bridge.patchGroup(group, { op: 'remove', path: 'members' });
      await bridge.patchGroup(group, { op: 'add', path: 'members', value: [{ value: id }] });
      await bridge.idle();
      await bridge.restart();
      await bridge.sync();
      // Taken out of the group by the IdP, whatever the lock; put back when she has access.
      expect(bridge.writes().map((call) => call.replace(/groups\/\w+\/members\/(\w+) .*/u, 'groups/$1'))).toEqual(
        calls,
      );
      await bridge.patchUser(id, DISABLE);
      await bridge.patchUser(id, { ...DISABLE, value: true });
      await bridge.idle();
      const ledger = await bridge.store.ledger({ states: ['done'], limit: 50 });
      expect(ledger.map(({ change }) => change.kind)).toContain(end);
      if (end === 'unlock') expect(bridge.workspace().members[ZOE]).toMatchObject({ locked: false, groups: ['Sales'] });
      else expect(Object.keys(bridge.workspace().pendingInvites)).toEqual([ZOE]);
    },
  );
});

describe('DRIFT=report', () => {
  it('lists and changes nothing, at any later sync either', async () => {
    const { sales } = await zoe('report');
    await bridge.pass(1000);
    bridge.control.takeOutOfGroup(sales, ZOE);
    await bridge.pass(1000);
    bridge.control.setSeat(ZOE, 'workspace_lite_member');
    await bridge.sync();
    await bridge.sync();
    expect(bridge.writes()).toEqual([]);
    expect((await found()).map(([kind]) => kind).sort()).toEqual(['group', 'seat']);
  });

  it('does what the IdP writes afresh', async () => {
    const { id } = await zoe('report');
    await bridge.pass(1000);
    bridge.control.setSeat(ZOE, 'workspace_lite_member');
    await bridge.sync();
    await bridge.patchUser(id, { op: 'replace', path: 'displayName', value: 'Zoe' });
    await bridge.idle();
    expect(bridge.workspace().members[ZOE]).toMatchObject({ seat: 'workspace_admin' });
    expect(await found()).toEqual([]);
  });

  it('locks a leaver again who was unlocked by hand', async () => {
    const { id } = await zoe('report');
    await bridge.patchUser(id, DISABLE);
    await bridge.idle();
    await bridge.pass(1000);
    bridge.control.setLocked(ZOE, false);
    await bridge.sync();
    expect(bridge.workspace().members[ZOE]).toMatchObject({ locked: true });
    expect((await ended()).map(([kind]) => kind)).toEqual(['unlockedLeaver']);
  });

  it('links a group that comes up, and fills it: that was never settled', async () => {
    const { id } = await zoe('report');
    await bridge.createGroup('Legal', [id]);
    await bridge.idle();
    bridge.control.createGroup('Legal');
    await bridge.sync();
    expect([...(bridge.workspace().members[ZOE]?.groups ?? [])].sort()).toEqual(['Legal', 'Sales']);
  });
});
