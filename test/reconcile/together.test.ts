/** Many invites in one call, where the domain is verified: fewer calls, and nobody is lost or asked twice. */
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Switches } from '../../src/sandbox/switches.js';
import { minimalSeed, type Seed } from '../../src/sandbox/seed.js';
import { startTestBridge, type TestBridge } from '../support/bridge.js';

const DOMAIN = 'workspace.example';
const MANY = { method: 'POST', path: '/v1/workspace/invites/add-bulk' };
const ONE = { method: 'POST', path: '/v1/workspace/invites/add' };
const ONCE = { times: 1 };
const LITE = { roles: [{ value: 'lite' }] };

let bridge: TestBridge;
afterEach(() => bridge.close());

async function start(
  options: { readonly seed?: Partial<Seed>; readonly switches?: Partial<Switches>; readonly wait?: string } = {},
): Promise<void> {
  bridge = await startTestBridge({
    seed: minimalSeed({
      tier: 'enterprise',
      verifiedDomains: [DOMAIN],
      seatLimits: { full: 5_000, basic: 5_000 },
      ...options.seed,
    }),
    ...(options.switches && { switches: options.switches }),
    rules: { verifiedDomains: new Set([DOMAIN]) },
    env: { PROVISION_WAIT_MS: options.wait ?? '0' },
  });
}

const calls = (which: typeof MANY): number => bridge.control.requests(which).length;
const emailsOf = (index: number): readonly string[] =>
  (bridge.control.requests(MANY)[index]?.body as { emails: readonly string[] }).emails;
const at = (name: string): string => `${name}@${DOMAIN}`;

async function create(...names: readonly string[]): Promise<void> {
  for (const name of names) expect((await bridge.createUser(name)).status).toBe(201);
}

/** What the mailbox of each of these has. */
function mails(...names: readonly string[]): readonly number[] {
  const { mails: counts } = bridge.workspace();
  return names.map((name) => counts[at(name)] ?? 0);
}

async function wait(): Promise<void> {
  await bridge.idle();
  await bridge.pass(10_000);
  await bridge.idle();
}

describe('invites that nobody waits for', () => {
  it('a thousand users cost at most twenty calls, and get one e-mail each', async () => {
    await start();
    const names = Array.from({ length: 1_000 }, (_, index) => `person${String(index)}`);
    for (const [index, name] of names.entries()) {
      await create(name);
      if (index % 50 === 49) await bridge.pass(1_000);
    }
    await wait();
    expect(new Set(mails(...names))).toEqual(new Set([1]));
    expect(Object.keys(bridge.workspace().mails)).toHaveLength(1_000);
    expect(bridge.writes().length).toBeLessThanOrEqual(20);
  }, 180_000);

  it('go together after a moment, each with an invite of its own', async () => {
    await start();
    await create('ada', 'bob', 'zoe');
    await bridge.idle();
    expect(bridge.writes()).toEqual([]);
    const { body } = await bridge.scim('GET', '/Users?filter=userName sw "ada"');
    expect((await bridge.bridgeOf(body.Resources[0].id))['status']).toBe('invitePending');
    await wait();
    expect(emailsOf(0)).toEqual([at('ada'), at('bob'), at('zoe')]);
    expect([calls(MANY), calls(ONE)]).toEqual([1, 0]);
    const done = await bridge.store.ledger({ states: ['done'], limit: 10 });
    expect(done.map(({ change, attempts }) => [change.kind, attempts])).toEqual([
      ['invite', 1],
      ['invite', 1],
      ['invite', 1],
    ]);
    expect(new Set(done.map(({ upstreamRequestId }) => upstreamRequestId)).size).toBe(1);
    const [first] = (await bridge.store.trace({ requestId: done[0]?.cause ?? '', limit: 10 })).causes;
    expect(first?.changes[0]?.calls.map(({ endpoint, outcome }) => [endpoint, outcome])).toEqual([
      ['invites.createBatch', 'done'],
    ]);
    const invites = await bridge.store.invites({ open: true, limit: 10 });
    expect(invites.map(({ state, sends }) => [state, sends])).toEqual([
      ['invited', 1],
      ['invited', 1],
      ['invited', 1],
    ]);
    for (const name of ['ada', 'bob', 'zoe']) bridge.control.accept(at(name));
    await bridge.sync();
    expect(await bridge.store.openInvites()).toMatchObject({ count: 0 });
    expect(mails('ada', 'bob', 'zoe')).toEqual([1, 1, 1]);
  });

  it('one call per seat and usage limit', async () => {
    await start();
    await create('ada', 'bob');
    for (const name of ['lee', 'lia']) expect((await bridge.createUser(name, LITE)).status).toBe(201);
    await wait();
    expect(calls(MANY)).toBe(2);
    const { pendingInvites } = bridge.workspace();
    expect(['ada', 'bob', 'lee', 'lia'].map((name) => pendingInvites[at(name)]?.seat)).toEqual([
      'workspace_member',
      'workspace_member',
      'workspace_lite_member',
      'workspace_lite_member',
    ]);
  });

  it('addresses of other domains, and those that a request waits for, go alone and at once', async () => {
    await start({ wait: '3000' });
    await create('ada', 'bob@elsewhere.example');
    expect([calls(MANY), calls(ONE)]).toEqual([0, 2]);
  });

  it('somebody who leaves while waiting is not invited', async () => {
    await start();
    await create('ada', 'bob');
    const { body } = await bridge.createUser('zoe');
    await bridge.idle();
    await bridge.patchUser(body.id, { op: 'replace', path: 'active', value: false });
    await wait();
    expect(emailsOf(0)).toEqual([at('ada'), at('bob')]);
    expect(mails('zoe')).toEqual([0]);
  });

  it('waits again after a restart, and sends nothing twice', async () => {
    await start();
    await create('ada', 'bob');
    await bridge.idle();
    await bridge.restart();
    await wait();
    expect([calls(MANY), mails('ada', 'bob')]).toEqual([1, [1, 1]]);
    await bridge.restart();
    await wait();
    expect([calls(MANY), mails('ada', 'bob')]).toEqual([1, [1, 1]]);
  });
});

describe('refused for all', () => {
  it('because one is a member already: each is asked for alone, and nobody is lost', async () => {
    await start();
    await create('ada', 'bob', 'zoe');
    bridge.control.addMember({ email: at('bob') });
    await wait();
    await bridge.sync();
    expect([calls(MANY), calls(ONE)]).toEqual([1, 3]);
    expect(mails('ada', 'bob', 'zoe')).toEqual([1, 0, 1]);
    expect(await bridge.store.ledger({ states: ['refused', 'planned', 'sending'], limit: 10 })).toEqual([]);
  });

  it('because seats are short: as many as there are seats', async () => {
    await start({ seed: { seatLimits: { full: 2, basic: 0 } }, switches: { invitesReserveSeats: true } });
    await create('ada', 'bob', 'zoe');
    await wait();
    const sent = mails('ada', 'bob', 'zoe');
    expect(sent.reduce((sum, count) => sum + count, 0)).toBe(1);
    expect(await bridge.store.ledger({ states: ['refused'], limit: 10 })).toHaveLength(2);
  });

  it.each([
    ['the plan of the workspace lacks it', { tier: 'business' as const }],
    ['the domain is not verified after all', { verifiedDomains: [] }],
  ])('because %s: one by one, and no second try for an hour', async (_why, seed) => {
    await start({ seed });
    await create('ada', 'bob');
    await wait();
    await create('lee', 'lia');
    await wait();
    expect([calls(MANY), mails('ada', 'bob', 'lee', 'lia')]).toEqual([1, [1, 1, 1, 1]]);
    await bridge.pass(3_600_000);
    await create('max', 'mia');
    await wait();
    expect(calls(MANY)).toBe(2);
  });
});

describe('no clear answer', () => {
  it.each([
    ['limited', { kind: 'status', status: 429, headers: { 'retry-after': '2' } } as const],
    ['no connection is made', { kind: 'status', status: 503, body: { detail: { code: 'maintenance' } } } as const],
  ])('%s: the same call again', async (_what, fault) => {
    await start();
    bridge.control.addFault({ ...MANY, ...ONCE, fault });
    await create('ada', 'bob', 'zoe');
    await wait();
    await bridge.finish();
    await wait();
    expect(mails('ada', 'bob', 'zoe')).toEqual([1, 1, 1]);
    expect([calls(MANY), calls(ONE)]).toEqual([2, 0]);
  });

  it.each([
    ['lost after it was applied', true],
    ['lost before it was applied', false],
  ])('%s: members are read, then each is asked for once more, alone', async (_what, applied) => {
    await start({ switches: { duplicateInvite: 'ok' } });
    bridge.control.addFault({ ...MANY, ...ONCE, fault: { kind: 'reset', applied } });
    await create('ada', 'bob', 'zoe');
    await wait();
    await bridge.finish();
    expect([calls(MANY), calls(ONE)]).toEqual([1, 3]);
    const count = applied ? 2 : 1;
    expect(mails('ada', 'bob', 'zoe')).toEqual([count, count, count]);
    await bridge.pass(3_600_000);
    expect(mails('ada', 'bob', 'zoe')).toEqual([count, count, count]);
  });

  it('the key is rejected: nothing is lost', async () => {
    await start();
    bridge.control.addFault({
      ...MANY,
      ...ONCE,
      fault: { kind: 'status', status: 401, body: { detail: { status: 'invalid_api_key' } } },
    });
    await create('ada', 'bob');
    await wait();
    await bridge.pass(120_000);
    await bridge.finish();
    await wait();
    expect(mails('ada', 'bob')).toEqual([1, 1]);
  });
});
