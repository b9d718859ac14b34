/** Invites that wait: for whom, since when, and what comes next. */
import type { InviteRecord } from '../../store/port.js';
import type { PageContext } from '../context.js';
import { html, path, type Content } from '../html.js';
import type { Page } from '../layout.js';
import { live, pill, table } from '../parts.js';
import { ago, plural, seatText, spanText, type Word } from '../words.js';

const MOST = 500;
const DAY = 86_400_000;

const STATES: Readonly<Record<string, Word>> = {
  sending: { text: 'Being sent', tone: 'busy' },
  invited: { text: 'Waiting', tone: 'busy' },
  ambiguous: { text: 'Unclear', tone: 'warn' },
};

export async function invitesPage(context: PageContext): Promise<Page> {
  const { store, now, facts } = context;
  const invites = [...(await store.invites({ open: true, limit: MOST }))].sort(
    (a, b) => (a.sentAt ?? now) - (b.sentAt ?? now),
  );
  return {
    title: 'Invites',
    section: 'invites',
    lead: `Sent and not accepted yet, the oldest first. Who accepts needs a free seat. An invite is sent again after ${plural(facts.inviteTtlDays, 'day')}, three times in all.`,
    main: live('invites', [
      table(
        'Pending invites',
        COLUMNS,
        invites.map((invite) => row(invite, context)),
        'No invite waits: everybody who was invited has accepted.',
      ),
      invites.length === MOST && html`<p class="dim">Only ${MOST} are shown.</p>`,
    ]),
  };
}

const COLUMNS = [
  { name: 'Person' },
  { name: 'State' },
  { name: 'Age' },
  { name: 'Seat' },
  { name: 'Number' },
  { name: 'Next' },
] as const;

function row(invite: InviteRecord, { now, facts }: PageContext): readonly Content[] {
  const { userId, userName, address, state, seatType, round, sentAt } = invite;
  return [
    html`<a href="${path(['users', userId])}" class="name">${address}</a
      >${userName.toLowerCase() !== address && html`<span class="sub">${userName}</span>`}`,
    pill(STATES[state] ?? { text: state, tone: 'calm' }),
    ago(sentAt, now, 'not sent yet'),
    seatText(seatType),
    `${String(round)} of 3`,
    nextText(sentAt, round, now, facts.inviteTtlDays),
  ];
}

function nextText(sentAt: number | null, round: number, now: number, ttlDays: number): Content {
  if (sentAt === null) return 'being sent';
  if (round >= 3)
    return html`<span class="dim">no further invite; ask the person, or turn the user off and on in the IdP</span>`;
  const left = sentAt + ttlDays * DAY - now;
  return left > 0 ? `sent again in ${spanText(left, 'near')}` : 'sent again soon';
}
