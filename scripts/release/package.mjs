/**
 * The npm package: the built bridge with every package it needs inside, in the versions of the lock
 * file, and SQLite's addon ready-made. Installing it asks no registry and needs no compiler where an
 * addon for the platform and the Node ABI is inside; elsewhere `scripts/sqlite-addon.mjs` compiles.
 *
 * `npm pack` runs in a staging folder, because the manifest differs from that of the clone: no
 * development, and a bundled better-sqlite3 whose own install script does not run.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { removesCleanupHooks } from '../prepare.mjs';

const SQLITE = 'node_modules/better-sqlite3';
const SDK = 'node_modules/@elevenlabs/elevenlabs-js';

/** What is in the root of the package beside `dist`, `migrations` and the packages. */
const FILES = ['LICENSE', 'README.md', 'CHANGELOG.md', 'SECURITY.md'];
const SCRIPTS = ['scripts/sqlite-addon.mjs', 'scripts/sqlite-object-wrap.h'];

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));
const writeJson = (file, value) => writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);

/** The name of the folder in which `bindings` looks for an addon of this Node and platform. */
export const addonFolder = () => `node-v${process.versions.modules}-${process.platform}-${process.arch}`;

/** Copies the addon that was compiled in the clone to `<addons>/<its folder>`; answers the file. */
export function collectAddon(root, addons) {
  const compiled = path.join(root, SQLITE, 'build/Release/better_sqlite3.node');
  if (!existsSync(compiled)) throw new Error('SQLite is not compiled in this clone: run node scripts/prepare.mjs.');
  if (removesCleanupHooks(compiled)) throw new Error("SQLite's addon was not compiled by scripts/prepare.mjs.");
  const target = path.join(addons, addonFolder(), 'better_sqlite3.node');
  mkdirSync(path.dirname(target), { recursive: true });
  cpSync(compiled, target);
  return target;
}

/** Packages of the product, as locations in node_modules, from the lock file. */
function shippedPackages(root) {
  const { packages } = readJson(path.join(root, 'package-lock.json'));
  return Object.entries(packages).flatMap(([location, entry]) => {
    if (location === '' || entry.dev === true) return [];
    if (existsSync(path.join(root, location))) return [location];
    if (entry.optional === true) return [];
    throw new Error(`${location} is not installed: run node scripts/prepare.mjs.`);
  });
}

/** Types, maps and texts help nobody at run time; the SDK carries everything twice. */
function isShipped(root, file) {
  const name = path.relative(root, file).split(path.sep).join('/');
  if (name === `${SDK}/dist` || name === `${SQLITE}/build`) return false;
  return !/\.(d\.[cm]?ts|map)$/.test(name);
}

function copyPackages(root, stage) {
  // A package in another one's node_modules comes with its own entry in the lock.
  for (const location of shippedPackages(root)) {
    const from = path.join(root, location);
    const nested = path.join(from, 'node_modules');
    cpSync(from, path.join(stage, location), {
      recursive: true,
      filter: (file) => file !== nested && isShipped(root, file),
    });
  }
}

/** better-sqlite3 with the addons where `bindings` looks last, after one compiled on the spot. */
function prepareSqlite(stage, addons) {
  const manifest = path.join(stage, SQLITE, 'package.json');
  // Without `gypfile: false` npm compiles whatever has a binding.gyp; without scripts nothing is fetched.
  writeJson(manifest, { ...readJson(manifest), scripts: {}, gypfile: false });
  for (const folder of readdirSync(addons)) {
    if (!/^node-v\d+-\w+-\w+$/.test(folder)) throw new Error(`${folder} in ${addons} is no folder of an addon.`);
    cpSync(path.join(addons, folder), path.join(stage, SQLITE, 'lib/binding', folder), { recursive: true });
  }
}

/** The manifest of the package: what those who install it need of ours. */
export function packageManifest(manifest) {
  const { name, version, description, license, type, engines, bin, dependencies } = manifest;
  return {
    ...{ name, version, description, license, type, engines, bin, dependencies },
    bundleDependencies: Object.keys(dependencies),
    files: ['dist', '!dist/.sources', 'migrations', ...SCRIPTS],
    scripts: { postinstall: 'node scripts/sqlite-addon.mjs' },
  };
}

/** Makes `<out>/<name>-<version>.tgz` of a built clone; answers the file. */
export function makePackage({ root, addons, out }) {
  const stage = mkdtempSync(path.join(tmpdir(), 'bridge-package-'));
  try {
    const manifest = readJson(path.join(root, 'package.json'));
    copyPackages(root, stage);
    prepareSqlite(stage, addons);
    writeJson(path.join(stage, 'package.json'), packageManifest(manifest));
    for (const entry of [...FILES, ...SCRIPTS, 'dist', 'migrations']) {
      cpSync(path.join(root, entry), path.join(stage, entry), { recursive: true });
    }
    mkdirSync(out, { recursive: true });
    const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', path.resolve(out)];
    const packed = spawnSync('npm', args, { cwd: stage, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
    if (packed.status !== 0) throw new Error(`npm pack failed:\n${packed.stderr}`);
    return path.join(out, packed.stdout.trim().split('\n').at(-1));
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}
