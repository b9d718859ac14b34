/** The schemas of discovery itself (RFC 7643 5, 6, 7, 8.7.2; RFC 9865 4): all of it is read-only. */
import { attribute, readOnly, type AttributeOptions } from './attribute.js';
import type { Attribute, Schema } from './schema.js';

const REQUIRED: AttributeOptions = { required: true };

const flag = (name: string, description: string): Attribute => attribute(name, 'boolean', description, REQUIRED);
const supported = flag('supported', 'Whether the feature is supported.');

const feature = (name: string, description: string, more: readonly Attribute[] = []): Attribute =>
  attribute(name, 'complex', description, { required: true, subAttributes: [supported, ...more] });

const limit = (name: string, description: string): Attribute => attribute(name, 'integer', description, REQUIRED);

const uri = (name: string, description: string, options: AttributeOptions = {}): Attribute =>
  attribute(name, 'reference', description, { referenceTypes: ['external'], ...options });

const table = (name: string, description: string, attributes: readonly Attribute[]): Schema => ({
  id: `urn:ietf:params:scim:schemas:core:2.0:${name}`,
  name,
  description,
  attributes: attributes.map(readOnly),
});

const serviceProviderConfig = table('ServiceProviderConfig', 'What the service provider can do, and its limits', [
  uri('documentationUri', 'Where people read how the service is used.'),
  feature('patch', 'PATCH.'),
  feature('bulk', 'Bulk.', [
    limit('maxOperations', 'Most operations of one request.'),
    limit('maxPayloadSize', 'Most bytes of one request.'),
  ]),
  feature('filter', 'Filters.', [limit('maxResults', 'Most resources of one answer.')]),
  feature('changePassword', 'Changing passwords.'),
  feature('sort', 'Sorting.'),
  feature('etag', 'Entity tags.'),
  attribute('pagination', 'complex', 'How long lists are paged.', {
    subAttributes: [
      flag('cursor', 'Whether pages are read by cursor.'),
      flag('index', 'Whether pages are read by index.'),
      attribute('defaultPaginationMethod', 'string', 'What a request gets that names neither.', {
        canonicalValues: ['cursor', 'index'],
      }),
      attribute('defaultPageSize', 'integer', 'Resources on a page where the request names no count.'),
      attribute('maxPageSize', 'integer', 'Most resources on a page.'),
      attribute('cursorTimeout', 'integer', 'Seconds for which a cursor can be used.'),
    ],
  }),
  attribute('authenticationSchemes', 'complex', 'How requests are authenticated.', {
    multiValued: true,
    required: true,
    subAttributes: [
      attribute('type', 'string', 'The scheme.', {
        required: true,
        canonicalValues: ['oauth', 'oauth2', 'oauthbearertoken', 'httpbasic', 'httpdigest'],
      }),
      attribute('name', 'string', 'Name for people.', REQUIRED),
      attribute('description', 'string', 'What it is.', REQUIRED),
      uri('specUri', 'Its specification.'),
      uri('documentationUri', 'How it is used.'),
      attribute('primary', 'boolean', 'Whether it is the preferred scheme.'),
    ],
  }),
]);

const resourceType = table('ResourceType', 'What kinds of resources there are', [
  attribute('id', 'string', 'Identifier, the same as the name.'),
  attribute('name', 'string', 'Name of the type.', REQUIRED),
  attribute('description', 'string', 'What it is, for people.'),
  attribute('endpoint', 'reference', 'Path of its endpoint below the base.', {
    required: true,
    referenceTypes: ['uri'],
  }),
  attribute('schema', 'reference', 'URN of its core schema.', {
    required: true,
    caseExact: true,
    referenceTypes: ['uri'],
  }),
  attribute('schemaExtensions', 'complex', 'Its extensions.', {
    multiValued: true,
    subAttributes: [
      attribute('schema', 'reference', 'URN of the extension.', { required: true, referenceTypes: ['uri'] }),
      flag('required', 'Whether every resource of the type has it.'),
    ],
  }),
]);

const characteristics = (subAttributes: readonly Attribute[]): readonly Attribute[] => [
  attribute('name', 'string', 'Name of the attribute.', { required: true, caseExact: true }),
  attribute('type', 'string', 'Type of its values.', {
    required: true,
    canonicalValues: ['string', 'boolean', 'decimal', 'integer', 'dateTime', 'binary', 'reference', 'complex'],
  }),
  flag('multiValued', 'Whether it has several values.'),
  attribute('description', 'string', 'What it means, for people.'),
  flag('required', 'Whether a resource must have it.'),
  attribute('canonicalValues', 'string', 'Values that are suggested.', { multiValued: true, caseExact: true }),
  attribute('caseExact', 'boolean', 'Whether upper and lower case differ.'),
  attribute('mutability', 'string', 'Whether clients can write it.', {
    caseExact: true,
    canonicalValues: ['readOnly', 'readWrite', 'immutable', 'writeOnly'],
  }),
  attribute('returned', 'string', 'When it is in an answer.', {
    caseExact: true,
    canonicalValues: ['always', 'never', 'default', 'request'],
  }),
  attribute('uniqueness', 'string', 'Among what its values are unique.', {
    caseExact: true,
    canonicalValues: ['none', 'server', 'global'],
  }),
  attribute('referenceTypes', 'string', 'What its references lead to.', { multiValued: true, caseExact: true }),
  ...subAttributes,
];

const schema = table('Schema', 'What attributes resources have', [
  attribute('id', 'string', 'URN of the schema.', REQUIRED),
  attribute('name', 'string', 'Name of the schema.'),
  attribute('description', 'string', 'What it is for, for people.'),
  attribute('attributes', 'complex', 'Its attributes.', {
    multiValued: true,
    required: true,
    subAttributes: characteristics([
      attribute('subAttributes', 'complex', 'The parts of a complex attribute.', {
        multiValued: true,
        subAttributes: characteristics([]),
      }),
    ]),
  }),
]);

export const DISCOVERY_SCHEMAS: readonly Schema[] = [serviceProviderConfig, resourceType, schema];
