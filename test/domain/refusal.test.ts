import { describe, expect, it } from '@jest/globals';
import { cleanText, describeChange, remedyFor, type Refusal, type RefusalHint } from '../../src/domain/refusal.js';
import type { Address, Change, MemberId, WorkspaceGroupId } from '../../src/domain/types.js';

const refusal = (init: Partial<Refusal> = {}): Refusal => ({
  kind: 'refused',
  hint: null,
  message: 'No seats are available.',
  status: 400,
  code: 'no_seats_available',
  requestId: '3c807fc4c3a1705f9638ecc764a91c01',
  ...init,
});
const memberId = 'm1' as MemberId;
const groupId = 'g1' as WorkspaceGroupId;
const resource = { type: 'convai_agents', id: 'a1' };
const invite: Change = {
  kind: 'invite',
  address: 'ada@example.com' as Address,
  seatType: 'workspace_member',
  usageLimit: null,
};
const CHANGES: readonly Change[] = [
  invite,
  { kind: 'revokeInvite', address: 'ada@example.com' as Address },
  { kind: 'lock', memberId, reason: 'inactive' },
  { kind: 'unlock', memberId, allowDowngrade: false },
  { kind: 'setSeat', memberId, seatType: 'workspace_admin', demotesAdmin: false },
  { kind: 'addToGroup', memberId, groupId },
  { kind: 'removeFromGroup', memberId, groupId },
  { kind: 'share', resource, role: 'editor', principal: { kind: 'member', memberId } },
  { kind: 'unshare', resource, principal: { kind: 'group', groupId } },
  { kind: 'share', resource, role: 'viewer', principal: { kind: 'default' } },
  { kind: 'unshare', resource, principal: { kind: 'key', keyId: 'k1' } },
] as readonly Change[];

describe('the text an IdP administrator sees', () => {
  it('says what, why, what to do, and the request id', () => {
    const text = remedyFor(refusal({ hint: 'noSeat' }), invite, { attribute: 'roles', value: 'admin' });
    expect(text).toBe(
      'ElevenLabs refused to invite ada@example.com to a full seat (workspace_member) (asked for by roles "admin"): ' +
        'No seats are available (HTTP 400, no_seats_available). ' +
        'Free a seat (disable somebody, or choose a lower seat type) or buy seats in the ElevenLabs workspace settings, then send the request again. ' +
        'ElevenLabs request id: 3c807fc4c3a1705f9638ecc764a91c01.',
    );
  });

  it('names people and groups as the reader knows them', () => {
    expect(describeChange(CHANGES[5]!, { person: 'ada@example.com', group: 'Sales' })).toBe(
      'add ada@example.com to the workspace group "Sales"',
    );
    expect(describeChange(CHANGES[5]!)).toBe('add member m1 to the workspace group g1');
  });

  it('has something to do for every kind, hint and change', () => {
    const hints: readonly (RefusalHint | null)[] = [
      ...(['alreadyMember', 'alreadyInvited', 'noSeat', 'badAddress', 'unknownMember', 'unknownGroup'] as const),
      ...(['unknownResource', 'readOnlyGroup', 'protectedMember', 'domainNotVerified', 'featureNotAvailable'] as const),
      null,
    ];
    for (const kind of ['transient', 'refused', 'alreadySo', 'keyRejected', 'scopeMissing'] as const) {
      for (const hint of hints) {
        for (const change of CHANGES) {
          const text = remedyFor(refusal({ kind, hint }), change, { person: 'ada' });
          expect(text).not.toMatch(/undefined|null|\[object/);
          expect(text.split('. ').length).toBeGreaterThanOrEqual(3);
        }
      }
    }
  });

  it.each([
    ['invite', 'workspace_members_invite'],
    ['lock', 'workspace_write'],
    ['addToGroup', 'group_members_manage'],
  ])('names the permission that %s lacks', (kind, permission) => {
    const change = CHANGES.find((each) => each.kind === kind)!;
    expect(remedyFor(refusal({ kind: 'scopeMissing', status: 401 }), change)).toContain(permission);
  });

  it('does without status, code, reason and request id', () => {
    const text = remedyFor(refusal({ message: '', status: null, code: null, requestId: null }), invite);
    expect(text).toContain('(workspace_member): no reason given. Check the address');
    expect(text).not.toMatch(/request id|HTTP/);
  });

  it('lets nothing hostile through', () => {
    const evil = `a\r\nSet-Cookie: x\u0000\u202E\u2028${'z'.repeat(10_000)}`;
    const text = remedyFor(
      refusal({ message: evil, code: evil, requestId: evil }),
      { ...invite, address: evil as Address },
      { attribute: evil, value: evil },
    );
    expect(text).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
    expect(text.length).toBeLessThan(1500);
  });
});

describe('cleanText', () => {
  it('cuts between characters, not inside them', () => {
    expect(cleanText('👩'.repeat(10), 4)).toBe('👩👩👩…');
    expect(cleanText('👩'.repeat(4), 4)).toBe('👩👩👩👩');
    expect(cleanText(' a \n\t b ')).toBe('a b');
  });
});
