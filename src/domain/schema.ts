/**
 * The form of an attribute table (RFC 7643 section 7). The tables themselves are in
 * user-schema.ts and group-schema.ts; discovery, validation, filter, sort, PATCH and projection
 * are all driven by them, so that none can promise what another lacks.
 */

export type AttributeType =
  'string' | 'boolean' | 'decimal' | 'integer' | 'dateTime' | 'binary' | 'reference' | 'complex';

export interface Attribute {
  readonly name: string;
  readonly type: AttributeType;
  readonly multiValued: boolean;
  readonly description: string;
  readonly required: boolean;
  readonly caseExact: boolean;
  readonly mutability: 'readOnly' | 'readWrite' | 'immutable' | 'writeOnly';
  readonly returned: 'always' | 'never' | 'default' | 'request';
  readonly uniqueness: 'none' | 'server' | 'global';
  /** Suggested values; never enforced (RFC 7643 7: "canonicalValues" are hints) unless `closed`. */
  readonly canonicalValues: readonly string[];
  readonly closed: boolean;
  readonly referenceTypes: readonly string[];
  readonly subAttributes: readonly Attribute[];
}

export interface Schema {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly attributes: readonly Attribute[];
}

/** One resource type: its core schema and its extensions. */
export interface ResourceType {
  readonly name: string;
  readonly endpoint: string;
  readonly description: string;
  readonly core: Schema;
  readonly extensions: readonly Schema[];
}

export const CORE_USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const CORE_GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export const ENTERPRISE_USER = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
export const BRIDGE_USER = 'urn:ietf:params:scim:schemas:extension:elevenlabs:2.0:User';
export const BRIDGE_GROUP = 'urn:ietf:params:scim:schemas:extension:elevenlabs:2.0:Group';
