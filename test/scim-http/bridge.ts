/**
 * The SCIM surface over HTTP, with the real store in a fresh directory and a provisioning that has
 * nothing to do. Tests speak to it as clients do.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pino from 'pino';
import { messagesOf } from '../../src/http/express-messages.js';
import { createBase } from '../../src/http/applications.js';
import type { AttemptLimitOptions } from '../../src/auth/attempt-limit.js';
import type { AuthFailure } from '../../src/auth/auth-failures.js';
import { createAuthenticator } from '../../src/auth/authenticate.js';
import { createDoors, type Doors } from '../../src/auth/doors.js';
import type { SettleOutcome } from '../../src/domain/provisioning.js';
import { DEFAULT_RULES } from '../../src/domain/rules.js';
import type { ScimError } from '../../src/errors.js';
import type { RequestEvent } from '../../src/scim/request-log.js';
import { createScimRouter, type ScimRouterOptions } from '../../src/scim/router.js';
import { newToken } from '../../src/domain/secret-token.js';
import type { Store } from '../../src/store/port.js';
import { openStore } from '../../src/store/sqlite-store.js';
import { createFakeClock, type FakeClock } from '../support/fake-clock.js';

export const USER_URN = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const GROUP_URN = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export const PATCH_URN = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
export const ERROR_URN = 'urn:ietf:params:scim:api:messages:2.0:Error';
export const BULK_URN = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';

/** A provisioning that does nothing and remembers what it was asked; tests make it refuse. */
export interface FakeProvisioning {
  readonly calls: string[];
  settleWith: SettleOutcome;
  grantError: ScimError | null;
  withdrawalError: ScimError | null;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into answers of any shape
export type AnyJson = any;

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed JSON; `{}` where there is none. */
  readonly body: AnyJson;
  readonly text: string;
}

export interface CallOptions {
  readonly body?: unknown;
  /** A body that is sent as it is. */
  readonly raw?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly token?: string | null;
}

export interface Bridge {
  readonly store: Store;
  /** The file of the store, for tests that look into its tables. */
  readonly databasePath: string;
  readonly clock: FakeClock;
  readonly provisioning: FakeProvisioning;
  readonly server: Server;
  readonly token: string;
  /** URL of the SCIM base. */
  readonly url: string;
  readonly events: RequestEvent[];
  readonly logLines: string[];
  readonly doors: Doors;
  readonly failures: readonly AuthFailure[];
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  addToken(
    label: string,
    scopes?: readonly string[],
    expiresAt?: number | null,
  ): Promise<{ id: string; secret: string }>;
  /** Creates a user and answers its body. */
  user(userName: string, more?: object): Promise<AnyJson>;
  group(displayName: string, memberIds?: readonly string[]): Promise<AnyJson>;
  close(): Promise<void>;
}

/** Starts a bridge. Close it. */
export async function startBridge(
  options: Partial<ScimRouterOptions> & { readonly attempts?: AttemptLimitOptions } = {},
  trustProxy = false,
): Promise<Bridge> {
  const directory = mkdtempSync(path.join(tmpdir(), 'scim-http-'));
  const clock = createFakeClock();
  const logLines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => logLines.push(line) });
  let url = '';
  const databasePath = path.join(directory, 'bridge.db');
  const store = openStore({
    path: databasePath,
    clock,
    rules: () => DEFAULT_RULES,
    scimBase: () => url,
  });
  const events: RequestEvent[] = [];
  const fake = fakeProvisioning();
  const failures: AuthFailure[] = [];
  const { attempts, ...routing } = options;
  const doors = createDoors({
    ...{ store, clock, log, onFailure: (failure) => failures.push(failure) },
    ...(attempts !== undefined && { attempts }),
  });
  const outer = createBase(trustProxy ? 1 : 0);
  const server = createServer(messagesOf(outer), outer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/scim/v2`;
  outer.use(
    '/scim/v2',
    createScimRouter({
      store,
      clock,
      log,
      provisioning: fake.provisioning,
      baseUrl: url,
      rules: () => DEFAULT_RULES,
      onRequest: (event) => events.push(event),
      authenticator: createAuthenticator(doors),
      ...routing,
    }),
  );
  const addToken: Bridge['addToken'] = async (label, scopes = [], expiresAt = null) => {
    const { secret, hash } = newToken('scim');
    const token = { id: `id-${label}`, kind: 'scim', label, scopes, clientId: null, expiresAt, hash } as const;
    await store.addToken(token, 'cli');
    return { id: token.id, secret };
  };
  const { secret: token } = await addToken('default');
  const agent = new Agent({ keepAlive: true });
  const call = caller(url, token, agent);
  return {
    store,
    databasePath,
    clock,
    provisioning: fake.state,
    server,
    token,
    url,
    events,
    logLines,
    doors,
    failures,
    addToken,
    call,
    async user(userName, more = {}) {
      const answer = await call('POST', '/Users', { body: userBody(userName, more) });
      if (answer.status !== 201) throw new Error(`user ${userName}: ${String(answer.status)} ${answer.text}`);
      return answer.body;
    },
    async group(displayName, memberIds = []) {
      const members = memberIds.map((value) => ({ value }));
      const answer = await call('POST', '/Groups', { body: { schemas: [GROUP_URN], displayName, members } });
      if (answer.status !== 201) throw new Error(`group ${displayName}: ${String(answer.status)} ${answer.text}`);
      return answer.body;
    },
    async close() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      store.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The least that makes an active user. */
export function userBody(userName: string, more: object = {}): object {
  return { schemas: [USER_URN], userName, emails: [{ value: `${userName}@example.test`, type: 'work' }], ...more };
}

export function patchBody(...operations: readonly object[]): object {
  return { schemas: [PATCH_URN], Operations: operations };
}

/** Plain node:http, so that the bytes are exactly those of the test. */
function caller(url: string, token: string, agent: Agent): Bridge['call'] {
  return (method, at, options = {}) =>
    new Promise((resolve, reject) => {
      const authorization = options.token === undefined ? token : options.token;
      const payload = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
      const headers = {
        ...(authorization === null ? {} : { authorization: `Bearer ${authorization}` }),
        ...(payload === undefined
          ? {}
          : { 'content-type': 'application/scim+json', 'content-length': Buffer.byteLength(payload) }),
        ...Object.fromEntries(
          Object.entries(options.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
        ),
      };
      const sent = request(`${url}${at}`, { method, headers, agent }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers as Record<string, string>,
            text,
            body: text === '' ? {} : parse(text),
          }),
        );
      });
      sent.on('error', reject);
      sent.end(payload);
    });
}

function parse(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return { unparsable: raw };
  }
}

function fakeProvisioning() {
  const state: FakeProvisioning = {
    calls: [],
    settleWith: { kind: 'settled' },
    grantError: null,
    withdrawalError: null,
  };
  const provisioning: ScimRouterOptions['provisioning'] = {
    poke: () => void state.calls.push('poke'),
    async settle(_userId, version) {
      state.calls.push(`settle ${String(version)}`);
      return state.settleWith;
    },
    async settleGroup() {
      state.calls.push('settleGroup');
      return 'settled';
    },
    async admitGrant() {
      state.calls.push('admitGrant');
      if (state.grantError !== null) throw state.grantError;
    },
    async admitWithdrawal() {
      state.calls.push('admitWithdrawal');
      if (state.withdrawalError !== null) throw state.withdrawalError;
    },
    awaitFirstReading: () => Promise.resolve(false),
  };
  return { state, provisioning };
}
