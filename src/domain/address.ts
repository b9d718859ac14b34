/**
 * Which e-mail address of a document is the upstream address of its user (docs/design.md 5): the
 * primary e-mail, else the one of type `work`, else `userName` if it is an address, else the only
 * e-mail. It is chosen once, with its slot, and moves only when the value in that slot changes:
 * an IdP that drops an element for a moment must not cost anybody the account.
 */
import { addressProblem, isNobodys } from './email-address.js';
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
  /** The slot that decides holds an address of nobody: the user is to have none, and that is no mistake. */
  | { readonly kind: 'nobodys' }
  /** The slot that decides holds something that is no e-mail address. */
  | { readonly kind: 'malformed'; readonly slot: AddressSlot; readonly value: string; readonly problem: string };

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
  const problem = addressProblem(value);
  if (problem !== null) return { kind: 'malformed', slot, value: value.slice(0, 100), problem };
  const address = foldAddress(value);
  return isNobodys(address) ? { kind: 'nobodys' } : { kind: 'address', address, slot };
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
      return userName !== null && addressProblem(userName) === null ? userName : null;
    }
    case 'only':
      return filled.length === 1 ? emailValue(filled[0]) : null;
  }
}

function emailValue(email: JsonObject | undefined): string | null {
  const value = email?.['value'];
  return typeof value === 'string' && value.trim() !== '' ? value : null;
}
