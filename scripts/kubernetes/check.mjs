/**
 * Checks Kubernetes objects without a cluster: their values against the schemas of Kubernetes and of
 * the Prometheus operator, and their field names by the compiler, because the schemas allow any name.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../prepare.mjs';

/** The package and the module that know a kind. */
function moduleOf({ apiVersion, kind }) {
  const library = apiVersion.startsWith('monitoring.coreos.com/')
    ? '@kubernetes-models/prometheus-operator'
    : 'kubernetes-models';
  const module = `${library}/${apiVersion}/${kind}`;
  return existsSync(path.join(root, 'node_modules', `${module}.js`)) ? module : null;
}

const nameOf = ({ kind, metadata }) => `${kind} ${metadata?.name}`;

async function valueProblems(object) {
  const { [object.kind]: Model } = await import(moduleOf(object));
  try {
    new Model(object).validate();
    return [];
  } catch (error) {
    return [`${nameOf(object)}: ${error.message}`];
  }
}

/** Object literals may hold only what their type names. */
function fieldProblems(objects) {
  // Within the clone, so that the packages are found.
  const folder = mkdtempSync(path.join(root, 'node_modules/.cache/manifests-'));
  try {
    const lines = objects.flatMap((object, at) => [
      `import type { I${object.kind} as T${at} } from '${moduleOf(object)}';`,
      `export const object${at}: T${at} = ${JSON.stringify(object, null, 1)};`,
    ]);
    const file = path.join(folder, 'manifests.ts');
    writeFileSync(file, lines.join('\n'));
    const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--ignoreConfig'];
    const { stdout } = spawnSync(process.execPath, [tsc, ...options, file], { cwd: folder, encoding: 'utf8' });
    return stdout.split('\n').filter((line) => line.includes('error TS'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What Kubernetes would refuse, or not understand, of these objects. */
export async function manifestProblems(objects) {
  const unknown = objects.filter((object) => moduleOf(object) === null);
  if (unknown.length > 0)
    return unknown.map((object) => `${nameOf(object)}: there is no ${object.apiVersion} ${object.kind}`);
  const problems = [];
  for (const object of objects) problems.push(...(await valueProblems(object)));
  return [...problems, ...fieldProblems(objects)];
}
