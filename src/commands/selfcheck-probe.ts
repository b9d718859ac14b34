/** The HTTP client of `selfcheck`: asks as an IdP asks, judges the answer, keeps what an IdP would see. */
import { cleanText } from '../domain/refusal.js';

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly location: string | null;
  readonly body: Body;
}

/** JSON of unknown shape, looked into without trust. */
export type Body = Readonly<Record<string, unknown>> | null;

export interface StepResult {
  readonly idp: string;
  readonly step: string;
  readonly request: string;
  readonly status: number;
  readonly ms: number;
  /** Null: as the IdP wants it. */
  readonly problem: string | null;
  /** What the administrator of the IdP reads where it fails. */
  readonly seen: string | null;
}

export interface Ask {
  readonly step: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  /** Statuses that the IdP takes for success. */
  readonly status: readonly number[];
  /** What is wrong with an answer of the right status; null = nothing. */
  readonly judge?: (answer: Answer) => string | null;
  /** Other credentials than those of the check. */
  readonly token?: string;
}

export interface Probe {
  ask(idp: string, ask: Ask): Promise<Answer>;
  readonly results: readonly StepResult[];
}

export interface ProbeOptions {
  /** With /scim/v2, without a trailing slash. */
  readonly base: string;
  readonly token: string;
  readonly fetch: typeof fetch;
  readonly monotonic: () => number;
  readonly onResult: (result: StepResult) => void;
}

/** Okta closes the connection then; Entra waits somewhat longer. */
const TIMEOUT_MS = 60_000;

export function createProbe({ base, token, fetch, monotonic, onResult }: ProbeOptions): Probe {
  const results: StepResult[] = [];
  return {
    results,
    async ask(idp, ask) {
      const begun = monotonic();
      let answer: Answer;
      let problem: string | null;
      try {
        answer = await send(ask, base, token, fetch);
        problem = judge(ask, answer);
      } catch (error) {
        answer = { status: 0, contentType: '', location: null, body: null };
        problem = `no answer: ${error instanceof Error ? causeOf(error) : String(error)}`;
      }
      const result: StepResult = {
        idp,
        step: ask.step,
        request: `${ask.method} ${decodeURIComponent(ask.path)}`,
        status: answer.status,
        ms: Math.round(monotonic() - begun),
        problem,
        seen: problem === null ? null : whatIsSeen(idp, answer),
      };
      results.push(result);
      onResult(result);
      return answer;
    },
  };
}

async function send(ask: Ask, base: string, token: string, request: typeof fetch): Promise<Answer> {
  const response = await request(base + ask.path, {
    method: ask.method,
    headers: {
      authorization: `Bearer ${ask.token ?? token}`,
      accept: 'application/scim+json',
      ...(ask.body === undefined ? {} : { 'content-type': 'application/scim+json; charset=utf-8' }),
    },
    ...(ask.body === undefined ? {} : { body: JSON.stringify(ask.body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
    redirect: 'manual',
  });
  const text = await response.text();
  return {
    status: response.status,
    contentType: response.headers.get('content-type') ?? '',
    location: response.headers.get('location'),
    body: parse(text),
  };
}

function parse(text: string): Body {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Body) : null;
  } catch {
    return null;
  }
}

const causeOf = (error: Error): string => (error.cause instanceof Error ? error.cause.message : error.message);

function judge(ask: Ask, answer: Answer): string | null {
  if (!ask.status.includes(answer.status)) return `answers ${String(answer.status)}, not ${ask.status.join(' or ')}`;
  if (answer.status !== 204 && !answer.contentType.startsWith('application/scim+json'))
    return `the content type is ${answer.contentType || 'missing'}`;
  return ask.judge?.(answer) ?? null;
}

/** The words in which the IdP passes a failure on. */
function whatIsSeen(idp: string, { status, body }: Answer): string {
  const detail = typeof body?.['detail'] === 'string' ? cleanText(body['detail']) : 'no detail';
  if (idp === 'Okta') return `Dashboard > Tasks: Automatic provisioning failed: ${detail}`;
  return `Provisioning logs: StatusCode ${String(status)}, ${detail}`;
}
