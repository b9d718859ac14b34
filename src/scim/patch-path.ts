/**
 * Paths of PATCH operations (RFC 7644 3.5.2): `attr`, `attr.sub`, `attr[filter]`,
 * `attr[filter].sub`, each with or without the URN of a schema, or that URN alone.
 */
import { findSub, findTop, splitPath } from '../domain/attribute-lookup.js';
import type { AttributePath, Filter } from '../domain/filter.js';
import type { Attribute, ResourceType, Schema } from '../domain/schema.js';
import { invalidPath } from '../errors.js';
import { FilterParser, reporting } from './filter-parser.js';
import { SyntaxProblem, tokenize } from './filter-tokens.js';
import { shorten } from './shorten.js';

export type PatchPath =
  /** A whole schema: the URN alone. */
  | { readonly kind: 'schema'; readonly schema: Schema }
  | {
      readonly kind: 'attribute';
      /** One or two keys: the name, for extensions after the URN. */
      readonly keys: readonly string[];
      readonly attribute: Attribute;
      /** Chooses elements of `attribute`; null = all, or the attribute itself. */
      readonly filter: Filter | null;
      readonly sub: Attribute | null;
    };

/** Parses a path; ScimError `invalidPath` with position and reason. */
export function parsePatchPath(text: string, type: ResourceType): PatchPath {
  return reporting(text, invalidPath, 'path', () => {
    const tokens = tokenize(text);
    const [first] = tokens;
    if (first?.kind !== 'word') throw new SyntaxProblem(first?.at ?? 0, 'an attribute is missing');
    const head = resolveHead(first.text, first.at, type);
    const parser = new FilterParser(tokens.slice(1), () => null, type.name);
    if (tokens[1]?.kind !== '[' || head.kind === 'schema') {
      parser.expectEnd();
      return head;
    }
    if (head.sub !== null) throw new SyntaxProblem(tokens[1].at, `${head.sub.name} has no sub-attributes to filter by`);
    const filter = parser.elements({ keys: head.keys, attributes: [head.attribute] }, tokens[1].at);
    const name = parser.subName();
    parser.expectEnd();
    if (name === null) return { ...head, filter };
    return { ...head, filter, sub: subOf({ keys: [], attributes: [head.attribute] }, name, 0) };
  });
}

function resolveHead(text: string, at: number, type: ResourceType): PatchPath {
  const split = splitPath(text, type);
  const [name, subName, ...rest] = split?.names ?? [];
  if (split?.schema !== undefined && name === undefined) return { kind: 'schema', schema: split.schema };
  const top = split === null || name === undefined ? null : findTop(type, split.schema, name);
  const attribute = top?.attributes[0];
  if (top === null || attribute === undefined)
    throw new SyntaxProblem(at, `${type.name} has no attribute ${shorten(text)}`);
  if (rest.length > 0) throw new SyntaxProblem(at, `${shorten(text)} is too deep: there are no sub-sub-attributes`);
  const sub = subName === undefined ? null : subOf(top, subName, at);
  return { kind: 'attribute', keys: top.keys, attribute, filter: null, sub };
}

function subOf(path: AttributePath, name: string, at: number): Attribute {
  const sub = findSub(path, name)?.attributes.at(-1);
  if (sub === undefined)
    throw new SyntaxProblem(at, `${path.attributes.at(-1)?.name ?? ''} has no sub-attribute ${shorten(name)}`);
  return sub;
}
