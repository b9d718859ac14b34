/** Shares changed by hand after the bridge gave them: found at the full sync, repaired or listed as DRIFT says. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { startTestBridge, type TestBridge } from '../support/bridge.js';
import {
  entitled,
  group,
  groupShares,
  later,
  mapped,
  resourceCalls,
  seed,
  setEntitlements,
  shareCalls,
  sharesOf,
  sharing,
  user,
  VOICE,
  ZOE,
} from './support.js';

let bridge: TestBridge;
afterEach(() => bridge.close());

interface Holder {
  /** Given by the bridge: editor on voice1. */
  readonly give: () => Promise<unknown>;
  readonly target: { readonly userEmail: string } | { readonly groupId: string };
  readonly shares: () => readonly string[] | undefined;
}

const HOLDERS: Readonly<Record<string, Holder>> = {
  'a person': {
    give: () => user(bridge, 'zoe', entitled('voice:voice1:editor')),
    target: { userEmail: ZOE },
    shares: () => sharesOf(bridge, ZOE),
  },
  'a group': {
    give: () => group(bridge, 'Support', [], sharing('voice:voice1:editor')),
    target: { groupId: 'wgSupport' },
    shares: () => groupShares(bridge, 'Support'),
  },
  'the mapping file': {
    give: async () => bridge.sync(),
    target: { groupId: 'default' },
    shares: () => groupShares(bridge, 'default'),
  },
};

const RULES = { fixedShares: [{ principal: { kind: 'default' }, share: mapped('voice:voice1:editor') }] } as const;

async function begin(name: string, drift: string): Promise<Holder> {
  const holder = HOLDERS[name];
  if (holder === undefined) throw new Error(name);
  const rules = name === 'the mapping file' ? RULES : {};
  bridge = await startTestBridge({ seed: seed(), env: { DRIFT: drift }, rules });
  await holder.give();
  await bridge.finish();
  expect(holder.shares()).toEqual(['voice:voice1:editor']);
  await later(bridge);
  bridge.control.clearRequests();
  return holder;
}

const openDrift = () => bridge.store.drift({ open: true, limit: 10 });

describe.each(Object.keys(HOLDERS))('a share of %s', (name) => {
  it('taken away by hand is given again', async () => {
    const { target, shares } = await begin(name, 'enforce');
    bridge.control.unshare(VOICE, target);
    await bridge.sync();
    expect(shares()).toEqual(['voice:voice1:editor']);
    expect(await openDrift()).toEqual([]);
    expect((await bridge.store.drift({ open: false, limit: 10 })).map(({ kind }) => kind)).toEqual(['share']);
  });

  it.each(['viewer', 'admin'] as const)('changed to %s by hand is set back', async (role) => {
    const { target, shares } = await begin(name, 'enforce');
    bridge.control.share(VOICE, role, target);
    await bridge.sync();
    expect(shares()).toEqual(['voice:voice1:editor']);
  });

  it('is left as the hand made it, and listed, under DRIFT=report', async () => {
    const { target, shares } = await begin(name, 'report');
    bridge.control.share(VOICE, 'viewer', target);
    await bridge.sync();
    await later(bridge);
    await bridge.sync();
    expect(shares()).toEqual(['voice:voice1:viewer']);
    bridge.control.unshare(VOICE, target);
    await later(bridge);
    await bridge.sync();
    expect(shares()).toEqual([]);
    expect(shareCalls(bridge)).toEqual([]);
    const [found, ...others] = await openDrift();
    expect(others).toEqual([]);
    expect(found).toMatchObject({ kind: 'share' });
    expect(found?.detail).toContain('voice:voice1');
  });

  it('changed by hand three times within the hour is held, and somebody is told', async () => {
    const { target, shares } = await begin(name, 'enforce');
    for (let round = 0; round < 3; round++) {
      bridge.control.unshare(VOICE, target);
      await later(bridge);
      await bridge.sync();
    }
    expect(shares()).toEqual([]);
    const held = await bridge.store.ledger({ states: ['held'], limit: 10 });
    expect(held.map(({ change, errorCode }) => [change.kind, errorCode])).toEqual([['share', 'flapGuard']]);
  });
});

it('under DRIFT=report a fresh write of the IdP is no repair', async () => {
  await begin('a person', 'report');
  bridge.control.unshare(VOICE, { userEmail: ZOE });
  await bridge.sync();
  const { body } = await bridge.scim('GET', '/Users?filter=userName%20eq%20%22zoe@workspace.example%22');
  await bridge.patchUser(body.Resources[0].id, setEntitlements('voice:voice1:commenter'));
  expect(sharesOf(bridge, ZOE)).toEqual(['voice:voice1:commenter']);
});

it('under DRIFT=report a new link and a new rule are no repairs', async () => {
  bridge = await startTestBridge({ seed: seed(), env: { DRIFT: 'report' } });
  const zoe = await user(bridge, 'zoe');
  await group(bridge, 'Fans', [zoe], sharing('voice:voice1:viewer'));
  bridge.control.createGroup('Fans', 'wgFans');
  await later(bridge);
  await bridge.sync();
  expect(groupShares(bridge, 'Fans')).toEqual(['voice:voice1:viewer']);
  expect(sharesOf(bridge, ZOE)).toEqual([]);
});

it('a full sync reads exactly the resources under management, one after the other', async () => {
  await begin('a person', 'enforce');
  await group(bridge, 'Fans', [], sharing('voice:unheard:viewer'));
  bridge.control.clearRequests();
  await later(bridge);
  await bridge.sync();
  expect([...resourceCalls(bridge)].sort()).toEqual(['GET unheard', 'GET voice1']);
  const { body } = await bridge.scim('GET', '/Users?filter=userName%20eq%20%22zoe@workspace.example%22');
  await bridge.patchUser(body.Resources[0].id, { op: 'remove', path: 'entitlements' });
  await later(bridge);
  bridge.control.clearRequests();
  await bridge.sync();
  expect(resourceCalls(bridge)).toEqual(['GET unheard']);
});

it('an answer that cannot be had changes nothing', async () => {
  const { shares } = await begin('a person', 'enforce');
  bridge.control.addFault({ path: '/v1/workspace/resources/*', fault: { kind: 'status', status: 500 } });
  await bridge.sync();
  bridge.control.clearFaults();
  bridge.control.addFault({
    path: '/v1/workspace/resources/*',
    fault: { kind: 'violation', violation: 'emptyObject' },
  });
  await later(bridge);
  await bridge.sync();
  bridge.control.clearFaults();
  await later(bridge);
  await bridge.sync();
  expect(shares()).toEqual(['voice:voice1:editor']);
  expect(shareCalls(bridge)).toEqual([]);
});
