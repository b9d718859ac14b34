/**
 * What the SCIM surface knows of provisioning: it pokes, and it may wait for one user. Implemented
 * by the reconciler; scim/ never imports reconcile/.
 */
import type { ScimError } from '../errors.js';
import type { UserId } from './types.js';

/**
 * How a write to one user ended upstream, as far as it was waited for.
 * - `settled`: nothing is left to do, or what is left is not this write's.
 * - `pending`: still running, or a transient fault; it goes on in the background.
 * - `refused`: the write's single effective grant was refused for good, and the store has been
 *   put back (design section 3): `error` is the answer to the IdP.
 * - `notAwaited`: nothing is waited for, it all happens in the background.
 */
export type SettleOutcome =
  { readonly kind: 'settled' | 'pending' | 'notAwaited' } | { readonly kind: 'refused'; readonly error: ScimError };

export interface Provisioning {
  /** Tells the reconciler that the agenda has new rows. Never throws, never waits. */
  poke(): void;
  /**
   * Waits at most `PROVISION_WAIT_MS` for the effects of the write that made `version`.
   * Must be called in the same tick as the store answered, so that no refusal is missed.
   */
  settle(userId: UserId, version: number): Promise<SettleOutcome>;
  /** Waits at most `PROVISION_WAIT_MS` for the members that a group write put on the agenda. Never fails. */
  settleGroup(requestId: string): Promise<'settled' | 'pending'>;
  /** 503 while grants cannot be accepted: key rejected, shutting down, first reading not done (waits up to 10 s for that). */
  admitGrant(): Promise<void>;
  /** 503 while nothing can be accepted (shutting down, first reading not done). Withdrawals pass when the key is rejected. */
  admitWithdrawal(): Promise<void>;
  /**
   * Before the workspace was read for the first time ever, nobody can be said not to exist: waits up to
   * 10 s for that, then 503. True: it was waited for, so what was looked up may be another by now.
   */
  awaitFirstReading(): Promise<boolean>;
}
