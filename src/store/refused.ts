import type { Person } from '../domain/person.js';
import type { OpenLedgerRow } from './ledger.js';

/** Changes refused for good, by changeKey, that are not to be planned before their time. */
export function refusedOf(open: readonly OpenLedgerRow[]): Person['refused'] {
  const refused = new Map<string, { until: number; error: string }>();
  for (const { state, key, retryAt, error } of open) {
    if (state === 'refused' && retryAt !== null) refused.set(key, { until: retryAt, error: error ?? 'refused' });
  }
  return refused;
}
