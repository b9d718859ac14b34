import { changeKey } from '../types.js';
import { withhold, type Policy } from './policy.js';

/**
 * Somebody appeared at an address that a user without access had long ago. It may be the same person by
 * an old invite, the next owner of the address, or a guest: an administrator decides.
 */
export const formerAddress: Policy = (sorted, { person }) => {
  const doubtful = new Set(
    person?.formerAccounts.flatMap(({ isDoubtful, member }) => (isDoubtful ? [member.memberId] : [])),
  );
  if (doubtful.size === 0) return sorted;
  const held = sorted.send.filter(
    ({ change }) =>
      change.kind === 'lock' && doubtful.has(change.memberId) && person?.released.has(changeKey(change)) !== true,
  );
  const reason =
    'a member appeared at an address that this user had before; it may be somebody else by now. Release the lock if it is the same person, or drop it';
  return withhold(
    sorted,
    held.map((planned) => ({ planned, fate: 'held', policy: 'formerAddress', reason, alert: true })),
  );
};
