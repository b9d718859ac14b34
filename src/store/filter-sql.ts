/**
 * Filters and sort orders as SQL. Invariants:
 * - Selects exactly the rows whose rendered resources `matches` (domain/match.ts) accepts; a
 *   property test holds the two together.
 * - What stands in the SQL comes from the tables of this program: columns, attribute names of the
 *   schema. Whatever a client wrote is a bound parameter.
 * - Conditions are true, or not: NULL counts as false everywhere, and negation is `IS NOT TRUE`.
 * - Equality with an indexed column stays a bare `column = ?`, and relations become `seq IN
 *   (SELECT …)`, so that SQLite can start from the index.
 *
 * The caller adds `u.deleted_at IS NULL` for users.
 */
import type { AttributePath, CompareOp, Filter, FilterValue } from '../domain/filter.js';
import { fold } from '../domain/fold.js';
import { parseInstant } from '../domain/instant.js';
import { isFalseWhenMissing, matches } from '../domain/match.js';
import type { Attribute } from '../domain/schema.js';
import {
  ALIAS,
  COLUMNS,
  CONSTANT_SCHEMAS,
  EMAILS,
  RELATED,
  STORED_SCHEMAS,
  type Constant,
  type Related,
  type Scalar,
  type TypeName,
} from './filter-columns.js';

export interface CompiledFilter {
  /** A condition, in parentheses where it needs them. */
  readonly sql: string;
  readonly params: readonly (string | number | null)[];
}

type Param = string | number;
type Compare = Extract<Filter, { kind: 'compare' }>;
type Leaf = Compare | Extract<Filter, { kind: 'present' }>;

const TRUE: CompiledFilter = { sql: '1', params: [] };
const FALSE: CompiledFilter = { sql: '0', params: [] };

/**
 * Compiles a filter. `base` is the URL of the SCIM root, as given to the renderer: `meta.location`
 * and `$ref` begin with it.
 */
export function compileFilter(filter: Filter, type: TypeName, base = ''): CompiledFilter {
  return new Compiler(type, base).compile(filter, rowScope(type));
}

/** Where the paths of a filter lead: from a row, or from an element of it. */
interface Scope {
  scalar(path: AttributePath): Scalar | Constant;
  /** Compiles something about the elements at a path; null: the path holds none, it is a scalar here. */
  elements(path: AttributePath, node: Filter | null, compiler: Compiler): CompiledFilter | null;
}

/** Has a lifetime: one compilation. */
class Compiler {
  readonly type: TypeName;
  readonly #base: string;

  constructor(type: TypeName, base: string) {
    this.type = type;
    this.#base = base;
  }

  compile(filter: Filter, scope: Scope): CompiledFilter {
    switch (filter.kind) {
      case 'and':
      case 'or':
        return join(
          filter.nodes.map((node) => this.compile(node, scope)),
          filter.kind === 'and' ? ' AND ' : ' OR ',
        );
      case 'not':
        return negate(this.compile(filter.node, scope));
      case 'element':
        return scope.elements(filter.path, filter.node, this) ?? FALSE;
      case 'present':
        return this.#leaf(filter, scope);
      case 'compare': {
        if (filter.value === null) {
          const present = this.#leaf({ kind: 'present', path: filter.path }, scope);
          return filter.op === 'ne' ? present : negate(present);
        }
        return filter.op === 'ne' ? this.#differs(filter, scope) : this.#leaf(filter, scope);
      }
    }
  }

  /** `ne`, as in domain/match.ts: some element differs, or there is none; a single value is not equal. */
  #differs(filter: Compare, scope: Scope): CompiledFilter {
    const [top] = filter.path.attributes;
    if (filter.path.keys[0] === 'schemas') return this.#leaf(filter, scope);
    if (top?.type !== 'complex' || !top.multiValued || filter.path.attributes.length < 2)
      return negate(this.#leaf({ ...filter, op: 'eq' }, scope));
    const path: AttributePath = { keys: filter.path.keys.slice(0, -1), attributes: [top] };
    const none = negate(scope.elements(path, null, this) ?? FALSE);
    return join([this.#leaf(filter, scope), none], ' OR ');
  }

  /** A comparison or `pr`: of some element of a multi-valued attribute, or of the value itself. */
  #leaf(leaf: Leaf, scope: Scope): CompiledFilter {
    const { keys, attributes } = leaf.path;
    const [top, sub] = attributes;
    if (top === undefined) return FALSE;
    if (keys[0] === 'schemas') return this.#schemas(leaf);
    if (top.type === 'complex') {
      const path = sub === undefined ? leaf.path : { keys: keys.slice(0, -1), attributes: [top] };
      const inner: Filter | null =
        sub === undefined ? null : { ...leaf, path: { keys: [sub.name], attributes: [sub] } };
      if (sub === undefined || top.multiValued) return scope.elements(path, inner, this) ?? FALSE;
    }
    // Within an element: the comparison of that one alone.
    if (leaf.kind === 'compare' && leaf.op === 'ne') return this.#differs(leaf, scope);
    const source = scope.scalar(leaf.path);
    if (source.kind === 'constant') return isConstantTrue(leaf, source) ? TRUE : FALSE;
    return leaf.kind === 'present' ? present(source) : this.#compare(source, leaf);
  }

  #compare(source: Scalar, { path, op, value }: Compare): CompiledFilter {
    const attribute = path.attributes.at(-1);
    if (attribute === undefined || value === null) return FALSE;
    if (typeof value !== 'string') {
      const sql = isFalseWhenMissing(attribute) ? `COALESCE(${source.sql}, 0)` : source.sql;
      return relation(sql, op, Number(value));
    }
    if (attribute.type === 'dateTime') {
      const instant = parseInstant(value);
      const sql = source.form === 'instant' ? source.sql : `scim_instant(${source.sql})`;
      return instant === null ? FALSE : relation(sql, op, instant);
    }
    if (source.prefix !== undefined) return this.#comparePrefixed(source, attribute, op, value);
    return compareText(textOf(source, attribute), op, attribute.caseExact ? value : fold(value));
  }

  /** URIs are made from ids. Equality looks for the id, which has an index. */
  #comparePrefixed(source: Scalar, attribute: Attribute, op: CompareOp, value: string): CompiledFilter {
    const prefix = `${this.#base}${source.prefix ?? ''}`;
    if (op === 'eq')
      return value.startsWith(prefix) ? compareText(textOf(source, attribute), op, value.slice(prefix.length)) : FALSE;
    return compareText({ sql: `(? || ${source.sql})`, params: [prefix] }, op, value);
  }

  /** Which schemas a resource shows follows from its document; their names are known here. */
  #schemas(leaf: Leaf): CompiledFilter {
    const shown = (urn: string): boolean => matches(leaf, { schemas: [urn] });
    if (CONSTANT_SCHEMAS[this.type].some(shown)) return TRUE;
    const stored = STORED_SCHEMAS[this.type].filter(shown);
    return stored.length === 0
      ? FALSE
      : join(
          stored.map((urn) => ({ sql: `${jsonType(this.type, [urn])} IS NOT NULL`, params: [] })),
          ' OR ',
        );
  }
}

function isConstantTrue(leaf: Leaf, { value }: Constant): boolean {
  const name = leaf.path.keys.at(-1) ?? '';
  return matches({ ...leaf, path: { keys: [name], attributes: leaf.path.attributes.slice(-1) } }, { [name]: value });
}

/** Paths from the row: columns and relations first, then the document. */
function rowScope(type: TypeName): Scope {
  const row = ALIAS[type];
  return {
    scalar: ({ keys, attributes }) =>
      COLUMNS[type].get(keys.join('.')) ?? fromJson(`${row}.document`, keys, attributes),
    elements(path, node, compiler) {
      const [name = ''] = path.keys;
      const related = RELATED[type].get(name);
      if (related !== undefined) return inRelation(related, node, compiler);
      if (type === 'User' && name === 'emails' && canUseEmails(node)) return inRelation(EMAILS, node, compiler);
      const attribute = path.attributes.at(-1);
      if (attribute?.multiValued === true) return inJson(`${row}.document`, path.keys, node, compiler);
      // A single complex attribute counts as one element, present or not.
      const exists = name === 'meta' ? TRUE : { sql: `${jsonType(type, path.keys)} IS NOT NULL`, params: [] };
      return node === null ? exists : join([exists, compiler.compile(node, within(this, path))], ' AND ');
    },
  };
}

/** Paths inside a single complex attribute, as paths from the row. */
function within(scope: Scope, { keys, attributes }: AttributePath): Scope {
  const widen = (path: AttributePath): AttributePath => ({
    keys: [...keys, ...path.keys],
    attributes: [...attributes, ...path.attributes],
  });
  return { scalar: (path) => scope.scalar(widen(path)), elements: () => null };
}

function inRelation({ owner, key, from, columns }: Related, node: Filter | null, compiler: Compiler): CompiledFilter {
  const scope: Scope = {
    scalar: ({ keys }) => columns.get(keys[0] ?? '') ?? { kind: 'constant', value: '' },
    elements: () => null,
  };
  const where = node === null ? TRUE : compiler.compile(node, scope);
  return { sql: `${owner} IN (SELECT ${key} FROM ${from} WHERE ${where.sql})`, params: where.params };
}

/** Elements of a list in a document. */
function inJson(document: string, keys: readonly string[], node: Filter | null, compiler: Compiler): CompiledFilter {
  const scope: Scope = { scalar: (path) => fromJson('j.value', path.keys, path.attributes), elements: () => null };
  const where = node === null ? TRUE : compiler.compile(node, scope);
  return {
    sql: `EXISTS (SELECT 1 FROM json_each(${document}, ${jsonPath(keys)}) AS j WHERE ${where.sql})`,
    params: where.params,
  };
}

/** Whether the table of e-mails knows everything that the filter on an element asks. */
function canUseEmails(node: Filter | null): boolean {
  if (node === null) return true;
  switch (node.kind) {
    case 'and':
    case 'or':
      return node.nodes.every(canUseEmails);
    case 'not':
      return canUseEmails(node.node);
    case 'element':
      return false;
    case 'present':
    case 'compare': {
      const name = node.path.keys[0];
      if (name === 'value' || name === 'type') return true;
      return name === 'primary' && node.kind === 'compare' && typeof node.value === 'boolean';
    }
  }
}

function fromJson(document: string, keys: readonly string[], attributes: readonly Attribute[]): Scalar {
  const type = attributes.at(-1)?.type;
  const form = type === 'boolean' || type === 'integer' || type === 'decimal' ? 'number' : 'text';
  return { kind: 'scalar', sql: `json_extract(${document}, ${jsonPath(keys)})`, form };
}

function jsonType(type: TypeName, keys: readonly string[]): string {
  return `json_type(${ALIAS[type]}.document, ${jsonPath(keys)})`;
}

/** Keys are names of the schema tables, none of which has a quote in it. */
function jsonPath(keys: readonly string[]): string {
  return `'$${keys.map((key) => `."${key}"`).join('')}'`;
}

function present({ sql, form }: Scalar): CompiledFilter {
  return { sql: form === 'text' || form === 'key' ? `${sql} <> ''` : `${sql} IS NOT NULL`, params: [] };
}

function textOf({ sql, form }: Scalar, attribute: Attribute): CompiledFilter {
  return { sql: attribute.caseExact || form === 'key' ? sql : `scim_fold(${sql})`, params: [] };
}

/** Compares text with what was folded already where need be. */
function compareText(left: CompiledFilter, op: CompareOp, value: string): CompiledFilter {
  const length = Array.from(value).length;
  const of = (sql: string, ...params: readonly Param[]): CompiledFilter => ({
    sql,
    params: [...left.params, ...params],
  });
  switch (op) {
    case 'co':
      return of(`instr(${left.sql}, ?) > 0`, value);
    case 'sw': {
      const end = COLUMN.test(left.sql) ? afterPrefix(value) : null;
      return end === null
        ? of(`substr(${left.sql}, 1, ${String(length)}) = ?`, value)
        : of(`(${left.sql} >= ? AND ${left.sql} < ?)`, value, end);
    }
    case 'ew':
      return length === 0 ? of(`${left.sql} IS NOT NULL`) : of(`substr(${left.sql}, -${String(length)}) = ?`, value);
    case 'eq':
    case 'ne':
    case 'gt':
    case 'ge':
    case 'lt':
    case 'le':
      return of(`${left.sql} ${OPERATORS[op]} ?`, value);
  }
}

const COLUMN = /^[a-z]{1,2}[.][a-z_]+$/;

/** The least text greater than every text with the prefix, in the order of code points; null = none. */
function afterPrefix(prefix: string): string | null {
  const points = Array.from(prefix);
  const last = points.pop()?.codePointAt(0);
  if (last === undefined || last >= 0x10ffff) return null;
  // Surrogates are no code points of their own.
  return points.join('') + String.fromCodePoint(last === 0xd7ff ? 0xe000 : last + 1);
}

const OPERATORS = {
  eq: '=',
  ne: '<>',
  gt: '>',
  ge: '>=',
  lt: '<',
  le: '<=',
  co: '=',
  sw: '=',
  ew: '=',
} as const satisfies Record<CompareOp, string>;

function relation(sql: string, op: CompareOp, value: FilterValue): CompiledFilter {
  return { sql: `${sql} ${OPERATORS[op]} ?`, params: [Number(value)] };
}

function negate(filter: CompiledFilter): CompiledFilter {
  return { sql: `((${filter.sql}) IS NOT TRUE)`, params: filter.params };
}

function join(filters: readonly CompiledFilter[], by: ' AND ' | ' OR '): CompiledFilter {
  const [only] = filters;
  if (filters.length === 1 && only !== undefined) return only;
  return { sql: `(${filters.map(({ sql }) => sql).join(by)})`, params: filters.flatMap(({ params }) => params) };
}
