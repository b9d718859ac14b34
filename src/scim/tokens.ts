/**
 * What tokens may do. `users` and `groups` open those resource types, neither of them means both;
 * `read` takes every write away. An empty list is full access.
 */
export type TokenScope = 'users' | 'groups' | 'read';
export const TOKEN_SCOPES: readonly TokenScope[] = ['users', 'groups', 'read'];

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
