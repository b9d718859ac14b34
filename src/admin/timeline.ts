/** A trace as the page shows it: cause by cause, what was stored, and every call that followed. */
import type { AuditRow, CallRow, LedgerRow, Trace, TraceCause } from '../store/port.js';
import type { JsonObject } from '../domain/types.js';
import { html, path, type Content, type Html } from './html.js';
import { pill } from './parts.js';
import { changeText, instantText, LEDGER_STATE, type Word } from './words.js';

export interface TimelineNames {
  /** Name of a subject, where it is known. */
  readonly nameOf: (subject: string) => string | null;
  readonly groupName: (groupId: string) => string | null;
}

/** Newest first: what happened last is what people ask about. */
export function timeline(trace: Trace, names: TimelineNames, empty: string): Html {
  if (trace.causes.length === 0) return html`<p class="empty">${empty}</p>`;
  return html`<ol class="timeline">
    ${[...trace.causes].reverse().map((cause) => causeItem(cause, names))}
  </ol>`;
}

function causeItem({ cause, at, audit, changes }: TraceCause, names: TimelineNames): Html {
  const [first] = audit;
  const title = first === undefined ? causeText(cause) : html`<strong>${first.action}</strong> by ${first.actor}`;
  return html`<li>
    <div class="cause">
      <time datetime="${new Date(at).toISOString()}">${instantText(at)}</time>
      <span>${title}</span>
      ${cause !== null && html`<a class="id" href="${path(['trace'], { id: cause })}">${cause}</a>`}
    </div>
    ${audit.map((row) => auditItem(row, names, audit.length === 1))}
    ${changes.map(({ row, calls }) => changeItem(row, calls, names))}
  </li>`;
}

function causeText(cause: string | null): Content {
  return cause === null ? 'no known cause' : html`<strong>${cause}</strong>`;
}

/** `isTitled`: the heading of its cause says the action already. */
function auditItem(row: AuditRow, { nameOf }: TimelineNames, isTitled: boolean): Html {
  const { action, subject, version } = row;
  return html`<div class="step">
    <span
      >${!isTitled && html`${action} `}${subject !== null && subjectLink(subject, nameOf)}${version !== null && html` <span class="dim">version ${version}</span>`}</span
    >
    ${difference(row)}
  </div>`;
}

/** Ids are long, and their beginning tells them apart; the whole is there on hover and in the link. */
export function requestLink(id: string): Html {
  const text = UUID.test(id) ? `${id.slice(0, 8)}…` : id;
  return html`<a class="id short" href="${path(['trace'], { id })}" title="${id}">${text}</a>`;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;

export function subjectLink(subject: string, nameOf: (subject: string) => string | null): Html {
  const [kind = '', id = ''] = subject.split(':', 2);
  const text = nameOf(subject) ?? subject;
  return kind === 'user' && id !== ''
    ? html`<a href="${path(['users', id])}">${text}</a>`
    : html`<span class="wrap">${text}</span>`;
}

function changeItem(row: LedgerRow, calls: readonly CallRow[], { nameOf, groupName }: TimelineNames): Html {
  const { change } = row;
  const group = 'groupId' in change ? groupName(change.groupId) : null;
  return html`<div class="step change">
    <div>
      ${pill(LEDGER_STATE[row.state])} ${changeText(change, nameOf(row.subject), group)}
      <span class="dim">${row.why}</span>
    </div>
    ${row.error !== null && row.state !== 'done' && html`<p class="error">${row.error}</p>`}
    ${
      calls.length > 0 &&
      html`<ul class="calls">
        ${calls.map(callItem)}
      </ul>`
    }
  </div>`;
}

const CALL_WORDS: Readonly<Record<string, Word>> = {
  done: { text: 'ok', tone: 'good' },
  found: { text: 'already so', tone: 'good' },
  transient: { text: 'failed, tried again', tone: 'warn' },
  ambiguous: { text: 'no answer', tone: 'warn' },
  refused: { text: 'refused', tone: 'bad' },
};

export function callItem(call: Omit<CallRow, 'ledgerId'>): Html {
  const { endpoint, startedAt, latencyMs, outcome, status, requestId, error } = call;
  return html`<li>
    ${pill(CALL_WORDS[outcome] ?? { text: outcome, tone: outcome === 'ok' ? 'good' : 'warn' })}
    <code>${endpoint}</code>
    <span class="dim"
      >${instantText(startedAt).slice(11)}${latencyMs !== null && html`, ${Math.round(latencyMs)} ms`}${status !== null && html`, HTTP ${status}`}${requestId !== null && html`, ElevenLabs request <span class="id">${requestId}</span>`}</span
    >
    ${error !== null && html`<span class="error">${error}</span>`}
  </li>`;
}

/** Longer values are cut: the export has them whole. */
const LONGEST_VALUE = 120;
const MOST_LINES = 12;

/** What an action changed, attribute by attribute. */
export function difference(row: Pick<AuditRow, 'before' | 'after'>, mostLines = MOST_LINES): Html | null {
  const before = parse(row.before);
  const after = parse(row.after);
  if (before === null && after === null) return null;
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].filter(
    (name) => name !== 'schemas' && short(name, before?.[name]) !== short(name, after?.[name]),
  );
  const shown = names.slice(0, mostLines);
  return html`<ul class="diff">
    ${shown.map((name) => html`<li><code>${shortName(name)}</code> ${before !== null && html`<del>${short(name, before[name])}</del> → `}<ins>${short(name, after?.[name])}</ins></li>`)}
    ${names.length > shown.length && html`<li class="dim">and ${names.length - shown.length} more</li>`}
  </ul>`;
}

function parse(text: string | null): JsonObject | null {
  if (text === null) return null;
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : { value: value as string };
}

const shortName = (name: string): string => name.replace('urn:ietf:params:scim:schemas:extension:', '');

/** A time is stored in milliseconds; people read dates. */
function short(name: string, value: unknown): string {
  if (value === undefined) return '–';
  if (typeof value === 'number' && name.endsWith('At')) return instantText(value);
  const text = plain(value);
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE - 1)}…`;
}

/** Lists as lists: of e-mails their values, of ids the ids. */
function plain(value: unknown): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value) || value.length === 0) return JSON.stringify(value);
  const items = value.map((item: unknown) => {
    if (typeof item === 'object' && item !== null && 'value' in item && typeof item.value === 'string')
      return item.value;
    return typeof item === 'string' ? item : JSON.stringify(item);
  });
  return items.join(', ');
}
