import { changeKey, isGrant } from '../types.js';
import { withhold, type Policy } from './policy.js';

/**
 * After an undo, what it gives back is sent at once; what it would take away is held until the IdP
 * next writes the user: the IdP may still say what was undone.
 */
export const undoHold: Policy = (sorted, { person }) => {
  if (person?.isUndone !== true) return sorted;
  const held = sorted.send.filter(({ change }) => !isGrant(change) && !person.released.has(changeKey(change)));
  const reason = 'an administrator put the directory back; held until the IdP next writes the user';
  return withhold(
    sorted,
    held.map((planned) => ({ planned, fate: 'held', policy: 'undoHold', reason, alert: false })),
  );
};
