/** Which handler answers which endpoint. */
import type { NextFunction, Request } from 'express';
import { ScimError } from '../errors.js';
import { runBulk } from './bulk.js';
import type { Reply, ScimRequest } from './context.js';
import {
  readResourceType,
  readSchema,
  listResourceTypes,
  listSchemas,
  serviceProviderConfig,
} from './discovery-endpoints.js';
import { listGroups } from './groups-service.js';
import { listEntitlements, listRoles, readEntitlement, readRole } from './okta-roles.js';
import { parseSearchRequest } from './query.js';
import { negotiate, sendReply } from './reply.js';
import { bodyOf } from './resource-base.js';
import { searchAll } from './search.js';
import { listUsers } from './users-service.js';

type Dispatch = (request: Request, context: ScimRequest, next: NextFunction) => void;

/** Answers a prepared request, itself or by scimmy's routers. */
export async function handle(
  context: ScimRequest,
  request: Request,
  next: NextFunction,
  dispatch: Dispatch,
): Promise<void> {
  // Express would answer 304 by comparing ETags by itself, for what has none where the client says `*`, too.
  // The conditions were read, so it sees none.
  delete request.headers['if-none-match'];
  delete request.headers['if-modified-since'];
  const body = await answerOwn(context);
  if (body === null) {
    dispatch(request, context, next);
    return;
  }
  const reply: Reply = { status: 200, headers: {}, body };
  sendReply(context.response, reply, negotiate(request.headers.accept));
}

/** The body of an endpoint of our own; null: it is one of scimmy's. */
async function answerOwn(context: ScimRequest): Promise<object | null> {
  const { route, parameters } = context;
  const id = route.id ?? '';
  switch (route.kind) {
    case 'users':
    case 'user':
    case 'groups':
    case 'group':
      return null;
    case 'root':
      return searchAll(context, parameters);
    case 'rootSearch':
      return searchAll(context, parseSearchRequest(bodyOf(context)));
    case 'userSearch':
      return listUsers(context, parseSearchRequest(bodyOf(context)));
    case 'groupSearch':
      return listGroups(context, parseSearchRequest(bodyOf(context)));
    case 'bulk':
      return runBulk(context, bodyOf(context));
    case 'me':
      throw new ScimError(501, 'A token of this bridge stands for a provisioning client, not for a User.');
    case 'roles':
      return listRoles(context, parameters);
    case 'role':
      return readRole(context, id, parameters);
    case 'entitlements':
      return listEntitlements(context, parameters);
    case 'entitlement':
      return readEntitlement(context, id, parameters);
    case 'config':
      return serviceProviderConfig(context, parameters);
    case 'schemas':
      return listSchemas(context, parameters);
    case 'schema':
      return readSchema(context, id);
    case 'resourceTypes':
      return listResourceTypes(context, parameters);
    case 'resourceType':
      return readResourceType(context, id);
  }
}
