/**
 * Errors that mean something to the caller of the bridge. Anything else that is thrown is a bug
 * and reaches nobody but the log.
 */

/** RFC 7644 table 9, without those that the bridge never answers. */
export type ScimType =
  | 'invalidFilter'
  | 'tooMany'
  | 'uniqueness'
  | 'mutability'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue'
  | 'invalidVers'
  | 'sensitive'
  // RFC 9865 2.1
  | 'invalidCursor'
  | 'expiredCursor'
  | 'invalidCount';

export interface ErrorOptions {
  readonly scimType?: ScimType;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** An answer to the client: HTTP status, scimType and a detail that an administrator can act on. */
export class ScimError extends Error {
  override readonly name = 'ScimError';
  readonly status: number;
  readonly scimType: ScimType | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, detail: string, options: ErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = status;
    this.scimType = options.scimType;
    this.headers = options.headers ?? {};
  }
}

const of = (status: number, scimType: ScimType) => (detail: string) => new ScimError(status, detail, { scimType });

/** One constructor per cause (RFC 7644 3.12): the status can never contradict the scimType. */
export const invalidFilter = of(400, 'invalidFilter');
export const invalidSyntax = of(400, 'invalidSyntax');
export const invalidPath = of(400, 'invalidPath');
export const invalidValue = of(400, 'invalidValue');
export const noTarget = of(400, 'noTarget');
export const mutability = of(400, 'mutability');
export const tooMany = of(400, 'tooMany');
export const invalidCursor = of(400, 'invalidCursor');
export const expiredCursor = of(400, 'expiredCursor');
export const invalidCount = of(400, 'invalidCount');
export const uniqueness = of(409, 'uniqueness');

export const notFound = (what: string, id: string): ScimError => new ScimError(404, `${what} ${id} not found.`);
export const preconditionFailed = (detail: string): ScimError => new ScimError(412, detail);
export const payloadTooLarge = (detail: string): ScimError => new ScimError(413, detail);
/** 503 with an integer `Retry-After` in seconds, the only form that Okta honours. */
export const unavailable = (detail: string, retryAfterSeconds: number, cause?: unknown): ScimError =>
  new ScimError(503, detail, {
    headers: { 'Retry-After': String(Math.max(1, Math.ceil(retryAfterSeconds))) },
    ...(cause === undefined ? {} : { cause }),
  });

/** What the log says of an error that is no bug, in one line: what the caller was told, and from what it came. */
export function reasonOf({ message, cause }: ScimError): string {
  // By shape: errors of SQLite may belong to another module registry.
  if (typeof cause !== 'object' || cause === null || !('message' in cause)) return message;
  const code = 'code' in cause ? ` (${String(cause.code)})` : '';
  return `${message} Cause: ${String(cause.message)}${code}`;
}

/** Exit codes of the process, see docs/cli.md. */
export const EXIT = {
  ok: 0,
  /** A command did not do what it was asked (not found, refused, not confirmed); a check has warnings. */
  notDone: 1,
  /** `plan`: there are calls to make. `doctor`: something fails. */
  attention: 2,
  /** The command line is wrong (EX_USAGE). */
  usage: 64,
  /** A bug (EX_SOFTWARE). */
  bug: 70,
  /** Another process serves this database (EX_TEMPFAIL). */
  secondProcess: 75,
  /** The configuration, or what it points to, does not allow a start (EX_CONFIG). */
  config: 78,
} as const;

/** The bridge cannot start, and the operator can do something about it: the message says what. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
