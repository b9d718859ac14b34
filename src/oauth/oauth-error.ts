/** RFC 6749 5.2. */
export type OAuthErrorCode = 'invalid_request' | 'invalid_client' | 'invalid_scope' | 'unsupported_grant_type';

/** An answer of the token endpoint: what is wrong, for the administrator of the client. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';
  readonly status: number;
  readonly code: OAuthErrorCode;
  /** Somebody who does not know the secret: counts for the limit of the address. */
  readonly isGuess: boolean;

  constructor(status: number, code: OAuthErrorCode, description: string, options: { readonly isGuess?: boolean } = {}) {
    super(description);
    this.status = status;
    this.code = code;
    this.isGuess = options.isGuess ?? false;
  }
}
