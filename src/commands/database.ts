/** `migrate`, `backup`, `restore`: the database as a file. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { EXIT, StartError } from '../errors.js';
import { CommandError, requireDatabase, type CommandContext } from './context.js';
import { act, withYes, type Yes } from './define.js';
import type { CarriedOver } from '../store/carry-over.js';
import { count, iso, type Output } from './output.js';
import { accept } from './plan.js';
import { DRY_RUN_UNTIL_ACCEPTED, RESTORED_AT } from './restored.js';

interface Force {
  readonly force?: boolean;
}

export function databaseCommands(program: Command, context: CommandContext): void {
  program
    .command('migrate')
    .description('bring the database up to date without serving')
    .action(act(context, () => migrateDatabase(context)));
  program
    .command('backup')
    .description('copy the database, also while the bridge serves; the copy is opened and checked')
    .argument('<file>', 'where to put the copy; readable by you alone')
    .option('--force', 'overwrite the file')
    .action(act(context, (file: string, options: Force) => backup(context, file, options)));
  const restore = program
    .command('restore')
    .description('put a backup in the place of the database; refused while the bridge serves')
    .argument('[file]', 'the backup')
    .option('--force', 'also where the backup belongs to another workspace');
  withYes(restore).action(
    act(context, (file: string | undefined, options: Yes & Force) => {
      if (file === undefined)
        throw new CommandError('Say which backup: restore <file>, or restore accept.', EXIT.usage);
      return restoreBackup(context, file, options);
    }),
  );
  withYes(restore.command('accept'))
    .description('the same as `plan --accept`: show the plan, ask, and let the bridge work again')
    .action(act(context, (options: Yes) => accept(context, options)));
}

async function migrateDatabase(context: CommandContext): Promise<void> {
  const { databasePath } = context.config();
  const [{ openConnection }, { migrate }] = await Promise.all([
    import('../store/connection.js'),
    import('../store/migrate.js'),
  ]);
  const db = openConnection(databasePath);
  try {
    const done = migrate(db);
    context.output.line(
      done.length === 0 ? `${databasePath} is up to date.` : `${databasePath}: ${done.join(', ')} done.`,
    );
  } finally {
    db.close();
  }
}

async function backup({ config, output }: CommandContext, file: string, { force }: Force): Promise<void> {
  const databasePath = requireDatabase(config());
  if (path.resolve(file) === path.resolve(databasePath)) throw new CommandError('That is the database itself.');
  if (existsSync(file) && force !== true)
    throw new CommandError(`${file} exists already: take another name, or say --force.`);
  const { backupDatabase } = await import('../store/database-file.js');
  const progress = output.progress('Copying', 100);
  const facts = await backupDatabase(databasePath, file, (done, total) =>
    progress.at(total === 0 ? 100 : (done / total) * 100),
  );
  progress.end();
  const contents = `${count(facts.users, 'user')}, ${count(facts.groups, 'group')}, ${String(facts.bytes)} bytes`;
  output.line(`${file}: ${contents}; opened and checked.`);
}

async function restoreBackup(context: CommandContext, file: string, options: Yes & Force): Promise<void> {
  const { output, shell } = context;
  const { databasePath } = context.config();
  const [{ inspectDatabase, replaceDatabase }, { acquireServingLock, isServed }] = await Promise.all([
    import('../store/database-file.js'),
    import('../store/serving-lock.js'),
  ]);
  if (isServed(databasePath))
    throw new StartError(EXIT.secondProcess, `The bridge serves ${databasePath}: stop it first.`);
  if (path.resolve(file) === path.resolve(databasePath)) throw new CommandError('That is the database itself.');
  const facts = inspectDatabase(file);
  if (facts.damage.length > 0) throw new CommandError(`${file} is damaged: ${facts.damage.slice(0, 3).join('; ')}.`);
  checkWorkspace(facts.workspace, await workspaceOf(databasePath), file, options);
  const contents = `${count(facts.users, 'user')}, ${count(facts.groups, 'group')}`;
  await context.confirm(
    `Put ${file} (${contents}) in the place of ${databasePath}? The present database is kept beside it. ` +
      'The bridge then starts in dry run until you accept the restored state; tokens are those of the backup, and what was revoked since stays revoked.',
    options,
  );
  const lock = acquireServingLock(databasePath);
  try {
    const now = shell.clock.now();
    const stamp = iso(now).replaceAll(/[-:]/g, '');
    const marks = { [DRY_RUN_UNTIL_ACCEPTED]: 'true', [RESTORED_AT]: String(now) };
    const { actor, requestId } = context.writer();
    const { auditKey } = context.config();
    const note = { clock: shell.clock, actor, requestId, backup: path.basename(file), auditKey };
    const { kept, carried } = await replaceDatabase(file, databasePath, stamp, marks, note);
    output.line(`${databasePath} is restored from ${file}.`);
    if (kept !== null) output.line(`What was there before is ${kept}.`);
    if (facts.pending.length > 0) output.line(`Migrations that were run on it: ${facts.pending.join(', ')}.`);
    tellCarriedOver(carried, output);
    output.line('Next: start the bridge, look at `plan` after its first reading, then `plan --accept`.');
  } finally {
    lock.release();
  }
}

function tellCarriedOver({ auditRows, revoked, lost, problems }: CarriedOver, { line, note }: Output): void {
  if (auditRows > 0) line(`${count(auditRows, 'row')} of the audit log that the backup lacks are kept.`);
  if (revoked.length > 0) line(`Still revoked, or ended: ${revoked.join(', ')}.`);
  if (lost.length > 0)
    note(`Tokens made since the backup are gone: ${lost.join(', ')}. Make new ones where they are used.`);
  for (const problem of problems) note(problem);
}

/** Null where there is no database, or none that can be read: that may be the reason to restore. */
async function workspaceOf(file: string): Promise<string | null> {
  const { inspectDatabase } = await import('../store/database-file.js');
  try {
    return existsSync(file) ? inspectDatabase(file, 'quick').workspace : null;
  } catch (error) {
    if (error instanceof StartError) return null;
    throw error;
  }
}

function checkWorkspace(found: string | null, present: string | null, file: string, { force }: Force): void {
  if (found === null || present === null || found === present || force === true) return;
  throw new CommandError(
    `${file} belongs to the workspace ${found}, the present database to ${present}. ` +
      'If that is meant, say --force; the API key has to be of the workspace of the backup.',
  );
}
