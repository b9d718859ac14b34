/** The version of a release, in every file that names it, and its section in the changelog. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const SEMVER = /^\d+\.\d+\.\d+(-[0-9a-z.-]+)?$/;

const readText = (root, file) => readFileSync(path.join(root, file), 'utf8');
const readJson = (root, file) => JSON.parse(readText(root, file));

export const currentVersion = (root) => readJson(root, 'package.json').version;

/** `patch`, `minor`, `major`, or a version that is later than the present one. */
export function nextVersion(present, wanted) {
  const numbers = present.split('-')[0].split('.').map(Number);
  const part = ['major', 'minor', 'patch'].indexOf(wanted);
  if (part !== -1) return numbers.map((n, at) => (at < part ? n : at === part ? n + 1 : 0)).join('.');
  if (!SEMVER.test(wanted ?? ''))
    throw new Error(`${wanted ?? 'Nothing'} is no version: patch, minor, major or 1.2.3.`);
  const asked = wanted.split('-')[0].split('.').map(Number);
  const differs = asked.findIndex((n, at) => n !== numbers[at]);
  if (differs === -1 ? wanted === present : asked[differs] < numbers[differs])
    throw new Error(`${wanted} is not later than ${present}.`);
  return wanted;
}

/** The changelog with what is unreleased put below the version. */
export function releaseChangelog(text, version, day) {
  const heading = '## Unreleased\n';
  const at = text.indexOf(heading);
  if (at === -1) throw new Error('CHANGELOG.md has no section Unreleased.');
  const rest = text.slice(at + heading.length);
  const section = rest.split(/^## /m)[0];
  if (section.trim() === '')
    throw new Error('CHANGELOG.md says nothing under Unreleased: there is nothing to release.');
  return `${text.slice(0, at)}${heading}\n## ${version} - ${day}\n${rest}`;
}

/** What the changelog says about a version. */
export function changesOf(text, version) {
  const start = text.split('\n').findIndex((line) => line.startsWith(`## ${version} - `));
  if (start === -1) throw new Error(`CHANGELOG.md has no section ${version}.`);
  const lines = text.split('\n').slice(start + 1);
  const end = lines.findIndex((line) => line.startsWith('## '));
  return lines
    .slice(0, end === -1 ? undefined : end)
    .join('\n')
    .trim();
}

/** New texts of all files that name the version, by path. */
function versionedFiles(root, version, day) {
  const manifest = { ...readJson(root, 'package.json'), version };
  const lock = readJson(root, 'package-lock.json');
  lock.version = version;
  lock.packages[''].version = version;
  const chart = readText(root, 'deploy/helm/Chart.yaml')
    .replace(/^version: .*$/m, `version: ${version}`)
    .replace(/^appVersion: .*$/m, `appVersion: '${version}'`);
  const json = (value) => `${JSON.stringify(value, null, 2)}\n`;
  return {
    'package.json': json(manifest),
    'package-lock.json': json(lock),
    'deploy/helm/Chart.yaml': chart,
    'CHANGELOG.md': releaseChangelog(readText(root, 'CHANGELOG.md'), version, day),
  };
}

/** Writes the version into every file that names it; answers their paths. */
export function writeVersion(root, version, day) {
  const files = versionedFiles(root, version, day);
  for (const [file, text] of Object.entries(files)) writeFileSync(path.join(root, file), text);
  return Object.keys(files);
}

/** Files whose version is not that of package.json. */
export function versionProblems(root) {
  const version = currentVersion(root);
  const lock = readJson(root, 'package-lock.json');
  const chart = readText(root, 'deploy/helm/Chart.yaml');
  const found = {
    'package-lock.json': lock.version === version && lock.packages[''].version === version,
    'deploy/helm/Chart.yaml':
      chart.includes(`\nversion: ${version}\n`) && chart.includes(`\nappVersion: '${version}'\n`),
  };
  return Object.keys(found).filter((file) => !found[file]);
}
