/** The commands that are servers: `serve` and `sandbox`. They run until a signal ends them. */
import type { Command } from 'commander';
import { EXIT } from '../errors.js';
import { serve, stopOnSignal } from '../serve.js';
import { wholeNumber } from './define.js';
import type { CommandShell } from './shell.js';

export function processCommands(program: Command, shell: CommandShell): void {
  program
    .command('serve', { isDefault: true })
    .description('serve SCIM until stopped (default)')
    .action(async () => {
      // Loaded here, so that other commands start fast.
      const { startBridge } = await import('../app.js');
      await serve(shell, startBridge);
    });
  program
    .command('sandbox')
    .description('serve a sandbox workspace alone: the workspace API, in memory, for trials and tests')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port, 0 for any free one', wholeNumber(0, 65_535), 8090)
    .option('--accept-after <seconds>', 'invites are accepted by themselves after so long', wholeNumber(0, 86_400))
    .action((options: SandboxOptions) => serveSandbox(options, shell));
}

interface SandboxOptions {
  readonly host: string;
  readonly port: number;
  readonly acceptAfter?: number;
}

async function serveSandbox({ host, port, acceptAfter }: SandboxOptions, shell: CommandShell): Promise<void> {
  const { runSandbox } = await import('../sandbox/standalone.js');
  const stop = stopOnSignal(shell, (message) => shell.complain(message));
  try {
    const autoAcceptMs = acceptAfter === undefined ? null : acceptAfter * 1000;
    stop.closes(await runSandbox({ host, port, autoAcceptMs, clock: shell.clock, write: (line) => shell.print(line) }));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    shell.complain(`The sandbox cannot listen on ${host}:${String(port)}: ${reason}`);
    shell.exit(EXIT.config);
  }
}
