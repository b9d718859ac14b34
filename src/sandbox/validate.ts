/** Checks bodies and queries, and reports what is wrong in the form of FastAPI (422). */
import type { z } from 'zod';
import type { FieldProblem } from './refusal.js';
import { InvalidFields } from './refusal.js';

/** Parses a JSON body against a schema; unknown fields are ignored, as upstream does. */
export function parseBody<T>(schema: z.ZodType<T>, text: string): T {
  if (text === '') throw new InvalidFields([{ loc: ['body'], msg: 'Field required', type: 'missing' }]);
  return check(schema, parseJson(text), 'body');
}

/** Checks the query parameters, each taken once. */
export function parseQuery<T>(schema: z.ZodType<T>, query: URLSearchParams): T {
  return check(schema, Object.fromEntries(query), 'query');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const position = /position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
    throw new InvalidFields([
      { loc: ['body', position === undefined ? 0 : Number(position)], msg: 'JSON decode error', type: 'json_invalid' },
    ]);
  }
}

function check<T>(schema: z.ZodType<T>, value: unknown, where: 'body' | 'query'): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new InvalidFields(result.error.issues.map((issue) => toProblem(issue, value, where)));
}

function toProblem(issue: z.core.$ZodIssue, value: unknown, where: string): FieldProblem {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  const loc = [where, ...path];
  if (path.length > 0 && lookUp(value, path) === undefined) return { loc, msg: 'Field required', type: 'missing' };
  switch (issue.code) {
    case 'invalid_type':
      return path.length === 0
        ? { loc, msg: 'Input should be a valid dictionary', type: 'model_attributes_type' }
        : { loc, msg: `Input should be a valid ${issue.expected}`, type: `${issue.expected}_type` };
    case 'invalid_value':
      return {
        loc,
        msg: `Input should be ${issue.values.map((allowed) => `'${String(allowed)}'`).join(', ')}`,
        type: 'enum',
      };
    case 'too_small':
      return { loc, msg: `Input should be greater than or equal to ${issue.minimum}`, type: 'greater_than_equal' };
    case 'too_big':
      return { loc, msg: `Input should be less than or equal to ${issue.maximum}`, type: 'less_than_equal' };
    default:
      return { loc, msg: issue.message, type: 'value_error' };
  }
}

function lookUp(value: unknown, path: readonly (string | number)[]): unknown {
  let current = value;
  for (const part of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Readonly<Record<string | number, unknown>>)[part];
  }
  return current;
}
