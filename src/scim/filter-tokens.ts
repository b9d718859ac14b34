/**
 * Tokens of SCIM filters and paths. One pass, each character looked at once: no regular expression
 * that could backtrack. The text is bounded before it comes here (MAX_FILTER_BYTES).
 */

export type Token =
  | { readonly kind: '(' | ')' | '[' | ']'; readonly at: number; readonly text: string }
  /** Attribute path, operator, keyword, number: whatever has no space, bracket or quote in it. */
  | { readonly kind: 'word'; readonly at: number; readonly text: string }
  /** A JSON string; `value` is what it means. */
  | { readonly kind: 'string'; readonly at: number; readonly text: string; readonly value: string }
  | { readonly kind: 'end'; readonly at: number; readonly text: string };

/** What is wrong, and where (0-based). The caller makes it the ScimError of its kind. */
export class SyntaxProblem extends Error {
  readonly at: number;

  constructor(at: number, reason: string) {
    super(reason);
    this.at = at;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACKETS = new Map<number, '(' | ')' | '[' | ']'>([
  [0x28, '('],
  [0x29, ')'],
  [0x5b, '['],
  [0x5d, ']'],
]);

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

/** Splits `text`; the last token is always `end`. */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    const bracket = BRACKETS.get(code);
    if (isSpace(code)) at += 1;
    else if (bracket !== undefined) {
      tokens.push({ kind: bracket, at, text: bracket });
      at += 1;
    } else {
      const token = code === QUOTE ? readString(text, at) : readWord(text, at);
      const previous = tokens.at(-1);
      if (
        previous !== undefined &&
        (previous.kind === 'word' || previous.kind === 'string') &&
        previous.at + previous.text.length === at
      ) {
        throw new SyntaxProblem(at, 'a space is missing here');
      }
      tokens.push(token);
      at += token.text.length;
    }
  }
  tokens.push({ kind: 'end', at: text.length, text: '' });
  return tokens;
}

function readWord(text: string, start: number): Token {
  let end = start;
  while (end < text.length) {
    const code = text.charCodeAt(end);
    if (isSpace(code) || code === QUOTE || BRACKETS.has(code)) break;
    end += 1;
  }
  return { kind: 'word', at: start, text: text.slice(start, end) };
}

function readString(text: string, start: number): Token {
  let end = start + 1;
  for (;;) {
    if (end >= text.length) throw new SyntaxProblem(start, 'the string has no closing quote');
    const code = text.charCodeAt(end);
    if (code === QUOTE) break;
    end += code === BACKSLASH ? 2 : 1;
  }
  const raw = text.slice(start, end + 1);
  return { kind: 'string', at: start, text: raw, value: unescape(raw, start) };
}

/** RFC 7644 3.4.2.2: values are JSON strings. Text that no store can keep whole is refused. */
function unescape(raw: string, at: number): string {
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch {
    throw new SyntaxProblem(at, 'the string has a control character or an escape that JSON does not know');
  }
  if (typeof value !== 'string' || value.includes('\0') || /\p{Surrogate}/u.test(value)) {
    throw new SyntaxProblem(at, 'the string has a NUL or half a surrogate pair');
  }
  return value;
}
