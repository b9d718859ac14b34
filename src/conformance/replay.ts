/**
 * Replays a transcript of an identity provider (transcripts/, format v1) against a server,
 * byte for byte: paths are sent as they are written, `+` and `%20` included.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exchange } from './check.js';
import type { Expectation, Json, Received } from './expect.js';
import { judge, parse, resolve } from './expect.js';

export type Feature = 'users' | 'groups' | 'roles' | 'okta-roles';

export interface Step {
  readonly id: string;
  readonly note: string;
  readonly confidence: 'documented' | 'observed' | 'inferred';
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | null>>;
  readonly body?: Json;
  readonly rawBody?: string;
  readonly expect: Expectation;
  readonly capture?: Readonly<Record<string, string>>;
}

export interface Scenario {
  readonly formatVersion: 1;
  readonly name: string;
  readonly idp: string;
  readonly title: string;
  readonly isolation: 'fresh' | 'shared-ok';
  readonly requires: readonly Feature[];
  readonly defaultHeaders: Readonly<Record<string, string | null>>;
  readonly vars: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

export interface ReplayTarget {
  /** The SCIM base URL, without a slash at the end. */
  readonly baseUrl: string;
  readonly token: string;
  /** Default: users, groups and roles. */
  readonly features?: ReadonlySet<Feature>;
  /** Called after each step, for looking at the other side meanwhile. */
  readonly afterStep?: (step: Step, result: StepResult) => void | Promise<void>;
}

export interface StepResult {
  readonly id: string;
  readonly note: string;
  readonly confidence: Step['confidence'];
  /** Method and path as sent. */
  readonly request: string;
  readonly answer: Received;
  /** Empty: as expected. */
  readonly failures: readonly string[];
}

export interface ReplayResult {
  readonly scenario: string;
  /** The features that the server lacks; then nothing was sent. */
  readonly skipped: readonly Feature[];
  readonly steps: readonly StepResult[];
  /** Every failure as one readable line, with scenario and step. */
  readonly failures: readonly string[];
  /** All variables at the end, captured ones included. */
  readonly vars: Readonly<Record<string, string>>;
}

const FIXTURES = fileURLToPath(new URL('./transcripts/', import.meta.url));
const USUAL_FEATURES: ReadonlySet<Feature> = new Set(['users', 'groups', 'roles']);

/** The names of all transcripts. */
export function scenarioNames(): readonly string[] {
  return readdirSync(FIXTURES)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
}

export function loadScenario(name: string): Scenario {
  const scenario = JSON.parse(readFileSync(join(FIXTURES, `${name}.json`), 'utf8')) as Scenario;
  if ((scenario.formatVersion as number) !== 1) throw new Error(`${name} has an unknown format.`);
  return scenario;
}

/** Sends the steps one after another; goes on after a failure, so that one run shows all. */
export async function replay(scenario: Scenario, target: ReplayTarget): Promise<ReplayResult> {
  const features = target.features ?? USUAL_FEATURES;
  const skipped = scenario.requires.filter((feature) => !features.has(feature));
  const vars: Record<string, string> = {
    ...scenario.vars,
    baseUrl: target.baseUrl,
    token: target.token,
    authorization: `Bearer ${target.token}`,
  };
  const steps: StepResult[] = [];
  if (skipped.length === 0) {
    for (const step of scenario.steps) {
      const result = await play(scenario, step, target.baseUrl, vars);
      steps.push(result);
      await target.afterStep?.(step, result);
    }
  }
  const failures = steps.flatMap(({ id, request, note, confidence, failures: wrong }) =>
    wrong.map((what) => `${scenario.name} ${id} (${confidence}) ${request}: ${what} [${note}]`),
  );
  return { scenario: scenario.name, skipped, steps, failures, vars };
}

async function play(
  scenario: Scenario,
  step: Step,
  baseUrl: string,
  vars: Record<string, string>,
): Promise<StepResult> {
  const unresolved: string[] = [];
  const fill = (text: string, encode: (value: string) => string = String): string =>
    text.replace(/\{\{([^}]+)\}\}/g, (whole, name: string) => {
      const value = Object.hasOwn(vars, name) ? vars[name] : undefined;
      if (value === undefined) unresolved.push(`the variable ${name} has no value`);
      return value === undefined ? whole : encode(value);
    });
  const path = fill(step.path, encodeURIComponent);
  const body = step.rawBody ?? (step.body === undefined ? undefined : JSON.stringify(fillAll(step.body, fill)));
  const headers = headersOf({ ...scenario.defaultHeaders, ...step.headers }, body !== undefined, fill);
  const expectation = fillAll(step.expect as unknown as Json, fill) as unknown as Expectation;
  const answer = await exchange({ baseUrl }, step.method, path, headers, body);
  const failures = [...unresolved, ...judge(expectation, answer), ...capture(step, answer, vars)];
  const { id, note, confidence } = step;
  return { id, note, confidence, request: `${step.method} ${path}`, answer, failures };
}

/** Fills in the variables of every string, at any depth. */
function fillAll(value: Json, fill: (text: string) => string): Json {
  if (typeof value === 'string') return fill(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((element) => fillAll(element as Json, fill));
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, fillAll(part, fill)]));
}

function headersOf(
  wanted: Readonly<Record<string, string | null>>,
  hasBody: boolean,
  fill: (text: string) => string,
): Record<string, string> {
  // A step may spell a header in another case than the defaults: the last one counts.
  const byName = new Map(Object.entries(wanted).map(([name, value]) => [name.toLowerCase(), [name, value] as const]));
  if (!hasBody) byName.delete('content-type');
  const headers: Record<string, string> = {};
  for (const [name, value] of byName.values()) if (value !== null) headers[name] = fill(value);
  return headers;
}

function capture(step: Step, answer: Received, vars: Record<string, string>): string[] {
  const failures: string[] = [];
  for (const [name, pointer] of Object.entries(step.capture ?? {})) {
    const value = resolve(parse(answer.text) ?? null, pointer);
    if (typeof value === 'string' || typeof value === 'number') vars[name] = String(value);
    else
      failures.push(
        `${pointer} should give the variable ${name}, but is ${value === undefined ? 'missing' : JSON.stringify(value)}`,
      );
  }
  return failures;
}
