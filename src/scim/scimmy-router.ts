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

const contexts = new WeakMap<Request, ScimRequest>();

let routers: RequestHandler | null = null;

/**
 * Declares everything at the first call, and answers how a request is handed to scimmy's routers
 * with its context. Only CRUD on /Users and /Groups goes there.
 */
export function scimmyDispatcher(): (request: Request, context: ScimRequest, next: NextFunction) => void {
  const made = (routers ??= declare());
  return (request, context, next) => {
    contexts.set(request, context);
    void made(request, context.response, next);
  };
}

function declare(): RequestHandler {
  SCIMMY.Schemas.User.definition.extend(SCIMMY.Schemas.EnterpriseUser.definition, false);
  SCIMMY.Resources.declare(UserResource, 'User');
  SCIMMY.Resources.declare(GroupResource, 'Group');
  const made = new SCIMMYRouters({
    type: 'bearer',
    // The caller was authenticated before the body was read.
    handler: () => '',
    context: (request) => contexts.get(request),
  });
  // Afterwards: the constructor sets its own.
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
