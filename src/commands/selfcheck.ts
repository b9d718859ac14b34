/**
 * `selfcheck`: plays the connection tests and a first cycle of Entra ID and Okta over HTTP, with
 * throw-away objects, and says what either would see. Only against a bridge that says of itself
 * that it serves a sandbox or runs dry: on a live workspace it would send invites.
 */
import type { Command } from 'commander';
import { publicUrlFor } from '../config.js';
import { newToken } from '../domain/secret-token.js';
import { EXIT } from '../errors.js';
import { CommandError, openForCommands, type CommandContext } from './context.js';
import { act, withJson, type Json } from './define.js';
import { count } from './output.js';
import { entra, okta } from './selfcheck-idps.js';
import { createProbe, type StepResult } from './selfcheck-probe.js';

interface SelfcheckOptions extends Json {
  readonly url?: string;
  readonly token?: string;
  readonly domain: string;
}

const MINUTES_VALID = 15;

export function selfcheckCommand(program: Command, context: CommandContext): void {
  withJson(program.command('selfcheck'))
    .description('play the first cycle of Entra ID and Okta with throw-away objects, and say what they would see')
    .option('--url <url>', 'the bridge, without /scim/v2; default: PUBLIC_URL, or HOST and PORT')
    .option('--token <token>', 'a token of that bridge; default: one that is made for the check and revoked after it')
    .option('--domain <domain>', 'domain of the throw-away addresses', 'selfcheck.invalid')
    .addHelpText(
      'after',
      '\nRefuses where the bridge works on a live workspace: start it with DRY_RUN=true, or the sandbox.',
    )
    .action(act(context, (options: SelfcheckOptions) => selfcheck(context, options)));
}

async function selfcheck(context: CommandContext, options: SelfcheckOptions): Promise<number> {
  const { output, shell } = context;
  const config = context.config();
  const url = (options.url ?? publicUrlFor(config, config.port)).replace(/\/+$/, '');
  const mode = await modeOf(url, shell.fetch);
  if (mode !== 'sandbox' && mode !== 'dryRun')
    throw new CommandError(
      `The bridge at ${url} works on a live workspace: the check would send invites. Start it with DRY_RUN=true, or the sandbox.`,
    );
  const credentials = await credentialsFor(context, options);
  try {
    if (options.json !== true) output.note(`${url} (${mode === 'sandbox' ? 'sandbox workspace' : 'dry run'})`);
    const probe = createProbe({
      base: `${url}/scim/v2`,
      token: credentials.token,
      fetch: shell.fetch,
      monotonic: () => shell.clock.monotonic(),
      onResult: (result) => {
        if (options.json !== true) print(result, context);
      },
    });
    for (const [name, play] of [
      ['entra', entra],
      ['okta', okta],
    ] as const) {
      const mark = shell.uuid().slice(0, 8);
      const user = `selfcheck-${name}-${mark}@${options.domain}`;
      await play(probe, { user, group: `Selfcheck ${name} ${mark}`, externalId: `selfcheck-${mark}` });
    }
    return conclude(probe.results, mode, options, context);
  } finally {
    await credentials.end();
  }
}

/** What the bridge says of itself; null where it is no bridge. */
async function modeOf(url: string, get: typeof fetch): Promise<unknown> {
  let body: unknown;
  try {
    body = await (await get(`${url}/healthz`, { signal: AbortSignal.timeout(30_000), redirect: 'manual' })).json();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new CommandError(`No bridge answers at ${url} (${cause}). Start it, or say --url.`);
  }
  if (typeof body !== 'object' || body === null || !('mode' in body))
    throw new CommandError(`What answers at ${url} is no bridge.`);
  return body.mode;
}

interface Credentials {
  readonly token: string;
  end(): Promise<void>;
}

async function credentialsFor(context: CommandContext, { token, url }: SelfcheckOptions): Promise<Credentials> {
  if (token !== undefined) return { token, end: () => Promise.resolve() };
  if (url !== undefined)
    throw new CommandError('With --url a token of that bridge is needed: say --token.', EXIT.usage);
  const { store } = await openForCommands(context.config(), context.shell);
  const { secret, hash } = newToken('scim');
  const id = context.shell.uuid();
  const expiresAt = context.shell.clock.now() + MINUTES_VALID * 60_000;
  await store.addToken(
    { id, kind: 'scim', label: `selfcheck ${id.slice(0, 8)}`, scopes: [], clientId: null, hash, expiresAt },
    'cli',
  );
  return {
    token: secret,
    async end() {
      await store.revokeToken(id, 'cli');
      store.close();
    },
  };
}

function print({ idp, step, request, status, ms, problem, seen }: StepResult, { output }: CommandContext): void {
  const { green, red, dim } = output.colours;
  const mark = problem === null ? green('ok  ') : red('fail');
  output.paragraph(
    `${mark}  ${idp.padEnd(8)}  ${step.padEnd(20)}  ${String(status || '-')} in ${String(ms)} ms  ${dim(request)}`,
    6,
  );
  if (problem === null) return;
  output.paragraph(`      ${problem}`, 6);
  output.paragraph(`      ${idp} shows: ${seen ?? ''}`, 6);
}

function conclude(
  results: readonly StepResult[],
  mode: string,
  { json }: SelfcheckOptions,
  { output }: CommandContext,
): number {
  const failed = results.filter(({ problem }) => problem !== null).length;
  if (json === true) output.json({ mode, steps: results, failed });
  else {
    output.line();
    output.line(
      failed === 0
        ? `${count(results.length, 'step')}: Entra ID and Okta would see no error.`
        : `${count(failed, 'step')} of ${String(results.length)} failed.`,
    );
  }
  return failed === 0 ? EXIT.ok : EXIT.notDone;
}
