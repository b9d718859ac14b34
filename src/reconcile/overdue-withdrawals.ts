/**
 * The IdP was told that the access ends, and it has not. A withdrawal that has been held for more than
 * an hour, and one that ElevenLabs has failed to take for ten minutes, are critical alerts, whoever has
 * seen them before.
 */
import type { AlertKind, Alerts } from '../alerts.js';
import type { Clock } from '../clock.js';
import { POLICIES } from '../domain/policies/policy.js';
import { isWithdrawal } from '../domain/types.js';
import type { LedgerRow, Store } from '../store/port.js';

const HELD_MS = 3_600_000;
const FAILING_MS = 600_000;
const LIMIT = 10_000;
const NAMED = 10;

export interface OverdueWithdrawalsParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly alerts: Alerts;
}

/** Answers how many locks and revocations are held. */
export async function reportOverdueLocks(parts: OverdueWithdrawalsParts): Promise<number> {
  const { store, clock } = parts;
  const held = await store.ledger({ states: ['held'], limit: LIMIT });
  const overdue = held.filter(
    ({ change, createdAt }) =>
      (change.kind === 'lock' || change.kind === 'revokeInvite') && clock.now() - createdAt > HELD_MS,
  );
  const text = (count: string, names: string): string =>
    `${count} people should have lost access more than an hour ago and still have it: ${names}. ` +
    'The IdP was told that it is done. Release the changes (`held release`) or drop them (`held drop`).';
  return report('lockHeld', overdue, text, parts);
}

/** Answers how many withdrawals ElevenLabs fails to take. What a limit keeps back is another matter. */
export async function reportFailingWithdrawals(parts: OverdueWithdrawalsParts): Promise<number> {
  const { store, clock } = parts;
  const open = await store.ledger({ states: ['planned', 'sending'], limit: LIMIT });
  const failing = open.filter(
    ({ change, createdAt, errorCode }) =>
      isWithdrawal(change) && clock.now() - createdAt > FAILING_MS && !POLICIES.has(errorCode ?? ''),
  );
  const text = (count: string, names: string): string =>
    `ElevenLabs has failed for more than ten minutes to take away what ${count} people should have lost: ${names}. ` +
    'The bridge tries again at least once a minute. Check the status of ElevenLabs, or lock them in its UI.';
  return report('withdrawalFailing', failing, text, parts);
}

async function report(
  kind: AlertKind,
  rows: readonly LedgerRow[],
  text: (count: string, names: string) => string,
  { store, alerts }: OverdueWithdrawalsParts,
): Promise<number> {
  if (rows.length === 0) {
    alerts.clear(kind);
    return 0;
  }
  const people = await store.peopleOf([...new Set(rows.map(({ subject }) => subject))]);
  const names = [...people.values()].map(({ address, userName }) => address ?? userName);
  const shown = names.slice(0, NAMED).join(', ') + (names.length > NAMED ? ', …' : '');
  alerts.raise(kind, text(String(names.length), shown), { people: names.length });
  return rows.length;
}
