/** What somebody changed in the workspace by hand. */
import { DRIFT_WORDS } from '../../domain/drift.js';
import type { DriftRow } from '../../store/port.js';
import type { PageContext } from '../context.js';
import { html, type Content } from '../html.js';
import type { Page } from '../layout.js';
import { nameLookup } from '../names.js';
import { card, live, table } from '../parts.js';
import { subjectLink } from '../timeline.js';
import { ago } from '../words.js';

const MOST = 200;

export async function driftPage(context: PageContext): Promise<Page> {
  const { store, facts } = context;
  const [open, ended] = await Promise.all([
    store.drift({ open: true, limit: MOST }),
    store.drift({ open: false, limit: 50 }),
  ]);
  const nameOf = await nameLookup(
    context,
    [...open, ...ended].map(({ subject }) => subject),
  );
  return {
    title: 'Drift',
    section: 'drift',
    lead:
      facts.drift === 'enforce'
        ? 'What was changed by hand at ElevenLabs is found at each full reading and put back (DRIFT=enforce). Locks and removals made by hand stay.'
        : 'What was changed by hand at ElevenLabs is found at each full reading and listed (DRIFT=report). Leavers are locked again in any case.',
    main: [
      card(
        'Open',
        live(
          'drift-open',
          table(
            'Open differences',
            COLUMNS,
            open.map((row) => cells(row, context, nameOf)),
            'The workspace is as the directory wants it.',
          ),
          true,
        ),
      ),
      ended.length > 0 &&
        card(
          'Ended',
          live(
            'drift-ended',
            table(
              'Ended differences',
              [...COLUMNS, { name: 'End' }],
              ended.map((row) => [...cells(row, context, nameOf), endText(row, context)]),
              '',
            ),
          ),
        ),
    ],
  };
}

const COLUMNS = [{ name: 'Who' }, { name: 'What' }, { name: 'Found' }] as const;

function cells(
  { subject, kind, detail, foundAt }: DriftRow,
  { now }: PageContext,
  nameOf: (subject: string) => string | null,
): readonly Content[] {
  return [
    subjectLink(subject, nameOf),
    html`<span class="name">${DRIFT_WORDS[kind]}</span><span class="sub">${detail}</span>`,
    ago(foundAt, now),
  ];
}

const endText = ({ endedAt, outcome }: DriftRow, { now }: PageContext): Content =>
  html`${outcome} ${ago(endedAt, now)}`;
