/**
 * `npm run manifests`: writes what is made from something else in deploy/: the alert rules of the
 * chart from docs/operations/alerts.yaml, the plain manifests from the chart, the Caddyfile of Compose
 * from the sample. `-- --check` fails where one differs.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { fetchPrograms } from './kubernetes/programs.mjs';
import { root } from './prepare.mjs';

const HEADER = `# Made from deploy/helm by \`npm run manifests\`: change the chart, or this file's values in deploy/kubernetes/values.yaml.
#
#   kubectl create namespace scim-bridge
#   kubectl --namespace scim-bridge create secret generic scim-bridge --from-file=elevenlabs-api-key --from-file=scim-token --from-file=admin-token
#   kubectl apply --filename bridge.yaml
`;

/** Renders the chart; throws with what helm says. */
export function renderChart(args) {
  const { helm } = fetchPrograms();
  const words = ['template', 'scim-bridge', path.join(root, 'deploy/helm'), '--namespace', 'scim-bridge', ...args];
  const { status, stdout, stderr } = spawnSync(helm, words, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0) throw new Error(stderr.trim());
  return stdout;
}

/** The rules without the comments about a Prometheus that reads the file itself. */
function alertRules() {
  const text = readFileSync(path.join(root, 'docs/operations/alerts.yaml'), 'utf8');
  return `# Made from docs/operations/alerts.yaml by \`npm run manifests\`.\n${text.slice(text.indexOf('groups:'))}`;
}

function plainManifests() {
  const rendered = renderChart(['--values', path.join(root, 'deploy/kubernetes/values.yaml')]);
  return (
    HEADER +
    rendered
      .replace(/^# Source: .*\n/gm, '')
      .replaceAll('app.kubernetes.io/managed-by: Helm', 'app.kubernetes.io/managed-by: kubectl')
  );
}

/** The sample for Caddy, with the name from the environment and the bridge as Compose names it. */
function composeCaddyfile() {
  const sample = readFileSync(path.join(root, 'deploy/caddy/Caddyfile'), 'utf8');
  const site = sample.slice(sample.indexOf('scim.example.com {'));
  return `# Made from deploy/caddy/Caddyfile by \`npm run manifests\`.\n${site
    .replace('scim.example.com', '{$SCIM_HOST}')
    .replace('127.0.0.1:8080', 'bridge:8080')}`;
}

// In this order: the chart needs its rules.
const FILES = [
  ['deploy/helm/files/alerts.yaml', alertRules],
  ['deploy/kubernetes/bridge.yaml', plainManifests],
  ['deploy/compose/Caddyfile', composeCaddyfile],
];

/** Writes what differs, or with `check` only says so; answers the files. */
export function generate({ check }) {
  return FILES.filter(([file, make]) => {
    const target = path.join(root, file);
    const text = make();
    if (existsSync(target) && readFileSync(target, 'utf8') === text) return false;
    if (!check) writeFileSync(target, text);
    return true;
  }).map(([file]) => file);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const check = process.argv.includes('--check');
  for (const file of generate({ check })) {
    if (check) process.exitCode = 1;
    console.log(check ? `${file} differs from what it is made of: run \`npm run manifests\`.` : `${file} written.`);
  }
}
