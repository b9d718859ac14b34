/** The pieces that pages are put together from. */
import type { PageContext } from './context.js';
import { html, path, type Content, type Html } from './html.js';
import type { Word } from './words.js';

export function pill({ text, tone }: Word): Html {
  return html`<span class="pill ${tone}">${text}</span>`;
}

/** A part of the page that the script keeps up to date; `politely`: changes are read out. */
export function live(id: string, content: Content, politely = false): Html {
  return html`<div id="${id}" data-live ${politely && html`aria-live="polite"`}>${content}</div>`;
}

export function card(
  title: string,
  content: Content,
  options: { readonly id?: string; readonly aside?: Content } = {},
): Html {
  const id = options.id ?? idOf(title);
  return html`<section class="card" aria-labelledby="${id}">
    <div class="card-head">
      <h2 id="${id}">${title}</h2>
      ${options.aside}
    </div>
    ${content}
  </section>`;
}

const idOf = (title: string): string => title.toLowerCase().replace(/[^a-z0-9]+/g, '-');

export interface Column {
  readonly name: string;
  /** Shown to screen readers only. */
  readonly isHidden?: boolean;
  /** `number`: to the right. `words`: wide enough that words are whole. */
  readonly kind?: 'number' | 'words';
}

/** A table that becomes a list of cards on a phone: each cell knows the name of its column. */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly Content[])[],
  empty: Content,
): Html {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`;
  const heads = columns.map(
    ({ name, isHidden, kind }) =>
      html`<th scope="col" class="${kind}">${isHidden === true ? html`<span class="sr">${name}</span>` : name}</th>`,
  );
  // The roles keep their meaning where the style sheet turns rows into blocks.
  return html`<table role="table">
    <caption class="sr">
      ${caption}
    </caption>
    <thead role="rowgroup">
      <tr role="row">
        ${heads}
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${rows.map(
        (row) =>
          html`<tr role="row">
            ${row.map((cell, index) => cellOf(cell, columns[index], index))}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function cellOf(cell: Content, column: Column | undefined, index: number): Html {
  const label = column?.isHidden === true ? '' : column?.name;
  if (index === 0) return html`<th scope="row" role="rowheader" class="${column?.kind}"><div>${cell}</div></th>`;
  return html`<td role="cell" class="${column?.kind}" data-label="${label}"><div>${cell}</div></td>`;
}

/** Name and value pairs. */
export function facts(pairs: readonly (readonly [string, Content])[]): Html {
  return html`<dl class="facts">
    ${pairs.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

export interface ActionForm {
  /** Below the page: `['users', id, 'retry']`. */
  readonly to: readonly string[];
  readonly label: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly content?: Content;
  readonly kind?: 'primary' | 'danger' | 'quiet';
  /** What a screen reader hears in place of the label, where many buttons have the same one. */
  readonly about?: string;
}

/** A form that changes something: always a POST, always with the session's CSRF token. */
export function actionForm(context: Pick<PageContext, 'csrfToken'>, form: ActionForm): Html {
  const { to, label, fields = {}, content, kind = 'quiet', about } = form;
  return html`<form method="post" action="${path(to)}" class="action">
    <input type="hidden" name="csrf" value="${context.csrfToken}" />
    ${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
    ${content}
    <button class="${kind}" ${about !== undefined && html`aria-label="${`${label}: ${about}`}"`}>${label}</button>
  </form>`;
}

/** A change that cannot be taken back is asked for twice; without a script as well. */
export function confirmed(
  context: Pick<PageContext, 'csrfToken'>,
  id: string,
  question: Content,
  form: ActionForm,
): Html {
  const { about } = form;
  return html`<details class="confirm" id="${id}">
    <summary ${about !== undefined && html`aria-label="${`${form.label}: ${about}`}"`}>${form.label}…</summary>
    <div class="sheet">
      <p>${question}</p>
      ${actionForm(context, form)}
    </div>
  </details>`;
}

export function notice(tone: 'good' | 'warn' | 'bad' | 'calm', content: Content): Html {
  return html`<div class="notice ${tone}" role="status">${content}</div>`;
}

/** A value to be taken over elsewhere; the script adds a button that copies it. */
export function copyable(value: string): Html {
  return html`<code class="copyable" data-copy>${value}</code>`;
}

/** Links to the pages before and after; nothing where there is only one. */
export function pager(
  where: readonly string[],
  parameters: Readonly<Record<string, string>>,
  page: { readonly number: number; readonly size: number; readonly total: number },
): Html | null {
  const last = Math.max(1, Math.ceil(page.total / page.size));
  if (last === 1) return null;
  const link = (number: number, text: string, rel: string): Content =>
    number >= 1 &&
    number <= last &&
    html`<a rel="${rel}" href="${path(where, { ...parameters, page: number })}">${text}</a>`;
  return html`<nav class="pager" aria-label="Pages">
    ${link(page.number - 1, '← Previous', 'prev')}
    <span>Page ${page.number} of ${last}</span>
    ${link(page.number + 1, 'Next →', 'next')}
  </nav>`;
}

/** One of several views of a list. */
export function tabs(
  label: string,
  items: readonly {
    readonly text: string;
    readonly count?: number;
    readonly href: string;
    readonly isCurrent: boolean;
  }[],
): Html {
  return html`<nav class="tabs" aria-label="${label}">
    ${items.map(
      ({ text, count, href, isCurrent }) =>
        html`<a href="${href}" ${isCurrent && html`aria-current="page"`}
          >${text}${count !== undefined && html` <span class="count">${count}</span>`}</a
        >`,
    )}
  </nav>`;
}
