/** What a write to one user is refused for before anything is stored (docs/design.md 3). */
import type { AddressChoice, ChosenAddress } from '../domain/address.js';
import { mayInvite } from '../domain/invite-only.js';
import type { Address, UserId, WorkspaceMember } from '../domain/types.js';
import { invalidValue, mutability, notFound, preconditionFailed, uniqueness } from '../errors.js';
import type { Core } from './core.js';
import { invitesOf, isOpen, latestInvite } from './invites.js';
import { isAmbiguous } from './lookalikes.js';
import type { WriteContext } from './port.js';
import { isLastAdmin, protectionInWords, protectionOf } from './protection.js';
import { findUserRow, type UserRow } from './users.js';

export function existingUser(core: Core, id: string): UserRow {
  const row = findUserRow(core, id);
  if (row === undefined) throw notFound('User', id);
  return row;
}

export function checkVersion(row: { readonly id: string; readonly version: number }, context: WriteContext): void {
  if (context.ifMatch === null || context.ifMatch.includes(row.version)) return;
  throw preconditionFailed(
    `${row.id} is at version ${String(row.version)}, which If-Match does not allow: read it again before writing.`,
  );
}

export function userNameTaken(userName: string, holder: UserRow): Error {
  return uniqueness(
    `userName "${userName}" is already held by user ${holder.id}${holder.managed === 1 ? '' : ', an existing member of the workspace'}.`,
  );
}

export function addressTaken(address: Address, holder: UserRow): Error {
  return uniqueness(
    `The e-mail address "${address}" is already held by user ${holder.id} (userName "${holder.user_name}").`,
  );
}

/**
 * The address that may be stored. A write that takes access away is never refused for a bad
 * address: then the old one, or none, stays.
 */
export function acceptableAddress(
  core: Core,
  choice: AddressChoice,
  active: boolean,
  current: ChosenAddress | null,
): ChosenAddress | null {
  switch (choice.kind) {
    case 'address':
      return choice;
    case 'malformed':
      if (!active) return current;
      throw invalidValue(
        `"${choice.value}" (${slotInWords(choice.slot)}) is what ElevenLabs would be sent, but it ${choice.problem}. Map a mailbox address to emails[type eq "work"].value.`,
      );
    case 'nobodys':
      return current;
    case 'none':
      if (!active || !core.rules().requireEmail) return current;
      throw invalidValue(
        'An active user needs an e-mail address: ElevenLabs invites by e-mail. Map one to emails[type eq "work"].value, or to userName.',
      );
  }
}

function slotInWords(slot: ChosenAddress['slot']): string {
  switch (slot) {
    case 'primary':
      return 'the primary e-mail';
    case 'work':
      return 'the e-mail of type "work"';
    case 'userName':
      return 'userName';
    case 'only':
      return 'the only e-mail';
  }
}

/** An invite would be the effect, unless it is not known who is there already: the mapping file may forbid it. */
export function checkMayInvite(core: Core, address: Address | null, userId: UserId | null): void {
  if (address === null || mayInvite(address, core.rules().inviteOnly) || isAmbiguous(core, address, userId)) return;
  const invite = userId === null ? null : latestInvite(invitesOf(core, userId), address);
  if (invite !== null && isOpen(invite)) return;
  throw invalidValue(
    `emails: "${address}" may not be invited: it matches none of the inviteOnly patterns in the mapping file of the bridge.`,
  );
}

/** Locks and deletions of protected members are refused as a whole, nothing stored. */
export function checkUnprotected(
  core: Core,
  action: 'disabled' | 'deleted',
  member: WorkspaceMember | null,
  address: Address | null,
): void {
  const isLast = member !== null && isLastAdmin(core, member, true);
  const protection = protectionOf(core, member, address) ?? (isLast ? 'lastAdmin' : null);
  if (protection === null) return;
  throw mutability(
    `${member?.email ?? address ?? 'The user'} cannot be ${action}: this person ${protectionInWords(protection)}. Take the person out of the provisioning scope, or change that first.`,
  );
}

/** `EMAIL_CHANGE=reject`: a member keeps its address. */
export function checkAddressMove(core: Core, row: UserRow, next: ChosenAddress | null): void {
  if (row.member_id === null || row.address === null || next === null || next.address === row.address) return;
  if (core.rules().emailChange !== 'reject') return;
  throw mutability(
    `emails: the address of a member of the workspace cannot be changed from "${row.address}" to "${next.address}" (EMAIL_CHANGE=reject): ElevenLabs knows people by their address.`,
  );
}
