/** Requests that are refused before they are sent. */
import { cleanText } from '../domain/refusal.js';
import { GatewayError } from './port.js';

/** An address the API could mean somebody by. Whether it exists is for ElevenLabs to say. */
export function requireAddress(email: string): void {
  if (email.length <= 320 && /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u.test(email)) return;
  throw new GatewayError({
    kind: 'refused',
    hint: 'badAddress',
    message: email === '' ? 'there is no e-mail address' : `"${cleanText(email, 100)}" is not an e-mail address`,
  });
}

/**
 * An id or name that may stand in a URL. "." and ".." survive percent-encoding and would change the
 * path: ids of resources come from the IdP's attributes.
 */
export function requireId(what: string, id: string): void {
  if (id.trim() !== '' && id.length <= 512 && id !== '.' && id !== '..' && !/[\p{Cc}\p{Cs}]/u.test(id)) return;
  throw new GatewayError({ kind: 'refused', message: `"${cleanText(id, 100)}" cannot be a ${what}` });
}

export function requireUsageLimit(limit: number | null): void {
  if (limit === null || (Number.isSafeInteger(limit) && limit >= 0)) return;
  throw new GatewayError({ kind: 'refused', message: `usage limit ${limit} is not a whole number of credits` });
}
