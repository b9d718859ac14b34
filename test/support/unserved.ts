/**
 * A place where no server runs: an empty folder for a database, and a workspace of which the test
 * is the administrator, behind HTTP. The built command line works there as a process.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '../../src/clock.js';
import { DEFAULT_RULES } from '../../src/domain/rules.js';
import type { JsonObject } from '../../src/domain/types.js';
import { createSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import type { Seed } from '../../src/sandbox/seed.js';
import type { Store, WriteContext } from '../../src/store/port.js';
import { openStore } from '../../src/store/sqlite-store.js';
import { cli, type CliResult, type Env, type Place } from './cli.js';

const USER_URN = 'urn:ietf:params:scim:schemas:core:2.0:User';

/** Who writes to the store in the name of an IdP. */
export const WRITER: WriteContext = {
  requestId: 'req-1',
  actor: 'token:test',
  tokenId: null,
  interactive: false,
  ifMatch: null,
};

export interface Unserved {
  readonly folder: string;
  /** The database; it is not there yet. */
  readonly file: string;
  readonly sandbox: Sandbox;
  /** Where the API of the workspace is. */
  readonly url: string;
  /** For a command in a pseudo-terminal. */
  readonly place: Place;
  readonly run: (...args: readonly string[]) => Promise<CliResult>;
  readonly runWith: (env: Env, ...args: readonly string[]) => Promise<CliResult>;
  /** Works on the database as the server would, and closes it again. */
  readonly inStore: <T>(work: (store: Store) => Promise<T>) => Promise<T>;
  /** An active user `<name>@workspace.example`; answers the id. */
  readonly createUser: (name: string, more?: JsonObject) => Promise<string>;
  /** A group of that name, with these users; answers the id. */
  readonly createGroup: (displayName: string, members?: readonly string[]) => Promise<string>;
  readonly close: () => Promise<void>;
}

export async function startUnserved(seed?: Seed): Promise<Unserved> {
  const folder = mkdtempSync(path.join(tmpdir(), 'bridge-cli-'));
  const file = path.join(folder, 'bridge.db');
  const sandbox = createSandbox({ clock: systemClock, ...(seed !== undefined && { seed }) });
  const listening = await sandbox.listen();
  const env = {
    ELEVENLABS_API_KEY: sandbox.apiKey(),
    ELEVENLABS_BASE_URL: listening.url,
    DATABASE_PATH: file,
  };
  const inStore: Unserved['inStore'] = async (work) => {
    const store = openStore({ path: file, clock: systemClock, rules: () => DEFAULT_RULES });
    try {
      return await work(store);
    } finally {
      store.close();
    }
  };
  return {
    folder,
    file,
    sandbox,
    url: listening.url,
    place: { cwd: folder, env },
    run: (...args) => cli({ cwd: folder, env }, ...args),
    runWith: (more, ...args) => cli({ cwd: folder, env: { ...env, ...more } }, ...args),
    inStore,
    async createUser(name, more) {
      const address = `${name}@workspace.example`;
      const emails = [{ value: address, type: 'work', primary: true }];
      const document = { schemas: [USER_URN], userName: address, active: true, emails, ...more };
      return (await inStore((store) => store.createUser(document, WRITER))).record.id;
    },
    async createGroup(displayName, members = []) {
      const document = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName };
      return (await inStore((store) => store.createGroup(document, members, WRITER))).record.id;
    },
    async close() {
      await listening.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
