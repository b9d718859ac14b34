/**
 * Runs the tests on other Node versions, without installing one: the `node` package of the npm
 * registry brings the binary and its headers, SQLite is compiled against those.
 *
 *   npm run test:node-matrix [-- <major>... [--] <jest arguments>]     (default: 22 24)
 *
 * Works on a copy in a temporary folder; node_modules of the clone must be installed.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { prepare, root } from './prepare.mjs';

const args = process.argv.slice(2);
const split = args.findIndex((arg) => !/^\d+$/.test(arg));
const majors = split === 0 || args.length === 0 ? ['22', '24'] : args.slice(0, split === -1 ? args.length : split);
const jestArgs = split === -1 ? [] : args.slice(split).filter((arg, index) => !(index === 0 && arg === '--'));

function run(command, commandArgs, options) {
  const result = spawnSync(command, commandArgs, { stdio: 'inherit', ...options });
  if (result.status !== 0) throw new Error(`${command} ${commandArgs.join(' ')} ended with ${result.status}`);
}

/** The folder of a Node distribution: bin/node and include/node. */
function fetchNode(major, folder) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'package.json'), '{"private":true,"allowScripts":{"node":true}}\n');
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', `node@${major}`], { cwd: folder });
  // The package for this platform lies beside it or inside, as npm pleases.
  const found = readdirSync(path.join(folder, 'node_modules'), { recursive: true })
    .map((entry) => path.join(folder, 'node_modules', entry))
    .find((entry) => /node-[a-z]+-[a-z0-9]+$/.test(entry) && existsSync(path.join(entry, 'include/node/node.h')));
  if (found === undefined) throw new Error(`node@${major} came without headers: SQLite cannot be compiled for it`);
  return realpathSync(found);
}

/** A copy of the clone with everything that git knows or would add, and the installed packages. */
function copyClone(target) {
  mkdirSync(target, { recursive: true });
  const list = 'git ls-files -z --cached --others --exclude-standard';
  run('bash', ['-euc', `${list} | xargs -0 cp --parents -t "$1"`, 'copy', target], { cwd: root });
  // Hard links: the packages are only read, except the addon, which is unlinked before it is made anew.
  run('bash', ['-euc', 'cp -al node_modules "$1" 2>/dev/null || cp -a node_modules "$1"', 'copy', target], {
    cwd: root,
  });
  rmSync(path.join(target, 'node_modules/better-sqlite3/build'), { recursive: true, force: true });
}

function testOn(major, folder) {
  const node = fetchNode(major, path.join(folder, `node-${major}`));
  const clone = path.join(folder, `clone-${major}`);
  copyClone(clone);
  const env = {
    ...process.env,
    PATH: `${path.join(node, 'bin')}${path.delimiter}${process.env.PATH}`,
    npm_config_nodedir: node,
    npm_config_build_from_source: 'true',
  };
  // Set by npm for its children; it would bring the old Node back.
  delete env.npm_execpath;
  delete env.npm_node_execpath;
  const binary = path.join(node, 'bin/node');
  const version = spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout.trim();
  console.log(`Node ${version}: compiling SQLite, then the tests`);
  run(binary, ['scripts/test.mjs', ...jestArgs], { cwd: clone, env });
}

prepare({ build: false });
const folder = mkdtempSync(path.join(tmpdir(), 'bridge-nodes-'));
// Some tests start the bridge as another account.
chmodSync(folder, 0o755);
const outcome = [];
try {
  for (const major of majors) {
    try {
      testOn(major, folder);
      outcome.push(`Node ${major}: passed`);
    } catch (error) {
      outcome.push(`Node ${major}: FAILED (${error.message})`);
      process.exitCode = 1;
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(outcome.join('\n'));
