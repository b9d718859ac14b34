import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { renderExplanation } from '../../src/domain/explain-text.js';
import { explain } from '../../src/domain/explain.js';
import type { About, Aspect, ExplainInput, LedgerFact } from '../../src/domain/explanation.js';
import type { Person } from '../../src/domain/person.js';
import { planPerson } from '../../src/domain/plan.js';
import { DEFAULT_RULES } from '../../src/domain/rules.js';
import { changeKey, SEAT_TYPES, type Change, type LedgerState } from '../../src/domain/types.js';
import { former, groupId, invite, member, memberId, person } from './person-fixture.js';

const DAY = 86_400_000;

function explained(one: Person, more: Partial<ExplainInput> = {}) {
  return explain({ person: one, rules: DEFAULT_RULES, now: 0, ledger: [], groupName: () => 'Support', ...more });
}

function aspect(one: Person, kind: About['kind'], more: Partial<ExplainInput> = {}): Aspect {
  const found = explained(one, more).aspects.find(({ about }) => about.kind === kind);
  if (found === undefined) throw new Error(`no aspect ${kind}`);
  return found;
}

function row(change: Change, state: LedgerState, more: Partial<LedgerFact> = {}): LedgerFact {
  return {
    ...{ change, changeKey: changeKey(change), why: 'a rule', state, cause: 'req-1' },
    ...{ error: null, retryAt: null, createdAt: 0, endedAt: null, ...more },
  };
}

const add: Change = { kind: 'addToGroup', memberId: memberId('m-ann'), groupId: groupId('g1') };
const g1 = new Set([groupId('g1')]);
const wantsG1 = { groups: new Map([[groupId('g1'), 'Support EMEA']]) };

const TWINS = ['m-1', 'm-2'].map((id) => ({ member: member('ann', { memberId: memberId(id) }), isProtected: false }));

describe('access', () => {
  it.each<[string, Partial<Person>, string | null, string | null, string | undefined]>([
    ['a member', { member: member('ann') }, 'member', 'member', undefined],
    ['not invited yet', {}, 'member', 'none', 'underWay'],
    ['invited', { invite: invite('ann') }, 'member', 'invited', 'invitePending'],
    [
      'an invite whose answer was lost',
      { invite: invite('ann', { state: 'ambiguous', sends: 2 }) },
      'member',
      'invited',
      'inviteAmbiguous',
    ],
    ['no address', { address: null }, 'member', 'none', 'noAddress'],
    ['removed by hand', { removedAt: 5 }, 'member', 'none', 'gone'],
    ['locked by hand', { member: member('ann', { isLocked: true }) }, 'member', 'locked', 'lockedByOther'],
    [
      'to be unlocked',
      { member: member('ann', { isLocked: true }), lockedByBridge: true },
      'member',
      'locked',
      'underWay',
    ],
    [
      'a locked leaver',
      { desired: 'inactive', member: member('ann', { isLocked: true }) },
      'none',
      'locked',
      undefined,
    ],
    ['a leaver to be locked', { desired: 'inactive', member: member('ann') }, 'none', 'member', 'underWay'],
    [
      'a leaver held',
      { desired: 'inactive', member: member('ann'), held: new Set(['lock m-ann']) },
      'none',
      'member',
      'held',
    ],
    ['one of several members', { lookalikes: TWINS }, 'member', null, 'ambiguousMember'],
    ['a leaver, one of several', { desired: 'inactive', lookalikes: TWINS }, 'none', null, 'ambiguousMember'],
    ['unmanaged', { managed: false, member: member('ann') }, null, 'member', 'unmanaged'],
    ['protected', { desired: 'inactive', protection: 'owner', member: member('ann') }, 'none', 'member', 'protected'],
  ])('%s', (_, more, wanted, actual, obstacle) => {
    const access = aspect(person('ann', more), 'access');
    expect([access.wanted, access.actual, access.obstacle?.kind]).toEqual([wanted, actual, obstacle]);
    const settled = obstacle === undefined || obstacle === 'unmanaged';
    expect(access.isSettled).toBe(settled);
  });

  it('names the last call and the request that caused it, not one about a former address', () => {
    const stray = member('old');
    const ann = person('ann', { member: member('ann'), formerAccounts: [former(stray)] });
    const ledger = [
      row({ kind: 'lock', memberId: stray.memberId, reason: 'withdrawn' }, 'done', { createdAt: 9, cause: 'sync' }),
      row({ kind: 'invite', address: ann.address!, seatType: 'workspace_member', usageLimit: null }, 'done', {
        createdAt: 3,
      }),
      row({ kind: 'unlock', memberId: memberId('m-ann'), allowDowngrade: false }, 'superseded', { createdAt: 8 }),
    ];
    expect(aspect(ann, 'access', { ledger }).last).toMatchObject({ cause: 'req-1', change: { kind: 'invite' } });
    expect(aspect(ann, 'formerAddress', { ledger })).toMatchObject({
      wanted: 'none',
      actual: 'member',
      isSettled: false,
      last: { cause: 'sync' },
    });
  });
});

describe('former address', () => {
  it('is told for one of several members beside the linked one', () => {
    const [lookalike] = TWINS;
    const leaver = person('ann', {
      desired: 'deleted',
      member: member('ann', { isLocked: true }),
      lookalikes: [lookalike!],
    });
    expect(aspect(leaver, 'access')).toMatchObject({ isSettled: true });
    expect(aspect(leaver, 'formerAddress')).toMatchObject({
      actual: 'member',
      isSettled: false,
      obstacle: { kind: 'ambiguousMember' },
    });
    expect(renderExplanation(explained(leaver))).toContain('"ann@example.com"); which of them is meant is not guessed');
  });
});

describe('seat', () => {
  const byRole = { seat: { seatType: 'workspace_admin', rule: 'roles "admin"', attribute: 'roles' } } as const;

  it.each<[string, Partial<Person>, string | null, string, boolean, string | undefined]>([
    [
      'as the rule says',
      { ...byRole, member: member('ann', { seatType: 'workspace_admin' }) },
      'workspace_admin',
      'roles "admin"',
      true,
      undefined,
    ],
    ['to be changed', { ...byRole, member: member('ann') }, 'workspace_admin', 'roles "admin"', false, 'underWay'],
    [
      'waiting for acceptance',
      { ...byRole, invite: invite('ann', { seatType: 'workspace_admin' }) },
      'workspace_admin',
      'roles "admin"',
      false,
      'invitePending',
    ],
    ['without a rule', { member: member('ann') }, null, 'no rule; the seat found stays', true, undefined],
    [
      'without a rule, to be invited',
      {},
      'workspace_member',
      'no rule; DEFAULT_SEAT_TYPE for the invite',
      false,
      'notInvited',
    ],
    [
      'declined at adoption',
      { ...byRole, seatDeclined: 'workspace_admin', member: member('ann') },
      null,
      'roles "admin"',
      true,
      'declined',
    ],
    [
      'going back',
      { seatBefore: 'workspace_lite_member', member: member('ann') },
      'workspace_lite_member',
      'the seat held before the bridge set one',
      false,
      'underWay',
    ],
  ])('%s', (_, more, wanted, rule, isSettled, obstacle) => {
    const seat = aspect(person('ann', more), 'seat');
    expect([seat.wanted, seat.rule, seat.isSettled, seat.obstacle?.kind]).toEqual([wanted, rule, isSettled, obstacle]);
  });

  it('refused: with the remedy and when it is tried again', () => {
    const refused = new Map([
      ['setSeat m-ann workspace_admin', { until: DAY, error: 'No Full seat is free. Buy one.' }],
    ]);
    const seat = aspect(person('ann', { ...byRole, member: member('ann'), refused }), 'seat');
    expect(seat.obstacle).toEqual({ kind: 'refused', until: DAY, error: 'No Full seat is free. Buy one.' });
    const later = aspect(person('ann', { ...byRole, member: member('ann'), refused }), 'seat', { now: DAY });
    expect(later.obstacle?.kind).toBe('underWay');
  });
});

describe('groups', () => {
  it.each<[string, Partial<Person>, string | null, string | null, string, boolean, string | undefined]>([
    [
      'wanted and there',
      { ...wantsG1, member: member('ann'), memberGroups: g1 },
      'member',
      'member',
      'member of "Support EMEA"',
      true,
      undefined,
    ],
    [
      'wanted and missing',
      { ...wantsG1, member: member('ann') },
      'member',
      'none',
      'member of "Support EMEA"',
      false,
      'underWay',
    ],
    [
      'wanted while the invite is pending',
      { ...wantsG1, invite: invite('ann') },
      'member',
      null,
      'member of "Support EMEA"',
      false,
      'invitePending',
    ],
    [
      'wanted while locked by hand',
      { ...wantsG1, member: member('ann', { isLocked: true }) },
      'member',
      'none',
      'member of "Support EMEA"',
      false,
      'lockedByOther',
    ],
    [
      'wanted while inactive',
      { ...wantsG1, desired: 'inactive', member: member('ann', { isLocked: true }) },
      'member',
      'none',
      'member of "Support EMEA"',
      false,
      'inactive',
    ],
    [
      'given and wanted no more',
      { member: member('ann'), memberGroups: g1, givenGroups: g1 },
      'none',
      'member',
      'no longer in a group that gave this',
      false,
      'underWay',
    ],
    [
      'somebody else’s',
      { member: member('ann'), memberGroups: g1 },
      null,
      'member',
      'no group of the IdP gives this',
      true,
      'notOurs',
    ],
  ])('%s', (_, more, wanted, actual, rule, isSettled, obstacle) => {
    const group = aspect(person('ann', more), 'group');
    expect([group.wanted, group.actual, group.rule, group.isSettled, group.obstacle?.kind]).toEqual([
      wanted,
      actual,
      rule,
      isSettled,
      obstacle,
    ]);
  });

  it('says what a policy withholds, and why', () => {
    const ann = person('ann', { ...wantsG1, member: member('ann') });
    const planned = { change: add, why: 'x', attribute: 'groups' } as const;
    const note = { planned, fate: 'held', policy: 'flapGuard', reason: 'repaired twice', alert: true } as const;
    expect(aspect(ann, 'group', { notes: [note] }).obstacle).toEqual({ kind: 'withheld', note });
  });

  it.each<LedgerState>(['planned', 'sending', 'ambiguous'])('knows that the call is %s', (state) => {
    const ann = person('ann', { ...wantsG1, member: member('ann') });
    const ledger = [row(add, 'done', { createdAt: 1 }), row(add, state, { createdAt: 2 })];
    expect(aspect(ann, 'group', { ledger }).obstacle).toEqual({ kind: 'underWay', state });
  });
});

describe('shares', () => {
  const resource = { type: 'voice', id: 'v1' };
  const wanted = new Map([
    [
      'voice:v1',
      { resource, role: 'editor' as const, rule: 'group "A"; entitlement "…" (viewer)', attribute: 'groups' as const },
    ],
  ]);

  it.each<[string, Partial<Person>, string | null, string | null, boolean, string | undefined]>([
    [
      'given',
      { shares: wanted, givenShares: new Map([['voice:v1', { resource, role: 'editor' as const }]]) },
      'editor',
      'editor',
      true,
      undefined,
    ],
    ['missing', { shares: wanted }, 'editor', null, false, 'underWay'],
    [
      'too low',
      { shares: wanted, heldShares: new Map([['voice:v1', 'viewer' as const]]) },
      'editor',
      'viewer',
      false,
      'underWay',
    ],
    [
      'to be withdrawn',
      { givenShares: new Map([['voice:v1', { resource, role: 'editor' as const }]]) },
      'none',
      'editor',
      false,
      'underWay',
    ],
    ['made by hand', { heldShares: new Map([['voice:v1', 'admin' as const]]) }, null, 'admin', true, 'notOurs'],
  ])('%s', (_, more, role, actual, isSettled, obstacle) => {
    const share = aspect(person('ann', { member: member('ann'), ...more }), 'share');
    expect([share.wanted, share.actual, share.isSettled, share.obstacle?.kind]).toEqual([
      role,
      actual,
      isSettled,
      obstacle,
    ]);
  });
});

function nameOf(about: About): string {
  return 'groupId' in about ? about.groupId : 'address' in about ? about.address : about.kind;
}

/** What a change of ann's is about, told from the change alone. */
function subjectOf(change: Change): string {
  if ('groupId' in change) return change.groupId;
  if (change.kind === 'setSeat') return 'seat';
  if ('memberId' in change) return change.memberId === 'm-old' ? 'old@example.com' : 'access';
  return 'address' in change && change.address !== 'ann@example.com' ? change.address : 'access';
}

describe('the explanation', () => {
  const state = fc.record({
    desired: fc.constantFrom('active', 'inactive', 'deleted'),
    managed: fc.boolean(),
    isMember: fc.boolean(),
    isLocked: fc.boolean(),
    lockedByBridge: fc.boolean(),
    seat: fc.constantFrom(...SEAT_TYPES),
    rule: fc.option(fc.constantFrom(...SEAT_TYPES)),
    invited: fc.option(
      fc.constantFrom('planned', 'sending', 'invited', 'accepted', 'revoked', 'expired', 'ambiguous', 'refused'),
    ),
    wants: fc.subarray(['g1', 'g2', 'g3']),
    isIn: fc.subarray(['g1', 'g2', 'g3']),
    given: fc.subarray(['g1', 'g2', 'g3']),
    isStray: fc.boolean(),
    isStale: fc.boolean(),
    removedAt: fc.option(fc.constant(1)),
  });

  it('calls open exactly what the planner would change, for any user; and never throws in words', () => {
    fc.assert(
      fc.property(state, (s) => {
        const one = person('ann', {
          ...{ desired: s.desired, managed: s.managed, lockedByBridge: s.lockedByBridge, removedAt: s.removedAt },
          member: s.isMember ? member('ann', { isLocked: s.isLocked, seatType: s.seat }) : null,
          seat: s.rule === null ? null : { seatType: s.rule, rule: 'seatType', attribute: 'seatType' },
          invite: s.invited === null ? null : invite('ann', { state: s.invited }),
          groups: new Map(s.wants.map((id) => [groupId(id), `IdP ${id}`])),
          memberGroups: new Set(s.isMember ? s.isIn.map(groupId) : []),
          givenGroups: new Set(s.given.map(groupId)),
          formerAccounts: s.isStray ? [former(member('old'))] : [],
          staleInvites: s.isStale ? [invite('older')] : [],
        });
        const { aspects } = explained(one);
        const { changes } = planPerson(one, DEFAULT_RULES, 0);
        const open = aspects.filter(({ obstacle }) => obstacle?.kind === 'underWay').map(({ about }) => nameOf(about));
        expect(new Set(open)).toEqual(new Set(changes.map(({ change }) => subjectOf(change))));
        expect(new Set(open).size).toBe(open.length);
        for (const one of aspects) if (!one.isSettled) expect(one.obstacle).not.toBeNull();
        const text = renderExplanation(explained(one));
        expect(text.split('\n')).toHaveLength(aspects.length + 1);
        expect(text).not.toMatch(/undefined|NaN|\[object/);
      }),
      { numRuns: 500 },
    );
  });

  it('says once of an invite whether there are seats for all', () => {
    const ann = person('ann', { ...wantsG1, invite: invite('ann') });
    const seats = { usage: { full: 9, basic: 0 }, invited: { full: 2, basic: 0 } };
    const textWith = (full: number | null): string =>
      renderExplanation(explained(ann, { seats, rules: { ...DEFAULT_RULES, seatLimits: { full, basic: null } } }));
    expect(textWith(10).match(/2 invites to a Full seat are out, 1 seat is free/g)).toHaveLength(1);
    expect(textWith(10)).not.toContain('..');
    expect(textWith(11)).not.toMatch(/seats? (is|are|has)/);
    expect(textWith(null).match(/a seat has to be free then/g)).toHaveLength(1);
  });

  it('reads like this', () => {
    const ann = person('ann', {
      ...wantsG1,
      invite: invite('ann', { sentAt: Date.UTC(2026, 0, 2), ageMs: 86_400_000 }),
      seat: { seatType: 'workspace_admin', rule: 'roles "Boss\u202e"', attribute: 'roles' },
    });
    const ledger = [
      row({ kind: 'invite', address: ann.address!, seatType: 'workspace_admin', usageLimit: null }, 'done', {
        endedAt: Date.UTC(2026, 0, 2),
      }),
    ];
    expect(renderExplanation(explained(ann, { ledger, now: Date.UTC(2026, 0, 3) }))).toBe(
      [
        'ann@example.com (ann@example.com), user u-ann, no member of the workspace.',
        'open access: invited, should be member; rule: the IdP wrote the user with active = true; waits until the invite is accepted (number 1, sent 2026-01-02T00:00:00Z, repeated after 2026-01-09T00:00:00Z); last: invite done 2026-01-02T00:00:00Z by req-1 (a rule).',
        'open seat: unknown, should be workspace_admin; rule: roles "Boss "; waits until the invite is accepted (number 1, sent 2026-01-02T00:00:00Z, repeated after 2026-01-09T00:00:00Z); last: invite done 2026-01-02T00:00:00Z by req-1 (a rule).',
        'open group "Support": unknown, should be member; rule: member of "Support EMEA"; waits until the invite is accepted (number 1, sent 2026-01-02T00:00:00Z, repeated after 2026-01-09T00:00:00Z).',
      ].join('\n'),
    );
  });
});
