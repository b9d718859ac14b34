/**
 * How long property tests run, and from where. With a fixed seed `npm test` says the same each
 * time; `npm run fuzz` takes another seed and more runs, and prints how to come back to a failure.
 */
import type fc from 'fast-check';

const FIXED_SEED = 20_261_124;

/** Seed of this run: FUZZ_SEED, else a fixed one. */
export const seed = Number(process.env['FUZZ_SEED'] ?? FIXED_SEED);

/** How many times the usual number of runs: FUZZ_FACTOR, else 1. */
export const factor = Number(process.env['FUZZ_FACTOR'] ?? 1);

/** Parameters for `fc.assert` of a property that `npm test` runs so many times. */
export function runs<T>(usual: number): fc.Parameters<T> {
  return { seed, numRuns: usual * factor };
}
