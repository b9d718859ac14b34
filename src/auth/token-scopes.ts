/**
 * What tokens may do. `users` and `groups` open those resource types, neither of them means both;
 * `read` takes every write away. An empty list is full access.
 */
export type TokenScope = 'users' | 'groups' | 'read';
export const TOKEN_SCOPES: readonly TokenScope[] = ['users', 'groups', 'read'];

/** An admin token with this scope reads the metrics and opens nothing else: monitors need no more. */
export const METRICS_SCOPE = 'metrics';

/** Whether a token is for a monitor alone. */
export function isForMetrics(token: { readonly kind: string; readonly scopes: readonly string[] }): boolean {
  return token.kind === 'admin' && token.scopes.includes(METRICS_SCOPE);
}

/** What a request wants to do, as far as scopes are concerned. */
export interface Access {
  readonly resource: 'users' | 'groups' | 'none';
  readonly write: boolean;
}

/** Why the scopes do not allow the access, in words for the IdP's administrator; null = allowed. */
export function scopeRefusal(scopes: readonly string[], access: Access): string | null {
  if (access.write && scopes.includes('read')) return 'The token is read-only (scope "read").';
  const narrowed = scopes.includes('users') || scopes.includes('groups');
  if (access.resource !== 'none' && narrowed && !scopes.includes(access.resource)) {
    return `The token has no scope "${access.resource}".`;
  }
  return null;
}

/**
 * The scopes of an access token: what its client may do, narrowed to what was asked for. Null: the
 * request goes beyond the client. Asking for nothing, or for `scim`, asks for all that the client has.
 */
export function narrowScopes(granted: readonly string[], asked: readonly string[]): readonly TokenScope[] | null {
  if (asked.some((scope) => scope !== 'scim' && !(TOKEN_SCOPES as readonly string[]).includes(scope))) return null;
  const resources = resourcesOf(granted);
  const wanted = asked.includes('users') || asked.includes('groups') ? resourcesOf(asked) : resources;
  if (wanted.some((scope) => !resources.includes(scope))) return null;
  const isReadOnly = granted.includes('read') || asked.includes('read');
  // Both resource types are written as none: that is what the scopes of a plain token look like.
  return [...(wanted.length === 2 ? [] : wanted), ...(isReadOnly ? (['read'] as const) : [])];
}

function resourcesOf(scopes: readonly string[]): readonly ('users' | 'groups')[] {
  const named = (['users', 'groups'] as const).filter((scope) => scopes.includes(scope));
  return named.length === 0 ? ['users', 'groups'] : named;
}
