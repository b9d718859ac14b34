/**
 * `npm run fuzz [-- <jest arguments>]`: the property tests and the hostile requests of `npm test`,
 * from another seed and for longer. Environment:
 *
 *   FUZZ_SECONDS  for hostile requests over HTTP (default 300)
 *   FUZZ_FACTOR   how many times the usual number of runs of every other property (default 20)
 *   FUZZ_SEED     to come back to a failure: the seed that the failed run began with
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { prepare, root } from './prepare.mjs';

const env = {
  ...process.env,
  FUZZ_SECONDS: process.env.FUZZ_SECONDS ?? '300',
  FUZZ_FACTOR: process.env.FUZZ_FACTOR ?? '20',
  FUZZ_SEED: process.env.FUZZ_SEED ?? String(randomInt(2 ** 31)),
};

/** Every test whose runs and seed are those of test/support/property.ts. */
const files = readdirSync(path.join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => path.join('test', file))
  .filter((file) => readFileSync(path.join(root, file), 'utf8').includes('/support/property.js'));

prepare({ build: false });
process.stderr.write(`FUZZ_SEED=${env.FUZZ_SEED} FUZZ_SECONDS=${env.FUZZ_SECONDS} FUZZ_FACTOR=${env.FUZZ_FACTOR}\n`);
const jest = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js');
// Jest loads ES modules through vm, which Node still calls experimental.
const node = ['--experimental-vm-modules', '--no-warnings'];
const patient = `--testTimeout=${String((Number(env.FUZZ_SECONDS) + 600) * 1000)}`;
// One at a time: the time of each request is bounded, and the next test would take it from it.
const args = [...node, jest, '--runInBand', patient, '--runTestsByPath', ...files, ...process.argv.slice(2)];
const result = spawnSync(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
process.exit(result.status ?? 1);
