/** Routes about the caller itself, and the audit log. */
import { z } from 'zod';
import { describeCaller, describeSubscription, listAuditLog } from './account.js';
import type { Route } from './route.js';
import { parseQuery } from './validate.js';

const text = z.string();
const auditQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: text.nullish(),
  time_from_unix_ms: z.coerce.number().nullish(),
  time_to_unix_ms: z.coerce.number().nullish(),
  actor_uid: text.nullish(),
  class_name: text.nullish(),
  activity_name: text.nullish(),
});

export const ACCOUNT_ROUTES: readonly Route[] = [
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
