/** Commands, scripts and variables as the pages write them: each would be understood. */
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config.js';
import {
  argumentsOf,
  blockLines,
  codeOf,
  commandIn,
  commandNames,
  PAGES,
  problemOf,
  readPage,
} from '../support/doc-examples.js';

const VALUE = 'zoe@acme.example';
/** Words that are named without what belongs behind them. */
const UNFINISHED: readonly (string | null)[] = [
  'commander.missingArgument',
  'commander.missingMandatoryOptionValue',
  'commander.optionMissingArgument',
  'commander.help',
];
const names = commandNames();

/** `token create entra`, or what stands behind `elevenlabs-scim`; null: no command. */
function commandOf(code: string): string | null {
  const named = commandIn(code);
  if (named !== null) return named === '<command>' ? null : named;
  return /^[a-z-]+( [^=|]+)?$/.test(code) && names.has(code.split(' ')[0] ?? '') ? code : null;
}

const problem = (command: string): string | null => problemOf(argumentsOf(command, () => VALUE));

describe('a command line in a page', () => {
  it.each(PAGES)('is understood: %s', (page) => {
    const commands = codeOf(page).flatMap((code) => commandOf(code) ?? []);
    const wrong = commands.filter((command) => !UNFINISHED.includes(problem(command)) && problem(command) !== null);
    expect(wrong).toEqual([]);
  });

  it('is found', () => {
    expect(PAGES.flatMap((page) => codeOf(page).flatMap((code) => commandOf(code) ?? [])).length).toBeGreaterThan(150);
  });

  it('would be noticed with a wrong name, option, value or argument', () => {
    expect(
      ['held list', 'held lst', 'held list --all', 'token rotate okta --overlap 7', 'sync now'].map(problem),
    ).toEqual([
      null,
      'commander.unknownCommand',
      'commander.unknownOption',
      'commander.invalidArgument',
      'commander.excessArguments',
    ]);
  });
});

/** Commands of npm itself. */
const OF_NPM = ['ci', 'install', 'pack'];

describe('a script in a page', () => {
  const { scripts } = JSON.parse(readPage('package.json')) as { readonly scripts: Readonly<Record<string, string>> };

  it.each(PAGES)('is there: %s', (page) => {
    const named = codeOf(page).flatMap((code) =>
      [...code.matchAll(/\bnpm (?:run )?([a-z][a-z:-]*)/g)].map(([, name]) => name),
    );
    expect(named.filter((name) => scripts[name ?? ''] === undefined && !OF_NPM.includes(name ?? ''))).toEqual([]);
  });
});

describe('a line for Docker', () => {
  const { services } = parse(readPage('docker/compose.yaml')) as {
    readonly services: Readonly<Record<string, { readonly volumes: readonly string[] }>>;
  };
  const lines = PAGES.flatMap(codeOf).filter((code) => code.startsWith('docker compose '));

  it.each(lines)('names the file, a service and a folder that keeps what is put there: %s', (line) => {
    expect(line).toMatch(
      /^docker compose -f (?:docker|deploy\/compose)\/compose\.yaml (up -d|stop|(exec|run --rm|kill -s HUP) bridge\b.*|cp bridge:\S+ \.)$/,
    );
    expect(services['bridge']?.volumes).toEqual(['data:/data']);
    expect(line.match(/(?<=[ :])\/\S+/g)?.every((file) => file.startsWith('/data/')) ?? true).toBe(true);
  });

  it('is there', () => {
    expect(lines.length).toBeGreaterThan(5);
  });
});

describe('a line that starts the bridge', () => {
  const lines = PAGES.flatMap(blockLines).filter((line) => /^[A-Z_]+=.* npm start$/.test(line));

  it('is there', () => {
    expect(lines).toHaveLength(1);
  });

  it.each(lines)('sets variables that fit together: %s', (line) => {
    const given = Object.fromEntries(
      [...line.matchAll(/([A-Z_]+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
    );
    expect(loadConfig(given, () => 'sk_key')).toMatchObject({ ok: true, warnings: [] });
  });
});
