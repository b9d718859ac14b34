/** `held list|release|drop`: changes that the brake or the invite limit keeps back. */
import type { Command } from 'commander';
import { cleanText, describeChange } from '../domain/refusal.js';
import { EXIT } from '../errors.js';
import type { HeldFilter, LedgerRow, PersonRef, Store } from '../store/port.js';
import { CommandError, type CommandContext } from './context.js';
import { act, withJson, withYes, type Json, type Yes } from './define.js';
import { findPerson } from './find.js';
import { count, iso, span } from './output.js';

interface DecideOptions extends Yes {
  readonly all?: boolean;
}

type Verb = 'release' | 'drop';

const WORDS: Readonly<
  Record<Verb, { readonly description: string; readonly question: string; readonly done: string }>
> = {
  release: {
    description: 'let held changes go, whatever limit held them',
    question: 'Release them? The bridge makes these calls now.',
    done: 'released',
  },
  drop: {
    description: 'drop held changes: they are not made before the IdP next writes the user',
    question: 'Drop them? Whoever should lose access keeps it until the IdP writes the user again.',
    done: 'dropped',
  },
};

const MOST = 100_000;
const MOST_SHOWN = 20;

export function heldCommands(program: Command, context: CommandContext): void {
  const held = program.command('held').description('changes that are held back until somebody has looked at them');
  withJson(held.command('list'))
    .description('list held changes, and why they are held')
    .action(act(context, (options: Json) => list(context, options)));
  for (const verb of ['release', 'drop'] as const) {
    withYes(held.command(verb))
      .description(WORDS[verb].description)
      .argument('[e-mail]', 'of one person: e-mail address, user name or id')
      .option('--all', 'of everybody')
      .action(act(context, (text: string | undefined, options: DecideOptions) => decide(context, verb, text, options)));
  }
}

interface Held {
  readonly rows: readonly LedgerRow[];
  readonly people: ReadonlyMap<string, PersonRef>;
}

async function heldOf(store: Store, filter: HeldFilter): Promise<Held> {
  const rows = await store.ledger({ ...filter, states: ['held'], limit: MOST });
  return { rows, people: await store.peopleOf([...new Set(rows.map(({ subject }) => subject))]) };
}

const nameOf = ({ subject }: LedgerRow, people: Held['people']): string => {
  const person = people.get(subject);
  return person?.address ?? person?.userName ?? subject;
};

async function list({ output, shell, withStore }: CommandContext, { json }: Json): Promise<void> {
  await withStore(async ({ store }) => {
    const { rows, people } = await heldOf(store, {});
    if (json === true) {
      output.json(
        rows.map((row) => ({
          id: row.id,
          subject: row.subject,
          userName: people.get(row.subject)?.userName ?? null,
          address: people.get(row.subject)?.address ?? null,
          change: row.change,
          why: row.why,
          policy: row.errorCode,
          reason: row.error,
          cause: row.cause,
          since: iso(row.createdAt),
        })),
      );
      return;
    }
    const now = shell.clock.now();
    output.table(
      ['Person', 'Change', 'Why', 'Held because', 'For', 'Request'],
      rows.map((row) => {
        const name = nameOf(row, people);
        const what = describeChange(row.change, { person: name });
        return [name, what, row.why, row.error, span(now - row.createdAt), row.cause];
      }),
      'Nothing is held.',
    );
  });
}

async function decide(
  context: CommandContext,
  verb: Verb,
  text: string | undefined,
  options: DecideOptions,
): Promise<void> {
  if ((text === undefined) === (options.all !== true))
    throw new CommandError(`Say whose: held ${verb} <e-mail>, or held ${verb} --all.`, EXIT.usage);
  const { output } = context;
  await context.withStore(async ({ store }) => {
    const filter = text === undefined ? {} : { subject: `user:${(await findPerson(store, text)).id}` };
    const { rows, people } = await heldOf(store, filter);
    if (rows.length === 0)
      throw new CommandError(text === undefined ? 'Nothing is held.' : `Nothing of ${text} is held.`);
    for (const row of rows.slice(0, MOST_SHOWN))
      output.note(
        `  ${describeChange(row.change, { person: nameOf(row, people) })}: ${cleanText(row.error ?? row.why)}`,
      );
    if (rows.length > MOST_SHOWN) output.note(`  and ${String(rows.length - MOST_SHOWN)} more`);
    await context.confirm(`${count(rows.length, 'change')} held. ${WORDS[verb].question}`, options);
    const { actor, requestId } = context.writer();
    // What was shown is what is decided: something may have been held meanwhile.
    const ids = { ids: rows.map(({ id }) => id) };
    const decided =
      verb === 'release'
        ? await store.releaseHeld(ids, { actor, requestId })
        : await store.dropHeld(ids, { actor, requestId });
    output.line(`${count(decided, 'change')} ${WORDS[verb].done}.`);
  });
}
