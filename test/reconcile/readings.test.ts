/** Which readings of the workspace are believed, and what a bridge does that must not believe one. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Fault } from '../../src/sandbox/faults.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { startTestBridge, type TestBridge } from '../support/bridge.js';

const at = (name: string): string => `${name}@workspace.example`;
const MEMBERS = { method: 'GET', path: '/v1/workspace/members' };
const GROUPS = { method: 'GET', path: '/v1/workspace/groups' };
const NAMES = Array.from({ length: 12 }, (_, index) => `person${String(index)}`);

describe('a workspace of thirteen with a managed group', () => {
  let bridge: TestBridge;
  let ids: readonly string[];
  let group: string;
  beforeEach(async () => {
    bridge = await startTestBridge({
      seed: minimalSeed({
        members: [{ email: at('owner'), owner: true }, ...NAMES.map((name) => ({ email: at(name) }))],
        groups: [{ name: 'Sales' }],
      }),
    });
    ids = await Promise.all(NAMES.map(async (name) => (await bridge.createUser(name)).body.id as string));
    group = (await bridge.createGroup('Sales', ids)).body.id;
    await bridge.idle();
    await bridge.clock.advanceAsync(1000);
    bridge.control.clearRequests();
  });
  afterEach(() => bridge.close());

  const doubtful: Readonly<Record<string, Fault>> = {
    'an empty list': { kind: 'truncate', keep: 0 },
    'half of the list': { kind: 'truncate', keep: 6 },
    'no owner': { kind: 'violation', violation: 'noOwner' },
    'two owners': { kind: 'violation', violation: 'twoOwners' },
  };

  it.each(Object.entries(doubtful))('%s changes nothing, and is told', async (_name, fault) => {
    bridge.control.addFault({ ...MEMBERS, times: 2, fault });
    await bridge.sync();
    await bridge.sync();
    expect(bridge.app.reconciler.state.readings.doubt).not.toBeNull();
    for (const id of ids) expect(await bridge.bridgeOf(id)).toMatchObject({ status: 'member' });
    await bridge.sync();
    expect(bridge.app.reconciler.state.readings.doubt).toBeNull();
    expect(bridge.writes()).toEqual([]);
  });

  it('an empty list of groups unlinks nothing', async () => {
    bridge.control.addFault({ ...GROUPS, times: 2, fault: { kind: 'truncate', keep: 0 } });
    await bridge.sync();
    await bridge.sync();
    expect((await bridge.store.groups()).map(({ name }) => name)).toEqual(['Sales']);
    expect(bridge.app.reconciler.state.readings.doubt).toContain('groups');
  });

  it('a workspace that really became small is believed after three equal readings', async () => {
    for (const name of NAMES.slice(0, 8)) bridge.control.removeMember(at(name));
    await bridge.sync();
    await bridge.sync();
    expect(await bridge.store.members()).toHaveLength(13);
    await bridge.sync();
    expect(await bridge.store.members()).toHaveLength(5);
    expect(await bridge.bridgeOf(ids[0] ?? '')).toMatchObject({ status: 'removed' });
    expect(bridge.writes()).toEqual([]);
  });

  it('but not after three with a fault between them: half an outage proves nothing', async () => {
    bridge.control.addFault({ ...GROUPS, fault: { kind: 'truncate', keep: 0 } });
    await bridge.sync();
    bridge.control.addFault({ ...MEMBERS, times: 1, fault: { kind: 'status', status: 500 } });
    await bridge.sync();
    await bridge.sync();
    await bridge.sync();
    expect(await bridge.store.groups()).toHaveLength(1);
    await bridge.sync();
    expect(await bridge.store.groups()).toEqual([]);
  });

  it('nor by what is read to verify a refusal', async () => {
    bridge.control.addFault({ ...GROUPS, fault: { kind: 'truncate', keep: 0 } });
    await bridge.sync();
    await bridge.sync();
    bridge.control.addFault({ path: '/v1/workspace/groups/*/members/remove', fault: { kind: 'status', status: 400 } });
    bridge.control.addFault({ method: 'POST', path: '/v1/workspace/members', fault: { kind: 'status', status: 400 } });
    bridge.control.clearRequests();
    // So many at once that one reading serves several, of members and groups alike.
    const refused = ids.slice(0, 4).map((id) => ({ op: 'remove', path: `members[value eq "${id}"]` }));
    await Promise.all([
      bridge.patchGroup(group, ...refused),
      ...ids.slice(4, 8).map((id) => bridge.patchUser(id, { op: 'replace', path: 'active', value: false })),
    ]);
    await bridge.idle();
    expect(bridge.control.requests(GROUPS)).not.toEqual([]);
    expect(await bridge.store.groups()).toHaveLength(1);
  });

  it('or at an administrator’s word', async () => {
    for (const name of NAMES.slice(0, 8)) bridge.control.removeMember(at(name));
    await bridge.app.reconciler.acceptSmallerWorkspace();
    expect(await bridge.store.members()).toHaveLength(5);
  });

  it('a sync without changes costs two calls and writes nothing', async () => {
    await bridge.sync();
    expect(bridge.control.requests().map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /v1/workspace/members',
      'GET /v1/workspace/groups',
    ]);
  });

  it('is read on schedule, and again soon after a fault', async () => {
    bridge.control.addFault({ ...MEMBERS, times: 1, fault: { kind: 'status', status: 500 } });
    const reads = (): number => bridge.control.requests(MEMBERS).length;
    await bridge.clock.advanceAsync(900_000);
    await bridge.until(() => reads() === 1 && bridge.app.reconciler.state.readings.error !== null, 'the sync');
    await bridge.clock.advanceAsync(5_000);
    await bridge.until(() => bridge.app.reconciler.state.readings.error === null, 'the second attempt');
    expect(reads()).toBe(2);
  });
});

describe('polling for acceptance', () => {
  let bridge: TestBridge;
  afterEach(() => bridge.close());

  it('reads members only, at the poll interval, and less often as the invite ages', async () => {
    bridge = await startTestBridge();
    const reads = async (ms: number): Promise<number> => {
      bridge.control.clearRequests();
      await bridge.pass(ms);
      return bridge.control.requests(MEMBERS).length;
    };
    expect(await reads(300_000)).toBe(0);
    await bridge.createUser('zoe');
    expect(await reads(300_000)).toBeGreaterThanOrEqual(8);
    bridge.clock.jump(10 * 3_600_000);
    await reads(60_000);
    expect(await reads(900_000)).toBeLessThanOrEqual(5);
  });
});

describe('a key that may not list groups', () => {
  let bridge: TestBridge;
  afterEach(() => bridge.close());

  it('finds those that are wanted by name', async () => {
    const seed = minimalSeed({
      members: [{ email: at('owner'), owner: true }, { email: at('ada') }],
      groups: [{ name: 'Sales' }, { name: 'Other' }],
    });
    bridge = await startTestBridge({ seed });
    const refused = {
      kind: 'status',
      status: 401,
      body: {
        detail: {
          status: 'missing_permissions',
          message: 'The API key you used is missing the permission workspace_read to execute this operation.',
        },
      },
    } as const;
    bridge.control.addFault({ ...GROUPS, fault: refused });
    const ada = (await bridge.createUser('ada')).body.id as string;
    const { body } = await bridge.createGroup('Sales', [ada]);
    await bridge.sync();
    await bridge.sync();
    expect(bridge.workspace().groups['Sales']).toEqual([at('ada')]);
    expect(bridge.app.reconciler.state.readings.groupsBySearch).toBe(true);
    expect(body.id).toBeDefined();
  });
});
