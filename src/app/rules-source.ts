/** The rules in force: configuration and mapping file. A broken file stops a start, never a running bridge. */
import { createHash } from 'node:crypto';
import type { Config } from '../config.js';
import { buildRules, type Mapping } from '../domain/mapping-file.js';
import type { Rules } from '../domain/rules.js';
import { EXIT, StartError } from '../errors.js';
import { loadMapping } from '../mapping-loader.js';

export interface RulesSource {
  readonly current: () => Rules;
  /** Reads the mapping file again. Where it has problems they are answered, and the old rules stay in force. */
  readonly reload: () => readonly string[];
}

export function createRulesSource(config: Config): RulesSource {
  let rules = loadRules(config);
  return {
    current: () => rules,
    reload() {
      if (config.mappingFile === null) return [];
      const loaded = loadMapping(config.mappingFile);
      if (!loaded.ok) return loaded.problems;
      rules = buildRules(config, loaded.mapping);
      return [];
    },
  };
}

export function loadRules(config: Config): Rules {
  return buildRules(config, config.mappingFile === null ? null : readMapping(config.mappingFile));
}

function readMapping(file: string): Mapping {
  const loaded = loadMapping(file);
  if (loaded.ok) return loaded.mapping;
  const problems = loaded.problems.map((problem) => `  - ${problem}`);
  throw new StartError(EXIT.config, [`The mapping file has problems:`, ...problems].join('\n'));
}

/** Equal for rules that say the same, in whatever order they were written. */
export function fingerprintOf(rules: Rules): string {
  return createHash('sha256').update(JSON.stringify(rules, canonical)).digest('hex');
}

function canonical(_key: string, value: unknown): unknown {
  if (value instanceof Map) return [...(value as ReadonlyMap<string, unknown>)].sort(byText);
  if (value instanceof Set) return [...(value as ReadonlySet<string>)].sort(byText);
  return value;
}

const byText = (a: unknown, b: unknown): number => {
  const [left, right] = [String(a), String(b)];
  return left < right ? -1 : left > right ? 1 : 0;
};
