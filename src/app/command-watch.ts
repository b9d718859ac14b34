/**
 * What commands ask of a running server. They write to the same database; `PRAGMA data_version`
 * moves with it, costs microseconds, and is looked at every second.
 *
 * A request (to read the workspace, to log more or less) is a setting; its answer is another one.
 * Both carry the id of the request, so that an answer is never taken for that to another question.
 */
import type { Clock } from '../clock.js';
import type { LogLevel } from '../config-variables.js';
import type { Log } from '../log.js';
import type { Reconciler } from '../reconcile/reconciler.js';
import type { Part, ReadResult } from '../reconcile/read-workspace.js';
import type { ReadingEffect, Store } from '../store/port.js';

export const SYNC_REQUEST = 'syncRequest';
export const SYNC_ANSWER = 'syncAnswer';

export interface SyncRequest {
  readonly id: string;
  readonly askedAt: number;
  /** An administrator's word that the workspace has really become so small. */
  readonly acceptSmaller: boolean;
}

/** How a reading went, as data that survives a file. */
export interface SyncReport {
  readonly id: string;
  /** Null: read and taken over. */
  readonly problem: string | null;
  readonly members: string;
  readonly groups: string;
  readonly membersChanged: number;
  readonly groupsChanged: number;
  readonly accepted: readonly string[];
  readonly imported: number;
}

export const LOG_LEVEL_REQUEST = 'logLevelRequest';
export const LOG_LEVEL_ANSWER = 'logLevelAnswer';

export interface LogLevelRequest {
  readonly id: string;
  readonly askedAt: number;
  /** Null: what LOG_LEVEL says. */
  readonly level: LogLevel | null;
}

export interface LogLevelAnswer {
  readonly id: string;
  /** What is logged from now until the next start. */
  readonly level: LogLevel;
}

const TICK_MS = 1_000;
/** A request that nobody served for so long is not wanted any more. */
const STALE_MS = 120_000;

export interface CommandWatch {
  stop(): void;
}

export function watchCommands(parts: {
  readonly store: Store;
  readonly reconciler: Reconciler;
  readonly clock: Clock;
  readonly log: Log;
  /** Null: what LOG_LEVEL says. Answers what is logged from now on. */
  readonly setLogLevel: (level: LogLevel | null) => LogLevel;
}): CommandWatch {
  const { store, reconciler, clock, log } = parts;
  let seen = -1;
  let answered: string | null = null;
  let isBusy = false;
  let isStopped = false;
  let cancel: () => void = () => undefined;

  const look = async (): Promise<void> => {
    const version = store.dataVersion();
    if (version === seen) return;
    seen = version;
    await reconciler.databaseChanged();
    await changeLogLevel(parts);
    const request = parse(await store.setting(SYNC_REQUEST)) as SyncRequest | null;
    if (request === null || request.id === answered || isStale(request, clock)) return;
    answered = request.id;
    log.info({ request: request.id }, 'a command asks for a reading of the workspace');
    const report = await readNow(reconciler, request);
    await store.setSetting(SYNC_ANSWER, JSON.stringify(report));
  };
  const tick = (): void => {
    if (isStopped) return;
    cancel = clock.after(TICK_MS, tick);
    if (isBusy) return;
    isBusy = true;
    look()
      .catch((error: unknown) => {
        seen = -1;
        log.debug({ err: error }, 'what commands ask could not be read');
      })
      .finally(() => (isBusy = false));
  };
  cancel = clock.after(TICK_MS, tick);
  return {
    stop() {
      isStopped = true;
      cancel();
    },
  };
}

/** What was answered in an earlier life of the server is not done again: LOG_LEVEL counts from each start. */
async function changeLogLevel({ store, clock, log, setLogLevel }: Parameters<typeof watchCommands>[0]): Promise<void> {
  const request = parse(await store.setting(LOG_LEVEL_REQUEST)) as LogLevelRequest | null;
  if (request === null || isStale(request, clock)) return;
  const answered = parse(await store.setting(LOG_LEVEL_ANSWER)) as LogLevelAnswer | null;
  if (answered?.id === request.id) return;
  log.info({ request: request.id, level: request.level }, 'a command changes what is logged, until the next start');
  const answer: LogLevelAnswer = { id: request.id, level: setLogLevel(request.level) };
  await store.setSetting(LOG_LEVEL_ANSWER, JSON.stringify(answer));
}

const parse = (text: string | null): unknown => (text === null || text === '' ? null : JSON.parse(text));

const isStale = ({ askedAt }: { readonly askedAt: number }, clock: Clock): boolean => clock.now() - askedAt > STALE_MS;

/** Reads the whole workspace and says how it went. */
export async function readNow(reconciler: Reconciler, request: SyncRequest): Promise<SyncReport> {
  const { phase, error } = reconciler.state;
  if (phase !== 'serving') return describeReading(request.id, null, error ?? `the bridge is ${phase}`);
  const result = request.acceptSmaller
    ? await reconciler.acceptSmallerWorkspace()
    : await reconciler.syncNow(`sync ${request.id}`);
  return describeReading(request.id, result, null);
}

function describeReading(id: string, result: ReadResult | null, problem: string | null): SyncReport {
  const members = result?.members ?? null;
  const groups = result?.groups ?? null;
  const effect: ReadingEffect | null = result?.effect ?? null;
  const problems = [problem, problemOf('members', members), problemOf('groups', groups)].filter((one) => one !== null);
  return {
    id,
    problem: problems.length === 0 ? null : problems.join('; '),
    members: members?.kind ?? 'not read',
    groups: groups?.kind ?? 'not read',
    membersChanged: effect?.membersChanged ?? 0,
    groupsChanged: effect?.groupsChanged ?? 0,
    accepted: effect?.accepted.map(({ address }) => address) ?? [],
    imported: effect?.imported ?? 0,
  };
}

function problemOf(what: string, part: Part | null): string | null {
  if (part === null || part.kind === 'applied') return null;
  const reason = part.kind === 'doubted' ? part.reason : part.error.message;
  switch (part.kind) {
    case 'doubted':
      return `the list of ${what} is not believed: ${reason}`;
    case 'blind':
      return `the API key may not list ${what}: ${reason}`;
    case 'failed':
      return `the list of ${what} could not be read: ${reason}`;
  }
}
