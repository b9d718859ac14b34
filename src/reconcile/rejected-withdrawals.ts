/**
 * A withdrawal that ElevenLabs rejects for certain: somebody keeps what an IdP has taken. It is an
 * alert at once, is tried again after ten minutes, and then after each full reading; whenever the IdP
 * repeats it, the store forgets the rejection.
 */
import { isWithdrawal, type Change } from '../domain/types.js';
import type { LedgerRow, Store, Subject } from '../store/port.js';
import { REFUSAL_MS } from './engine.js';

const FIRST_RETRY_MS = 600_000;
const LIMIT = 10_000;

/** How long this rejection is remembered, if nothing new happens. */
export async function rejectionMs(row: LedgerRow, store: Store): Promise<number> {
  if (!isWithdrawal(row.change)) return REFUSAL_MS;
  return (await wasRejectedBefore(row, store)) ? REFUSAL_MS : FIRST_RETRY_MS;
}

async function wasRejectedBefore({ id, subject, changeKey, createdAt }: LedgerRow, store: Store): Promise<boolean> {
  const rows = await store.ledger({ subject, states: ['refused'], limit: 100 });
  return rows.some((one) => one.id < id && one.changeKey === changeKey && createdAt - one.createdAt < REFUSAL_MS);
}

/** After a full reading: puts those that were rejected more than once on the agenda; answers how many. */
export async function retryRejectedWithdrawals(store: Store, now: number): Promise<number> {
  const rows = await store.ledger({ states: ['refused'], limit: LIMIT });
  const isDue = ({ change, retryAt, errorCode }: LedgerRow): boolean =>
    isWithdrawal(change) && retryAt !== null && retryAt > now + FIRST_RETRY_MS && errorCode !== 'dropped';
  const ids = rows.filter(isDue).map(({ id }) => id);
  if (ids.length > 0) await store.retryRefused(ids, 'reading');
  return ids.length;
}

/** What the alert is about, so that it is told once an hour. */
export const aboutRejection = (subject: Subject, key: string): string => `${subject} ${key}`;

/** `what`: the change in words, `why`: what ElevenLabs said, with the remedy. */
export function rejectionInWords(what: string, why: string, change: Change): string {
  const lost = change.kind === 'lock' || change.kind === 'revokeInvite' ? 'The access stays' : 'It stays';
  return `ElevenLabs rejects a withdrawal: ${what}. ${why} ${lost}. The bridge tries again after ten minutes, and then after each full reading.`;
}
