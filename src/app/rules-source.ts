/** The rules in force: configuration and mapping file. A broken file stops a start, never a running bridge. */
import { readFileSync } from 'node:fs';
import type { Config } from '../config.js';
import { buildRules, describeProblem, parseMapping, type Mapping } from '../domain/mapping-file.js';
import type { Rules } from '../domain/rules.js';
import { EXIT, StartError } from '../errors.js';

export function loadRules(config: Config): Rules {
  return buildRules(config, config.mappingFile === null ? null : readMapping(config.mappingFile));
}

function readMapping(file: string): Mapping {
  const parsed = parseMapping(readFileSync(file, 'utf8'));
  if (parsed.ok) return parsed.mapping;
  const problems = parsed.problems.map((problem) => `  - ${describeProblem(file, problem)}`);
  throw new StartError(EXIT.config, [`The mapping file has problems:`, ...problems].join('\n'));
}
