/** docs/metrics.md, from the metrics themselves. */

const INTRO = `# Metrics

Made from \`src/metrics.ts\` by \`npm run docs\`; do not edit.

\`/metrics\` answers in the text format of Prometheus, on \`PORT\`, or on \`ADMIN_PORT\` where that is set.

Who may read it:

- whoever sends an admin token, or a token for metrics alone (\`elevenlabs-scim token create prometheus --kind metrics\`, or "Metrics only" on the page **Tokens**), as \`Authorization: Bearer …\`. The latter opens nothing else, so it is the one to give to a monitor;
- a program on the same machine, without a token, unless \`PUBLIC_URL\` or \`TRUST_PROXY\` is set: then a proxy stands before the bridge, and behind it everybody would seem to be on this machine. A proxy that adds none of the usual headers (\`X-Forwarded-For\`, \`Forwarded\`, \`Via\`) must not pass \`/metrics\` on.

No metric has an e-mail address, an id or a secret in it. Gauges are asked for at the scrape, and cost some milliseconds. Counters begin at 0 with each start of the bridge.

Alert rules for all that needs a person are in [operations/alerts.yaml](operations/alerts.yaml). A dashboard of all metrics is in [deploy/monitoring/grafana-dashboard.json](../deploy/monitoring/grafana-dashboard.json): in Grafana, Dashboards > New > Import, paste the file, choose the Prometheus that scrapes the bridge.

| metric | type | labels | meaning |
| --- | --- | --- | --- |
`;

/** `described`: the metrics; `calls`: the names that the label `endpoint` can have. */
export function renderMetrics(described, calls) {
  const cell = (text) => text.replaceAll('|', '\\|');
  const rows = described.map(
    ({ name, type, labels, help }) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${cell(help)} |`,
  );
  const names = [...new Set(calls)].sort().map((name) => `\`${name}\``);
  const endpoints = `\`endpoint\` is the name of a call to ElevenLabs, the same in log and traces: ${names.join(', ')}. What each does: [methods of the API](sdk-methods.md).`;
  return `${INTRO}${rows.join('\n')}\n\n${endpoints}\n`;
}
