/** The attribute tables (RFC 7643) as JSON Schema: what a client may send, and what it gets. */
import { COMMON_ATTRIBUTES } from '../../domain/common-attributes.js';
import type { Attribute, ResourceType, Schema } from '../../domain/schema.js';
import type { Json, JsonObject } from '../../domain/types.js';

/** Names of components; a resource that is sent lacks what the bridge alone writes. */
export const asSent = (type: ResourceType): string => `${type.name}Request`;

export const refTo = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` });

/** The two components of a resource type. */
export function resourceSchemas(type: ResourceType): JsonObject {
  const common = COMMON_ATTRIBUTES;
  return {
    [type.name]: {
      type: 'object',
      description: type.description,
      required: ['schemas', 'id', 'meta'],
      properties: {
        ...properties([...common, ...type.core.attributes], isReturned),
        ...extensions(type.extensions, isReturned),
      },
    },
    [asSent(type)]: {
      type: 'object',
      description: `${type.description}, as a client sends it. Read-only attributes are ignored.`,
      required: ['schemas', ...type.core.attributes.filter(({ required }) => required).map(({ name }) => name)],
      properties: {
        ...properties([...common.filter(isSent), ...type.core.attributes], isSent),
        ...extensions(type.extensions, isSent),
        schemas: { type: 'array', items: { type: 'string' } },
      },
    },
  };
}

const isReturned = ({ returned }: Attribute): boolean => returned !== 'never';
const isSent = ({ mutability }: Attribute): boolean => mutability !== 'readOnly';

const extensions = (schemas: readonly Schema[], shown: (attribute: Attribute) => boolean): JsonObject =>
  Object.fromEntries(
    schemas.map(({ id, description, attributes }) => [
      id,
      { type: 'object', description, properties: properties(attributes, shown) },
    ]),
  );

const properties = (attributes: readonly Attribute[], shown: (attribute: Attribute) => boolean): JsonObject =>
  Object.fromEntries(attributes.filter(shown).map((attribute) => [attribute.name, ofAttribute(attribute, shown)]));

function ofAttribute(attribute: Attribute, shown: (attribute: Attribute) => boolean): JsonObject {
  const { description, multiValued, mutability } = attribute;
  const value = ofValue(attribute, shown);
  return {
    ...(multiValued ? { type: 'array', items: value } : value),
    description,
    ...(mutability === 'readOnly' && { readOnly: true }),
    ...(mutability === 'writeOnly' && { writeOnly: true }),
  };
}

/** SCIM's `$ref` as a property of that name is taken for a JSON reference by tools; a pattern is not. */
const REF = '$ref';
const asPattern = (ref: Attribute, shown: (attribute: Attribute) => boolean): JsonObject =>
  shown(ref) ? { patternProperties: { '^\\$ref$': ofAttribute(ref, shown) } } : {};

function ofValue(attribute: Attribute, shown: (attribute: Attribute) => boolean): JsonObject {
  const { type, closed, canonicalValues, subAttributes } = attribute;
  switch (type) {
    case 'string':
      return { type: 'string', ...(closed ? { enum: [...canonicalValues] as Json } : hints(canonicalValues)) };
    case 'boolean':
      return { type: 'boolean' };
    case 'decimal':
      return { type: 'number' };
    case 'integer':
      return { type: 'integer' };
    case 'dateTime':
      return { type: 'string', format: 'date-time' };
    case 'binary':
      return { type: 'string', contentEncoding: 'base64' };
    case 'reference':
      return { type: 'string', format: 'uri-reference' };
    case 'complex': {
      const required = subAttributes.filter((part) => part.required && shown(part)).map(({ name }) => name);
      return {
        type: 'object',
        properties: properties(
          subAttributes.filter(({ name }) => name !== REF),
          shown,
        ),
        ...subAttributes.filter(({ name }) => name === REF).reduce<JsonObject>((_, ref) => asPattern(ref, shown), {}),
        ...(required.length > 0 && { required }),
      };
    }
  }
}

const hints = (values: readonly string[]): JsonObject => (values.length === 0 ? {} : { examples: [...values] as Json });
