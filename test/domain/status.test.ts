import { describe, expect, it } from '@jest/globals';
import { statusOf, type Situation } from '../../src/domain/status.js';

const PENDING: Situation = {
  managed: true,
  active: true,
  isProtected: false,
  member: null,
  hasGone: false,
  hasAddress: true,
  invite: null,
  held: 0,
  refused: 0,
  isAmbiguous: false,
  isGivenUp: false,
};
const MEMBER: Situation = { ...PENDING, member: { isLocked: false } };

describe('status', () => {
  it.each<[string, Situation, string]>([
    ['active, never invited', PENDING, 'invitePending'],
    ['without an address', { ...PENDING, hasAddress: false }, 'none'],
    ['inactive, never invited', { ...PENDING, active: false }, 'none'],
    ['unmanaged, no member', { ...PENDING, managed: false }, 'none'],
    ['being invited', { ...PENDING, invite: 'sending' }, 'invitePending'],
    ['invited', { ...PENDING, invite: 'invited' }, 'invited'],
    ['perhaps invited', { ...PENDING, invite: 'ambiguous' }, 'invited'],
    ['perhaps invited, and given up', { ...PENDING, invite: 'ambiguous', isGivenUp: true }, 'failed'],
    ['inactive, invite still out', { ...PENDING, active: false, invite: 'invited' }, 'invited'],
    ['inactive, invite revoked', { ...PENDING, active: false, invite: 'revoked' }, 'none'],
    ['a member', MEMBER, 'member'],
    ['a locked member', { ...MEMBER, member: { isLocked: true } }, 'locked'],
    ['gone', { ...PENDING, hasGone: true, invite: 'accepted' }, 'removed'],
    ['gone and invited again', { ...PENDING, hasGone: true, invite: 'invited' }, 'invited'],
    ['refused', { ...MEMBER, refused: 1 }, 'failed'],
    ['one of several members', { ...PENDING, isAmbiguous: true }, 'failed'],
    ['held', { ...MEMBER, refused: 1, held: 1 }, 'held'],
    ['protected', { ...MEMBER, refused: 1, held: 1, isProtected: true }, 'protected'],
  ])('%s', (_, situation, status) => {
    expect(statusOf(situation)).toBe(status);
  });
});
