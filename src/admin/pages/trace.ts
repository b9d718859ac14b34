/** Exactly what happened: by request id of an IdP, of a sync, of ElevenLabs, or by person. */
import type { PageContext } from '../context.js';
import { html, path, type Content } from '../html.js';
import type { Page } from '../layout.js';
import { nameLookup } from '../names.js';
import { card, table } from '../parts.js';
import { callItem, timeline } from '../timeline.js';
import { USER_STATUS } from '../words.js';

const MOST = 200;

export async function tracePage(context: PageContext): Promise<Page> {
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
      ${id === '' ? await readings(context) : await result(context, id)}
    `,
  };
}

async function result(context: PageContext, id: string): Promise<Content> {
  const { store } = context;
  const trace = await store.trace({ requestId: id, limit: MOST });
  if (trace.causes.length === 0) return people(context, id);
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

async function people({ store }: PageContext, text: string): Promise<Content> {
  const found = await store.findPeople(text);
  return card(
    'People',
    table(
      'People of this name',
      [{ name: 'User' }, { name: 'Status' }],
      found.map(({ id, userName, address, status, deletedAt }) => [
        html`<a href="${path(['users', id])}" class="name">${userName}</a><span class="sub">${address}</span>`,
        deletedAt === null ? USER_STATUS[status].text : 'deleted',
      ]),
      html`No request and no person is called “${text}”. Requests are kept for RETENTION_DAYS.`,
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
