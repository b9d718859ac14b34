/** /openapi.json: valid, complete, without a secret; each example is executed, and its answer is as described. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { newToken } from '../../src/domain/secret-token.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { EXAMPLE_ID, openApiDocument } from '../../src/app/openapi/document.js';
import { ENDPOINTS } from '../../src/scim/routes.js';
import { startTestBridge, TOKEN, type TestBridge } from '../support/bridge.js';

interface Media {
  readonly schema: { readonly $ref?: string };
  readonly example?: unknown;
}
interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly example: string | number;
}
interface Operation {
  readonly operationId: string;
  readonly security: readonly Readonly<Record<string, unknown>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Media>> }>>;
}
interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>> & { parameters?: readonly Parameter[] }>>;
}

const ADMIN_TOKEN = 'esb_admin_a-token-for-the-openapi-tests';
const PATHS = { scim: '/scim/v2', token: '/oauth/token' };
const NAMED = ['voice:21m00Tcm4TlvDq8ikWAM:viewer'];
const document = openApiDocument('http://127.0.0.1', PATHS) as unknown as Described;
const operations = Object.entries(document.paths).flatMap(([path, { parameters = [], ...methods }]) =>
  Object.entries(methods).map(([method, operation]) => ({
    path,
    method: method.toUpperCase(),
    operation: { ...operation, parameters: [...parameters, ...(operation.parameters ?? [])] },
  })),
);

const client = newToken('oauthClient');
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
let bridge: TestBridge;
let origin: string;
let served: unknown;

beforeAll(async () => {
  const entitlements = NAMED.map((value) => ({ value, display: 'A voice', description: null }));
  bridge = await startTestBridge({
    seed: minimalSeed(),
    env: { ADMIN_TOKEN },
    rules: { namedEntitlements: entitlements },
  });
  const secret = { kind: 'oauthClient', label: 'c', scopes: [], clientId: 'client', expiresAt: null } as const;
  await bridge.store.addToken({ ...secret, id: 'c', hash: client.hash }, 'test');
  origin = new URL(bridge.scimUrl).origin;
  served = await (await fetch(`${origin}/openapi.json`, { headers: { connection: 'close' } })).json();
  ajv.addSchema(served as object, 'api');
});
afterAll(() => bridge.close());

const credentials = (operation: Operation): string | null => {
  const [scheme] = Object.keys(operation.security[0] ?? {});
  switch (scheme) {
    case undefined:
      return null;
    case 'scim':
      return `Bearer ${TOKEN}`;
    case 'admin':
      return `Bearer ${ADMIN_TOKEN}`;
    default:
      return `Basic ${Buffer.from(`client:${client.secret}`).toString('base64')}`;
  }
};

let made = 0;
const unique = (): string => `person${String(++made)}`;

/** Executes an operation with all its examples; users and groups that it needs are made before. */
async function execute({ path, method, operation }: (typeof operations)[number]): Promise<Response> {
  const person = (await bridge.createUser(unique())).body.id as string;
  const own = path.includes('/Groups/') ? ((await bridge.createGroup(unique())).body.id as string) : person;
  const at = path.replace('{id}', () => {
    const example = String(operation.parameters?.find(({ name }) => name === 'id')?.example);
    return encodeURIComponent(example === EXAMPLE_ID ? own : example);
  });
  const query = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query');
  const search = new URLSearchParams(query.map(({ name, example }): [string, string] => [name, String(example)]));
  const [type, media] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  const body = JSON.stringify(media?.example)?.replaceAll(EXAMPLE_ID, person);
  const authorization = credentials(operation);
  return fetch(`${origin}${at}${query.length === 0 ? '' : `?${search.toString()}`}`, {
    method,
    headers: {
      connection: 'close',
      ...(authorization !== null && { authorization }),
      ...(type !== undefined && { 'content-type': type }),
    },
    ...(body !== undefined && {
      body:
        type?.startsWith('application/x-www') === true
          ? new URLSearchParams(JSON.parse(body) as Record<string, string>)
          : body,
    }),
  });
}

/** What is wrong with a value by a schema of the served document. */
function problemsOf(value: unknown, { $ref }: Media['schema']): unknown {
  if ($ref === undefined) return null;
  const validate = ajv.getSchema(`api${$ref}`);
  return validate === undefined ? `no schema ${$ref}` : validate(value) === true ? null : validate.errors;
}

describe('/openapi.json', () => {
  it('is a valid description, by a validator that is not ours', async () => {
    const validator = new Validator();
    expect(await validator.validate(served as Record<string, unknown>)).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
    expect(
      (await new Validator().validate({ ...(served as Record<string, unknown>), paths: { users: {} } })).valid,
    ).toBe(false);
  });

  it('is the one made from the tables, and names the address of the bridge', () => {
    expect(served).toEqual(JSON.parse(JSON.stringify(openApiDocument(origin, PATHS))));
  });

  it('has every endpoint and method there is', () => {
    const described = operations
      .filter(({ path }) => path.startsWith(PATHS.scim))
      .map(({ method, path }) => `${method} ${path}`);
    const there = ENDPOINTS.flatMap(({ template, methods }) =>
      methods.map((method) => `${method} ${PATHS.scim}${template.replace(':id', '{id}')}`),
    );
    expect(described.sort()).toEqual(there.sort());
  });

  it('needs no token, and holds no secret', async () => {
    const text = JSON.stringify(served);
    for (const secret of [TOKEN, ADMIN_TOKEN, client.secret, bridge.sandbox.apiKey()])
      expect(text).not.toContain(secret);
  });
});

describe('an example', () => {
  it.each(operations.map((each) => [`${each.method} ${each.path}`, each] as const))(
    '%s is answered as described',
    async (_title, each) => {
      const { responses, requestBody } = each.operation;
      for (const { example, schema } of Object.values(requestBody?.content ?? {}))
        expect(problemsOf(example, schema)).toBeNull();
      const response = await execute(each);
      const text = await response.text();
      const described = responses[String(response.status)];
      expect([response.status, text, described === undefined]).toEqual([response.status, text, false]);
      const [type, media] = Object.entries(described?.content ?? {})[0] ?? [];
      if (type === undefined || media === undefined) {
        expect(text).toBe('');
        return;
      }
      expect(response.headers.get('content-type')?.startsWith(type)).toBe(true);
      if (!type.includes('json')) return;
      const bodies = type === 'application/jsonl' ? text.trimEnd().split('\n') : [text];
      for (const body of bodies) expect(problemsOf(JSON.parse(body), media.schema)).toBeNull();
    },
  );

  it('would be caught with an answer that is not as described', () => {
    expect(problemsOf({ schemas: [] }, { $ref: '#/components/schemas/User' })).toEqual(expect.any(Array));
  });
});

describe('a refusal', () => {
  it.each([
    ['GET', '/scim/v2/Users/nobody', { authorization: `Bearer ${TOKEN}` }, 404, 'Error'],
    ['GET', '/scim/v2/Users', {}, 401, 'Error'],
    ['GET', '/metrics', { 'x-forwarded-for': '203.0.113.7' }, 401, 'Problem'],
    ['POST', '/oauth/token', {}, 400, 'OAuthError'],
  ] as const)('%s %s is as described', async (method, path, headers, status, schema) => {
    const response = await fetch(origin + path, { method, headers: { connection: 'close', ...headers } });
    expect(response.status).toBe(status);
    expect(problemsOf(await response.json(), { $ref: `#/components/schemas/${schema}` })).toBeNull();
  });
});
