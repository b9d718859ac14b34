/** Rules of the mapping file at work: reloaded while running, or changed while the bridge was down. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { BRIDGE_URN, startTestBridge, type TestBridge } from '../support/bridge.js';

const OWNER = { email: 'owner@workspace.example', owner: true };
const ZOE = 'zoe@workspace.example';
const ENABLE = { op: 'replace', path: 'active', value: true };
const DISABLE = { op: 'replace', path: 'active', value: false };

let bridge: TestBridge;
afterEach(() => bridge.close());

describe('rules that change', () => {
  const seats = (seat: 'workspace_admin' | 'workspace_lite_member') => ({ roleSeats: new Map([['editor', seat]]) });

  it('concern everybody at once when the mapping file is read again', async () => {
    bridge = await startTestBridge({
      seed: minimalSeed({ members: [OWNER, { email: ZOE }], groups: [{ name: 'Vertrieb' }] }),
    });
    const { body } = await bridge.createUser('zoe', { roles: [{ value: 'Editor' }] });
    await bridge.createGroup('Sales', [body.id]);
    await bridge.idle();
    expect(bridge.writes()).toEqual([]);
    await bridge.setRules({ ...seats('workspace_admin'), groupAliases: new Map([['sales', 'vertrieb']]) });
    await bridge.idle();
    expect(bridge.workspace().members[ZOE]).toMatchObject({ seat: 'workspace_admin', groups: ['Vertrieb'] });
  });

  it('concern everybody when they changed while the bridge was down, and nobody when they did not', async () => {
    bridge = await startTestBridge({ seed: minimalSeed({ members: [OWNER, { email: ZOE }] }) });
    await bridge.createUser('zoe', { roles: [{ value: 'Editor' }] });
    await bridge.restart();
    await bridge.idle();
    expect((await bridge.store.counts()).agenda).toBe(0);
    expect(bridge.logLines.filter((line) => line.includes('the rules have changed'))).toEqual([]);
    await bridge.setRules(seats('workspace_admin'));
    await bridge.idle();
    expect(bridge.logLines.filter((line) => line.includes('the rules have changed'))).toHaveLength(1);
    expect(bridge.workspace().members[ZOE]).toMatchObject({ seat: 'workspace_admin' });
  });
});

describe('SEAT_LIMITS', () => {
  const start = async (env: Readonly<Record<string, string>>): Promise<void> => {
    const members = [
      OWNER,
      { email: ZOE },
      { email: 'max@workspace.example', seatType: 'workspace_lite_member' as const },
    ];
    bridge = await startTestBridge({ seed: minimalSeed({ members }), env });
  };

  it('refuse a new user before anything is stored, with numbers and a remedy', async () => {
    await start({ SEAT_LIMITS: 'full=2' });
    const { status, body } = await bridge.createUser('ida');
    expect([status, body.scimType]).toEqual([400, 'invalidValue']);
    expect(body.detail).toContain(
      'active: No Full seat is free: 2 of 2 in use. Free a seat by disabling somebody, buy seats in ElevenLabs and raise SEAT_LIMITS, or give a Basic seat (workspace_lite_member).',
    );
    expect((await bridge.scim('GET', '/Users?filter=userName eq "ida@workspace.example"')).body.totalResults).toBe(0);
    expect(bridge.writes()).toEqual([]);
  });

  it('let in who needs no seat of the kind that is used up', async () => {
    await start({ SEAT_LIMITS: 'full=2,basic=5' });
    const { status } = await bridge.createUser('ida', { roles: [{ value: 'lite' }] });
    expect(status).toBe(201);
    expect(Object.keys(bridge.workspace().pendingInvites)).toEqual(['ida@workspace.example']);
  });

  it('refuse a higher seat, naming the attribute that asked for it', async () => {
    await start({ SEAT_LIMITS: 'full=2,basic=5' });
    const { body } = await bridge.createUser('max');
    const answer = await bridge.patchUser(body.id, {
      op: 'add',
      path: `${BRIDGE_URN}:seatType`,
      value: 'workspace_member',
    });
    expect([answer.status, answer.body.scimType]).toEqual([400, 'invalidValue']);
    expect(answer.body.detail).toMatch(/^seatType: No Full seat is free: 2 of 2/);
  });

  it('refuse to give access back, unless a basic seat will do', async () => {
    await start({ SEAT_LIMITS: 'full=3,basic=5' });
    const { body } = await bridge.createUser('zoe');
    await bridge.patchUser(body.id, DISABLE);
    bridge.control.addMember({ email: 'eve@workspace.example' });
    bridge.control.addMember({ email: 'ole@workspace.example' });
    await bridge.pass(1000);
    await bridge.sync();
    expect((await bridge.patchUser(body.id, ENABLE)).status).toBe(400);
    await bridge.restart({ ALLOW_BASIC_DOWNGRADE: 'true' });
    expect((await bridge.patchUser(body.id, ENABLE)).status).toBe(200);
  });

  it('keep a group from giving a seat that is not there; it goes by itself when one is free', async () => {
    await start({ SEAT_LIMITS: 'full=2,basic=5' });
    const max = (await bridge.createUser('max')).body.id as string;
    const zoe = (await bridge.createUser('zoe')).body.id as string;
    await bridge.setRules({ groupSeats: new Map([['sales', 'workspace_member']]) });
    await bridge.createGroup('Sales', [max]);
    await bridge.idle();
    expect(bridge.writes()).toEqual([]);
    expect((await bridge.bridgeOf(max))['lastError']).toContain('2 of 2 in use');
    await bridge.patchUser(zoe, DISABLE);
    await bridge.until(
      () => bridge.workspace().members['max@workspace.example']?.seat === 'workspace_member',
      'the seat',
    );
  });
});

describe('DRY_RUN', () => {
  it('serves SCIM and plans, and sends nothing; going live shows the plan and does it', async () => {
    bridge = await startTestBridge({
      seed: minimalSeed({ members: [OWNER, { email: ZOE }] }),
      env: { DRY_RUN: 'true' },
    });
    expect((await bridge.createUser('ida')).status).toBe(201);
    const { body } = await bridge.createUser('zoe');
    await bridge.patchUser(body.id, DISABLE);
    await bridge.sync();
    expect(bridge.writes()).toEqual([]);
    const rows = await bridge.store.ledger({ states: ['planned'], limit: 10 });
    expect(rows.map(({ change, errorCode }) => [change.kind, errorCode])).toEqual([
      ['lock', 'dryRun'],
      ['invite', 'dryRun'],
    ]);
    await bridge.restart({ DRY_RUN: 'true' });
    await bridge.sync();
    expect(bridge.writes()).toEqual([]);
    await bridge.restart({ DRY_RUN: 'false' });
    await bridge.idle();
    expect([...bridge.writes()].sort()).toEqual(['POST invites/add ida@workspace.example', `POST members ${ZOE}`]);
    const shown = bridge.logLines.filter((line) => line.includes('DRY_RUN has ended') || line.includes('invite ida@'));
    expect(shown.length).toBeGreaterThanOrEqual(2);
  });

  it('holds after a restore until the plan is accepted', async () => {
    bridge = await startTestBridge({ seed: minimalSeed({ members: [OWNER] }) });
    await bridge.store.setSetting('dryRunUntilAccepted', 'true');
    await bridge.createUser('ida');
    await bridge.restart();
    await bridge.sync();
    expect(bridge.writes()).toEqual([]);
    expect(bridge.app.reconciler.state.dryRun).toBe('unaccepted');
    await bridge.store.setSetting('dryRunUntilAccepted', 'false');
    await bridge.store.scheduleWaiting('dryRun', 'accepted');
    bridge.app.reconciler.poke();
    await bridge.idle();
    expect(bridge.writes()).toEqual(['POST invites/add ida@workspace.example']);
  });
});
