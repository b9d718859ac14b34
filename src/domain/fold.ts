import type { Address } from './types.js';

/**
 * The one case rule of the bridge: NFKC, then lower case. Two userNames, group names or e-mail
 * addresses are the same when their folded forms are (RFC 7643 2.3.1: caseExact false). The small
 * sigma has two forms, of which toLowerCase() takes one or the other by what follows; here it has one.
 */
export function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase().replaceAll('ς', 'σ');
}

/** Folds an e-mail address; surrounding white space is dropped. The form is not checked here. */
export function foldAddress(email: string): Address {
  return fold(email.trim()) as Address;
}
