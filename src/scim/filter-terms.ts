/**
 * Which operators and values an attribute can be compared with (RFC 7644 3.4.2.2, table 3), and
 * the tolerated forms: "True" for true (Entra sends `primary eq "True"`), any case of `null`.
 */
import type { AttributePath, CompareOp, Filter, FilterValue } from '../domain/filter.js';
import { findSub } from '../domain/attribute-lookup.js';
import { parseInstant } from '../domain/instant.js';
import type { AttributeType } from '../domain/schema.js';
import { SyntaxProblem, type Token } from './filter-tokens.js';

const EQUALITY: readonly CompareOp[] = ['eq', 'ne'];
const ORDER: readonly CompareOp[] = ['gt', 'ge', 'lt', 'le'];
const PARTS: readonly CompareOp[] = ['co', 'sw', 'ew'];

const OPERATORS: Readonly<Record<AttributeType, readonly CompareOp[]>> = {
  string: [...EQUALITY, ...PARTS, ...ORDER],
  reference: [...EQUALITY, ...PARTS, ...ORDER],
  binary: [...EQUALITY, ...PARTS],
  boolean: EQUALITY,
  integer: [...EQUALITY, ...ORDER],
  decimal: [...EQUALITY, ...ORDER],
  dateTime: [...EQUALITY, ...ORDER],
  complex: [],
};

const ALL: ReadonlySet<string> = new Set([...EQUALITY, ...PARTS, ...ORDER]);
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

/** The operator that a word names, in any case. */
export function compareOp(word: string): CompareOp | null {
  const lower = word.toLowerCase();
  return ALL.has(lower) ? (lower as CompareOp) : null;
}

/** `emails eq "x"` and `manager eq "x"` mean the sub-attribute `value` (RFC 7643 2.4). */
export function comparable(path: AttributePath): AttributePath {
  return path.attributes.at(-1)?.type === 'complex' ? (findSub(path, 'value') ?? path) : path;
}

/** Builds `path op value` or says why it cannot be. */
export function compareTerm(path: AttributePath, op: CompareOp, opAt: number, literal: Token): Filter {
  const target = comparable(path);
  const attribute = target.attributes.at(-1);
  const name = target.attributes.map((step) => step.name).join('.');
  if (attribute === undefined || attribute.type === 'complex') {
    throw new SyntaxProblem(opAt, `${name} is complex: compare one of its sub-attributes, or use pr`);
  }
  const value = literalValue(literal, attribute.type, name);
  const allowed = value === null ? EQUALITY : OPERATORS[attribute.type];
  if (!allowed.includes(op)) {
    const what = value === null ? 'null' : `the ${attribute.type} ${name}`;
    throw new SyntaxProblem(opAt, `${op} cannot be used with ${what}; possible: ${allowed.join(', ')}`);
  }
  return { kind: 'compare', path: target, op, value };
}

function literalValue(token: Token, type: AttributeType, name: string): FilterValue {
  if (token.kind === 'word' && token.text.toLowerCase() === 'null') return null;
  switch (type) {
    case 'boolean': {
      const word = (token.kind === 'string' ? token.value : token.text).toLowerCase();
      if (word === 'true' || word === 'false') return word === 'true';
      throw new SyntaxProblem(token.at, `${name} is a boolean: compare with true or false`);
    }
    case 'integer':
    case 'decimal': {
      const number = token.kind === 'word' && NUMBER.test(token.text) ? Number(token.text) : NaN;
      if (Number.isFinite(number)) return number;
      throw new SyntaxProblem(token.at, `${name} is a number: compare with a number, without quotes`);
    }
    case 'dateTime':
      if (token.kind === 'string' && parseInstant(token.value) !== null) return token.value;
      throw new SyntaxProblem(token.at, `${name} is a dateTime: compare with a string like "2026-01-31T00:00:00Z"`);
    case 'string':
    case 'reference':
    case 'binary':
    case 'complex':
      if (token.kind === 'string') return token.value;
      throw new SyntaxProblem(token.at, `${name} is a string: put the value in double quotes`);
  }
}
