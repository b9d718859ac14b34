/**
 * Makes a clone ready, from nothing: packages installed, SQLite compiled for this Node, and (with
 * `build`) dist/ compiled from the present sources. Does only what is missing, says one line per
 * step, and uses nothing but Node itself, because it runs before anything is installed.
 *
 *   node scripts/prepare.mjs [build]
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const inRoot = (...parts) => path.join(root, ...parts);
const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));
const say = (line) => process.stderr.write(`${line}\n`);

/** A step failed; the message is all the user needs. */
export class PrepareError extends Error {}

/** Runs a program quietly; its output appears only if it fails. */
function run(command, args, hint, env = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A shell only where npm is a .cmd file.
    shell: command === 'npm' && process.platform === 'win32',
  });
  if (result.status === 0) return;
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`.trim().split('\n').slice(-40).join('\n');
  throw new PrepareError(`${output}\n${result.error ? `${String(result.error)}\n` : ''}${hint}`);
}

/** npm without audit, funding and deprecation notes: none of them is about running the bridge. */
function npm(args, hint, env) {
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  const script = process.env.npm_execpath;
  // npm tells its children where it is; another package manager may do so too.
  if (script && /npm-cli\.js$/.test(script)) run(process.execPath, [script, ...args, ...quiet], hint, env);
  else run('npm', [...args, ...quiet], hint, env);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new PrepareError(`Node ${process.versions.node} is too old: Node 20.19 or later is needed.`);
}

/** Whether node_modules holds exactly what package-lock.json asks for on this platform. */
export function packagesInstalled(directory = root) {
  const record = path.join(directory, 'node_modules', '.package-lock.json');
  // npm writes this record last, when every package is unpacked and built.
  if (!existsSync(record)) return false;
  const wanted = readJson(path.join(directory, 'package-lock.json')).packages;
  const found = readJson(record).packages;
  return Object.entries(wanted).every(([location, entry]) => {
    if (location === '') return true;
    if (found[location] === undefined) return entry.optional === true;
    return found[location].version === entry.version && found[location].integrity === entry.integrity;
  });
}

/** Packages whose install scripts may run. */
function allowedScripts() {
  return Object.entries(readJson(inRoot('package.json')).allowScripts).flatMap(([name, allowed]) =>
    allowed ? [name] : [],
  );
}

/** Whether SQLite's addon removes cleanup hooks, which may end the process: see sqlite-object-wrap.h. */
export function removesCleanupHooks(addon = inRoot('node_modules/better-sqlite3/build/Release/better_sqlite3.node')) {
  return existsSync(addon) && readFileSync(addon).includes('RemoveEnvironmentCleanupHook');
}

/** Opens a database in memory, as the bridge would: the addon may be missing or built for another Node. */
function sqliteWorks() {
  if (removesCleanupHooks()) return false;
  const script = `new (require('better-sqlite3'))(':memory:').close()`;
  return spawnSync(process.execPath, ['-e', script], { cwd: root, stdio: 'ignore' }).status === 0;
}

const compilerHint =
  'SQLite is compiled during the installation. If that failed, install Python 3, make and a C++ compiler ' +
  '(Debian and Ubuntu: apt-get install python3 make g++; macOS: xcode-select --install) and try again.';

function install() {
  if (!packagesInstalled()) {
    say('Installing packages (first start only) ...');
    // What a package wants to run here is somebody else's code: only those that need it may, below.
    npm(['ci', '--ignore-scripts'], 'The packages could not be installed.');
  }
  if (!sqliteWorks()) compileSqlite();
  // What was fetched ready-made may be of no use; then it has to be compiled here.
  if (!sqliteWorks()) compileSqlite({ npm_config_build_from_source: 'true' });
  if (!sqliteWorks()) throw new PrepareError(`SQLite was compiled but does not work. ${compilerHint}`);
}

function compileSqlite(env = {}) {
  say(`Compiling SQLite for Node ${process.versions.node} (takes some minutes) ...`);
  const flags = `${process.env.CXXFLAGS ?? ''} -include "${inRoot('scripts', 'sqlite-object-wrap.h')}"`;
  const rebuild = ['rebuild', '--ignore-scripts=false', ...allowedScripts()];
  npm(rebuild, `SQLite could not be compiled. ${compilerHint}`, { CXXFLAGS: flags, ...env });
}

function filesBelow(directory) {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

/** Hash of all that the build depends on. */
function sourceHash() {
  const hash = createHash('sha256');
  for (const file of [...filesBelow(inRoot('src')), inRoot('tsconfig.json'), inRoot('package-lock.json')]) {
    hash.update(path.relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

function build() {
  const stamp = inRoot('dist', '.sources');
  const hash = sourceHash();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  say('Building ...');
  // Into a folder of its own, so that a failed or interrupted build leaves the last one whole.
  const fresh = inRoot(`dist.${process.pid}.tmp`);
  try {
    const tsc = inRoot('node_modules', 'typescript', 'bin', 'tsc');
    run(process.execPath, [tsc, '--outDir', fresh], 'The build failed.');
    for (const file of filesBelow(inRoot('src'))) {
      if (!file.endsWith('.ts')) cpSync(file, path.join(fresh, path.relative(inRoot('src'), file)));
    }
    // The bin of the package: without npm in between (container, clone) nobody else makes it executable.
    chmodSync(path.join(fresh, 'main.js'), 0o755);
    writeFileSync(path.join(fresh, '.sources'), hash);
    replaceFolder(inRoot('dist'), fresh);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Moves are whole: of two builds at once, neither removes files that the other has put there. */
function replaceFolder(target, fresh) {
  const former = `${fresh.slice(0, -'.tmp'.length)}.old.tmp`;
  try {
    if (existsSync(target)) renameSync(target, former);
    renameSync(fresh, target);
  } catch (error) {
    // Another build was faster, from the same sources.
    if (error.code !== 'ENOENT' && error.code !== 'ENOTEMPTY') throw error;
  } finally {
    rmSync(former, { recursive: true, force: true });
  }
}

/** Brings the clone up to date; exits with 1 and a plain message where that fails. */
export function prepare(options) {
  try {
    checkNode();
    install();
    if (options.build) build();
  } catch (error) {
    if (!(error instanceof PrepareError)) throw error;
    say(error.message);
    process.exit(1);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) prepare({ build: process.argv[2] === 'build' });
