import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Person } from '../../../src/domain/person.js';
import { planPerson, type PlannedChange } from '../../../src/domain/plan.js';
import { company, isFirstTry } from '../../../src/domain/policies/company.js';
import { driftMode } from '../../../src/domain/policies/drift-mode.js';
import { dryRun } from '../../../src/domain/policies/dry-run.js';
import { flapGuard } from '../../../src/domain/policies/flap-guard.js';
import { inviteLimit } from '../../../src/domain/policies/invite-limit.js';
import { foreignTo, ownership } from '../../../src/domain/policies/ownership.js';
import { NO_LIMIT, WINDOW_MS, type PeopleLimit } from '../../../src/domain/policies/people-limit.js';
import { applyPolicies, type Policy, type PolicyContext } from '../../../src/domain/policies/policy.js';
import {
  countSeats,
  overbooking,
  seatBudget,
  seatShortage,
  type SeatUsage,
} from '../../../src/domain/policies/seat-budget.js';
import { DEFAULT_RULES } from '../../../src/domain/rules.js';
import { changeKey, type Change } from '../../../src/domain/types.js';
import { former, groupId, invite, member, memberId, person } from '../person-fixture.js';
import { judge, type World } from './windows.js';

const planOf = (one: Person) => planPerson(one, DEFAULT_RULES, 0).changes;
const planned = (change: Change): PlannedChange => ({ change, why: 'test', attribute: 'active' });
const run = (changes: readonly PlannedChange[], policy: Policy, context: Partial<PolicyContext>) =>
  applyPolicies(changes, [policy], { person: null, now: 0, ...context });
const kinds = (changes: readonly PlannedChange[]) => changes.map(({ change }) => change.kind);

const worldWith = (limit: PeopleLimit, counted: World['counted']): World => ({
  limits: { deprovisionLimit: NO_LIMIT, inviteLimit: limit },
  whole: () => 0,
  counted,
});

const inGroup: Change = { kind: 'addToGroup', memberId: memberId('m-ann'), groupId: groupId('g1') };
const lock: Change = { kind: 'lock', memberId: memberId('m-ann'), reason: 'inactive' };
const unlock: Change = { kind: 'unlock', memberId: memberId('m-ann'), allowDowngrade: false };
const promote: Change = {
  kind: 'setSeat',
  memberId: memberId('m-ann'),
  seatType: 'workspace_member',
  from: 'workspace_lite_member',
};
const invitation: Change = {
  kind: 'invite',
  address: person('ann').address!,
  seatType: 'workspace_member',
  usageLimit: null,
};
const revocation: Change = { kind: 'revokeInvite', address: person('ann').address! };

describe('company', () => {
  const waits = (ms: number) => company({ waitMs: () => ms, forget: () => undefined });

  it('lets an invite wait where nobody waits for it, and nowhere else', () => {
    const plan = planOf(person('ann'));
    const patient = run(plan, waits(5_000), { person: person('ann'), now: 100, mayWait: true });
    expect([kinds(patient.send), kinds(patient.waiting), patient.waitUntil]).toEqual([[], ['invite'], 5_100]);
    expect(kinds(run(plan, waits(0), { person: person('ann'), mayWait: true }).send)).toEqual(['invite']);
    expect(kinds(run(plan, waits(5_000), { person: person('ann') }).send)).toEqual(['invite']);
    expect(kinds(run([planned(lock)], waits(5_000), { person: person('ann'), mayWait: true }).send)).toEqual(['lock']);
  });

  it.each<[string, Partial<Person>, boolean]>([
    ['never invited', {}, true],
    ['planned and not sent', { invite: invite('ann', { state: 'planned', sends: 0 }) }, true],
    ['revoked', { invite: invite('ann', { state: 'revoked' }) }, true],
    ['perhaps sent', { invite: invite('ann', { state: 'ambiguous' }) }, false],
    ['planned after it was perhaps sent', { invite: invite('ann', { state: 'planned', sends: 1 }) }, false],
    ['refused before', { invite: invite('ann', { state: 'refused', sends: 0 }) }, false],
    ['invited long ago', { invite: invite('ann', { state: 'expired' }) }, false],
    ['a member who is handed over', { member: member('ann') }, false],
  ])('a first try: %s', (_, more, expected) => {
    expect(isFirstTry(person('ann', more))).toBe(expected);
  });
});

describe('driftMode', () => {
  it.each<[string, Change, 'enforce' | 'report', boolean, boolean]>([
    ['a repair under enforce', inGroup, 'enforce', true, true],
    ['a repair under report', inGroup, 'report', true, false],
    ['a repair by unlocking under report', unlock, 'report', true, false],
    ['what the IdP wants, under report', inGroup, 'report', false, true],
    ['locking a leaver again under report', lock, 'report', true, true],
    ['an invite under report', invitation, 'report', true, true],
  ])('%s', (_, change, mode, isDrift, passes) => {
    const sorted = run(
      [planned(change)],
      driftMode(() => mode),
      { person: person('ann'), isDrift },
    );
    expect(kinds(sorted.send)).toEqual(passes ? [change.kind] : []);
    expect(sorted.notes.map(({ fate, policy }) => [fate, policy])).toEqual(passes ? [] : [['dropped', 'driftMode']]);
  });

  it('does not take a second attempt at what was refused for a repair', () => {
    const ann = person('ann', { refused: new Map([[changeKey(inGroup), { until: 0, error: 'no' }]]) });
    expect(
      run(
        [planned(inGroup)],
        driftMode(() => 'report'),
        { person: ann, isDrift: true },
      ).send,
    ).toHaveLength(1);
  });
});

describe('flapGuard', () => {
  interface Dated {
    readonly who: string;
    readonly at: number;
  }
  const repairs = (...at: number[]): Dated[] => at.map((time) => ({ who: changeKey(inGroup), at: time }));
  const guard = (change: Change, made: readonly Dated[], now: number, context: Partial<PolicyContext>) => {
    const counted = made.map(({ who, at }) => ({ kind: 'repair', scope: who, who, limit: NO_LIMIT, at }) as const);
    const about = { person: person('ann'), ...context };
    return judge([planned(change)], flapGuard, about, worldWith(NO_LIMIT, counted), now).sorted;
  };

  it.each<[string, readonly Dated[], number, Partial<PolicyContext>, boolean]>([
    ['the first repair', [], 0, { isDrift: true }, true],
    ['the second', repairs(0), 10, { isDrift: true }, true],
    ['the third within the hour', repairs(0, 10), 20, { isDrift: true }, false],
    ['the third after the hour of the first', repairs(0, 10), WINDOW_MS, { isDrift: true }, true],
    ['the third, wanted by a fresh IdP write', repairs(0, 10), 20, { isDrift: false }, true],
    [
      'one that was stopped before, hours later',
      [],
      9 * WINDOW_MS,
      { isDrift: true, person: person('ann', { held: new Set([changeKey(inGroup)]) }) },
      false,
    ],
    [
      'one that was stopped and released',
      repairs(0, 10),
      20,
      { isDrift: true, person: person('ann', { released: new Set([changeKey(inGroup)]) }) },
      true,
    ],
    [
      'another change than the one that flaps',
      [
        { who: 'x', at: 0 },
        { who: 'x', at: 1 },
      ],
      2,
      { isDrift: true },
      true,
    ],
  ])('%s', (_, made, now, context, passes) => {
    const sorted = guard(inGroup, made, now, context);
    expect(sorted.send).toHaveLength(passes ? 1 : 0);
    expect(sorted.held).toHaveLength(passes ? 0 : 1);
    if (!passes) expect(sorted.notes[0]?.alert).toBe(true);
  });

  it('never stops the lock of a leaver', () => {
    const locks = [
      { who: changeKey(lock), at: 0 },
      { who: changeKey(lock), at: 1 },
    ];
    expect(guard(lock, locks, 2, { isDrift: true }).send).toHaveLength(1);
  });
});

describe('inviteLimit', () => {
  const limited = (one: Person, limit: PeopleLimit, counted: World['counted'] = [], now = 0) =>
    judge(planOf(one), inviteLimit(limit), { person: one }, worldWith(limit, counted), now);
  const other = { kind: 'invite', scope: '', who: 'u-other', limit: NO_LIMIT, at: 0 } as const;

  it('holds what is beyond the limit, and keeps an open invite that would only be exchanged', () => {
    const ann = person('ann', { invite: invite('ann', { seatType: 'workspace_admin' }) });
    const { sorted } = limited(ann, { count: 1, percent: null }, [other], 1);
    expect(sorted.send).toEqual([]);
    expect(kinds(sorted.held)).toEqual(['revokeInvite', 'invite']);
    expect(sorted.notes[0]?.reason).toBe('1 people were invited within 60 minutes; the limit is 1 (INVITE_LIMIT)');
  });

  it('still revokes the invite of an address that is no longer the user’s', () => {
    const ann = person('ann', { staleInvites: [invite('old')] });
    expect(kinds(limited(ann, { count: 0, percent: null }).sorted.held)).toEqual(['invite']);
  });

  it('lets released invites pass; what was held before stays held', () => {
    const released = person('ann', { released: new Set([changeKey(invitation)]) });
    expect(limited(released, { count: 0, percent: null }).sorted.held).toEqual([]);
    const held = person('ann', { held: new Set([changeKey(invitation)]) });
    expect(limited(held, { count: 5, percent: null }, [], 9 * WINDOW_MS).sorted.held).toHaveLength(1);
  });

  it('without a limit changes nothing', () => {
    expect(limited(person('ann'), NO_LIMIT).sorted.held).toEqual([]);
  });

  it('never lets more people pass than the limit in any 60 minutes', () => {
    const event = fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: WINDOW_MS / 3 }));
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), fc.integer({ min: 0, max: 6 }), (events, count) => {
        let counted: World['counted'] = [];
        let now = 0;
        const passed: { who: string; at: number }[] = [];
        for (const [who, wait] of events) {
          now += wait;
          const one = person(`p${String(who)}`);
          const result = limited(one, { count, percent: null }, counted, now);
          counted = result.world.counted;
          if (result.sorted.held.length === 0) passed.push({ who: one.userId, at: now });
        }
        const invited = counted.filter(({ kind }) => kind === 'invite');
        for (const { at: end } of invited)
          expect(invited.filter(({ at }) => at > end - WINDOW_MS && at <= end).length).toBeLessThanOrEqual(count);
        for (const { who, at } of passed)
          expect(invited.some((one) => one.who === who && at - one.at < WINDOW_MS)).toBe(true);
      }),
    );
  });
});

describe('seats', () => {
  it('are Full or Basic; an unknown seat counts as Full', () => {
    expect(
      countSeats([
        ['workspace_admin', 1],
        ['workspace_member', 2],
        ['workspace_lite_member', 4],
        [null, 8],
      ]),
    ).toEqual({ full: 11, basic: 4 });
  });

  it.each([
    // wanted, used full/basic, limits full/basic, free?
    ['workspace_member', 9, 0, 10, 5, true],
    ['workspace_member', 10, 0, 10, 5, false],
    ['workspace_admin', 10, 0, 10, 5, false],
    ['workspace_lite_member', 10, 4, 10, 5, true],
    ['workspace_lite_member', 10, 5, 10, 5, false],
    ['workspace_lite_member', 8, 6, 10, 5, true],
    ['workspace_lite_member', 8, 7, 10, 5, false],
    ['workspace_lite_member', 12, 4, 10, 5, false],
    ['workspace_member', 8, 6, 10, 5, true],
    ['workspace_member', 9, 6, 10, 5, false],
    ['workspace_member', 99, 0, null, 5, true],
    ['workspace_lite_member', 10, 99, 10, null, true],
    ['workspace_lite_member', 10, 99, null, 5, true],
  ] as const)(
    '%s with %d Full and %d Basic in use of %j and %j: %j',
    (wanted, full, basic, fullLimit, basicLimit, isFree) => {
      const shortage = seatShortage(wanted, { full, basic }, { full: fullLimit, basic: basicLimit });
      expect(shortage === null).toBe(isFree);
    },
  );

  it('that lack are told in numbers, with the remedy', () => {
    expect(seatShortage('workspace_member', { full: 10, basic: 2 }, { full: 10, basic: 5 })).toBe(
      'No Full seat is free: 10 of 10 in use. Free a seat by disabling somebody, buy seats in ElevenLabs and raise SEAT_LIMITS, or give a Basic seat (workspace_lite_member).',
    );
    expect(seatShortage('workspace_lite_member', { full: 10, basic: 5 }, { full: 10, basic: 5 })).toContain(
      'No Basic seat is free: 5 of 5 Basic and 10 of 10 Full seats in use. Free a seat by disabling somebody, or buy seats in ElevenLabs and raise SEAT_LIMITS.',
    );
  });

  it.each([
    // seat, invited full/basic, limits full/basic, how many are invited and free; 8 Full and 4 Basic are in use
    ['workspace_member', 2, 9, 10, 5, null],
    ['workspace_member', 3, 0, 10, 5, [3, 2]],
    ['workspace_admin', 3, 0, 10, 5, [3, 2]],
    ['workspace_member', 1, 0, 8, 5, [1, 0]],
    ['workspace_member', 2, 0, 10, 3, [2, 1]],
    ['workspace_lite_member', 0, 3, 10, 5, null],
    ['workspace_lite_member', 0, 4, 10, 5, [4, 3]],
    ['workspace_lite_member', 2, 2, 10, 5, [2, 1]],
    ['workspace_lite_member', 9, 1, 10, 5, null],
    ['workspace_lite_member', 0, 99, 10, null, null],
    ['workspace_member', 3, 0, 10, null, [3, 2]],
    ['workspace_member', 99, 99, null, 5, null],
  ] as const)(
    'for invites to %s: %d Full and %d Basic invited of %j and %j',
    (seat, full, basic, fullLimit, basicLimit, expected) => {
      const demand = { usage: { full: 8, basic: 4 }, invited: { full, basic } };
      const text = overbooking(seat, demand, { full: fullLimit, basic: basicLimit });
      expect(text === null ? null : text.match(/\d+/g)?.map(Number)).toEqual(expected);
    },
  );
});

describe('seatBudget', () => {
  const policy = seatBudget(() => ({ full: 10, basic: 5 }));
  const inUse = { full: 10, basic: 5 };
  const roomForBasic = { full: 10, basic: 4 };
  const ann = member('ann');
  const locked = member('ann', { isLocked: true });
  const basic = member('ann', { seatType: 'workspace_lite_member' });

  it.each<[string, Partial<Person>, Change[], SeatUsage, number]>([
    ['an invite waits', {}, [invitation], inUse, 0],
    ['an unlock waits, with what rests on it', { member: locked }, [unlock, inGroup], inUse, 0],
    [
      'an unlock that may take a Basic seat goes',
      { member: locked },
      [{ ...unlock, allowDowngrade: true }],
      roomForBasic,
      1,
    ],
    ['an unlock that may not, waits', { member: locked }, [unlock], roomForBasic, 0],
    ['an upgrade from Basic waits', { member: basic }, [promote], inUse, 0],
    ['admin to member takes no seat', { member: ann }, [{ ...promote, from: 'workspace_admin' }], inUse, 1],
    [
      'Full to Basic finds the Full seat it leaves',
      { member: ann },
      [{ ...promote, seatType: 'workspace_lite_member', from: 'workspace_member' }],
      inUse,
      1,
    ],
    ['the seat of a locked member takes none', { member: locked }, [promote], inUse, 1],
    ['an open invite is not revoked for one that cannot be sent', {}, [revocation, invitation], inUse, 0],
    ['withdrawals go', { member: ann }, [lock], inUse, 1],
  ])('%s', (_, more, changes, seats, sent) => {
    const sorted = run(changes.map(planned), policy, { person: person('ann', more), now: 5, seats });
    expect(sorted.send).toHaveLength(sent);
    expect(sorted.waiting).toHaveLength(changes.length - sent);
    expect(sorted.waitUntil).toBe(sent === changes.length ? null : 900_005);
  });
});

describe('ownership', () => {
  const stranger = memberId('m-stranger');
  const share = {
    kind: 'share',
    resource: { type: 'voice', id: 'v1' },
    role: 'viewer',
    principal: { kind: 'member', memberId: memberId('m-ann') },
  } as const;

  it.each<[string, Partial<Person>, Change, string | null]>([
    ['own member', {}, lock, null],
    ['a stray', { member: null, formerAccounts: [former(member('ann'))] }, lock, null],
    ['an unmanaged user', { managed: false }, lock, 'not managed'],
    ['a protected member', { protection: 'lastAdmin' }, lock, 'protected (lastAdmin)'],
    ['the owner', { member: member('ann', { isOwner: true }) }, lock, 'owns the workspace'],
    ['somebody else', {}, { ...lock, memberId: stranger }, 'not the user'],
    ['somebody else’s address', {}, { ...invitation, address: person('bob').address! }, 'not that of the user'],
    ['own invite', {}, revocation, null],
    [
      'own former invite',
      { staleInvites: [invite('old')] },
      { kind: 'revokeInvite', address: person('old').address! },
      null,
    ],
    ['somebody else’s invite', {}, { kind: 'revokeInvite', address: person('bob').address! }, 'not one of the user'],
    [
      'a group the bridge gave',
      { givenGroups: new Set([groupId('g1')]) },
      { ...inGroup, kind: 'removeFromGroup' },
      null,
    ],
    [
      'a group the IdP took out',
      { withdrawnGroups: new Set([groupId('g1')]) },
      { ...inGroup, kind: 'removeFromGroup' },
      null,
    ],
    ['a group somebody else gave', {}, { ...inGroup, kind: 'removeFromGroup' }, 'did not add'],
    ['a share', {}, share, null],
    ['a share to a group', {}, { ...share, principal: { kind: 'default' } }, 'not the user'],
    [
      'a share somebody else gave',
      {},
      { kind: 'unshare', resource: share.resource, principal: share.principal },
      'did not give',
    ],
  ])('%s', (_, more, change, words) => {
    const ann = person('ann', { member: member('ann'), ...more });
    const reason = foreignTo(change, ann);
    if (words === null) expect(reason).toBeNull();
    else expect(reason).toContain(words);
    const sorted = run([planned(change)], ownership, { person: ann });
    expect(sorted.send).toHaveLength(words === null ? 1 : 0);
    expect(sorted.notes.map(({ fate, alert }) => [fate, alert])).toEqual(words === null ? [] : [['dropped', true]]);
  });

  it('lets a group share with groups only', () => {
    const toAll = { ...share, principal: { kind: 'default' } } as const;
    expect(kinds(run([planned(toAll), planned(share), planned(lock)], ownership, { person: null }).send)).toEqual([
      'share',
    ]);
  });
});

describe('dryRun', () => {
  it('sends nothing and loses nothing', () => {
    const changes = [planned(lock), planned(inGroup)];
    const sorted = run(
      changes,
      dryRun(() => 'config'),
      { person: person('ann') },
    );
    expect([sorted.send, sorted.held, sorted.waiting]).toEqual([[], [], changes]);
  });
});
