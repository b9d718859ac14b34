/**
 * Hostile requests over HTTP against the real router and store, from a fixed seed. After each case:
 * no answer of 500 or more, every error a SCIM error, no prototype touched, nothing stored by a
 * request that was refused. `npm run fuzz` takes another seed and goes on for as long as it is told
 * to; only there is the time of each request bounded, since nothing else runs then.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { seed } from '../support/property.js';
import { bodyRequest, filterRequest, headerRequest, idRequest, pathRequest, type FuzzRequest } from './arbitraries.js';
import { openTarget, type Target } from './bridge-under-fire.js';

const KINDS = [
  ['filters', filterRequest],
  ['bodies', bodyRequest],
  ['paths', pathRequest],
  ['ids', idRequest],
  ['headers', headerRequest],
] as const;

/** Cases of each kind in `npm test`. */
const CASES = 250;
/** Seconds for all kinds together; undefined: the fixed number of cases. */
const budget = process.env['FUZZ_SECONDS'];
const budgetMs = budget === undefined ? null : (Number(budget) * 1000) / KINDS.length;
/** Ten times what the slowest request needs on a busy machine. */
const MOST_MS = 2_000;

let target: Target;
beforeAll(async () => {
  target = await openTarget();
});
afterAll(() => target.close());

function parameters(): fc.Parameters<[FuzzRequest]> {
  if (budgetMs === null) return { seed, numRuns: CASES };
  const limits = { interruptAfterTimeLimit: budgetMs, markInterruptAsFailure: false };
  return { seed, numRuns: Number.MAX_SAFE_INTEGER, ...limits };
}

describe('requests with hostile', () => {
  it.each(KINDS)(
    '%s do no harm',
    async (_kind, request) => {
      await fc.assert(
        fc.asyncProperty(request, async (one: FuzzRequest) => {
          const { ms } = await target.fire(one);
          if (budgetMs !== null && ms > MOST_MS) throw new Error(`${String(Math.round(ms))} ms for one request`);
        }),
        parameters(),
      );
    },
    60_000 + (budgetMs ?? 0) * 2,
  );

  it('get far enough to be refused for many reasons, and at times to be right', () => {
    for (const status of [200, 201, 204, 400, 401, 404, 405, 409, 412, 415]) {
      expect([status, (target.seen.get(status) ?? 0) > 0]).toEqual([status, true]);
    }
  });
});
