import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Person } from '../../../src/domain/person.js';
import { planPerson, type PlannedChange } from '../../../src/domain/plan.js';
import { brake, GROUP_LIMIT } from '../../../src/domain/policies/brake.js';
import {
  afterSpending,
  allowed,
  NO_LIMIT,
  nothingSpent,
  spend,
  WINDOW_MS,
  type LimitUse,
  type PeopleLimit,
} from '../../../src/domain/policies/people-limit.js';
import { DEFAULT_RULES } from '../../../src/domain/rules.js';
import { changeKey, type Change } from '../../../src/domain/types.js';
import { former, groupId, invite, member, memberId, person } from '../person-fixture.js';
import { judge, windowsOf, type World } from './windows.js';

const MINUTE = 60_000;
/** 30 managed members, of whom 10 may lose access. */
const worldOf = (more: { people?: PeopleLimit; groupSize?: (group: string) => number } = {}): World => ({
  limits: { deprovisionLimit: more.people ?? { count: 10, percent: 20 }, inviteLimit: NO_LIMIT },
  whole: ({ kind, scope }) => (kind === 'groupRemoval' ? (more.groupSize?.(scope) ?? 0) : 30),
  counted: [],
});
const NOBODY_MAY = worldOf({ people: { count: 0, percent: null } });
const planned = (change: Change): PlannedChange => ({ change, why: 'test', attribute: 'active' });
const planOf = (one: Person) => planPerson(one, DEFAULT_RULES, 0).changes;
const leaver = (name: string, more: Partial<Person> = {}) =>
  person(name, { desired: 'inactive', member: member(name), ...more });

function applyBrake(changes: readonly PlannedChange[], one: Person, world: World, now: number, isDrift = false) {
  const policy = brake(world.limits.deprovisionLimit);
  const { sorted, world: after } = judge(changes, policy, { person: one, isDrift }, world, now);
  return { send: sorted.send, held: sorted.notes, world: after };
}

/** Lets people leave one after another; answers whom the brake held. */
function leave(people: readonly Person[], state: { world: World; now: number; step?: number }) {
  const held: string[] = [];
  let { world, now } = state;
  for (const one of people) {
    const result = applyBrake(planOf(one), one, world, now);
    world = result.world;
    if (result.held.length > 0) held.push(one.userName);
    now += state.step ?? 0;
  }
  return { held, world };
}

const many = (count: number, make: (name: string) => Person) =>
  Array.from({ length: count }, (_, index) => make(`p${String(index)}`));

describe('the limit', () => {
  it.each([
    [{ count: 10, percent: 20 }, 30, 10],
    [{ count: 10, percent: 20 }, 100, 20],
    [{ count: 10, percent: 20 }, 54, 10],
    [{ count: null, percent: 20 }, 4, 0],
    [{ count: null, percent: 100 }, 7, 7],
    [{ count: 0, percent: null }, 100, 0],
    [{ count: null, percent: null }, 100, null],
  ])('%j of %d is %j', (limit, whole, expected) => {
    expect(allowed(limit, whole)).toBe(expected);
  });
});

describe('the brake', () => {
  it.each([
    ['locks', (name: string) => leaver(name)],
    ['revocations', (name: string) => person(name, { desired: 'inactive', invite: invite(name) })],
    ['deletions', (name: string) => leaver(name, { desired: 'deleted' })],
    [
      'demotions from admin',
      (name: string) =>
        person(name, {
          member: member(name, { seatType: 'workspace_admin' }),
          seat: { seatType: 'workspace_member', rule: 'seatType', attribute: 'seatType' },
        }),
    ],
  ])('lets 10 %s of 30 people pass and holds the rest', (_, make) => {
    const { held } = leave(many(14, make), { world: worldOf(), now: 0 });
    expect(held).toEqual(['p10@example.com', 'p11@example.com', 'p12@example.com', 'p13@example.com']);
  });

  it('says how many, what the limit is and where it comes from, and alerts', () => {
    const { world } = leave(
      many(10, (name) => leaver(name)),
      { world: worldOf(), now: 0 },
    );
    const late = leaver('late');
    const { held } = applyBrake(planOf(late), late, world, 1);
    expect(held[0]).toMatchObject({ fate: 'held', policy: 'brake', alert: true });
    expect(held[0]?.reason).toBe('10 people lost access within 60 minutes; the limit is 10 (DEPROVISION_LIMIT)');
  });

  it('counts any 60 minutes: one place is free again after the hour of the first', () => {
    const first = leave(
      many(10, (name) => leaver(name)),
      { world: worldOf(), now: 0, step: MINUTE },
    );
    const late = leaver('late');
    expect(applyBrake(planOf(late), late, first.world, WINDOW_MS - 1).held).toHaveLength(1);
    expect(applyBrake(planOf(late), late, first.world, WINDOW_MS).held).toHaveLength(0);
  });

  it('does not drip: what was held stays held after the hour', () => {
    const late = leaver('late', { held: new Set(['lock m-late']) });
    expect(applyBrake(planOf(late), late, worldOf(), 10 * WINDOW_MS).held).toHaveLength(1);
  });

  it('holds the lock of somebody whose held revocation was overtaken by the acceptance', () => {
    const late = leaver('late', { held: new Set(['revokeInvite late@example.com']) });
    expect(applyBrake(planOf(late), late, worldOf(), 0).held.map(({ planned: { change } }) => change.kind)).toEqual([
      'lock',
    ]);
  });

  it('lets the released pass and does not count them', () => {
    const released = many(30, (name) => leaver(name, { released: new Set([`lock m-${name}`]), held: new Set() }));
    const { held, world } = leave(released, { world: worldOf(), now: 0 });
    expect(held).toEqual([]);
    expect(
      leave(
        many(10, (name) => leaver(`x${name}`)),
        { world, now: 0 },
      ).held,
    ).toEqual([]);
  });

  it('counts a leaver once: revoked, accepted meanwhile, locked, deleted', () => {
    const full = leave(
      many(9, (name) => leaver(name)),
      { world: worldOf(), now: 0 },
    );
    const stages = [
      person('ann', { desired: 'inactive', invite: invite('ann') }),
      leaver('ann'),
      leaver('ann', { desired: 'deleted' }),
    ];
    expect(leave(stages, { world: full.world, now: 1 }).held).toEqual([]);
  });

  it('keeps groups and shares of a deleted person whose lock it holds', () => {
    const { world } = leave(
      many(10, (name) => leaver(name)),
      { world: worldOf(), now: 0 },
    );
    const resource = { type: 'voice', id: 'v1' };
    const gone = leaver('gone', {
      desired: 'deleted',
      memberGroups: new Set([groupId('g1')]),
      givenGroups: new Set([groupId('g1')]),
      givenShares: new Map([['voice:v1', { resource, role: 'viewer' as const }]]),
    });
    const result = applyBrake(planOf(gone), gone, world, 1);
    expect(result.send).toEqual([]);
    expect(result.held.map(({ planned: { change } }) => change.kind)).toEqual(['lock', 'removeFromGroup', 'unshare']);
  });

  it.each<[string, Person]>([
    ['a withdrawn address that appears as a member', person('ann', { formerAccounts: [former(member('old'))] })],
    ['a leaver unlocked by hand, known as locked', leaver('ann', { lockedByBridge: true })],
    [
      'a new address while the invite is pending',
      person('ann', { staleInvites: [invite('old')], invite: invite('ann') }),
    ],
    ['a lower seat for a pending invite', person('ann', { invite: invite('ann', { seatType: 'workspace_admin' }) })],
    [
      'a lower seat that is not taken from an admin',
      person('ann', {
        member: member('ann'),
        seat: { seatType: 'workspace_lite_member', rule: 'x', attribute: 'roles' },
      }),
    ],
    ['a grant', person('ann')],
  ])('neither counts nor holds %s', (_, one) => {
    const changes = planOf(one);
    expect(changes.length).toBeGreaterThan(0);
    const result = applyBrake(changes, one, NOBODY_MAY, 0);
    expect(result.send).toEqual(changes);
    expect(result.world.counted.filter(({ kind }) => kind === 'loss')).toEqual([]);
  });

  it('lets a leaver be locked again when the workspace drifted', () => {
    const ann = leaver('ann');
    expect(applyBrake(planOf(ann), ann, NOBODY_MAY, 0, true).held).toEqual([]);
    expect(applyBrake(planOf(ann), ann, NOBODY_MAY, 0, false).held).toHaveLength(1);
  });

  it('holds a demotion alone: what else the person should get still goes', () => {
    const ann = person('ann', {
      member: member('ann', { seatType: 'workspace_admin' }),
      seat: { seatType: 'workspace_member', rule: 'seatType', attribute: 'seatType' },
      groups: new Map([[groupId('g1'), 'G']]),
    });
    const result = applyBrake(planOf(ann), ann, NOBODY_MAY, 0);
    expect(result.send.map(({ change }) => change.kind)).toEqual(['addToGroup']);
    expect(result.held.map(({ planned: { change } }) => change.kind)).toEqual(['setSeat']);
  });

  it('without a limit never holds', () => {
    expect(
      leave(
        many(200, (name) => leaver(name)),
        { world: worldOf({ people: NO_LIMIT }), now: 0 },
      ).held,
    ).toEqual([]);
  });
});

describe('the brake on groups', () => {
  const removed = (name: string, more: Partial<Person> = {}) =>
    person(name, {
      member: member(name),
      memberGroups: new Set([groupId('g1')]),
      givenGroups: new Set([groupId('g1')]),
      ...more,
    });

  it.each([
    [10, 10],
    [30, 20],
    [41, 20],
    [100, 50],
  ])('of %d members lets %d be removed in an hour', (size, expected) => {
    let world = worldOf({ groupSize: () => size });
    let left = size;
    for (const one of many(size, (name) => removed(name))) {
      const result = applyBrake(planOf(one), one, world, 0);
      world = result.world;
      left -= result.send.length;
    }
    expect(size - left).toBe(expected);
  });

  it('counts each group for itself', () => {
    const both = new Set([groupId('g1'), groupId('g2')]);
    const { world } = leave(
      many(20, (name) => removed(name)),
      { world: worldOf({ groupSize: () => 20 }), now: 0 },
    );
    const late = removed('late', { memberGroups: both, givenGroups: both });
    const result = applyBrake(planOf(late), late, world, 1);
    expect(result.held.map(({ planned: { change } }) => changeKey(change))).toEqual(['removeFromGroup m-late g1']);
    expect(result.send.map(({ change }) => changeKey(change))).toEqual(['removeFromGroup m-late g2']);
  });

  it('leaves the groups of a deleted person to the brake on people', () => {
    const { world } = leave(
      many(20, (name) => removed(name)),
      { world: worldOf({ groupSize: () => 20 }), now: 0 },
    );
    const gone = removed('gone', { desired: 'deleted' });
    expect(applyBrake(planOf(gone), gone, world, 1).held).toEqual([]);
  });
});

describe('properties of the brake', () => {
  const event = fc.record({
    who: fc.integer({ min: 0, max: 14 }),
    wait: fc.integer({ min: 0, max: 20 * MINUTE }),
    stage: fc.constantFrom('lock', 'revoke', 'delete'),
  });

  it('never lets more people pass than the limit in any 60 minutes, and never forgets whom it held', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), fc.integer({ min: 0, max: 5 }), (events, count) => {
        const passed: { who: string; at: number }[] = [];
        const held = new Map<string, Set<string>>();
        let world = worldOf({ people: { count, percent: null } });
        let now = 0;
        for (const { who, wait, stage } of events) {
          now += wait;
          const name = `p${String(who)}`;
          const mine = held.get(name) ?? new Set();
          const base = { held: mine, desired: stage === 'delete' ? ('deleted' as const) : ('inactive' as const) };
          const one = person(
            name,
            stage === 'revoke' ? { ...base, invite: invite(name) } : { ...base, member: member(name) },
          );
          const result = applyBrake(planOf(one), one, world, now);
          world = result.world;
          if (result.send.length > 0) {
            expect(mine.size).toBe(0);
            passed.push({ who: name, at: now });
          }
          held.set(name, new Set([...mine, ...result.held.map(({ planned: { change } }) => changeKey(change))]));
        }
        const losses = world.counted.filter(({ kind }) => kind === 'loss');
        for (const { at: end } of losses)
          expect(losses.filter(({ at }) => at > end - WINDOW_MS && at <= end).length).toBeLessThanOrEqual(count);
        // Who passed was counted then, or had been and is still on the way.
        for (const { who, at } of passed)
          expect(losses.some((loss) => loss.who === `${who}@example.com` && at - loss.at < WINDOW_MS)).toBe(true);
      }),
    );
  });

  it('loses no change: each is either sent or held, in order', () => {
    const any = fc.constantFrom<Change>(
      { kind: 'lock', memberId: memberId('m-ann'), reason: 'deleted' },
      { kind: 'removeFromGroup', memberId: memberId('m-ann'), groupId: groupId('g1') },
      { kind: 'addToGroup', memberId: memberId('m-ann'), groupId: groupId('g2') },
      { kind: 'setSeat', memberId: memberId('m-ann'), seatType: 'workspace_member', from: 'workspace_admin' },
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(any),
        fc.constantFrom('active', 'inactive', 'deleted'),
        fc.integer({ min: 0, max: 1 }),
        (list, desired, count) => {
          const changes = list.map(planned);
          const ann = person('ann', { desired, member: member('ann') });
          const { send, held } = applyBrake(changes, ann, worldOf({ people: { count, percent: null } }), 0);
          const all = [...send, ...held.map((note) => note.planned)];
          expect(all).toHaveLength(changes.length);
          expect(new Set(all)).toEqual(new Set(changes));
          expect(send).toEqual(changes.filter((one) => send.includes(one)));
        },
      ),
    );
  });
});

describe('a look', () => {
  it('spends nothing: the same plan, asked for often, passes each time', () => {
    const world = worldOf({ people: { count: 1, percent: null } });
    const ann = leaver('ann');
    for (let times = 0; times < 3; times++) expect(applyBrake(planOf(ann), ann, world, 0).held).toEqual([]);
  });

  it('at many plans counts each as if it had been sent', () => {
    const world = worldOf({ people: { count: 2, percent: null } });
    const spent = nothingSpent();
    const use = (who: string): LimitUse => ({ kind: 'loss', scope: '', who, limit: world.limits.deprovisionLimit });
    const counted = (who: string) => {
      const [window] = [...afterSpending(windowsOf(world, [use(who)], 0), [use(who)], spent).values()];
      return [window?.counted, window?.isCounted];
    };
    expect(counted('ann')).toEqual([0, false]);
    spend(spent, use('ann'));
    spend(spent, use('ann'));
    expect([counted('ann'), counted('bob')]).toEqual([
      [1, true],
      [1, false],
    ]);
  });

  it('lets all accounts of a person go, or none', () => {
    const two = leaver('ann', {
      formerAccounts: [former(member('old'), { copy: 'done' })],
    });
    const limited = (count: number) => applyBrake(planOf(two), two, worldOf({ people: { count, percent: null } }), 0);
    expect([limited(1).send.length, limited(1).held.length]).toEqual([0, 2]);
    expect([limited(2).send.length, limited(2).world.counted.length]).toEqual([2, 2]);
  });

  it('knows the limit of groups', () => {
    expect(GROUP_LIMIT).toEqual({ count: 20, percent: 50 });
  });
});
