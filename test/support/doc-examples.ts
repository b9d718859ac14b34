/** The command lines in the pages of docs/ and beside it: found, and read by the real command line. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommanderError, type Command } from 'commander';
import { createProgram } from '../../src/cli.js';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** All pages but the reference that is made from the commands themselves. */
export const PAGES: readonly string[] = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md'],
  ...readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && name !== 'cli.md')
    .map((name) => `docs/${name}`),
];

export const readPage = (page: string): string => readFileSync(path.join(root, page), 'utf8');

/** Lines of the code blocks of a page. */
export const blockLines = (page: string): readonly string[] =>
  [...readPage(page).matchAll(/^```\w*\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) => block.trimEnd().split('\n'));

/** Code of a page: in the text, and line by line in blocks. */
export const codeOf = (page: string): readonly string[] => [
  ...[
    ...readPage(page)
      .replace(/^```[\s\S]*?^```/gm, '')
      .matchAll(/`([^`\n]+)`/g),
  ].map(([, code = '']) => code),
  ...blockLines(page),
];

/** What stands behind `elevenlabs-scim`, without what a line says about it (two spaces, `#`) or does with the output. */
export function commandIn(code: string): string | null {
  const [, words] = /\belevenlabs-scim (\S.*)$/.exec(code) ?? [];
  return words === undefined ? null : (words.split(/ {2,}| #| > /)[0] ?? '').trim();
}

/** `users release <e-mail>` as arguments; `valueOf` says what stands for a placeholder. */
export const argumentsOf = (command: string, valueOf: (placeholder: string) => string): readonly string[] =>
  (command.match(/<[^>]+>|\S+/g) ?? []).map((word) => (word.startsWith('<') ? valueOf(word) : word));

/** Reads a command line and does nothing: null, or commander's code for what is wrong with it. */
export function problemOf(args: readonly string[]): string | null {
  const silent = { complain: () => undefined, print: () => undefined, clock: { now: () => Date.now() } };
  const program = createProgram(silent as never);
  disarm(program);
  try {
    program.parse([...args], { from: 'user' });
    return null;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? null : error.code;
  }
}

function disarm(command: Command): void {
  // `restore` does something itself, beside its `accept`.
  if (command.commands.length === 0 || command.registeredArguments.length > 0) command.action(() => undefined);
  for (const one of command.commands) disarm(one);
}

/** Names of the commands of the first level. */
export const commandNames = (): ReadonlySet<string> =>
  new Set(
    createProgram({ complain: () => undefined, print: () => undefined } as never).commands.map((one) => one.name()),
  );
