/** The report of a conformance run: as JSON, as a page, and as the table of docs/conformance.md. */
import type { Group, Result } from './check.js';
import type { KnownDeviation } from './deviations.js';

export interface Report {
  readonly server: string;
  readonly version: string;
  /** ISO 8601. */
  readonly at: string;
  readonly counts: { readonly pass: number; readonly fail: number; readonly skipped: number };
  /** Known, of the bridge itself; empty for other servers. */
  readonly deviations: readonly KnownDeviation[];
  readonly results: readonly Result[];
}

export function makeReport(
  results: readonly Result[],
  about: Pick<Report, 'server' | 'version' | 'at' | 'deviations'>,
): Report {
  const count = (outcome: Result['outcome']): number => results.filter((result) => result.outcome === outcome).length;
  return { ...about, counts: { pass: count('pass'), fail: count('fail'), skipped: count('skipped') }, results };
}

const TITLES: Readonly<Record<Group, string>> = {
  RFC: 'Requirements of RFC 7643, 7644 and 9865',
  dialect: 'Shapes that identity providers send',
  transcript: 'Transcripts of identity providers',
};
const GROUPS = ['RFC', 'dialect', 'transcript'] as const;

/** One file, without scripts or anything from elsewhere. */
export function toHtml(report: Report): string {
  const { server, version, at, counts, deviations, results } = report;
  const parts = GROUPS.map((group) => {
    const rows = results.filter((result) => result.group === group).map(htmlRow);
    return rows.length === 0 ? '' : `<h2>${TITLES[group]}</h2>\n${rows.join('\n')}`;
  });
  const known = deviations.map(
    ({ section, what, why }) =>
      `<li><b>${escape(section)}</b> ${escape(what)} <span class="why">${escape(why)}</span></li>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>SCIM conformance of ${escape(server)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1c1c1e}
details{border:1px solid #ddd;border-radius:6px;margin:.3rem 0;padding:.3rem .7rem}summary{cursor:pointer}
.pass summary::before{content:"✓ ";color:#187a33}.fail summary::before{content:"✗ ";color:#b3261e}.skipped summary::before{content:"– ";color:#666}
.section{color:#555;margin-right:.6rem}pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f5f5f7;padding:.5rem;margin:.3rem 0}.reason{color:#b3261e}.why{color:#555}</style></head>
<body><h1>SCIM conformance</h1>
<p>${escape(server)}, checked ${escape(at)} by version ${escape(version)}: ${String(counts.pass)} passed, ${String(counts.fail)} failed, ${String(counts.skipped)} skipped.</p>
${known.length === 0 ? '' : `<h2>Known deviations, and why</h2>\n<ul>\n${known.join('\n')}\n</ul>`}
${parts.join('\n')}
</body></html>
`;
}

function htmlRow({ section, requirement, outcome, reason, exchanges }: Result): string {
  const reasonText = reason === null ? '' : `<p class="${outcome === 'fail' ? 'reason' : 'why'}">${escape(reason)}</p>`;
  const shown = exchanges.map(
    ({ request, sent, status, answer }) =>
      `<pre>${escape(request)}${sent === null ? '' : `\n${escape(sent)}`}\n\n${String(status)}${answer === '' ? '' : `\n${escape(answer)}`}</pre>`,
  );
  return `<details class="${outcome}"${outcome === 'fail' ? ' open' : ''}><summary><span class="section">${escape(section)}</span>${escape(requirement)}</summary>${reasonText}${shown.join('')}</details>`;
}

/** Text of a stranger's server. */
function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${String(character.charCodeAt(0))};`);
}

/** docs/conformance.md. */
export function toMarkdown({ version, counts, deviations, results }: Report): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const table = (group: Group): string => {
    const rows = results.filter((result) => result.group === group);
    const lines = rows.map(
      ({ section, requirement, outcome, exchanges }) =>
        `| ${cell(section)} | ${cell(requirement)} | ${outcome} | ${String(exchanges.length)} |`,
    );
    return `## ${TITLES[group]}\n\n| Section | Requirement | Outcome | Requests |\n| --- | --- | --- | --- |\n${lines.join('\n')}\n`;
  };
  const known = deviations.map(({ section, what, why }) => `| ${cell(section)} | ${cell(what)} | ${cell(why)} |`);
  return `# Conformance

What \`elevenlabs-scim conformance\` says of a copy of the bridge with the sandbox workspace, version ${version}: ${String(counts.pass)} passed, ${String(counts.fail)} failed, ${String(counts.skipped)} skipped. The command plays the same checks against any SCIM server ([cli.md](cli.md#conformance)) and writes a report with every request and its answer. It wrote this page: \`conformance --markdown docs/conformance.md\`. Which tests stand behind each requirement is in [rfc-compliance.md](rfc-compliance.md).

## Known deviations, and why

| Section | What | Why |
| --- | --- | --- |
${known.join('\n')}

${GROUPS.map(table).join('\n')}`;
}
