/** `explain <e-mail>`: which rule or IdP write caused each seat, group, share and lock. */
import type { Command } from 'commander';
import { explain } from '../domain/explain.js';
import type { Explanation } from '../domain/explanation.js';
import { renderExplanation } from '../domain/explain-text.js';
import { planPerson } from '../domain/plan.js';
import type { WorkspaceGroupId } from '../domain/types.js';
import type { PersonRef, RefusedRequest } from '../store/port.js';
import { CommandError, type CommandContext, type Opened } from './context.js';
import { act, withJson, type Json } from './define.js';
import { findPerson } from './find.js';
import { freshGuards } from './fresh-guards.js';
import type { Output } from './output.js';
import { refusalText, refusalToJson } from './refusals.js';

const LEDGER_ROWS = 500;
/** Below the mark that an item begins with. */
const MARGIN = 5;

export function explainCommand(program: Command, context: CommandContext): void {
  withJson(program.command('explain'))
    .description('say why a person has, or lacks, access, seat, groups and shares')
    .argument('<e-mail>', 'e-mail address, user name or id')
    .action(
      act(context, (text: string, { json }: Json) =>
        context.withStore(async (opened) => {
          const person = await findPerson(opened.store, text);
          const explained = await explainPerson(opened, person, context);
          if (json === true)
            context.output.json({ ...explained.explanation, refusedRequest: refusalToJson(explained.refusedRequest) });
          else printExplained(explained, context.output);
        }),
      ),
    );
}

export interface Explained {
  readonly explanation: Explanation;
  readonly refusedRequest: RefusedRequest | null;
}

export async function explainPerson(opened: Opened, ref: PersonRef, context: CommandContext): Promise<Explained> {
  const { store, rules } = opened;
  const now = context.shell.clock.now();
  const person = await store.person(ref.id);
  if (person === null) throw new CommandError(`${ref.userName} has just gone.`);
  const [ledger, groups, standing, { seats }, { unlinked, refusedRequest }] = await Promise.all([
    store.ledger({ subject: `user:${ref.id}`, limit: LEDGER_ROWS }),
    store.groups(),
    store.standingShares(ref.id),
    store.limitInputs([]),
    store.besideThePlan(ref.id),
  ]);
  const names = new Map(groups.map((group) => [group.groupId, group.name]));
  const guards = await freshGuards(opened, context);
  const { notes } = await guards.sort(
    planPerson(person, rules, now).changes,
    { person, isDrift: person.isConverged },
    now,
  );
  const groupName = (id: WorkspaceGroupId): string | null => names.get(id) ?? null;
  const explanation = explain({ person, rules, ledger, now, groupName, notes, standing, unlinked, seats });
  return { explanation, refusedRequest };
}

/** One line per item, folded on a terminal. */
export function printExplained({ explanation, refusedRequest }: Explained, { paragraph, colours }: Output): void {
  for (const line of renderExplanation(explanation).split('\n'))
    paragraph(line.replace(/^ok\b/, colours.green).replace(/^open\b/, colours.yellow), MARGIN);
  if (refusedRequest !== null) paragraph(refusalText(refusedRequest), MARGIN);
}
