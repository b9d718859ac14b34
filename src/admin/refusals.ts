/** Requests that were answered with an error. */
import type { Millis } from '../domain/types.js';
import type { RefusedRequest } from '../store/port.js';
import { html, type Html } from './html.js';
import { notice, table } from './parts.js';
import { requestLink } from './timeline.js';
import { ago } from './words.js';

const nameOf = ({ method, template }: RefusedRequest): string => `${method} ${template ?? 'unknown path'}`;

/** One of them, where it is the answer. */
export function refusalNotice(refusal: RefusedRequest, now: Millis): Html {
  const { at, status, tokenLabel, detail, requestId } = refusal;
  return notice(
    'bad',
    html`<p>
      <strong>A request was refused ${ago(at, now)}.</strong> ${tokenLabel !== null && `“${tokenLabel}” sent `}<code
        >${nameOf(refusal)}</code
      >
      and was told ${status}: <span class="wrap">${detail}</span> ${requestLink(requestId)}
    </p>`,
  );
}

/** Several of them; `empty`: what is said where there is none. */
export function refusalTable(refusals: readonly RefusedRequest[], now: Millis, empty: string): Html {
  return table(
    'Refused requests',
    [{ name: 'Request', kind: 'words' }, { name: 'Told' }, { name: 'When' }, { name: 'Trace' }],
    refusals.map((refusal) => [
      html`<code>${nameOf(refusal)}</code
        >${refusal.tokenLabel !== null && html`<span class="sub">${refusal.tokenLabel}</span>`}`,
      html`<span class="wrap">${refusal.status}: ${refusal.detail}</span>`,
      ago(refusal.at, now),
      requestLink(refusal.requestId),
    ]),
    empty,
  );
}
