/** The built bridge as a process of its own, with a sandbox workspace in this one, and what an IdP asks it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '../../src/clock.js';
import { createSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import type { Seed } from '../../src/sandbox/seed.js';
import { startProcess, type BridgeProcess } from './bridge-process.js';
import { secretsIn } from './secret-search.js';
import { snapshotWorkspace } from './workspace-snapshot.js';

export const TOKEN = 'esb_a-token-for-tests-of-no-further-use';

const USER_URN = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH_URN = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- tests look into answers of any shape
}

export interface ProcessBridge {
  readonly process: BridgeProcess;
  readonly pid: number;
  readonly sandbox: Sandbox;
  readonly directory: string;
  readonly database: string;
  /** The environment of the process: for another one on the same workspace and database. */
  readonly env: Readonly<Record<string, string>>;
  /** Without a path. */
  readonly origin: string;
  readonly port: number;
  scim(method: string, at: string, body?: object): Promise<Answer>;
  createUser(name: string): Promise<Answer>;
  setActive(id: string, isActive: boolean): Promise<Answer>;
  /** Invite mails by address. */
  mails(): Readonly<Record<string, number>>;
  until(condition: () => boolean | Promise<boolean>, what: string): Promise<void>;
  /** Ends the process (at once), the workspace and the folder. */
  close(): Promise<void>;
}

export interface ProcessBridgeOptions {
  readonly seed?: Seed;
  readonly env?: Readonly<Record<string, string>>;
  readonly through?: readonly string[];
  /** Done before the start: may put files into the folder; its answer is added to the environment. */
  readonly before?: (directory: string, sandbox: Sandbox) => Readonly<Record<string, string>>;
  /** Where the greeting is to be found; stdout if not given. */
  readonly greeting?: (directory: string) => string;
}

export const addressOf = (name: string): string => `${name}@workspace.example`;

/** Starts a bridge on a workspace and waits for its first reading. Close it. */
export async function startProcessBridge(options: ProcessBridgeOptions = {}): Promise<ProcessBridge> {
  const directory = mkdtempSync(path.join(tmpdir(), 'process-bridge-'));
  const sandbox = createSandbox({ clock: systemClock, ...(options.seed && { seed: options.seed }) });
  const listening = await sandbox.listen();
  const database = path.join(directory, 'data', 'bridge.db');
  const env = {
    ...{ PORT: '0', SCIM_TOKEN: TOKEN, PROVISION_WAIT_MS: '0', SYNC_INTERVAL_SECONDS: '2', DATABASE_PATH: database },
    ...{ ELEVENLABS_API_KEY: sandbox.apiKey(), ELEVENLABS_BASE_URL: listening.url },
    ...options.env,
    ...options.before?.(directory, sandbox),
  };
  const started = startProcess(['serve'], {
    ...{ cwd: directory, env },
    ...(options.through && { through: options.through }),
  });
  const close = async (): Promise<void> => {
    started.kill('SIGKILL');
    await started.ended;
    await listening.close();
    rmSync(directory, { recursive: true, force: true });
    const out = secretsIn(started.stdout() + started.stderr(), env);
    if (out.length > 0) throw new Error(`the process has shown ${out.join(', ')}`);
  };
  const text = (): string => options.greeting?.(directory) ?? started.stdout();
  try {
    const ended = started.ended.then((code) => {
      throw new Error(`the bridge ended with ${code}\n${started.stdout()}${started.stderr()}`);
    });
    const until = createUntil(text);
    await Promise.race([ended, until(() => /SCIM base URL\s+http\S+/.test(text()), 'the greeting')]);
    ended.catch(() => undefined);
    const url = new URL(/SCIM base URL\s+(http\S+)/.exec(text())?.[1] ?? '');
    const bridge = { process: started, sandbox, directory, database, env, origin: url.origin, until, close };
    const health = async (): Promise<boolean> => {
      const answer = await fetch(`${url.origin}/healthz`);
      return ((await answer.json()) as { workspace: { hasReading: boolean } }).workspace.hasReading;
    };
    await until(health, 'the first reading');
    return { ...bridge, pid: started.child.pid ?? 0, port: Number(url.port), ...createClient(url.href, sandbox) };
  } catch (error) {
    await close();
    throw error;
  }
}

function createClient(scimUrl: string, sandbox: Sandbox) {
  const scim: ProcessBridge['scim'] = async (method, at, body) => {
    const response = await fetch(scimUrl + at, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/scim+json', connection: 'close' },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
  };
  return {
    scim,
    createUser: (name: string) =>
      scim('POST', '/Users', {
        schemas: [USER_URN],
        userName: addressOf(name),
        emails: [{ value: addressOf(name), primary: true }],
        active: true,
      }),
    setActive: (id: string, isActive: boolean) =>
      scim('PATCH', `/Users/${id}`, {
        schemas: [PATCH_URN],
        Operations: [{ op: 'replace', path: 'active', value: isActive }],
      }),
    mails: () => snapshotWorkspace(sandbox).mails,
  };
}

/** Real time only bounds how long a broken test hangs. */
const PATIENCE_MS = 60_000;
const LOOK_MS = 50;

const createUntil =
  (output: () => string): ProcessBridge['until'] =>
  async (condition, what) => {
    const deadline = performance.now() + PATIENCE_MS;
    while (!(await condition())) {
      if (performance.now() > deadline) throw new Error(`waited in vain: ${what}\n${output().slice(-3000)}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  };
