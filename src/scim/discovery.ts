/**
 * /Schemas and /ResourceTypes (RFC 7643 6 and 7), made from the tables that drive filter, PATCH and
 * validation, so that discovery can promise nothing else. What an attribute may hold follows from
 * the rules in force.
 */
import { DISCOVERY_SCHEMAS } from '../domain/discovery-schemas.js';
import { GROUP } from '../domain/group-schema.js';
import type { Rules } from '../domain/rules.js';
import { schemaInForce } from '../domain/schema-in-force.js';
import type { Attribute, ResourceType, Schema } from '../domain/schema.js';
import type { JsonObject } from '../domain/types.js';
import { USER } from '../domain/user-schema.js';

export const RESOURCE_TYPES: readonly ResourceType[] = [USER, GROUP];

/** All Schema resources; `base` is the URL of the SCIM root, `more` the types besides users and groups. */
export function schemasJson(base: string, rules: Rules, more: readonly ResourceType[] = []): readonly JsonObject[] {
  const own = RESOURCE_TYPES.flatMap((type) => [type.core, ...type.extensions]);
  const all = [...own.map((schema) => schemaInForce(schema, rules)), ...more.map(({ core }) => core)];
  return [...all, ...DISCOVERY_SCHEMAS].map((schema) => schemaJson(schema, base));
}

/** All ResourceType resources. No extension is required: clients need not know the bridge's own. */
export function resourceTypesJson(base: string, more: readonly ResourceType[] = []): readonly JsonObject[] {
  return [...RESOURCE_TYPES, ...more].map(({ name, endpoint, description, core, extensions }) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
    id: name,
    name,
    endpoint,
    description,
    schema: core.id,
    ...(extensions.length > 0 && { schemaExtensions: extensions.map(({ id }) => ({ schema: id, required: false })) }),
    meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/${name}` },
  }));
}

function schemaJson(schema: Schema, base: string): JsonObject {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
    id: schema.id,
    name: schema.name,
    description: schema.description,
    attributes: schema.attributes.map(attributeJson),
    meta: { resourceType: 'Schema', location: `${base}/Schemas/${schema.id}` },
  };
}

/** Characteristics that a type cannot have are left out: a number has no case, a boolean is never unique. */
function attributeJson(attribute: Attribute): JsonObject {
  const { name, type, multiValued, description, required, mutability, returned, canonicalValues } = attribute;
  const hasCase = type === 'string' || type === 'reference' || type === 'binary';
  return {
    name,
    type,
    multiValued,
    description,
    required,
    ...(canonicalValues.length > 0 && { canonicalValues }),
    ...(hasCase && { caseExact: attribute.caseExact }),
    mutability,
    returned,
    ...(type !== 'boolean' && { uniqueness: attribute.uniqueness }),
    ...(type === 'reference' && { referenceTypes: attribute.referenceTypes }),
    ...(type === 'complex' && { subAttributes: attribute.subAttributes.map(attributeJson) }),
  };
}
