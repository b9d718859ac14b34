/** `report leavers`: the evidence that auditors ask for. */
import type { Command } from 'commander';
import type { Leaver } from '../store/port.js';
import type { CommandContext } from './context.js';
import { act, timeOption, withJson, type Json } from './define.js';
import { besideName, iso, span, type Cell } from './output.js';

interface LeaverOptions extends Json {
  readonly since?: number;
  readonly until?: number;
  readonly csv?: boolean;
}

export function reportCommands(program: Command, context: CommandContext): void {
  const report = program.command('report').description('reports for auditors');
  const time = timeOption(() => context.shell.clock.now());
  withJson(report.command('leavers'))
    .description('who was disabled or deleted when, and when the lock was confirmed')
    .option('--since <time>', 'disabled at or after, such as 2026-01-01 or 90d', time)
    .option('--until <time>', 'disabled before', time)
    .option('--csv', 'as CSV')
    .action(act(context, (options: LeaverOptions) => leavers(context, options)));
}

async function leavers(context: CommandContext, options: LeaverOptions): Promise<void> {
  const { output } = context;
  const query = { since: options.since ?? 0, until: options.until ?? Number.MAX_SAFE_INTEGER };
  await context.withStore(async ({ store }) => {
    const rows = await store.leavers(query);
    if (options.json === true) output.json(rows.map(toJson));
    else if (options.csv === true)
      output.csv(
        CSV_HEAD,
        rows.map((row) => Object.values<Cell>(toJson(row))),
      );
    else {
      output.table(
        ['User', 'E-mail', 'Disabled', 'By', 'Access ended', 'After', 'Outcome', 'Seen locked', 'Restored'],
        rows.map((row) => [
          row.userName,
          besideName(row.address, row.userName),
          iso(row.disabledAt),
          row.by,
          iso(row.accessEndedAt),
          row.accessEndedAt === null ? null : span(row.accessEndedAt - row.disabledAt),
          row.outcome,
          iso(row.seenLockedAt),
          iso(row.restoredAt),
        ]),
        'Nobody was disabled.',
      );
    }
  });
}

/** Also the columns of the CSV, in this order. */
function toJson(row: Leaver): Readonly<Record<(typeof CSV_HEAD)[number], Cell>> {
  return {
    userName: row.userName,
    address: row.address,
    userId: row.userId,
    disabledAt: iso(row.disabledAt),
    deletedAt: iso(row.deletedAt),
    by: row.by,
    requestId: row.requestId,
    outcome: row.outcome,
    accessEndedAt: iso(row.accessEndedAt),
    upstreamStatus: row.upstreamStatus,
    upstreamRequestId: row.upstreamRequestId,
    seenLockedAt: iso(row.seenLockedAt),
    restoredAt: iso(row.restoredAt),
    error: row.error,
  };
}

const CSV_HEAD = [
  'userName',
  'address',
  'userId',
  'disabledAt',
  'deletedAt',
  'by',
  'requestId',
  'outcome',
  'accessEndedAt',
  'upstreamStatus',
  'upstreamRequestId',
  'seenLockedAt',
  'restoredAt',
  'error',
] as const;
