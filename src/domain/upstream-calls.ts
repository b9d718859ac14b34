/**
 * The names of the calls to ElevenLabs, as log, metrics, ledger, traces and documentation have
 * them: those of the SDK's methods (under `client.workspace`; `user.get` is under `client`), so that
 * whoever sees one can look it up.
 *
 * A name is stored with each call, so one that changes here needs a migration.
 */
import type { Change } from './types.js';

/** Method of the gateway -> name of its call. To lock and to set a seat are one call upstream. */
export const UPSTREAM_CALLS = {
  identity: 'user.get',
  listMembers: 'members.list',
  listGroups: 'groups.list',
  searchGroups: 'groups.search',
  invite: 'invites.create',
  inviteMany: 'invites.createBatch',
  revokeInvite: 'invites.delete',
  setLocked: 'members.update',
  setSeat: 'members.update',
  addToGroup: 'groups.members.add',
  removeFromGroup: 'groups.members.remove',
  getResource: 'resources.get',
  share: 'resources.share',
  unshare: 'resources.unshare',
} as const;

export type CallName = (typeof UPSTREAM_CALLS)[keyof typeof UPSTREAM_CALLS];

/** The call that makes such a change, unless it goes together with others (`invites.createBatch`). */
export const CALL_OF_CHANGE: Readonly<Record<Change['kind'], CallName>> = {
  invite: UPSTREAM_CALLS.invite,
  revokeInvite: UPSTREAM_CALLS.revokeInvite,
  lock: UPSTREAM_CALLS.setLocked,
  unlock: UPSTREAM_CALLS.setLocked,
  setSeat: UPSTREAM_CALLS.setSeat,
  addToGroup: UPSTREAM_CALLS.addToGroup,
  removeFromGroup: UPSTREAM_CALLS.removeFromGroup,
  share: UPSTREAM_CALLS.share,
  unshare: UPSTREAM_CALLS.unshare,
};
