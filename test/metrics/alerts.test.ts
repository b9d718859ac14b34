/** The alert rules name metrics and label values that exist, and each has a page in the runbook's format. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { describeMetrics, METRIC_PREFIX, type MetricDescription } from '../../src/metrics.js';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string };
}

const file = readFileSync(new URL('../../docs/operations/alerts.yaml', import.meta.url), 'utf8');
const rules = (parse(file) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);
const described = describeMetrics();
const SUFFIXES: Readonly<Record<string, readonly string[]>> = { histogram: ['_bucket', '_count', '_sum'] };

function metricOf(name: string): MetricDescription | undefined {
  return described.find(
    (metric) => metric.name === name || (SUFFIXES[metric.type] ?? []).some((suffix) => metric.name + suffix === name),
  );
}

describe('docs/operations/alerts.yaml', () => {
  it('has rules with a name of their own, a severity and a summary', () => {
    expect(rules.length).toBeGreaterThan(15);
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { labels, annotations, alert } of rules) {
      expect([alert, labels.severity]).toEqual([alert, expect.stringMatching(/^(warning|critical)$/)]);
      expect(annotations.summary).not.toBe('');
    }
  });

  it('names no metric and no label that does not exist', () => {
    const names = [...file.matchAll(/scim_bridge_[a-z0-9_]+/g)].map(([name]) => name);
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) expect([name, metricOf(name)?.name]).toEqual([name, expect.any(String)]);
    for (const [, name = '', selector = ''] of file.matchAll(/(scim_bridge_[a-z0-9_]+)\{([^}]*)\}/g)) {
      for (const [, label = ''] of selector.matchAll(/([a-z_]+)=~?"/g))
        expect([name, label, metricOf(name)?.labels.includes(label)]).toEqual([name, label, true]);
    }
  });

  it('sums by labels, and puts labels into words, that its metrics have', () => {
    const used = rules.flatMap(({ alert, expr, annotations }) => {
      const metrics = [...expr.matchAll(/scim_bridge_[a-z0-9_]+/g)].map(([name]) => metricOf(name));
      const known = ['le', ...metrics.flatMap((metric) => metric?.labels ?? [])];
      const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', '));
      const worded = [...annotations.summary.matchAll(/\$labels\.([a-z_]+)/g)].map(([, label = '']) => label);
      return [...grouped, ...worded].map((label) => [alert, label, known.includes(label)]);
    });
    expect(used.length).toBeGreaterThan(4);
    for (const [alert, label, isKnown] of used) expect([alert, label, isKnown]).toEqual([alert, label, true]);
  });

  it('uses every gauge that says that something is wrong', () => {
    const wanted = [
      'phase',
      'changes_open',
      'oldest_held_age_seconds',
      'oldest_change_age_seconds',
      'queue_overdue_seconds',
      'last_sync_timestamp_seconds',
      'reading_doubted',
      'members_unreadable',
      'token_expiry_days',
      'drift_open',
      'upstream_breaker_open',
      'event_loop_lag_seconds',
      'store_bytes',
    ];
    for (const name of wanted) expect([name, file.includes(METRIC_PREFIX + name)]).toEqual([name, true]);
  });

  it('writes braces of templates that are closed', () => {
    for (const [line] of file.matchAll(/summary:.*/g)) expect(line.split('{{').length).toBe(line.split('}}').length);
  });
});

describe('the metrics', () => {
  it('are all described, with a unit or a total in the name where there is one', () => {
    for (const { name, help } of described) {
      expect(name).toMatch(/^scim_bridge_[a-z][a-z0-9_]*$/);
      expect(help).toMatch(/\.$/);
    }
    expect(described.length).toBeGreaterThan(25);
  });
});
