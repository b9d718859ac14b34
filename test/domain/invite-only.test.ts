import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { foldAddress } from '../../src/domain/fold.js';
import { matchesPattern, mayInvite, patternProblem } from '../../src/domain/invite-only.js';

describe('inviteOnly patterns', () => {
  it.each([
    ['ann@example.com', '*@example.com', true],
    ['ann@EXAMPLE.com', '*@Example.COM', true],
    ['ann@sub.example.com', '*@example.com', false],
    ['ann@sub.example.com', '*@*.example.com', true],
    ['ann@example.com', '*@*.example.com', false],
    ['ann@notexample.com', '*@example.com', false],
    ['ann@example.com.evil.test', '*@example.com', false],
    ['ann@example.com.evil.test', '*@example.com*', true],
    ['ann@example.com', 'ann@example.com', true],
    ['anna@example.com', 'ann@example.com', false],
    ['contractor-7@example.com', 'contractor-*@example.com', true],
    ['employee-7@example.com', 'contractor-*@example.com', false],
    ['a.b.c@example.com', 'a.*.c@example.com', true],
    ['x@example.com', '*x*@example.com', true],
    ['x@evil.test@example.com', '*@example.com', false],
    ['ann@example.com', '*', false],
    ['a.c@example.com', 'a?c@example.com', false],
  ])('%j by %j: %j', (address, pattern, expected) => {
    expect(matchesPattern(address, pattern)).toBe(expected);
  });

  it('allow everybody where there are none, nobody where the list is empty', () => {
    const ann = foldAddress('ann@example.com');
    expect(mayInvite(ann, null)).toBe(true);
    expect(mayInvite(ann, [])).toBe(false);
    expect(mayInvite(ann, ['*@other.test', '*@example.com'])).toBe(true);
  });

  it.each([
    ['', 'is empty'],
    ['example.com', 'write "*@example.com"'],
    ['@example.com', 'nothing on one side'],
    ['a@b@c', 'more than one "@"'],
    ['*@exa mple.com', 'white space'],
    ['*'.repeat(255), 'longer than'],
  ])('%j cannot be used', (pattern, words) => {
    expect(patternProblem(pattern)).toContain(words);
  });

  it('agree with the plain meaning of "*" for any short pattern', () => {
    const text = fc.stringMatching(/^[ab]{1,6}$/);
    const stars = fc.stringMatching(/^[ab*]{1,6}$/);
    fc.assert(
      fc.property(text, stars, (local, pattern) => {
        const meant = new RegExp(`^${pattern.replaceAll('*', '[^@]*')}$`);
        expect(matchesPattern(`${local}@x.test`, `${pattern}@x.test`)).toBe(meant.test(local));
      }),
      { numRuns: 500 },
    );
  });

  it('stay fast for the worst pattern', () => {
    const started = performance.now();
    expect(matchesPattern(`${'a'.repeat(240)}@x.test`, `${'a*'.repeat(120)}b@x.test`)).toBe(false);
    expect(performance.now() - started).toBeLessThan(500);
  });
});
