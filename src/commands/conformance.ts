/**
 * `conformance`: plays the project's own checks (RFC requirements, transcripts and dialects of identity
 * providers) against a SCIM server: a sandbox copy of itself, the bridge that runs here, or any other.
 * Never against a live workspace: it would send invites.
 */
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { publicUrlFor } from '../config.js';
import { newToken } from '../domain/secret-token.js';
import { EXIT } from '../errors.js';
import type { Result, Target } from '../conformance/check.js';
import { CommandError, openForCommands, type CommandContext } from './context.js';
import { act, withJson, withYes, type Json, type Yes } from './define.js';

interface ConformanceOptions extends Json, Yes {
  readonly url?: string;
  readonly token?: string;
  readonly running?: boolean;
  readonly html?: string;
  readonly markdown?: string;
}

const MINUTES_VALID = 30;

export function conformanceCommand(program: Command, context: CommandContext): void {
  withYes(withJson(program.command('conformance')))
    .description(
      'check a SCIM server: RFC requirements, and what identity providers send; default: a sandbox copy of this bridge',
    )
    .option('--running', 'the bridge that runs here, if it serves the sandbox or runs dry')
    .option('--url <url>', 'SCIM base URL of a server, with --token')
    .option('--token <token>', 'a token of that server')
    .option('--html <file>', 'write the report as a page')
    .option('--markdown <file>', 'write the report as docs/conformance.md has it')
    .addHelpText(
      'after',
      '\nThe checks create users and groups of the domain conformance.invalid, and of invented companies below .example, and delete them.',
    )
    .action(act(context, (options: ConformanceOptions) => conformance(context, options)));
}

async function conformance(context: CommandContext, options: ConformanceOptions): Promise<number> {
  const { output, shell } = context;
  const [{ runAll }, { makeReport, toHtml, toMarkdown }, { DEVIATIONS }, { VERSION }] = await Promise.all([
    import('../conformance/run.js'),
    import('../conformance/report.js'),
    import('../conformance/deviations.js'),
    import('../app/version.js'),
  ]);
  const mark = shell.uuid().slice(0, 8);
  const onResult = (result: Result): void => {
    if (options.json !== true) print(result, context);
  };
  const isOwn = options.url === undefined;
  const run = async (target: Target, fresh: Parameters<typeof runAll>[0]['fresh']) => {
    const results = await runAll({ target, fresh, mark, onResult });
    const server = options.url === undefined && options.running !== true ? 'sandbox copy' : target.baseUrl;
    const at = new Date(shell.clock.now()).toISOString();
    return makeReport(results, { server, version: VERSION, at, deviations: isOwn ? DEVIATIONS : [] });
  };
  const report = isOwn && options.running !== true ? await onCopy(context, run) : await onServer(context, options, run);
  if (options.html !== undefined) write(options.html, toHtml(report));
  if (options.markdown !== undefined) write(options.markdown, toMarkdown(report));
  const { pass, fail, skipped } = report.counts;
  if (options.json === true) output.json(report);
  else {
    output.line();
    output.line(`${String(pass)} passed, ${String(fail)} failed, ${String(skipped)} skipped.`);
  }
  return fail === 0 ? EXIT.ok : EXIT.notDone;
}

type Run<T> = (target: Target, fresh: (<R>(work: (target: Target) => Promise<R>) => Promise<R>) | null) => Promise<T>;

/** Each transcript gets a copy of its own. */
async function onCopy<T>({ shell }: CommandContext, run: Run<T>): Promise<T> {
  const { withSandboxCopy } = await import('../app/sandbox-copy.js');
  const parts = { clock: shell.clock, writeError: (line: string) => shell.writeError(line) };
  const fresh = <R>(work: (target: Target) => Promise<R>): Promise<R> =>
    withSandboxCopy(parts, ({ scimUrl, token }) => work({ baseUrl: scimUrl, token }));
  return fresh((target) => run(target, fresh));
}

async function onServer<T>(context: CommandContext, options: ConformanceOptions, run: Run<T>): Promise<T> {
  const { url, token } = options;
  if (url === undefined) return onRunning(context, run);
  if (token === undefined)
    throw new CommandError('With --url a token of that server is needed: say --token.', EXIT.usage);
  const baseUrl = url.replace(/\/+$/, '');
  const mode = await modeOf(new URL(baseUrl).origin, context.shell.fetch);
  if (mode === 'live') throw live(baseUrl);
  if (mode === null)
    await context.confirm(`This creates, changes and deletes users and groups at ${baseUrl}. Go on?`, options);
  return run({ baseUrl, token }, null);
}

async function onRunning<T>(context: CommandContext, run: Run<T>): Promise<T> {
  const config = context.config();
  const url = publicUrlFor(config, config.port).replace(/\/+$/, '');
  const mode = await modeOf(url, context.shell.fetch);
  if (mode === null) throw new CommandError(`No bridge answers at ${url}. Start it, or leave --running out.`);
  if (mode === 'live') throw live(url);
  const { store } = await openForCommands(config, context.shell);
  const { secret, hash } = newToken('scim');
  const id = context.shell.uuid();
  const expiresAt = context.shell.clock.now() + MINUTES_VALID * 60_000;
  const label = `conformance ${id.slice(0, 8)}`;
  await store.addToken({ id, kind: 'scim', label, scopes: [], clientId: null, hash, expiresAt }, 'cli');
  try {
    return await run({ baseUrl: `${url}/scim/v2`, token: secret }, null);
  } finally {
    await store.revokeToken(id, 'cli');
    store.close();
  }
}

const live = (url: string): CommandError =>
  new CommandError(
    `The bridge at ${url} works on a live workspace: the checks would send invites. Start it with DRY_RUN=true, or leave --url and --running out to check a sandbox copy.`,
  );

/** What a bridge says of itself; null where it is none. */
async function modeOf(url: string, get: typeof fetch): Promise<unknown> {
  try {
    const answer = await get(`${url}/healthz`, { signal: AbortSignal.timeout(30_000), redirect: 'manual' });
    const body = (await answer.json()) as { readonly mode?: unknown } | null;
    return body?.mode ?? null;
  } catch {
    return null;
  }
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new CommandError(`${file} cannot be written: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

function print({ section, requirement, outcome, reason, exchanges }: Result, { output }: CommandContext): void {
  const { green, red, yellow, dim } = output.colours;
  const mark = { pass: green('ok  '), fail: red('fail'), skipped: yellow('skip') }[outcome];
  output.paragraph(`${mark}  ${section.padEnd(16)}  ${requirement}`, 6);
  if (reason === null) return;
  output.paragraph(`      ${outcome === 'fail' ? red(reason) : dim(reason)}`, 6);
  const last = exchanges.at(-1);
  if (outcome === 'fail' && last !== undefined)
    output.paragraph(`      ${dim(`last request: ${last.request}, answered with ${String(last.status)}`)}`, 6);
}
