/**
 * `npm run audit`: known vulnerabilities in the packages of the product, from the configured
 * registry. Ends with 1 where one is found that docs/dependencies.md does not argue, and with 2
 * where the registry did not answer: then nothing is known, which is no pass.
 *
 *   node scripts/audit.mjs [page]     arguments from another page
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const page = process.argv[2] ?? 'docs/dependencies.md';

/** Ids of the advisories that have a row of their own with a reason on the page. */
function acceptedFindings(text) {
  return new Set([...text.matchAll(/^\| *(GHSA(?:-[0-9a-z]{4}){3}) *\|[^|]+\| *[^|\s][^|]*\|$/gm)].map(([, id]) => id));
}

/** Advisories in a report of npm, each once. */
function findingsOf({ vulnerabilities }) {
  const findings = new Map();
  for (const { via } of Object.values(vulnerabilities)) {
    // A text is the name of another vulnerable package, with an entry of its own.
    for (const advisory of via.filter((cause) => typeof cause === 'object')) {
      const { url, name, severity, title } = advisory;
      const id = /GHSA(?:-[0-9a-z]{4}){3}/.exec(url ?? '')?.[0] ?? `advisory ${advisory.source}`;
      findings.set(id, { id, name, severity, title });
    }
  }
  return [...findings.values()];
}

/** What npm says, as JSON; null where it says nothing that can be read. */
function askNpm() {
  const script = process.env.npm_execpath;
  const args = ['audit', '--omit=dev', '--json'];
  const [command, all] = script && /npm-cli\.js$/.test(script) ? [process.execPath, [script, ...args]] : ['npm', args];
  const { stdout } = spawnSync(command, all, {
    ...{ cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, stdio: ['ignore', 'pipe', 'ignore'] },
    shell: command === 'npm' && process.platform === 'win32',
  });
  try {
    return JSON.parse(stdout);
  } catch {
    return null;
  }
}

/** Answers the exit code. */
function audit() {
  const report = askNpm();
  if (typeof report?.vulnerabilities !== 'object') {
    console.error(`The registry did not answer (${report?.message ?? 'npm said nothing'}): whether there are known`);
    console.error('vulnerabilities is not known. Try again with a registry that has an audit endpoint.');
    return 2;
  }
  const accepted = acceptedFindings(readFileSync(path.resolve(root, page), 'utf8'));
  const findings = findingsOf(report);
  for (const { id, name, severity, title } of findings) {
    console.log(`${accepted.has(id) ? 'accepted' : 'OPEN'}  ${id}  ${name}  ${severity}: ${title}`);
  }
  for (const id of accepted) {
    if (!findings.some((finding) => finding.id === id)) console.log(`${id} is not reported any more: see ${page}.`);
  }
  const open = findings.filter(({ id }) => !accepted.has(id));
  console.log(
    open.length === 0
      ? `No open finding, ${findings.length} accepted.`
      : `${open.length} open: update the package, or argue in ${page} why it does not concern the bridge.`,
  );
  return open.length === 0 ? 0 : 1;
}

process.exit(audit());
