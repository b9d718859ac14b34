/**
 * Bodies of POST and PUT, made into what is stored. Invariants of every Document that leaves here
 * or patch.ts: canonical names in the order of the tables, nothing unassigned, nothing readOnly,
 * no password, every required attribute there, at most one primary per attribute; so two documents
 * are equal when their JSON texts are, and a PUT of the same again changes no version.
 */
import { findSchema, findTop, splitPath, findAttribute } from '../domain/attribute-lookup.js';
import { COMMON_ATTRIBUTES } from '../domain/common-attributes.js';
import { GROUP } from '../domain/group-schema.js';
import { isList, isObject } from '../domain/match.js';
import type { Attribute, ResourceType, Schema } from '../domain/schema.js';
import type { Document, Json, JsonObject } from '../domain/types.js';
import { USER } from '../domain/user-schema.js';
import { isAboutValue, onlyWhatPasses, type Refuse } from '../domain/withdrawal.js';
import { invalidSyntax, invalidValue, mutability } from '../errors.js';
import { checkDocument, type DocumentChecks } from './document-checks.js';
import { readMembers } from './members.js';
import { shorten } from './shorten.js';
import { readValue, wrong } from './values.js';

/**
 * A User from the body of a POST (`previous` null) or PUT. PUT replaces, except that an absent
 * `active` and an absent extension stay as they were (Okta does not know the bridge's own).
 */
export function readUserDocument(body: unknown, previous: Document | null, checks: DocumentChecks = {}): Document {
  const document = readDocument(USER, body, previous, checks.refuse);
  const active = document['active'] ?? previous?.['active'] ?? true;
  return finish(USER, previous, { ...document, active }, checks);
}

/** A Group likewise. `members`: null = not in the body; the ids, each once, in the order sent. */
export function readGroupDocument(
  body: unknown,
  previous: Document | null,
  checks: DocumentChecks = {},
): { readonly document: Document; readonly members: string[] | null } {
  const document = readDocument(GROUP, body, previous, checks.refuse);
  const entry = Object.entries(asBody(body)).findLast(
    ([key]) => key.toLowerCase() === 'members' || key.toLowerCase() === `${GROUP.core.id}:members`.toLowerCase(),
  );
  // A template that found nothing leaves "": that says nothing of the members.
  const members =
    entry === undefined || entry[1] === ''
      ? null
      : readMembers(entry[1], 'members', checks.refuse && { refuse: checks.refuse, only: 'groups' });
  // A PUT of [null] would empty the group and hardly means to: only [] and null say that there shall be none.
  const listed = entry?.[1];
  if (previous !== null && members?.length === 0 && isList(listed) && listed.length > 0)
    throw wrong('members', 'a list of members', listed);
  return { document: finish(GROUP, previous, document, checks), members };
}

/** Brings a changed document into order and checks it as a whole; for PATCH as well. */
export function finish(
  type: ResourceType,
  previous: Document | null,
  changed: JsonObject,
  checks: DocumentChecks,
): Document {
  const document: Record<string, Json> = {};
  for (const attribute of storedAttributes(type)) {
    const value = changed[attribute.name];
    if (value !== undefined) document[attribute.name] = value;
  }
  for (const { id, attributes } of type.extensions) {
    const extension = changed[id];
    if (!isObject(extension)) continue;
    const ordered = Object.fromEntries(
      attributes.flatMap(({ name }) => (extension[name] === undefined ? [] : [[name, extension[name]]])),
    );
    if (Object.keys(ordered).length > 0) document[id] = ordered;
  }
  const { refuse } = checks;
  if (refuse === undefined || previous === null) {
    checkDocument(type, previous, document, checks);
    return document;
  }
  const check = (next: Document): void => {
    checkDocument(type, previous, next, checks);
  };
  return onlyWhatPasses(previous, document, check, refuse);
}

/** Attributes of the core that a document holds: what clients write, members apart. */
function storedAttributes(type: ResourceType): readonly Attribute[] {
  return [...COMMON_ATTRIBUTES, ...type.core.attributes].filter(isStored);
}

/** Whether a document holds the attribute. Members are a relation; passwords are dropped. */
export function isStored(attribute: Attribute): boolean {
  return (attribute.mutability === 'readWrite' || attribute.mutability === 'immutable') && attribute.name !== 'members';
}

function readDocument(type: ResourceType, body: unknown, previous: Document | null, refuse?: Refuse): Document {
  const object = asBody(body);
  checkSchemas(type, object);
  const document: Record<string, Json> = {};
  const given = collect(type, object, refuse);
  for (const schema of [type.core, ...type.extensions]) {
    const raw = given.get(schema);
    if (schema !== type.core && raw === undefined) {
      const kept = previous?.[schema.id];
      if (kept !== undefined) document[schema.id] = kept;
      continue;
    }
    const target = schema === type.core ? document : {};
    for (const [attribute, value] of raw?.attributes ?? []) {
      const where = schema === type.core ? attribute.name : `${schema.id}:${attribute.name}`;
      const before = (schema === type.core ? previous : objectIn(previous, schema.id))?.[attribute.name];
      const read = tolerant(refuse, where, before, () => {
        const next = readValue(attribute, value, where);
        checkImmutable(attribute, schema === type.core ? before : undefined, next, where);
        return next;
      });
      if (read !== undefined && isStored(attribute)) target[attribute.name] = read;
    }
    if (schema !== type.core) {
      // Un-prefixed attributes say nothing of their neighbours (Entra), the extension itself does.
      const base = raw?.whole === true ? {} : previous?.[schema.id];
      const cleared = [...(raw?.attributes.keys() ?? [])].map(({ name }) => name);
      const kept = isObject(base) ? Object.entries(base).filter(([name]) => !cleared.includes(name)) : [];
      document[schema.id] = { ...Object.fromEntries(kept), ...target };
    }
  }
  return document;
}

/** What `read` gives; where its value is refused and may be left out, `before`. */
function tolerant<T, B>(refuse: Refuse | undefined, where: string, before: B, read: () => T): T | B {
  try {
    return read();
  } catch (error) {
    if (refuse === undefined || !isAboutValue(error)) throw error;
    refuse(where, error);
    return before;
  }
}

function objectIn(document: Document | null, key: string): JsonObject | undefined {
  const value = document?.[key];
  return isObject(value) ? value : undefined;
}

interface Given {
  readonly attributes: Map<Attribute, Json>;
  /** The extension was there as an object, not only some of its attributes without their URN. */
  whole: boolean;
}

/** Sorts what the body names by schema; names that the type does not have are dropped. */
function collect(type: ResourceType, body: JsonObject, refuse: Refuse | undefined): ReadonlyMap<Schema, Given> {
  const given = new Map<Schema, Given>();
  const of = (schema: Schema): Given => {
    const found = given.get(schema) ?? { attributes: new Map<Attribute, Json>(), whole: false };
    given.set(schema, found);
    return found;
  };
  const wholes: [Schema, JsonObject][] = [];
  for (const [key, value] of Object.entries(body)) {
    const extension = findSchema(type, key);
    if (extension !== undefined) {
      const whole = tolerant(refuse, key, null, () => {
        if (value !== null && value !== '' && !isObject(value)) throw wrong(key, 'an object', value);
        return isObject(value) ? value : {};
      });
      if (whole !== null) wholes.push([extension, whole]);
      continue;
    }
    const split = splitPath(key, type);
    const [name, ...deeper] = split?.names ?? [];
    const top = split === null || name === undefined || deeper.length > 0 ? null : findTop(type, split.schema, name);
    const attribute = top?.attributes[0];
    if (top !== null && attribute !== undefined && takes(attribute))
      of(schemaOf(type, top.keys)).attributes.set(attribute, value);
  }
  for (const [schema, object] of wholes) {
    of(schema).whole = true;
    for (const [key, value] of Object.entries(object)) {
      const attribute = findAttribute(schema.attributes, key);
      if (attribute !== undefined && takes(attribute)) of(schema).attributes.set(attribute, value);
    }
  }
  return given;
}

/** ReadOnly attributes in a body are ignored (RFC 7644 3.3, 3.5.1). */
function takes(attribute: Attribute): boolean {
  return attribute.mutability !== 'readOnly' && attribute.name !== 'members';
}

function schemaOf(type: ResourceType, keys: readonly string[]): Schema {
  return type.extensions.find((extension) => extension.id === keys[0]) ?? type.core;
}

function checkImmutable(attribute: Attribute, before: Json | undefined, after: Json | undefined, where: string): void {
  if (attribute.mutability !== 'immutable' || before === undefined) return;
  if (JSON.stringify(before) !== JSON.stringify(after))
    throw mutability(`${where} is immutable: it is ${shorten(before)} and cannot become ${shorten(after)}.`);
}

export function asBody(body: unknown): JsonObject {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw invalidSyntax('The body must be a JSON object.');
  return body as JsonObject;
}

/** Unknown schemas beside the right one are tolerated (Entra sends its own for groups), others are a mistake. */
function checkSchemas(type: ResourceType, body: JsonObject): void {
  const entry = Object.entries(body).find(([key]) => key.toLowerCase() === 'schemas');
  const listed = entry === undefined || entry[1] === null ? [] : isList(entry[1]) ? entry[1] : [entry[1]];
  if (!listed.every((urn) => typeof urn === 'string')) throw invalidSyntax('schemas must be a list of URNs.');
  const core = type.core.id.toLowerCase();
  if (listed.length > 0 && !listed.some((urn) => urn.toLowerCase() === core)) {
    throw invalidSyntax(`schemas does not name ${type.core.id}: this endpoint takes a ${type.name}.`);
  }
  if (listed.length > 100) throw invalidValue('schemas names more than 100 schemas.');
}
