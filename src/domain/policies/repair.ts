import type { Person } from '../person.js';
import type { PlannedChange } from '../plan.js';
import { changeKey } from '../types.js';
import type { PolicyContext } from './policy.js';

/**
 * Is this change a repair: does it bring back what was once settled and somebody changed by hand?
 * Never: invites and revocations (time and acceptance cause them), locks (a leaver is locked
 * again, always), and what was refused before (trying again is no repair).
 */
export function isRepair({ change }: PlannedChange, { person, isDrift, known }: PolicyContext): boolean {
  if (isDrift !== true) return false;
  if (change.kind === 'invite' || change.kind === 'revokeInvite' || change.kind === 'lock') return false;
  const key = changeKey(change);
  return known?.has(key) !== true && !isKnown(person, key);
}

function isKnown(person: Person | null, key: string): boolean {
  return person !== null && (person.refused.has(key) || person.released.has(key));
}
