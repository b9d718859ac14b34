/** RFC 6749 5.2. */
export type OAuthErrorCode = 'invalid_request' | 'invalid_client' | 'invalid_scope' | 'unsupported_grant_type';

/** An answer of the token endpoint: what is wrong, for the administrator of the client. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';
  readonly status: number;
  readonly code: OAuthErrorCode;
  /** Seconds to wait, where the address has failed too often; else null. */
  readonly retryAfter: number | null;

  constructor(
    status: number,
    code: OAuthErrorCode,
    description: string,
    options: { readonly retryAfter?: number | null } = {},
  ) {
    super(description);
    this.status = status;
    this.code = code;
    this.retryAfter = options.retryAfter ?? null;
  }
}
