/** What a conformance check is, and the client that it speaks through: every exchange is kept for the report. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers of any server
export type AnyJson = any;

export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
  /** Parsed; undefined where it is no JSON. */
  readonly json: AnyJson;
}

/** One request and its answer, for the report. The token is never part of it. */
export interface Exchange {
  readonly request: string;
  readonly sent: string | null;
  readonly status: number;
  readonly answer: string;
}

export type Group = 'RFC' | 'transcript' | 'dialect';

export interface Result {
  readonly group: Group;
  /** `RFC 7644 3.3`, or the identity provider. */
  readonly section: string;
  readonly requirement: string;
  readonly outcome: 'pass' | 'fail' | 'skipped';
  /** Why it failed, or was skipped. */
  readonly reason: string | null;
  readonly exchanges: readonly Exchange[];
}

/** What a server says of itself that it can do; checks of other features are skipped. */
export type Feature = 'patch' | 'bulk' | 'filter' | 'sort' | 'etag' | 'cursor' | 'groups' | 'enterprise';

export interface Check {
  readonly group: Group;
  readonly section: string;
  readonly requirement: string;
  readonly needs?: readonly Feature[];
  run(server: ServerUnderTest): Promise<void>;
}

/** The first thing that is not as it should be. */
export class Deviation extends Error {
  override readonly name = 'Deviation';
}

export interface Sending {
  readonly body?: unknown;
  /** Sent as it is. */
  readonly raw?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Null: without any. */
  readonly token?: string | null;
}

export interface ServerUnderTest {
  send(method: string, path: string, sending?: Sending): Promise<Answer>;
  /** Sends, and demands this status (or one of them). */
  ask(method: string, path: string, status: number | readonly number[], sending?: Sending): Promise<Answer>;
  /** Creates a user or group of a name of its own; it is deleted when the check is over. */
  user(more?: object): Promise<AnyJson>;
  group(more?: object): Promise<AnyJson>;
  /** A text that no other check uses. */
  unique(): string;
  /** Throws a Deviation where the two differ. */
  equal(actual: unknown, expected: unknown, what: string): void;
  holds(condition: boolean, what: string): void;
}

export const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
export const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
export const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
export const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error';

export const patch = (...operations: readonly object[]): Sending => ({
  body: { schemas: [PATCH_OP], Operations: operations },
});
export const filter = (text: string, more = ''): string => `filter=${encodeURIComponent(text)}${more}`;

export interface Target {
  /** The SCIM base, without a slash at its end. */
  readonly baseUrl: string;
  readonly token: string;
}

const SHOWN = 4_000;
const TIMEOUT_MS = 30_000;

/** Sends one request byte for byte, where fetch would encode its path anew. */
export function exchange(
  { baseUrl }: Pick<Target, 'baseUrl'>,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string | undefined,
): Promise<{ readonly status: number; readonly headers: Answer['headers']; readonly text: string }> {
  const url = new URL(baseUrl);
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const payload = body === undefined ? undefined : Buffer.from(body);
  return new Promise((resolve, reject) => {
    const outgoing = send(
      {
        hostname: url.hostname.replace(/^\[|\]$/g, ''),
        port: url.port,
        method,
        path: url.pathname.replace(/\/$/, '') + path,
        headers: { ...headers, ...(payload && { 'Content-Length': payload.length }) },
        agent: false,
        timeout: TIMEOUT_MS,
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const received = Object.entries(incoming.headers).map(([name, value]) => [name, value?.toString()] as const);
          resolve({
            status: incoming.statusCode ?? 0,
            headers: Object.fromEntries(received),
            text: Buffer.concat(chunks).toString('utf8'),
          });
        });
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 30 seconds')));
    outgoing.on('error', reject);
    outgoing.end(payload);
  });
}

export function clip(text: string): string {
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}… (${String(text.length)} characters)`;
}

function parse(text: string): AnyJson {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Runs one check against a server, and tidies up after it. */
export async function runCheck(check: Check, target: Target, mark: string): Promise<Result> {
  const exchanges: Exchange[] = [];
  const created: string[] = [];
  let names = 0;
  const server: ServerUnderTest = {
    async send(method, path, { body, raw, headers = {}, token = target.token } = {}) {
      const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
      const answer = await exchange(
        target,
        method,
        path,
        {
          Accept: 'application/scim+json',
          ...(token !== null && { Authorization: `Bearer ${token}` }),
          ...(payload !== undefined && { 'Content-Type': 'application/scim+json' }),
          ...headers,
        },
        payload,
      );
      const json = parse(answer.text);
      exchanges.push({
        request: `${method} ${path}`,
        sent: payload === undefined ? null : clip(payload),
        status: answer.status,
        answer: clip(answer.text),
      });
      const collection = /^\/(Users|Groups)$/.exec(path)?.[1];
      if (method === 'POST' && answer.status === 201 && collection !== undefined && typeof json?.id === 'string')
        created.push(`/${collection}/${encodeURIComponent(json.id as string)}`);
      return { ...answer, json };
    },
    async ask(method, path, status, sending) {
      const answer = await server.send(method, path, sending);
      const allowed = typeof status === 'number' ? [status] : status;
      server.holds(
        allowed.includes(answer.status),
        `${method} ${path} is answered with ${String(answer.status)}, not ${allowed.join(' or ')}`,
      );
      return answer;
    },
    async user(more = {}) {
      const userName = server.unique();
      const emails = [{ value: userName, type: 'work', primary: true }];
      return (
        await server.ask('POST', '/Users', 201, { body: { schemas: [USER], userName, active: true, emails, ...more } })
      ).json;
    },
    async group(more = {}) {
      const displayName = server.unique();
      return (await server.ask('POST', '/Groups', 201, { body: { schemas: [GROUP], displayName, ...more } })).json;
    },
    unique: () => `c${mark}-${String(names++)}@conformance.invalid`,
    equal(actual, expected, what) {
      if (JSON.stringify(actual) !== JSON.stringify(expected))
        throw new Deviation(`${what} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`);
    },
    holds(condition, what) {
      if (!condition) throw new Deviation(what);
    },
  };
  const { group, section, requirement } = check;
  let reason: string | null = null;
  try {
    await check.run(server);
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error);
  }
  const seen = [...exchanges];
  for (const path of created.reverse()) await server.send('DELETE', path).catch(() => undefined);
  return { group, section, requirement, outcome: reason === null ? 'pass' : 'fail', reason, exchanges: seen };
}
