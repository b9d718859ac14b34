/**
 * How much a request costs, and whether that depends on how many users and members there are.
 *
 *   npm run bench                  1,000 and 10,000 users, groups up to 10,000 members
 *   npm run bench -- --large       also 100,000 users and a group of 50,000
 *   npm run bench -- --write       updates docs/performance.md and docs/performance.json
 *   npm run bench -- --profile     writes a CPU profile per operation into data/bench/
 *   npm run bench -- --only <text> only operations whose name has this in it
 *   npm run bench -- --smoke       a few requests of each kind, to see that all of it still works
 *
 * The server is the built one, in a process of its own, with the workspace in another; this process
 * is the client. What counts is the CPU time that the server spends until it is idle again.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { prepare } from '../scripts/prepare.mjs';
import { root } from './processes.mjs';

const { values: options } = parseArgs({
  options: {
    large: { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
  },
});

if (options.write && (options.smoke || options.only !== '')) {
  process.stderr.write('--write needs a whole run: without --smoke and --only.\n');
  process.exit(1);
}
prepare({ build: true });
// After the build: they load what it has made.
const { stopAll } = await import('./processes.mjs');
const { measure } = await import('./measure.mjs');
const { plainText, tables, writeDocument } = await import('./report.mjs');

const PLANS = {
  smoke: {
    ...{ users: [30], groups: [10, 20], many: 20, rounds: 1, seconds: 0, initial: 40, economy: 40 },
    ...{ sync: { members: 20, groups: 2 }, scimmy: { users: 20, groups: [10] } },
  },
  usual: {
    ...{
      users: [1_000, 10_000],
      groups: [10, 100, 1_000, 10_000],
      many: 1_000,
      rounds: 5,
      seconds: 0.4,
      initial: 2_000,
      economy: 1_000,
    },
    ...{ sync: { members: 5_000, groups: 200 }, scimmy: { users: 1_000, groups: [1_000] } },
  },
  large: {
    ...{ users: [1_000, 10_000, 100_000], groups: [10, 100, 1_000, 10_000, 50_000], many: 1_000, rounds: 5 },
    ...{ seconds: 0.5, initial: 20_000, economy: 1_000, sync: { members: 5_000, groups: 200 } },
    scimmy: { users: 1_000, groups: [1_000, 10_000] },
  },
};
const plan = PLANS[options.smoke ? 'smoke' : options.large ? 'large' : 'usual'];

const output = path.join(root, 'data', 'bench');
mkdirSync(output, { recursive: true });
const folder = mkdtempSync(path.join(tmpdir(), 'bench-'));
const note = (line) => process.stderr.write(`${line}\n`);

try {
  const figures = await measure({
    ...{ plan, folder, note, only: options.only.toLowerCase() },
    profiles: options.profile ? output : null,
  });
  const results = {
    machine: { cores: cpus().length, cpu: cpus()[0].model, node: process.versions.node, at: new Date().toISOString() },
    rounds: plan.rounds,
    ...figures,
  };
  writeFileSync(options.json ?? path.join(output, 'latest.json'), `${JSON.stringify(results, null, 2)}\n`);
  for (const rows of tables(results)) process.stdout.write(`\n${plainText(rows)}\n`);
  if (options.write) await writeDocument(results);
} finally {
  await stopAll();
  const { removeFolder } = await import('./scenarios.mjs');
  removeFolder(folder);
}
