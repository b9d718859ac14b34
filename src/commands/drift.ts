/** `drift`: what in the workspace is not as it was once settled, and what became of it. */
import type { Command } from 'commander';
import { DRIFT_WORDS } from '../domain/drift.js';
import { EXIT } from '../errors.js';
import type { CommandContext } from './context.js';
import { act, wholeNumber, withJson, type Json } from './define.js';
import { iso } from './output.js';
import { readFreshly } from './sync.js';

interface DriftOptions extends Json {
  readonly all?: boolean;
  readonly fresh?: boolean;
  readonly limit: number;
}

export function driftCommand(program: Command, context: CommandContext): void {
  withJson(program.command('drift'))
    .description('list what was changed by hand at ElevenLabs; exit code 2 when something is still otherwise')
    .option('--all', 'also what was repaired or has gone')
    .option('--fresh', 'read the workspace first')
    .option('--limit <number>', 'at most so many, the youngest', wholeNumber(1, 1_000_000), 10_000)
    .action(act(context, (options: DriftOptions) => drift(context, options)));
}

async function drift(context: CommandContext, { all, fresh, limit, json }: DriftOptions): Promise<number> {
  const { output } = context;
  if (fresh === true) {
    const { problem } = await readFreshly(context, { timeoutSeconds: 60, acceptSmaller: false });
    if (problem !== null) output.note(`The workspace could not be read: ${problem}.`);
  }
  return context.withStore(async ({ store }) => {
    const open = await store.drift({ open: true, limit });
    const ended = all === true ? await store.drift({ open: false, limit }) : [];
    const rows = [...open, ...ended].slice(0, limit);
    const people = await store.peopleOf([...new Set(rows.map(({ subject }) => subject))]);
    const nameOf = (subject: string): string => people.get(subject)?.userName ?? subject;
    if (json === true) {
      output.json(
        rows.map((row) => ({
          ...row,
          userName: people.get(row.subject)?.userName ?? null,
          foundAt: iso(row.foundAt),
          endedAt: iso(row.endedAt),
        })),
      );
    } else {
      output.table(
        ['Person', 'Kind', 'What', 'Found', 'Ended', 'Outcome'],
        rows.map((row) => [
          nameOf(row.subject),
          DRIFT_WORDS[row.kind],
          row.detail,
          iso(row.foundAt),
          iso(row.endedAt),
          row.outcome ?? 'open',
        ]),
        'There is no drift.',
      );
    }
    return open.length > 0 ? EXIT.attention : EXIT.ok;
  });
}
