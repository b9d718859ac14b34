/** The expectations of the IdP transcripts (transcripts/README.md, format v1). */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

export interface PointerExpectation {
  readonly pointer: string;
  readonly op: string;
  readonly value?: Json;
}

export interface Expectation {
  readonly status: number | readonly number[];
  readonly headers?: Readonly<Record<string, { readonly startsWith?: readonly string[]; readonly present?: true }>>;
  readonly jsonPointers?: readonly PointerExpectation[];
  readonly bodyContains?: readonly string[];
  readonly bodyNotContains?: readonly string[];
  readonly emptyBody?: true;
}

export interface Received {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
}

/** Everything about an answer that is not as expected, one sentence each. */
export function judge(expect: Expectation, answer: Received): string[] {
  const failures = [...judgeStatus(expect.status, answer), ...judgeHeaders(expect.headers ?? {}, answer)];
  if (expect.emptyBody === true && answer.text !== '') failures.push(`the body should be empty but is ${answer.text}`);
  for (const part of expect.bodyContains ?? []) {
    if (!answer.text.includes(part)) failures.push(`the body should contain ${JSON.stringify(part)}: ${answer.text}`);
  }
  for (const part of expect.bodyNotContains ?? []) {
    if (answer.text.includes(part))
      failures.push(`the body should not contain ${JSON.stringify(part)}: ${answer.text}`);
  }
  return [...failures, ...judgePointers(expect.jsonPointers ?? [], answer)];
}

function judgeStatus(expected: Expectation['status'], answer: Received): string[] {
  const allowed = typeof expected === 'number' ? [expected] : expected;
  if (allowed.includes(answer.status)) return [];
  return [`status ${answer.status}, expected ${allowed.join(' or ')}: ${answer.text}`];
}

function judgeHeaders(expected: NonNullable<Expectation['headers']>, answer: Received): string[] {
  const failures: string[] = [];
  for (const [name, { startsWith }] of Object.entries(expected)) {
    const value = answer.headers[name.toLowerCase()];
    if (value === undefined) failures.push(`header ${name} is missing`);
    else if (startsWith?.some((start) => value.toLowerCase().startsWith(start.toLowerCase())) === false) {
      failures.push(`header ${name} is ${value}, expected to start with ${startsWith.join(' or ')}`);
    }
  }
  return failures;
}

function judgePointers(expected: readonly PointerExpectation[], answer: Received): string[] {
  if (answer.status === 204 || expected.length === 0) return [];
  const body = parse(answer.text);
  if (body === undefined) return [`the body is no JSON: ${answer.text}`];
  return expected.flatMap((expectation) => {
    const { pointer, op, value } = expectation;
    const actual = resolve(body, pointer);
    if (holds(op, actual, value)) return [];
    return [`${pointer} ${op}${value === undefined ? '' : ` ${JSON.stringify(value)}`}, but it is ${show(actual)}`];
  });
}

export function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** RFC 6901. */
export function resolve(document: Json, pointer: string): Json | undefined {
  let current: Json | undefined = document;
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined;
    current = (current as Readonly<Record<string, Json>>)[key];
  }
  return current;
}

function holds(op: string, actual: Json | undefined, value: Json | undefined): boolean {
  switch (op) {
    case 'equals':
      return equal(actual, value);
    case 'notEquals':
      return !equal(actual, value);
    case 'equalsIgnoreCase':
      return typeof actual === 'string' && typeof value === 'string' && actual.toLowerCase() === value.toLowerCase();
    case 'exists':
      return actual !== undefined && actual !== null;
    case 'absent':
      return actual === undefined || actual === null;
    case 'nonEmpty':
      return !isEmpty(actual);
    case 'empty':
      return isEmpty(actual);
    case 'type':
      return typeof value === 'string' && typesOf(actual).includes(value);
    case 'length':
      return Array.isArray(actual) && actual.length === value;
    case 'lengthAtLeast':
      return Array.isArray(actual) && actual.length >= Number(value);
    case 'atLeast':
      return typeof actual === 'number' && actual >= Number(value);
    case 'oneOf':
      return Array.isArray(value) && value.some((candidate) => equal(actual, candidate as Json));
    case 'arrayContains':
      return Array.isArray(actual) && actual.some((element) => includes(element as Json, value));
    case 'arrayNotContains':
      return !(Array.isArray(actual) && actual.some((element) => includes(element as Json, value)));
    case 'startsWith':
      return typeof actual === 'string' && typeof value === 'string' && actual.startsWith(value);
    case 'matches':
      return typeof actual === 'string' && typeof value === 'string' && new RegExp(value).test(actual);
    default:
      throw new Error(`The format has no operator ${op}.`);
  }
}

function isEmpty(value: Json | undefined): boolean {
  if (value === undefined || value === null || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function typesOf(value: Json | undefined): readonly string[] {
  if (value === null) return ['null'];
  if (Array.isArray(value)) return ['array'];
  return typeof value === 'number' && Number.isInteger(value) ? ['number', 'integer'] : [typeof value];
}

/** An element is found if it equals the value or, for an object, has at least its members. */
function includes(element: Json, value: Json | undefined): boolean {
  if (equal(element, value)) return true;
  if (!isObject(element) || !isObject(value)) return false;
  return Object.entries(value).every(([key, part]) => Object.hasOwn(element, key) && equal(element[key], part));
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function equal(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const keys = Object.keys(left);
  const [a, b] = [left, right] as unknown as readonly Readonly<Record<string, Json>>[];
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && equal(a?.[key], b?.[key]))
  );
}

function show(value: Json | undefined): string {
  return value === undefined ? 'missing' : JSON.stringify(value);
}
