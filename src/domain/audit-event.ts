/**
 * A row of the audit log in the words of OCSF (Open Cybersecurity Schema Framework), so that a SIEM
 * needs no parser of its own: https://schema.ocsf.io. Users are accounts (3001), sign-ins are
 * authentication (3002), everything else is a managed entity (3004).
 */
import { isJsonObject } from './json.js';
import type { Json, JsonObject } from './types.js';

export const OCSF_VERSION = '1.6.0';

export interface AuditRecord {
  readonly id: number;
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly subject: string | null;
  readonly requestId: string | null;
  readonly version: number | null;
  readonly before: string | null;
  readonly after: string | null;
  readonly hash: string | null;
}

type EventClass = 'Account Change' | 'Authentication' | 'Entity Management';

const CLASS_UIDS: Readonly<Record<EventClass, number>> = {
  'Account Change': 3001,
  Authentication: 3002,
  'Entity Management': 3004,
};

type Activities = Readonly<Record<string, number>>;
const ACTIVITIES: Readonly<Record<EventClass, Activities>> = {
  'Account Change': { Create: 1, Enable: 2, Disable: 5, Delete: 6 },
  Authentication: { Logon: 1, Logoff: 2 },
  'Entity Management': { Create: 1, Update: 3, Delete: 4 },
};

/** Parts of an action, in the words of OCSF; what is not here keeps its own name (activity 99). */
const VERBS: Readonly<Record<string, string>> = {
  create: 'Create',
  import: 'Create',
  update: 'Update',
  delete: 'Delete',
  revoke: 'Delete',
  expire: 'Update',
  link: 'Update',
  open: 'Logon',
  close: 'Logoff',
};

/** The event, without the content: what may leave the database, where no purge reaches it. */
export function auditEvent(row: AuditRecord) {
  const kind = row.action.split('.', 1)[0] ?? '';
  const [before, after] = [parse(row.before), parse(row.after)];
  const className = classOf(kind);
  const { activity, activityId } = activityOf(className, row.action, before, after);
  const classUid = CLASS_UIDS[className];
  return {
    category_uid: 3,
    category_name: 'Identity & Access Management',
    class_uid: classUid,
    class_name: className,
    activity_id: activityId,
    activity_name: activity,
    type_uid: classUid * 100 + activityId,
    severity_id: 1,
    status_id: 1,
    time: row.at,
    time_dt: new Date(row.at).toISOString(),
    actor: actorOf(row.actor),
    ...targetOf(className, row),
    metadata: {
      version: OCSF_VERSION,
      profiles: ['datetime'],
      product: { name: 'elevenlabs-scim', vendor_name: 'elevenlabs-scim' },
      log_name: 'audit_log',
      event_code: row.action,
      sequence: row.id,
      ...(row.hash !== null && { uid: row.hash }),
      ...(row.requestId !== null && { correlation_uid: row.requestId }),
    },
  };
}

/** The event with before and after. */
export function fullAuditEvent(row: AuditRecord) {
  const { version } = row;
  return {
    ...auditEvent(row),
    unmapped: { version, before: parse(row.before) ?? null, after: parse(row.after) ?? null },
  };
}

/** Names of the attributes that an action changed. */
export function changedAttributes(row: AuditRecord): readonly string[] {
  const [before, after] = [parse(row.before), parse(row.after)];
  const [left, right] = [isJsonObject(before) ? before : {}, isJsonObject(after) ? after : {}];
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return names.filter((name) => JSON.stringify(left[name]) !== JSON.stringify(right[name]));
}

export const AUDIT_COLUMNS = [
  'metadata.sequence',
  'time_dt',
  'class_uid',
  'class_name',
  'activity_id',
  'activity_name',
  'type_uid',
  'actor.user.name',
  'actor.user.type',
  'metadata.event_code',
  'target.type',
  'target.uid',
  'metadata.correlation_uid',
  'unmapped.version',
  'unmapped.before',
  'unmapped.after',
  'metadata.uid',
] as const;

/** The same event as a row of `AUDIT_COLUMNS`; `target` is `user` or `entity` of the event. */
export function auditCells(row: AuditRecord): readonly (string | number | null)[] {
  const event = auditEvent(row);
  const [type, uid] = splitSubject(row.subject);
  return [
    row.id,
    event.time_dt,
    event.class_uid,
    event.class_name,
    event.activity_id,
    event.activity_name,
    event.type_uid,
    event.actor.user.name,
    event.actor.user.type,
    row.action,
    type,
    uid,
    row.requestId,
    row.version,
    row.before,
    row.after,
    row.hash,
  ];
}

function classOf(kind: string): EventClass {
  if (kind === 'user') return 'Account Change';
  return kind === 'session' ? 'Authentication' : 'Entity Management';
}

function activityOf(className: EventClass, action: string, before: Json | undefined, after: Json | undefined) {
  const known = ACTIVITIES[className];
  const verb = VERBS[action.slice(action.indexOf('.') + 1)] ?? action;
  const activity = className === 'Account Change' && verb === 'Update' ? (accessChange(before, after) ?? action) : verb;
  const activityId = known[activity];
  // 99 is "Other": its name is that of the source.
  return activityId === undefined ? { activity: action, activityId: 99 } : { activity, activityId };
}

function accessChange(before: Json | undefined, after: Json | undefined): 'Enable' | 'Disable' | null {
  const [was, is] = [before, after].map((value) => (isJsonObject(value) ? value['active'] : undefined));
  if (typeof is !== 'boolean' || was === is || was === undefined) return null;
  return is ? 'Enable' : 'Disable';
}

const ACTOR_TYPES: Readonly<Record<string, { readonly type: string; readonly type_id: number }>> = {
  token: { type: 'Service', type_id: 4 },
  admin: { type: 'Admin', type_id: 2 },
  cli: { type: 'Admin', type_id: 2 },
  bridge: { type: 'System', type_id: 3 },
};

function actorOf(actor: string) {
  const kind = ACTOR_TYPES[actor.split(':', 1)[0] ?? ''] ?? { type: 'Other', type_id: 99 };
  return { user: { name: actor, ...kind } };
}

function targetOf(className: EventClass, { subject, actor, action }: AuditRecord): JsonObject {
  const [type, uid] = splitSubject(subject);
  if (className === 'Account Change') return { user: uid === null ? { name: 'unknown' } : { uid } };
  if (className === 'Authentication') return { user: { name: actor } };
  const kind = action.split('.', 1)[0] ?? action;
  return { entity: { type: type ?? kind, ...(uid === null ? { name: kind } : { uid }) } };
}

function splitSubject(subject: string | null): readonly [string | null, string | null] {
  if (subject === null) return [null, null];
  const at = subject.indexOf(':');
  return at < 0 ? [null, subject] : [subject.slice(0, at), subject.slice(at + 1)];
}

const parse = (text: string | null): Json | undefined => (text === null ? undefined : (JSON.parse(text) as Json));
