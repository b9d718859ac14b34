/** The table of plan-former.ts, row by row, and the guard that no plan may send e-mails for ever. */
import { describe, expect, it } from '@jest/globals';
import type { FormerAccount, Person } from '../../src/domain/person.js';
import { planPerson } from '../../src/domain/plan.js';
import { repeatGuard } from '../../src/domain/policies/repeat-guard.js';
import { NO_LIMIT, WINDOW_MS } from '../../src/domain/policies/people-limit.js';
import { DEFAULT_RULES } from '../../src/domain/rules.js';
import { changeKey } from '../../src/domain/types.js';
import { former, groupId, invite, member, person } from './person-fixture.js';
import { judge } from './policies/windows.js';

const keys = (one: Person): readonly string[] =>
  planPerson(one, DEFAULT_RULES, 0).changes.map(({ change }) => changeKey(change));
const agent = { type: 'convai_agents', id: 'a1' };

const predecessor = (more: Partial<FormerAccount> = {}): FormerAccount =>
  former(member('old'), { copy: 'due', ...more });

const handingOver = { isHandingOver: true, member: member('old', { seatType: 'workspace_admin' }) };
const taken = { member: member('ann') };
const full = predecessor({
  member: member('old', { seatType: 'workspace_admin' }),
  groups: new Set([groupId('g1'), groupId('g2')]),
  shares: [{ resource: agent, role: 'editor' }],
});

describe('a hand-over', () => {
  it.each<[string, Partial<Person>, readonly string[]]>([
    ['invites the new address with the old seat', handingOver, ['invite ann@example.com workspace_admin']],
    ['waits for the invite', { ...handingOver, invite: invite('ann', { seatType: 'workspace_admin' }) }, []],
    [
      'serves the old account meanwhile',
      {
        ...handingOver,
        invite: invite('ann', { seatType: 'workspace_admin' }),
        groups: new Map([[groupId('g1'), 'One']]),
      },
      ['addToGroup m-old g1'],
    ],
    ['walks around no hand-made lock', { ...handingOver, member: member('old', { isLocked: true }) }, []],
    [
      'copies, then locks',
      { ...taken, formerAccounts: [full] },
      [
        'setSeat m-ann workspace_admin',
        'addToGroup m-ann g1',
        'addToGroup m-ann g2',
        'share convai_agents:a1:editor member:m-ann',
        'lock m-old',
      ],
    ],
    [
      'copies no lower seat',
      { member: member('ann', { seatType: 'workspace_admin' }), formerAccounts: [predecessor()] },
      ['lock m-old'],
    ],
    [
      'leaves seats to the rule that gives one',
      {
        ...taken,
        seat: { seatType: 'workspace_member', rule: 'roles "x"', attribute: 'roles' },
        formerAccounts: [full],
      },
      ['addToGroup m-ann g1', 'addToGroup m-ann g2', 'share convai_agents:a1:editor member:m-ann', 'lock m-old'],
    ],
    [
      'copies no group that the IdP took out',
      {
        ...taken,
        withdrawnGroups: new Set([groupId('g1')]),
        formerAccounts: [predecessor({ groups: new Set([groupId('g1')]) })],
      },
      ['lock m-old'],
    ],
    ['copies once', { ...taken, formerAccounts: [{ ...full, copy: 'done' }] }, ['lock m-old']],
    [
      'is over when all is copied and locked',
      { ...taken, formerAccounts: [{ ...full, copy: 'done', member: member('old', { isLocked: true }) }] },
      [],
    ],
    ['locks no protected account', { ...taken, formerAccounts: [predecessor({ isProtected: true })] }, []],
    [
      'waits with the lock while the new account is of no use',
      { member: member('ann', { isLocked: true }), formerAccounts: [full] },
      [],
    ],
    [
      'ends with the access of the person',
      { ...taken, desired: 'inactive', formerAccounts: [full] },
      ['lock m-ann', 'lock m-old'],
    ],
    [
      'revokes the invite of somebody who is disabled',
      { ...handingOver, desired: 'inactive', invite: invite('ann') },
      ['revokeInvite ann@example.com', 'lock m-old'],
    ],
  ])('%s', (_, more, expected) => {
    expect(keys(person('ann', more))).toEqual(expected);
  });

  it('marks what it copies, so that the bridge never takes it away', () => {
    const { changes } = planPerson(person('ann', { ...taken, formerAccounts: [full] }), DEFAULT_RULES, 0);
    const copied = changes.filter(({ change }) => change.kind !== 'lock');
    expect(copied.every(({ change }) => 'isCopy' in change && change.isCopy)).toBe(true);
  });
});

describe('repeatGuard', () => {
  const wanted = planPerson(person('ann'), DEFAULT_RULES, 0).changes;
  const sort = (count: number, now: number, more: Partial<Person> = {}, who = 'ann@example.com') => {
    const mail = { kind: 'mail', scope: who, who, limit: NO_LIMIT, at: 0 } as const;
    const counted = Array.from({ length: count }, () => mail);
    const limits = { deprovisionLimit: NO_LIMIT, inviteLimit: NO_LIMIT };
    const world = { limits, whole: () => 0, counted };
    return judge(wanted, repeatGuard, { person: person('ann', more) }, world, now).sorted;
  };

  it.each<[string, ReturnType<typeof sort>, number]>([
    ['below the limit', sort(4, 10), 0],
    ['at the limit', sort(5, 10), 1],
    ['an hour later', sort(5, WINDOW_MS), 0],
    ['another address', sort(5, 10, {}, 'bob@example.com'), 0],
    ['released', sort(5, 10, { released: new Set(['invite ann@example.com workspace_member']) }), 0],
  ])('%s', (_, sorted, held) => {
    expect(sorted.held).toHaveLength(held);
    expect(sorted.send).toHaveLength(1 - held);
  });
});
