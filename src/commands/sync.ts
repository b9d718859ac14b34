/**
 * `sync`: reads the workspace now. A running server does it and answers through the database; where
 * none runs, this process takes the serving lock and does it itself, work on the agenda included.
 */
import type { Command } from 'commander';
import { SYNC_ANSWER, SYNC_REQUEST, readNow, type SyncReport, type SyncRequest } from '../app/command-watch.js';
import type { Config } from '../config.js';
import { EXIT } from '../errors.js';
import type { Store } from '../store/port.js';
import { CommandError, openForCommands, requireDatabase, type CommandContext } from './context.js';
import { act, wholeNumber, withJson, type Json } from './define.js';
import { count } from './output.js';
import type { CommandShell } from './shell.js';

interface SyncOptions extends Json {
  readonly timeout: number;
  readonly acceptSmaller?: boolean;
}

const LOOK_EVERY_MS = 200;

export function syncCommand(program: Command, context: CommandContext): void {
  withJson(program.command('sync'))
    .description('read the workspace now, apply what follows, and report')
    .option('--timeout <seconds>', 'wait so long at most', wholeNumber(1, 3600), 60)
    .option('--accept-smaller', 'believe that the workspace has really become so small')
    .action(act(context, (options: SyncOptions) => sync(context, options)));
}

interface Synced extends SyncReport {
  /** Subjects that are still being worked on. */
  readonly due: number;
}

async function sync(context: CommandContext, options: SyncOptions): Promise<number> {
  const acceptSmaller = options.acceptSmaller === true;
  const synced = await readFreshly(context, { timeoutSeconds: options.timeout, acceptSmaller });
  if (options.json === true) context.output.json(synced);
  else print(synced, context);
  return synced.problem === null ? EXIT.ok : EXIT.notDone;
}

/** Has the workspace read by whoever may: the running bridge, else this process. */
export async function readFreshly(
  context: CommandContext,
  options: { readonly timeoutSeconds: number; readonly acceptSmaller: boolean },
): Promise<Synced & { readonly by: 'server' | 'command' }> {
  const { output, shell } = context;
  const config = context.config();
  requireDatabase(config);
  const { isServed } = await import('../store/serving-lock.js');
  const request = { id: shell.uuid(), askedAt: shell.clock.now(), acceptSmaller: options.acceptSmaller };
  const deadline = shell.clock.monotonic() + options.timeoutSeconds * 1000;
  const served = isServed(config.databasePath);
  output.note(
    served ? 'The running bridge reads the workspace ...' : 'No bridge is running: reading the workspace here ...',
  );
  const synced = served
    ? await askServer(context, config, request, deadline)
    : await syncHere(context, config, request, deadline);
  return { ...synced, by: served ? 'server' : 'command' };
}

function print(
  { problem, membersChanged, groupsChanged, accepted, imported, due }: Synced,
  { output }: CommandContext,
): void {
  if (problem !== null) output.line(`Not read: ${problem}.`);
  else
    output.line(
      `Read: ${count(membersChanged, 'member')} and ${count(groupsChanged, 'group')} had changed, ${String(imported)} imported.`,
    );
  for (const address of accepted) output.line(`${address} has accepted the invite.`);
  output.line(due === 0 ? 'Nothing is left to do now.' : `${count(due, 'subject')} still in work: see \`plan\`.`);
}

async function askServer(
  context: CommandContext,
  config: Config,
  request: SyncRequest,
  deadline: number,
): Promise<Synced> {
  const { store } = await openForCommands(config, context.shell);
  const { shell } = context;
  try {
    await store.setSetting(SYNC_REQUEST, JSON.stringify(request));
    for (;;) {
      const text = await store.setting(SYNC_ANSWER);
      const report = text === null ? null : (JSON.parse(text) as SyncReport);
      if (report?.id === request.id) return { ...report, due: await untilSettled(store, shell, deadline) };
      if (shell.clock.monotonic() > deadline)
        throw new CommandError('The bridge has not answered in time. Is it well? See /healthz, and its log.');
      await shell.wait(LOOK_EVERY_MS);
    }
  } finally {
    store.close();
  }
}

/** Waits until nothing is due any more; answers how much still is when time is up. */
async function untilSettled(store: Store, shell: CommandShell, deadline: number): Promise<number> {
  for (;;) {
    const due = (await store.due(1000, new Set())).length;
    if (due === 0 || shell.clock.monotonic() > deadline) return due;
    await shell.wait(LOOK_EVERY_MS);
  }
}

async function syncHere(
  context: CommandContext,
  config: Config,
  request: SyncRequest,
  deadline: number,
): Promise<Synced> {
  const { shell } = context;
  // Loaded here: the whole engine comes with it.
  const { openWork } = await import('../app/one-shot.js');
  const { log } = context.log(config);
  const work = await openWork({ config, clock: shell.clock, log });
  try {
    const { reconciler } = work;
    while (reconciler.state.phase === 'starting' && shell.clock.monotonic() < deadline) await shell.wait(LOOK_EVERY_MS);
    const report = await readNow(reconciler, request);
    return { ...report, due: await untilSettled(work.store, shell, deadline) };
  } finally {
    await work.close();
  }
}
