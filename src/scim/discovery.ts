/**
 * /Schemas and /ResourceTypes (RFC 7643 6 and 7), made from the tables that drive filter, PATCH and
 * validation, so that discovery can promise nothing else. The tables become scimmy's definitions,
 * which know how to describe themselves; a test compares every characteristic with the table.
 */
import SCIMMY from 'scimmy';
import { GROUP } from '../domain/group-schema.js';
import type { Attribute, ResourceType, Schema } from '../domain/schema.js';
import type { JsonObject } from '../domain/types.js';
import { USER } from '../domain/user-schema.js';

export const RESOURCE_TYPES: readonly ResourceType[] = [USER, GROUP];

type Definition = InstanceType<typeof SCIMMY.Types.SchemaDefinition>;

/** A schema table as scimmy's definition. The common attributes are added by scimmy, unlisted. */
export function toDefinition(schema: Schema): Definition {
  return new SCIMMY.Types.SchemaDefinition(
    schema.name,
    schema.id,
    schema.description,
    schema.attributes.map(toAttribute),
  );
}

function toAttribute(attribute: Attribute): InstanceType<typeof SCIMMY.Types.Attribute> {
  const { name, type, description, multiValued, required, caseExact, mutability, returned, uniqueness } = attribute;
  const config = {
    description,
    multiValued,
    required,
    caseExact,
    mutable: mutability,
    returned,
    uniqueness,
    canonicalValues: attribute.canonicalValues.length > 0 ? [...attribute.canonicalValues] : (false as const),
    referenceTypes: attribute.referenceTypes.length > 0 ? [...attribute.referenceTypes] : (false as const),
  };
  return new SCIMMY.Types.Attribute(type, name, config, attribute.subAttributes.map(toAttribute));
}

const definitions: readonly Definition[] = RESOURCE_TYPES.flatMap((type) => [type.core, ...type.extensions]).map(
  toDefinition,
);

/** All Schema resources; `base` is the URL of the SCIM root. */
export function schemasJson(base: string): readonly JsonObject[] {
  return definitions.map(
    (definition) => JSON.parse(JSON.stringify(definition.describe(`${base}/Schemas`))) as JsonObject,
  );
}

/** All ResourceType resources. No extension is required: clients need not know the bridge's own. */
export function resourceTypesJson(base: string): readonly JsonObject[] {
  return RESOURCE_TYPES.map(({ name, endpoint, description, core, extensions }) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
    id: name,
    name,
    endpoint,
    description,
    schema: core.id,
    schemaExtensions: extensions.map(({ id }) => ({ schema: id, required: false })),
    meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/${name}` },
  }));
}
