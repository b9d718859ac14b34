/** `doctor`: is everything well, and if not, what to do. Changes nothing, here or at ElevenLabs. */
import type { Command } from 'commander';
import { loadConfig, secretFiles } from '../config.js';
import { EXIT } from '../errors.js';
import { openForCommands, type CommandContext } from './context.js';
import { act, withJson, type Json } from './define.js';
import {
  checkConfiguration,
  checkDatabase,
  checkDisk,
  checkMapping,
  checkPublicUrl,
  checkSecretFiles,
  checkServing,
} from './doctor-local.js';
import { checkDirectory, checkTokens } from './doctor-store.js';
import { checkWorkspace } from './doctor-workspace.js';
import { ok, type Finding } from './finding.js';
import { count } from './output.js';

interface DoctorOptions extends Json {
  readonly offline?: boolean;
}

export function doctorCommand(program: Command, context: CommandContext): void {
  withJson(program.command('doctor'))
    .description('check configuration, database, API key and its permissions, links and tokens; say what to do')
    .option('--offline', 'ask neither ElevenLabs nor the public URL')
    .addHelpText('after', '\nExit code: 0 all is well, 1 there are warnings, 2 something fails.')
    .action(act(context, (options: DoctorOptions) => doctor(context, options)));
}

async function doctor(context: CommandContext, options: DoctorOptions): Promise<number> {
  const { output } = context;
  const findings: Finding[] = [];
  for await (const finding of examine(context, options.offline === true)) {
    findings.push(finding);
    if (options.json !== true) print(finding, context);
  }
  const fails = findings.filter(({ level }) => level === 'fail').length;
  const warnings = findings.filter(({ level }) => level === 'warn').length;
  if (options.json === true) output.json({ findings, fails, warnings });
  else {
    output.line();
    output.line(fails + warnings === 0 ? 'All is well.' : `${count(fails, 'failure')}, ${count(warnings, 'warning')}.`);
  }
  if (fails > 0) return EXIT.attention;
  return warnings > 0 ? EXIT.notDone : EXIT.ok;
}

function print({ check, level, text, remedy }: Finding, { output }: CommandContext): void {
  const { green, yellow, red, bold } = output.colours;
  const paint = { ok: green, warn: yellow, fail: red }[level];
  output.paragraph(`${paint(level.padEnd(4))}  ${bold(check)}: ${text}`, 6);
  if (remedy !== null) output.paragraph(`      -> ${remedy}`, 9);
}

/** One finding after the other, as soon as it is known. */
async function* examine(context: CommandContext, offline: boolean): AsyncGenerator<Finding> {
  const { shell } = context;
  const loaded = loadConfig(shell.env);
  yield* checkConfiguration(loaded);
  if (!loaded.ok) return;
  const { config } = loaded;
  const mapping = checkMapping(config);
  yield* mapping;
  // Without the rules that the server has, what is in the database would be judged wrongly.
  const isMapped = mapping.every(({ level }) => level !== 'fail');
  yield* checkSecretFiles(secretFiles(shell.env));
  const database = await checkDatabase(config);
  yield* database.findings;
  yield* await checkDisk(config);
  yield* await checkServing(config);
  yield* await checkPublicUrl(config, offline ? null : shell.fetch);
  const opened = database.isUsable && isMapped ? await openForCommands(config, shell) : null;
  try {
    if (opened !== null) {
      yield* await checkTokens(opened.store, shell.clock.now());
      yield* await checkDirectory(opened, shell.clock.now());
    }
    if (offline) yield ok('Workspace', 'not asked (--offline)');
    else yield* checkWorkspace({ config, store: opened?.store ?? null, clock: shell.clock });
  } finally {
    opened?.store.close();
  }
}
