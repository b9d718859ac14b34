/** `undo`: puts the directory back to what it was, after a mistake in the IdP. */
import type { Command } from 'commander';
import { EXIT } from '../errors.js';
import type { UndoItem } from '../store/port.js';
import { CommandError, type CommandContext } from './context.js';
import { act, timeOption, withYes, type Json, type Yes } from './define.js';
import { count, iso } from './output.js';

interface UndoOptions extends Json, Yes {
  readonly since: number;
}

const WORDS: Readonly<Record<UndoItem['what'], string>> = {
  changed: 'put back',
  restored: 'restored',
  disabled: 'disabled',
  members: 'members',
};

export function undoCommand(program: Command, context: CommandContext): void {
  const time = timeOption(() => context.shell.clock.now());
  withYes(program.command('undo'))
    .description(
      'put users, groups and members back to what they were at a time, as far as an IdP has written them since; ' +
        'what this would take away is held until the IdP next writes the user',
    )
    .requiredOption('--since <time>', 'undo what was written since, such as 2026-11-24T08:00:00Z or 2h', time)
    .option('--json', 'as JSON, for scripts; without --yes nothing is done')
    .action(act(context, (options: UndoOptions) => undo(context, options)));
}

async function undo(context: CommandContext, options: UndoOptions): Promise<number> {
  const { output, shell } = context;
  const { since } = options;
  if (since > shell.clock.now()) throw new CommandError('--since is in the future.', EXIT.usage);
  return context.withStore(async ({ store }) => {
    const { items, upTo } = await store.previewUndo(since);
    // A script looks first, and says --yes when it means it.
    if (options.json === true && options.yes !== true) {
      output.json({ since: iso(since), done: false, items });
      return EXIT.ok;
    }
    if (options.json !== true) show(context, items, since);
    const doable = items.filter(({ problem }) => problem === null).length;
    if (doable > 0) await context.confirm(questionAbout(doable), options);
    // Not `cli`: IdPs alone write the directory otherwise, and this is an administrator's word.
    const writer = { actor: 'admin:cli', requestId: context.writer().requestId };
    const done = doable === 0 ? items : await store.undo({ since, upTo }, writer);
    const written = done.filter(({ problem }) => problem === null).length;
    if (options.json === true) output.json({ since: iso(since), done: true, items: done });
    else if (written > 0) output.line(`${count(written, 'change')} written; \`held list\` shows what is held by it.`);
    return written === done.length ? EXIT.ok : EXIT.notDone;
  });
}

const questionAbout = (changes: number): string =>
  `Write ${count(changes, 'change')} to the directory? What they give back is sent to the workspace; ` +
  'what they take away is held until the IdP next writes the user.';

function show({ output }: CommandContext, items: readonly UndoItem[], since: number): void {
  output.table(
    ['Who', 'What', 'Why', 'Not done because'],
    items.map(({ name, what, detail, problem }) => [
      name,
      problem === null ? WORDS[what] : 'left alone',
      detail,
      problem,
    ]),
    `Nothing was written by an IdP since ${iso(since)} that is not as it was.`,
  );
}
