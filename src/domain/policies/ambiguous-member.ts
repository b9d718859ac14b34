import { lookalikesInWords } from '../lookalikes.js';
import { changeKey } from '../types.js';
import { withhold, type Policy } from './policy.js';

/**
 * Somebody lost access, and several members have what counts as that address: none is locked unless
 * an administrator names the one. The alert comes with the person (guards.ts), and a lock that stays
 * held is a critical one.
 */
export const ambiguousMember: Policy = (sorted, { person }) => {
  if (person === null || person.lookalikes.length === 0) return sorted;
  const members = person.lookalikes.map(({ member }) => member);
  const ids = new Set(members.map(({ memberId }) => memberId));
  const held = sorted.send.filter(
    ({ change }) => change.kind === 'lock' && ids.has(change.memberId) && !person.released.has(changeKey(change)),
  );
  const reason = lookalikesInWords(members);
  return withhold(
    sorted,
    held.map((planned) => ({ planned, fate: 'held', policy: 'ambiguousMember', reason, alert: false })),
  );
};
