/**
 * The IdP was told that the access ends, and it has not: a withdrawal that has been held for more
 * than an hour is a critical alert, whoever has seen it before.
 */
import type { Alerts } from '../alerts.js';
import type { Clock } from '../clock.js';
import type { Store } from '../store/port.js';

const HOUR = 3_600_000;
const LIMIT = 10_000;
const NAMED = 10;

export interface OverdueLocksParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly alerts: Alerts;
}

/** Answers how many there are. */
export async function reportOverdueLocks({ store, clock, alerts }: OverdueLocksParts): Promise<number> {
  const held = await store.ledger({ states: ['held'], limit: LIMIT });
  const overdue = held.filter(
    ({ change, createdAt }) =>
      (change.kind === 'lock' || change.kind === 'revokeInvite') && clock.now() - createdAt > HOUR,
  );
  if (overdue.length === 0) {
    alerts.clear('lockHeld');
    return 0;
  }
  const people = await store.peopleOf([...new Set(overdue.map(({ subject }) => subject))]);
  const names = [...people.values()].map(({ address, userName }) => address ?? userName);
  const shown = names.slice(0, NAMED).join(', ') + (names.length > NAMED ? ', …' : '');
  alerts.raise(
    'lockHeld',
    `${String(names.length)} people should have lost access more than an hour ago and still have it: ${shown}. ` +
      'The IdP was told that it is done. Release the changes (`held release`) or drop them (`held drop`).',
    { people: names.length },
  );
  return overdue.length;
}
