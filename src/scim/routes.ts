/**
 * Which endpoints there are, and what may be done with them. One table gives the 404s, the 405s
 * with their `Allow`, the OPTIONS answers, the scopes and the templates of the request log, so that
 * none of them can disagree with the router.
 */
import { invalidSyntax } from '../errors.js';
import type { Access } from '../auth/token-scopes.js';

export type RouteKind =
  | 'root'
  | 'rootSearch'
  | 'users'
  | 'user'
  | 'userSearch'
  | 'groups'
  | 'group'
  | 'groupSearch'
  | 'roles'
  | 'role'
  | 'entitlements'
  | 'entitlement'
  | 'me'
  | 'bulk'
  | 'config'
  | 'schemas'
  | 'schema'
  | 'resourceTypes'
  | 'resourceType';

interface Endpoint {
  readonly kind: RouteKind;
  /** Path below the base, `:id` for one segment of any text. */
  readonly template: string;
  readonly methods: readonly string[];
  readonly resource: Access['resource'];
}

export const ENDPOINTS: readonly Endpoint[] = [
  { kind: 'root', template: '/', methods: ['GET'], resource: 'none' },
  { kind: 'rootSearch', template: '/.search', methods: ['POST'], resource: 'none' },
  { kind: 'users', template: '/Users', methods: ['GET', 'POST'], resource: 'users' },
  { kind: 'userSearch', template: '/Users/.search', methods: ['POST'], resource: 'users' },
  { kind: 'user', template: '/Users/:id', methods: ['GET', 'PUT', 'PATCH', 'DELETE'], resource: 'users' },
  { kind: 'groups', template: '/Groups', methods: ['GET', 'POST'], resource: 'groups' },
  { kind: 'groupSearch', template: '/Groups/.search', methods: ['POST'], resource: 'groups' },
  { kind: 'group', template: '/Groups/:id', methods: ['GET', 'PUT', 'PATCH', 'DELETE'], resource: 'groups' },
  { kind: 'roles', template: '/Roles', methods: ['GET'], resource: 'none' },
  { kind: 'role', template: '/Roles/:id', methods: ['GET'], resource: 'none' },
  { kind: 'entitlements', template: '/Entitlements', methods: ['GET'], resource: 'none' },
  { kind: 'entitlement', template: '/Entitlements/:id', methods: ['GET'], resource: 'none' },
  { kind: 'me', template: '/Me', methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'], resource: 'users' },
  { kind: 'bulk', template: '/Bulk', methods: ['POST'], resource: 'none' },
  { kind: 'config', template: '/ServiceProviderConfig', methods: ['GET'], resource: 'none' },
  { kind: 'schemas', template: '/Schemas', methods: ['GET'], resource: 'none' },
  { kind: 'schema', template: '/Schemas/:id', methods: ['GET'], resource: 'none' },
  { kind: 'resourceTypes', template: '/ResourceTypes', methods: ['GET'], resource: 'none' },
  { kind: 'resourceType', template: '/ResourceTypes/:id', methods: ['GET'], resource: 'none' },
];

const BY_SHAPE: ReadonlyMap<string, Endpoint> = new Map(
  ENDPOINTS.map((endpoint) => [endpoint.template.toLowerCase(), endpoint]),
);

export interface Route {
  readonly kind: RouteKind;
  readonly template: string;
  /** The decoded last segment of a `:id` route. */
  readonly id: string | null;
  /** The first segment of the path, as `/Users`, whatever case the client used. */
  readonly collection: string;
  /** The path below the collection, without the trailing slash that the client may have sent. */
  readonly rest: string;
  /** Methods for `Allow`: HEAD comes with GET, OPTIONS always. */
  readonly allow: readonly string[];
  /** Whether the method of the request is among them. */
  readonly allowed: boolean;
  readonly access: Access;
}

/** Finds the endpoint of a request. Null: there is none. Throws where the path cannot be decoded. */
export function matchRoute(method: string, url: string): Route | null {
  const end = url.indexOf('?');
  const segments = (end < 0 ? url : url.slice(0, end)).split('/').slice(1);
  if (segments.at(-1) === '') segments.pop(); // one trailing slash
  const [collection, last, ...rest] = segments;
  if (rest.length > 0 || collection === '' || last === '') return null;
  const found = find(collection, last);
  if (found === null) return null;
  const { endpoint, id } = found;
  const allow = [...endpoint.methods, ...(endpoint.methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'];
  const isSearch = endpoint.kind === 'rootSearch' || endpoint.kind === 'userSearch' || endpoint.kind === 'groupSearch';
  return {
    kind: endpoint.kind,
    template: endpoint.template,
    id,
    collection: `/${endpoint.template.split('/')[1] ?? ''}`,
    // A dot as well: an id ".search" is none of the routers' own paths.
    rest: id === null ? '/' : `/${encodeURIComponent(id).replaceAll('.', '%2E')}`,
    allow,
    allowed: allow.includes(method),
    // Bulk asks per operation.
    access: { resource: endpoint.resource, write: !isSearch && endpoint.kind !== 'bulk' && !isSafe(method) },
  };
}

/** The template of the endpoint that a request names, for the log and the metrics; null: there is none. */
export function templateOf(method: string, url: string): string | null {
  try {
    return matchRoute(method, url)?.template ?? null;
  } catch {
    return null;
  }
}

function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
}

function find(
  collection: string | undefined,
  last: string | undefined,
): { endpoint: Endpoint; id: string | null } | null {
  const head = collection === undefined ? '/' : `/${collection.toLowerCase()}`;
  if (last === undefined) return plain(head);
  const fixed = plain(`${head}/${last.toLowerCase()}`);
  if (fixed !== null) return fixed;
  const endpoint = BY_SHAPE.get(`${head}/:id`);
  return endpoint === undefined ? null : { endpoint, id: decodeSegment(last) };
}

function plain(path: string): { endpoint: Endpoint; id: null } | null {
  const endpoint = path.endsWith('/:id') ? undefined : BY_SHAPE.get(path);
  return endpoint === undefined ? null : { endpoint, id: null };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw invalidSyntax('The path has a broken percent escape.');
  }
}
