/** `explain <e-mail>`: which rule or IdP write caused each seat, group, share and lock. */
import type { Command } from 'commander';
import { explain, type Explanation } from '../domain/explain.js';
import { renderExplanation } from '../domain/explain-text.js';
import type { Millis } from '../domain/types.js';
import type { PersonRef } from '../store/port.js';
import { CommandError, type CommandContext, type Opened } from './context.js';
import { act, withJson, type Json } from './define.js';
import { findPerson } from './find.js';

const LEDGER_ROWS = 500;

export function explainCommand(program: Command, context: CommandContext): void {
  withJson(program.command('explain'))
    .description('say why a person has, or lacks, access, seat, groups and shares')
    .argument('<e-mail>', 'e-mail address, user name or id')
    .action(
      act(context, (text: string, { json }: Json) =>
        context.withStore(async (opened) => {
          const person = await findPerson(opened.store, text);
          const explained = await explainPerson(opened, person, context.shell.clock.now());
          if (json === true) context.output.json(explained.explanation);
          else context.output.line(explained.text);
        }),
      ),
    );
}

export async function explainPerson(
  { store, rules }: Opened,
  ref: PersonRef,
  now: Millis,
): Promise<{ readonly explanation: Explanation; readonly text: string }> {
  const person = await store.person(ref.id);
  if (person === null) throw new CommandError(`${ref.userName} has just gone.`);
  const [ledger, groups] = await Promise.all([
    store.ledger({ subject: `user:${ref.id}`, limit: LEDGER_ROWS }),
    store.groups(),
  ]);
  const names = new Map(groups.map((group) => [group.groupId, group.name]));
  const explanation = explain({ person, rules, ledger, now, groupName: (id) => names.get(id) ?? null });
  return { explanation, text: renderExplanation(explanation) };
}
