/** `log-level <level>`: what the running server logs, from now until its next start. */
import type { Command } from 'commander';
import { Argument } from 'commander';
import {
  LOG_LEVEL_ANSWER,
  LOG_LEVEL_REQUEST,
  type LogLevelAnswer,
  type LogLevelRequest,
} from '../app/command-watch.js';
import { LOG_LEVELS, type LogLevel } from '../config-variables.js';
import { CommandError, requireDatabase, type CommandContext } from './context.js';
import { act } from './define.js';

const AS_CONFIGURED = 'default';
const WAIT_MS = 10_000;
const LOOK_EVERY_MS = 200;

export function logLevelCommand(program: Command, context: CommandContext): void {
  program
    .command('log-level')
    .description('let the running bridge log more or less, until its next start')
    .addArgument(
      new Argument('<level>', 'the least level that is logged; default: what LOG_LEVEL of the bridge says').choices([
        ...LOG_LEVELS,
        AS_CONFIGURED,
      ]),
    )
    .action(act(context, (text: string) => changeLogLevel(context, text as LogLevel | typeof AS_CONFIGURED)));
}

async function changeLogLevel(context: CommandContext, wanted: LogLevel | typeof AS_CONFIGURED): Promise<void> {
  const { shell, output } = context;
  const { databasePath } = context.config();
  requireDatabase(context.config());
  const { isServed } = await import('../store/serving-lock.js');
  if (!isServed(databasePath))
    throw new CommandError(`No bridge serves ${databasePath}: set LOG_LEVEL, it counts from the start.`);
  const level = wanted === AS_CONFIGURED ? null : wanted;
  const request: LogLevelRequest = { id: shell.uuid(), askedAt: shell.clock.now(), level };
  await context.withStore(async ({ store }) => {
    const { requestId, actor } = context.writer();
    await store.audit({ actor, action: 'log.level', subject: null, requestId, after: { level: wanted } });
    await store.setSetting(LOG_LEVEL_REQUEST, JSON.stringify(request));
    const deadline = shell.clock.monotonic() + WAIT_MS;
    for (;;) {
      const text = await store.setting(LOG_LEVEL_ANSWER);
      const answer = text === null ? null : (JSON.parse(text) as LogLevelAnswer);
      if (answer?.id === request.id) {
        output.line(`The bridge logs from ${answer.level} on, until its next start; LOG_LEVEL counts again then.`);
        if (answer.level === 'debug') output.note('Lines of level debug hold e-mail addresses.');
        return;
      }
      if (shell.clock.monotonic() > deadline)
        throw new CommandError('The bridge has not answered in time. Is it well? See /healthz, and its log.');
      await shell.wait(LOOK_EVERY_MS);
    }
  });
}
