/** The commands of `elevenlabs-scim`. Exit codes: see EXIT in errors.ts and docs/cli.md. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
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
  return program;
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return (manifest as { version: string }).version;
}
