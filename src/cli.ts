/** The commands of `elevenlabs-scim`. Exit codes: see EXIT in errors.ts and docs/cli.md. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { createContext } from './commands/context.js';
import { conformanceCommand } from './commands/conformance.js';
import { auditCommands } from './commands/audit.js';
import { databaseCommands } from './commands/database.js';
import { doctorCommand } from './commands/doctor.js';
import { driftCommand } from './commands/drift.js';
import { explainCommand } from './commands/explain.js';
import { groupsCommands } from './commands/groups.js';
import { heldCommands } from './commands/held.js';
import { invitesCommands } from './commands/invites.js';
import { logLevelCommand } from './commands/log-level.js';
import { oauthClientCommands } from './commands/oauth-client.js';
import { planCommand } from './commands/plan.js';
import { processCommands } from './commands/process.js';
import { purgeCommand } from './commands/purge.js';
import { reportCommands } from './commands/report.js';
import { sharesCommands } from './commands/shares.js';
import type { CommandShell } from './commands/shell.js';
import { syncCommand } from './commands/sync.js';
import { tokenCommands } from './commands/tokens.js';
import { traceCommand } from './commands/trace.js';
import { undoCommand } from './commands/undo.js';
import { usersCommands } from './commands/users.js';
import { EXIT } from './errors.js';

/** Runs the command that `argv` (with node and script in front) names. */
export async function runCommand(argv: readonly string[], shell: CommandShell): Promise<void> {
  try {
    await createProgram(shell).parseAsync(argv);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version come this way too; what was wrong has been printed.
    shell.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage);
  }
}

/** All commands; the reference in docs/cli.md is made from them. */
export function createProgram(shell: CommandShell): Command {
  const program = new Command('elevenlabs-scim')
    .description('Makes an ElevenLabs workspace follow what an identity provider says over SCIM 2.0.')
    .version(version(), '--version')
    .exitOverride()
    .configureOutput({
      writeErr: (text) => shell.complain(text.trimEnd()),
      writeOut: (text) => shell.print(text.trimEnd()),
    })
    .showSuggestionAfterError();
  const context = createContext(shell);
  processCommands(program, shell);
  for (const define of COMMANDS) define(program, context);
  return program;
}

/** In the order of the help: what is needed first comes first. */
const COMMANDS = [
  doctorCommand,
  conformanceCommand,
  tokenCommands,
  oauthClientCommands,
  explainCommand,
  traceCommand,
  planCommand,
  syncCommand,
  heldCommands,
  undoCommand,
  driftCommand,
  usersCommands,
  groupsCommands,
  invitesCommands,
  sharesCommands,
  reportCommands,
  auditCommands,
  logLevelCommand,
  databaseCommands,
  purgeCommand,
] as const;

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return (manifest as { version: string }).version;
}
