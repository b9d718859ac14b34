/** The figures as text: a table for the terminal, the same as Markdown for docs/performance.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as prettier from 'prettier';
import { root } from './processes.mjs';

/** Machines are noisy: so much above a target still counts as reached. */
export const TOLERANCE = 1.25;

const number = (value) => {
  if (value === null || value === undefined) return '';
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
};

const limit = (target) =>
  target === undefined ? '' : `≤ ${number(target)}`.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '');

function verdict(pairs) {
  const asked = pairs.filter(([value, target]) => target !== undefined && value !== null && value !== undefined);
  if (asked.length === 0) return '';
  if (asked.every(([value, target]) => value <= target)) return 'yes';
  return asked.every(([value, target]) => value <= target * TOLERANCE) ? 'nearly' : 'no';
}

/** Rows of operations: ratio to the floor, growth from the smallest size to this one. */
function requestRows({ requests, floor }) {
  return requests.map((row) => ({
    ...row,
    ratio: row.cpu / floor.cpu,
    verdict: verdict([
      [row.cpu / floor.cpu, row.target?.ratio],
      [row.growth, row.target?.growth],
    ]),
  }));
}

export function tables(results) {
  const requests = [
    ['operation', 'size', 'CPU ms', 'x floor', 'target', 'growth', 'target', 'reached', 'req/s', 'p50 ms', 'p99 ms'],
    ['express, a fixed user (the floor)', '', results.floor.cpu, 1, '', null, '', '', ...speed(results.floor)],
    ...requestRows(results).map((row) => [
      ...[row.operation, row.size, row.cpu, row.ratio, limit(row.target?.ratio)],
      ...[row.growth, limit(row.target?.growth), row.verdict, ...speed(row)],
    ]),
  ];
  const others = [
    ['what', 'size', 'measured', 'unit', 'target', 'reached'],
    ...results.others.map(({ what, size, value, unit, target, least }) => [
      ...[what, size, value, unit],
      least === undefined ? limit(target) : `≥ ${least}`,
      least === undefined ? verdict([[value, target]]) : value >= least ? 'yes' : 'no',
    ]),
  ];
  return [requests, others].map((rows) => rows.map((row) => row.map(cell)));
}

const speed = ({ perSecond, p50, p99 }) => [perSecond, p50, p99];
const cell = (value) => (typeof value === 'string' ? value : number(value));

export function plainText(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const markdown = (rows) =>
  [rows[0], rows[0].map(() => '---'), ...rows.slice(1)].map((row) => `| ${row.join(' | ')} |`).join('\n');

const BEGIN = '<!-- figures: npm run bench -- --write -->';
const END = '<!-- end of figures -->';

/** Replaces what stands between the marks in docs/performance.md, and writes the JSON beside it. */
export async function writeDocument(results) {
  const file = path.join(root, 'docs', 'performance.md');
  const text = readFileSync(file, 'utf8');
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error('docs/performance.md has lost its marks');
  const { machine } = results;
  const about = `Measured on ${machine.cores} cores (${machine.cpu}), Node ${machine.node}, ${machine.at.slice(0, 10)}; medians of ${results.rounds} rounds.`;
  const figures = [about, ...tables(results).map(markdown)].join('\n\n');
  await writeFormatted(file, `${text.slice(0, begin)}${BEGIN}\n\n${figures}\n\n${text.slice(end)}`);
  await writeFormatted(path.join(root, 'docs', 'performance.json'), JSON.stringify(results));
}

async function writeFormatted(file, text) {
  const options = (await prettier.resolveConfig(file)) ?? {};
  writeFileSync(file, await prettier.format(text, { ...options, filepath: file }));
}

/** Where a profile says that the time went: functions by their own time. */
export function profileSummary(file, count = 12) {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8'));
  const own = new Map();
  samples.forEach((id, index) => own.set(id, (own.get(id) ?? 0) + timeDeltas[index]));
  const byFunction = new Map();
  let busy = 0;
  for (const { id, callFrame } of nodes) {
    // `dispatch` without a place is the profiler's own beginning and end.
    if (['(idle)', '(root)'].includes(callFrame.functionName)) continue;
    if (callFrame.functionName === 'dispatch' && callFrame.url === '') continue;
    const place =
      callFrame.url === ''
        ? ''
        : ` ${callFrame.url.replace(/.*\/(node_modules|dist)\//, '')}:${callFrame.lineNumber + 1}`;
    const name = `${callFrame.functionName || '(anonymous)'}${place}`;
    busy += own.get(id) ?? 0;
    byFunction.set(name, (byFunction.get(name) ?? 0) + (own.get(id) ?? 0));
  }
  return [...byFunction]
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([name, time]) => `  ${((time / busy) * 100).toFixed(1).padStart(5)} %  ${name}`)
    .join('\n');
}
