/**
 * A freed seat is a new reason to try what was refused. Only as many as were freed are tried, the
 * longest waiting first; those refused again go to the end of the queue by their new row.
 */
import { isGrant, type Change } from '../domain/types.js';
import type { LedgerRow, Store } from '../store/port.js';

const PAGE = 500;

/** Puts up to `freed` refused grants back on the agenda; answers how many. */
export async function retryForFreedSeats(freed: number, now: number, store: Store): Promise<number> {
  const waiting = (await refusedRows(store)).filter((row) => wantsSeat(row, now)).sort((a, b) => a.id - b.id);
  const known = waiting.filter(({ errorCode }) => errorCode === 'noSeat').slice(0, freed);
  // Why these were refused is not known; the lack of a seat is as good a guess as any.
  const unclear = waiting.filter(({ errorCode }) => !KNOWN_REASONS.has(errorCode ?? '')).slice(0, freed);
  const ids = [...known, ...unclear].map(({ id }) => id);
  if (ids.length > 0) await store.retryRefused(ids, 'seatFreed');
  return ids.length;
}

/** Reasons that a free seat does not mend, and the one that it does. */
const KNOWN_REASONS: ReadonlySet<string> = new Set([
  'noSeat',
  'alreadyMember',
  'alreadyInvited',
  'badAddress',
  'unknownMember',
  'readOnlyGroup',
  'protectedMember',
  'domainNotVerified',
  'featureNotAvailable',
  'dropped',
]);

function wantsSeat({ change, retryAt }: LedgerRow, now: number): boolean {
  return retryAt !== null && retryAt > now && takesSeat(change);
}

const takesSeat = (change: Change): boolean =>
  isGrant(change) && (change.kind === 'invite' || change.kind === 'unlock' || change.kind === 'setSeat');

/** May this have been refused for the lack of a seat? `code`: why, if the answer said so. */
export const mayLackSeat = (change: Change, code: string | null): boolean =>
  takesSeat(change) && (code === 'noSeat' || !KNOWN_REASONS.has(code ?? ''));

async function refusedRows(store: Store): Promise<readonly LedgerRow[]> {
  const rows: LedgerRow[] = [];
  for (let beforeId: number | undefined; ;) {
    const page = await store.ledger({
      states: ['refused'],
      limit: PAGE,
      ...(beforeId === undefined ? {} : { beforeId }),
    });
    rows.push(...page);
    beforeId = page.at(-1)?.id;
    if (page.length < PAGE || beforeId === undefined) return rows;
  }
}
