/**
 * Tests of `npm test` that are short there, at their full length:
 *
 *   npm run chaos       a company is pushed while a fifth of all calls goes wrong
 *                       (CHAOS_USERS, default 2000; CHAOS_SEED)
 *   npm run test:crash  kill -9 at random times (CRASH_ROUNDS, default 100; CRASH_SEED)
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import path from 'node:path';
import { prepare, root } from './prepare.mjs';

const LONG = {
  chaos: { file: 'test/reconcile/chaos.test.ts', seed: 'CHAOS_SEED', length: ['CHAOS_USERS', '2000'] },
  crash: { file: 'test/process/crash.test.ts', seed: 'CRASH_SEED', length: ['CRASH_ROUNDS', '100'] },
};

const [name = '', ...more] = process.argv.slice(2);
const { file, seed, length } = LONG[name] ?? {};
if (file === undefined) throw new Error(`say which: ${Object.keys(LONG).join(' or ')}`);
const [variable, fallback] = length;
const env = {
  ...process.env,
  [variable]: process.env[variable] ?? fallback,
  [seed]: process.env[seed] ?? String(randomInt(2 ** 31)),
};

prepare({ build: true });
process.stderr.write(`${seed}=${env[seed]} ${variable}=${env[variable]}\n`);
const jest = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js');
// Jest loads ES modules through vm, which Node still calls experimental.
const node = ['--experimental-vm-modules', '--no-warnings'];
const args = [...node, jest, '--runInBand', '--runTestsByPath', file, ...more];
const result = spawnSync(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
process.exit(result.status ?? 1);
