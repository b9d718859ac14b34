import { describe, expect, it } from '@jest/globals';
import { RESOURCE_TYPES, resourceTypesJson, schemasJson } from '../../src/scim/discovery.js';
import { DEFAULT_RULES } from '../../src/domain/rules.js';
import { schemaInForce } from '../../src/domain/schema-in-force.js';
import { DISCOVERY_SCHEMAS } from '../../src/domain/discovery-schemas.js';
import type { Attribute } from '../../src/domain/schema.js';

const BASE = 'https://bridge.test/scim/v2';

/** An attribute as RFC 7643 section 7 shows it, written down from the table by itself. */
function expected(attribute: Attribute): object {
  const { name, type, description, multiValued, required, mutability, returned } = attribute;
  return {
    name,
    type,
    description,
    multiValued,
    required,
    mutability,
    returned,
    ...(['string', 'reference', 'binary'].includes(type) ? { caseExact: attribute.caseExact } : {}),
    ...(type === 'boolean' ? {} : { uniqueness: attribute.uniqueness }),
    ...(type === 'reference' ? { referenceTypes: attribute.referenceTypes } : {}),
    ...(type === 'complex' ? { subAttributes: attribute.subAttributes.map(expected) } : {}),
    ...(attribute.canonicalValues.length > 0 ? { canonicalValues: attribute.canonicalValues } : {}),
  };
}

describe('discovery', () => {
  it('shows every attribute of every table with its true characteristics', () => {
    const own = RESOURCE_TYPES.flatMap((type) => [type.core, ...type.extensions]);
    const tables = [...own.map((schema) => schemaInForce(schema, DEFAULT_RULES)), ...DISCOVERY_SCHEMAS];
    expect(schemasJson(BASE, DEFAULT_RULES)).toEqual(
      tables.map((schema) => ({
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
        id: schema.id,
        name: schema.name,
        description: schema.description,
        attributes: schema.attributes.map(expected),
        meta: { resourceType: 'Schema', location: `${BASE}/Schemas/${schema.id}` },
      })),
    );
    expect(schemasJson(BASE, DEFAULT_RULES).map(({ name }) => name)).toEqual([
      'User',
      'EnterpriseUser',
      'ElevenLabsUser',
      'Group',
      'ElevenLabsGroup',
      'ServiceProviderConfig',
      'ResourceType',
      'Schema',
    ]);
  });

  it('has what RFC 7643 4.1 and 4.3 define', () => {
    const names = (id: string) =>
      (schemasJson(BASE, DEFAULT_RULES).find((schema) => schema.id === id)!.attributes as { name: string }[]).map(
        ({ name }) => name,
      );
    expect(names('urn:ietf:params:scim:schemas:core:2.0:User').sort()).toEqual(
      'userName name displayName nickName profileUrl title userType preferredLanguage locale timezone active password emails phoneNumbers ims photos addresses groups entitlements roles x509Certificates'
        .split(' ')
        .sort(),
    );
    expect(names('urn:ietf:params:scim:schemas:extension:enterprise:2.0:User').sort()).toEqual(
      'employeeNumber costCenter organization division department manager'.split(' ').sort(),
    );
    expect(names('urn:ietf:params:scim:schemas:core:2.0:Group')).toEqual(['displayName', 'members']);
  });

  it('names the resource types and their extensions', () => {
    expect(
      resourceTypesJson(BASE).map(({ id, endpoint, meta, schemaExtensions }) => ({
        id,
        endpoint,
        meta,
        schemaExtensions,
      })),
    ).toEqual([
      {
        id: 'User',
        endpoint: '/Users',
        meta: { resourceType: 'ResourceType', location: `${BASE}/ResourceTypes/User` },
        schemaExtensions: [
          { schema: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User', required: false },
          { schema: 'urn:ietf:params:scim:schemas:extension:elevenlabs:2.0:User', required: false },
        ],
      },
      {
        id: 'Group',
        endpoint: '/Groups',
        meta: { resourceType: 'ResourceType', location: `${BASE}/ResourceTypes/Group` },
        schemaExtensions: [{ schema: 'urn:ietf:params:scim:schemas:extension:elevenlabs:2.0:Group', required: false }],
      },
    ]);
  });
});
