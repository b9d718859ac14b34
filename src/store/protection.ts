/**
 * Whom the bridge must never lock, demote or take out of a group: the workspace owner, the owner
 * of the API key, the last unlocked admin, and the configured never-touch list.
 */
import type { Protection } from '../domain/person.js';
import type { Address, WorkspaceMember } from '../domain/types.js';
import { isUnlisted } from '../domain/unlisted.js';
import type { Core } from './core.js';
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

function isLastAdmin(core: Core, member: WorkspaceMember): boolean {
  if (member.seatType !== 'workspace_admin' || member.isLocked) return false;
  // Where members cannot be listed no admin is known but the invited ones; the owner of the key is another.
  if (isUnlisted(member.memberId)) return false;
  return core.values(SELECT_ADMINS).length === 1;
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

const SELECT_ADMINS =
  "SELECT member_id FROM workspace_members WHERE seat_type = 'workspace_admin' AND is_locked = 0 LIMIT 2";
