/** `audit verify`, `audit export`: the audit log as evidence. */
import { readFileSync } from 'node:fs';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { auditExport, type ExportFormat } from '../admin/audit-export.js';
import { EXIT } from '../errors.js';
import type { AuditCheckpoint, AuditQuery, AuditVerdict } from '../store/port.js';
import { CommandError, type CommandContext } from './context.js';
import { act, timeOption, withJson, type Json } from './define.js';
import { count, type Output } from './output.js';

interface VerifyOptions extends Json {
  readonly checkpoint?: readonly AuditCheckpoint[];
  readonly log?: string;
}

interface ExportOptions {
  readonly format: ExportFormat;
  readonly since?: number;
  readonly until?: number;
  readonly actor?: string;
  readonly action?: string;
  readonly subject?: string;
}

export function auditCommands(program: Command, context: CommandContext): void {
  const audit = program.command('audit').description('the audit log as evidence');
  const time = timeOption(() => context.shell.clock.now());
  withJson(audit.command('verify'))
    .description('whether a row of the audit log was edited, removed or put in, and which; 1 = yes')
    .option(
      '--checkpoint <row:hash>',
      'a row and how its hash begins (12 digits or more), from outside; may be repeated',
      addCheckpoint,
    )
    .option('--log <file>', 'compare with all rows and checkpoints in a log of the bridge')
    .action(act(context, (options: VerifyOptions) => verify(context, options)));
  audit
    .command('export')
    .description('all rows, oldest first, with the field names of OCSF')
    .addOption(new Option('--format <format>', 'what to write').choices(['csv', 'jsonl']).default('jsonl'))
    .option('--since <time>', 'written at or after, such as 2026-01-01 or 90d', time)
    .option('--until <time>', 'written before', time)
    .option('--actor <actor>', 'by whom: token, admin, cli, bridge, or one of them such as token:entra')
    .option('--action <action>', 'what: user, group, token and so on, or one action such as user.update')
    .option('--subject <subject>', 'about whom or what, such as user:<id>')
    .action(act(context, (options: ExportOptions) => exportRows(context, options)));
}

const CHECKPOINT = /^(\d{1,15}):([0-9a-f]{12,64})$/;

function addCheckpoint(text: string, others: readonly AuditCheckpoint[] = []): readonly AuditCheckpoint[] {
  const [, id, hash] = CHECKPOINT.exec(text.toLowerCase()) ?? [];
  if (id === undefined || hash === undefined)
    throw new InvalidArgumentError('It must be <row>:<hash>, such as 1204:9f3ab0c41d22, of a checkpoint.');
  return [...others, { id: Number(id), hash }];
}

async function verify(context: CommandContext, options: VerifyOptions): Promise<number> {
  const { output } = context;
  const logged = options.log === undefined ? [] : checkpointsIn(options.log);
  if (options.log !== undefined && logged.length === 0)
    throw new CommandError(`${options.log} holds no row and no checkpoint of an audit log.`, EXIT.usage);
  return context.withStore(async ({ store, config }) => {
    const verdict = await store.verifyAudit([...(options.checkpoint ?? []), ...logged]);
    if (options.json === true) output.json(verdict);
    else tell(verdict, config.auditKey !== null, output);
    return verdict.findings.length === 0 ? EXIT.ok : EXIT.notDone;
  });
}

/** Lines of other kinds, and what is no line of the log, are passed over. */
function checkpointsIn(file: string): readonly AuditCheckpoint[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new CommandError(`${file} cannot be read.`, EXIT.usage);
  }
  const found = new Map<string, AuditCheckpoint>();
  for (const line of text.split('\n')) {
    const checkpoint = checkpointOf(line);
    if (checkpoint !== null) found.set(`${String(checkpoint.id)}:${checkpoint.hash}`, checkpoint);
  }
  return [...found.values()];
}

interface LogLine {
  readonly audit?: { readonly metadata?: { readonly sequence?: unknown; readonly uid?: unknown } };
  readonly auditCheckpoint?: { readonly id?: unknown; readonly hash?: unknown };
}

function checkpointOf(line: string): AuditCheckpoint | null {
  if (!line.includes('"audit')) return null;
  const start = line.indexOf('{');
  let parsed: LogLine;
  try {
    parsed = JSON.parse(line.slice(start)) as LogLine;
  } catch {
    return null;
  }
  const { audit, auditCheckpoint } = parsed;
  const [id, hash] = [auditCheckpoint?.id ?? audit?.metadata?.sequence, auditCheckpoint?.hash ?? audit?.metadata?.uid];
  return typeof id === 'number' && typeof hash === 'string' ? { id, hash } : null;
}

function tell(verdict: AuditVerdict, hasKey: boolean, { line, note }: Output): void {
  const { rows, last, findings, checkpoints, purged, adoptedUpTo, signedFrom, signedByOthers } = verdict;
  for (const { text } of findings) line(text);
  if (findings.length === 0) line(`The chain of ${count(rows, 'row')} is whole.`);
  if (last !== null) line(`Newest row: ${String(last.id)}:${last.hash}`);
  if (purged > 0) line(`${count(purged, 'row')} emptied by a purge that names ${purged === 1 ? 'it' : 'them'}.`);
  if (adoptedUpTo !== null)
    note(
      `Rows up to ${String(adoptedUpTo)} are from a version without a chain: changes before the upgrade are not found.`,
    );
  if (checkpoints > 0) line(`${count(checkpoints, 'checkpoint')} from outside agree${checkpoints === 1 ? 's' : ''}.`);
  else note('Without --checkpoint or --log, rows removed at the end and a log written anew are not found.');
  if (signedFrom === null) note('No row is signed: see AUDIT_KEY.');
  else if (!hasKey)
    note(`Rows are signed from ${String(signedFrom)} on; AUDIT_KEY is not set, so no signature was checked.`);
  else line(`Rows are signed from ${String(signedFrom)} on.`);
  if (hasKey && signedByOthers > 0)
    note(`${count(signedByOthers, 'row')} signed with another key: set AUDIT_KEY to that one to check them.`);
}

async function exportRows(context: CommandContext, options: ExportOptions): Promise<void> {
  const { format, ...given } = options;
  const filter: Omit<AuditQuery, 'limit'> = given;
  await context.withStore(async ({ store }) => {
    for await (const text of auditExport(store, filter, format))
      for (const row of text.replaceAll('\r\n', '\n').trimEnd().split('\n')) context.output.line(row);
  });
}
