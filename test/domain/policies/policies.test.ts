import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Person } from '../../../src/domain/person.js';
import { planPerson, type PlannedChange } from '../../../src/domain/plan.js';
import { company, isFirstTry } from '../../../src/domain/policies/company.js';
import { driftMode } from '../../../src/domain/policies/drift-mode.js';
import { dryRun } from '../../../src/domain/policies/dry-run.js';
import { flapGuard } from '../../../src/domain/policies/flap-guard.js';
import { applyInviteLimit, inviteLimit } from '../../../src/domain/policies/invite-limit.js';
import { foreignTo, ownership } from '../../../src/domain/policies/ownership.js';
import { WINDOW_MS, type Dated } from '../../../src/domain/policies/people-limit.js';
import { applyPolicies, type Policy, type PolicyContext } from '../../../src/domain/policies/policy.js';
import { countSeats, overbooking, seatBudget, seatShortage } from '../../../src/domain/policies/seat-budget.js';
import { DEFAULT_RULES } from '../../../src/domain/rules.js';
import { changeKey, type Change } from '../../../src/domain/types.js';
import { former, groupId, invite, member, memberId, person } from '../person-fixture.js';

const planOf = (one: Person) => planPerson(one, DEFAULT_RULES, 0).changes;
const planned = (change: Change): PlannedChange => ({ change, why: 'test', attribute: 'active' });
const run = (changes: readonly PlannedChange[], policy: Policy, context: Partial<PolicyContext>) =>
  applyPolicies(changes, [policy], { person: null, now: 0, ...context });
const kinds = (changes: readonly PlannedChange[]) => changes.map(({ change }) => change.kind);

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
  const repairs = (...at: number[]): Dated[] => at.map((time) => ({ who: changeKey(inGroup), at: time }));
  const guard = (made: readonly Dated[], now: number) =>
    flapGuard(
      () => made,
      () => now,
    );

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
    const sorted = run([planned(inGroup)], guard(made, now), { person: person('ann'), ...context });
    expect(sorted.send).toHaveLength(passes ? 1 : 0);
    expect(sorted.held).toHaveLength(passes ? 0 : 1);
    if (!passes) expect(sorted.notes[0]?.alert).toBe(true);
  });

  it('never stops the lock of a leaver', () => {
    const locks = [
      { who: changeKey(lock), at: 0 },
      { who: changeKey(lock), at: 1 },
    ];
    expect(run([planned(lock)], guard(locks, 2), { person: person('ann'), isDrift: true }).send).toHaveLength(1);
  });
});

describe('inviteLimit', () => {
  it('holds what is beyond the limit, and keeps an open invite that would only be exchanged', () => {
    let history: readonly Dated[] = [{ who: 'u-other', at: 0 }];
    const policy = inviteLimit({
      load: () => history,
      store: (next) => (history = next),
      limit: () => ({ limit: { count: 1, percent: null }, managedMembers: 0 }),
      monotonic: () => 1,
    });
    const ann = person('ann', { invite: invite('ann', { seatType: 'workspace_admin' }) });
    const sorted = run(planOf(ann), policy, { person: ann });
    expect(sorted.send).toEqual([]);
    expect(kinds(sorted.held)).toEqual(['revokeInvite', 'invite']);
    expect(sorted.notes[0]?.reason).toBe('1 people were invited within 60 minutes; the limit is 1 (INVITE_LIMIT)');
  });

  it('still revokes the invite of an address that is no longer the user’s', () => {
    const ann = person('ann', { staleInvites: [invite('old')] });
    const { held } = applyInviteLimit(planOf(ann), ann, [], { count: 0, percent: null }, 0, 0);
    expect(held.map((note) => note.planned.change.kind)).toEqual(['invite']);
  });

  it('lets released invites pass; what was held before stays held', () => {
    const limit = { count: 0, percent: null };
    const released = person('ann', { released: new Set([changeKey(invitation)]) });
    expect(applyInviteLimit(planOf(released), released, [], limit, 0, 0).held).toEqual([]);
    const held = person('ann', { held: new Set([changeKey(invitation)]) });
    expect(applyInviteLimit(planOf(held), held, [], { count: 5, percent: null }, 0, 9 * WINDOW_MS).held).toHaveLength(
      1,
    );
  });

  it('without a limit changes nothing', () => {
    const ann = person('ann');
    expect(applyInviteLimit(planOf(ann), ann, [], { count: null, percent: null }, 0, 0).held).toEqual([]);
  });

  it('never lets more people pass than the limit in any 60 minutes', () => {
    const event = fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: WINDOW_MS / 3 }));
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), fc.integer({ min: 0, max: 6 }), (events, count) => {
        let history: readonly Dated[] = [];
        let now = 0;
        const passed: Dated[] = [];
        for (const [who, wait] of events) {
          now += wait;
          const one = person(`p${String(who)}`);
          const result = applyInviteLimit(planOf(one), one, history, { count, percent: null }, 0, now);
          history = result.history;
          if (result.held.length === 0) passed.push({ who: one.userId, at: now });
        }
        for (const { at: end } of passed) {
          const window = passed.filter(({ at }) => at > end - WINDOW_MS && at <= end);
          expect(new Set(window.map(({ who }) => who)).size).toBeLessThanOrEqual(count);
        }
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
  const policy = seatBudget(() => ({ usage: { full: 10, basic: 5 }, limits: { full: 10, basic: 5 } }));
  const roomForBasic = seatBudget(() => ({ usage: { full: 10, basic: 4 }, limits: { full: 10, basic: 5 } }));
  const ann = member('ann');
  const locked = member('ann', { isLocked: true });
  const basic = member('ann', { seatType: 'workspace_lite_member' });

  it.each<[string, Partial<Person>, Change[], Policy, number]>([
    ['an invite waits', {}, [invitation], policy, 0],
    ['an unlock waits, with what rests on it', { member: locked }, [unlock, inGroup], policy, 0],
    [
      'an unlock that may take a Basic seat goes',
      { member: locked },
      [{ ...unlock, allowDowngrade: true }],
      roomForBasic,
      1,
    ],
    ['an unlock that may not, waits', { member: locked }, [unlock], roomForBasic, 0],
    ['an upgrade from Basic waits', { member: basic }, [promote], policy, 0],
    ['admin to member takes no seat', { member: ann }, [{ ...promote, from: 'workspace_admin' }], policy, 1],
    [
      'Full to Basic finds the Full seat it leaves',
      { member: ann },
      [{ ...promote, seatType: 'workspace_lite_member', from: 'workspace_member' }],
      policy,
      1,
    ],
    ['the seat of a locked member takes none', { member: locked }, [promote], policy, 1],
    ['an open invite is not revoked for one that cannot be sent', {}, [revocation, invitation], policy, 0],
    ['withdrawals go', { member: ann }, [lock], policy, 1],
  ])('%s', (_, more, changes, by, sent) => {
    const sorted = run(changes.map(planned), by, { person: person('ann', more), now: 5 });
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
