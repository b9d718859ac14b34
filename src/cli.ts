/** The commands of `elevenlabs-scim`. Exit codes: see EXIT in errors.ts and docs/cli.md. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { migrateDatabase, serveSandbox } from './commands.js';
import { EXIT } from './errors.js';
import { serve } from './serve.js';
import type { Shell } from './serve.js';

/** Runs the command that `argv` (with node and script in front) names. */
export async function runCommand(argv: readonly string[], shell: Shell): Promise<void> {
  try {
    await createProgram(shell).parseAsync(argv);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version come this way too; what was wrong has been printed.
    shell.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage);
  }
}

function createProgram(shell: Shell): Command {
  const program = new Command('elevenlabs-scim')
    .description('Makes an ElevenLabs workspace follow what an identity provider says over SCIM 2.0.')
    .version(version(), '--version')
    .exitOverride()
    .configureOutput({
      writeErr: (text) => shell.complain(text.trimEnd()),
      writeOut: (text) => shell.print(text.trimEnd()),
    });
  program
    .command('serve', { isDefault: true })
    .description('serve SCIM until stopped (default)')
    .action(async () => {
      // Loaded here, so that other commands start fast.
      const { startBridge } = await import('./app.js');
      await serve(shell, startBridge);
    });
  program
    .command('migrate')
    .description('bring the database up to date without serving')
    .action(() => migrateDatabase(shell));
  program
    .command('sandbox')
    .description('serve a sandbox workspace alone: the workspace API, in memory, for trials and tests')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port, 0 for any free one', wholeNumber, 8090)
    .option('--accept-after <seconds>', 'invites are accepted by themselves after so long', wholeNumber)
    .action((options: { host: string; port: number; acceptAfter?: number }) =>
      serveSandbox({ host: options.host, port: options.port, acceptAfterSeconds: options.acceptAfter ?? null }, shell),
    );
  return program;
}

function wholeNumber(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return (manifest as { version: string }).version;
}
