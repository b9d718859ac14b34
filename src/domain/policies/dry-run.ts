import { withhold, type Policy } from './policy.js';

/** `DRY_RUN`: everything is planned and shown, nothing is sent. The last policy, so that it shows what the others would do. */
export const dryRun: Policy = (sorted) =>
  withhold(
    sorted,
    sorted.send.map((planned) => ({
      planned,
      fate: 'waiting',
      policy: 'dryRun',
      reason: 'DRY_RUN=true: nothing is sent',
      alert: false,
    })),
  );
