/**
 * Whom the bridge must never lock, demote or take out of a group: the workspace owner, the owner
 * of the API key, the last unlocked admin, and the configured never-touch list.
 */
import type { Protection } from '../domain/person.js';
import type { Address, Change, MemberId, WorkspaceMember } from '../domain/types.js';
import { isUnlisted } from '../domain/unlisted.js';
import type { Core } from './core.js';
import { findMember } from './mirror.js';
import { keyOwner } from './settings.js';

export function protectionOf(core: Core, member: WorkspaceMember | null, address: Address | null): Protection | null {
  const { neverTouch } = core.rules();
  if (member !== null) {
    if (member.isOwner) return 'owner';
    if (keyOwner(core) === member.memberId) return 'keyOwner';
    if (neverTouch.has(member.address)) return 'neverTouch';
    if (isLastAdmin(core, member)) return 'lastAdmin';
  }
  return address !== null && neverTouch.has(address) ? 'neverTouch' : null;
}

/**
 * No other admin would be left: as last read, without those who have a lock or a demotion in flight.
 * `isWanted`: without those, too, whose access an IdP has taken already, whatever became of it so far.
 */
export function isLastAdmin(core: Core, member: WorkspaceMember, isWanted = false): boolean {
  if (member.seatType !== 'workspace_admin' || member.isLocked) return false;
  // Where members cannot be listed no admin is known but the invited ones; the owner of the key is another.
  if (isUnlisted(member.memberId)) return false;
  const others = core.values<MemberId>(SELECT_OTHER_ADMINS, member.memberId);
  return !others.some((other) => !isOnTheWayOut(core, other) && !(isWanted && isWithdrawn(core, other)));
}

const isOnTheWayOut = (core: Core, memberId: MemberId): boolean => core.value(IS_ON_THE_WAY_OUT, memberId) === 1;
const isWithdrawn = (core: Core, memberId: MemberId): boolean => core.value(IS_WITHDRAWN, memberId) === 1;

/** Whether this call would leave the workspace without an admin: asked once more where it is sent. */
export function takesLastAdmin(core: Core, change: Change): boolean {
  if (change.kind !== 'lock' && change.kind !== 'setSeat') return false;
  if (change.kind === 'setSeat' && change.seatType === 'workspace_admin') return false;
  const member = findMember(core, change.memberId);
  return member !== null && isLastAdmin(core, member);
}

/** Why a write is refused, as the IdP's administrator reads it. */
export function protectionInWords(protection: Protection): string {
  switch (protection) {
    case 'owner':
      return 'owns the ElevenLabs workspace';
    case 'keyOwner':
      return 'owns the API key that the bridge works with';
    case 'lastAdmin':
      return 'is the last active admin of the ElevenLabs workspace';
    case 'neverTouch':
      return 'is on the never-touch list of the bridge';
  }
}

const SELECT_OTHER_ADMINS =
  "SELECT member_id FROM workspace_members WHERE seat_type = 'workspace_admin' AND is_locked = 0 AND missing_since IS NULL AND member_id <> ?";
// Tried and to be tried again: it may have been carried out.
const IS_ON_THE_WAY_OUT = `SELECT 1 FROM ledger WHERE (state = 'sending' OR (state = 'planned' AND attempts > 0))
  AND kind IN ('lock', 'setSeat') AND json_extract(change, '$.memberId') = ?
  AND (kind = 'lock' OR json_extract(change, '$.seatType') <> 'workspace_admin') LIMIT 1`;
const IS_WITHDRAWN =
  'SELECT 1 FROM users WHERE member_id = ? AND managed = 1 AND (active = 0 OR deleted_at IS NOT NULL) LIMIT 1';
