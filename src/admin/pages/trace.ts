/** Exactly what happened: by request id of an IdP, of a sync, of ElevenLabs, or by person. */
import type { Millis } from '../../domain/types.js';
import type { PersonRef, RefusedRequest, Trace } from '../../store/port.js';
import type { PageContext } from '../context.js';
import { html, path, type Content } from '../html.js';
import type { Page } from '../layout.js';
import { nameLookup } from '../names.js';
import { card, table } from '../parts.js';
import { refusalNotice, refusalTable } from '../refusals.js';
import { callItem, timeline } from '../timeline.js';
import { USER_STATUS } from '../words.js';

const MOST = 200;

export async function tracePage(context: PageContext): Promise<Page> {
  await context.flushCounters();
  const id = context.query.text('id');
  return {
    title: 'Trace',
    section: 'trace',
    lead: 'What a request caused: what was stored, every call to ElevenLabs, and how each ended.',
    main: html`
      <form method="get" action="${path(['trace'])}" class="search" role="search">
        <label for="id" class="sr">Request id, or name or address of a person</label>
        <input
          type="search"
          id="id"
          name="id"
          value="${id}"
          placeholder="Request id, or an e-mail address"
          autocomplete="off"
          maxlength="200"
        />
        <button>Trace</button>
      </form>
      ${id === '' ? [await refusals(context), await readings(context)] : await result(context, id.trim())}
    `,
  };
}

const REFUSALS_SHOWN = 20;

async function refusals({ store, now }: PageContext): Promise<Content> {
  const last = await store.refusedRequests({ since: 0, limit: REFUSALS_SHOWN });
  return card('Last refused requests', refusalTable(last, now, 'No request was refused within 30 days.'));
}

async function result(context: PageContext, id: string): Promise<Content> {
  const { store, now } = context;
  const [trace, refused] = await Promise.all([
    store.trace({ requestId: id, limit: MOST }),
    store.refusedRequests({ requestId: id, limit: MOST }),
  ]);
  return [
    whatWasRefused(refused, now),
    trace.causes.length > 0 ? await whatHappened(context, trace) : refused.length === 0 && (await people(context, id)),
  ];
}

/** Of a bulk request there may be many. */
function whatWasRefused(refused: readonly RefusedRequest[], now: Millis): Content {
  const [first, second] = refused;
  if (first === undefined) return null;
  if (second === undefined) return refusalNotice(first, now);
  return card('Refused operations of this request', refusalTable(refused, now, ''));
}

async function whatHappened(context: PageContext, trace: Trace): Promise<Content> {
  const { store } = context;
  const subjects = trace.causes.flatMap(({ audit, changes }) => [
    ...audit.flatMap(({ subject }) => subject ?? []),
    ...changes.map(({ row }) => row.subject),
  ]);
  const nameOf = await nameLookup(context, subjects);
  const groups = new Map<string, string>((await store.groups()).map(({ groupId, name }) => [groupId, name]));
  return card(
    'What happened',
    timeline(
      trace,
      {
        nameOf,
        groupName: (groupId) => groups.get(groupId) ?? null,
      },
      '',
    ),
  );
}

async function people({ store, now }: PageContext, text: string): Promise<Content> {
  const [found, refused] = await Promise.all([
    store.findPeople(text),
    store.refusedRequests({ about: [text], limit: REFUSALS_SHOWN }),
  ]);
  return [
    refused.length > 0 && card('Refused requests about this name', refusalTable(refused, now, '')),
    (found.length > 0 || refused.length === 0) && peopleCard(found, text),
  ];
}

function peopleCard(found: readonly PersonRef[], text: string): Content {
  return card(
    'People',
    table(
      'People of this name',
      [{ name: 'User' }, { name: 'Status' }],
      found.map(({ id, userName, address, status, deletedAt }) => [
        html`<a href="${path(['users', id])}" class="name">${userName}</a><span class="sub">${address}</span>`,
        deletedAt === null ? USER_STATUS[status].text : 'deleted',
      ]),
      html`No request and no person is called “${text}”. Writes are kept for RETENTION_DAYS, and what was refused for 30
      days; reads that succeed and requests without a valid token are in the log alone.`,
    ),
  );
}

/** Without a question: the calls that belong to no request. */
async function readings({ store }: PageContext): Promise<Content> {
  const calls = await store.readingCalls(20);
  if (calls.length === 0) return null;
  return card(
    'Last readings of the workspace',
    html`<ul class="calls">
      ${calls.map(callItem)}
    </ul>`,
  );
}
