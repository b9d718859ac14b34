/**
 * The PatchOp message (RFC 7644 3.5.2), taken apart: op in any case (Entra: `Add`), path-less
 * operations spread into one per key, every path resolved. Nothing here looks at the resource.
 */
import { isDeepStrictEqual } from 'node:util';
import { isList, isObject } from '../domain/match.js';
import type { ResourceType, Schema } from '../domain/schema.js';
import type { Json, JsonObject } from '../domain/types.js';
import { isAboutValue, type Refuse } from '../domain/withdrawal.js';
import { invalidSyntax, invalidValue, mutability, noTarget, payloadTooLarge, ScimError } from '../errors.js';
import { asBody } from './document.js';
import { parsePatchPath, type PatchPath } from './patch-path.js';
import { shorten } from './shorten.js';

export const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
export const MAX_OPERATIONS = 10_000;

export type Verb = 'add' | 'replace' | 'remove';
export type TargetPath = Extract<PatchPath, { kind: 'attribute' }>;

/** One operation on one attribute. */
export interface Operation {
  readonly verb: Verb;
  readonly path: TargetPath;
  /** Undefined: the operation has none. */
  readonly value: Json | undefined;
  /** The path as the client wrote it, for errors. */
  readonly where: string;
}

/** What the server knows of the resource, to judge readOnly attributes of path-less operations. */
export interface PatchedResource {
  readonly id?: string | undefined;
  /** The resource as clients see it: a readOnly attribute equal to it is no attempt to change it. */
  readonly rendered?: JsonObject | undefined;
  /** Told of each operation that is left out; without it, the first that is refused is thrown. */
  readonly refuse?: Refuse | undefined;
}

/** Parses the message and turns each operation into what `build` makes of it. */
export function parseOperations<T>(
  body: unknown,
  type: ResourceType,
  resource: PatchedResource,
  build: (operation: Operation) => T,
): readonly T[] {
  const message = lowerKeys(asBody(body));
  const schemas = message.get('schemas');
  const named = (isList(schemas) ? schemas : [schemas]).some(
    (urn) => typeof urn === 'string' && urn.toLowerCase() === PATCH_OP.toLowerCase(),
  );
  if (!named) throw invalidSyntax(`schemas must name ${PATCH_OP}.`);
  const operations = message.get('operations');
  if (!isList(operations) || operations.length === 0)
    throw invalidSyntax('Operations must be a list with at least one operation.');
  if (operations.length > MAX_OPERATIONS) throw payloadTooLarge(`More than ${MAX_OPERATIONS} operations in one PATCH.`);
  return operations.flatMap((raw, index) => {
    try {
      const expanded = tolerant(resource.refuse, `Operations[${index}]`, () => expand(raw, type, resource));
      return expanded.flatMap((operation) => tolerant(resource.refuse, operation.where, () => [build(operation)]));
    } catch (error) {
      if (!(error instanceof ScimError)) throw error;
      const { status, message: detail, scimType, headers } = error;
      throw new ScimError(status, `Operations[${index}]: ${detail}`, {
        headers,
        ...(scimType === undefined ? {} : { scimType }),
      });
    }
  });
}

/** What `read` gives; nothing where it is refused and may be left out. */
function tolerant<T>(refuse: Refuse | undefined, where: string, read: () => readonly T[]): readonly T[] {
  try {
    return read();
  } catch (error) {
    if (refuse === undefined || !isAboutValue(error)) throw error;
    refuse(where, error);
    return [];
  }
}

function expand(raw: Json, type: ResourceType, resource: PatchedResource): readonly Operation[] {
  if (!isObject(raw)) throw invalidSyntax('an operation must be an object.');
  const fields = lowerKeys(raw);
  const verb = readVerb(fields.get('op'));
  const path = fields.get('path') ?? '';
  if (typeof path !== 'string') throw invalidSyntax(`path must be a string; it is ${shorten(path)}.`);
  const value = fields.get('value');
  if (path.trim() === '') {
    if (verb === 'remove') throw noTarget('remove needs a path.');
    return spread(verb, type.core, value, type, resource);
  }
  const parsed = parsePatchPath(path.trim(), type);
  if (parsed.kind === 'attribute') return [{ verb, path: parsed, value, where: path.trim() }];
  return onSchema(verb, parsed.schema, value, type, resource);
}

function readVerb(raw: Json | undefined): Verb {
  const word = typeof raw === 'string' ? raw.trim().toLowerCase() : '';
  if (word === 'add' || word === 'replace' || word === 'remove') return word;
  throw invalidSyntax(`op must be add, replace or remove; it is ${shorten(raw)}.`);
}

/** The path is the URN of a schema alone: the operation is about its attributes. */
function onSchema(
  verb: Verb,
  schema: Schema,
  value: Json | undefined,
  type: ResourceType,
  resource: PatchedResource,
): readonly Operation[] {
  const clears = verb === 'remove' || value === null || value === '';
  if (!clears) return spread(verb, schema, value, type, resource);
  if (schema === type.core) throw noTarget(`${schema.id} cannot be removed: name an attribute.`);
  const writable = schema.attributes.filter((attribute) => attribute.mutability !== 'readOnly');
  return writable.map((attribute) => ({
    verb: 'remove',
    path: { kind: 'attribute', keys: [schema.id, attribute.name], attribute, filter: null, sub: null },
    value: undefined,
    where: `${schema.id}:${attribute.name}`,
  }));
}

/** One operation per key. Keys are names, paths with dots or filters, or URNs (Entra's flag). */
function spread(
  verb: Verb,
  schema: Schema,
  value: Json | undefined,
  type: ResourceType,
  resource: PatchedResource,
): readonly Operation[] {
  if (!isObject(value))
    throw invalidValue(`without the path of an attribute, value must be an object; it is ${shorten(value)}.`);
  return Object.entries(value).flatMap(([key, item]) => {
    const path = resolveKey(key, schema, type);
    if (path === null) return [];
    return tolerant<Operation>(resource.refuse, key, () => {
      if (path.kind === 'schema') return onSchema(verb, path.schema, item, type, resource);
      if (path.attribute.mutability !== 'readOnly') return [{ verb, path, value: item, where: key }];
      checkReadOnly(path, item, resource);
      return [];
    });
  });
}

/** Null: an attribute that the type does not have. It is ignored, as in POST and PUT. */
function resolveKey(key: string, schema: Schema, type: ResourceType): PatchPath | null {
  const text = schema === type.core || key.toLowerCase().startsWith('urn:') ? key : `${schema.id}:${key}`;
  try {
    return parsePatchPath(text, type);
  } catch (error) {
    if (error instanceof ScimError && !key.includes('[')) return null;
    throw error;
  }
}

/** Okta repeats the id with every rename; clients send back what they read. Neither is a change. */
function checkReadOnly(path: TargetPath, value: Json, { id, rendered }: PatchedResource): void {
  const { attribute, keys, sub } = path;
  if (attribute.name === 'id') {
    if (id !== undefined && value !== null && value !== id)
      throw mutability(`id is readOnly: it cannot become ${shorten(value)}.`);
    return;
  }
  if (rendered === undefined || attribute.name === 'schemas' || attribute.name === 'meta' || sub !== null) return;
  const current = keys.reduce<Json | undefined>((at, key) => (isObject(at) ? at[key] : undefined), rendered);
  const isEmpty = value === null || value === '' || (isList(value) && value.length === 0);
  if (!isEmpty && !isDeepStrictEqual(current, value))
    throw mutability(`${keys.join(':')} is readOnly and cannot be changed.`);
}

function lowerKeys(object: JsonObject): ReadonlyMap<string, Json> {
  return new Map(Object.entries(object).map(([key, value]) => [key.toLowerCase(), value]));
}
