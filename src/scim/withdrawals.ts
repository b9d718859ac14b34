/** Withdrawals take effect although something else in their request is refused (docs/adr/0021-withdrawals-go-through.md). */
import { createTolerance, isAboutOperation, type Tolerance } from '../domain/withdrawal.js';

/**
 * Runs a write with everything that it asks for; if a value is refused, once more with only what may
 * pass. `write` throws `tolerance.because` where there is nothing to withdraw.
 */
export async function withdrawalsGoThrough<T>(write: (tolerance: Tolerance | null) => Promise<T>): Promise<T> {
  try {
    return await write(null);
  } catch (error) {
    if (!isAboutOperation(error)) throw error;
    return write(createTolerance(error));
  }
}
