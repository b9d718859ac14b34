/**
 * The parameters of a read (RFC 7644 3.4.2), from the query string or from a SearchRequest. The
 * query string is parsed here: strictly, `+` being a space as Entra sends it, and never by a parser
 * that makes objects of brackets. Unknown parameters are ignored (Entra's `aadOptscim062020`).
 */
import { invalidFilter, invalidSyntax, invalidValue } from '../errors.js';
import type { Json, JsonObject } from '../domain/types.js';
import { shorten } from './shorten.js';

export interface ReadParameters {
  readonly filter: string | null;
  readonly sortBy: string | null;
  readonly sortOrder: 'ascending' | 'descending';
  /** 1-based, at least 1. */
  readonly startIndex: number;
  /** RFC 9865: null = pages by index; empty = the first page by cursor. */
  readonly cursor: string | null;
  /** Null: not asked for. At least 0, not yet clamped. */
  readonly count: number | null;
  readonly attributes: readonly string[];
  readonly excludedAttributes: readonly string[];
}

const PARAMETERS = [
  'filter',
  'sortBy',
  'sortOrder',
  'startIndex',
  'cursor',
  'count',
  'attributes',
  'excludedAttributes',
] as const;
type Parameter = (typeof PARAMETERS)[number];
const NAMES: ReadonlyMap<string, Parameter> = new Map(PARAMETERS.map((name) => [name.toLowerCase(), name]));

type RawParameters = ReadonlyMap<Parameter, Json>;

/** Parameters of a request without any. */
export const NO_PARAMETERS: ReadParameters = interpret(new Map());

/** Reads the query string, that is everything after the first `?` of `url`. */
export function parseQuery(url: string): ReadParameters {
  const raw = new Map<Parameter, Json>();
  const start = url.indexOf('?');
  const pairs = start < 0 ? [] : url.slice(start + 1).split('&');
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    const name = NAMES.get(decode(equals < 0 ? pair : pair.slice(0, equals)).toLowerCase());
    if (name === undefined) continue;
    if (raw.has(name)) throw duplicate(name);
    raw.set(name, decode(equals < 0 ? '' : pair.slice(equals + 1)));
  }
  return interpret(raw);
}

/** Reads a SearchRequest (RFC 7644 3.4.3). */
export function parseSearchRequest(body: JsonObject): ReadParameters {
  const raw = new Map<Parameter, Json>();
  for (const [key, value] of Object.entries(body)) {
    const name = NAMES.get(key.toLowerCase());
    if (name === undefined || value === null) continue;
    if (raw.has(name)) throw duplicate(name);
    raw.set(name, value);
  }
  return interpret(raw);
}

function duplicate(name: Parameter): Error {
  return (name === 'filter' ? invalidFilter : invalidSyntax)(`The parameter "${name}" is given more than once.`);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw invalidSyntax('The query string has a broken percent escape.');
  }
}

function interpret(raw: RawParameters): ReadParameters {
  if (raw.has('cursor') && raw.has('startIndex'))
    throw invalidValue('"cursor" and "startIndex" are two ways to page: name one of them.');
  return {
    filter: textOf(raw, 'filter'),
    sortBy: textOf(raw, 'sortBy'),
    sortOrder: sortOrderOf(raw),
    startIndex: Math.max(1, integerOf(raw, 'startIndex') ?? 1),
    cursor: textOf(raw, 'cursor'),
    count: nonNegative(integerOf(raw, 'count')),
    attributes: namesOf(raw, 'attributes'),
    excludedAttributes: namesOf(raw, 'excludedAttributes'),
  };
}

function textOf(raw: RawParameters, name: Parameter): string | null {
  const value = raw.get(name);
  if (value === undefined) return null;
  if (typeof value !== 'string') throw invalidValue(`The parameter "${name}" must be a string.`);
  return value;
}

function sortOrderOf(raw: RawParameters): 'ascending' | 'descending' {
  const value = textOf(raw, 'sortOrder')?.toLowerCase() ?? 'ascending';
  if (value === 'ascending' || value === 'descending') return value;
  throw invalidValue(`The parameter "sortOrder" must be "ascending" or "descending", not ${shorten(value)}.`);
}

/** Values too large for a number are as good as the largest one: the end of the list is as far. */
function integerOf(raw: RawParameters, name: Parameter): number | null {
  const value = raw.get(name);
  if (value === undefined) return null;
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
  if (!/^[+-]?\d{1,100}$/.test(text)) {
    throw invalidValue(`The parameter "${name}" must be an integer, not ${shorten(value)}.`);
  }
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(Number.MIN_SAFE_INTEGER, Number(text)));
}

function nonNegative(value: number | null): number | null {
  return value === null ? null : Math.max(0, value);
}

/** A comma-separated list, or (in a SearchRequest) an array. */
function namesOf(raw: RawParameters, name: Parameter): readonly string[] {
  const value = raw.get(name);
  if (value === undefined) return [];
  const items: readonly Json[] = Array.isArray(value) ? (value as readonly Json[]) : [value];
  const names: string[] = [];
  for (const item of items) {
    if (typeof item !== 'string') throw invalidValue(`The parameter "${name}" must be a list of attribute names.`);
    for (const part of item.split(',')) if (part.trim() !== '') names.push(part.trim());
  }
  if (names.length > 200) throw invalidValue(`The parameter "${name}" names more than 200 attributes.`);
  return names;
}
