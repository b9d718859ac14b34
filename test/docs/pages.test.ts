/** The pages in docs/ say what is there: error texts, alerts, files, commands, variables. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { VARIABLE_NAMES } from '../../src/config-variables.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md'].filter((file) =>
    existsSync(path.join(root, file)),
  ),
  ...readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** Inline code of a page. */
const codeIn = (file: string): readonly string[] =>
  [
    ...read(file)
      .replace(/^```[\s\S]*?^```/gm, '')
      .matchAll(/`([^`\n]+)`/g),
  ].map(([, code = '']) => code);

/** Every text of the sources as a reader sees it: literals that are joined are one, values are `…`. */
function textsOfSources(): string {
  const files = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' }).map((name) => `src/${name}`);
  return [...files, 'scripts/prepare.mjs']
    .filter((name) => /\.(ts|mjs)$/.test(name))
    .map((name) =>
      read(name)
        .replace(/(['"`])\s*\+\s*(['"`])/g, '')
        .replace(/\\(['"`])/g, '$1'),
    )
    .join('\n');
}

describe('docs/troubleshooting.md', () => {
  const rows = [...read('docs/troubleshooting.md').matchAll(/^\| `([^`\n]+)`/gm)].map(([, text = '']) => text);
  const sources = textsOfSources();

  it('has texts', () => {
    expect(rows.length).toBeGreaterThan(60);
  });

  it.each(rows)('quotes a text that the bridge writes: %s', (text) => {
    const missing = text
      .split('…')
      .map((part) => part.trim())
      .filter((part) => part.length > 3 && !sources.includes(part));
    expect(missing).toEqual([]);
  });
});

describe('docs/operations/runbook.md', () => {
  it('has an entry for each alert, and no other', () => {
    const { groups } = parse(read('docs/operations/alerts.yaml')) as { groups: { rules: { alert: string }[] }[] };
    const alerts = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
    const entries = [...read('docs/operations/runbook.md').matchAll(/^## (.+)$/gm)].map(([, name]) => name);
    expect(entries).toEqual(alerts);
  });
});

/** Variables that tests and scripts read, for those who work on the bridge. */
const variablesOfTests = ['test', 'scripts'].flatMap((folder) =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|mjs)$/.test(name))
    .flatMap((name) => [...read(`${folder}/${name}`).matchAll(/process\.env(?:\.|\[')([A-Z_]+)/g)])
    .map(([, name = '']) => name),
);

describe.each(pages)('%s', (file) => {
  it('names files that exist', () => {
    const names = codeIn(file).filter((code) => /^(src|test|docs|docker|scripts|migrations)\/[\w./*-]*$/.test(code));
    const gone = names.filter((name) => !name.includes('*') && !existsSync(path.join(root, name)));
    // Secrets and settings are the operator's own.
    expect(gone.filter((name) => !/^docker\/(secrets\/|\.env$)/.test(name))).toEqual([]);
  });

  it('names variables that exist', () => {
    const known = new Set<string>([
      ...VARIABLE_NAMES.flatMap((name) => [name, `${name}_FILE`]),
      ...(file === 'CONTRIBUTING.md' ? variablesOfTests : []),
    ]);
    const names = codeIn(file).flatMap((code) => /^([A-Z]+(?:_[A-Z]+)+)(?:=\S*)?$/.exec(code)?.[1] ?? []);
    // Those of a kit are in its own files.
    const ofKits = file.startsWith('docs/deploy/') ? ['BRIDGE_IMAGE', 'CADDY_IMAGE'] : [];
    const foreign = new Set(['NO_COLOR', 'NAME_FILE', ...ofKits]);
    expect(names.filter((name) => !known.has(name) && !foreign.has(name))).toEqual([]);
  });
});
