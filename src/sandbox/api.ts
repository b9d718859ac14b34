/**
 * The pipeline that every call of the workspace API goes through, in the order in which the real
 * one refuses: key, path, scope, administrator, body. Synchronous: a call is applied wholly or not
 * at all, and nothing comes in between.
 */
import type { WindowLimit } from './window-limit.js';
import type { Caller } from './members.js';
import type { FieldProblem } from './refusal.js';
import { InvalidFields, Refusal, refusalBody } from './refusal.js';
import type { Route } from './route.js';
import { ROUTES } from './routes.js';
import type { ApiKey, Tier, World } from './state.js';

export interface ApiRequest {
  readonly method: string;
  /** As on the wire: percent-encoded, with the query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const TIERS_WITHOUT_WORKSPACE: readonly Tier[] = ['free', 'starter', 'creator', 'pro'];

/** The headers of every JSON answer. */
export function jsonHeaders(requestId: string): Record<string, string> {
  return { 'content-type': 'application/json', 'x-request-id': requestId, 'request-id': requestId };
}

/** Applies one call to the workspace. */
export function callApi(world: World, limit: WindowLimit, request: ApiRequest, requestId: string): Reply {
  const headers = jsonHeaders(requestId);
  try {
    return { status: 200, headers, body: JSON.stringify(run(world, limit, request)) };
  } catch (error) {
    if (error instanceof Refusal) {
      const body = refusalBody(error, world.switches, requestId);
      return { status: error.status, headers: { ...headers, ...error.options.headers }, body };
    }
    if (error instanceof InvalidFields) return { status: 422, headers, body: detail(error.problems) };
    if (error instanceof NoRoute) return { status: error.status, headers, body: detail(error.message) };
    throw error;
  }
}

function detail(value: string | readonly FieldProblem[]): string {
  return JSON.stringify({ detail: value });
}

class NoRoute extends Error {
  override readonly name = 'NoRoute';
  readonly status: 404 | 405;

  constructor(status: 404 | 405) {
    super(status === 404 ? 'Not Found' : 'Method Not Allowed');
    this.status = status;
  }
}

function run(world: World, limit: WindowLimit, request: ApiRequest): unknown {
  const key = authenticate(world, request.headers['xi-api-key']);
  const queryStart = request.url.indexOf('?');
  const path = queryStart < 0 ? request.url : request.url.slice(0, queryStart);
  const { route, params } = findRoute(world, request.method, path);
  requireScope(world, key, route);
  const caller = callerOf(world, key);
  if (route.adminOnly === true && !caller.isAdmin) {
    throw new Refusal(403, 'insufficient_permissions', 'Only workspace administrators can do this.');
  }
  if (
    world.switches.planGate &&
    TIERS_WITHOUT_WORKSPACE.includes(world.workspace.tier) &&
    path.includes('/workspace')
  ) {
    throw new Refusal(403, 'feature_not_available', 'Workspaces need a Scale, Business or Enterprise subscription.');
  }
  if (route.perMinute !== undefined && !limit.take(`${route.name} ${caller.userId}`, route.perMinute, 60_000)) {
    throw new Refusal(429, 'rate_limit_exceeded', `At most ${route.perMinute} requests per minute.`);
  }
  const query = new URLSearchParams(queryStart < 0 ? '' : request.url.slice(queryStart + 1));
  return route.run({ world, caller, params, query, body: request.body });
}

function authenticate(world: World, given: string | undefined): ApiKey {
  if (given === undefined || given === '') {
    throw new Refusal(
      401,
      'needs_authorization',
      'Neither authorization header nor xi-api-key received, please provide one.',
    );
  }
  const key = world.workspace.keys.get(given);
  if (key === undefined || key.disabled || !ownerMayCall(world, key)) {
    // GET members has been seen to answer 400 with this type to a rejected key.
    const status = world.switches.rejectedKeyAs400 ? 400 : 401;
    throw new Refusal(status, 'invalid_api_key', 'Invalid API key', { type: 'authentication_error' });
  }
  return key;
}

function ownerMayCall(world: World, key: ApiKey): boolean {
  const { members, serviceAccounts } = world.workspace;
  if (serviceAccounts.has(key.ownerId) || !world.switches.lockedKeyOwnerRejected) return true;
  return members.get(key.ownerId)?.isLocked === false;
}

function callerOf(world: World, key: ApiKey): Caller {
  const { members, ownerId } = world.workspace;
  const member = members.get(key.ownerId);
  const isAdmin =
    member === undefined
      ? world.switches.serviceAccountIsAdmin
      : member.userId === ownerId || (member.seatType === 'workspace_admin' && !member.isLocked);
  return { userId: key.ownerId, email: member?.email ?? null, isAdmin };
}

/** A scope that is missing gets 401, not 403. */
function requireScope(world: World, key: ApiKey, route: Route): void {
  const { routeScopes, missingScopeAs403 } = world.switches;
  const replaced = routeScopes[route.name];
  const scope = replaced === undefined ? route.scope : replaced;
  if (scope === null || key.scopes === 'all' || key.scopes.includes(scope)) return;
  const message = `The API key you used is missing the permission ${scope} to execute this operation.`;
  throw missingScopeAs403
    ? new Refusal(403, 'insufficient_permissions', message)
    : new Refusal(401, 'missing_permissions', message);
}

const COMPILED = ROUTES.map((route) => ({ route, segments: route.path.split('/') }));

function findRoute(world: World, method: string, path: string): { readonly route: Route; readonly params: string[] } {
  const segments = path.split('/');
  let status: 404 | 405 = 404;
  for (const candidate of COMPILED) {
    const params = matchPath(candidate.segments, segments);
    if (params === null) continue;
    status = 405;
    const { route } = candidate;
    if (route.method === method && (route.enabled?.(world) ?? true)) return { route, params };
  }
  throw new NoRoute(status);
}

function matchPath(pattern: readonly string[], segments: readonly string[]): string[] | null {
  if (pattern.length !== segments.length) return null;
  const params: string[] = [];
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? '';
    if (part !== ':' && part !== segment) return null;
    if (part !== ':') continue;
    try {
      params.push(decodeURIComponent(segment));
    } catch {
      return null;
    }
  }
  return params;
}
