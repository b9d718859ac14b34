/**
 * What every command gets: the configuration, the database that the server uses, output, questions.
 *
 * Commands work on the same database as a running server. They take no serving lock and never
 * migrate; what they write moves `PRAGMA data_version`, which the server watches.
 */
import { existsSync } from 'node:fs';
import { TokenProblem } from '../auth/tokens.js';
import { loadConfig, publicUrlFor } from '../config.js';
import type { Config } from '../config.js';
import type { Rules } from '../domain/rules.js';
import { EXIT, ScimError, StartError } from '../errors.js';
import { createLog, type LogOutput } from '../log-output.js';
import type { Store, WriteContext } from '../store/port.js';
import { createOutput, type Output } from './output.js';
import type { CommandShell } from './shell.js';

/** The command cannot do what it was asked to; the message says why, in plain words. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.notDone) {
    super(message);
    this.exitCode = exitCode;
  }
}

export interface Opened {
  readonly store: Store;
  readonly config: Config;
  readonly rules: Rules;
}

export interface CommandContext {
  readonly shell: CommandShell;
  readonly output: Output;
  /** The configuration; a broken one ends the command with 78. */
  readonly config: () => Config;
  /** Opens the database of the server for the time of `work`. */
  readonly withStore: <T>(work: (opened: Opened) => Promise<T>) => Promise<T>;
  /** Asks on a terminal; a script has to say --yes. Throws where the answer is no. */
  readonly confirm: (question: string, options: { readonly yes?: boolean | undefined }) => Promise<void>;
  /** Errors of the parts that commands start, on stderr. */
  readonly log: (config: Config) => LogOutput;
  /** Who writes, for the audit log. */
  readonly writer: () => WriteContext;
}

export function createContext(shell: CommandShell): CommandContext {
  const output = createOutput(shell);
  const config = (): Config => {
    const loaded = loadConfig(shell.env);
    if (loaded.ok) return loaded.config;
    const lines = loaded.problems.map((problem) => `  - ${problem}`);
    throw new StartError(EXIT.config, ['The configuration has problems:', ...lines].join('\n'));
  };
  return {
    shell,
    output,
    config,
    async withStore(work) {
      const opened = await openForCommands(config(), shell);
      try {
        return await work(opened);
      } finally {
        opened.store.close();
      }
    },
    async confirm(question, { yes }) {
      if (yes === true) return;
      if (!shell.inputIsTerminal) throw new CommandError(`${question}\nNothing was done: say --yes to confirm.`);
      const answer = await shell.ask(`${question} [y/N] `);
      if (!/^y(es)?$/i.test(answer.trim())) throw new CommandError('Nothing was done.');
    },
    log: (loaded) => {
      const log = createLog('error', { write: (line) => shell.writeError(line) });
      if (loaded.upstream.kind === 'elevenlabs') log.conceal(loaded.upstream.apiKey);
      return log;
    },
    writer: () => ({
      requestId: `cli-${shell.uuid()}`,
      actor: 'cli',
      tokenId: null,
      interactive: false,
      ifMatch: null,
    }),
  };
}

/** The database of the server, as it is: neither made, nor migrated, nor locked. */
export async function openForCommands(config: Config, shell: CommandShell): Promise<Opened> {
  const file = requireDatabase(config);
  const [{ openStore }, { loadRules }] = await Promise.all([
    import('../store/sqlite-store.js'),
    import('../app/rules-source.js'),
  ]);
  const rules = loadRules(config);
  const store = openStore({
    path: file,
    clock: shell.clock,
    rules: () => rules,
    migrate: false,
    auditKey: config.auditKey,
    scimBase: () => `${publicUrlFor(config, config.port)}/scim/v2`,
  });
  return { store, config, rules };
}

/** The path of the database, which must be there. */
export function requireDatabase({ databasePath }: Config): string {
  if (existsSync(databasePath)) return databasePath;
  throw new StartError(
    EXIT.config,
    `There is no database at ${databasePath}. Start the bridge once to make it, or give this command the environment ` +
      'of the server (DATABASE_PATH, ELEVENLABS_API_KEY).',
  );
}

/** Runs a command and turns what it throws into words and an exit code. */
export async function runAction(context: CommandContext, work: () => Promise<unknown>): Promise<void> {
  const { shell } = context;
  shell.stayAlive();
  try {
    const code = await work();
    shell.exit(typeof code === 'number' ? code : EXIT.ok);
  } catch (error) {
    if (error instanceof TokenProblem) {
      shell.complain(error.message);
      shell.exit(EXIT.notDone);
    } else if (error instanceof CommandError || error instanceof StartError) {
      shell.complain(error.message);
      shell.exit(error.exitCode);
    } else if (error instanceof ScimError) {
      shell.complain(error.message);
      shell.exit(EXIT.notDone);
    } else {
      const reason = error instanceof Error ? error.message : String(error);
      shell.complain(`Unexpected error: ${reason}`);
      if (shell.wantsStacks && error instanceof Error && error.stack !== undefined) shell.complain(error.stack);
      else shell.complain('Set LOG_LEVEL=debug to see where it came from, and please report it.');
      shell.exit(EXIT.bug);
    }
  }
}
