/**
 * An invite that may or may not have been sent. After the first unclear answer it is sent again once a
 * later reading shows no member (where members cannot be listed: after a minute). After the second,
 * nothing but time can tell: it is sent again after an hour, a day and three days, and then no more.
 */
import type { Invite } from './person.js';
import type { Millis } from './types.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** After the second unclear answer, the third, the fourth. */
const WAITS: readonly Millis[] = [HOUR, DAY, 3 * DAY];
const UNREAD_WAIT_MS = 60_000;

type Sent = Pick<Invite, 'state' | 'sends' | 'ageMs'>;

/** Whether a reading decides what becomes of it. */
export const isSettledByReading = ({ sends }: Sent): boolean => sends < 2;

/** How long after the last unclear answer the invite is sent again; null = it is not. */
export function unclearWaitMs(sends: number): Millis | null {
  return WAITS[sends - 2] ?? null;
}

/** So many answers were unclear that it is not sent again: somebody has to look. */
export function isGivenUp({ state, sends }: Pick<Invite, 'state' | 'sends'>): boolean {
  return state === 'ambiguous' && sends >= 2 && unclearWaitMs(sends) === null;
}

/** How long until time alone has it sent again; null = it does not. */
export function unclearLeftMs(invite: Sent): Millis | null {
  if (invite.state !== 'ambiguous' || isSettledByReading(invite)) return null;
  const wait = unclearWaitMs(invite.sends);
  return wait === null ? null : Math.max(0, wait - (invite.ageMs ?? 0));
}

/** The same where members cannot be listed, after the first unclear answer. */
export function unreadLeftMs(invite: Sent | null): Millis {
  if (invite?.state !== 'ambiguous' || !isSettledByReading(invite)) return 0;
  return Math.max(0, UNREAD_WAIT_MS - (invite.ageMs ?? 0));
}

/** What is known and what comes of it. `again`: when it is sent again, in words; null = it is not. */
export function unclearInWords(address: string, sends: number, again: string | null): string {
  const calls = sends === 1 ? 'The answer to the invite' : `The answers to ${String(sends)} invites`;
  const state = `${calls} of ${address} did not arrive: nobody knows whether an e-mail was sent.`;
  if (again !== null) return `${state} The bridge sends another one ${again}.`;
  return `${state} The bridge sends no more. Ask ${address} for the e-mail; if there is none, turn the user off and on in the IdP, which revokes the invite and sends a new one.`;
}
