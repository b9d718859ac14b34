/** SQL functions that filters need: the bridge's own comparison rules inside SQLite. */
import { fold } from '../domain/fold.js';
import { parseInstant } from '../domain/instant.js';

/** As much of a better-sqlite3 connection as it takes. */
export interface FunctionHost {
  function(name: string, options: { readonly deterministic: boolean }, fn: (value: unknown) => unknown): unknown;
}

/** Registers `scim_fold`, `scim_instant` and `scim_uri`; to be called once per connection. */
export function registerFunctions(db: FunctionHost): void {
  const ofText = (name: string, fn: (text: string) => string | number | null): void => {
    db.function(name, { deterministic: true }, (value) => (typeof value === 'string' ? fn(value) : null));
  };
  ofText('scim_fold', fold);
  ofText('scim_instant', parseInstant);
  ofText('scim_uri', encodeURIComponent);
}
