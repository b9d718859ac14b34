/**
 * Random directories, workspaces and faults through the front door: whatever an IdP writes and hands
 * change in the workspace, and whatever goes wrong on the way, nobody unmanaged is touched (every
 * bridge checks that when it closes), nobody is put into a group or given a seat without a word of
 * the IdP, and in the end there is nothing left to do. `npm run fuzz` runs it longer, from another
 * seed.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { FaultRule } from '../../src/sandbox/faults.js';
import { Refusal } from '../../src/sandbox/refusal.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import type { WorkspaceGroupId } from '../../src/domain/types.js';
import { GROUP_URN, startTestBridge, type TestBridge } from '../support/bridge.js';
import { runs } from '../support/property.js';

const PEOPLE = ['ann', 'bob', 'cem', 'dora', 'eli'] as const;
const RESIDENTS = ['rita', 'ron'] as const;
const GROUPS = ['Sales', 'Support'] as const;
/** Its members get a seat. */
const SEATED = 'Sales';
const SEATS = ['workspace_admin', 'workspace_member', 'workspace_lite_member'] as const;
const at = (name: string): string => `${name}@workspace.example`;

const FAULTS: readonly FaultRule[] = [
  { probability: 0.2, fault: { kind: 'status', status: 500 } },
  { probability: 0.2, fault: { kind: 'status', status: 429, headers: { 'retry-after': '1' } } },
  { probability: 0.2, fault: { kind: 'reset', applied: true } },
  { probability: 0.2, fault: { kind: 'hang', applied: true } },
  { method: 'GET', path: '/v1/workspace/members', probability: 0.5, fault: { kind: 'truncate', keep: 1 } },
  { method: 'GET', path: '/v1/workspace/groups', probability: 0.5, fault: { kind: 'truncate', keep: 0 } },
];

interface Known {
  readonly users: Map<string, string>;
  readonly groups: Map<string, string>;
  /** What an IdP has ever asked for: `<name> in <group>`, `<name> seat`. */
  readonly asked: Set<string>;
  /** What was ever linked: `<group> to <workspace group>`. */
  readonly linked: Set<string>;
}
interface Step {
  readonly words: string;
  readonly run: (bridge: TestBridge, known: Known) => Promise<unknown>;
}

const person = fc.constantFrom(...PEOPLE);
const anybody = fc.constantFrom(...PEOPLE, ...RESIDENTS);
const group = fc.constantFrom(...GROUPS);
const step = <T>(
  name: string,
  arbitrary: fc.Arbitrary<T>,
  run: (value: T, ...rest: Parameters<Step['run']>) => unknown,
) =>
  arbitrary.map((value): Step => ({
    words: `${name} ${JSON.stringify(value)}`,
    run: async (...rest) => run(value, ...rest),
  }));

/** The bridge may say no (a name that is taken, somebody protected), but never fails. */
async function ask(answer: Promise<{ status: number; body: { id?: string } | null }>): Promise<string | null> {
  const { status, body } = await answer;
  expect(status).not.toBe(500);
  return status < 300 ? (body?.id ?? '') : null;
}

const ofIdp: readonly fc.Arbitrary<Step>[] = [
  step('create', person, async (name, bridge, { users }) => {
    const id = await ask(bridge.createUser(name));
    if (id !== null) users.set(name, id);
  }),
  step('active', fc.tuple(person, fc.boolean()), async ([name, value], bridge, { users }) => {
    const id = users.get(name);
    if (id !== undefined) await ask(bridge.patchUser(id, { op: 'replace', path: 'active', value }));
  }),
  step(
    'role',
    fc.tuple(person, fc.constantFrom('admin', 'member', 'lite')),
    async ([name, value], bridge, { users, asked }) => {
      const id = users.get(name);
      asked.add(`${name} seat`);
      if (id !== undefined) await ask(bridge.patchUser(id, { op: 'replace', path: 'roles', value: [{ value }] }));
    },
  ),
  step('move', fc.tuple(person, fc.constantFrom('new', 'other')), async ([name, to], bridge, { users }) => {
    const id = users.get(name);
    const value = at(`${name}.${to}`);
    if (id !== undefined)
      await ask(bridge.patchUser(id, { op: 'replace', path: 'emails[type eq "work"].value', value }));
  }),
  step('delete', person, async (name, bridge, { users }) => {
    const id = users.get(name);
    users.delete(name);
    if (id !== undefined) await ask(bridge.scim('DELETE', `/Users/${id}`));
  }),
  step('group', group, async (name, bridge, { groups }) => {
    const seat = { [GROUP_URN]: { seatType: 'workspace_lite_member' } };
    const id = await ask(bridge.createGroup(name, [], name === SEATED ? seat : {}));
    if (id !== null) groups.set(name, id);
  }),
  step(
    'members',
    fc.tuple(group, fc.constantFrom('add', 'replace'), fc.subarray([...PEOPLE])),
    async ([name, op, names], bridge, { groups, users, asked }) => {
      const id = groups.get(name);
      for (const one of names) asked.add(`${one} in ${name}`);
      if (name === SEATED) for (const one of names) asked.add(`${one} seat`);
      const value = names.flatMap((one) => users.get(one) ?? []).map((one) => ({ value: one }));
      if (id !== undefined) await ask(bridge.patchGroup(id, { op, path: 'members', value }));
    },
  ),
  step('empty', group, async (name, bridge, { groups }) => {
    const id = groups.get(name);
    if (id !== undefined) await ask(bridge.patchGroup(id, { op: 'remove', path: 'members' }));
  }),
];

/** What does not apply (nobody there, no seat free) is no step. */
const hand = (work: () => void): void => {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal) return;
    throw error;
  }
};

const byHand: readonly fc.Arbitrary<Step>[] = [
  step('accept', person, (name, { control }) => hand(() => control.accept(at(name)))),
  step('lock', fc.tuple(anybody, fc.boolean()), ([name, on], { control }) =>
    hand(() => control.setLocked(at(name), on)),
  ),
  step('seat', fc.tuple(anybody, fc.constantFrom(...SEATS)), ([name, seat], { control }) =>
    hand(() => control.setSeat(at(name), seat)),
  ),
  step('put', fc.tuple(anybody, group), ([name, to], { control }) => hand(() => control.putInGroup(to, at(name)))),
  step('take', fc.tuple(anybody, group), ([name, from], { control }) =>
    hand(() => control.takeOutOfGroup(from, at(name))),
  ),
  // A second account, of an address that differs by case only.
  step('twin', anybody, (name, { control }) => hand(() => control.addMember({ email: at(name.toUpperCase()) }))),
  step('untwin', anybody, (name, { control }) => hand(() => control.removeMember(at(name.toUpperCase())))),
  step('kick', person, (name, { control }) => hand(() => control.removeMember(at(name)))),
];

const ADMIN = { actor: 'admin', requestId: 'by-hand', tokenId: null, interactive: false, ifMatch: null };

const byAdmin: readonly fc.Arbitrary<Step>[] = [
  step('link', fc.tuple(group, fc.option(group)), async ([name, to], { store }, { groups, linked }) => {
    const id = groups.get(name);
    if (id === undefined) return;
    if (to !== null) linked.add(`${name} to ${to}`);
    await store.linkGroup(id, to as WorkspaceGroupId | null, ADMIN);
  }),
];

const weather: readonly fc.Arbitrary<Step>[] = [
  step('fault', fc.constantFrom(...FAULTS), (rule, { control }) => void control.addFault(rule)),
  step('fair', fc.constant(null), (_, { control }) => control.clearFaults()),
  step('time', fc.constantFrom(1_000, 30_000, 900_000), (ms, bridge) => bridge.pass(ms)),
];

const history = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.oneof(...ofIdp) },
    { weight: 2, arbitrary: fc.oneof(...byHand) },
    { weight: 1, arbitrary: fc.oneof(...byAdmin) },
    { weight: 2, arbitrary: fc.oneof(...weather) },
  ),
  { minLength: 10, maxLength: 40, size: 'max' },
);

const start = (): Promise<TestBridge> =>
  startTestBridge({
    seed: minimalSeed({
      seatLimits: { full: 8, basic: 4 },
      members: [
        { email: at('owner'), owner: true },
        ...['ann', 'bob', ...RESIDENTS].map((name) => ({ email: at(name) })),
      ],
      groups: GROUPS.map((name) => ({ name, id: name, members: [at('rita')] })),
    }),
    switches: { emailCaseSensitive: true },
    env: { PROVISION_WAIT_MS: '0', SYNC_INTERVAL_SECONDS: '300' },
  });

/** Calls that give a group or a seat for which no IdP has asked. */
function unasked({ control }: TestBridge, { asked, linked }: Known): readonly string[] {
  const was = (name: string, to: string): boolean =>
    GROUPS.some((from) => asked.has(`${name} in ${from}`) && linked.has(`${from} to ${to}`));
  return control.requests({ method: 'POST' }).flatMap(({ path, body }) => {
    const { email = '', workspace_seat_type: seat } = (body ?? {}) as { email?: string; workspace_seat_type?: string };
    const name = /^[a-z]+/.exec(email)?.[0] ?? email;
    const [, to] = /groups\/(\w+)\/members$/.exec(path) ?? [];
    if (to !== undefined && !was(name, to)) return [`${email} into ${to}`];
    return seat !== undefined && !asked.has(`${name} seat`) ? [`${email} to ${seat}`] : [];
  });
}

describe('any history', () => {
  it('touches nobody unmanaged, gives nobody what no IdP asked for, and ends with nothing left to do', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const bridge = await start();
        try {
          const linked = new Set(GROUPS.map((name) => `${name} to ${name}`));
          const known: Known = { users: new Map(), groups: new Map(), asked: new Set(), linked };
          for (const one of steps) await one.run(bridge, known);
          bridge.control.clearFaults();
          await bridge.calm();
          await bridge.inTime(bridge.app.reconciler.syncNow('test'));
          await bridge.calm();
          expect(unasked(bridge, known)).toEqual([]);
          bridge.control.clearRequests();
          await bridge.inTime(bridge.app.reconciler.syncNow('test'));
          await bridge.calm();
          expect(bridge.writes()).toEqual([]);
        } finally {
          await bridge.close();
        }
      }),
      runs(15),
    );
  }, 600_000);
});
