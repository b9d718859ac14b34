/**
 * Every call about shares, with the call failing or the bridge dying: the workspace ends as if
 * nothing had been wrong, and nothing that may have been given is forgotten.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Fault } from '../../src/sandbox/faults.js';
import { startTestBridge, type TestBridge } from '../support/bridge.js';
import { settle } from '../support/fake-clock.js';
import {
  entitled,
  group,
  groupShares,
  later,
  seed,
  setEntitlements,
  shareCalls,
  sharesOf,
  sharing,
  user,
  ZOE,
} from './support.js';

const FAULTS: Readonly<Record<string, Fault>> = {
  'answered 500': { kind: 'status', status: 500 },
  'answered 500, but applied': { kind: 'status', status: 500, applied: true },
  'answered 429 with Retry-After': { kind: 'status', status: 429, headers: { 'retry-after': '7' } },
  'never answered': { kind: 'hang' },
  'never answered, but applied': { kind: 'hang', applied: true },
  'applied, its answer lost': { kind: 'reset', applied: true },
  'a page of a proxy in place of the answer': { kind: 'html' },
};

const GET = { method: 'GET', path: '/v1/workspace/resources/*' };
const SHARE = { method: 'POST', path: '/v1/workspace/resources/*/share' };
const UNSHARE = { method: 'POST', path: '/v1/workspace/resources/*/unshare' };

let bridge: TestBridge;
let zoe: string;
beforeEach(async () => {
  bridge = await startTestBridge({ seed: seed() });
  zoe = await user(bridge, 'zoe');
});
afterEach(() => bridge.close());

/** The IdP's request, with time moving on while it waits: for an answer, a pause, the end of patience. */
async function whileTimePasses<T>(request: Promise<T>): Promise<T> {
  let isDone = false;
  const answer = request.finally(() => (isDone = true));
  for (let passed = 0; !isDone && passed < 20_000; passed += 500) {
    for (let turn = 0; turn < 40 && !isDone && bridge.control.hanging() === 0; turn++) await settle();
    if (!isDone) await bridge.clock.advanceAsync(500);
  }
  return answer;
}

/** The key may do everything but this. */
function takePermission(route: string): void {
  const scopes = ['user_read', 'workspace_read', 'workspace_write', 'workspace_members_read', 'group_members_manage'];
  bridge.control.setScopes(bridge.sandbox.apiKey(), scopes);
  bridge.control.setSwitches({ routeScopes: { [route]: 'a_scope_of_its_own' } });
}

async function expectNothingOpen(): Promise<void> {
  const left = await bridge.store.ledger({ states: ['planned', 'sending', 'ambiguous', 'refused', 'held'], limit: 10 });
  expect(left).toEqual([]);
}

const give = () => bridge.patchUser(zoe, setEntitlements('voice:voice1:editor'));
const take = () => bridge.patchUser(zoe, { op: 'remove', path: 'entitlements' });

describe.each(Object.entries(FAULTS))('%s', (_name, fault) => {
  it('the reading before a share: shared in the end', async () => {
    bridge.control.addFault({ ...GET, nth: 1, fault });
    expect((await whileTimePasses(give())).status).toBe(200);
    await bridge.finish();
    expect(sharesOf(bridge, ZOE)).toEqual(['voice:voice1:editor']);
    await expectNothingOpen();
  });

  it('the share: there in the end, and ours to withdraw', async () => {
    bridge.control.addFault({ ...SHARE, nth: 1, fault });
    expect((await whileTimePasses(give())).status).toBe(200);
    await bridge.finish();
    expect(sharesOf(bridge, ZOE)).toEqual(['voice:voice1:editor']);
    await expectNothingOpen();
    await later(bridge);
    await bridge.sync();
    await take();
    expect(sharesOf(bridge, ZOE)).toEqual([]);
  });

  it('the share, and the IdP takes it back meanwhile: gone in the end', async () => {
    bridge.control.addFault({ ...SHARE, nth: 1, fault });
    await whileTimePasses(give());
    await whileTimePasses(take());
    bridge.control.releaseHanging({ drop: true });
    // The withdrawal may be waiting for the pause that Retry-After asked for.
    await bridge.clock.advanceAsync(8_000);
    await bridge.finish();
    expect(sharesOf(bridge, ZOE)).toEqual([]);
    await expectNothingOpen();
  });

  it('the withdrawal: gone in the end', async () => {
    await give();
    bridge.control.addFault({ ...UNSHARE, nth: 1, fault });
    expect((await whileTimePasses(take())).status).toBe(200);
    await bridge.finish();
    expect(sharesOf(bridge, ZOE)).toEqual([]);
    await expectNothingOpen();
  });

  it('the share to a group: there in the end', async () => {
    bridge.control.addFault({ ...SHARE, nth: 1, fault });
    const { status } = await whileTimePasses(bridge.createGroup('Support', [], sharing('voice:voice1:editor')));
    expect(status).toBe(201);
    await bridge.finish();
    expect(groupShares(bridge, 'Support')).toEqual(['voice:voice1:editor']);
    await expectNothingOpen();
  });
});

describe('a key that may not read resources', () => {
  beforeEach(() => takePermission('resources.get'));

  it('shares and withdraws nevertheless', async () => {
    await give();
    expect(sharesOf(bridge, ZOE)).toEqual(['voice:voice1:editor']);
    await later(bridge);
    await bridge.sync();
    await take();
    expect(sharesOf(bridge, ZOE)).toEqual([]);
    expect(shareCalls(bridge)).toHaveLength(2);
  });

  it('and a resource that is not there: refused', async () => {
    const { status, body } = await bridge.patchUser(zoe, setEntitlements('voice:nowhere:viewer'));
    expect(status).toBe(400);
    expect(body.detail).toContain('voice:nowhere');
  });
});

describe('a key that may not share', () => {
  it('is told to the IdP, with the permission it lacks', async () => {
    takePermission('resources.share');
    const { status, body } = await give();
    expect(status).toBe(400);
    expect(body.detail).toContain('the permission workspace_write');
    expect((await bridge.scim('GET', `/Users/${zoe}`)).body.entitlements).toBeUndefined();
  });
});

describe('a resource that was deleted in ElevenLabs', () => {
  const deleted: Fault = {
    kind: 'status',
    status: 404,
    body: { detail: { status: 'resource_not_found', code: 'resource_not_found', message: 'Gone.' } },
  };

  it('keeps no leaver in work', async () => {
    await give();
    for (const call of [GET, SHARE, UNSHARE]) bridge.control.addFault({ ...call, fault: deleted });
    await later(bridge);
    await bridge.sync();
    await take();
    await bridge.scim('DELETE', `/Users/${zoe}`);
    await bridge.finish();
    await expectNothingOpen();
    expect(bridge.workspace().members[ZOE]).toMatchObject({ locked: true });
  });
});

describe.each([
  [{ unshareMissing: 400 }],
  [{ unshareMissing: 404 }],
  [{ unshareMissing: 'ok', shareBody: 'object' }],
  [{ unshareCreator: 403, shareNonMember: 404 }],
] as const)('where ElevenLabs answers otherwise: %j', (switches) => {
  it('gives, withdraws what somebody had withdrawn already, and ends', async () => {
    bridge.control.setSwitches(switches);
    await give();
    expect(sharesOf(bridge, ZOE)).toEqual(['voice:voice1:editor']);
    // Younger than the reading that serves: the bridge does not know of it.
    bridge.control.unshare({ type: 'voice', id: 'voice1' }, { userEmail: ZOE });
    await take();
    await bridge.finish();
    expect(sharesOf(bridge, ZOE)).toEqual([]);
    await expectNothingOpen();
  });
});

describe('the bridge stops in the middle', () => {
  it.each([
    ['before the share reaches ElevenLabs', { kind: 'hang' } as const],
    ['after it was applied', { kind: 'hang', applied: true } as const],
  ])('%s: the share is there after the restart, and ours to withdraw', async (_name, fault) => {
    bridge.control.addFault({ ...SHARE, nth: 1, fault });
    const request = give().catch(() => null);
    await bridge.until(() => bridge.control.hanging() > 0, 'the call under way');
    await bridge.restart();
    await request;
    bridge.control.releaseHanging({ drop: true });
    await bridge.finish();
    expect(sharesOf(bridge, ZOE)).toEqual(['voice:voice1:editor']);
    await take();
    expect(sharesOf(bridge, ZOE)).toEqual([]);
  });

  it('after it was applied, and the IdP takes it back before the bridge has looked: gone', async () => {
    bridge.control.addFault({ ...SHARE, nth: 1, fault: { kind: 'hang', applied: true } });
    const request = give().catch(() => null);
    await bridge.until(() => bridge.control.hanging() > 0, 'the call under way');
    bridge.control.addFault({ ...GET, times: 3, fault: { kind: 'status', status: 503 } });
    await bridge.restart();
    await request;
    bridge.control.releaseHanging({ drop: true });
    await whileTimePasses(take());
    bridge.control.clearFaults();
    await bridge.finish();
    expect(sharesOf(bridge, ZOE)).toEqual([]);
    await expectNothingOpen();
  });
});

it('shares of many people under faults all arrive', async () => {
  await bridge.close();
  const names = Array.from({ length: 60 }, (_, index) => `p${String(index)}@workspace.example`);
  bridge = await startTestBridge({
    seed: seed({ members: [{ email: 'owner@workspace.example', owner: true }, ...names.map((email) => ({ email }))] }),
  });
  bridge.control.addFault({
    path: '/v1/workspace/resources/**',
    probability: 0.2,
    fault: { kind: 'status', status: 503 },
  });
  bridge.control.addFault({ ...SHARE, probability: 0.1, fault: { kind: 'reset', applied: true } });
  for (const name of names)
    await bridge.createUser(name, entitled('voice:voice1:viewer', 'convai_agents:agent1:editor'));
  await bridge.finish();
  for (const name of names)
    expect(sharesOf(bridge, name)).toEqual(['convai_agents:agent1:editor', 'voice:voice1:viewer']);
  await group(bridge, 'Support', [], sharing('voice:voice1:editor'));
  await bridge.finish();
  await expectNothingOpen();
}, 60_000);
