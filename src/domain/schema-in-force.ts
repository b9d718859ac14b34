/**
 * The schema tables with the values that the rules in force let a client write: what `/Schemas`
 * shows must be accepted, and what is refused must not be listed. Reading the mapping file again
 * changes the answer.
 */
import { RESOURCE_TYPES } from './resource-types.js';
import type { NamedEntitlement, Rules } from './rules.js';
import { BRIDGE_GROUP, BRIDGE_USER, CORE_USER, type Attribute, type Schema } from './schema.js';
import { dangersOf, forbiddenDangers, readEntitlement } from './shares.js';
import { SEAT_TYPES, SHARE_ROLES, type SeatType, type ShareRole } from './types.js';

/** The entitlements that the mapping file names and an IdP may give. */
export function assignableEntitlements(rules: Rules): readonly NamedEntitlement[] {
  return rules.namedEntitlements.filter(({ value }) => {
    const share = readEntitlement(value);
    return !('problem' in share) && forbiddenDangers(share, rules).length === 0;
  });
}

/** A schema table, with the canonical values of these rules. */
export function schemaInForce(schema: Schema, rules: Rules): Schema {
  const values = valuesInForce(rules).get(schema.id);
  if (values === undefined) return schema;
  return { ...schema, attributes: schema.attributes.map((attribute) => withValues(attribute, attribute.name, values)) };
}

type Values = ReadonlyMap<string, readonly string[]>;

/** By schema and path. */
function valuesInForce(rules: Rules): ReadonlyMap<string, Values> {
  const seats = SEAT_TYPES.filter((seat) => canBeGiven(seat, rules));
  const shares: readonly [string, readonly string[]][] = [
    ['shares.resourceType', RESOURCE_TYPES.filter((type) => isAllowed(type, 'viewer', rules))],
    ['shares.role', SHARE_ROLES.filter((role) => isAllowed('voice', role, rules))],
  ];
  return new Map([
    [
      CORE_USER,
      new Map([
        ['roles.value', [...rules.roleSeats.keys()]],
        ['entitlements.value', assignableEntitlements(rules).map(({ value }) => value)],
      ]),
    ],
    [BRIDGE_USER, new Map([['seatType', seats]])],
    [BRIDGE_GROUP, new Map([['seatType', seats], ...shares])],
  ]);
}

/** SEAT_LIMITS of 0 for Full seats rule them out, and with them administrators; a Basic one may take a free Full seat. */
function canBeGiven(seat: SeatType, { seatLimits }: Rules): boolean {
  return seatLimits.full !== 0 || (seat === 'workspace_lite_member' && seatLimits.basic !== 0);
}

function isAllowed(type: string, role: ShareRole, rules: Rules): boolean {
  const share = { resource: { type, id: 'any' }, role };
  return dangersOf(share).length === 0 || forbiddenDangers(share, rules).length === 0;
}

function withValues(attribute: Attribute, path: string, values: Values): Attribute {
  const canonicalValues = values.get(path) ?? attribute.canonicalValues;
  const subAttributes = attribute.subAttributes.map((sub) => withValues(sub, `${path}.${sub.name}`, values));
  return { ...attribute, canonicalValues, subAttributes };
}
