/** `held list|release|drop`: changes that the brake or the invite limit keeps back. */
import type { Command } from 'commander';
import { describeChange } from '../domain/refusal.js';
import type { LedgerRow, PersonRef, Store } from '../store/port.js';
import type { CommandContext } from './context.js';
import { act, withJson, type Json } from './define.js';
import { iso, span } from './output.js';

const MOST = 100_000;

export function heldCommands(program: Command, context: CommandContext): void {
  const held = program.command('held').description('changes that are held back until somebody has looked at them');
  withJson(held.command('list'))
    .description('list held changes')
    .action(act(context, (options: Json) => list(context, options)));
}

async function heldRows(
  store: Store,
): Promise<{ readonly rows: readonly LedgerRow[]; readonly people: ReadonlyMap<string, PersonRef> }> {
  const rows = await store.ledger({ states: ['held'], limit: MOST });
  return { rows, people: await store.peopleOf([...new Set(rows.map(({ subject }) => subject))]) };
}

async function list({ output, shell, withStore }: CommandContext, { json }: Json): Promise<void> {
  await withStore(async ({ store }) => {
    const { rows, people } = await heldRows(store);
    if (json === true) {
      output.json(
        rows.map((row) => ({
          id: row.id,
          subject: row.subject,
          userName: people.get(row.subject)?.userName ?? null,
          address: people.get(row.subject)?.address ?? null,
          change: row.change,
          why: row.why,
          cause: row.cause,
          since: iso(row.createdAt),
        })),
      );
      return;
    }
    const now = shell.clock.now();
    output.table(
      ['Person', 'Change', 'Why', 'Held for', 'Request'],
      rows.map((row) => {
        const person = people.get(row.subject);
        const name = person?.address ?? person?.userName ?? row.subject;
        return [name, describeChange(row.change, { person: name }), row.why, span(now - row.createdAt), row.cause];
      }),
      'Nothing is held.',
    );
  });
}
