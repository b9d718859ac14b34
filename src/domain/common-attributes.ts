/**
 * The attributes that every resource has (RFC 7643 3.1). They belong to every core schema without
 * being listed by /Schemas, as in the RFC's own representations (section 8.7).
 */
import { attribute, readOnly } from './attribute.js';
import type { Attribute } from './schema.js';

export const ID = attribute('id', 'string', 'Identifier given by the bridge: a UUID.', {
  caseExact: true,
  mutability: 'readOnly',
  returned: 'always',
  uniqueness: 'server',
});

export const EXTERNAL_ID = attribute(
  'externalId',
  'string',
  'Identifier given by the provisioning client. May repeat.',
  {
    caseExact: true,
  },
);

export const META = readOnly(
  attribute('meta', 'complex', 'Metadata of the resource.', {
    subAttributes: [
      attribute('resourceType', 'string', 'Name of the resource type.', { caseExact: true }),
      attribute('created', 'dateTime', 'When the resource was created.'),
      attribute('lastModified', 'dateTime', 'When the resource was last changed.'),
      attribute('location', 'reference', 'URI of the resource.', { referenceTypes: ['uri'] }),
      attribute('version', 'string', 'Version of the resource: its weak ETag.', { caseExact: true }),
    ],
  }),
);

export const SCHEMAS = attribute(
  'schemas',
  'reference',
  'URNs of the schemas of which the resource holds attributes.',
  {
    multiValued: true,
    mutability: 'readOnly',
    returned: 'always',
    // URNs compare without regard to case (RFC 8141 3), and IdPs do send them in other cases.
    caseExact: false,
    referenceTypes: ['uri'],
  },
);

export const COMMON_ATTRIBUTES: readonly Attribute[] = [SCHEMAS, ID, EXTERNAL_ID, META];
