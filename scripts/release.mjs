/**
 * A release, step by step. `--dry-run` with any command prints what it would run, and changes nothing.
 *
 *   npm run release -- version <patch|minor|major|1.2.3>   version, changelog, commit and tag
 *   npm run release -- addon                               SQLite's addon for this platform and Node, into release/addons/
 *   npm run release -- pack                                the npm package alone, of the clone as it is, into release/
 *   npm run release -- build                               package, chart, manifests, SBOM, provenance, checksums
 *   npm run release -- image [--push]                      the image, from base images pinned by digest; needs Docker
 *   npm run release -- publish                             sends what was built to the places in the settings
 *
 * The places are in scripts/release-settings.json (or the file in RELEASE_SETTINGS); one that is null is skipped.
 * Addons of other platforms and Node versions are collected by running `addon` there, and copying its folder.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { prepare, root } from './prepare.mjs';
import { fetchPrograms } from './kubernetes/programs.mjs';
import { baseImages, buildCommand, pinImage } from './release/image.mjs';
import { addonFolder, collectAddon, makePackage } from './release/package.mjs';
import { describeArtifacts } from './release/provenance.mjs';
import { changesOf, currentVersion, nextVersion, versionProblems, writeVersion } from './release/versions.mjs';

const args = process.argv.slice(2).filter((arg) => arg !== '--');
const dryRun = args.includes('--dry-run');
const [command, wanted] = args.filter((arg) => !arg.startsWith('--'));
const settingsFile = process.env.RELEASE_SETTINGS ?? path.join(root, 'scripts/release-settings.json');
const settings = JSON.parse(readFileSync(settingsFile, 'utf8'));
const addons = path.join(root, 'release/addons');

const say = (line) => console.log(line);
const now = () => new Date().toISOString();
const isoSeconds = () => now().replace(/\.\d+Z$/, 'Z');

/** What a program prints; null where it is not there or fails. */
function ask(program, words) {
  const { status, stdout } = spawnSync(program, words, { cwd: root, encoding: 'utf8' });
  return status === 0 ? stdout : null;
}

/** Runs a program that changes something, or says that it would. */
function run([program, ...words]) {
  say(`${dryRun ? 'would run: ' : '+ '}${[program, ...words].join(' ')}`);
  if (dryRun) return;
  const { status } = spawnSync(program, words, { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${program} ${words[0]} ended with ${status}.`);
}

function commitAtHand() {
  const commit = ask('git', ['rev-parse', 'HEAD'])?.trim();
  if (commit === undefined) throw new Error('This is no git clone.');
  return commit;
}

function checkClean() {
  const changes = ask('git', ['status', '--porcelain']);
  if (changes !== '') throw new Error('The clone has changes that are not committed: commit or remove them first.');
}

/** A release is made of the commit that has its tag. */
function checkTagged() {
  checkClean();
  const version = currentVersion(root);
  const problems = versionProblems(root);
  if (problems.length > 0) throw new Error(`These files do not have the version ${version}: ${problems.join(', ')}.`);
  const tagged = ask('git', ['rev-parse', '--verify', '--quiet', `v${version}^{commit}`])?.trim();
  if (tagged !== commitAtHand())
    throw new Error(`This commit has no tag v${version}: run \`release version\`, or check the tag out.`);
  return version;
}

function releaseVersion() {
  checkClean();
  const version = nextVersion(currentVersion(root), wanted);
  if (ask('git', ['tag', '--list', `v${version}`])?.trim()) throw new Error(`There is a tag v${version} already.`);
  if (dryRun) say(`would write ${version} to package.json, package-lock.json, deploy/helm/Chart.yaml and CHANGELOG.md`);
  else {
    writeVersion(root, version, now().slice(0, 10));
    // The plain manifests name the version of the image, and are made from the chart.
    run([process.execPath, 'scripts/generate-manifests.mjs']);
  }
  run(['git', 'commit', '--all', '--message', `Release ${version}`]);
  run(['git', 'tag', '--annotate', `v${version}`, '--message', `Release ${version}`]);
}

function releaseAddon() {
  if (dryRun) say(`would write release/addons/${addonFolder()}/better_sqlite3.node`);
  else say(`${path.relative(root, collectAddon(root, addons))} written.`);
}

/** The package of the clone as it is, to try it. */
function releasePack() {
  if (dryRun) {
    say('would write the package into release/');
    return;
  }
  prepare({ build: true });
  collectAddon(root, addons);
  say(path.relative(root, makePackage({ root, addons, out: path.join(root, 'release') })));
}

function releaseBuild() {
  const startedAt = now();
  const version = checkTagged();
  const out = path.join(root, 'release', version);
  if (dryRun) {
    say(`would build into release/${version}: package, chart, manifests, notes, sbom.cdx.json, provenance, SHA256SUMS`);
    return;
  }
  prepare({ build: true });
  collectAddon(root, addons);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  say(`Addons inside: ${readdirSync(addons).join(', ')}`);
  const archive = `elevenlabs-scim-bridge-${version}.tgz`;
  const { helm } = fetchPrograms();
  if (ask(helm, ['package', 'deploy/helm', '--destination', out]) === null) throw new Error('helm package failed.');
  // Of the same name as the package of npm.
  renameSync(path.join(out, archive), path.join(out, `chart-${archive}`));
  makePackage({ root, addons, out });
  cpSync(path.join(root, 'deploy/kubernetes/bridge.yaml'), path.join(out, 'kubernetes.yaml'));
  writeFileSync(
    path.join(out, 'NOTES.md'),
    `${changesOf(readFileSync(path.join(root, 'CHANGELOG.md'), 'utf8'), version)}\n`,
  );
  writeFileSync(path.join(out, 'sbom.cdx.json'), ask(process.execPath, ['scripts/sbom.mjs']));
  const about = { root, out, version, commit: commitAtHand(), builder: settings.builder };
  for (const file of describeArtifacts({ ...about, startedAt, finishedAt: now() })) say(`release/${version}/${file}`);
}

function releaseImage() {
  const version = checkTagged();
  const push = args.includes('--push');
  if (push && settings.image.repository === null) throw new Error('image.repository is not set in the settings.');
  const docker = (words) => ask('docker', words);
  const pinned = baseImages(root).map((base) => pinImage(base, { env: process.env, ask: docker }));
  if (!dryRun) mkdirSync(path.join(root, 'release', version), { recursive: true });
  run(buildCommand(settings.image, { version, commit: commitAtHand(), created: isoSeconds(), pinned, push }));
}

/** Places that have a name, and the commands that send a release there. */
function releasePublish() {
  const version = checkTagged();
  const folder = `release/${version}`;
  if (!existsSync(path.join(root, folder, 'SHA256SUMS')))
    throw new Error(`${folder} is not there: run \`release build\` first.`);
  const { npm, chart, git } = settings;
  const places = [
    [
      'npm.registry',
      npm.registry,
      [
        'npm',
        'publish',
        `./${folder}/elevenlabs-scim-bridge-${version}.tgz`,
        '--registry',
        npm.registry,
        '--access',
        npm.access,
      ],
    ],
    [
      'chart.repository',
      chart.repository,
      ['helm', 'push', `${folder}/chart-elevenlabs-scim-bridge-${version}.tgz`, chart.repository],
    ],
    ['git.remote', git.remote, ['git', 'push', '--follow-tags', git.remote, 'HEAD']],
  ];
  for (const [setting, place, words] of places) {
    if (place === null) say(`skipped: ${setting} is not set in the settings`);
    else run(words);
  }
  if (settings.image.repository === null) say('skipped: image.repository is not set in the settings');
  else say('The image is pushed by `release image --push`.');
}

const COMMANDS = {
  version: releaseVersion,
  addon: releaseAddon,
  pack: releasePack,
  build: releaseBuild,
  image: releaseImage,
  publish: releasePublish,
};

try {
  // The package differs from the clone: see release/package.mjs.
  if (command === 'prepack') throw new Error('The package is made in a folder of its own: npm run release -- pack');
  if (COMMANDS[command] === undefined) throw new Error(`Say what to do: ${Object.keys(COMMANDS).join(', ')}.`);
  COMMANDS[command]();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
