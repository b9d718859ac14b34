/**
 * How the attribute tables are written down: one call per attribute, RFC 7643 defaults for what is
 * not said (section 2.2: readWrite, returned by default, not case-exact, not unique).
 */
import type { Attribute, AttributeType } from './schema.js';

export type AttributeOptions = Partial<Omit<Attribute, 'name' | 'type' | 'description'>>;

/** Defines one attribute. References and binaries are case-exact (RFC 7643 2.3.6, 2.3.7). */
export function attribute(
  name: string,
  type: AttributeType,
  description: string,
  options: AttributeOptions = {},
): Attribute {
  return {
    name,
    type,
    description,
    multiValued: false,
    required: false,
    caseExact: type === 'reference' || type === 'binary',
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
    canonicalValues: [],
    closed: false,
    referenceTypes: [],
    subAttributes: [],
    ...options,
  };
}

/** The same definition, read-only throughout: `mutability` of a complex attribute does not reach its parts. */
export function readOnly(definition: Attribute): Attribute {
  return { ...definition, mutability: 'readOnly', subAttributes: definition.subAttributes.map(readOnly) };
}

/** What the elements of most multi-valued attributes have (RFC 7643 2.4). */
export function elementParts(what: string, value: Attribute, types: readonly string[] = []): readonly Attribute[] {
  return [
    value,
    attribute('display', 'string', `A name for the ${what}, for people to read.`),
    attribute('type', 'string', `What the ${what} is used for.`, { canonicalValues: types }),
    attribute('primary', 'boolean', `Whether this is the preferred ${what}. At most one is.`),
  ];
}
