import { describe, expect, it } from '@jest/globals';
import { DEFAULT_RULES } from '../../src/domain/rules.js';
import { BRIDGE_USER } from '../../src/domain/schema.js';
import { decideSeat, declinedSeat, type SeatGroup } from '../../src/domain/seat.js';
import type { Document } from '../../src/domain/types.js';

const sales: SeatGroup = { displayName: 'Sales', nameKey: 'sales', seatType: 'workspace_lite_member' };
const admins: SeatGroup = { displayName: 'Admins', nameKey: 'admins', seatType: null };
const rules = { ...DEFAULT_RULES, groupSeats: new Map([['admins', 'workspace_admin' as const]]) };

describe('the seat that the rules give', () => {
  it.each<[string, Document, readonly SeatGroup[], object | null]>([
    ['none without a rule', { roles: [{ value: 'nonsense' }, { display: 'admin' }] }, [], null],
    [
      'the highest of the groups',
      {},
      [sales, admins],
      { seatType: 'workspace_admin', rule: 'group "Admins"', attribute: 'groups' },
    ],
    [
      'the highest of the roles, before groups',
      { roles: [{ value: 'lite' }, { value: ' Member ' }] },
      [admins],
      { seatType: 'workspace_member', attribute: 'roles' },
    ],
    [
      'the explicit one before all',
      { [BRIDGE_USER]: { seatType: 'workspace_lite_member' }, roles: [{ value: 'admin' }] },
      [admins],
      { seatType: 'workspace_lite_member', rule: 'seatType' },
    ],
    [
      'none by an unknown explicit one',
      { [BRIDGE_USER]: { seatType: 'gold' } },
      [sales],
      { seatType: 'workspace_lite_member' },
    ],
  ])('is %s', (_, document, groups, expected) => {
    if (expected === null) expect(decideSeat(document, groups, rules)).toBeNull();
    else expect(decideSeat(document, groups, rules)).toMatchObject(expected);
  });

  it('knows no role names where the built-in ones are switched off', () => {
    expect(decideSeat({ roles: [{ value: 'admin' }] }, [], { ...rules, roleSeats: new Map() })).toBeNull();
  });

  it('is declined at adoption only where it is lower than the seat found', () => {
    const lite = { seatType: 'workspace_lite_member', rule: 'x', attribute: 'roles' } as const;
    expect(declinedSeat(lite, 'workspace_member')).toBe('workspace_lite_member');
    expect(declinedSeat(lite, 'workspace_lite_member')).toBeNull();
    expect(declinedSeat({ ...lite, seatType: 'workspace_admin' }, 'workspace_member')).toBeNull();
    expect(declinedSeat(null, 'workspace_member')).toBeNull();
    expect(declinedSeat(lite, null)).toBeNull();
  });
});
