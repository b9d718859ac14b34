/** Runs every check against a server: RFC requirements, shapes of dialects, transcripts of identity providers. */
import { CORE_CHECKS } from './checks-core.js';
import { DIALECT_CHECKS } from './checks-dialects.js';
import { WRITE_CHECKS } from './checks-writes.js';
import {
  clip,
  ENTERPRISE,
  exchange,
  runCheck,
  type AnyJson,
  type Check,
  type Exchange,
  type Feature,
  type Result,
  type Target,
} from './check.js';
import { loadScenario, replay, scenarioNames, type Feature as TranscriptFeature, type Scenario } from './replay.js';

export const CHECKS: readonly Check[] = [...CORE_CHECKS, ...WRITE_CHECKS, ...DIALECT_CHECKS];

/** A server to be checked. */
export interface Bench {
  readonly target: Target;
  /** An empty server of its own, for transcripts that need one; null: there is only this one. */
  readonly fresh: (<T>(work: (target: Target) => Promise<T>) => Promise<T>) | null;
  /** In the names of throw-away objects: told apart from those of every other run. */
  readonly mark: string;
  readonly onResult: (result: Result) => void;
}

export async function runAll(bench: Bench): Promise<readonly Result[]> {
  const results: Result[] = [];
  const add = (result: Result): void => {
    results.push(result);
    bench.onResult(result);
  };
  const { features, transcripts } = await featuresOf(bench.target);
  for (const [index, check] of CHECKS.entries()) {
    const missing = (check.needs ?? []).filter((feature) => !features.has(feature));
    if (missing.length > 0) add(skipped(check, `the server does not announce ${missing.join(', ')}`));
    else add(await runCheck(check, bench.target, `${bench.mark}-${String(index)}`));
  }
  for (const name of scenarioNames()) add(await playTranscript(loadScenario(name), bench, transcripts));
  return results;
}

function skipped(
  { group, section, requirement }: Pick<Check, 'group' | 'section' | 'requirement'>,
  reason: string,
): Result {
  return { group, section, requirement, outcome: 'skipped', reason, exchanges: [] };
}

async function playTranscript(
  scenario: Scenario,
  { target, fresh }: Bench,
  features: ReadonlySet<TranscriptFeature>,
): Promise<Result> {
  const row = {
    group: 'transcript',
    section: scenario.idp,
    requirement: `${scenario.name}: ${scenario.title}`,
  } as const;
  if (scenario.isolation === 'fresh' && fresh === null) return skipped(row, 'it needs an empty server of its own');
  const play = async (on: Target): Promise<Result> => {
    const exchanges: Exchange[] = [];
    const created: string[] = [];
    const result = await replay(scenario, {
      ...on,
      features,
      afterStep: ({ body, rawBody }, { request, answer }) => {
        const sent = rawBody ?? (body === undefined ? null : JSON.stringify(body));
        exchanges.push({
          request,
          sent: sent === null ? null : clip(sent),
          status: answer.status,
          answer: clip(answer.text),
        });
        const collection = /^POST \/(Users|Groups)$/.exec(request)?.[1];
        const id = answer.status === 201 ? /"id":\s*"([^"]+)"/.exec(answer.text)?.[1] : undefined;
        if (collection !== undefined && id !== undefined) created.push(`/${collection}/${encodeURIComponent(id)}`);
      },
    });
    if (result.skipped.length > 0) return skipped(row, `the server does not announce ${result.skipped.join(', ')}`);
    // What it left behind would be in the way of the next one.
    if (fresh === null)
      for (const path of created.reverse())
        await exchange(on, 'DELETE', path, { Authorization: `Bearer ${on.token}` }, undefined).catch(() => undefined);
    const isFine = result.failures.length === 0;
    return { ...row, outcome: isFine ? 'pass' : 'fail', reason: isFine ? null : result.failures.join('\n'), exchanges };
  };
  try {
    return await (fresh === null ? play(target) : fresh(play));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ...row, outcome: 'fail', reason, exchanges: [] };
  }
}

interface Features {
  readonly features: ReadonlySet<Feature>;
  readonly transcripts: ReadonlySet<TranscriptFeature>;
}

/** What the server announces. A server without discovery is taken for one that has everything that it need not announce. */
async function featuresOf(target: Target): Promise<Features> {
  const read = async (path: string): Promise<AnyJson> => {
    const headers = { Authorization: `Bearer ${target.token}`, Accept: 'application/scim+json' };
    const { status, text } = await exchange(target, 'GET', path, headers, undefined);
    try {
      return status === 200 ? (JSON.parse(text) as unknown) : {};
    } catch {
      return {};
    }
  };
  const [config, types, schemas] = [
    await read('/ServiceProviderConfig'),
    await read('/ResourceTypes'),
    await read('/Schemas'),
  ];
  const names = (types.Resources ?? []).map((type: AnyJson) => type.name as string);
  const isThere = (name: string): boolean => config[name]?.supported === true;
  const has: readonly (readonly [Feature, boolean])[] = [
    ...(['patch', 'bulk', 'filter', 'sort', 'etag'] as const).map((name) => [name, isThere(name)] as const),
    ['cursor', config.pagination?.cursor === true],
    ['groups', names.includes('Group')],
    ['enterprise', (schemas.Resources ?? []).some((schema: AnyJson) => schema.id === ENTERPRISE)],
  ];
  const features = new Set(has.filter(([, announced]) => announced).map(([name]) => name));
  const user = (schemas.Resources ?? []).find((schema: AnyJson) => schema.name === 'User');
  const hasRoles = (user?.attributes ?? []).some((attribute: AnyJson) => attribute.name === 'roles');
  const transcripts = new Set<TranscriptFeature>(['users']);
  if (features.has('groups')) transcripts.add('groups');
  if (hasRoles) transcripts.add('roles');
  if (names.includes('Role')) transcripts.add('okta-roles');
  return { features, transcripts };
}
