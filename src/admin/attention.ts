/** What needs an administrator, the most urgent first, each with what to do about it. */
import { overbooking, type SeatDemand } from '../domain/policies/seat-budget.js';
import type { LinkRecord, RefusedRequest, TokenRecord } from '../store/port.js';
import type { PageContext, SeenRequest } from './context.js';
import { html, path, type Content } from './html.js';
import { actionForm } from './parts.js';
import type { TokenWarning } from '../auth/token-warnings.js';
import { agoText, instantText, plural, spanText, type Tone } from './words.js';

export interface Item {
  readonly tone: Tone;
  readonly title: Content;
  readonly text: Content;
  readonly action?: Content;
}

export interface AttentionSources {
  readonly tokens: readonly TokenRecord[];
  readonly warnings: readonly TokenWarning[];
  readonly links: readonly LinkRecord[];
  /** Requests of the last day that were refused, newest first. */
  readonly refused: readonly RefusedRequest[];
  readonly seats: SeatDemand;
}

export function findAttention(context: PageContext, sources: AttentionSources): readonly Item[] {
  return [
    ...aboutKey(context),
    ...aboutDryRun(context),
    ...aboutReadings(context),
    ...aboutChanges(context),
    ...aboutSeats(context, sources.seats),
    ...aboutRefused(sources.refused),
    ...aboutTokens(context, sources.warnings),
    ...aboutGroups(sources.links),
    ...aboutAmbiguity(context),
    ...aboutDrift(context),
    ...aboutStart(context, sources.tokens),
  ];
}

function aboutKey({ engine }: PageContext): readonly Item[] {
  const { phase, error } = engine.state;
  switch (phase) {
    case 'keyRejected':
      return [
        {
          tone: 'bad',
          title: 'ElevenLabs rejects the API key',
          text: html`${error} Nothing is sent to ElevenLabs, and IdPs are told to come back later; removals are accepted
            and wait here. Put a valid key into <code>ELEVENLABS_API_KEY</code> and restart the bridge.`,
        },
      ];
    case 'otherWorkspace':
      return [
        {
          tone: 'bad',
          title: 'The API key belongs to another workspace',
          text: html`This database belongs to one workspace, the key to another one. Set the key of the right workspace,
            or <code>DATABASE_PATH</code> to a database of its own, and restart the bridge.`,
        },
      ];
    case 'starting':
      return error === null
        ? []
        : [
            {
              tone: 'bad',
              title: 'The workspace cannot be reached',
              text: html`${error} It is tried again about once a minute; IdPs are told to come back later.`,
            },
          ];
    case 'serving':
    case 'stopping':
      return [];
  }
}

function aboutDryRun({ engine }: PageContext): readonly Item[] {
  switch (engine.state.dryRun) {
    case null:
      return [];
    case 'unaccepted':
      return [
        {
          tone: 'bad',
          title: 'A restored backup waits to be accepted',
          text: html`Nothing is sent to ElevenLabs until then. See what would be done with
            <code>elevenlabs-scim plan</code>, then accept it with <code>elevenlabs-scim restore accept</code>.`,
        },
      ];
    default:
      return [
        {
          tone: 'calm',
          title: 'Dry run',
          text: html`Requests are served and planned, and nothing is sent to ElevenLabs (<code>DRY_RUN=true</code>).`,
        },
      ];
  }
}

function aboutReadings(context: PageContext): readonly Item[] {
  const { engine, upstream, now } = context;
  const { readings } = engine.state;
  const items: Item[] = [];
  if (readings.doubt !== null) {
    items.push({
      tone: 'bad',
      title: 'The last reading of the workspace is not believed',
      text: html`${readings.doubt} It changes nothing here. If the workspace has really become so small, say so.`,
      action: actionForm(context, {
        to: ['workspace', 'accept-smaller'],
        label: 'It really is so small',
        kind: 'danger',
      }),
    });
  }
  if (readings.error !== null && engine.state.phase === 'serving') {
    items.push({
      tone: 'warn',
      title: 'The workspace could not be read',
      text: html`${readings.error} ${readings.lastFullAt !== null && `Last read ${agoText(readings.lastFullAt, now)}.`}`,
    });
  }
  const { breaker, blockedMs } = upstream();
  if (breaker !== 'closed') {
    items.push({
      tone: 'warn',
      title: 'ElevenLabs does not answer',
      text: `Calls are held back after repeated faults; the next one is tried in ${spanText(blockedMs, 'near')}. Nothing is lost.`,
    });
  }
  if (readings.blind) {
    items.push({
      tone: 'warn',
      title: 'The API key may not list members',
      text: html`Without the permission <code>workspace_members_read</code> acceptance is noticed only where a group or
        a seat is wanted, drift not at all; members are not adopted, and owner and admins are not known.`,
    });
  }
  return items;
}

function aboutChanges({ numbers, now }: PageContext): readonly Item[] {
  const { held, refused, ambiguous } = numbers.open;
  const items: Item[] = [];
  const link = (state: string, text: string): Content =>
    html`<a class="button" href="${path(['changes'], { state })}">${text}</a>`;
  if (held > 0) {
    const since = numbers.oldestHeldAt === null ? '' : ` The oldest was held ${agoText(numbers.oldestHeldAt, now)}.`;
    items.push({
      tone: 'bad',
      title: `${plural(held, 'change')} held`,
      text: `Each says which limit stopped it, and waits for your word. The IdP believes that it is done.${since}`,
      action: link('held', 'Look and decide'),
    });
  }
  if (refused > 0) {
    items.push({
      tone: 'bad',
      title: `${plural(refused, 'change')} refused by ElevenLabs`,
      text: 'Each says why, and what to do. All are tried again daily.',
      action: link('refused', 'See reasons'),
    });
  }
  if (ambiguous > 0) {
    items.push({
      tone: 'warn',
      title: `${plural(ambiguous, 'call')} without an answer`,
      text: 'Whether these arrived is not known yet; the members are read before anything is sent again.',
      action: link('ambiguous', 'Show'),
    });
  }
  return items;
}

/** Nobody is refused an invite for that: acceptance is where ElevenLabs counts. */
function aboutSeats({ rules }: PageContext, seats: SeatDemand): readonly Item[] {
  const { seatLimits } = rules();
  const texts = [
    overbooking('workspace_member', seats, seatLimits),
    overbooking('workspace_lite_member', seats, seatLimits),
  ];
  return texts.flatMap((text) =>
    text === null
      ? []
      : [
          {
            tone: 'warn',
            title: 'More people are invited than seats are free',
            text,
            action: html`<a class="button" href="${path(['invites'])}">See invites</a>`,
          },
        ],
  );
}

function aboutRefused([last, ...others]: readonly RefusedRequest[]): readonly Item[] {
  if (last === undefined) return [];
  return [
    {
      tone: 'warn',
      title: `${plural(others.length + 1, 'request')} refused within a day`,
      text: html`The last one: <span class="wrap">${last.detail}</span>`,
      action: html`<a class="button" href="${path(['trace'])}">See all</a>`,
    },
  ];
}

function aboutTokens({ now }: PageContext, warnings: readonly TokenWarning[]): readonly Item[] {
  return warnings.map(({ label, expiresAt }): Item => {
    const isOver = expiresAt <= now;
    return {
      tone: isOver ? 'bad' : 'warn',
      title: html`Token “${label}” ${isOver ? 'has expired' : `expires in ${spanText(expiresAt - now, 'near')}`}`,
      text: `At ${instantText(expiresAt)}. Rotate it, and give the new one to whoever uses it.`,
      action: html`<a class="button" href="${path(['tokens'])}">Rotate</a>`,
    };
  });
}

function aboutGroups(links: readonly LinkRecord[]): readonly Item[] {
  const waiting = links.filter(
    ({ managed, linkStatus }) => managed && (linkStatus === 'unlinked' || linkStatus === 'ambiguous'),
  );
  const [first] = waiting;
  if (first === undefined) return [];
  return [
    {
      tone: 'warn',
      title:
        waiting.length === 1
          ? html`Group “${first.displayName}” is not linked`
          : `${plural(waiting.length, 'group')} are not linked`,
      text: 'The API of ElevenLabs can create no groups: create them there under the same name, or link them to existing ones.',
      action: html`<a class="button" href="${path(['groups'])}">Link</a>`,
    },
  ];
}

function aboutAmbiguity({ numbers }: PageContext): readonly Item[] {
  const count = numbers.ambiguousMembers;
  if (count === 0) return [];
  return [
    {
      tone: 'bad',
      title: `${plural(count, 'user')} may be one of several members`,
      text: 'Their addresses count as one. Which is meant is not guessed: nothing is given, and nobody locked, before only one is left in ElevenLabs.',
      action: html`<a class="button" href="${path(['drift'])}">See which</a>`,
    },
  ];
}

function aboutDrift({ numbers, facts }: PageContext): readonly Item[] {
  const count = numbers.driftOpen - numbers.ambiguousMembers;
  if (count === 0) return [];
  return [
    {
      tone: 'warn',
      title: `${plural(count, 'difference')} made by hand`,
      text:
        facts.drift === 'report'
          ? 'DRIFT=report: they are listed, not repaired.'
          : 'They were not repaired; each says why.',
      action: html`<a class="button" href="${path(['drift'])}">Show</a>`,
    },
  ];
}

/** How many of the last requests had no valid token, since the last one that had. Newest first. */
export function strangersSince(requests: readonly SeenRequest[]): number {
  const good = requests.findIndex(({ tokenLabel }) => tokenLabel !== null);
  return requests.slice(0, good < 0 ? undefined : good).filter(({ status }) => status === 401).length;
}

function aboutStart({ recentRequests }: PageContext, tokens: readonly TokenRecord[]): readonly Item[] {
  const strangers = strangersSince(recentRequests());
  if (strangers > 0)
    return [
      {
        tone: 'warn',
        title: `${plural(strangers, 'request')} without a valid token`,
        text: 'Nothing valid has come since. If it is your identity provider: enter its token there once more.',
        action: html`<a class="button" href="${path(['setup'])}">See requests</a>`,
      },
    ];
  if (tokens.some(({ kind, lastUsedAt }) => kind !== 'admin' && lastUsedAt !== null)) return [];
  return [
    {
      tone: 'calm',
      title: 'No identity provider has connected yet',
      text: 'Set up Entra ID or Okta with the values that the set-up pages show.',
      action: html`<a class="button primary" href="${path(['setup'])}">Set up</a>`,
    },
  ];
}
