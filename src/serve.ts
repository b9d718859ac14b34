/**
 * The life of the server process: configuration, start, signals, end. What it needs of the process
 * it is given (`Shell`), so that only main.ts ends the process.
 *
 * A signal closes the bridge: it stops accepting, answers what it holds, folds the database.
 * Nothing depends on that: everything acknowledged is on disk before, so the deadline, a second
 * signal and a crash lose nothing.
 */
import type { Clock } from './clock.js';
import { loadConfig } from './config.js';
import type { Config, Environment, LoadedConfig } from './config.js';
import type { LogLevel } from './config-variables.js';
import { EXIT, StartError } from './errors.js';
import type { Log } from './log.js';
import { createLog } from './log-output.js';
import type { LogOutput } from './log-output.js';
import { describeFileTrouble } from './store/file-trouble.js';

/** Below the 10 s after which Docker kills. */
export const CLOSE_DEADLINE_MS = 8_000;

/** npm passes the Ctrl-C on that the terminal has sent already: what comes so soon is the same one. */
const SAME_SIGNAL_MS = 1_000;

const SIGNALS = { SIGTERM: 15, SIGINT: 2 } as const;
export type StopSignal = keyof typeof SIGNALS;

/** The process, as far as serving needs it. */
export interface Shell {
  readonly clock: Clock;
  readonly isTerminal: boolean;
  /** Undefined: the real environment. */
  readonly env?: Environment;
  /** A line for the operator, on stdout. */
  print(line: string): void;
  /** A line for the operator, on stderr. */
  complain(line: string): void;
  /** A line of the log, with its end. Never throws, and loses the line where it cannot be written. */
  readonly writeLog?: (line: string) => void;
  exit(code: number): void;
  on(event: StopSignal | 'SIGHUP', listener: () => void): void;
  on(event: 'uncaughtException' | 'unhandledRejection', listener: (error: unknown) => void): void;
}

export interface Closable {
  close(): Promise<void>;
}

export interface Bridge extends Closable {
  readonly url: string;
  /** Resolves if it turns out only later that this bridge may not run (the key is of another workspace). */
  readonly failed?: Promise<StartError>;
  /** The mapping file is read again (SIGHUP). */
  reload?(): Promise<void>;
}

export type StartBridge = (options: {
  readonly config: Config;
  readonly log: Log;
  /** For what is logged whatever the level. */
  readonly auditLog: Log;
  readonly clock: Clock;
  readonly print: (line: string) => void;
  readonly isTerminal: boolean;
  /** Logs from this level on. */
  readonly setLogLevel: (level: LogLevel) => void;
}) => Promise<Bridge>;

/** Loads the configuration for a command, or says what is wrong with it and ends the process. */
export function configure(shell: Shell): { readonly config: Config; readonly output: LogOutput } | null {
  const loaded = loadConfig(shell.env);
  if (!loaded.ok) {
    complainAbout(loaded, shell);
    shell.exit(EXIT.config);
    return null;
  }
  const { config } = loaded;
  const { writeLog } = shell;
  const output = createLog(config.logLevel, writeLog && { write: writeLog });
  for (const secret of secretsOf(config)) output.conceal(secret);
  for (const warning of loaded.warnings) output.log.warn(warning);
  return { config, output };
}

/** `serve`: runs the bridge until a signal ends it. */
export async function serve(shell: Shell, startBridge: StartBridge): Promise<void> {
  const configured = configure(shell);
  if (configured === null) return;
  const { config, output } = configured;
  const { log } = output;
  const crash = (error: unknown): void => {
    log.fatal({ err: error }, 'A bug ends the process. Nothing that was acknowledged is lost.');
    shell.exit(EXIT.bug);
  };
  shell.on('uncaughtException', crash);
  shell.on('unhandledRejection', crash);
  const stop = stopOnSignal(shell, (message, error) => {
    if (error === undefined) log.info(message);
    else log.error({ err: error }, message);
  });
  // Listened to from the first moment: unheard, this signal ends a process.
  let running: Bridge | null = null;
  shell.on('SIGHUP', () => {
    log.info('Reading the mapping file again (SIGHUP).');
    running
      ?.reload?.()
      .catch((error: unknown) => log.error({ err: error }, 'The mapping file could not be read again.'));
  });
  const { clock, isTerminal } = shell;
  try {
    const bridge = await startBridge({
      ...{ config, log, clock, isTerminal },
      auditLog: output.auditLog,
      print: (line) => shell.print(line),
      setLogLevel: (level) => output.setLevel(level),
    });
    stop.closes(bridge);
    running = bridge;
    void bridge.failed?.then(async (failure) => {
      shell.complain(failure.message);
      await bridge.close().catch((error: unknown) => log.error({ err: error }, 'Closing failed.'));
      shell.exit(failure.exitCode);
    });
  } catch (error) {
    const failure = startFailure(error, config);
    if (failure === null) {
      crash(error);
      return;
    }
    shell.complain(failure.message);
    shell.exit(failure.exitCode);
  }
}

/** Secrets that the configuration holds. */
function secretsOf(config: Config): string[] {
  const key = config.upstream.kind === 'elevenlabs' ? config.upstream.apiKey : null;
  return [key, config.scimToken, config.adminToken, config.auditKey, config.alertWebhook?.url ?? null].filter(
    (s) => s !== null,
  );
}

function complainAbout(loaded: Extract<LoadedConfig, { ok: false }>, shell: Shell): void {
  const count = loaded.problems.length;
  shell.complain(`The configuration has ${count === 1 ? 'a problem' : `${count} problems`}:`);
  for (const problem of loaded.problems) shell.complain(`  - ${problem}`);
  for (const warning of loaded.warnings) shell.complain(`  (${warning})`);
}

/** What the operator can do something about; null for a bug. */
function startFailure(error: unknown, config: Config): StartError | null {
  if (error instanceof StartError) return error;
  const trouble = describeFileTrouble(error, config.databasePath);
  if (trouble !== null)
    return new StartError(trouble.isPassing ? EXIT.secondProcess : EXIT.config, trouble.message, { cause: error });
  if (!(error instanceof Error) || !('syscall' in error) || error.syscall !== 'listen') return null;
  const code = 'code' in error ? String(error.code) : '';
  const port = 'port' in error && typeof error.port === 'number' ? error.port : config.port;
  switch (code) {
    case 'EADDRINUSE':
      return new StartError(EXIT.config, `Port ${port} is in use by another program: stop it, or set PORT.`);
    case 'EACCES':
      return new StartError(EXIT.config, `Port ${port} needs privileges: set PORT to a number above 1023.`);
    case 'EADDRNOTAVAIL':
      return new StartError(EXIT.config, `HOST is ${config.host}: this machine has no such address.`);
    default:
      return new StartError(EXIT.config, `The server cannot listen on ${config.host}:${port}: ${error.message}`);
  }
}

/** Turns signals into one orderly end; `closes` says what there is to close. */
export function stopOnSignal(
  shell: Shell,
  report: (message: string, error?: unknown) => void,
): { closes(running: Closable): void } {
  let running: Closable | null = null;
  let stoppedAt: number | null = null;
  const close = (closable: Closable): void => {
    shell.clock.after(CLOSE_DEADLINE_MS, () => {
      report('Closing took too long: the rest is done at the next start.');
      shell.exit(EXIT.ok);
    });
    closable.close().then(
      () => shell.exit(EXIT.ok),
      (error: unknown) => {
        report('Closing failed: the rest is done at the next start.', error);
        shell.exit(EXIT.ok);
      },
    );
  };
  const onSignal = (signal: StopSignal): void => {
    const now = shell.clock.monotonic();
    if (stoppedAt !== null) {
      if (now - stoppedAt >= SAME_SIGNAL_MS) shell.exit(128 + SIGNALS[signal]);
      return;
    }
    stoppedAt = now;
    report(`Stopping (${signal}).`);
    // During the start: closed as soon as the start is through.
    if (running !== null) close(running);
  };
  shell.on('SIGTERM', () => onSignal('SIGTERM'));
  shell.on('SIGINT', () => onSignal('SIGINT'));
  return {
    closes(closable) {
      running = closable;
      if (stoppedAt !== null) close(closable);
    },
  };
}
