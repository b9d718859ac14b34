/**
 * The routers of scimmy over our resource classes. scimmy keeps its configuration, its schemas and
 * its declared resources in singletons, so all of this happens once per process, whatever number of
 * applications it serves; each request brings the context of its own.
 */
import type { NextFunction, Request, RequestHandler } from 'express';
import SCIMMY from 'scimmy';
import { SCIMMYRouters } from 'scimmy-routers';
import { DEFAULT_LIMITS, type ScimRequest } from './context.js';
import { GroupResource } from './group-resource.js';
import { UserResource } from './user-resource.js';

/** Where a response carries the context. Not a WeakMap: V8 keeps what such a map has until a full collection. */
const CONTEXT = 'scimContext';

let routers: ResourceRouters | null = null;

/**
 * Declares everything at the first call, and answers how a request is handed to scimmy's routers
 * with its context. Only CRUD on /Users and /Groups goes there.
 */
export function scimmyDispatcher(): (request: Request, context: ScimRequest, next: NextFunction) => void {
  const made = (routers ??= declare());
  return (request, context, next) => {
    const { response, route } = context;
    const router = made.get(route.collection);
    if (router === undefined) throw new Error(`scimmy has no router for ${route.collection}`);
    response.locals[CONTEXT] = context;
    request.url = route.rest;
    void router(request, response, next);
  };
}

type ResourceRouters = ReadonlyMap<string, RequestHandler>;

function declare(): ResourceRouters {
  SCIMMY.Schemas.User.definition.extend(SCIMMY.Schemas.EnterpriseUser.definition, false);
  SCIMMY.Resources.declare(UserResource, 'User');
  SCIMMY.Resources.declare(GroupResource, 'Group');
  const made = makeRouters();
  // Afterwards: their constructor sets its own.
  SCIMMY.Config.set({
    patch: true,
    sort: true,
    etag: true,
    changePassword: false,
    filter: { supported: true, maxResults: DEFAULT_LIMITS.maxCount },
    bulk: {
      supported: true,
      maxOperations: DEFAULT_LIMITS.bulkOperations,
      maxPayloadSize: DEFAULT_LIMITS.largeBodyBytes,
    },
  });
  return made;
}

/**
 * The routers that scimmy-routers makes for each resource type, by the path they are mounted at.
 * They are taken as they are mounted, and requests go straight to them: what stands before them reads
 * the body, asks who it is and sets the base path, all of which was done or is not used, and costs a
 * walk through ten routers at each request.
 */
function makeRouters(): ResourceRouters {
  const found = new Map<string, RequestHandler>();
  class Routers extends SCIMMYRouters {}
  const { use } = Routers.prototype;
  Routers.prototype.use = function (this: SCIMMYRouters, ...parts: unknown[]) {
    const [path, router] = parts;
    if (typeof path === 'string' && typeof router === 'function') found.set(path, router as RequestHandler);
    return Reflect.apply(use, this, parts) as SCIMMYRouters;
  } as typeof use;
  new Routers({
    type: 'bearer',
    // The caller was authenticated before the body was read.
    handler: () => '',
    context: ({ res }) => res?.locals[CONTEXT] as ScimRequest | undefined,
  });
  return found;
}
