#!/usr/bin/env node
/** Where the process starts and the only place that ends it. */
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { setInterval } from 'node:timers';
import { setTimeout as wait } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { runCommand } from './cli.js';
import { systemClock } from './clock.js';
import type { CommandShell } from './commands/shell.js';
import { terminalWishes } from './config.js';
import { EXIT } from './errors.js';

const wishes = terminalWishes();

const shell: CommandShell = {
  clock: systemClock,
  isTerminal: isatty(process.stdout.fd),
  inputIsTerminal: isatty(process.stdin.fd),
  errorIsTerminal: isatty(process.stderr.fd),
  wantsColour: wishes.colour,
  wantsStacks: wishes.stacks,
  uuid: randomUUID,
  fetch,
  print: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
  writeError: (text) => process.stderr.write(text),
  ask,
  wait: (ms) => wait(ms),
  stayAlive: () => void setInterval(() => undefined, 2 ** 30),
  exit: (code) => process.exit(code),
  on: (event: string, listener: (error: unknown) => void) => process.on(event, listener),
};

// Whoever read the output has gone (`| head`): that is no reason to stop serving.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

runCommand(process.argv, shell).catch((error: unknown) => {
  shell.complain(error instanceof Error ? (error.stack ?? error.message) : String(error));
  shell.exit(EXIT.bug);
});

function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  return new Promise((resolve) => {
    // Ctrl-D closes without an answer.
    lines.once('close', () => resolve(''));
    lines.question(question, (answer) => {
      resolve(answer);
      lines.close();
    });
  });
}
