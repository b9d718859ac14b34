/** A call refused for good: the words for people, and whether the write that asked for it is undone. */
import type { Person } from '../domain/person.js';
import type { PlannedChange } from '../domain/plan.js';
import { describeChange, remedyFor, type RefusalWords } from '../domain/refusal.js';
import { entitlementOf } from '../domain/shares.js';
import { changeKey, isWithdrawal } from '../domain/types.js';
import type { GatewayError } from '../elevenlabs/port.js';
import { invalidValue } from '../errors.js';
import type { CallFailure, LedgerRow, Outcome, Revert } from '../store/port.js';
import type { Engine } from './engine.js';
import { mayLackSeat } from './freed-seats.js';
import { finish } from './let-go.js';
import { isShareChange } from './prepare-share.js';
import { rejectionMs } from './rejected-withdrawals.js';
import type { Run, View } from './view.js';

export interface Failure {
  readonly run: Run;
  readonly view: View;
  readonly planned: PlannedChange;
  readonly row: LedgerRow;
  readonly call: CallFailure;
  readonly error: GatewayError;
  /** Nothing was sent: it was known that it would be refused. */
  readonly foreseen?: boolean;
}

export async function refuse(failure: Failure, engine: Engine): Promise<'again'> {
  const { run, view, planned, row, call, error } = failure;
  const words = wordsFor(planned, view.person);
  const text = remedyFor(error, planned.change, words);
  // Whoever freed a seat while the call was out has not seen this row, and no reading will tell of it.
  const isSeatFree = (): boolean => mayLackSeat(planned.change, call.code) && engine.seatsFreed() > run.seatsFreed;
  const revert = isSeatFree() ? null : revertOf(failure, engine);
  // A write that came while the call was out is a new reason to ask.
  const current = run.userId === null ? null : await engine.store.person(run.userId);
  const isNewer = current !== null && current.version > run.version;
  const retryAt = engine.clock.now() + (isNewer ? 0 : await rejectionMs(row, engine.store));
  const foreseen = failure.foreseen === true;
  const outcome: Outcome = { kind: 'refused', call: { ...call, error: text }, retryAt, foreseen };
  const { reverted } = await finish(row, outcome, revert, engine);
  if (!reverted && isSeatFree()) await engine.store.retryRefused([row.id], 'seatFreed');
  if (reverted && revert !== null)
    engine.waiters.answer(revert.userId, revert.version, { kind: 'refused', error: invalidValue(text) });
  engine.log.warn({ subject: run.entry.subject, reverted, what: describeChange(planned.change) }, 'refused for good');
  if (isWithdrawal(planned.change)) engine.onRejectedWithdrawal(row, describeChange(planned.change, words), text);
  return 'again';
}

/**
 * Design section 3: a write can fail after the commit only while its request still waits, and only
 * if the refused call was its single effective grant and nothing of it has been done.
 */
function revertOf({ run, planned }: Failure, engine: Engine): Revert | null {
  const { userId, version } = run;
  const isAlone = run.grants.size === 1 && run.grants.has(changeKey(planned.change));
  if (userId === null || run.touched || !isAlone || planned.attribute === 'groups') return null;
  if (!engine.waiters.isLive(userId, version)) return null;
  return { userId, version, attribute: planned.attribute };
}

function wordsFor({ change, attribute, why }: PlannedChange, person: Person | null): RefusalWords {
  if (isShareChange(change)) {
    const value = change.kind === 'share' && attribute === 'entitlements' ? entitlementOf(change) : undefined;
    return {
      ...(attribute === 'entitlements' ? { attribute } : {}),
      ...(value === undefined ? {} : { value }),
      ...(person === null ? {} : { person: person.address ?? person.userName }),
    };
  }
  const group = 'groupId' in change ? person?.groups.get(change.groupId) : undefined;
  const value = attribute === 'active' ? 'true' : /"(.+)"/u.exec(person?.seat?.rule ?? why)?.[1];
  return {
    attribute,
    ...(person === null ? {} : { person: person.address ?? person.userName }),
    ...(group === undefined ? {} : { group }),
    ...(attribute === 'seatType' && change.kind === 'setSeat'
      ? { value: change.seatType }
      : value === undefined
        ? {}
        : { value }),
  };
}
