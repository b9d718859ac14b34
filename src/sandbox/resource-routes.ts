/** Routes of resources and of service accounts. */
import { z } from 'zod';
import { RESOURCE_TYPES } from '../domain/resource-types.js';
import { SHARE_ROLES } from '../domain/types.js';
import { describeResource, share, unshare } from './resources.js';
import type { Call, Route } from './route.js';
import { OK, param } from './route.js';
import {
  createServiceAccount,
  createServiceAccountKey,
  deleteServiceAccountKey,
  listServiceAccountKeys,
  listServiceAccounts,
  updateServiceAccountKey,
} from './service-accounts.js';
import { parseBody, parseQuery } from './validate.js';

const text = z.string();
const shareTarget = { user_email: text.nullish(), group_id: text.nullish(), workspace_api_key_id: text.nullish() };
const resourceType = z.enum(RESOURCE_TYPES);
const shareBody = z.object({ role: z.enum(SHARE_ROLES), resource_type: resourceType, ...shareTarget });
const unshareBody = z.object({ resource_type: resourceType, ...shareTarget });
const scopes = z.union([z.literal('all'), z.array(text)]);

function targetOf(body: z.infer<typeof unshareBody>): Parameters<typeof unshare>[3] {
  return {
    userEmail: body.user_email ?? null,
    groupId: body.group_id ?? null,
    keyId: body.workspace_api_key_id ?? null,
  };
}

/** The schema of a successful share is `{}`: anything, null included. */
function shareAnswer(call: Call): object | null {
  return call.world.switches.shareBody === 'null' ? null : OK;
}

export const RESOURCE_ROUTES: readonly Route[] = [
  {
    name: 'resources.get',
    method: 'GET',
    path: '/v1/workspace/resources/:',
    scope: 'workspace_read',
    run(call) {
      const { resource_type: type } = parseQuery(z.object({ resource_type: resourceType }), call.query);
      return describeResource(call.world, type, param(call, 0));
    },
  },
  {
    name: 'resources.share',
    method: 'POST',
    path: '/v1/workspace/resources/:/share',
    scope: 'workspace_write',
    run(call) {
      const body = parseBody(shareBody, call.body);
      const ref = { type: body.resource_type, id: param(call, 0) };
      share(call.world, call.caller, ref, body.role, targetOf(body));
      return shareAnswer(call);
    },
  },
  {
    name: 'resources.unshare',
    method: 'POST',
    path: '/v1/workspace/resources/:/unshare',
    scope: 'workspace_write',
    run(call) {
      const body = parseBody(unshareBody, call.body);
      unshare(call.world, call.caller, { type: body.resource_type, id: param(call, 0) }, targetOf(body));
      return shareAnswer(call);
    },
  },
];

export const SERVICE_ACCOUNT_ROUTES: readonly Route[] = [
  {
    name: 'serviceAccounts.list',
    method: 'GET',
    path: '/v1/service-accounts',
    scope: 'service_account_write',
    adminOnly: true,
    run: ({ world }) => listServiceAccounts(world),
  },
  {
    name: 'serviceAccounts.create',
    method: 'POST',
    path: '/v1/service-accounts',
    scope: 'service_account_write',
    adminOnly: true,
    run: ({ world, caller, body }) =>
      createServiceAccount(world, caller, parseBody(z.object({ name: text }), body).name),
  },
  {
    name: 'serviceAccounts.apiKeys.list',
    method: 'GET',
    path: '/v1/service-accounts/:/api-keys',
    scope: 'service_account_write',
    adminOnly: true,
    run: (call) => listServiceAccountKeys(call.world, param(call, 0)),
  },
  {
    name: 'serviceAccounts.apiKeys.create',
    method: 'POST',
    path: '/v1/service-accounts/:/api-keys',
    scope: 'service_account_write',
    adminOnly: true,
    run(call) {
      const { name, permissions } = parseBody(z.object({ name: text, permissions: scopes }), call.body);
      return createServiceAccountKey(call.world, param(call, 0), { name, scopes: permissions });
    },
  },
  {
    name: 'serviceAccounts.apiKeys.update',
    method: 'PATCH',
    path: '/v1/service-accounts/:/api-keys/:',
    scope: 'service_account_write',
    adminOnly: true,
    run(call) {
      const schema = z.object({
        name: text.nullish(),
        permissions: scopes.nullish(),
        is_enabled: z.boolean().nullish(),
      });
      const patch = parseBody(schema, call.body);
      updateServiceAccountKey(call.world, param(call, 0), param(call, 1), {
        name: patch.name ?? null,
        scopes: patch.permissions ?? null,
        enabled: patch.is_enabled ?? null,
      });
      return OK;
    },
  },
  {
    name: 'serviceAccounts.apiKeys.delete',
    method: 'DELETE',
    path: '/v1/service-accounts/:/api-keys/:',
    scope: 'service_account_write',
    adminOnly: true,
    run(call) {
      deleteServiceAccountKey(call.world, param(call, 0), param(call, 1));
      return OK;
    },
  },
];
