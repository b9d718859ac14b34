/**
 * Which e-mail address of a document is the upstream address of its user (docs/design.md 5): the
 * primary e-mail, else the one of type `work`, else `userName` if it is an address, else the only
 * e-mail. It is chosen once, with its slot, and moves only when the value in that slot changes:
 * an IdP that drops an element for a moment must not cost anybody the account.
 */
import { fold, foldAddress } from './fold.js';
import { elementsAt, textAt } from './json.js';
import type { Address, Document, JsonObject } from './types.js';

export const ADDRESS_SLOTS = ['primary', 'work', 'userName', 'only'] as const;
export type AddressSlot = (typeof ADDRESS_SLOTS)[number];

export interface ChosenAddress {
  readonly address: Address;
  readonly slot: AddressSlot;
}

export type AddressChoice =
  | ({ readonly kind: 'address' } & ChosenAddress)
  | { readonly kind: 'none' }
  /** The slot that decides holds something that is no e-mail address. */
  | { readonly kind: 'malformed'; readonly slot: AddressSlot; readonly value: string };

/** Chooses the address of a new user. */
export function chooseAddress(document: Document): AddressChoice {
  for (const slot of ADDRESS_SLOTS) {
    const value = valueInSlot(document, slot);
    if (value !== null) return choice(slot, value);
  }
  return { kind: 'none' };
}

/** The address after a write. `current` null: none was ever chosen. */
export function followAddress(current: ChosenAddress | null, document: Document): AddressChoice {
  if (current === null) return chooseAddress(document);
  const kept: AddressChoice = { kind: 'address', ...current };
  const value = valueInSlot(document, current.slot);
  if (value === null || foldAddress(value) === current.address) return kept;
  return choice(current.slot, value);
}

function choice(slot: AddressSlot, value: string): AddressChoice {
  return isAddress(value)
    ? { kind: 'address', address: foldAddress(value), slot }
    : { kind: 'malformed', slot, value: value.slice(0, 100) };
}

/** What the document holds in a slot. A userName that is no address counts as empty. */
export function valueInSlot(document: Document, slot: AddressSlot): string | null {
  const filled = elementsAt(document, 'emails').filter((email) => emailValue(email) !== null);
  switch (slot) {
    case 'primary':
      return emailValue(filled.find((email) => email['primary'] === true));
    case 'work':
      return emailValue(filled.find((email) => fold(textAt(email, 'type') ?? '') === 'work'));
    case 'userName': {
      const userName = textAt(document, 'userName');
      return userName !== null && isAddress(userName) ? userName : null;
    }
    case 'only':
      return filled.length === 1 ? emailValue(filled[0]) : null;
  }
}

function emailValue(email: JsonObject | undefined): string | null {
  const value = email?.['value'];
  return typeof value === 'string' && value.trim() !== '' ? value : null;
}

/**
 * Whether a text can be an upstream address: what mailboxes look like in practice, not RFC 5322's
 * quoted forms and comments, which the invite API has no use for.
 */
export function isAddress(text: string): boolean {
  const address = text.trim();
  if (address.length > 254) return false;
  const at = address.lastIndexOf('@');
  if (at < 1 || at > 64) return false;
  return /^[^\s@<>()[\],;:\\"\p{C}]+$/u.test(address.slice(0, at)) && isDomain(address.slice(at + 1));
}

function isDomain(domain: string): boolean {
  const labels = domain.split('.');
  return (
    labels.length > 1 && labels.every((label) => /^[\p{L}\p{M}\p{N}-]{1,63}$/u.test(label) && !/^-|-$/.test(label))
  );
}

/** The domain part, for people and patterns. */
export function domainOf(address: Address): string {
  return address.slice(address.lastIndexOf('@') + 1);
}

/** Whether the mapping file's `inviteOnly` lets this address be invited; null = everybody may. */
export function mayInvite(address: Address, patterns: readonly string[] | null): boolean {
  return patterns === null || patterns.some((pattern) => matchesPattern(address, foldAddress(pattern)));
}

/** `*@example.com` (exactly that domain), or an exact address. */
function matchesPattern(address: Address, pattern: string): boolean {
  return pattern.startsWith('*@') ? domainOf(address) === pattern.slice(2) : address === pattern;
}
