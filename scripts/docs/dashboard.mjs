/**
 * deploy/monitoring/grafana-dashboard.json, from the metrics themselves. Every metric has a place
 * here: one that is added to the code without a place stops `npm run docs`.
 */

const PREFIX = 'scim_bridge_';
const SOURCE = { type: 'prometheus', uid: '${datasource}' };
const SELECTOR = 'job=~"$job",instance=~"$instance"';
const WIDTH = 24;

/** Rows, and in each the metrics with the unit and the kind of their panel, and the title of it. */
const ROWS = [
  [
    'What needs somebody',
    [
      ['phase', 'Relation to the workspace', 'stat', 'none'],
      ['changes_open', 'Open changes', 'timeseries', 'none'],
      ['oldest_held_age_seconds', 'Oldest held change', 'stat', 's'],
      ['oldest_change_age_seconds', 'Oldest unfinished change', 'stat', 's'],
      ['reading_doubted', 'Reading is not believed', 'stat', 'none'],
      ['members_unreadable', 'Key may not list members', 'stat', 'none'],
      ['ambiguous_members', 'Ambiguous members', 'stat', 'none'],
      ['drift_open', 'Open drift', 'stat', 'none'],
      ['token_expiry_days', 'Days until tokens expire', 'timeseries', 'd'],
      ['dry_run', 'Dry run', 'stat', 'none'],
    ],
  ],
  [
    'Identity providers',
    [
      ['requests_total', 'SCIM requests per second', 'timeseries', 'reqps'],
      ['request_duration_seconds', 'Time of SCIM requests', 'timeseries', 's'],
    ],
  ],
  [
    'ElevenLabs',
    [
      ['upstream_calls_total', 'Calls per second', 'timeseries', 'reqps'],
      ['upstream_call_duration_seconds', 'Time of calls', 'timeseries', 's'],
      ['upstream_breaker_open', 'Breaker is open', 'stat', 'none'],
      ['upstream_calls_queued', 'Calls that wait', 'timeseries', 'none'],
      ['last_sync_timestamp_seconds', 'Since the last full reading', 'stat', 's'],
      ['last_members_reading_timestamp_seconds', 'Since the last reading of the members', 'stat', 's'],
    ],
  ],
  [
    'People and groups',
    [
      ['users', 'Users by status', 'timeseries', 'none'],
      ['invites', 'Invites by state', 'timeseries', 'none'],
      ['groups', 'Groups by link', 'timeseries', 'none'],
      ['workspace_members', 'Members of the workspace', 'timeseries', 'none'],
    ],
  ],
  [
    'The process',
    [
      ['auth_failures_total', 'Failed authentications', 'timeseries', 'ops'],
      ['queue_entries', 'Queue', 'timeseries', 'none'],
      ['queue_overdue_seconds', 'Queue is overdue', 'timeseries', 's'],
      ['event_loop_lag_seconds', 'Event loop lag', 'timeseries', 's'],
      ['resident_memory_bytes', 'Memory', 'timeseries', 'bytes'],
      ['store_bytes', 'Database', 'timeseries', 'bytes'],
      ['info', 'Version', 'stat', 'none'],
      ['audit_last_row', 'Newest row of the audit log', 'stat', 'none'],
      ['audit_last_hash', 'Hash of that row', 'timeseries', 'none'],
    ],
  ],
];

/** By which labels a counter or histogram is summed; gauges are shown as they are. */
const SUMMED_BY = {
  requests_total: ['method', 'status'],
  request_duration_seconds: ['route'],
  upstream_calls_total: ['endpoint', 'outcome'],
  upstream_call_duration_seconds: ['endpoint'],
  auth_failures_total: ['door', 'reason'],
};

/** `described`: name, type, help and labels of every metric. */
export function renderDashboard(described) {
  const placed = ROWS.flatMap(([, panels]) => panels.map(([name]) => PREFIX + name));
  const names = described.map(({ name }) => name);
  const problems = [
    ...names
      .filter((name) => !placed.includes(name))
      .map((name) => `${name} has no panel in scripts/docs/dashboard.mjs.`),
    ...placed
      .filter((name) => !names.includes(name))
      .map((name) => `scripts/docs/dashboard.mjs shows ${name}, which does not exist.`),
  ];
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const byName = new Map(described.map((metric) => [metric.name, metric]));
  const panels = [];
  let y = 0;
  for (const [title, entries] of ROWS) {
    panels.push({ type: 'row', title, collapsed: false, panels: [], gridPos: { x: 0, y: y++, w: WIDTH, h: 1 } });
    let x = 0;
    let tallest = 0;
    for (const [name, caption, kind, unit] of entries) {
      const [w, h] = kind === 'stat' ? [4, 4] : [8, 8];
      if (x + w > WIDTH) [x, y, tallest] = [0, y + tallest, 0];
      panels.push({ ...panelOf(byName.get(PREFIX + name), caption, kind, unit), gridPos: { x, y, w, h } });
      x += w;
      tallest = Math.max(tallest, h);
    }
    y += tallest;
  }
  return JSON.stringify({
    uid: 'elevenlabs-scim-bridge',
    title: 'ElevenLabs SCIM bridge',
    description: 'Made from src/metrics.ts by `npm run docs`; do not edit.',
    tags: ['scim'],
    schemaVersion: 39,
    editable: true,
    refresh: '1m',
    time: { from: 'now-24h', to: 'now' },
    templating: { list: [DATASOURCE, variable('job'), variable('instance')] },
    panels: panels.map((panel, index) => ({ id: index + 1, ...panel })),
  });
}

const DATASOURCE = { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' };

const variable = (name) => ({
  name,
  type: 'query',
  datasource: SOURCE,
  query: `label_values(${PREFIX}info, ${name})`,
  refresh: 2,
  includeAll: true,
  multi: true,
  allValue: '.*',
  current: { text: 'All', value: '$__all' },
});

function panelOf(metric, title, type, unit) {
  const { expr, legendFormat } = queryOf(metric);
  return {
    type,
    title,
    description: metric.help,
    datasource: SOURCE,
    fieldConfig: { defaults: { unit }, overrides: [] },
    ...(type === 'stat' && {
      options: {
        reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
        textMode: legendFormat === undefined ? 'auto' : 'value_and_name',
      },
    }),
    targets: [{ refId: 'A', datasource: SOURCE, expr, ...(legendFormat && { legendFormat }) }],
  };
}

function queryOf({ name, type, labels }) {
  const short = name.slice(PREFIX.length);
  const legendOf = (words) => (words.length === 0 ? undefined : words.map((label) => `{{${label}}}`).join(' '));
  if (type === 'counter') {
    const by = SUMMED_BY[short];
    return {
      expr: `sum by (${by.join(', ')}) (rate(${name}{${SELECTOR}}[$__rate_interval]))`,
      legendFormat: legendOf(by),
    };
  }
  if (type === 'histogram') {
    const by = SUMMED_BY[short];
    const rate = `sum by (${['le', ...by].join(', ')}) (rate(${name}_bucket{${SELECTOR}}[$__rate_interval]))`;
    return { expr: `histogram_quantile(0.95, ${rate})`, legendFormat: `95 % ${legendOf(by)}` };
  }
  const gauge = `${name}{${SELECTOR}}`;
  // 0: not since the start; the time since 1970 would be nonsense.
  if (short.endsWith('_timestamp_seconds')) return { expr: `time() - (${gauge} > 0)`, legendFormat: undefined };
  if (short === 'phase') return { expr: `${gauge} == 1`, legendFormat: '{{phase}}' };
  return { expr: gauge, legendFormat: legendOf(labels) };
}
