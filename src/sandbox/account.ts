/** What the API says of the caller itself, and the audit log. */
import { Refusal } from './refusal.js';
import type { Caller } from './members.js';
import type { AuditRecord, World } from './state.js';
import type { SeatType } from '../domain/types.js';

type Wire = Readonly<Record<string, unknown>>;

/** GET /v1/user: the caller and its workspace. */
export function describeCaller(world: World, caller: Caller): Wire {
  const member = world.workspace.members.get(caller.userId);
  const seatType: SeatType = member?.seatType ?? 'workspace_admin';
  return {
    user_id: caller.userId,
    workspace_id: world.workspace.id,
    seat_type: seatType,
    first_name: member?.firstName ?? null,
    is_new_user: false,
    can_use_delayed_payment_methods: false,
    is_onboarding_completed: true,
    is_onboarding_checklist_completed: true,
    created_at: Math.floor((member?.joinedAt ?? 0) / 1000),
    subscription: subscription(world),
  };
}

/** GET /v1/user/subscription: says nothing of seats. */
export function describeSubscription(world: World): Wire {
  return { ...subscription(world), open_invoices: [], has_open_invoices: false };
}

function subscription(world: World): Wire {
  return {
    tier: world.workspace.tier,
    character_count: 0,
    character_limit: 500_000,
    max_credit_limit_extension: 'unlimited',
    can_extend_character_limit: true,
    allowed_to_extend_character_limit: true,
    voice_slots_used: 0,
    professional_voice_slots_used: 0,
    professional_voice_slots_used_in_workspace: 0,
    voice_limit: 160,
    voice_add_edit_counter: 0,
    professional_voice_limit: 3,
    can_extend_voice_limit: true,
    can_use_instant_voice_cloning: true,
    can_use_professional_voice_cloning: true,
    current_overage: { amount: '0', currency: 'usd' },
    status: 'active',
  };
}

export interface AuditQuery {
  readonly limit: number;
  /** How many of the newest entries to pass over. */
  readonly cursor: string | null;
  readonly from: number | null;
  readonly to: number | null;
  readonly actorId: string | null;
  readonly className: string | null;
  readonly activity: string | null;
}

const CLASS_NAMES: Readonly<Record<AuditRecord['classUid'], string>> = {
  3001: 'Account Change',
  3004: 'Entity Management',
  3005: 'User Access Management',
  3006: 'Group Management',
};

/** Activity ids of OCSF 1.6.0 that the sandbox writes; 99 is "other". */
const ACTIVITY_IDS: Readonly<Record<string, number>> = {
  '3001 Create': 1,
  '3001 Delete': 6,
  '3001 Lock': 9,
  '3001 Unlock': 12,
  '3005 Assign Privileges': 1,
  '3005 Revoke Privileges': 2,
  '3006 Add User': 3,
  '3006 Remove User': 4,
};

/** GET /v1/workspace/audit-logs: Enterprise only, newest first. */
export function listAuditLog(world: World, query: AuditQuery): Wire {
  const { tier, auditLog } = world.workspace;
  if (tier !== 'enterprise') {
    throw new Refusal(403, 'feature_not_available', 'Audit logs need an Enterprise subscription.');
  }
  // The cursor names the entry where the next page starts, so that new entries do not shift it.
  const start = query.cursor === null ? auditLog.length - 1 : Number(query.cursor);
  if (!Number.isInteger(start)) throw new Refusal(400, 'invalid_parameters', 'Invalid cursor.', { param: 'cursor' });
  const entries: Wire[] = [];
  let index = Math.min(start, auditLog.length - 1);
  for (; index >= 0 && entries.length < query.limit; index -= 1) {
    const record = auditLog[index];
    if (record !== undefined && matches(record, query)) entries.push(wireAuditEntry(record, index));
  }
  const hasMore = index >= 0;
  return { entries, has_more: hasMore, next_cursor: hasMore ? String(index) : null };
}

function matches(record: AuditRecord, query: AuditQuery): boolean {
  return (
    (query.from === null || record.at >= query.from) &&
    (query.to === null || record.at <= query.to) &&
    (query.actorId === null || record.actorId === query.actorId) &&
    (query.className === null || CLASS_NAMES[record.classUid] === query.className) &&
    (query.activity === null || record.activity === query.activity)
  );
}

function wireAuditEntry(record: AuditRecord, index: number): Wire {
  const activityId = ACTIVITY_IDS[`${record.classUid} ${record.activity}`] ?? 99;
  return {
    id: `audit_${index}`,
    metadata: { version: '1.6.0' },
    time: record.at,
    time_dt: new Date(record.at).toISOString(),
    activity_id: activityId,
    activity_name: record.activity,
    category_name: 'Identity & Access Management',
    category_uid: 3,
    class_name: CLASS_NAMES[record.classUid],
    class_uid: record.classUid,
    type_uid: record.classUid * 100 + activityId,
    severity_id: 1,
    status_id: 1,
    actor: { user: { uid: record.actorId, email_addr: record.actorEmail } },
    message: record.message,
  };
}
