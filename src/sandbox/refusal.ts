/** Refusals of the workspace API and their two generations of error bodies. */
import type { Switches } from './switches.js';

type ErrorType =
  | 'validation_error'
  | 'invalid_request'
  | 'authentication_error'
  | 'payment_required'
  | 'authorization_error'
  | 'not_found'
  | 'conflict'
  | 'rate_limit_error'
  | 'internal_error'
  | 'service_unavailable';

const TYPE_OF_STATUS: Readonly<Record<number, ErrorType>> = {
  400: 'invalid_request',
  401: 'authentication_error',
  402: 'payment_required',
  403: 'authorization_error',
  404: 'not_found',
  409: 'conflict',
  429: 'rate_limit_error',
  500: 'internal_error',
  503: 'service_unavailable',
};

const GENERIC_CODE: Readonly<Record<number, string>> = { 403: 'forbidden', 404: 'not_found', 409: 'conflict' };

export interface RefusalOptions {
  readonly param?: string;
  readonly type?: ErrorType;
  /** The code is invented: no public source names it. */
  readonly guessed?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown by an operation; changes nothing that was not changed before it was thrown. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly code: string;
  readonly options: RefusalOptions;

  constructor(status: number, code: string, message: string, options: RefusalOptions = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.options = options;
  }
}

/** A refusal whose code no source publishes. */
export function guess(status: number, code: string, message: string): Refusal {
  return new Refusal(status, code, message, { guessed: true });
}

/** One wrong field of a body or a query, as FastAPI reports it. */
export interface FieldProblem {
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly type: string;
}

/** 422 with the list of wrong fields. */
export class InvalidFields extends Error {
  override readonly name = 'InvalidFields';
  readonly problems: readonly FieldProblem[];

  constructor(problems: readonly FieldProblem[]) {
    super(problems.map((problem) => `${problem.loc.join('.')}: ${problem.msg}`).join('; '));
    this.problems = problems;
  }
}

/** The error body: both generations at once, or the legacy one alone. */
export function refusalBody(refusal: Refusal, switches: Switches, requestId: string): string {
  const { status, message, options } = refusal;
  const code =
    switches.genericCodes && options.guessed === true ? (GENERIC_CODE[status] ?? 'bad_request') : refusal.code;
  if (switches.legacyErrors) return JSON.stringify({ detail: { status: code, message } });
  return JSON.stringify({
    detail: {
      type: options.type ?? TYPE_OF_STATUS[status] ?? 'invalid_request',
      code,
      message,
      status: code,
      request_id: requestId,
      ...(options.param === undefined ? {} : { param: options.param }),
    },
  });
}
