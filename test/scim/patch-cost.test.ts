/**
 * What the most expensive PATCH costs that the budget of comparisons lets through. Processor time,
 * not wall time, and a bound several times what was measured: without the budget the dearest of
 * these takes half a minute.
 */
import { describe, expect, it } from '@jest/globals';
import type { Document, Json, UserId } from '../../src/domain/types.js';
import { ScimError } from '../../src/errors.js';
import { parseGroupPatch, parseUserPatch } from '../../src/scim/patch.js';
import type { MemberRecord } from '../../src/store/port.js';

const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const MOST_MS = 3_000;

function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));
const emailsOf = (count: number, text: string): Json =>
  times(count, (at) => ({ value: `${String(at)}${text}`, type: 'work' }));
/** One letter of three bytes that NFKC makes eighteen of. */
const LIGATURE = '\ufdfa';

const ADD = { op: 'add', path: 'emails', value: [{ value: 'x', type: 'work' }] };
const EACH = { op: 'replace', path: 'emails.display', value: 'd' };
const MATCH = { op: 'replace', path: 'emails[value co "x" or type eq "work"].display', value: 'd' };
const LISTED = { op: 'remove', path: 'emails', value: times(900, (at) => ({ value: `nobody${String(at)}` })) };

describe('the dearest PATCH', () => {
  it.each([
    ['many additions to few', 10, 'é', times(9_000, () => ADD)],
    ['additions to a mebibyte of text', 999, 'a'.repeat(1_000), times(2_000, () => ADD)],
    ['additions to a mebibyte of ligatures', 999, LIGATURE.repeat(330), times(2_000, () => ADD)],
    ['every element of a mebibyte of ligatures', 999, LIGATURE.repeat(330), times(2_000, () => EACH)],
    ['every element, by a filter', 999, LIGATURE.repeat(33), times(2_000, () => MATCH)],
    ['lists of what to remove', 999, LIGATURE.repeat(330), times(9, () => LISTED)],
  ])('costs little, and is refused where it would cost more: %s', (_what, count, text, operations) => {
    const from: Document = { userName: 'a', active: true, emails: emailsOf(count, text) };
    let refusal: unknown = null;
    const spent = cpuMs(() => {
      const change = parseUserPatch({ schemas: [PATCH_OP], Operations: operations });
      try {
        change(from);
      } catch (error) {
        refusal = error;
      }
    });
    expect(refusal).toBeInstanceOf(ScimError);
    expect((refusal as ScimError).scimType).toBe('tooMany');
    expect(spent).toBeLessThan(MOST_MS);
  });

  it('leaves room for what clients do: fifty operations on a user with ten long e-mail addresses', () => {
    const from: Document = { userName: 'a', active: true, emails: emailsOf(10, `${'é'.repeat(100)}@example.test`) };
    const operations = times(50, (at) => [ADD, EACH, MATCH][at % 3]);
    expect(parseUserPatch({ schemas: [PATCH_OP], Operations: operations })(from)).toHaveProperty('emails');
  });

  it('of the members of a group by an odd filter: ten comparisons of fifty thousand, not a hundred', () => {
    const members = times(50_000, (at) => ({
      userId: `id-${String(at)}` as UserId,
      display: `Person Number ${String(at)}`,
    }));
    const removeWhere = (terms: number): ((member: MemberRecord) => boolean) => {
      const filter = times(terms, (at) => `display ew "Number ${String(at)}"`).join(' or ');
      const body = { schemas: [PATCH_OP], Operations: [{ op: 'remove', path: `members[${filter}]` }] };
      const [op] = parseGroupPatch(body, { base: 'https://bridge.test/scim/v2' }).members;
      if (op?.kind !== 'removeWhere') throw new Error('no filter that looks at members');
      return op.test;
    };
    expect(members.filter(removeWhere(10))).toHaveLength(10);
    const spent = cpuMs(() => {
      expect(() => members.filter(removeWhere(100))).toThrow('too many values');
    });
    expect(spent).toBeLessThan(MOST_MS);
  });
});
