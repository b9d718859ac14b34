/**
 * SCIM filters (RFC 7644 3.4.2.2): recursive descent over tokens, no token is looked at twice.
 *
 *   or    = and *("or" and)              and = unary *("and" unary)
 *   unary = "not" group / group / term   group = "(" or ")"
 *   term  = path "pr" / path op value / path "[" or "]" ["." name ("pr" / op value)]
 *
 * The last form is Microsoft's: `emails[type eq "work"].value eq "x"` means one element that has
 * both. Names are resolved here, so an unknown attribute is an error with its position, and no
 * text of the client goes any further than into `value`s.
 */
import { findSub, resolvePath } from '../domain/attribute-lookup.js';
import type { AttributePath, Filter } from '../domain/filter.js';
import type { ResourceType } from '../domain/schema.js';
import { USER } from '../domain/user-schema.js';
import { invalidFilter, invalidPath, type ScimError } from '../errors.js';
import { comparable, compareOp, compareTerm } from './filter-terms.js';
import { SyntaxProblem, tokenize, type Token } from './filter-tokens.js';
import { shorten } from './shorten.js';

export const MAX_FILTER_BYTES = 8192;
export const MAX_FILTER_DEPTH = 32;
export const MAX_FILTER_TERMS = 100;

/** Names a value that no answer may show. */
const SECRET = new RegExp(
  USER.core.attributes.flatMap(({ name, returned }) => (returned === 'never' ? [name] : [])).join('|'),
  'i',
);

/** Parses a filter on resources of a type; ScimError `invalidFilter` with position and reason. */
export function parseFilter(text: string, type: ResourceType): Filter {
  return reporting(text, invalidFilter, 'filter', () => {
    const parser = new FilterParser(tokenize(text), (name) => resolvePath(name, type), type.name);
    const filter = parser.or();
    parser.expectEnd();
    return filter;
  });
}

/** Parses the path of an attribute, as in `sortBy`. A complex attribute stands for its `value`. */
export function parseAttributePath(text: string, type: ResourceType): AttributePath {
  return reporting(text, invalidPath, 'attribute path', () => {
    const path = resolvePath(text.trim(), type);
    if (path === null) throw new SyntaxProblem(0, `${type.name} has no attribute ${shorten(text)}`);
    if (path.attributes.at(-1)?.returned === 'never') throw new SyntaxProblem(0, `${shorten(text)} is never returned`);
    const target = comparable(path);
    if (target.attributes.at(-1)?.type === 'complex')
      throw new SyntaxProblem(0, `${shorten(text)} is complex: name one of its sub-attributes`);
    return target;
  });
}

/** Runs a parser over `text` within the size limit; what is wrong becomes the given ScimError. */
export function reporting<T>(text: string, error: (detail: string) => ScimError, what: string, parse: () => T): T {
  if (Buffer.byteLength(text) > MAX_FILTER_BYTES)
    throw error(`The ${what} is longer than ${String(MAX_FILTER_BYTES)} bytes.`);
  try {
    return parse();
  } catch (problem) {
    if (!(problem instanceof SyntaxProblem)) throw problem;
    // What is refused is remembered and shown to administrators: never with a password in it.
    const quoted = SECRET.test(text) ? '' : ` ${shorten(text)}`;
    throw error(`The ${what}${quoted} is not valid: at position ${String(problem.at + 1)}, ${problem.message}.`);
  }
}

/** Has a lifetime: the position in the tokens, and what was spent of the limits. */
export class FilterParser {
  #next = 0;
  #depth = 0;
  #terms = 0;
  readonly #tokens: readonly Token[];
  #resolve: (name: string) => AttributePath | null;
  #owner: string;

  constructor(tokens: readonly Token[], resolve: (name: string) => AttributePath | null, owner: string) {
    this.#tokens = tokens;
    this.#resolve = resolve;
    this.#owner = owner;
  }

  or(): Filter {
    return this.#chain('or', () => this.#chain('and', () => this.#unary()));
  }

  expectEnd(): void {
    const token = this.#peek();
    if (token.kind !== 'end') throw new SyntaxProblem(token.at, `${shorten(token.text)} is not expected here`);
  }

  /** `[` filter `]` over the elements of `path`; the opening bracket is the next token. */
  elements(path: AttributePath, at: number): Filter {
    const last = path.attributes.at(-1);
    if (last?.type !== 'complex')
      throw new SyntaxProblem(at, `${last?.name ?? 'it'} has no sub-attributes to filter by`);
    const [resolve, owner] = [this.#resolve, this.#owner];
    const root: AttributePath = { keys: [], attributes: [last] };
    this.#resolve = (name) => {
      const found = findSub(root, name);
      return found === null ? null : { keys: found.keys, attributes: found.attributes.slice(1) };
    };
    this.#owner = last.name;
    this.#next += 1;
    const node = this.#nested(() => this.or());
    const close = this.#take();
    if (close.kind !== ']') throw new SyntaxProblem(close.at, '] is missing');
    this.#resolve = resolve;
    this.#owner = owner;
    return node;
  }

  /** The word directly after a bracket: `.value`. */
  subName(): string | null {
    const token = this.#peek();
    if (token.kind !== 'word' || !token.text.startsWith('.') || this.#tokens[this.#next - 1]?.at !== token.at - 1)
      return null;
    this.#next += 1;
    return token.text.slice(1);
  }

  #chain(kind: 'and' | 'or', operand: () => Filter): Filter {
    const first = operand();
    const nodes = [first];
    while (this.#isWord(kind)) {
      this.#next += 1;
      nodes.push(operand());
    }
    return nodes.length === 1 ? first : { kind, nodes };
  }

  #unary(): Filter {
    if (this.#isWord('not')) {
      this.#next += 1;
      if (this.#peek().kind !== '(') throw new SyntaxProblem(this.#peek().at, '( is missing after not');
      return { kind: 'not', node: this.#group() };
    }
    return this.#peek().kind === '(' ? this.#group() : this.#term();
  }

  #group(): Filter {
    this.#next += 1;
    const node = this.#nested(() => this.or());
    const close = this.#take();
    if (close.kind !== ')') throw new SyntaxProblem(close.at, ') is missing');
    return node;
  }

  #term(): Filter {
    const token = this.#take();
    if (token.kind !== 'word') throw new SyntaxProblem(token.at, 'an attribute is missing');
    const path = this.#resolve(token.text);
    if (path === null) throw new SyntaxProblem(token.at, `${this.#owner} has no attribute ${shorten(token.text)}`);
    if (path.attributes.some((step) => step.returned === 'never'))
      throw new SyntaxProblem(token.at, `${token.text} is never returned and cannot be filtered by`);
    if (this.#peek().kind !== '[') return this.#condition(path);
    const bracket = this.#peek().at;
    const node = this.elements(path, bracket);
    const at = this.#peek().at;
    const name = this.subName();
    if (name === null) return { kind: 'element', path, node };
    const sub = findSub({ keys: [], attributes: path.attributes.slice(-1) }, name);
    if (sub === null)
      throw new SyntaxProblem(at, `${path.attributes.at(-1)?.name ?? ''} has no sub-attribute ${shorten(name)}`);
    const condition = this.#condition({ keys: sub.keys, attributes: sub.attributes.slice(1) });
    return { kind: 'element', path, node: { kind: 'and', nodes: [node, condition] } };
  }

  #condition(path: AttributePath): Filter {
    this.#terms += 1;
    const token = this.#take();
    if (this.#terms > MAX_FILTER_TERMS)
      throw new SyntaxProblem(token.at, `more than ${String(MAX_FILTER_TERMS)} comparisons`);
    if (token.kind !== 'word') throw new SyntaxProblem(token.at, 'an operator is missing');
    if (token.text.toLowerCase() === 'pr') return { kind: 'present', path };
    const op = compareOp(token.text);
    if (op === null) throw new SyntaxProblem(token.at, `${shorten(token.text)} is no operator`);
    const literal = this.#take();
    if (literal.kind !== 'word' && literal.kind !== 'string') throw new SyntaxProblem(literal.at, 'a value is missing');
    return compareTerm(path, op, token.at, literal);
  }

  #nested(parse: () => Filter): Filter {
    this.#depth += 1;
    if (this.#depth > MAX_FILTER_DEPTH)
      throw new SyntaxProblem(this.#peek().at, `nested deeper than ${String(MAX_FILTER_DEPTH)}`);
    const node = parse();
    this.#depth -= 1;
    return node;
  }

  #isWord(word: string): boolean {
    const token = this.#peek();
    return token.kind === 'word' && token.text.toLowerCase() === word;
  }

  #peek(): Token {
    const token = this.#tokens[this.#next];
    if (token === undefined) throw new SyntaxProblem(0, 'the end is missing');
    return token;
  }

  /** The end is never consumed, so reading on past it stays an error with a position. */
  #take(): Token {
    const token = this.#peek();
    if (token.kind !== 'end') this.#next += 1;
    return token;
  }
}
