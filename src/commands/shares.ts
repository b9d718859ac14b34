/** `shares list|check`: managed resources, who should have what, who has what, and the differences. */
import type { Command } from 'commander';
import { EXIT } from '../errors.js';
import { differencesOf, reportShares, type ShareLine, type SharesReport } from '../reconcile/shares-report.js';
import { CommandError, type CommandContext } from './context.js';
import { act, withJson, type Json } from './define.js';
import { count, iso, type Output } from './output.js';
import { readFreshly } from './sync.js';

interface CheckOptions extends Json {
  readonly fresh?: boolean;
}

export function sharesCommands(program: Command, context: CommandContext): void {
  const shares = program.command('shares').description('resources of the workspace and who they are shared with');
  withJson(shares.command('list'))
    .description('list managed resources: who should have what, and who has what')
    .action(
      act(context, async ({ json }: Json) => {
        const report = await readReport(context);
        if (json === true) context.output.json(toJson(report));
        else printReport(report, context.output);
      }),
    );
  withJson(shares.command('check'))
    .description('show the differences only; exit code 2 when there are any')
    .option('--fresh', 'read members, groups and resources at ElevenLabs first')
    .action(act(context, (options: CheckOptions) => check(context, options)));
}

async function check(context: CommandContext, { json, fresh }: CheckOptions): Promise<number> {
  if (fresh === true) {
    const { problem } = await readFreshly(context, { timeoutSeconds: 60, acceptSmaller: false });
    if (problem !== null) throw new CommandError(`The workspace could not be read: ${problem}.`);
  }
  const found = differencesOf(await readReport(context));
  if (json === true) context.output.json(toJson(found));
  else printDifferences(found, context.output);
  return found.shares.length + found.resources.length === 0 ? EXIT.ok : EXIT.attention;
}

const readReport = (context: CommandContext): Promise<SharesReport> =>
  context.withStore(async ({ store }) => reportShares(await store.shareOverview()));

/** Times as ISO 8601. */
export function toJson({ resources, shares, idle }: SharesReport): object {
  return { resources: resources.map((line) => ({ ...line, readAt: iso(line.readAt) })), shares, idle };
}

export function printReport(report: SharesReport, output: Output): void {
  output.table(
    ['Resource', 'Name', 'Holders', 'Read', 'Problem'],
    report.resources.map(({ resource, name, holders, readAt, error }) => [resource, name, holders, iso(readAt), error]),
    'No resource has been read yet.',
  );
  if (report.resources.length > 0) output.line();
  printShares(report, output);
}

export function printDifferences(report: SharesReport, output: Output): void {
  for (const { resource, error, isFull, holders } of report.resources) {
    if (error !== null) output.line(`${resource} cannot be read: ${error}`);
    if (isFull) output.line(`${resource} has ${String(holders)} holders: ElevenLabs allows no more.`);
  }
  if (report.shares.length > 0) printShares(report, output);
  else for (const words of report.idle) output.line(words);
  if (report.shares.length === 0) output.line('Everybody has what the rules say.');
  else output.line(`${count(report.shares.length, 'difference')}.`);
}

function printShares({ shares, idle }: SharesReport, output: Output): void {
  output.table(
    ['Resource', 'Who', 'Should have', 'Has', 'Bridge gave', 'State', 'Rule'],
    shares.map((line) => [
      line.resourceName === null ? line.resource : `${line.resource} (${line.resourceName})`,
      ...[line.who, line.wanted, line.has, line.given],
      inWords(line),
      line.rule,
    ]),
    'Nothing is shared, and no rule asks for it.',
  );
  for (const words of idle) output.line(words);
}

/** The verdict, for people. */
export function inWords({ verdict, problem, wanted }: ShareLine): string {
  const because = problem === null ? '' : `: ${problem}`;
  switch (verdict) {
    case 'ok':
      return 'ok';
    case 'byHand':
      return wanted === null ? 'given by hand, no rule wants it; left so' : 'ok, given by hand';
    case 'creator':
      return 'creator, always admin';
    case 'waiting':
      return 'waits until the person is a member';
    case 'missing':
      return 'missing, to be given';
    case 'otherRole':
      return 'another role, to be changed';
    case 'extra':
      return 'no rule wants it any more, to be withdrawn';
    case 'unverified':
      return `given, not verified${because}`;
    case 'refused':
      return `refused${because}`;
  }
}
