/** One operation of a bulk request, by the same services that answer single requests. */
import { GROUP } from '../domain/group-schema.js';
import { USER } from '../domain/user-schema.js';
import { notFound, ScimError } from '../errors.js';
import type { BulkOperation, BulkTarget } from './bulk-request.js';
import type { Caller, Reply } from './context.js';
import { parseCondition } from './etags.js';
import { createGroup, deleteGroup, patchGroup, replaceGroup } from './groups-service.js';
import { parseProjection } from './project.js';
import { scopeRefusal } from '../auth/token-scopes.js';
import { createUser, deleteUser, patchUser, replaceUser } from './users-service.js';

const USER_VIEW = parseProjection('id', null, USER);
/** Results show no resources, so no members need to be read. */
const GROUP_VIEW = parseProjection('id', null, GROUP);
/** Silent: 204. */
const PATCH_VIEW = parseProjection(null, null, GROUP);

/** Performs an operation; its references are ids by now. */
export async function performOperation(caller: Caller, operation: BulkOperation): Promise<Reply> {
  const { target, data } = operation;
  const refusal = scopeRefusal(caller.principal.scopes, { resource: target.collection, write: true });
  if (refusal !== null) throw new ScimError(403, refusal);
  const conditional: Caller = {
    ...caller,
    ifMatch: operation.method === 'POST' ? null : parseCondition(operation.version ?? undefined),
    ifNoneMatch: null,
  };
  const users = target.collection === 'users';
  if (operation.method === 'POST') {
    return users ? createUser(conditional, data, USER_VIEW) : createGroup(conditional, data, GROUP_VIEW);
  }
  const { id } = target;
  if (id === null) throw notFound(users ? 'User' : 'Group', '');
  switch (operation.method) {
    case 'PUT':
      return users ? replaceUser(conditional, id, data, USER_VIEW) : replaceGroup(conditional, id, data, GROUP_VIEW);
    case 'PATCH':
      return users ? patchUser(conditional, id, data, USER_VIEW) : patchGroup(conditional, id, data, PATCH_VIEW);
    case 'DELETE':
      return users ? deleteUser(conditional, id) : deleteGroup(conditional, id);
  }
}

/** Takes a creation back whose second half failed. */
export async function undoCreation(caller: Caller, target: BulkTarget & { readonly id: string }): Promise<void> {
  const operation = { method: 'DELETE', bulkId: null, target, data: {}, version: null } as const;
  await performOperation(caller, operation).catch((error: unknown) => {
    caller.app.log.warn({ err: error, requestId: caller.requestId }, 'a half bulk creation could not be taken back');
  });
}
