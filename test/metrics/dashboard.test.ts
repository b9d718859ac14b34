/** The dashboard asks a running bridge only for what it has: each metric, and each label of it. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { startTestBridge, type TestBridge } from '../support/bridge.js';

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat?: string }[];
}
const file = new URL('../../deploy/monitoring/grafana-dashboard.json', import.meta.url);
const dashboard = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] };
};
const queries = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })));

/** Labels that Prometheus adds at the scrape. */
const OF_SCRAPE = ['job', 'instance'];
/** Labels by series name, as /metrics shows them. */
const served = new Map<string, Set<string>>();
let bridge: TestBridge;

beforeAll(async () => {
  bridge = await startTestBridge({ seed: minimalSeed() });
  const { clock, store } = bridge;
  const token = { kind: 'scim', scopes: [], clientId: null } as const;
  await store.addToken({ ...token, id: 'a', label: 'okta', hash: 'a', expiresAt: clock.now() + 1e9 }, 'test');
  await bridge.createUser('zoe');
  await fetch(`${bridge.scimUrl}/Users`, { headers: { authorization: 'Bearer wrong', connection: 'close' } });
  const text = await (
    await fetch(`${new URL(bridge.scimUrl).origin}/metrics`, { headers: { connection: 'close' } })
  ).text();
  for (const [, name = '', labels = ''] of text.matchAll(/^(scim_bridge_\w+)(?:\{(.*)\})? \S+$/gm)) {
    const known = served.get(name) ?? new Set();
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) known.add(label);
    served.set(name, known);
  }
});
afterAll(() => bridge.close());

/** What a query uses: names of series, and labels it selects or sums by. */
function partsOf(expr: string): { readonly names: readonly string[]; readonly labels: readonly string[] } {
  const names = [...expr.matchAll(/\bscim_bridge_\w+/g)].map(([name]) => name);
  const selected = [...expr.matchAll(/(\w+)(?:=~|=|!=|!~)"/g)].map(([, label = '']) => label);
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', '));
  return { names, labels: [...selected, ...grouped] };
}

const problemsOf = ({
  expr,
  legendFormat = '',
}: {
  readonly expr: string;
  readonly legendFormat?: string;
}): readonly string[] => {
  const { names, labels } = partsOf(expr);
  const worded = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
  const known = [...OF_SCRAPE, ...names.flatMap((name) => [...(served.get(name) ?? [])])];
  return [
    ...(names.length === 0 ? ['no metric'] : []),
    ...names.filter((name) => !served.has(name)),
    ...[...labels, ...worded].filter((label) => !known.includes(label)),
  ];
};

describe('the dashboard', () => {
  it('asks for metrics and labels that a running bridge serves', () => {
    expect(queries.length).toBeGreaterThan(25);
    expect(queries.filter((query) => problemsOf(query).length > 0)).toEqual([]);
  });

  it('would be caught with a metric or a label that is not there', () => {
    const wrong = ['scim_bridge_userz', 'scim_bridge_users{state="member"}', 'sum by (route) (scim_bridge_users)'];
    expect(wrong.map((expr) => problemsOf({ expr }))).toEqual([['scim_bridge_userz'], ['state'], ['route']]);
    expect(problemsOf({ expr: 'scim_bridge_users', legendFormat: '{{kind}}' })).toEqual(['kind']);
  });

  it('shows every metric', () => {
    const shown = new Set(queries.flatMap(({ expr }) => partsOf(expr).names));
    const left = [...served.keys()].filter((name) => !/_(count|sum)$/.test(name) && !shown.has(name));
    expect(left).toEqual([]);
  });

  it('chooses job and instance from a metric that is there', () => {
    const { list } = dashboard.templating;
    expect(list.map(({ name }) => name)).toEqual(['datasource', ...OF_SCRAPE]);
    for (const { query } of list.slice(1)) expect(partsOf(query).names.filter((name) => !served.has(name))).toEqual([]);
  });

  it('lays no panel over another', () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${String(x + (n % w))},${String(y + Math.floor(n / w))}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });

  it('asks in a language that Prometheus understands', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'dashboard-'));
    const rules = queries.map(({ expr }, n) => ({
      record: `panel:n${String(n)}`,
      expr: expr.replaceAll('$__rate_interval', '5m'),
    }));
    writeFileSync(path.join(folder, 'rules.yaml'), JSON.stringify({ groups: [{ name: 'panels', rules }] }));
    const checked = spawnSync('promtool', ['check', 'rules', 'rules.yaml'], { cwd: folder, encoding: 'utf8' });
    rmSync(folder, { recursive: true, force: true });
    expect([checked.status, checked.stderr]).toEqual([0, '']);
  });
});
