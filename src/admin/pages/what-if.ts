/** What SCIM requests would do: a form for them, and the answer. Nothing is changed. */
import { describeChange } from '../../domain/refusal.js';
import type { Json } from '../../domain/types.js';
import type { RehearsedChange, WhatIf } from '../../domain/what-if.js';
import { ScimError } from '../../errors.js';
import type { PageContext, Query } from '../context.js';
import { html, path, type Content } from '../html.js';
import type { Page } from '../layout.js';
import { card, facts, notice, table } from '../parts.js';

/** More is for the command line: the page shares its process with everybody else's requests. */
export const MAX_ON_PAGE = 100;

export function whatIfPage(context: PageContext): Promise<Page> {
  return Promise.resolve(pageOf(context, { requests: '', group: '', users: '' }, null));
}

/** The answer to a form. */
export async function whatIfAnswer(context: PageContext, form: Query): Promise<Page> {
  const given = { requests: form.text('requests'), group: form.text('group'), users: form.text('users') };
  try {
    return pageOf(context, given, resultOf(await context.whatIf(scriptOf(given))));
  } catch (error) {
    if (!(error instanceof ScimError)) throw error;
    return pageOf(context, given, notice('bad', error.message));
  }
}

interface Given {
  readonly requests: string;
  readonly group: string;
  readonly users: string;
}

function scriptOf({ requests, group, users }: Given): Json {
  if (requests === '') {
    const names = users.split(/[\s,;]+/).filter((name) => name !== '');
    return atMost({ assignGroup: group, users: names }, names.length);
  }
  try {
    const script = JSON.parse(requests) as Json;
    return atMost(script, sizeOf(script));
  } catch (error) {
    if (error instanceof ScimError) throw error;
    throw new ScimError(400, 'The requests are not JSON.', { scimType: 'invalidSyntax' });
  }
}

function sizeOf(script: Json): number {
  if (Array.isArray(script)) return script.length;
  const { Operations: operations } = (script ?? {}) as { readonly Operations?: unknown };
  return Array.isArray(operations) ? operations.length : 1;
}

function atMost(script: Json, size: number): Json {
  if (size <= MAX_ON_PAGE) return script;
  throw new ScimError(
    400,
    `The page plays ${String(MAX_ON_PAGE)} requests or people at most. Use the command: plan --what-if FILE.`,
  );
}

function pageOf({ csrfToken }: PageContext, given: Given, result: Content): Page {
  return {
    title: 'What if',
    section: 'whatIf',
    lead: 'What SCIM requests would do. They are played on the database and taken back: nothing is sent, and nothing changes.',
    main: html`
      ${result}
      <form method="post" action="${path(['what-if'])}" class="card stack">
        <input type="hidden" name="csrf" value="${csrfToken}" />
        <h2>Assign a group of the IdP</h2>
        <label for="group">Name of the group</label>
        <input id="group" name="group" value="${given.group}" maxlength="400" autocomplete="off" />
        <label for="users">Its people: user names that are e-mail addresses, one per line</label>
        <textarea id="users" name="users" rows="4" spellcheck="false">${given.users}</textarea>
        <h2>Or SCIM requests</h2>
        <label for="requests">{"method", "path", "body"}, a list of these, or a bulk body, as JSON</label>
        <textarea id="requests" name="requests" rows="8" spellcheck="false">${given.requests}</textarea>
        <button class="primary">What would happen?</button>
      </form>
    `,
  };
}

function resultOf({ requests, calls, held, waiting, seats, isBraked, people }: WhatIf): Content {
  const who = ({ subject }: RehearsedChange): string => people.get(subject)?.userName ?? subject;
  const what = ({ subject, change }: RehearsedChange): string => {
    const person = people.get(subject);
    return describeChange(change, person === undefined ? {} : { person: person.address ?? person.userName });
  };
  const seatsOf = (kind: 'full' | 'basic'): string => {
    const [before, after] = [seats.before, seats.after].map(({ usage, invited }) => [usage[kind], invited[kind]]);
    return `${String(before?.[0])} used and ${String(before?.[1])} invited → ${String(after?.[0])} used and ${String(after?.[1])} invited`;
  };
  const withheld = [...held, ...waiting];
  return html`
    ${isBraked && notice('bad', 'The limit on people who lose access would hold some of these changes.')}
    ${card(
      'Answers to the requests',
      table(
        'Answers',
        [{ name: 'Request' }, { name: 'Status', kind: 'number' }, { name: 'Answer', kind: 'words' }],
        requests.map(({ method, path: at, status, answer }) => [
          `${method} ${at}`,
          String(status),
          html`<details>
            <summary>Show</summary>
            <pre>${answer === null ? 'No body.' : JSON.stringify(answer, null, 2)}</pre>
          </details>`,
        ]),
        'No request would be sent.',
      ),
    )}
    ${card(
      'Calls to ElevenLabs',
      table(
        'Calls',
        [{ name: 'Person' }, { name: 'Call', kind: 'words' }, { name: 'Why', kind: 'words' }],
        calls.map((call) => [
          who(call),
          what(call),
          call.isPlannedAlready ? `${call.why} (planned already)` : call.why,
        ]),
        'No call would be made.',
      ),
    )}
    ${
      withheld.length > 0 &&
      card(
        'Held or waiting',
        table(
          'Held or waiting',
          [{ name: 'Person' }, { name: 'Call', kind: 'words' }, { name: 'Reason', kind: 'words' }],
          withheld.map((call) => [who(call), what(call), call.reason]),
          '',
        ),
      )
    }
    ${card(
      'Seats',
      facts([
        ['Full', seatsOf('full')],
        ['Basic', seatsOf('basic')],
      ]),
    )}
  `;
}
