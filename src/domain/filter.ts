/**
 * The abstract syntax of a SCIM filter (RFC 7644 3.4.2.2), after name resolution: every path has
 * been looked up in the schema table, so no consumer has to know about URNs or case.
 * The parser lives in scim/, the compiler to SQL in store/, the interpreter here beside it.
 */
import type { Attribute } from './schema.js';

export type CompareOp = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le';
export type FilterValue = string | number | boolean | null;

/**
 * A resolved path. `keys` leads through a document: `['name', 'givenName']`,
 * `['urn:…:enterprise:2.0:User', 'department']`. `attributes` are the definitions along it
 * (without the URN step). Inside a value path both are relative to the element.
 */
export interface AttributePath {
  readonly keys: readonly string[];
  readonly attributes: readonly Attribute[];
}

export type Filter =
  | { readonly kind: 'and' | 'or'; readonly nodes: readonly Filter[] }
  | { readonly kind: 'not'; readonly node: Filter }
  | { readonly kind: 'present'; readonly path: AttributePath }
  | { readonly kind: 'compare'; readonly path: AttributePath; readonly op: CompareOp; readonly value: FilterValue }
  /** `emails[type eq "work"]`: some element of the multi-valued `path` matches `node`. */
  | { readonly kind: 'element'; readonly path: AttributePath; readonly node: Filter };
