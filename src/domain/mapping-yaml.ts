/**
 * The YAML side of the mapping file: text -> plain data, and the line of every key in it.
 *
 * The file is written by the operator, but it may be generated from elsewhere: nothing in it may
 * cost more than milliseconds. The parser takes exponential time for deeply nested input and
 * follows aliases without end, so depth, size and aliases are bounded before it is asked.
 */
import { isAlias, isMap, isNode, isScalar, isSeq, Lexer, LineCounter, parseDocument, visit } from 'yaml';
import type { Alias, Document, Node } from 'yaml';

/** What is wrong where. `line` counts from 1; `key` is '' for the file as a whole. */
export interface MappingProblem {
  readonly line: number;
  readonly key: string;
  readonly message: string;
}

export type KeyPath = readonly (string | number)[];

export interface MappingData {
  readonly data: unknown;
  /** The line of a key or list item; of the nearest one above it that exists. */
  readonly lineOf: (path: KeyPath) => number;
}

export const MAX_MAPPING_BYTES = 256 * 1024;
const MAX_DEPTH = 16;
const MAX_ALIASES = 100;

/** Reads the text as one YAML document. */
export function readMappingYaml(text: string): MappingData | { readonly problems: readonly MappingProblem[] } {
  const whole = (message: string, line = 1) => ({ problems: [{ line, key: '', message }] });
  if (Buffer.byteLength(text) > MAX_MAPPING_BYTES) {
    return whole(`the file is larger than ${String(MAX_MAPPING_BYTES / 1024)} KiB`);
  }
  const tooDeep = lineTooDeep(text);
  if (tooDeep !== null)
    return whole(`nested more than ${String(MAX_DEPTH)} levels deep, or a complex key ("? ")`, tooDeep);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const lineAt = (offset: number): number => lines.linePos(offset).line;
  const problems = [...document.errors, ...document.warnings].map(({ code, message, pos }) => ({
    line: lineAt(pos[0]),
    key: '',
    message:
      code === 'DUPLICATE_KEY' ? `the key ${keyAt(text, pos[0])} occurs twice` : describeYamlError(code, message),
  }));
  if (problems.length === 0) problems.push(...forbiddenParts(document, lineAt));
  if (problems.length > 0) return { problems };
  const data: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
  return { data, lineOf: (path) => lineOf(document, path, lineAt) };
}

/** The first line that nests too deep; null = none. The lexer takes linear time and never recurses. */
function lineTooDeep(text: string): number | null {
  let line = 1;
  let brackets = 0;
  let indicators = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') brackets += 1;
    else if (token === ']' || token === '}') brackets -= 1;
    else if (token === '-' || token === ':') indicators += 1;
    // Complex keys nest as well, and no key here is anything but a text.
    else if (token === '?') return line;
    // Each level of a block has at least one more blank of indentation.
    else if (/^ +$/.test(token) && token.length > MAX_DEPTH * 8) return line;
    if (brackets > MAX_DEPTH || (brackets === 0 && indicators > MAX_DEPTH)) return line;
    for (let at = token.indexOf('\n'); at >= 0; at = token.indexOf('\n', at + 1)) {
      line += 1;
      indicators = 0;
    }
  }
  return null;
}

/** Aliases that multiply, and the one key that plain objects treat in their own way. */
function forbiddenParts(document: Document, lineAt: (offset: number) => number): MappingProblem[] {
  const problems: MappingProblem[] = [];
  let aliases = 0;
  visit(document, {
    Alias: (_, node) => {
      aliases += 1;
      if (node.resolve(document) === undefined) {
        const line = lineAt(node.range?.[0] ?? 0);
        problems.push({
          line,
          key: '',
          message: `"*${node.source}" must be in quotes, or it stands for the value after "&${node.source}", which does not exist`,
        });
      }
      if (aliases === MAX_ALIASES + 1) {
        const line = lineAt(node.range?.[0] ?? 0);
        problems.push({ line, key: '', message: `more than ${String(MAX_ALIASES)} aliases ("*name")` });
      }
    },
    Node: (_, node) => {
      // An alias of an anchor in an anchored value multiplies with every level; an alias in itself never ends.
      if (isAlias(node) || node.anchor === undefined) return;
      if (!containsAlias(node)) return;
      const line = lineAt(node.range?.[0] ?? 0);
      problems.push({ line, key: '', message: `the anchor "&${node.anchor}" contains an alias` });
    },
    Pair: (_, pair) => {
      if (isScalar(pair.key) && pair.key.value === '__proto__') {
        problems.push({
          line: lineAt(pair.key.range?.[0] ?? 0),
          key: '__proto__',
          message: 'this name cannot be used',
        });
      }
    },
  });
  return problems;
}

function containsAlias(node: Node): boolean {
  const found: Alias[] = [];
  visit(node, {
    Alias: (_, alias) => {
      found.push(alias);
      return visit.BREAK;
    },
  });
  return found.length > 0;
}

function lineOf(document: Document, path: KeyPath, lineAt: (offset: number) => number): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (pair === undefined) break;
      offset = isNode(pair.key) ? (pair.key.range?.[0] ?? offset) : offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item = node.items[Number(step)];
      if (!isNode(item)) break;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else break;
  }
  return lineAt(offset);
}

function describeYamlError(code: string, message: string): string {
  switch (code) {
    case 'MULTIPLE_DOCS':
      return 'the file holds more than one document ("---"); only one is read';
    case 'NON_STRING_KEY':
      return 'this key is not a text; put it into quotes';
    case 'BAD_SCALAR_START':
    case 'BAD_ALIAS':
      return `${message}. Texts that begin with "*", "@", "&" or "!" must be quoted: "*@example.com"`;
    default:
      return message;
  }
}

function keyAt(text: string, offset: number): string {
  const [key = ''] = /^(?:"[^"]*"|'[^']*'|[^:\n]*)/.exec(text.slice(offset, offset + 80)) ?? [];
  return JSON.stringify(key.replace(/^(["'])(.*)\1$/, '$2').trim());
}
