/** Filters as the parser of the SCIM surface makes them. */
import type { CompareOp, Filter } from '../../../src/domain/filter.js';
import { GROUP } from '../../../src/domain/group-schema.js';
import { USER } from '../../../src/domain/user-schema.js';

export function parseFilterOf(name: string, op: CompareOp, value: string): Extract<Filter, { kind: 'compare' }> {
  const attribute = [...USER.core.attributes, ...GROUP.core.attributes].find((known) => known.name === name);
  if (attribute === undefined) throw new Error(`no attribute ${name}`);
  return { kind: 'compare', op, value, path: { keys: [name], attributes: [attribute] } };
}
