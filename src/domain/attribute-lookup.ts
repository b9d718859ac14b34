/**
 * From the text of an attribute path to its definition (RFC 7644 3.10), in any case of names and
 * URNs (RFC 7643 2.1). Look-ups go through Maps, so `__proto__` or `constructor` are names like
 * any other: unknown.
 *
 * An attribute of an extension is also found without its URN where the core schema has none of
 * that name: Entra sends `department`, `manager eq "..."`.
 */
import { COMMON_ATTRIBUTES } from './common-attributes.js';
import type { AttributePath } from './filter.js';
import type { Attribute, ResourceType, Schema } from './schema.js';

const indexes = new WeakMap<readonly Attribute[], ReadonlyMap<string, Attribute>>();

/** Finds an attribute of a list by name, in any case. */
export function findAttribute(attributes: readonly Attribute[], name: string): Attribute | undefined {
  let index = indexes.get(attributes);
  if (index === undefined) {
    index = new Map(attributes.map((attribute) => [attribute.name.toLowerCase(), attribute]));
    indexes.set(attributes, index);
  }
  return index.get(name.toLowerCase());
}

/** A schema by its URN, in any case. */
export function findSchema(type: ResourceType, urn: string): Schema | undefined {
  const wanted = urn.toLowerCase();
  return [type.core, ...type.extensions].find((schema) => schema.id.toLowerCase() === wanted);
}

/** `urn:…:User:name.givenName` split at the schema; `schema` undefined = no known URN in front. */
export interface SplitPath {
  readonly schema: Schema | undefined;
  /** Names after the URN; empty where the text is the URN alone. */
  readonly names: readonly string[];
}

/**
 * Splits at the URN of a schema of the type. Null where the text has a prefix that is no such URN.
 * The version in a URN has a dot, so the URN must be cut off before splitting at dots.
 */
export function splitPath(text: string, type: ResourceType): SplitPath | null {
  if (!text.includes(':')) return { schema: undefined, names: text.split('.') };
  const lower = text.toLowerCase();
  for (const schema of [type.core, ...type.extensions]) {
    const urn = schema.id.toLowerCase();
    if (lower === urn) return { schema, names: [] };
    // '.' as well: some clients write urn:…:User.department.
    if (lower.startsWith(urn) && (lower[urn.length] === ':' || lower[urn.length] === '.')) {
      return { schema, names: text.slice(urn.length + 1).split('.') };
    }
  }
  return null;
}

/** The first attribute of a path, with the keys that lead to it. */
export function findTop(type: ResourceType, schema: Schema | undefined, name: string): AttributePath | null {
  const candidates = schema === undefined ? [type.core, ...type.extensions] : [schema];
  for (const candidate of candidates) {
    const own =
      findAttribute(candidate.attributes, name) ??
      (candidate === type.core ? findAttribute(COMMON_ATTRIBUTES, name) : undefined);
    if (own !== undefined)
      return { keys: candidate === type.core ? [own.name] : [candidate.id, own.name], attributes: [own] };
  }
  return null;
}

/** Goes on from an attribute into its sub-attribute. */
export function findSub(path: AttributePath, name: string): AttributePath | null {
  const last = path.attributes.at(-1);
  const sub = last === undefined ? undefined : findAttribute(last.subAttributes, name);
  return sub === undefined ? null : { keys: [...path.keys, sub.name], attributes: [...path.attributes, sub] };
}

/** Resolves a path without brackets. Null: no such attribute, or a URN alone. */
export function resolvePath(text: string, type: ResourceType): AttributePath | null {
  const split = splitPath(text, type);
  const [first, ...rest] = split?.names ?? [];
  if (split === null || first === undefined) return null;
  let path = findTop(type, split.schema, first);
  for (const name of rest) path = path === null ? null : findSub(path, name);
  return path;
}
