/** The audit log: who did what, when; with filters, and as a file. */
import { parseInstant } from '../../domain/instant.js';
import type { AuditQuery, AuditRow } from '../../store/port.js';
import type { PageContext, Query } from '../context.js';
import { html, path, type Content, type Html } from '../html.js';
import type { Page } from '../layout.js';
import { nameLookup } from '../names.js';
import { live, table } from '../parts.js';
import { difference, requestLink, subjectLink } from '../timeline.js';
import { instant } from '../words.js';

const PAGE_SIZE = 50;

export async function auditPage(context: PageContext): Promise<Page> {
  const { store, query } = context;
  const before = query.number('before', 0);
  const rows = await store.auditRows({
    ...auditFilter(query),
    ...(before > 0 && { beforeId: before }),
    limit: PAGE_SIZE,
  });
  const nameOf = await nameLookup(
    context,
    rows.flatMap(({ subject }) => subject ?? []),
  );
  const parameters = parametersOf(query);
  const last = rows.at(-1);
  return {
    title: 'Audit log',
    section: 'audit',
    lead: 'Every change of the directory and every act of an administrator. Rows are never changed or removed; their content can be purged. The command audit verify finds a row that was changed by hand.',
    actions: [
      html`<a class="button" href="${path(['audit', 'export.csv'], parameters)}" download>CSV</a>`,
      html`<a class="button" href="${path(['audit', 'export.jsonl'], parameters)}" download>JSON Lines</a>`,
    ],
    main: html`
      ${filterForm(query)}
      ${live(
        'audit',
        table(
          'Audit log',
          COLUMNS,
          rows.map((row) => cells(row, nameOf)),
          'Nothing matches.',
        ),
      )}
      <nav class="pager" aria-label="Pages">
        ${before > 0 && html`<a href="${path(['audit'], parameters)}">← Newest</a>`}
        ${rows.length === PAGE_SIZE && last !== undefined && html`<a rel="next" href="${path(['audit'], { ...parameters, before: last.id })}">Older →</a>`}
      </nav>
    `,
  };
}

const COLUMNS = [
  { name: 'When' },
  { name: 'Who', kind: 'words' },
  { name: 'Did', kind: 'words' },
  { name: 'What changed' },
  { name: 'Request' },
] as const;

function cells(row: AuditRow, nameOf: (subject: string) => string | null): readonly Content[] {
  const { at, actor, action, subject, requestId } = row;
  return [
    instant(at),
    html`<span class="wrap">${actor}</span>`,
    html`<span class="name">${action}</span
      >${subject !== null && html`<span class="sub">${subjectLink(subject, nameOf)}</span>`}`,
    difference(row, 5) ?? html`<span class="dim">–</span>`,
    requestId === null ? '–' : requestLink(requestId),
  ];
}

const NAMES = ['actor', 'action', 'subject', 'request', 'since', 'until'] as const;

function parametersOf(query: Query): Readonly<Record<string, string>> {
  return Object.fromEntries(NAMES.map((name) => [name, query.text(name)]));
}

/** The filter of the form and of the export. What is no time filters nothing. */
export function auditFilter(query: Query): Omit<AuditQuery, 'limit'> {
  const text = (name: (typeof NAMES)[number]): string | undefined => query.text(name) || undefined;
  const since = parseInstant(query.text('since'));
  const until = parseInstant(query.text('until'));
  const [actor, action, subject, requestId] = [text('actor'), text('action'), text('subject'), text('request')];
  return {
    ...(actor !== undefined && { actor }),
    ...(action !== undefined && { action }),
    ...(subject !== undefined && { subject: subject.includes(':') ? subject : `user:${subject}` }),
    ...(requestId !== undefined && { requestId }),
    ...(since !== null && { since }),
    ...(until !== null && { until }),
  };
}

const ACTORS = {
  token: 'identity providers',
  admin: 'administrators',
  cli: 'command line',
  bridge: 'the bridge itself',
} as const;
const ACTIONS = {
  user: 'users',
  group: 'groups',
  token: 'tokens',
  change: 'changes',
  session: 'signing in',
  workspace: 'workspace',
} as const;

function filterForm(query: Query): Html {
  return html`<form method="get" action="${path(['audit'])}" class="filters" role="search" aria-label="Filter">
    ${choice('actor', 'By', { everything: 'everybody', texts: ACTORS }, query)}
    ${choice('action', 'About', { everything: 'everything', texts: ACTIONS }, query)}
    <div>
      <label for="since">From (UTC)</label
      ><input type="datetime-local" id="since" name="since" value="${query.text('since')}" />
    </div>
    <div>
      <label for="until">Until (UTC)</label
      ><input type="datetime-local" id="until" name="until" value="${query.text('until')}" />
    </div>
    <div>
      <label for="request">Request</label
      ><input id="request" name="request" value="${query.text('request')}" autocomplete="off" maxlength="200" />
    </div>
    <button>Filter</button>
    <a href="${path(['audit'])}">Reset</a>
  </form>`;
}

/** A value from outside that is none of the choices stays chosen: a link may name one label. */
function choice(
  name: string,
  label: string,
  { everything, texts }: { readonly everything: string; readonly texts: Readonly<Record<string, string>> },
  query: Query,
): Html {
  const value = query.text(name);
  const isOther = value !== '' && !Object.hasOwn(texts, value);
  return html`<div>
    <label for="${name}">${label}</label>
    <select id="${name}" name="${name}">
      <option value="">${everything}</option>
      ${Object.entries(texts).map(([key, text]) => html`<option value="${key}" ${key === value && html`selected`}>${text}</option>`)}
      ${isOther && html`<option value="${value}" selected>${value}</option>`}
    </select>
  </div>`;
}
