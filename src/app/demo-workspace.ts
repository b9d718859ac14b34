/**
 * The sandbox workspace of `npm start` without a key: in this process, reached over loopback by the
 * real SDK. It is kept in a file beside the database: were it new at each start while the
 * database is not, everybody the bridge knows would seem to have vanished.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../clock.js';
import type { Log } from '../log.js';
import type { ApiRequest } from '../sandbox/api.js';
import { demoSeed } from '../sandbox/demo-seed.js';
import type { Outcome } from '../sandbox/exchange.js';
import { seededRandom } from '../sandbox/random.js';
import { createSandbox, type Sandbox } from '../sandbox/sandbox.js';
import type { Seed } from '../sandbox/seed.js';
import { listen } from '../sandbox/server.js';
import type { GivenTokens } from './first-tokens.js';

export interface DemoWorkspace {
  readonly apiKey: string;
  readonly baseUrl: string;
  readonly sandbox: Sandbox;
  /** Kept in the clear, for a sandbox has nothing to lose: each start can print a line that works. */
  readonly tokens: GivenTokens;
  keepTokens(tokens: GivenTokens): void;
  close(): Promise<void>;
}

interface Saved {
  readonly seed: Seed;
  readonly tokens: GivenTokens;
}

/** Long enough to see the invite pending, short enough to wait for. */
const ACCEPT_AFTER_MS = 8_000;
const SAVE_EVERY_MS = 1_000;
/** Saving may take this part of the time. */
const SAVE_SHARE = 0.1;

export async function startDemoWorkspace(databasePath: string, clock: Clock, log: Log): Promise<DemoWorkspace> {
  const file = stateFileOf(databasePath);
  const saved = readState(file, log);
  let { tokens } = saved ?? { tokens: { scim: null, admin: null } };
  // Other numbers at each start: what was made at the last one keeps its ids.
  const random = seededRandom(clock.now());
  const sandbox = createSandbox({ clock, random, seed: saved?.seed ?? demoSeed() });
  const saver = createSaver(file, clock, () => ({ seed: sandbox.control.state(), tokens }));
  const handle = async (request: ApiRequest): Promise<Outcome> => {
    const outcome = await sandbox.handle(request);
    // On disk before the answer, like a real workspace: a crash of this process loses nothing of it.
    if (request.method !== 'GET') saver.save();
    return outcome;
  };
  const release = (): void => sandbox.control.releaseHanging({ drop: true });
  const listening = await listen({ handle, clock, onClose: release });
  sandbox.control.autoAccept(ACCEPT_AFTER_MS);
  saver.start();
  return {
    apiKey: sandbox.apiKey(),
    baseUrl: listening.url,
    sandbox,
    tokens,
    keepTokens(next) {
      tokens = next;
      saver.saveNow();
    },
    async close() {
      saver.stop();
      await listening.close();
      saver.saveNow();
    },
  };
}

export const stateFileOf = (databasePath: string): string => `${databasePath}.workspace.json`;

function readState(file: string, log: Log): Saved | null {
  if (!existsSync(file)) return null;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Saved;
  } catch (error) {
    log.warn({ err: error, file }, 'the saved sandbox workspace cannot be read; it starts anew');
    return null;
  }
}

/** Writes the state when it may have changed, without letting a large workspace block the process. */
function createSaver(file: string, clock: Clock, state: () => Saved) {
  let text = '';
  let busyUntil = 0;
  let cancel: () => void = () => undefined;
  const saveNow = (): void => {
    const begun = clock.monotonic();
    const next = JSON.stringify(state());
    if (next !== text) {
      mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
      writeFileSync(`${file}.new`, next, { mode: 0o600 });
      renameSync(`${file}.new`, file);
      text = next;
    }
    busyUntil = clock.monotonic() + (clock.monotonic() - begun) / SAVE_SHARE;
  };
  const save = (): void => {
    if (clock.monotonic() >= busyUntil) saveNow();
  };
  // Invitees accept by themselves, without a request.
  const start = (): void => {
    save();
    cancel = clock.after(SAVE_EVERY_MS, start);
  };
  return { save, saveNow, start, stop: () => cancel() };
}
