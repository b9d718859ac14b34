/**
 * A whole bridge in this process: SCIM over HTTP, the real SDK, a sandbox workspace over loopback
 * and a real database file. Time stands still unless the test moves it, so that nothing depends on
 * luck; what needs no time happens by itself and is waited for with `until`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pino from 'pino';
import { createApp, type App } from '../../src/app.js';
import { ensureTokens } from '../../src/app/first-tokens.js';
import { messagesOf } from '../../src/http/express-messages.js';
import { SCIM_PATH } from '../../src/http/applications.js';
import { serveHttp, type HttpServer } from '../../src/http/server.js';
import { loadConfig, type Config } from '../../src/config.js';
import { buildRules } from '../../src/domain/mapping-file.js';
import type { Rules } from '../../src/domain/rules.js';
import { createSdkGateway } from '../../src/elevenlabs/sdk-gateway.js';
import type { Control } from '../../src/sandbox/control.js';
import type { Random } from '../../src/sandbox/random.js';
import { createSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import type { Seed } from '../../src/sandbox/seed.js';
import type { Listening } from '../../src/sandbox/server.js';
import type { Switches } from '../../src/sandbox/switches.js';
import { openStore } from '../../src/store/sqlite-store.js';
import type { Store } from '../../src/store/port.js';
import { createFakeClock, FAKE_START, settle, type FakeClock } from './fake-clock.js';
import { searchForSecrets, type SecretSearch } from './secret-search.js';
import { watchUnmanaged } from './unmanaged.js';
import { snapshotWorkspace, type WorkspaceSnapshot } from './workspace-snapshot.js';

export const BRIDGE_URN = 'urn:ietf:params:scim:schemas:extension:elevenlabs:2.0:User';
export const GROUP_URN = 'urn:ietf:params:scim:schemas:extension:elevenlabs:2.0:Group';
const USER_URN = 'urn:ietf:params:scim:schemas:core:2.0:User';
const CORE_GROUP_URN = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const PATCH_URN = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

export const TOKEN = 'esb_a-token-for-tests-of-no-further-use';

export interface TestBridgeOptions {
  readonly seed?: Seed;
  readonly switches?: Partial<Switches>;
  /** Environment of the bridge, over what points it to the sandbox. */
  readonly env?: Readonly<Record<string, string>>;
  readonly rules?: Partial<Rules>;
  /** Of the sandbox: which calls the faults strike. */
  readonly random?: Random;
  /** Done to the workspace before the bridge starts; then the start is not waited for. */
  readonly before?: (control: Control) => void;
}

export interface ScimAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- tests look into answers of any shape
}

export interface PatchOperation {
  readonly op: string;
  readonly path?: string;
  readonly value?: unknown;
}

export interface TestBridge {
  readonly clock: FakeClock;
  readonly sandbox: Sandbox;
  /** The workspace "in the UI". */
  readonly control: Control;
  readonly store: Store;
  readonly app: App;
  readonly config: Config;
  /** Root of the SCIM surface. */
  readonly scimUrl: string;
  readonly logLines: readonly string[];
  scim(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<ScimAnswer>;
  createUser(name: string, more?: object): Promise<ScimAnswer>;
  createGroup(displayName: string, memberIds?: readonly string[], more?: object): Promise<ScimAnswer>;
  patchUser(id: string, ...operations: readonly PatchOperation[]): Promise<ScimAnswer>;
  patchGroup(id: string, ...operations: readonly PatchOperation[]): Promise<ScimAnswer>;
  /** What the bridge's extension says of a user now. */
  bridgeOf(id: string): Promise<Record<string, unknown>>;
  /** Waits, without moving time, until the condition holds. */
  until(condition: () => boolean | Promise<boolean>, what: string): Promise<void>;
  /** Moves time in small steps, so that what is sent on the way can be answered. */
  pass(ms: number): Promise<void>;
  /** Until nothing is due, in work or under way. */
  idle(): Promise<void>;
  /** Moves time until the agenda holds nothing that was postponed, at most `limitMs`. */
  finish(limitMs?: number): Promise<void>;
  /** Time moves while this is waited for: calls are spaced, and those that hang have to be cut off. */
  inTime<T>(work: Promise<T>): Promise<T>;
  /** Moves time until nothing is planned, put off or under way; `each` is done in every half minute. */
  calm(each?: () => void): Promise<void>;
  /** A full reading, and everything that follows from it. */
  sync(): Promise<void>;
  /** As many full readings as it takes to believe that whoever is missing has gone. */
  syncUntilGone(): Promise<void>;
  workspace(): WorkspaceSnapshot;
  /** Calls to the workspace that change something, as `METHOD path address`. */
  writes(): readonly string[];
  /** Replaces rules, as a reload of the mapping file does. */
  setRules(rules: Partial<Rules>): Promise<void>;
  /** Ends the bridge and starts it again on the same database; the workspace stays. */
  restart(env?: Readonly<Record<string, string>>): Promise<void>;
  /** Ends everything. Throws if somebody was changed whom no IdP manages, or a secret has come out. */
  close(): Promise<void>;
}

interface Running {
  readonly app: App;
  readonly store: Store;
  readonly config: Config;
  readonly server: HttpServer;
  readonly scimUrl: string;
  readonly secrets: SecretSearch;
}

/** Hardly anything, but no times of the two clocks make a whole number any more: as in truth. */
const CLOCK_DRIFT = 1e-7;

/** Starts a sandbox and a bridge on it, and waits for the first reading. Close it. */
export async function startTestBridge(options: TestBridgeOptions = {}): Promise<TestBridge> {
  const directory = mkdtempSync(path.join(tmpdir(), 'bridge-'));
  const clock = createFakeClock(FAKE_START, CLOCK_DRIFT);
  const { seed, switches, random } = options;
  const given = { ...(seed && { seed }), ...(switches && { switches }), ...(random && { random }) };
  const sandbox = createSandbox({ clock, ...given });
  const listening = await sandbox.listen();
  options.before?.(sandbox.control);
  const logLines: string[] = [];
  const file = path.join(directory, 'bridge.db');
  const rules: Partial<Rules> = { ...options.rules };
  const start = (env: Readonly<Record<string, string>>): Promise<Running> =>
    run({ clock, sandbox, listening, file, logLines, env: { ...options.env, ...env }, rules });
  let running = await start({});
  const unmanaged = watchUnmanaged(sandbox, file);
  const bridge = createHandle({
    clock,
    sandbox: { ...sandbox, control: unmanaged.control },
    logLines,
    running: () => running,
    async setRules(changed) {
      Object.assign(rules, changed);
      await running.app.rulesChanged();
    },
    async restart(env) {
      await stop(running, clock);
      running.secrets.check(logLines);
      running = await start(env);
    },
    async close() {
      sandbox.control.releaseHanging({ drop: true });
      await stop(running, clock);
      try {
        unmanaged.check();
        running.secrets.check(logLines);
      } finally {
        await listening.close();
        rmSync(directory, { recursive: true, force: true });
      }
    },
  });
  if (options.before === undefined) await bridge.until(() => isStarted(running), 'the first reading');
  return bridge;
}

const isStarted = ({ app }: Running): boolean => app.reconciler.state.phase !== 'starting';

async function run(parts: {
  readonly clock: FakeClock;
  readonly sandbox: Sandbox;
  readonly listening: Listening;
  readonly file: string;
  readonly logLines: string[];
  readonly env: Readonly<Record<string, string>>;
  readonly rules: Partial<Rules>;
}): Promise<Running> {
  const { clock, sandbox, listening, file, logLines } = parts;
  const env = {
    PORT: '0',
    ELEVENLABS_API_KEY: sandbox.apiKey(),
    ELEVENLABS_BASE_URL: listening.url,
    DATABASE_PATH: file,
    SCIM_TOKEN: TOKEN,
    ...parts.env,
  };
  const config = configFor(env);
  const secrets = searchForSecrets(env);
  const log = pino({ level: 'debug' }, { write: (line: string) => logLines.push(line) });
  const base = buildRules(config, null);
  const rules = (): Rules => ({ ...base, ...parts.rules });
  let url = '';
  const store = openStore({
    path: file,
    clock,
    rules,
    serve: true,
    scimBase: () => url + SCIM_PATH,
    auditKey: config.auditKey,
  });
  const { upstream } = config;
  if (upstream.kind !== 'elevenlabs') throw new Error('a test bridge has a key');
  const gateway = createSdkGateway({ ...upstream, timeoutMs: config.upstreamTimeoutMs, clock });
  await ensureTokens(store, { scim: config.scimToken, admin: config.adminToken }, log);
  const app = createApp({
    ...{ config, store, gateway, clock, log, rules },
    publicUrl: () => url,
    random: () => 0.5,
    onOtherWorkspace: () => undefined,
  });
  const server = await serveHttp(secrets.watch(app.http), {
    ...{ ...config, connections: app.connections, clock, log },
    server: messagesOf(app.http),
  });
  url = `http://127.0.0.1:${String(server.port)}`;
  await app.start();
  return { app, store, config, server, secrets, scimUrl: url + SCIM_PATH };
}

function configFor(env: Readonly<Record<string, string>>): Config {
  const loaded = loadConfig(env);
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  return loaded.config;
}

/** Time has to move for what is bounded by it: calls that hang, connections that stay. */
async function stop({ app, server, store }: Running, clock: FakeClock): Promise<void> {
  let isDone = false;
  const done = Promise.all([app.close(), server.close(1000)]).finally(() => (isDone = true));
  while (!isDone) await clock.advanceAsync(1000);
  await done;
  store.close();
}

function createHandle(parts: {
  readonly clock: FakeClock;
  readonly sandbox: Sandbox;
  readonly logLines: readonly string[];
  readonly running: () => Running;
  readonly setRules: (rules: Partial<Rules>) => Promise<void>;
  readonly restart: (env: Readonly<Record<string, string>>) => Promise<void>;
  readonly close: () => Promise<void>;
}): TestBridge {
  const { clock, sandbox, logLines, running } = parts;
  const scim: TestBridge['scim'] = async (method, where, body, headers = {}) => {
    const response = await fetch(where.startsWith('http') ? where : running().scimUrl + where, {
      method,
      headers: {
        authorization: `Bearer ${TOKEN}`,
        'content-type': 'application/scim+json',
        connection: 'close',
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
  };
  const patch = (where: string, operations: readonly PatchOperation[]): Promise<ScimAnswer> =>
    scim('PATCH', where, { schemas: [PATCH_URN], Operations: operations });
  const isIdle = async (): Promise<boolean> => {
    const { store, app } = running();
    await settle(); // What is being written is written after a turn.
    if (app.reconciler.state.inWork > 0) return false;
    return (await store.due(1, new Set())).length === 0;
  };
  const handle: TestBridge = {
    clock,
    sandbox,
    control: sandbox.control,
    logLines,
    get store() {
      return running().store;
    },
    get app() {
      return running().app;
    },
    get config() {
      return running().config;
    },
    get scimUrl() {
      return running().scimUrl;
    },
    scim,
    createUser: (name, more = {}) =>
      scim('POST', '/Users', { schemas: [USER_URN], ...personOf(name), active: true, ...more }),
    createGroup: (displayName, memberIds = [], more = {}) =>
      scim('POST', '/Groups', {
        schemas: [CORE_GROUP_URN],
        displayName,
        members: memberIds.map((value) => ({ value })),
        ...more,
      }),
    patchUser: (id, ...operations) => patch(`/Users/${id}`, operations),
    patchGroup: (id, ...operations) => patch(`/Groups/${id}`, operations),
    async bridgeOf(id) {
      const { status, body } = await scim('GET', `/Users/${id}`);
      if (status !== 200) throw new Error(`GET of user ${id} answered ${String(status)}`);
      return body[BRIDGE_URN];
    },
    until: (condition, what) => until(condition, what, logLines),
    async pass(ms) {
      const isQuiet = (): boolean => {
        const { running: calls, queued, waitMs } = running().app.limiter.state();
        // What hangs, what queues behind it, and what the limiter holds back need time to move.
        if (calls > 0) return calls <= sandbox.control.hanging();
        // The timer of the limiter is a whole number of ms, what it waits for is none.
        return queued === 0 || waitMs > 0 || (clock.pending()[0] ?? 1) < 1;
      };
      for (let passed = 0; passed < ms; passed += 1000) {
        await clock.advanceAsync(Math.min(1000, ms - passed));
        await until(isQuiet, 'answers of the workspace', logLines);
      }
    },
    idle: () => until(isIdle, 'nothing is due', logLines),
    async finish(limitMs = 3_600_000) {
      for (let passed = 0; passed <= limitMs; passed += 1000) {
        await until(async () => sandbox.control.hanging() > 0 || (await isIdle()), 'nothing is due', logLines);
        if (sandbox.control.hanging() > 0) {
          // Past the timeout of the call; what is released then is not listened to any more.
          await clock.advanceAsync(running().config.upstreamTimeoutMs);
          sandbox.control.releaseHanging({ drop: true });
          continue;
        }
        if ((await postponed(running().store)) === 0) return;
        await clock.advanceAsync(1000);
      }
      throw new Error(`something is still postponed after ${String(limitMs)} ms\n${tail(logLines)}`);
    },
    async inTime(work) {
      let isDone = false;
      const done = work.finally(() => (isDone = true));
      done.catch(() => undefined);
      while (!isDone) await handle.pass(1_000);
      return done;
    },
    async calm(each) {
      for (let turn = 0; turn < 1_000; turn++) {
        await handle.pass(30_000);
        each?.();
        const open = await running().store.ledger({ states: ['planned', 'sending'], limit: 1 });
        if (open.length === 0 && running().app.reconciler.state.inWork === 0) return;
      }
      throw new Error(`it never settled\n${tail(logLines)}`);
    },
    async sync() {
      await running().app.reconciler.syncNow('test');
      await handle.idle();
    },
    async syncUntilGone() {
      for (let readings = 0; readings < 3; readings++) await handle.sync();
    },
    workspace: () => snapshotWorkspace(sandbox),
    writes: () =>
      sandbox.control
        .requests()
        .filter(({ method }) => method !== 'GET')
        .map(({ method, path: where, body }) => [method, shorten(where), addressIn(body)].filter(Boolean).join(' ')),
    setRules: parts.setRules,
    restart: async (env = {}) => {
      await parts.restart(env);
      await handle.until(() => isStarted(running()), 'a new start');
    },
    close: parts.close,
  };
  return handle;
}

/** `zoe` -> zoe@workspace.example, or a whole address. */
function personOf(name: string): object {
  const address = name.includes('@') ? name : `${name}@workspace.example`;
  return { userName: address, emails: [{ value: address, type: 'work', primary: true }] };
}

/** Entries that were put off after a fault. */
async function postponed(store: Store): Promise<number> {
  const users = await store.ledger({ states: ['planned', 'sending', 'ambiguous'], limit: 10_000 });
  const subjects = [...new Set(users.map(({ subject }) => subject))];
  const counts = await Promise.all(subjects.map((subject) => store.progress({ subject })));
  return counts.reduce((sum, count) => sum + count.postponed, 0);
}

const shorten = (where: string): string => where.replace('/v1/workspace/', '');

function addressIn(body: unknown): string {
  return typeof body === 'object' && body !== null && 'email' in body ? String(body.email) : '';
}

const PATIENCE_MS = 20_000;

/** Real time only bounds how long a broken test hangs; it decides nothing. */
async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  logLines: readonly string[],
): Promise<void> {
  const begun = performance.now();
  while (!(await condition())) {
    if (performance.now() - begun > PATIENCE_MS) throw new Error(`waited in vain: ${what}\n${tail(logLines)}`);
    await settle();
  }
}

const tail = (lines: readonly string[]): string => lines.slice(-30).join('');
