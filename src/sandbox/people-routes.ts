/** Routes of members, invites and groups. */
import { z } from 'zod';
import { SEAT_TYPES } from '../domain/types.js';
import { addToGroup, listGroups, removeFromGroup, searchGroups } from './groups.js';
import { invite, inviteAll, revokeInvite } from './invites.js';
import { listMembers, removeMember, updateMember } from './members.js';
import type { Route } from './route.js';
import { byEmail, OK, param } from './route.js';
import { parseBody, parseQuery } from './validate.js';

const seat = z.enum(SEAT_TYPES);
const text = z.string();
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

export const MEMBER_ROUTES: readonly Route[] = [
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

export const INVITE_ROUTES: readonly Route[] = [
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

export const GROUP_ROUTES: readonly Route[] = [
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
