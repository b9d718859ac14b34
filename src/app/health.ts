/**
 * What /healthz tells. Strangers read it, so it has codes and numbers only: what ElevenLabs answers, or the
 * network says of it, is for the log and the admin page.
 */
import type { LimiterState } from '../reconcile/limiter.js';
import type { ReconcilerState } from '../reconcile/reconciler.js';

export type Mode = 'sandbox' | 'dryRun' | 'live';

/** The state of the bridge without a word of anybody else. */
export function healthOf(mode: Mode, state: ReconcilerState, upstream: LimiterState): object {
  const { phase, hasReading, inWork, readings } = state;
  const { lastMembersAt, lastFullAt, blind, groupsBySearch } = readings;
  return {
    mode,
    workspace: {
      ...{ phase, hasReading, inWork },
      error: state.error === null ? null : errorCode(phase),
      dryRun: state.dryRun !== null,
      readings: {
        ...{ lastMembersAt, lastFullAt, blind, groupsBySearch },
        error: readings.error === null ? null : 'readingFailed',
        doubt: readings.doubt === null ? null : 'readingNotBelieved',
      },
    },
    upstream,
  };
}

function errorCode(phase: ReconcilerState['phase']): string {
  switch (phase) {
    case 'keyRejected':
    case 'otherWorkspace':
      return phase;
    case 'starting':
    case 'serving':
    case 'stopping':
      return 'workspaceNotReached';
  }
}
