/**
 * What Okta Identity Governance discovers (Okta's guide "SCIM with entitlements"): it reads
 * /ResourceTypes and /Schemas, then the endpoint of each resource type whose schema is Okta's Role
 * or Entitlement URN, and offers what it found as values of `roles` and `entitlements` of a user.
 * Read-only lists; the id is the value that a user then carries.
 */
import { attribute } from '../domain/attribute.js';
import { matches } from '../domain/match.js';
import type { ResourceType } from '../domain/schema.js';
import { BUILT_IN_ROLE_SEATS, type Rules } from '../domain/rules.js';
import { assignableEntitlements } from '../domain/schema-in-force.js';
import { SEAT_TYPES, type JsonObject, type SeatType } from '../domain/types.js';
import { notFound } from '../errors.js';
import type { Caller } from './context.js';
import { parseFilter } from './filter-parser.js';
import { pageOf, viewOf } from './listing.js';
import { project } from './project.js';
import type { ReadParameters } from './query.js';
import { shorten } from './shorten.js';

/** One value of `entitlements` that may be assigned. */
export interface Entitlement {
  /** `resourceType:resourceId:role`. */
  readonly value: string;
  readonly displayName: string;
  readonly description: string;
  /** Type of the resource. */
  readonly type: string;
}

/** Those that the mapping file names, for governance, as far as an IdP may give them now. */
export function namedEntitlements(rules: Rules): readonly Entitlement[] {
  return assignableEntitlements(rules).map(({ value, display, description: words }) => {
    const [type = '', id = '', role = ''] = value.split(':');
    return { value, displayName: display, description: words ?? `Role ${role} on ${type} ${id}.`, type };
  });
}

const OPTIONS = { mutability: 'readOnly', required: true } as const;
const displayName = attribute('displayName', 'string', 'Name for administrators.', OPTIONS);
const description = attribute('description', 'string', 'What it gives.', { mutability: 'readOnly' });

/** Resource type of the seats. */
export const ROLE: ResourceType = {
  name: 'Role',
  endpoint: '/Roles',
  description: 'Seat types that roles of a User may name',
  core: {
    id: 'urn:okta:scim:schemas:core:1.0:Role',
    name: 'Role',
    description: 'Seat type of the workspace',
    attributes: [displayName, description],
  },
  extensions: [],
};

/** Resource type of the shares. */
export const ENTITLEMENT: ResourceType = {
  name: 'Entitlement',
  endpoint: '/Entitlements',
  description: 'Shares that entitlements of a User may name',
  core: {
    id: 'urn:okta:scim:schemas:core:1.0:Entitlement',
    name: 'Entitlement',
    description: 'A resource of the workspace and a role on it',
    attributes: [displayName, description, attribute('type', 'string', 'Type of the resource.', OPTIONS)],
  },
  extensions: [],
};

const SEATS: Readonly<Record<SeatType, { readonly displayName: string; readonly description: string }>> = {
  workspace_admin: { displayName: 'Admin', description: 'Administrator of the workspace, on a Full seat.' },
  workspace_member: { displayName: 'Member', description: 'Member of the workspace, on a Full seat.' },
  workspace_lite_member: { displayName: 'Lite member', description: 'Member of the workspace, on a Basic seat.' },
};

/** A page of roles. */
export function listRoles(caller: Caller, parameters: ReadParameters): object {
  return list(caller, parameters, ROLE, roles(caller));
}

export function readRole(caller: Caller, id: string, parameters: ReadParameters): JsonObject {
  return read(id, parameters, ROLE, roles(caller));
}

/** A page of entitlements. */
export function listEntitlements(caller: Caller, parameters: ReadParameters): object {
  return list(caller, parameters, ENTITLEMENT, entitlements(caller));
}

export function readEntitlement(caller: Caller, id: string, parameters: ReadParameters): JsonObject {
  return read(id, parameters, ENTITLEMENT, entitlements(caller));
}

/** Every role that gives a seat now. Of the built-in names the short forms are left out: they say the same once more. */
function roles(caller: Caller): readonly JsonObject[] {
  const { roleSeats } = caller.app.rules();
  return [...roleSeats].flatMap(([id, seat]) => {
    const long = SEAT_TYPES.find((type) => type === seat && BUILT_IN_ROLE_SEATS.get(id) === seat && id !== type);
    if (long !== undefined && roleSeats.get(long) === seat) return [];
    const { displayName: name, description: words } = SEATS[seat];
    return [render(caller, ROLE, id, { displayName: id === seat ? name : id, description: words })];
  });
}

function entitlements(caller: Caller): readonly JsonObject[] {
  return namedEntitlements(caller.app.rules()).map(({ value, ...shown }) => render(caller, ENTITLEMENT, value, shown));
}

function render(caller: Caller, type: ResourceType, id: string, content: JsonObject): JsonObject {
  const location = `${caller.app.baseUrl()}${type.endpoint}/${encodeURIComponent(id)}`;
  return { schemas: [type.core.id], id, ...content, meta: { resourceType: type.name, location } };
}

function list(
  caller: Caller,
  parameters: ReadParameters,
  type: ResourceType,
  resources: readonly JsonObject[],
): object {
  // Short lists that change with the configuration: a cursor gets the one page there is.
  const filter = parameters.filter === null ? null : parseFilter(parameters.filter, type);
  const view = viewOf(parameters, type);
  const found = filter === null ? resources : resources.filter((resource) => matches(filter, resource));
  return pageOf(
    found.map((resource) => project(resource, view)),
    parameters,
    caller.app.limits,
  );
}

function read(
  id: string,
  parameters: ReadParameters,
  type: ResourceType,
  resources: readonly JsonObject[],
): JsonObject {
  const found = resources.find((resource) => resource['id'] === id);
  if (found === undefined) throw notFound(type.name, shorten(id));
  return project(found, viewOf(parameters, type));
}
