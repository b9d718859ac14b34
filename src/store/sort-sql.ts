/**
 * `sortBy` as SQL (RFC 7644 3.4.2.3): by the case rule of the attribute, resources without a value
 * last when ascending and first when descending, ties in the order of creation. A multi-valued
 * attribute sorts by its primary value, else by its first.
 */
import type { AttributePath } from '../domain/filter.js';
import type { Attribute } from '../domain/schema.js';
import { ALIAS, COLUMNS, RELATED, type Related, type TypeName } from './filter-columns.js';

/** Columns that are never NULL keep their index only without `NULLS LAST`. */
const NOT_NULL = new Set([
  'u.user_name_key',
  'g.display_name_key',
  'u.id',
  'g.id',
  'u.created_at',
  'g.created_at',
  'u.modified_at',
  'g.modified_at',
  'u.active',
]);

/** The terms of an ORDER BY, without the words. No text of the client is in it. */
export function compileSort(
  path: AttributePath,
  order: 'ascending' | 'descending',
  type: TypeName,
): { readonly sql: string } {
  const row = ALIAS[type];
  const expression = sortExpression(path, type);
  const [direction, nulls] = order === 'ascending' ? ['ASC', 'NULLS LAST'] : ['DESC', 'NULLS FIRST'];
  if (expression === null) return { sql: `${row}.seq` };
  return { sql: `${expression} ${direction}${NOT_NULL.has(expression) ? '' : ` ${nulls}`}, ${row}.seq` };
}

/** Null: the same for every resource. */
function sortExpression({ keys, attributes }: AttributePath, type: TypeName): string | null {
  const [top] = attributes;
  const last = attributes.at(-1);
  if (top === undefined || last === undefined || last.type === 'complex' || keys[0] === 'schemas') return null;
  const column = COLUMNS[type].get(keys.join('.'));
  if (column !== undefined)
    return column.kind === 'constant' ? null : column.form === 'text' ? cased(column.sql, last) : column.sql;
  const related = RELATED[type].get(keys[0] ?? '');
  if (related !== undefined) return relatedExpression(related, keys[1] ?? '');
  const path = (names: readonly string[]): string => `'$${names.map((name) => `."${name}"`).join('')}'`;
  const document = `${ALIAS[type]}.document`;
  if (!top.multiValued) return cased(`json_extract(${document}, ${path(keys)})`, last);
  const value = cased(`json_extract(j.value, ${path(keys.slice(-1))})`, last);
  return `(SELECT ${value} FROM json_each(${document}, ${path(keys.slice(0, -1))}) AS j ORDER BY json_extract(j.value, '$.primary') IS TRUE DESC, j.key LIMIT 1)`;
}

/** The first member of a group, the first group of a user: in the order in which they are shown. */
function relatedExpression({ owner, key, from, columns }: Related, name: string): string | null {
  const column = columns.get(name);
  if (column?.kind !== 'scalar') return null;
  return `(SELECT ${column.sql} FROM ${from} WHERE ${key} = ${owner} ORDER BY m.group_seq, m.user_seq LIMIT 1)`;
}

function cased(sql: string, { type, caseExact }: Attribute): string {
  if (type === 'dateTime') return `scim_instant(${sql})`;
  return type === 'string' && !caseExact ? `scim_fold(${sql})` : sql;
}
