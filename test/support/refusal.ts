import { expect } from '@jest/globals';
import { ScimError } from '../../src/errors.js';

/** The ScimError that `run` throws; anything else fails the test. */
export function refusal(run: () => unknown): ScimError {
  let result: unknown;
  try {
    result = run();
  } catch (error) {
    expect(error).toBeInstanceOf(ScimError);
    return error as ScimError;
  }
  throw new Error(`nothing was refused: ${JSON.stringify(result)}`);
}
