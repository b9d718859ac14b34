/**
 * Resources as clients see them: the stored document and what the bridge adds to it. What comes
 * out is shared with the record (nothing is cloned): it is to be serialised, not changed.
 */
import { isObject } from '../domain/match.js';
import { formatInstant } from '../domain/instant.js';
import { BRIDGE_GROUP, BRIDGE_USER, ENTERPRISE_USER, type ResourceType } from '../domain/schema.js';
import { GROUP } from '../domain/group-schema.js';
import { USER } from '../domain/user-schema.js';
import type { Json, JsonObject } from '../domain/types.js';
import type { GroupRecord, MemberRecord, UserRecord } from '../store/port.js';

/** `W/"3"`: the weak ETag of a version, also `meta.version`. */
export function etag(version: number): string {
  return `W/"${String(version)}"`;
}

/**
 * The headers of an answer that shows a resource: `meta.version` and `meta.location` are what ETag
 * and Content-Location say (RFC 7643 3.1). `Location` says it too: some clients look only there.
 */
export function resourceHeaders(
  type: ResourceType,
  record: UserRecord | GroupRecord,
  base: string,
): { readonly ETag: string; readonly 'Content-Location': string; readonly Location: string } {
  const location = locationOf(type, record, base);
  return { ETag: etag(record.version), 'Content-Location': location, Location: location };
}

/** The URL of a resource. */
export function locationOf(type: ResourceType, { id }: UserRecord | GroupRecord, base: string): string {
  return `${base}${type.endpoint}/${id}`;
}

/** Renders a User; `base` is the URL of the SCIM root without a slash at its end. */
export function renderUser(record: UserRecord, base: string): JsonObject {
  const { bridge, groups, managerName } = record;
  const extension = withoutNulls({
    ...objectAt(record.document, BRIDGE_USER),
    status: bridge.status,
    memberId: bridge.memberId,
    origin: bridge.origin,
    invitedAt: bridge.invitedAt === null ? null : formatInstant(bridge.invitedAt),
    acceptedAt: bridge.acceptedAt === null ? null : formatInstant(bridge.acceptedAt),
    pendingChanges: bridge.pendingChanges,
    lastError: bridge.lastError,
  });
  const enterprise = renderEnterprise(objectAt(record.document, ENTERPRISE_USER), managerName, base);
  const list = groups.map((group) => ({
    value: group.id,
    $ref: `${base}/Groups/${group.id}`,
    display: group.displayName,
    type: 'direct',
  }));
  const content = {
    ...record.document,
    ...(list.length > 0 ? { groups: list } : {}),
    ...(enterprise === null ? {} : { [ENTERPRISE_USER]: enterprise }),
    [BRIDGE_USER]: extension,
  };
  return envelope(USER, record, base, content);
}

/** Renders a Group; without `members` where the record has none loaded. */
export function renderGroup(record: GroupRecord, base: string): JsonObject {
  const { bridge, members } = record;
  const stored = objectAt(record.document, BRIDGE_GROUP);
  const extension = withoutNulls({
    ...stored,
    groupId: bridge.groupId ?? stored?.['groupId'] ?? null,
    linkStatus: bridge.linkStatus,
    lastError: bridge.lastError,
  });
  const content = {
    ...record.document,
    ...(members === null || members.length === 0
      ? {}
      : { members: members.map((member) => renderMember(member, base)) }),
    [BRIDGE_GROUP]: extension,
  };
  return envelope(GROUP, record, base, content);
}

/** One member of a group; also what a filter in a PATCH path looks at. */
export function renderMember(member: MemberRecord, base: string): JsonObject {
  return { value: member.userId, $ref: `${base}/Users/${member.userId}`, display: member.display, type: 'User' };
}

function envelope(type: ResourceType, record: UserRecord | GroupRecord, base: string, content: JsonObject): JsonObject {
  return {
    schemas: [
      type.core.id,
      ...type.extensions.map((extension) => extension.id).filter((id) => Object.hasOwn(content, id)),
    ],
    id: record.id,
    ...content,
    meta: {
      resourceType: type.name,
      created: formatInstant(record.createdAt),
      lastModified: formatInstant(record.modifiedAt),
      location: locationOf(type, record, base),
      version: etag(record.version),
    },
  };
}

/** Entra reads the manager back as an object, and sends it again each cycle where it is not one. */
function renderEnterprise(stored: JsonObject | null, managerName: string | null, base: string): JsonObject | null {
  const manager = stored === null ? undefined : stored['manager'];
  if (stored === null || !isObject(manager)) return stored;
  const id = manager['value'];
  if (typeof id !== 'string') return stored;
  const computed = withoutNulls({ $ref: `${base}/Users/${encodeURIComponent(id)}`, displayName: managerName });
  return { ...stored, manager: { ...manager, ...computed } };
}

function objectAt(document: JsonObject, key: string): JsonObject | null {
  const value = document[key];
  return isObject(value) ? value : null;
}

function withoutNulls(object: Readonly<Record<string, Json | undefined>>): JsonObject {
  const result: Record<string, Json> = {};
  for (const key of Object.keys(object)) {
    const value = object[key];
    if (value !== null && value !== undefined) result[key] = value;
  }
  return result;
}
