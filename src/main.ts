#!/usr/bin/env node
/** Where the process starts and the only place that ends it. */
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { setInterval } from 'node:timers';
import { setTimeout as wait } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { setFlagsFromString } from 'node:v8';
import { runCommand } from './cli.js';
import { systemClock } from './clock.js';
import type { CommandShell } from './commands/shell.js';
import { terminalWishes } from './config.js';
import { EXIT } from './errors.js';

// On a machine with much memory V8 would let garbage grow to a multiple of what is in use (some 60 MB).
setFlagsFromString('--heap-growing-percent=20');

const wishes = terminalWishes();

/** Bytes of the log that nobody has read yet. */
const MOST_UNREAD = 16 * 2 ** 20;
let linesLost = 0;

const shell: CommandShell = {
  clock: systemClock,
  isTerminal: isatty(process.stdout.fd),
  inputIsTerminal: isatty(process.stdin.fd),
  errorIsTerminal: isatty(process.stderr.fd),
  // A terminal that does not know says 0.
  columns: () => (process.stdout.columns > 0 ? process.stdout.columns : null),
  wantsColour: wishes.colour,
  wantsStacks: wishes.stacks,
  uuid: randomUUID,
  fetch,
  print: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
  writeError: (text) => process.stderr.write(text),
  writeLog,
  ask,
  wait: (ms) => wait(ms),
  stayAlive: () => void setInterval(() => undefined, 2 ** 30),
  exit,
  on: (event: string, listener: (error: unknown) => void) => process.on(event, listener),
};

// Whoever read the output has gone (`| head`): that is no reason to stop serving.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

runCommand(process.argv, shell).catch((error: unknown) => {
  shell.complain(error instanceof Error ? (error.stack ?? error.message) : String(error));
  shell.exit(EXIT.bug);
});

/** How long a reader of the output may take for what is still in the pipe. */
const LAST_WORDS_MS = 2_000;

/** What was printed into a pipe is on its way yet: a report of a megabyte would end in the middle. */
function exit(code: number): void {
  if (process.stdout.writableLength === 0) process.exit(code);
  process.stdout.write('', () => process.exit(code));
  void wait(LAST_WORDS_MS).then(() => process.exit(code));
}

/**
 * Through the stream of the process: at once, and without an end to the bridge where the log is a
 * file on a full disk. Somebody who reads it too slowly loses lines, and is told how many.
 */
function writeLog(line: string): void {
  if (process.stdout.writableLength > MOST_UNREAD) {
    linesLost += 1;
    return;
  }
  if (linesLost > 0) {
    process.stdout.write(`${JSON.stringify({ level: 'warn', lost: linesLost, msg: 'log lines were lost' })}\n`);
    linesLost = 0;
  }
  process.stdout.write(line);
}

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
