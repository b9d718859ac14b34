/** docs/sdk-methods.md says nothing of the SDK, of the code or of tests that is not so. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ElevenLabsClient } from '@elevenlabs/elevenlabs-js';
import { describe, expect, it } from '@jest/globals';
import { UPSTREAM_CALLS } from '../../src/domain/upstream-calls.js';

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const page = read('docs/sdk-methods.md');

/** Cells of the table behind a marker, without its head. */
function rowsOf(marker: string): readonly (readonly string[])[] {
  const [, after = ''] = page.split(`<!-- ${marker} -->`);
  const lines = after.split('\n').slice(1);
  const begin = lines.findIndex((line) => line.startsWith('|'));
  const end = lines.findIndex((line, index) => index > begin && !line.startsWith('|'));
  const cells = (line: string): readonly string[] =>
    line
      .split(/(?<!\\)\|/u)
      .slice(1, -1)
      .map((cell) => cell.trim());
  return lines.slice(begin + 2, end).map(cells);
}

const bare = (cell: string): string => cell.replaceAll('`', '');

/** A method of `client.workspace` by its path; undefined = it is not there. */
function methodAt(dotted: string): unknown {
  const { workspace } = new ElevenLabsClient({ apiKey: 'none' });
  return dotted.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], workspace);
}

const METHODS = rowsOf('methods');

describe('what the specification names', () => {
  it('is all there', () => {
    const named = [
      ...['members.update', 'invites.create', 'invites.createBatch', 'invites.delete'],
      ...['resources.get', 'resources.share', 'resources.unshare', 'groups.search'],
      ...['groups.members.add', 'groups.members.remove'],
    ];
    const listed = METHODS.map(([method = '']) => bare(method));
    expect(listed).toEqual(expect.arrayContaining(named));
    expect(rowsOf('differences').map(([what = '']) => bare(what))).toContain('resources.copyToWorkspace');
  });

  it.each(['resources.copyToWorkspace', 'members.delete'])('%s is really gone', (method) => {
    expect(methodAt(method)).toBeUndefined();
  });
});

describe.each(METHODS.map((cells) => [bare(cells[0] ?? ''), ...cells.slice(1)]))(
  '%s',
  (method, _http, _use, source = '', test = '') => {
    it('is a method of the SDK', () => {
      expect(typeof methodAt(method)).toBe('function');
    });

    it('is called by the adapter', () => {
      const call = `client.workspace.${method}(`;
      expect(read('src/elevenlabs/sdk-gateway.ts')).toContain(call);
    });

    it('is used where the page says', () => {
      expect(existsSync(path.join(root, bare(source)))).toBe(true);
      expect(read(bare(source))).toMatch(new RegExp(`\\b(${gatewayMethods(method).join('|')})\\b`, 'u'));
    });

    it('is driven by a test of that name', () => {
      const [file = '', title = ''] = test.split(/: (.*)/su);
      expect(read(bare(file))).toContain(title.replaceAll('\\', ''));
    });
  },
);

/** The methods of the gateway which make that call. */
const gatewayMethods = (name: string): readonly string[] =>
  Object.entries(UPSTREAM_CALLS).flatMap(([method, call]) => (call === name ? [method] : []));

it('has every call that log, metrics and traces may name', () => {
  const listed = METHODS.map(([method = '']) => bare(method));
  expect(new Set(['user.get', ...listed])).toEqual(new Set(Object.values(UPSTREAM_CALLS)));
  expect(page).toContain('`user.get`');
});

it('names the version that is installed', () => {
  const { version } = JSON.parse(read('node_modules/@elevenlabs/elevenlabs-js/package.json')) as { version: string };
  expect(page).toContain(`\`@elevenlabs/elevenlabs-js\` ${version}`);
});
