/**
 * `attributes` and `excludedAttributes` (RFC 7644 3.9) over plain objects, with the `returned`
 * characteristic of the tables (RFC 7643 7): `always` cannot be excluded, `never` is not shown,
 * `request` is shown when asked for. Names that the type does not have are ignored. Where both
 * parameters are given, `attributes` wins.
 */
import { findAttribute, findTop, splitPath } from '../domain/attribute-lookup.js';
import { COMMON_ATTRIBUTES } from '../domain/common-attributes.js';
import { isList, isObject } from '../domain/match.js';
import type { Attribute, ResourceType, Schema } from '../domain/schema.js';
import type { Json, JsonObject } from '../domain/types.js';

/** Named parts of an attribute or extension: null = all of it, else by key. */
type Chosen = ReadonlyMap<string, Chosen | null>;

export interface Projection {
  readonly type: ResourceType;
  readonly mode: 'default' | 'only' | 'without';
  readonly chosen: Chosen;
}

/** Names come as `a,b.c` or as a list (/.search). Undefined, null or empty = not given. */
export type AttributeNames = string | readonly string[] | null | undefined;

export function parseProjection(
  attributes: AttributeNames,
  excludedAttributes: AttributeNames,
  type: ResourceType,
): Projection {
  const only = listNames(attributes);
  if (only.length > 0) return { type, mode: 'only', chosen: choose(only, type) };
  const without = listNames(excludedAttributes);
  if (without.length > 0) return { type, mode: 'without', chosen: choose(without, type) };
  return { type, mode: 'default', chosen: new Map() };
}

/** Whether a top-level core attribute can be part of the answer: members need not be read if not. */
export function shows(projection: Projection, name: string): boolean {
  const part = projection.chosen.get(name);
  if (projection.mode === 'only') return part !== undefined;
  return projection.mode === 'default' || part !== null;
}

/** The resource as it is answered. Parts that are shown whole are shared, not copied. */
export function project(resource: JsonObject, projection: Projection): JsonObject {
  const { type } = projection;
  if (projection.mode === 'default' && Object.keys(resource).every((key) => isShownByDefault(type, key)))
    return resource;
  const result: Record<string, Json> = {};
  for (const [key, value] of Object.entries(resource)) {
    const extension = type.extensions.find((schema) => schema.id === key);
    const shown =
      extension === undefined
        ? projectCore(key, value, projection)
        : projectExtension(extension.attributes, key, value, projection);
    if (shown !== undefined) result[key] = shown;
  }
  return result;
}

const SHOWN_BY_DEFAULT = new Map<ResourceType, ReadonlySet<string>>();

/** Most resources are shown whole: then nothing is copied. */
function isShownByDefault(type: ResourceType, key: string): boolean {
  let shown = SHOWN_BY_DEFAULT.get(type);
  if (shown === undefined) {
    const attributes = [...COMMON_ATTRIBUTES, ...type.core.attributes].filter(
      ({ returned }) => returned === 'default' || returned === 'always',
    );
    shown = new Set([...attributes.map(({ name }) => name), ...type.extensions.map(({ id }) => id)]);
    SHOWN_BY_DEFAULT.set(type, shown);
  }
  return shown.has(key);
}

function projectCore(key: string, value: Json, projection: Projection): Json | undefined {
  const definition = findAttribute(COMMON_ATTRIBUTES, key) ?? findAttribute(projection.type.core.attributes, key);
  return definition === undefined
    ? undefined
    : projectAttribute(definition, value, projection.mode, projection.chosen.get(key));
}

function projectExtension(
  attributes: readonly Attribute[],
  urn: string,
  value: Json,
  projection: Projection,
): Json | undefined {
  if (!isObject(value)) return undefined;
  const part = projection.chosen.get(urn);
  return projectParts(attributes, value, projection.mode, part);
}

/** `part`: undefined = not named, null = named whole, else the named sub-attributes. */
function projectAttribute(
  definition: Attribute,
  value: Json,
  mode: Projection['mode'],
  part: Chosen | null | undefined,
): Json | undefined {
  switch (definition.returned) {
    case 'never':
      return undefined;
    case 'always':
      break;
    case 'request':
      if (mode !== 'only' || part === undefined) return undefined;
      break;
    case 'default':
      if (mode === 'only' ? part === undefined : mode === 'without' && part === null) return undefined;
      break;
  }
  if (part === undefined || part === null) return value;
  if (isList(value)) {
    const elements = value.map((element) =>
      isObject(element) ? projectParts(definition.subAttributes, element, mode, part) : element,
    );
    const shown = elements.filter((element): element is Json => element !== undefined);
    return shown.length === 0 ? undefined : shown;
  }
  return isObject(value) ? projectParts(definition.subAttributes, value, mode, part) : value;
}

function projectParts(
  attributes: readonly Attribute[],
  value: JsonObject,
  mode: Projection['mode'],
  part: Chosen | null | undefined,
): JsonObject | undefined {
  if (part === undefined && mode === 'only') return undefined;
  if (part === null && mode === 'without') return undefined;
  if (part === undefined || part === null) return value;
  const result: Record<string, Json> = {};
  for (const [key, member] of Object.entries(value)) {
    const definition = findAttribute(attributes, key);
    const shown = definition === undefined ? undefined : projectAttribute(definition, member, mode, part.get(key));
    if (shown !== undefined) result[key] = shown;
  }
  return Object.keys(result).length === 0 ? undefined : result;
}

function listNames(names: AttributeNames): readonly string[] {
  const list = typeof names === 'string' ? names.split(',') : (names ?? []);
  return list.map((name) => name.trim()).filter((name) => name !== '');
}

function choose(names: readonly string[], type: ResourceType): Chosen {
  const chosen = new Map<string, Chosen | null>();
  for (const name of names) for (const keys of keysOf(name, type)) add(chosen, keys);
  return chosen;
}

/** Naming the whole wins over naming a part of it. */
function add(chosen: Map<string, Chosen | null>, keys: readonly string[]): void {
  const [key, ...rest] = keys;
  if (key === undefined || chosen.get(key) === null) return;
  if (rest.length === 0) {
    chosen.set(key, null);
    return;
  }
  const inner = new Map(chosen.get(key) ?? []);
  add(inner, rest);
  chosen.set(key, inner);
}

/** `emails[type eq "work"].value` means `emails.value` here: a projection does not filter. */
function keysOf(name: string, type: ResourceType): readonly (readonly string[])[] {
  const open = name.indexOf('[');
  const close = name.lastIndexOf(']');
  const plain = open < 0 ? name : name.slice(0, open) + (close < open ? '' : name.slice(close + 1));
  const split = splitPath(plain, type);
  const [first, second, ...rest] = split?.names ?? [];
  if (split === null || rest.length > 0) return [];
  if (first === undefined) return split.schema === undefined ? [] : schemaKeys(split.schema, type);
  const top = findTop(type, split.schema, first);
  const attribute = top?.attributes[0];
  if (top === null || attribute === undefined) return [];
  if (second === undefined) return [top.keys];
  const sub = findAttribute(attribute.subAttributes, second);
  return sub === undefined ? [] : [[...top.keys, sub.name]];
}

/** A URN alone names all that its schema defines. */
function schemaKeys(schema: Schema, type: ResourceType): readonly (readonly string[])[] {
  return schema === type.core ? schema.attributes.map((attribute) => [attribute.name]) : [[schema.id]];
}
