import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { foldAddress } from '../../src/domain/fold.js';
import type { Invite, Lookalike, Person } from '../../src/domain/person.js';
import { MAX_INVITE_ROUNDS, nextPlanAt, planPerson, pointlessRefusals } from '../../src/domain/plan.js';
import { DEFAULT_RULES } from '../../src/domain/rules.js';
import {
  changeKey,
  isGrant,
  SEAT_TYPES,
  SHARE_ROLES,
  type Change,
  type ShareRole,
  type WorkspaceMember,
} from '../../src/domain/types.js';
import { former, groupId, invite, member, memberId, person } from './person-fixture.js';

const DAY = 86_400_000;
const NOW = 100 * DAY;
const ZOE = foldAddress('zoe@example.com');
const plan = (zoe: Person, now = NOW) => planPerson(zoe, DEFAULT_RULES, now).changes.map(({ change }) => change);
const keys = (zoe: Person, now = NOW) => plan(zoe, now).map(changeKey);

const share = (role: ShareRole) => ({
  resource: { type: 'voice', id: 'v1' },
  role,
  rule: 'entitlement',
  attribute: 'entitlements' as const,
});
const lite = { seatType: 'workspace_lite_member', rule: 'roles "lite"', attribute: 'roles' } as const;
const admin = { seatType: 'workspace_admin', rule: 'roles "admin"', attribute: 'roles' } as const;
const wantsG = new Map([[groupId('g'), 'Sales']]);
const inG = new Set([groupId('g')]);
const sent = (ago: number, more: Partial<Invite> = {}) => invite('zoe', { sentAt: NOW - ago, ageMs: ago, ...more });
const lookalike = (id: string, name: string, more: Partial<WorkspaceMember> = {}): Lookalike => ({
  member: member(name, { memberId: memberId(`m-${id}`), ...more }),
  isProtected: false,
});
const TWINS = [lookalike('zoe-1', 'zoe'), lookalike('zoe-2', 'zoe')];
const INVITE = 'invite zoe@example.com workspace_member';
const REVOKE = 'revokeInvite zoe@example.com';

/** Row of the truth table -> the person, and the keys of what is planned. */
const ROWS: Readonly<Record<string, readonly [Partial<Person>, readonly string[]]>> = {
  'active, not there, never seen': [{}, [INVITE]],
  'active, not there, seat by a rule': [{ seat: admin }, ['invite zoe@example.com workspace_admin']],
  'active, without an address': [{ address: null }, []],
  'active, was a member, has gone': [{ removedAt: NOW - DAY, invite: invite('zoe', { state: 'accepted' }) }, []],
  'active afresh, was a member, has gone': [
    { removedAt: NOW - DAY, mayReinvite: true, invite: invite('zoe', { state: 'accepted' }) },
    [INVITE],
  ],
  'active, has gone and was invited back, past the TTL': [
    { removedAt: NOW - 20 * DAY, invite: sent(8 * DAY) },
    [INVITE],
  ],
  'active, invite planned before': [{ invite: invite('zoe', { state: 'planned', sends: 0 }) }, [INVITE]],
  'active, invite being sent': [{ invite: sent(0, { state: 'sending', sends: 0 }) }, []],
  'active, invite pending': [{ invite: sent(DAY) }, []],
  'active, invite pending past the TTL': [{ invite: sent(7 * DAY) }, [INVITE]],
  'active, invite pending past the TTL, last round': [{ invite: sent(7 * DAY, { round: MAX_INVITE_ROUNDS }) }, []],
  'active, pending, now wanting a lower seat': [
    { seat: lite, invite: sent(DAY) },
    [REVOKE, 'invite zoe@example.com workspace_lite_member'],
  ],
  'active, pending, now wanting a higher seat (applied on acceptance)': [{ seat: admin, invite: sent(DAY) }, []],
  'active, invite revoked': [{ invite: invite('zoe', { state: 'revoked' }) }, [INVITE]],
  'active, invite refused long ago': [{ invite: invite('zoe', { state: 'refused' }) }, [INVITE]],
  'active, invite refused lately': [
    { refused: new Map([[INVITE, { until: NOW + 1, error: 'no seat' }]]), invite: invite('zoe', { state: 'refused' }) },
    [],
  ],
  'active, ambiguous, not read since': [{ invite: sent(10, { state: 'ambiguous' }), membersReadAt: NOW - 20 }, []],
  'active, ambiguous, read since': [{ invite: sent(10, { state: 'ambiguous' }), membersReadAt: NOW }, [INVITE]],
  'active, ambiguous twice': [{ invite: sent(10, { state: 'ambiguous', sends: 2 }), membersReadAt: NOW }, []],
  'active, member locked by the bridge': [
    { member: member('zoe', { isLocked: true }), lockedByBridge: true, groups: wantsG },
    ['unlock m-zoe', 'addToGroup m-zoe g'],
  ],
  'active afresh, member locked by somebody else': [
    { member: member('zoe', { isLocked: true }), mayUnlock: true },
    ['unlock m-zoe'],
  ],
  'active, member locked by somebody else': [
    { member: member('zoe', { isLocked: true }), groups: wantsG, seat: admin },
    [],
  ],
  'active, unlock refused: nothing else is given': [
    {
      member: member('zoe', { isLocked: true }),
      lockedByBridge: true,
      groups: wantsG,
      refused: new Map([['unlock m-zoe', { until: NOW + 1, error: 'no seat' }]]),
    },
    [],
  ],
  'active, other seat than a rule gives': [
    { member: member('zoe'), seat: lite },
    ['setSeat m-zoe workspace_lite_member'],
  ],
  'active, lower seat at adoption': [{ member: member('zoe'), seat: lite, seatDeclined: 'workspace_lite_member' }, []],
  'active, the last rule went': [
    { member: member('zoe', { seatType: 'workspace_admin' }), seatBefore: 'workspace_member' },
    ['setSeat m-zoe workspace_member'],
  ],
  'active, no rule ever': [{ member: member('zoe', { seatType: 'workspace_admin' }) }, []],
  'active, linked group lacks the member': [{ member: member('zoe'), groups: wantsG }, ['addToGroup m-zoe g']],
  'active, in the group already': [{ member: member('zoe'), groups: wantsG, memberGroups: inG }, []],
  'active, in a group where the bridge put it': [
    { member: member('zoe'), memberGroups: inG, givenGroups: inG },
    ['removeFromGroup m-zoe g'],
  ],
  'active, in a group that an IdP request took it out of': [
    { member: member('zoe'), memberGroups: inG, withdrawnGroups: inG },
    ['removeFromGroup m-zoe g'],
  ],
  'active, in a group where somebody else put it': [{ member: member('zoe'), memberGroups: inG }, []],
  'active, a share is missing': [
    { member: member('zoe'), shares: new Map([['voice:v1', share('editor')]]) },
    ['share voice:v1:editor member:m-zoe'],
  ],
  'active, somebody else gave a higher role': [
    {
      member: member('zoe'),
      shares: new Map([['voice:v1', share('viewer')]]),
      heldShares: new Map([['voice:v1', 'admin' as const]]),
    },
    [],
  ],
  'active, a share that the bridge gave is not wanted any more': [
    { member: member('zoe'), givenShares: new Map([['voice:v1', share('editor')]]) },
    ['unshare voice:v1 member:m-zoe'],
  ],
  'inactive, invite pending': [{ desired: 'inactive', invite: sent(DAY) }, [REVOKE]],
  'inactive, invite ambiguous': [{ desired: 'inactive', invite: sent(DAY, { state: 'ambiguous' }) }, [REVOKE]],
  'inactive, invite expired here (its link may work)': [
    { desired: 'inactive', invite: sent(DAY, { state: 'expired' }) },
    [REVOKE],
  ],
  'inactive, nothing open': [{ desired: 'inactive', invite: invite('zoe', { state: 'revoked' }) }, []],
  'inactive, member unlocked: what rules still give stays': [
    { desired: 'inactive', member: member('zoe'), groups: wantsG, memberGroups: inG, givenGroups: inG },
    ['lock m-zoe'],
  ],
  'inactive, and taken out of the group meanwhile': [
    { desired: 'inactive', member: member('zoe', { isLocked: true }), memberGroups: inG, givenGroups: inG },
    ['removeFromGroup m-zoe g'],
  ],
  'inactive, member locked': [{ desired: 'inactive', member: member('zoe', { isLocked: true }) }, []],
  'deleted, member: locked first, tidied afterwards': [
    {
      desired: 'deleted',
      member: member('zoe'),
      memberGroups: new Set([groupId('g'), groupId('other')]),
      givenGroups: inG,
      givenShares: new Map([['voice:v1', share('editor')]]),
    },
    ['lock m-zoe', 'removeFromGroup m-zoe g', 'unshare voice:v1 member:m-zoe'],
  ],
  'inactive, a watched address appears as a member': [
    { desired: 'inactive', formerAccounts: [former(member('other'))] },
    ['lock m-other'],
  ],
  'deleted, a watched address appears as a member, locked': [
    { desired: 'deleted', formerAccounts: [former(member('other', { isLocked: true }))] },
    [],
  ],
  'active, e-mail changed, old invite pending': [
    { staleInvites: [invite('old')] },
    ['revokeInvite old@example.com', INVITE],
  ],
  'active, several members at the address': [{ lookalikes: TWINS }, []],
  'active, handing over to an address that several members have': [
    { member: member('old'), isHandingOver: true, lookalikes: TWINS },
    [],
  ],
  'active, several members at an address that was given up': [
    { member: member('zoe'), lookalikes: [lookalike('old-1', 'old'), lookalike('old-2', 'old', { isLocked: true })] },
    ['lock m-old-1'],
  ],
  'inactive, several members at the address: each may be the one, all of this is held': [
    { desired: 'inactive', lookalikes: TWINS },
    ['lock m-zoe-1', 'lock m-zoe-2'],
  ],
  'deleted, one of several members is protected': [
    { desired: 'deleted', lookalikes: [...TWINS.slice(1), { ...lookalike('zoe-3', 'zoe'), isProtected: true }] },
    ['lock m-zoe-2'],
  ],
  protected: [{ desired: 'inactive', member: member('zoe'), protection: 'owner' }, []],
  unmanaged: [
    { managed: false, desired: 'inactive', member: member('zoe'), formerAccounts: [former(member('other'))] },
    [],
  ],
};

describe('planPerson', () => {
  it.each(Object.entries(ROWS))('%s', (_name, [zoe, expected]) => {
    expect(keys(person('zoe', zoe))).toEqual(expected);
  });

  it('asks for a reading before an ambiguous invite is sent again', () => {
    const zoe = person('zoe', { invite: sent(10, { state: 'ambiguous' }), membersReadAt: NOW - 20 });
    expect(planPerson(zoe, DEFAULT_RULES, NOW).needsReading).toBe(true);
    expect(planPerson({ ...zoe, membersReadAt: NOW }, DEFAULT_RULES, NOW).needsReading).toBe(false);
  });
});

describe('nextPlanAt', () => {
  it('is when the invite is past its TTL, or a refusal runs out, whatever comes first', () => {
    const zoe = person('zoe', { invite: sent(DAY) });
    expect(nextPlanAt(zoe, DEFAULT_RULES, NOW)).toBe(NOW + 6 * DAY);
    const refused = new Map([['x', { until: NOW + DAY, error: '' }]]);
    expect(nextPlanAt({ ...zoe, refused }, DEFAULT_RULES, NOW)).toBe(NOW + DAY);
  });

  it('is never, where time changes nothing', () => {
    expect(nextPlanAt(person('zoe', { member: member('zoe') }), DEFAULT_RULES, NOW)).toBeNull();
    const last = sent(DAY, { round: MAX_INVITE_ROUNDS });
    expect(nextPlanAt(person('zoe', { invite: last }), DEFAULT_RULES, NOW)).toBeNull();
  });
});

describe('pointlessRefusals', () => {
  const refused = new Map([
    [INVITE, { until: NOW + DAY, error: 'no seat' }],
    ['addToGroup m-zoe g', { until: NOW + DAY, error: 'no' }],
  ]);

  it('are those whose change would not be planned any more', () => {
    const outside = person('zoe', { refused, member: member('zoe'), groups: wantsG });
    expect(pointlessRefusals(outside, DEFAULT_RULES, NOW)).toEqual([INVITE]);
    const inside = { ...outside, memberGroups: inG };
    expect(pointlessRefusals(inside, DEFAULT_RULES, NOW)).toEqual([INVITE, 'addToGroup m-zoe g']);
  });

  it('are none while everything refused is still wanted, also what waits behind it', () => {
    const unlock = ['unlock m-zoe', { until: NOW + DAY, error: 'no seat' }] as const;
    const locked = member('zoe', { isLocked: true });
    const zoe = person('zoe', { member: locked, lockedByBridge: true, groups: wantsG, refused: new Map([unlock]) });
    expect(pointlessRefusals(zoe, DEFAULT_RULES, NOW)).toEqual([]);
  });
});

/** What the store makes of a call that was done: the model workspace of the plan law. */
function apply(zoe: Person, change: Change): Person {
  switch (change.kind) {
    case 'invite': {
      const round = zoe.invite !== null && zoe.invite.state === 'invited' ? zoe.invite.round + 1 : 1;
      const next = sent(0, { seatType: change.seatType, round, address: change.address });
      return { ...zoe, invite: next, removedAt: null, mayReinvite: false };
    }
    case 'revokeInvite': {
      const isOwn = zoe.invite?.address === change.address;
      return {
        ...zoe,
        invite: isOwn && zoe.invite !== null ? { ...zoe.invite, state: 'revoked' } : zoe.invite,
        staleInvites: zoe.staleInvites.filter(({ address }) => address !== change.address),
      };
    }
    case 'lock':
    case 'unlock':
      return setLocked(zoe, change.memberId, change.kind === 'lock');
    case 'setSeat': {
      if (zoe.member === null) return zoe;
      const isReturned = zoe.seat === null && zoe.seatBefore === change.seatType;
      const seatBefore = isReturned ? null : (zoe.seatBefore ?? zoe.member.seatType);
      return { ...zoe, seatBefore, seatDeclined: null, member: { ...zoe.member, seatType: change.seatType } };
    }
    case 'addToGroup': {
      const memberGroups = new Set([...zoe.memberGroups, change.groupId]);
      return { ...zoe, memberGroups, givenGroups: new Set([...zoe.givenGroups, change.groupId]) };
    }
    case 'removeFromGroup': {
      const without = (groups: Person['memberGroups']) => new Set([...groups].filter((id) => id !== change.groupId));
      return { ...zoe, memberGroups: without(zoe.memberGroups), givenGroups: without(zoe.givenGroups) };
    }
    case 'share': {
      const key = `${change.resource.type}:${change.resource.id}`;
      const { resource, role } = change;
      return {
        ...zoe,
        heldShares: new Map([...zoe.heldShares, [key, role]]),
        givenShares: new Map([...zoe.givenShares, [key, { resource, role }]]),
      };
    }
    case 'unshare': {
      const key = `${change.resource.type}:${change.resource.id}`;
      const without = <V>(map: ReadonlyMap<string, V>) => new Map([...map].filter(([other]) => other !== key));
      return { ...zoe, heldShares: without(zoe.heldShares), givenShares: without(zoe.givenShares) };
    }
  }
}

function setLocked(zoe: Person, id: string, isLocked: boolean): Person {
  if (zoe.member?.memberId === id)
    return { ...zoe, member: { ...zoe.member, isLocked }, lockedByBridge: isLocked, mayUnlock: false };
  const locked = <M extends WorkspaceMember>(one: M): M => (one.memberId === id ? { ...one, isLocked } : one);
  const lookalikes = zoe.lookalikes.map((one) => ({ ...one, member: locked(one.member) }));
  return {
    ...zoe,
    formerAccounts: zoe.formerAccounts.map((one) => ({ ...one, member: locked(one.member) })),
    lookalikes,
  };
}

/** Always the same persons: a finding must not come and go. `PLAN_SEED` looks at others. */
const RUNS = { numRuns: 2000, seed: Number(process.env['PLAN_SEED'] ?? 20261124) };

const GROUPS = ['g1', 'g2', 'g3'].map(groupId);
const RESOURCES = ['v1', 'v2'].map((id) => ({ type: 'voice', id }));
const seats = fc.constantFrom(...SEAT_TYPES);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const groupSet = fc.subarray(GROUPS).map((ids) => new Set(ids));
const roles = fc.constantFrom(...SHARE_ROLES);
const shareMap = <V>(value: (role: ShareRole, resource: { type: string; id: string }) => V) =>
  fc
    .subarray(RESOURCES)
    .chain((resources) => fc.tuple(...resources.map((resource) => roles.map((role) => [resource, role] as const))))
    .map((list) => new Map(list.map(([resource, role]) => [`voice:${resource.id}`, value(role, resource)])));

const invites = fc.record({
  state: fc.constantFrom('planned', 'invited', 'accepted', 'revoked', 'expired', 'ambiguous', 'refused' as const),
  sends: fc.integer({ min: 0, max: 2 }),
  round: fc.integer({ min: 1, max: MAX_INVITE_ROUNDS }),
  sentAt: fc.integer({ min: 0, max: NOW }),
  seatType: seats,
});

const people: fc.Arbitrary<Person> = fc
  .record({
    desired: fc.constantFrom('active', 'inactive', 'deleted' as const),
    managed: fc.boolean(),
    protection: fc.constantFrom(null, null, null, 'owner', 'lastAdmin' as const),
    seat: optional(seats.map((seatType) => ({ seatType, rule: 'roles "x"', attribute: 'roles' as const }))),
    groups: fc.subarray(GROUPS).map((ids) => new Map(ids.map((id) => [id, `Group ${id}`]))),
    givenGroups: groupSet,
    withdrawnGroups: groupSet,
    memberGroups: groupSet,
    shares: shareMap((role, resource) => ({ ...share(role), resource })),
    givenShares: shareMap((role, resource) => ({ resource, role })),
    heldShares: shareMap((role) => role),
    mayUnlock: fc.boolean(),
    mayReinvite: fc.boolean(),
    lockedByBridge: fc.boolean(),
    removedAt: optional(fc.integer({ min: 0, max: NOW })),
    seatBefore: optional(seats),
    seatDeclined: optional(seats),
    member: optional(fc.record({ isLocked: fc.boolean(), seatType: seats }).map((more) => member('zoe', more))),
    formerAccounts: fc
      .array(fc.boolean(), { maxLength: 1 })
      .map((locks) => locks.map((isLocked) => former(member('old', { isLocked })))),
    lookalikes: fc.constantFrom([], TWINS, [lookalike('old-1', 'old'), lookalike('old-2', 'old')]),
    invite: optional(invites.map((more) => invite('zoe', more))),
    staleInvites: fc.constantFrom([], [invite('old')]),
    membersReadAt: fc.integer({ min: 0, max: NOW }),
  })
  .map((more) => person('zoe', more as Partial<Person>));

describe('the plan law', () => {
  it('in a workspace that accepts everything at once, the plan of the result is empty', () => {
    fc.assert(
      fc.property(people, (zoe) => {
        const settled = plan(zoe).reduce(apply, zoe);
        expect(keys(settled)).toEqual([]);
      }),
      RUNS,
    );
  });

  it('one call at a time ends, and does what the whole plan would', () => {
    fc.assert(
      fc.property(people, (zoe) => {
        const done: string[] = [];
        let current = zoe;
        for (let [next] = plan(current); next !== undefined; [next] = plan(current)) {
          done.push(changeKey(next));
          current = apply(current, next);
          expect(done.length).toBeLessThan(20);
        }
        expect(done).toEqual(keys(zoe));
      }),
      RUNS,
    );
  });

  it('what is refused is not planned again before its time, and nothing new comes of it', () => {
    const choices = fc.array(fc.boolean(), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(people, choices, (zoe, accepts) => {
        const first = new Set(keys(zoe));
        const refused = new Map<string, { until: number; error: string }>();
        let current = zoe;
        for (let step = 0; step < 20; step++) {
          const [next] = plan(current);
          if (next === undefined) break;
          const key = changeKey(next);
          expect(first.has(key)).toBe(true);
          expect(refused.has(key)).toBe(false);
          if (accepts[step % accepts.length] === true) current = apply(current, next);
          else {
            refused.set(key, { until: NOW + DAY, error: 'no' });
            current = { ...current, refused: new Map(refused) };
          }
        }
        expect(keys(current)).toEqual([]);
      }),
      RUNS,
    );
  });

  it('never touches the unmanaged and the protected, gives nothing to leavers, and locks no active user', () => {
    fc.assert(
      fc.property(people, (zoe) => {
        const changes = plan(zoe);
        if (zoe.protection !== null) expect(changes).toEqual([]);
        const isMembership = ({ kind }: Change) => kind === 'addToGroup' || kind === 'removeFromGroup';
        if (!zoe.managed) expect(changes.every(isMembership)).toBe(true);
        if (zoe.desired !== 'active') expect(changes.filter(isGrant)).toEqual([]);
        for (const change of changes) {
          if (change.kind === 'lock' && zoe.desired === 'active') expect(change.memberId).not.toMatch(/^m-zoe/);
          if (change.kind === 'removeFromGroup')
            expect(zoe.givenGroups.has(change.groupId) || zoe.withdrawnGroups.has(change.groupId)).toBe(true);
          if (change.kind === 'unshare') expect(zoe.givenShares.has(`voice:${change.resource.id}`)).toBe(true);
          if (change.kind === 'invite') expect(change.address).toBe(ZOE);
        }
      }),
      RUNS,
    );
  });
});
