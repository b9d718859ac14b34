#!/usr/bin/env node
/** Where the process starts and the only place that ends it. */
import { isatty } from 'node:tty';
import { runCommand } from './cli.js';
import { systemClock } from './clock.js';
import { EXIT } from './errors.js';
import type { Shell } from './serve.js';

const shell: Shell = {
  clock: systemClock,
  isTerminal: isatty(process.stdout.fd),
  print: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
  exit: (code) => process.exit(code),
  on: (event: string, listener: (error: unknown) => void) => process.on(event, listener),
};

// Whoever read the output has gone (`| head`): that is no reason to stop serving.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

runCommand(process.argv, shell).catch((error: unknown) => {
  shell.complain(error instanceof Error ? (error.stack ?? error.message) : String(error));
  shell.exit(EXIT.bug);
});
