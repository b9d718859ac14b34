/**
 * A SCIM surface that is shot at: the real router and store behind HTTP, a directory that is put
 * back after every case, and what has to hold after each one, whatever was sent.
 */
import Database from 'better-sqlite3';
import type { Express } from 'express';
import pino from 'pino';
import { createConnections } from '../../src/http/connection-limits.js';
import { messagesOf } from '../../src/http/express-messages.js';
import { serveHttp } from '../../src/http/server.js';
import { ERROR_URN, startBridge, type AnyJson } from '../scim-http/bridge.js';
import { exchange } from '../security/raw.js';
import type { FuzzRequest } from './arbitraries.js';

export interface FuzzAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
  readonly ms: number;
}

export interface Target {
  /** Statuses seen so far, with how often. */
  readonly seen: ReadonlyMap<number, number>;
  /** Sends a request; throws where anything does not hold that has to. */
  fire(request: FuzzRequest): Promise<FuzzAnswer>;
  close(): Promise<void>;
}

const objectKeys = Object.keys;
/** Everything that everything inherits from. */
const PROTOTYPES = [Object, Array, Function, String, Number, Boolean, Map, Set, Promise, RegExp, Error].map(
  (constructor) => constructor.prototype as object,
);

function prototypesNow(): string {
  const shape = PROTOTYPES.map((prototype) =>
    Reflect.ownKeys(prototype).map((key) => {
      const { value, ...flags } = Reflect.getOwnPropertyDescriptor(prototype, key) ?? {};
      return [String(key), typeof value, flags];
    }),
  );
  return JSON.stringify([shape, Reflect.ownKeys(Object).map(String), Object.keys === objectKeys]);
}

/** Tables that a rejected request may write to: when a token was used, how often something happened. */
const UNWATCHED = new Set(['tokens', 'hourly_counters', 'schema_migrations', 'sqlite_sequence']);
/** Rows are never deleted from it, so it is counted and not put back. */
const AUDIT = 'audit_log';

type Row = Readonly<Record<string, unknown>>;

/** What is stored, by a connection of its own. */
class Tables {
  readonly #db: Database.Database;
  readonly #names: readonly string[];
  readonly #start: ReadonlyMap<string, readonly Row[]>;
  readonly #startText: string;

  constructor(file: string) {
    this.#db = new Database(file);
    this.#db.pragma('foreign_keys = OFF');
    this.#db.pragma('synchronous = OFF');
    const names = this.#db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all() as string[];
    this.#names = names.filter((name) => !UNWATCHED.has(name) && name !== AUDIT).sort();
    this.#start = new Map(this.#names.map((name) => [name, this.#rows(name)]));
    this.#startText = this.#text();
  }

  #rows(name: string): readonly Row[] {
    return this.#db.prepare<[], Row>(`SELECT * FROM ${name}`).all();
  }

  #text(): string {
    return JSON.stringify(this.#names.map((name) => this.#rows(name)));
  }

  auditRows(): number {
    return this.#db.prepare<[], number>(`SELECT count(*) FROM ${AUDIT}`).pluck().get() ?? 0;
  }

  isAsAtStart(): boolean {
    return this.#text() === this.#startText;
  }

  putBack(): void {
    this.#db.transaction(() => {
      for (const [name, rows] of this.#start) {
        this.#db.exec(`DELETE FROM ${name}`);
        for (const row of rows) {
          const columns = Object.keys(row);
          const marks = columns.map(() => '?').join(', ');
          this.#db.prepare(`INSERT INTO ${name} (${columns.join(', ')}) VALUES (${marks})`).run(...Object.values(row));
        }
      }
    })();
  }

  close(): void {
    this.#db.close();
  }
}

/** Starts it, with four users and two groups. */
export async function openTarget(): Promise<Target> {
  const bridge = await startBridge();
  // Served as the product serves it: what reaches no handler has an answer, too.
  const app = bridge.server.listeners('request')[0] as Express;
  const server = await serveHttp(app, {
    ...{
      host: '127.0.0.1',
      port: 0,
      tls: null,
      connections: createConnections({ clock: bridge.clock }),
      server: messagesOf(app),
    },
    clock: bridge.clock,
    log: pino({ level: 'silent' }),
  });
  const users: AnyJson[] = [];
  for (const name of ['ann', 'bob', 'cyd', 'dan']) {
    users.push(await bridge.user(name, { title: name, roles: [{ value: 'r', type: 'work', primary: true }] }));
  }
  const ids = users.map((user) => String(user.id));
  const groups = [await bridge.group('Alpha', ids.slice(0, 3)), await bridge.group('Beta', ids.slice(2))];
  const known = new Map([
    ...ids.map((id, at) => [`{u${String(at)}}`, id] as const),
    ...groups.map((group, at) => [`{g${String(at)}}`, String(group.id)] as const),
  ]);
  const tables = new Tables(bridge.databasePath);
  const before = prototypesNow();
  const seen = new Map<number, number>();
  return {
    seen,
    async fire(request) {
      const named = withIds(request, known);
      const audited = tables.auditRows();
      const logged = bridge.logLines.length;
      const answer = await send(server.port, bridge.token, named);
      seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
      const changed = !tables.isAsAtStart() || tables.auditRows() !== audited;
      if (changed) tables.putBack();
      const problem =
        problemOf(named, answer, changed) ??
        (prototypesNow() === before ? null : 'a prototype was changed') ??
        (bridge.logLines.slice(logged).some(isFailure) ? 'a failure was logged' : null);
      bridge.logLines.length = 0;
      bridge.events.length = 0;
      bridge.provisioning.calls.length = 0;
      if (problem !== null) throw new Error(`${problem}: ${String(answer.status)} ${answer.text}`);
      return answer;
    },
    async close() {
      tables.close();
      await server.close(0);
      await bridge.close();
    },
  };
}

const ERROR_LEVEL = 50;
const isFailure = (line: string): boolean => (JSON.parse(line) as { level: number }).level >= ERROR_LEVEL;

/** In the order of the ids, so that the text of the request is otherwise untouched. */
function withIds(request: FuzzRequest, known: ReadonlyMap<string, string>): FuzzRequest {
  const replaced = (text: string): string =>
    text.replaceAll(/(?:\{|%7B)([ug]\d)(?:\}|%7D)/g, (all, name: string) => known.get(`{${name}}`) ?? all);
  const { target, headers, body } = request;
  return {
    ...request,
    target: replaced(target),
    headers: headers.map(([name, value]) => [name, replaced(value)] as const),
    body: typeof body === 'string' ? replaced(body) : body,
  };
}

const { byteLength } = Buffer;
const latin1 = (bytes: Buffer): string => bytes.toString('latin1');

async function send(port: number, token: string, request: FuzzRequest): Promise<FuzzAnswer> {
  const { method, target, headers, body } = request;
  const names = new Set(headers.map(([name]) => name.toLowerCase()));
  const lines = [
    `${method} /scim/v2${target} HTTP/1.1`,
    // An empty name stands for a request without Host.
    ...(names.has('host') || names.has('') ? [] : ['Host: bridge.test']),
    ...(names.has('authorization') ? [] : [`Authorization: Bearer ${token}`]),
    // Bytes above Latin-1 go out as UTF-8, as a careless client sends them.
    ...headers.filter(([name]) => name !== '').map(([name, value]) => `${name}: ${latin1(Buffer.from(value))}`),
    ...(body === null ? [] : [`Content-Length: ${String(byteLength(body))}`]),
    'Connection: close',
  ];
  const started = performance.now();
  const payload = body === null ? '' : latin1(Buffer.from(body));
  const raw = await exchange(port, `${lines.join('\r\n')}\r\n\r\n${payload}`);
  return { ...parse(raw), ms: performance.now() - started };
}

function parse(raw: string): Omit<FuzzAnswer, 'ms'> {
  const final = raw.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '');
  const end = final.indexOf('\r\n\r\n');
  const [first = '', ...lines] = final.slice(0, Math.max(0, end)).split('\r\n');
  const headers = lines.map((line) => {
    const at = line.indexOf(':');
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()] as const;
  });
  const text = Buffer.from(final.slice(end + 4), 'latin1').toString();
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? 0), headers: new Map(headers), text };
}

/** What is wrong with an answer; null: nothing. */
function problemOf(request: FuzzRequest, answer: FuzzAnswer, changed: boolean): string | null {
  const { status, headers, text } = answer;
  if (status === 0) return 'no answer';
  // RFC 7644 3.11: what a server without /Me answers.
  const isMe = /^\/me\/?(?:\?|$)/i.test(request.target);
  if (status >= 500 && !(status === 501 && isMe)) return 'a failure of the server';
  if (!headers.has('x-request-id')) return 'no request id';
  const mayWrite = ['POST', 'PUT', 'PATCH', 'DELETE'].includes(request.method) && !request.target.includes('/.search');
  if (changed && (status >= 300 || !mayWrite)) return 'something was changed';
  if (status === 401 && headers.get('www-authenticate')?.startsWith('Bearer') !== true)
    return 'a 401 without a challenge';
  if (status === 405 && !headers.has('allow')) return 'a 405 without Allow';
  // Of what is no HTTP, nobody knows that it should have been a HEAD.
  if (request.method === 'HEAD' && text.includes('not valid HTTP')) return null;
  if (request.method === 'HEAD' || status === 204 || status === 304) return text === '' ? null : 'a body too many';
  const body = asJson(text);
  if (body === null) return 'no JSON';
  if (status >= 400) return isScimError(answer, body) ? null : 'no SCIM error';
  const isBulk = Array.isArray(body.schemas) && String(body.schemas[0]).endsWith(':BulkResponse');
  if (!isBulk) return null;
  const statuses = body.Operations.map((result: AnyJson) => Number(result.status));
  if (statuses.some((one: number) => !(one < 500))) return 'a failure of a bulk operation';
  return changed && !statuses.some((one: number) => one < 300)
    ? 'something was changed by operations that failed'
    : null;
}

function isScimError({ status, headers }: FuzzAnswer, body: AnyJson): boolean {
  return (
    (headers.get('content-type') ?? '').startsWith('application/scim+json') &&
    body.schemas?.[0] === ERROR_URN &&
    body.status === String(status) &&
    typeof body.detail === 'string'
  );
}

function asJson(text: string): AnyJson {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
