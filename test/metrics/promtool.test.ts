/** The alert rules in Prometheus' own words: promtool reads them and runs their unit tests. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';

const operations = fileURLToPath(new URL('../../docs/operations', import.meta.url));
const read = (name: string): string => readFileSync(path.join(operations, name), 'utf8');
const alerts = (parse(read('alerts.yaml')) as { groups: { rules: { alert: string }[] }[] }).groups
  .flatMap(({ rules }) => rules)
  .map(({ alert }) => alert);

interface Case {
  readonly name: string;
  readonly promql_expr_test?: readonly { readonly exp_samples?: readonly unknown[] }[];
}
const cases = (parse(read('alerts.test.yaml')) as { tests: Case[] }).tests;

/** Debian's package `prometheus` has it; where it is missing, `.ci/run` installs it. */
const promtool = (folder: string, ...args: readonly string[]) => {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, { cwd: folder, encoding: 'utf8' });
  if (error !== undefined) throw error;
  return { status, output: stdout + stderr };
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'promtool-'));
  for (const name of ['alerts.yaml', 'alerts.test.yaml']) cpSync(path.join(operations, name), path.join(folder, name));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('promtool', () => {
  it('takes the rules', () => {
    expect(promtool(folder, 'check', 'rules', 'alerts.yaml')).toEqual({
      status: 0,
      output: expect.stringContaining(`${String(alerts.length)} rules found`),
    });
  });

  it('finds every alert raised, and quiet before its time and below its threshold', () => {
    expect(promtool(folder, 'test', 'rules', 'alerts.test.yaml')).toEqual({
      status: 0,
      output: expect.stringContaining('SUCCESS'),
    });
  });

  it('would notice a threshold that moved', () => {
    const rules = read('alerts.yaml');
    const moved = rules.replace('scim_bridge_store_bytes > 5e9', 'scim_bridge_store_bytes > 6e9');
    expect(moved).not.toBe(rules);
    const other = path.join(folder, 'moved');
    mkdirSync(other);
    writeFileSync(path.join(other, 'alerts.yaml'), moved);
    cpSync(path.join(operations, 'alerts.test.yaml'), path.join(other, 'alerts.test.yaml'));
    const { status, output } = promtool(other, 'test', 'rules', 'alerts.test.yaml');
    expect([status, output]).toEqual([1, expect.stringContaining('ScimBridgeStoreLarge')]);
  });
});

describe('the unit tests', () => {
  it.each(alerts)('have %s raised, quiet, and just not raised', (alert) => {
    const own = cases.filter(({ name }) => name === alert);
    const samples = own.flatMap(({ promql_expr_test: checks = [] }) => checks.map((check) => check.exp_samples));
    expect([samples.some((found) => found === undefined), samples.some((found) => found?.length === 1)]).toEqual([
      true,
      true,
    ]);
    expect(cases.filter(({ name }) => name === `${alert}, just not`)).toHaveLength(1);
  });
});

describe('the runbook', () => {
  const page = read('runbook.md');
  const entries = new Map(
    page
      .split(/^## /m)
      .slice(1)
      .map((entry) => {
        const [title = '', ...body] = entry.split('\n');
        return [title, body.join('\n').trim()] as const;
      }),
  );

  it.each(alerts)('says what to do about %s', (alert) => {
    expect(entries.get(alert)?.length ?? 0).toBeGreaterThan(60);
  });

  it('has no entry for an alert that is gone', () => {
    expect([...entries.keys()].filter((title) => title.startsWith('ScimBridge') && !alerts.includes(title))).toEqual(
      [],
    );
  });
});
