/** `status` of the User extension: what the workspace makes of the user right now. */
import type { InviteState, UserStatus } from './types.js';

export interface Situation {
  readonly managed: boolean;
  readonly active: boolean;
  /** Owner, key owner, last admin or never-touch: changes are dropped. */
  readonly isProtected: boolean;
  /** The linked member; null = none. */
  readonly member: { readonly isLocked: boolean } | null;
  /** Was a member and has gone. */
  readonly hasGone: boolean;
  readonly hasAddress: boolean;
  /** State of the invite that counts (see latestInvite in the store); null = never invited. */
  readonly invite: InviteState | null;
  /** Changes held by the brake. */
  readonly held: number;
  /** Changes refused for good and not yet tried again. */
  readonly refused: number;
  /** Several members have the address: which is the user's is not guessed. */
  readonly isAmbiguous: boolean;
  /** Nobody knows whether an invite was sent, and none is sent any more. */
  readonly isGivenUp: boolean;
}

/** What needs a person's eye comes first, then what is so. */
export function statusOf(situation: Situation): UserStatus {
  if (situation.isProtected) return 'protected';
  if (situation.held > 0) return 'held';
  if (situation.refused > 0 || situation.isAmbiguous) return 'failed';
  if (situation.member === null && situation.isGivenUp) return 'failed';
  if (situation.member !== null) return situation.member.isLocked ? 'locked' : 'member';
  switch (situation.invite) {
    case 'invited':
    case 'ambiguous':
    case 'expired':
      return 'invited';
    case 'sending':
      return 'invitePending';
    case 'planned':
    case 'revoked':
    case 'refused':
    case 'accepted':
    case null:
      break;
  }
  if (situation.hasGone) return 'removed';
  return situation.managed && situation.active && situation.hasAddress ? 'invitePending' : 'none';
}
