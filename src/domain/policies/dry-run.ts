import { withhold, type Policy } from './policy.js';

/** Why nothing is sent: the configuration, or a backup that nobody has looked at yet. */
export type DryRunReason = 'config' | 'unaccepted';

const WORDS: Readonly<Record<DryRunReason, string>> = {
  config: 'DRY_RUN=true: nothing is sent',
  unaccepted: 'nothing is sent until an administrator has seen the plan and accepted it (`plan --accept`)',
};

/** Everything is planned and shown, nothing is sent. The last policy, so that it shows what the others would do. */
export function dryRun(reason: () => DryRunReason | null): Policy {
  return (sorted) => {
    const current = reason();
    if (current === null) return sorted;
    return withhold(
      sorted,
      sorted.send.map((planned) => ({
        planned,
        fate: 'waiting',
        policy: 'dryRun',
        reason: WORDS[current],
        alert: false,
      })),
    );
  };
}
