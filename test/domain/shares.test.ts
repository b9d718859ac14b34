import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fold } from '../../src/domain/fold.js';
import { RESOURCE_TYPES } from '../../src/domain/resource-types.js';
import { DEFAULT_RULES, type MappedShare, type Rules } from '../../src/domain/rules.js';
import {
  assertAllowedByScim,
  entitlementOf,
  forbiddenDangers,
  parseEntitlement,
  wantedGroupShares,
  wantedShares,
  type GroupShareSource,
} from '../../src/domain/shares.js';
import { SHARE_ROLES, type ShareRole } from '../../src/domain/types.js';
import { ScimError } from '../../src/errors.js';

const share = (type: string, id: string, role: ShareRole): MappedShare => ({ resource: { type, id }, role });
const group = (displayName: string, shares: readonly MappedShare[] = [], linked = false): GroupShareSource => ({
  displayName,
  nameKey: fold(displayName),
  shares,
  linked,
});
const rulesWith = (rules: Partial<Rules>): Rules => ({ ...DEFAULT_RULES, ...rules });

function refusal(run: () => unknown): ScimError {
  try {
    run();
  } catch (error) {
    if (error instanceof ScimError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

describe('parseEntitlement', () => {
  it('reads every resource type with every role, and writes it back the same', () => {
    for (const type of RESOURCE_TYPES) {
      for (const role of SHARE_ROLES) {
        const value = `${type}:4ZUqyldxf71HqUbcP2Lc:${role}`;
        expect(parseEntitlement(value)).toEqual(share(type, '4ZUqyldxf71HqUbcP2Lc', role));
        expect(entitlementOf(parseEntitlement(value))).toBe(value);
      }
    }
  });

  it('ignores surrounding white space', () => {
    expect(parseEntitlement(' voice:abc:viewer\n')).toEqual(share('voice', 'abc', 'viewer'));
  });

  it.each([
    ['', 'resourceType:resourceId:role'],
    ['voice', 'resourceType:resourceId:role'],
    ['voice:abc', 'resourceType:resourceId:role'],
    ['voice:a:b:viewer', 'resourceType:resourceId:role'],
    ['voices:abc:viewer', 'unknown resource type "voices"; allowed are voice, voice_collection'],
    ['Voice:abc:viewer', 'unknown resource type "Voice"'],
    ['constructor:abc:viewer', 'unknown resource type "constructor"'],
    ['voice:abc:owner', 'unknown role "owner"; allowed are admin, editor, commenter, viewer'],
    ['voice:abc:', 'unknown role ""'],
    ['voice::viewer', '"" is not a resource id'],
    ['voice:..:viewer', '".." is not a resource id'],
    ['voice:.:viewer', '"." is not a resource id'],
    ['voice:a/b:viewer', '"a/b" is not a resource id'],
    ['voice:a%2fb:viewer', 'is not a resource id'],
    ['voice:a b:viewer', 'is not a resource id'],
    [`voice:${'a'.repeat(129)}:viewer`, 'is not a resource id'],
  ])('refuses %j and says what is allowed', (value, words) => {
    const error = refusal(() => parseEntitlement(value));
    expect([error.status, error.scimType]).toEqual([400, 'invalidValue']);
    expect(error.message).toContain(words);
    expect(error.message.startsWith('entitlements: ')).toBe(true);
  });

  it('quotes only a part of a long value', () => {
    expect(refusal(() => parseEntitlement('x'.repeat(100_000))).message.length).toBeLessThan(300);
  });
});

describe('dangerous shares', () => {
  const secret = share('convai_secrets', 's1', 'viewer');
  const connection = share('workspace_auth_connections', 'c1', 'editor');
  const settings = share('convai_settings', 'x', 'viewer');
  const admin = share('voice', 'v1', 'admin');
  const both = share('convai_secrets', 's1', 'admin');

  it.each([[secret], [connection], [settings], [admin], [both]])(
    'are refused from SCIM by default: %j',
    (dangerous) => {
      const error = refusal(() => assertAllowedByScim(dangerous, DEFAULT_RULES, 'entitlements'));
      expect([error.status, error.scimType]).toEqual([400, 'invalidValue']);
      expect(error.message).toContain(entitlementOf(dangerous));
      expect(error.message).toContain('mapping file');
      expect(error.message).toContain('allowDangerousShares');
    },
  );

  it('pass where the mapping file allows all of them', () => {
    const rules = rulesWith({ dangerousSharesByScim: true });
    for (const dangerous of [secret, connection, settings, admin, both]) {
      expect(() => assertAllowedByScim(dangerous, rules, 'entitlements')).not.toThrow();
    }
  });

  it('pass only as far as the mapping file lists them: a type does not bring the role admin', () => {
    const rules = rulesWith({ allowedDangerousShares: new Set(['convai_secrets']) });
    expect(forbiddenDangers(secret, rules)).toEqual([]);
    expect(forbiddenDangers(both, rules)).toEqual(['admin']);
    expect(forbiddenDangers(connection, rules)).toEqual(['workspace_auth_connections']);
    expect(forbiddenDangers(admin, rules)).toEqual(['admin']);
  });

  it('that were stored under looser rules give nothing, neither by entitlement nor by a group attribute', () => {
    const source = { entitlements: ['convai_secrets:s1:viewer', 'voice:v1:viewer'], groups: [group('Ops', [admin])] };
    expect([...wantedShares(source, DEFAULT_RULES).values()].map(entitlementOf)).toEqual(['voice:v1:viewer']);
  });

  it('are given by the mapping file', () => {
    const rules = rulesWith({ groupShares: new Map([['ops', [both]]]) });
    const wanted = wantedShares({ entitlements: [], groups: [group('Ops')] }, rules);
    expect([...wanted.values()].map(entitlementOf)).toEqual(['convai_secrets:s1:admin']);
  });
});

describe('wantedShares', () => {
  it('takes the highest role and names the winning rule first', () => {
    const rules = rulesWith({ groupShares: new Map([['support', [share('voice', 'v1', 'commenter')]]]) });
    const source = {
      entitlements: ['voice:v1:viewer'],
      groups: [
        group('Support'),
        group('Sales', [share('voice', 'v1', 'editor')]),
        group('Staff', [share('voice', 'v1', 'editor')]),
      ],
    };
    expect(wantedShares(source, rules).get('voice:v1')).toEqual({
      resource: { type: 'voice', id: 'v1' },
      role: 'editor',
      rule: 'group "Sales"; group "Staff"; mapping file, group "Support" (commenter); entitlement "voice:v1:viewer" (viewer)',
      attribute: 'groups',
    });
  });

  it('leaves shares of linked groups to the group', () => {
    const linked = group('Support', [share('voice', 'v1', 'editor')], true);
    expect(wantedShares({ entitlements: [], groups: [linked] }, DEFAULT_RULES).size).toBe(0);
    expect(wantedGroupShares(linked, DEFAULT_RULES).get('voice:v1')?.role).toBe('editor');
  });

  it('gives, for any rules, the highest role of each resource, whatever the order', () => {
    const given = fc.array(fc.tuple(fc.constantFrom('v1', 'v2', 'v3'), fc.constantFrom(...SHARE_ROLES)), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(given, given, (byEntitlement, byGroup) => {
        const all = [...byEntitlement, ...byGroup];
        const source = {
          entitlements: byEntitlement.map(([id, role]) => `voice:${id}:${role}`),
          groups: byGroup.map(([id, role], index) => group(`G${String(index)}`, [share('voice', id, role)])),
        };
        const wanted = wantedShares(source, rulesWith({ dangerousSharesByScim: true }));
        expect(new Set(wanted.keys())).toEqual(new Set(all.map(([id]) => `voice:${id}`)));
        for (const { resource, role } of wanted.values()) {
          const best = SHARE_ROLES.find((candidate) =>
            all.some(([id, other]) => id === resource.id && other === candidate),
          );
          expect(role).toBe(best);
        }
      }),
    );
  });
});
