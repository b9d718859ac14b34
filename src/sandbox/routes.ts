/**
 * The routes of the workspace API, one row each: what it needs and what it does. A row sees the
 * body only after the caller has been let in, so that the order of refusals is the documented one.
 */
import { z } from 'zod';
import { RESOURCE_TYPES } from '../domain/resource-types.js';
import { SEAT_TYPES, SHARE_ROLES } from '../domain/types.js';
import { describeCaller, describeSubscription, listAuditLog } from './account.js';
import { addToGroup, listGroups, removeFromGroup, searchGroups } from './groups.js';
import { invite, inviteAll, revokeInvite } from './invites.js';
import type { Caller } from './members.js';
import { listMembers, removeMember, updateMember } from './members.js';
import { describeResource, share, unshare } from './resources.js';
import {
  createServiceAccount,
  createServiceAccountKey,
  deleteServiceAccountKey,
  listServiceAccountKeys,
  listServiceAccounts,
  updateServiceAccountKey,
} from './service-accounts.js';
import type { World } from './state.js';
import { parseBody, parseQuery } from './validate.js';

/** One call that has passed the checks on its key. */
export interface Call {
  readonly world: World;
  readonly caller: Caller;
  /** The path parameters, decoded, in order. */
  readonly params: readonly string[];
  readonly query: URLSearchParams;
  readonly body: string;
}

export interface Route {
  /** For the switch `routeScopes`. */
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** `:` stands for a parameter. */
  readonly path: string;
  /** The scope that the API key needs. */
  readonly scope: string;
  readonly adminOnly?: true;
  /** Calls per minute and user. */
  readonly perMinute?: number;
  /** The route is not there unless this is true. */
  readonly enabled?: (world: World) => boolean;
  /** Answers the JSON body of a 200. */
  readonly run: (call: Call) => unknown;
}

const OK = { status: 'ok' } as const;

const seat = z.enum(SEAT_TYPES);
const text = z.string();
const byEmail = z.object({ email: text });
const memberPatch = z.object({
  email: text,
  is_locked: z.boolean().nullish(),
  workspace_seat_type: seat.nullish(),
  workspace_role: seat.nullish(),
  allow_downgrade_to_basic_seat: z.boolean().nullish(),
});
const inviteTerms = {
  group_ids: z.array(text).nullish(),
  usage_limit: z.int().min(0).nullish(),
  seat_type: seat.nullish(),
};
const oneInvite = z.object({ email: text, workspace_permission: text.nullish(), ...inviteTerms });
const manyInvites = z.object({ emails: z.array(text).min(1), ...inviteTerms });
const shareTarget = { user_email: text.nullish(), group_id: text.nullish(), workspace_api_key_id: text.nullish() };
const resourceType = z.enum(RESOURCE_TYPES);
const shareBody = z.object({ role: z.enum(SHARE_ROLES), resource_type: resourceType, ...shareTarget });
const unshareBody = z.object({ resource_type: resourceType, ...shareTarget });
const scopes = z.union([z.literal('all'), z.array(text)]);
const auditQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: text.nullish(),
  time_from_unix_ms: z.coerce.number().nullish(),
  time_to_unix_ms: z.coerce.number().nullish(),
  actor_uid: text.nullish(),
  class_name: text.nullish(),
  activity_name: text.nullish(),
});

function termsOf(body: {
  readonly group_ids?: readonly string[] | null | undefined;
  readonly usage_limit?: number | null | undefined;
  readonly seat_type?: z.infer<typeof seat> | null | undefined;
  readonly workspace_permission?: string | null | undefined;
}): Parameters<typeof invite>[3] {
  // The deprecated field is a free string upstream; what is no seat is taken as absent.
  const legacy = seat.safeParse(body.workspace_permission);
  return {
    seatType: body.seat_type ?? (legacy.success ? legacy.data : null),
    groupIds: body.group_ids ?? [],
    usageLimit: body.usage_limit ?? null,
  };
}

function targetOf(body: z.infer<typeof unshareBody>): Parameters<typeof unshare>[3] {
  return {
    userEmail: body.user_email ?? null,
    groupId: body.group_id ?? null,
    keyId: body.workspace_api_key_id ?? null,
  };
}

function param(call: Call, index: number): string {
  return call.params[index] ?? '';
}

/** The schema of a successful share is `{}`: anything, null included. */
function shareAnswer(call: Call): object | null {
  return call.world.switches.shareBody === 'null' ? null : OK;
}

const MEMBERS: readonly Route[] = [
  {
    name: 'members.list',
    method: 'GET',
    path: '/v1/workspace/members',
    scope: 'workspace_members_read',
    run: ({ world }) => listMembers(world),
  },
  {
    name: 'members.update',
    method: 'POST',
    path: '/v1/workspace/members',
    scope: 'workspace_write',
    adminOnly: true,
    run({ world, caller, body }) {
      const patch = parseBody(memberPatch, body);
      updateMember(world, caller, {
        email: patch.email,
        isLocked: patch.is_locked ?? null,
        seatType: patch.workspace_seat_type ?? patch.workspace_role ?? null,
        allowDowngrade: patch.allow_downgrade_to_basic_seat ?? false,
      });
      return OK;
    },
  },
  {
    name: 'members.delete',
    method: 'DELETE',
    path: '/v1/workspace/members',
    scope: 'workspace_members_remove',
    adminOnly: true,
    enabled: (world) => world.switches.enableMemberDelete,
    run({ world, caller, body }) {
      removeMember(world, caller, parseBody(byEmail, body).email);
      return OK;
    },
  },
];

const INVITES: readonly Route[] = [
  {
    name: 'invites.create',
    method: 'POST',
    path: '/v1/workspace/invites/add',
    scope: 'workspace_members_invite',
    run({ world, caller, body }) {
      const request = parseBody(oneInvite, body);
      invite(world, caller, request.email, termsOf(request));
      return OK;
    },
  },
  {
    name: 'invites.createBatch',
    method: 'POST',
    path: '/v1/workspace/invites/add-bulk',
    scope: 'workspace_members_invite',
    run({ world, caller, body }) {
      const request = parseBody(manyInvites, body);
      inviteAll(world, caller, request.emails, termsOf(request));
      return OK;
    },
  },
  {
    name: 'invites.delete',
    method: 'DELETE',
    path: '/v1/workspace/invites',
    scope: 'workspace_write',
    run({ world, caller, body }) {
      revokeInvite(world, caller, parseBody(byEmail, body).email);
      return OK;
    },
  },
];

const GROUPS: readonly Route[] = [
  {
    name: 'groups.list',
    method: 'GET',
    path: '/v1/workspace/groups',
    scope: 'workspace_read',
    run: ({ world }) => listGroups(world),
  },
  {
    name: 'groups.search',
    method: 'GET',
    path: '/v1/workspace/groups/search',
    scope: 'workspace_read',
    run: ({ world, query }) => searchGroups(world, parseQuery(z.object({ name: text }), query).name),
  },
  {
    name: 'groups.members.add',
    method: 'POST',
    path: '/v1/workspace/groups/:/members',
    scope: 'group_members_manage',
    run(call) {
      addToGroup(call.world, call.caller, param(call, 0), parseBody(byEmail, call.body).email);
      return OK;
    },
  },
  {
    name: 'groups.members.remove',
    method: 'POST',
    path: '/v1/workspace/groups/:/members/remove',
    scope: 'group_members_manage',
    run(call) {
      removeFromGroup(call.world, call.caller, param(call, 0), parseBody(byEmail, call.body).email);
      return OK;
    },
  },
];

const RESOURCES: readonly Route[] = [
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

const SERVICE_ACCOUNTS: readonly Route[] = [
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

const ACCOUNT: readonly Route[] = [
  {
    name: 'user.get',
    method: 'GET',
    path: '/v1/user',
    scope: 'user_read',
    run: ({ world, caller }) => describeCaller(world, caller),
  },
  {
    name: 'user.subscription.get',
    method: 'GET',
    path: '/v1/user/subscription',
    scope: 'user_read',
    run: ({ world }) => describeSubscription(world),
  },
  {
    name: 'auditLogs.list',
    method: 'GET',
    path: '/v1/workspace/audit-logs',
    scope: 'audit_log_read',
    perMinute: 30,
    run({ world, query }) {
      const parsed = parseQuery(auditQuery, query);
      return listAuditLog(world, {
        limit: parsed.limit,
        cursor: parsed.cursor ?? null,
        from: parsed.time_from_unix_ms ?? null,
        to: parsed.time_to_unix_ms ?? null,
        actorId: parsed.actor_uid ?? null,
        className: parsed.class_name ?? null,
        activity: parsed.activity_name ?? null,
      });
    },
  },
];

export const ROUTES: readonly Route[] = [
  ...ACCOUNT,
  ...MEMBERS,
  ...INVITES,
  ...GROUPS,
  ...RESOURCES,
  ...SERVICE_ACCOUNTS,
];
