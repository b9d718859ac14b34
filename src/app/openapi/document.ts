/**
 * The OpenAPI 3.1 description, made from the tables that the bridge itself works with: endpoints
 * (scim/routes.ts) and attributes (domain/). It holds no secret and no setting but the address, so
 * it is served without a token: tools that import it can send none.
 */
import { GROUP } from '../../domain/group-schema.js';
import { BRIDGE_USER, CORE_GROUP, CORE_USER } from '../../domain/schema.js';
import type { Json, JsonObject } from '../../domain/types.js';
import { USER } from '../../domain/user-schema.js';
import { BULK_REQUEST_URN } from '../../scim/bulk-request.js';
import { SCIM_JSON } from '../../scim/reply.js';
import { ENDPOINTS, type RouteKind } from '../../scim/routes.js';
import { MESSAGES, PATCH_URN, SEARCH_URN } from './messages.js';
import { asSent, refTo, resourceSchemas } from './schemas.js';

/** Stands in examples where an id of the bridge belongs. */
export const EXAMPLE_ID = '2819c223-7f76-453a-919d-413861904646';

const user = (name: string): JsonObject => ({
  schemas: [CORE_USER, BRIDGE_USER],
  userName: `${name}@acme.example`,
  displayName: name,
  active: true,
  emails: [{ value: `${name}@acme.example`, type: 'work', primary: true }],
  [BRIDGE_USER]: { seatType: 'workspace_member' },
});
const group = (displayName: string): JsonObject => ({
  schemas: [CORE_GROUP],
  displayName,
  members: [{ value: EXAMPLE_ID }],
});
const patch = (path: string, value: Json): JsonObject => ({
  schemas: [PATCH_URN],
  Operations: [{ op: 'replace', path, value }],
});
const search = { schemas: [SEARCH_URN], filter: 'meta.resourceType eq "User"', count: 10 };
const bulk = {
  schemas: [BULK_REQUEST_URN],
  Operations: [{ method: 'POST', path: '/Users', bulkId: 'a', data: user('grace') }],
};

interface Operation {
  readonly summary: string;
  readonly body?: { readonly schema: string; readonly example: JsonObject };
  /** Status and schema of the answer; null: it has no body. */
  readonly answer: readonly [status: number, schema: string | null];
}
type Operations = Readonly<Partial<Record<string, Operation>>>;

const list = (what: string): Operation => ({ summary: `List ${what}`, answer: [200, 'ListResponse'] });
const read = (what: string, schema: string): Operation => ({ summary: `Read ${what}`, answer: [200, schema] });
const searching: Operation = {
  summary: 'Search',
  body: { schema: 'SearchRequest', example: search },
  answer: [200, 'ListResponse'],
};
const refused = (method: string): Operation => ({ summary: `${method}: never possible`, answer: [501, 'Error'] });

/** Every kind of route; the compiler asks for one that is new. */
const OPERATIONS: Readonly<Record<RouteKind, Operations>> = {
  root: { GET: list('users and groups') },
  rootSearch: { POST: searching },
  users: {
    GET: list('users'),
    POST: {
      summary: 'Create a user; invites, or adopts the member of that address',
      body: { schema: asSent(USER), example: user('ada') },
      answer: [201, USER.name],
    },
  },
  userSearch: { POST: searching },
  user: {
    GET: read('a user', USER.name),
    PUT: {
      summary: 'Replace a user',
      body: { schema: asSent(USER), example: user('ada.replaced') },
      answer: [200, USER.name],
    },
    PATCH: {
      summary: 'Change a user; `active` false locks the member',
      body: { schema: 'PatchRequest', example: patch('active', false) },
      answer: [200, USER.name],
    },
    DELETE: { summary: 'Delete a user; locks the member', answer: [204, null] },
  },
  groups: {
    GET: list('groups'),
    POST: {
      summary: 'Create a group; links it to the workspace group of that name',
      body: { schema: asSent(GROUP), example: group('Engineering') },
      answer: [201, GROUP.name],
    },
  },
  groupSearch: { POST: searching },
  group: {
    GET: read('a group', GROUP.name),
    PUT: {
      summary: 'Replace a group',
      body: { schema: asSent(GROUP), example: group('Engineering (replaced)') },
      answer: [200, GROUP.name],
    },
    PATCH: {
      summary: 'Change a group',
      body: { schema: 'PatchRequest', example: patch('members', [{ value: EXAMPLE_ID }]) },
      answer: [204, null],
    },
    DELETE: { summary: 'Delete a group; takes out whom the bridge put in', answer: [204, null] },
  },
  roles: { GET: list('seats that roles may name') },
  role: { GET: read('a role', 'Discovery') },
  entitlements: { GET: list('shares that the mapping file names') },
  entitlement: { GET: read('an entitlement', 'Discovery') },
  me: {
    ...{ GET: refused('GET'), POST: refusedWithBody('POST'), PUT: refusedWithBody('PUT') },
    ...{ PATCH: refusedWithBody('PATCH'), DELETE: refused('DELETE') },
  },
  bulk: {
    POST: {
      summary: 'Several writes in one request',
      body: { schema: 'BulkRequest', example: bulk },
      answer: [200, 'BulkResponse'],
    },
  },
  config: { GET: read('what the bridge can do', 'Discovery') },
  schemas: { GET: list('schemas') },
  schema: { GET: read('a schema', 'Discovery') },
  resourceTypes: { GET: list('resource types') },
  resourceType: { GET: read('a resource type', 'Discovery') },
};

function refusedWithBody(method: string): Operation {
  return { ...refused(method), body: { schema: asSent(USER), example: user('me') } };
}

/** Ids that exist in every bridge; those of users and groups are made at creation. */
const IDS: Readonly<Partial<Record<RouteKind, string>>> = {
  role: 'workspace_admin',
  entitlement: 'voice:21m00Tcm4TlvDq8ikWAM:viewer',
  schema: CORE_USER,
  resourceType: 'User',
};

const QUERY: readonly (readonly [string, JsonObject, string | number])[] = [
  ['filter', { type: 'string' }, 'meta.lastModified gt "2020-01-01T00:00:00Z"'],
  ['startIndex', { type: 'integer', minimum: 1 }, 1],
  ['count', { type: 'integer', minimum: 0 }, 10],
  ['sortBy', { type: 'string' }, 'id'],
  ['sortOrder', { type: 'string', enum: ['ascending', 'descending'] }, 'ascending'],
];

/** `origin`: address of the bridge, without a path; `paths`: where SCIM and the token endpoint are below it. */
export function openApiDocument(origin: string, paths: { readonly scim: string; readonly token: string }): JsonObject {
  const scim = ENDPOINTS.map(({ kind, template }): readonly [string, JsonObject] => [
    paths.scim + template.replace(':id', '{id}'),
    scimPath(kind, template),
  ]);
  return {
    openapi: '3.1.0',
    info: {
      title: 'ElevenLabs SCIM bridge',
      version: '2.0',
      summary: 'SCIM 2.0 (RFC 7643, RFC 7644) for one ElevenLabs workspace.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: origin }],
    paths: { ...Object.fromEntries(scim), ...otherPaths(paths.token) },
    components: {
      schemas: { ...resourceSchemas(USER), ...resourceSchemas(GROUP), ...MESSAGES },
      securitySchemes: {
        scim: { type: 'http', scheme: 'bearer', description: 'A token for SCIM, or an OAuth access token.' },
        admin: { type: 'http', scheme: 'bearer', description: 'An admin token, or one for metrics.' },
        client: { type: 'http', scheme: 'basic', description: 'Client id and client secret.' },
      },
    },
  };
}

function scimPath(kind: RouteKind, template: string): JsonObject {
  const methods = Object.entries(OPERATIONS[kind]).flatMap(([method, operation]) =>
    operation === undefined ? [] : [[method.toLowerCase(), scimOperation(kind, method, operation)] as const],
  );
  const id = { name: 'id', in: 'path', required: true, schema: { type: 'string' }, example: IDS[kind] ?? EXAMPLE_ID };
  return { ...(template.includes(':id') && { parameters: [id] }), ...Object.fromEntries(methods) };
}

const FILTERED: readonly RouteKind[] = ['users', 'groups', 'root'];

function scimOperation(kind: RouteKind, method: string, { summary, body, answer }: Operation): JsonObject {
  const [status, schema] = answer;
  const parameters = FILTERED.includes(kind) && method === 'GET' ? QUERY.map(queryParameter) : [];
  return {
    operationId: `${kind}.${method.toLowerCase()}`,
    summary,
    tags: ['SCIM'],
    security: [{ scim: [] }],
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && {
      requestBody: { required: true, content: { [SCIM_JSON]: { schema: refTo(body.schema), example: body.example } } },
    }),
    responses: {
      [String(status)]: { description: summary, ...(schema !== null && content(SCIM_JSON, schema)) },
      ...(status < 400 && { default: { description: 'Refused', ...content(SCIM_JSON, 'Error') } }),
    },
  };
}

const queryParameter = ([name, schema, example]: (typeof QUERY)[number]): JsonObject => ({
  ...{ name, in: 'query', schema, example },
});

const content = (type: string, schema: string): JsonObject => ({ content: { [type]: { schema: refTo(schema) } } });

function otherPaths(token: string): JsonObject {
  const json = (description: string, schema: string): JsonObject => ({
    description,
    ...content('application/json', schema),
  });
  return {
    [token]: {
      post: {
        ...{ operationId: 'oauth.token', summary: 'Get an access token', tags: ['OAuth'], security: [{ client: [] }] },
        requestBody: {
          required: true,
          content: {
            'application/x-www-form-urlencoded': {
              schema: {
                type: 'object',
                required: ['grant_type'],
                properties: { grant_type: { const: 'client_credentials' }, scope: { type: 'string' } },
              },
              example: { grant_type: 'client_credentials' },
            },
          },
        },
        responses: { 200: json('An access token', 'AccessToken'), default: json('Refused', 'OAuthError') },
      },
    },
    '/healthz': {
      get: {
        ...{ operationId: 'health', summary: 'Whether the process lives', tags: ['Monitoring'], security: [] },
        responses: { 200: json('It lives', 'Health') },
      },
    },
    '/readyz': {
      get: {
        ...{ operationId: 'readiness', summary: 'Whether SCIM can be served', tags: ['Monitoring'], security: [] },
        responses: { 200: json('It can', 'Readiness'), 503: json('It cannot, and why', 'Readiness') },
      },
    },
    '/metrics': {
      get: {
        ...{
          operationId: 'metrics',
          summary: 'Metrics for Prometheus',
          tags: ['Monitoring'],
          security: [{ admin: [] }],
        },
        responses: {
          200: { description: 'Metrics', content: { 'text/plain': { schema: { type: 'string' } } } },
          401: json('No token for it', 'Problem'),
        },
      },
    },
    '/admin/audit/export.jsonl': {
      get: {
        ...{ operationId: 'audit.export', summary: 'The audit log, one JSON object a line', tags: ['Admin'] },
        security: [{ admin: [] }],
        responses: {
          200: { description: 'Rows', content: { 'application/jsonl': { schema: refTo('AuditEvent') } } },
          401: json('No admin token', 'Problem'),
        },
      },
    },
    '/openapi.json': {
      get: {
        ...{ operationId: 'openapi', summary: 'This description', tags: ['Monitoring'], security: [] },
        responses: {
          200: { description: 'OpenAPI 3.1', content: { 'application/json': { schema: { type: 'object' } } } },
        },
      },
    },
  };
}
