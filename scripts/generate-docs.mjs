/**
 * `npm run docs`: writes the references that are made from the code. `npm run docs:check`: fails
 * where a reference differs from the code, or a link in the documentation leads nowhere.
 *
 * A further reference is one more line in DOCUMENTS.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { prepare, root } from './prepare.mjs';
import { renderCli } from './docs/cli.mjs';
import { renderConfiguration } from './docs/configuration.mjs';
import { renderDashboard } from './docs/dashboard.mjs';
import { brokenLinks } from './docs/links.mjs';
import { renderMetrics } from './docs/metrics.mjs';

const load = (module) => import(path.join(root, 'dist', module));

/** Path of a document, and how its text is made of the built code. */
const DOCUMENTS = [
  ['docs/cli.md', async () => renderCli((await load('cli.js')).createProgram, (await load('errors.js')).EXIT)],
  ['docs/configuration.md', async () => renderConfiguration((await load('config-variables.js')).VARIABLES)],
  ['docs/metrics.md', metricsPage],
  [
    'deploy/monitoring/grafana-dashboard.json',
    async () => renderDashboard((await load('metrics.js')).describeMetrics()),
  ],
];

const isCheck = process.argv.includes('--check');
prepare({ build: true });
const problems = [];
for (const [file, render] of DOCUMENTS) {
  const target = path.join(root, file);
  const options = await resolveConfig(target);
  const text = await format(await render(), { ...options, filepath: target });
  const present = existsSync(target) ? readFileSync(target, 'utf8') : null;
  if (present === text) continue;
  if (isCheck) problems.push(`${file} differs from the code: run \`npm run docs\`.`);
  else {
    writeFileSync(target, text);
    process.stdout.write(`${file} written.\n`);
  }
}
problems.push(...brokenLinks(root, markdownFiles()));
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exit(problems.length === 0 ? 0 : 1);

async function metricsPage() {
  const { describeMetrics } = await load('metrics.js');
  const { UPSTREAM_CALLS } = await load('domain/upstream-calls.js');
  return renderMetrics(describeMetrics(), Object.values(UPSTREAM_CALLS));
}

/** README and its neighbours, and everything in docs/. */
function markdownFiles() {
  const isMarkdown = (name) => name.endsWith('.md');
  const top = readdirSync(root).filter(isMarkdown);
  const docs = readdirSync(path.join(root, 'docs'), { recursive: true }).filter(isMarkdown);
  return [...top, ...docs.map((name) => path.join('docs', name))].sort();
}
