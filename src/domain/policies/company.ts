import type { Person } from '../person.js';
import type { PlannedChange } from '../plan.js';
import type { Change } from '../types.js';
import { withhold, type Policy } from './policy.js';

/** An invite as the plan has it. */
export type PlannedInvite = PlannedChange & { readonly change: Extract<Change, { readonly kind: 'invite' }> };

export interface WaitingRoom {
  /** How long this invite still waits for others; 0 = it goes now. */
  waitMs(invite: PlannedInvite, person: Person): number;
  /** No invite of this person is to be sent now. */
  forget(person: Person): void;
}

/**
 * An invite that may go with others in one call waits a moment for them. Never where a request
 * waits for the answer, and not for who only looks at a plan.
 */
export function company(room: WaitingRoom): Policy {
  return (sorted, { person, now, mayWait }) => {
    if (person === null || mayWait !== true) return sorted;
    const invite = sorted.send.find((planned): planned is PlannedInvite => planned.change.kind === 'invite');
    if (invite === undefined) {
      room.forget(person);
      return sorted;
    }
    const ms = room.waitMs(invite, person);
    if (ms <= 0) return sorted;
    const reason = 'waits a moment for others who are to be invited in the same call';
    const note = { planned: invite, fate: 'waiting', policy: 'company', reason, alert: false } as const;
    return withhold(sorted, [note], now + Math.ceil(ms));
  };
}

/** Nothing was sent for this decision yet, so that an answer for many can be an answer for this one. */
export function isFirstTry({ invite, member }: Person): boolean {
  if (member !== null) return false;
  if (invite === null) return true;
  switch (invite.state) {
    case 'planned':
      return invite.sends === 0;
    case 'revoked':
    case 'accepted':
      return true;
    // One that is known to be refused would spoil the call for the others.
    case 'refused':
    case 'sending':
    case 'invited':
    case 'ambiguous':
    case 'expired':
      return false;
  }
}
