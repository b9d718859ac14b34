/**
 * Every call that changes the workspace, with the call failing: the IdP gets a 2xx, the rest
 * happens in the background, and the workspace ends as if nothing had been wrong.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Fault } from '../../src/sandbox/faults.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { BRIDGE_URN, startTestBridge, type TestBridge } from '../support/bridge.js';
import type { WorkspaceSnapshot } from '../support/workspace-snapshot.js';

const ZOE = 'zoe@workspace.example';
const DISABLE = { op: 'replace', path: 'active', value: false };
const ENABLE = { op: 'replace', path: 'active', value: true };

const FAULTS = {
  'answered 500': { kind: 'status', status: 500 },
  'answered 429 with Retry-After': { kind: 'status', status: 429, headers: { 'retry-after': '7' } },
  'never answered': { kind: 'hang' },
  'never answered, but applied': { kind: 'hang', applied: true },
  'applied, its answer lost': { kind: 'reset', applied: true },
} as const satisfies Readonly<Record<string, Fault>>;

interface Ids {
  readonly zoe: string;
  readonly group: string;
}

interface Operation {
  /** Path of the call that fails. */
  readonly call: { readonly method: string; readonly path: string };
  readonly before?: (bridge: TestBridge, ids: Ids) => Promise<unknown>;
  readonly act: (bridge: TestBridge, ids: Ids) => Promise<{ readonly status: number }>;
  readonly end: (workspace: WorkspaceSnapshot) => unknown;
  readonly expected: unknown;
}

const UPDATE = { method: 'POST', path: '/v1/workspace/members' };
const zoeOf = ({ members }: WorkspaceSnapshot) => members[ZOE];

/** Zoe is a member and in no group. */
const OPERATIONS: Readonly<Record<string, Operation>> = {
  lock: {
    call: UPDATE,
    act: (bridge, { zoe }) => bridge.patchUser(zoe, DISABLE),
    end: zoeOf,
    expected: { locked: true },
  },
  unlock: {
    call: UPDATE,
    before: (bridge, { zoe }) => bridge.patchUser(zoe, DISABLE),
    act: (bridge, { zoe }) => bridge.patchUser(zoe, ENABLE),
    end: zoeOf,
    expected: { locked: false },
  },
  'lock of a deleted user': {
    call: UPDATE,
    act: (bridge, { zoe }) => bridge.scim('DELETE', `/Users/${zoe}`),
    end: zoeOf,
    expected: { locked: true },
  },
  'a higher seat': {
    call: UPDATE,
    act: (bridge, { zoe }) => bridge.patchUser(zoe, { op: 'add', path: 'roles', value: [{ value: 'admin' }] }),
    end: zoeOf,
    expected: { seat: 'workspace_admin' },
  },
  'addition to a group': {
    call: { method: 'POST', path: '/v1/workspace/groups/*/members' },
    act: (bridge, { zoe, group }) => bridge.patchGroup(group, { op: 'add', path: 'members', value: [{ value: zoe }] }),
    end: zoeOf,
    expected: { groups: ['Sales'] },
  },
  'removal from a group': {
    call: { method: 'POST', path: '/v1/workspace/groups/*/members/remove' },
    before: (bridge, { zoe, group }) =>
      bridge.patchGroup(group, { op: 'add', path: 'members', value: [{ value: zoe }] }),
    act: (bridge, { zoe, group }) => bridge.patchGroup(group, { op: 'remove', path: `members[value eq "${zoe}"]` }),
    end: zoeOf,
    expected: { groups: [] },
  },
};

let bridge: TestBridge;
beforeEach(async () => {
  bridge = await startTestBridge({
    seed: minimalSeed({ members: [{ email: 'owner@workspace.example', owner: true }], groups: [{ name: 'Sales' }] }),
  });
});
afterEach(() => bridge.close());

/** The IdP's request, with time moving on while it waits. */
async function whileTimePasses<T>(request: Promise<T>): Promise<T> {
  let isDone = false;
  const answer = request.finally(() => (isDone = true));
  let passed = 0;
  while (!isDone && passed < 20_000) {
    await bridge.until(
      () => isDone || bridge.control.hanging() > 0 || bridge.app.reconciler.state.inWork === 0,
      'an answer',
    );
    if (isDone) break;
    await bridge.clock.advanceAsync(500);
    passed += 500;
  }
  return answer;
}

describe.each(Object.entries(OPERATIONS))('%s', (_name, { call, before, act, end, expected }) => {
  it.each(Object.entries(FAULTS))('%s: done in the end', async (_fault, fault) => {
    const zoe = (await bridge.createUser('zoe')).body.id as string;
    bridge.control.accept(ZOE);
    await bridge.sync();
    const group = (await bridge.createGroup('Sales')).body.id as string;
    await before?.(bridge, { zoe, group });
    await bridge.idle();
    bridge.control.addFault({ ...call, nth: 1, fault });
    const { status } = await whileTimePasses(act(bridge, { zoe, group }));
    expect([200, 201, 204]).toContain(status);
    await bridge.finish();
    expect(end(bridge.workspace())).toMatchObject(expected as object);
    const left = await bridge.store.ledger({ states: ['planned', 'sending', 'ambiguous', 'refused'], limit: 10 });
    expect(left).toEqual([]);
  });
});

describe('an invite', () => {
  const CALL = { method: 'POST', path: '/v1/workspace/invites/add' };

  it.each([
    ['answered 500', 1],
    ['answered 429 with Retry-After', 1],
    ['never answered', 1],
    ['never answered, but applied', 2],
    ['applied, its answer lost', 2],
  ] as const)('%s: is out in the end, by at most one more call', async (name, mails) => {
    bridge.control.addFault({ ...CALL, nth: 1, fault: FAULTS[name] });
    const { status, body } = await whileTimePasses(bridge.createUser('zoe'));
    expect(status).toBe(201);
    await bridge.finish();
    expect(Object.keys(bridge.workspace().pendingInvites)).toEqual([ZOE]);
    expect(bridge.workspace().mails).toEqual({ [ZOE]: mails });
    expect(await bridge.bridgeOf(body.id)).toMatchObject({ status: 'invited', pendingChanges: 0 });
  });

  it('whose answer is lost twice is not sent again because the clock jumps, and shown', async () => {
    bridge.control.addFault({ ...CALL, fault: { kind: 'reset', applied: true } });
    const { body } = await bridge.createUser('zoe');
    await bridge.clock.advanceAsync(5_000);
    await bridge.idle();
    bridge.control.clearFaults();
    for (let hour = 0; hour < 30; hour++) {
      bridge.clock.jump(3_600_000);
      await bridge.clock.advanceAsync(10_000);
      await bridge.idle();
    }
    expect(bridge.writes().filter((call) => call.startsWith('POST invites/add'))).toHaveLength(2);
    const { status, lastError } = await bridge.bridgeOf(body.id);
    expect([status, typeof lastError]).toEqual(['invited', 'string']);
    const rows = await bridge.store.ledger({ states: ['ambiguous'], limit: 10 });
    expect(rows.map(({ change }) => change.kind)).toEqual(['invite']);
  });

  it('is not sent before the time that Retry-After gives', async () => {
    bridge.control.addFault({ ...CALL, nth: 1, fault: FAULTS['answered 429 with Retry-After'] });
    expect((await bridge.createUser('zoe')).status).toBe(201);
    await bridge.clock.advanceAsync(6_900);
    await bridge.idle();
    expect(bridge.workspace().pendingInvites).toEqual({});
    await bridge.finish(60_000);
    expect(Object.keys(bridge.workspace().pendingInvites)).toEqual([ZOE]);
  });
});

describe('the revocation of an invite', () => {
  const CALL = { method: 'DELETE', path: '/v1/workspace/invites' };

  it.each(Object.entries(FAULTS))('%s: done in the end', async (_name, fault) => {
    const { body } = await bridge.createUser('zoe');
    bridge.control.addFault({ ...CALL, nth: 1, fault });
    const { status } = await whileTimePasses(bridge.patchUser(body.id, DISABLE));
    expect(status).toBe(200);
    await bridge.finish();
    expect(bridge.workspace().pendingInvites).toEqual({});
    expect(await bridge.bridgeOf(body.id)).toMatchObject({ status: 'none', pendingChanges: 0 });
  });

  it('of an invite that was accepted meanwhile locks the member', async () => {
    const { body } = await bridge.createUser('zoe');
    bridge.control.accept(ZOE);
    const { body: disabled } = await bridge.patchUser(body.id, DISABLE);
    expect(disabled[BRIDGE_URN]).toMatchObject({ status: 'locked' });
    expect(bridge.workspace().members[ZOE]).toMatchObject({ locked: true });
  });

  it('answered 500 for good is tried once more, then it counts as done, and the breaker stays closed', async () => {
    const { body } = await bridge.createUser('zoe');
    bridge.control.addFault({ ...CALL, fault: FAULTS['answered 500'] });
    await bridge.patchUser(body.id, DISABLE);
    await bridge.finish();
    expect(bridge.writes().filter((call) => call.startsWith('DELETE'))).toHaveLength(2);
    // The link still works, as nobody could know: whoever uses it is locked.
    bridge.control.clearFaults();
    bridge.control.accept(ZOE);
    await bridge.sync();
    expect(bridge.workspace().members[ZOE]).toMatchObject({ locked: true });
  });
});
