/** States, times and changes in words for administrators. */
import { describeChange } from '../domain/refusal.js';
import type { Change, LedgerState, LinkTrouble, Millis, SeatType, UserStatus } from '../domain/types.js';
import { html, type Html } from './html.js';

/** How much a state wants attention; the colour, and never the colour alone. */
export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'calm';

export interface Word {
  readonly text: string;
  readonly tone: Tone;
}

export const USER_STATUS: Readonly<Record<UserStatus, Word & { readonly meaning: string }>> = {
  member: { text: 'Member', tone: 'good', meaning: 'Has access to the workspace.' },
  invitePending: { text: 'Invite due', tone: 'busy', meaning: 'An invite is about to be sent.' },
  invited: { text: 'Invited', tone: 'busy', meaning: 'The invite waits to be accepted.' },
  locked: { text: 'Locked', tone: 'calm', meaning: 'A member without access; the seat is free.' },
  held: { text: 'Held', tone: 'warn', meaning: 'A change waits for an administrator.' },
  failed: { text: 'Failed', tone: 'bad', meaning: 'ElevenLabs refused a change, or several members may be this user.' },
  removed: { text: 'Removed', tone: 'warn', meaning: 'Was a member; removed at ElevenLabs by hand.' },
  protected: { text: 'Protected', tone: 'calm', meaning: 'Owner, key owner, last admin or never-touch: left alone.' },
  none: { text: 'No access', tone: 'calm', meaning: 'Not in the workspace, and nothing is due.' },
};

/** Many of one state, as a heading over their number. */
export const statusOfMany = (status: UserStatus): string =>
  status === 'member' ? 'Members' : USER_STATUS[status].text;

export const LEDGER_STATE: Readonly<Record<LedgerState, Word>> = {
  planned: { text: 'Planned', tone: 'busy' },
  sending: { text: 'Under way', tone: 'busy' },
  done: { text: 'Done', tone: 'good' },
  refused: { text: 'Refused', tone: 'bad' },
  ambiguous: { text: 'Unclear', tone: 'warn' },
  held: { text: 'Held', tone: 'warn' },
  superseded: { text: 'Not needed any more', tone: 'calm' },
};

export const LINKED: Word = { text: 'Linked', tone: 'good' };

export const LINK_TROUBLE: Readonly<Record<LinkTrouble, Word & { readonly meaning: string }>> = {
  noGroup: {
    text: 'Not linked',
    tone: 'warn',
    meaning: 'The workspace has no group of this name. Create one at ElevenLabs, or link another one here.',
  },
  gone: {
    text: 'Not linked',
    tone: 'warn',
    meaning:
      'Its workspace group is no longer there. Link another one here; should the same one come up again, it is linked by itself.',
  },
  byHand: { text: 'Not linked', tone: 'warn', meaning: 'It was unlinked, and is linked again here only.' },
  ambiguous: {
    text: 'Ambiguous',
    tone: 'warn',
    meaning: 'Several workspace groups have this name. Choose one here.',
  },
  readOnly: {
    text: 'Read-only',
    tone: 'calm',
    meaning: "ElevenLabs' own SCIM manages this workspace group: the bridge changes nothing in it.",
  },
};

export const LINK_SOURCE: Readonly<Record<string, string>> = {
  name: 'by name',
  attribute: 'by the IdP (groupId)',
  admin: 'by an administrator',
  import: 'found in the workspace',
};

export const SEATS: Readonly<Record<SeatType, string>> = {
  workspace_admin: 'Admin',
  workspace_member: 'Full',
  workspace_lite_member: 'Basic',
};

export function seatText(seat: string | null): string {
  return seat === null ? '–' : seat in SEATS ? SEATS[seat as SeatType] : seat;
}

/** A change as a heading: `Lock zoe@acme.example`. */
export function changeText(change: Change, person: string | null, group: string | null = null): string {
  const text = describeChange(change, { ...(person !== null && { person }), ...(group !== null && { group }) });
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const UNITS: readonly (readonly [number, string])[] = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
];

/** `3 hours`, `1 day`; under a minute: `seconds`. Whole units that have passed, or the `near`est number. */
export function spanText(ms: number, how: 'passed' | 'near' = 'passed'): string {
  for (const [unit, name] of UNITS) {
    const count = how === 'near' ? Math.round(ms / unit) : Math.floor(ms / unit);
    if (count >= 1) return `${String(count)} ${name}${count === 1 ? '' : 's'}`;
  }
  return 'seconds';
}

export function agoText(at: Millis, now: Millis): string {
  const ms = now - at;
  if (Math.abs(ms) < 60_000) return 'just now';
  return ms >= 0 ? `${spanText(ms)} ago` : `in ${spanText(-ms, 'near')}`;
}

/** `2026-11-24 09:15:02 UTC` */
export function instantText(at: Millis): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** A time, relative with the exact one at hand. */
export function ago(at: Millis | null, now: Millis, never = 'never'): Html {
  if (at === null) return html`<span class="dim">${never}</span>`;
  return html`<time datetime="${new Date(at).toISOString()}" title="${instantText(at)}">${agoText(at, now)}</time>`;
}

export function instant(at: Millis): Html {
  return html`<time datetime="${new Date(at).toISOString()}">${instantText(at)}</time>`;
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${numberText(count)} ${count === 1 ? one : many}`;

export const numberText = (count: number): string => count.toLocaleString('en-US');

export function bytesText(bytes: number): string {
  if (bytes < 1_000_000) return `${String(Math.ceil(bytes / 1000))} kB`;
  return bytes < 1_000_000_000 ? `${(bytes / 1_000_000).toFixed(1)} MB` : `${(bytes / 1_000_000_000).toFixed(2)} GB`;
}
