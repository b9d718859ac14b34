import type { Policy } from './policy.js';

/** `DRY_RUN`: everything is planned and shown, nothing is sent. */
export const dryRun: Policy = (sorted) => ({ ...sorted, send: [], waiting: [...sorted.waiting, ...sorted.send] });
