/** The frame of every page. */
import type { PageContext } from './context.js';
import { html, path, type Content, type Html } from './html.js';
import { actionForm, live, pill } from './parts.js';
import { numberText, type Word } from './words.js';

export type Section =
  'overview' | 'users' | 'invites' | 'changes' | 'groups' | 'drift' | 'trace' | 'whatIf' | 'tokens' | 'setup' | 'audit';

export interface Page {
  readonly title: string;
  readonly section: Section;
  /** What stands beside the heading. */
  readonly actions?: Content;
  /** One sentence below the heading. */
  readonly lead?: Content;
  readonly main: Content;
}

export const SECTIONS: readonly (readonly [Section, string])[] = [
  ['overview', 'Overview'],
  ['users', 'Users'],
  ['invites', 'Invites'],
  ['changes', 'Changes'],
  ['groups', 'Groups'],
  ['drift', 'Drift'],
  ['trace', 'Trace'],
  ['whatIf', 'What if'],
  ['tokens', 'Tokens'],
  ['setup', 'Set up'],
  ['audit', 'Audit log'],
];

const SECTION_PATH: Readonly<Partial<Record<Section, readonly string[]>>> = {
  overview: [],
  whatIf: ['what-if'],
};

/** Where a section is, below /admin. */
export const sectionPath = (section: Section): readonly string[] => SECTION_PATH[section] ?? [section];

/** The whole document for somebody who is signed in. */
export function renderPage(context: PageContext, page: Page): string {
  const { facts, csrfToken, engine } = context;
  return document(
    `${page.title} · SCIM bridge`,
    html`<a class="skip" href="#main">Skip to the content</a>
      <header class="top">
        <a class="brand" href="${path([])}">${LOGO}<span>SCIM bridge</span></a>
        ${facts.isSandbox && html`<span class="tag">Sandbox workspace</span>`}
        ${engine.state.dryRun !== null && html`<span class="tag warn">Dry run</span>`}
        <div class="top-state">${live('top-state', pill(stateOf(context)))}</div>
        ${csrfToken !== '' && actionForm(context, { to: ['logout'], label: 'Sign out' })}
      </header>
      <div class="frame">
        <nav class="side" aria-label="Main">
          <input type="checkbox" id="menu" class="sr" /><label for="menu" class="menu">Menu</label>
          ${live(
            'nav',
            html`<ul>
              ${SECTIONS.map((section) => navItem(section, page.section, context))}
            </ul>`,
          )}
        </nav>
        <main id="main" tabindex="-1">
          <div class="head">
            <div>
              <h1>${page.title}</h1>
              ${page.lead !== undefined && html`<p class="lead">${page.lead}</p>`}
            </div>
            <div class="head-actions">${page.actions}</div>
          </div>
          ${page.main}
        </main>
      </div>`,
  );
}

/** A document for everybody: signing in, errors. */
export function renderPlain(title: string, main: Content): string {
  return document(
    `${title} · SCIM bridge`,
    html`<main id="main" class="plain">
      <div class="brand big">${LOGO}<span>SCIM bridge</span></div>
      ${main}
    </main>`,
  );
}

function document(title: string, body: Html): string {
  const page = html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <meta name="robots" content="noindex" />
      <title>${title}</title>
      <link rel="icon" href="${path(['assets', 'icon.svg'])}" type="image/svg+xml" />
      <link rel="stylesheet" href="${path(['assets', 'style.css'])}" />
      <script src="${path(['assets', 'live.js'])}" defer></script>
    </head>
    <body>
      ${body}
    </body>
  </html>`;
  return `<!doctype html>\n${page.toString()}`;
}

function navItem([section, text]: readonly [Section, string], current: Section, { numbers }: PageContext): Html {
  const { open, driftOpen } = numbers;
  const counts: Partial<Record<Section, number>> = {
    changes: open.held + open.refused + open.ambiguous,
    drift: driftOpen,
  };
  const count = counts[section] ?? 0;
  return html`<li>
    <a href="${path(sectionPath(section))}" ${section === current && html`aria-current="page"`}
      >${text}${count > 0 && html` <span class="count" title="needs attention">${numberText(count)}</span>`}</a
    >
  </li>`;
}

/** The relation to the workspace in a word. */
export function stateOf({ engine, upstream }: Pick<PageContext, 'engine' | 'upstream'>): Word {
  const { phase, readings } = engine.state;
  switch (phase) {
    case 'starting':
      return { text: 'Connecting', tone: 'busy' };
    case 'keyRejected':
      return { text: 'API key rejected', tone: 'bad' };
    case 'otherWorkspace':
      return { text: 'Other workspace', tone: 'bad' };
    case 'stopping':
      return { text: 'Shutting down', tone: 'warn' };
    case 'serving':
      if (readings.doubt !== null) return { text: 'Reading doubted', tone: 'bad' };
      if (readings.error !== null || upstream().breaker !== 'closed')
        return { text: 'ElevenLabs unreachable', tone: 'warn' };
      return { text: 'Connected', tone: 'good' };
  }
}

const LOGO = html`<svg class="logo" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">
  <path d="M2 17c4-9 16-9 20 0" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" />
  <path
    d="M7 12.4V19M12 10.4V19M17 12.4V19"
    fill="none"
    stroke="currentColor"
    stroke-width="2.4"
    stroke-linecap="round"
  />
</svg>`;
