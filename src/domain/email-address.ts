/**
 * The form of an e-mail address, as strict as sending an invite needs: what ElevenLabs would
 * refuse for sure is refused here, before anything is stored. One linear pass, no backtracking.
 *
 * Accepted: dot-atom local part (RFC 5322 3.2.3) and a domain name of at least two labels, both
 * also in Unicode (RFC 6531). Not accepted although RFC 5322 knows them: quoted local parts,
 * comments, address literals. No directory of people uses them; mail gateways differ on them.
 */
import { foldAddress } from './fold.js';
import type { Address } from './types.js';

// RFC 5321 4.5.3.1: octets; the whole path has 256 with its angle brackets.
const MAX_ADDRESS = 254;
const MAX_LOCAL = 64;
const MAX_LABEL = 63;

const ATOM_CHARACTER = /^[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~-]$/u;
const LABEL_CHARACTER = /^[\p{L}\p{N}\p{M}-]$/u;

/** Why `text` is no e-mail address, in words that follow "it"; null = it is one. Judges the folded form. */
export function addressProblem(text: string): string | null {
  // Folding turns look-alikes such as U+FF20 into "@": the sent form is the one to judge.
  if (text.length > 4 * MAX_ADDRESS) return 'is too long';
  const address = foldAddress(text);
  if (address === '') return 'is empty';
  if (Buffer.byteLength(address) > MAX_ADDRESS) return `is longer than ${String(MAX_ADDRESS)} bytes`;
  const at = address.indexOf('@');
  if (at < 0) return 'has no "@"';
  if (address.includes('@', at + 1)) return 'has more than one "@"';
  return localProblem(address.slice(0, at)) ?? domainProblem(address.slice(at + 1));
}

/**
 * Whether the address is one of nobody: names below `.invalid` never exist (RFC 6761 6.4). Checks
 * of a connection use them, and directories for accounts that are no people any more.
 */
export function isNobodys(address: Address): boolean {
  return address.endsWith('.invalid');
}

/** The folded address if `text` is an e-mail address, else null. */
export function readAddress(text: string): Address | null {
  return addressProblem(text) === null ? foldAddress(text) : null;
}

/** Why `domain` is no domain name that mail can go to; null = it is one. Expects the folded form. */
export function domainProblem(domain: string): string | null {
  const labels = domain.split('.');
  if (labels.length < 2) return 'has no complete domain (such as example.com)';
  for (const label of labels) {
    if (label === '') return 'has an empty part in its domain';
    if (Buffer.byteLength(label) > MAX_LABEL) return `has a part of more than ${String(MAX_LABEL)} bytes in its domain`;
    if (label.startsWith('-') || label.endsWith('-')) return 'has a part of its domain that begins or ends with "-"';
    if (!all(label, LABEL_CHARACTER)) return 'has a character that no domain can have';
  }
  // An IPv4 address or a typing error: no top-level domain is a number.
  if (/^\d+$/.test(labels.at(-1) ?? '')) return 'has a domain that ends in a number';
  return null;
}

function localProblem(local: string): string | null {
  if (local === '') return 'has nothing before the "@"';
  if (Buffer.byteLength(local) > MAX_LOCAL) return `has more than ${String(MAX_LOCAL)} bytes before the "@"`;
  for (const atom of local.split('.')) {
    if (atom === '') return 'has a "." in a wrong place before the "@"';
    if (!all(atom, ATOM_CHARACTER)) return 'has a character before the "@" that is not allowed there';
  }
  return null;
}

function all(text: string, character: RegExp): boolean {
  for (const one of text) {
    if (!character.test(one)) return false;
  }
  return true;
}
