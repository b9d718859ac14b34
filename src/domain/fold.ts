import type { Address } from './types.js';

/**
 * The one case rule of the bridge: NFKC, then lower case. Two userNames, group names or e-mail
 * addresses are the same when their folded forms are (RFC 7643 2.3.1: caseExact false).
 */
export function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}

/** Folds an e-mail address; surrounding white space is dropped. The form is not checked here. */
export function foldAddress(email: string): Address {
  return fold(email.trim()) as Address;
}
