/**
 * One call from arrival to answer: latency, faults and rate limit around the pipeline of the API.
 * The transport (server.ts) only carries out what comes out of here.
 */
import type { Clock } from '../clock.js';
import type { ApiRequest, Reply } from './api.js';
import { callApi, jsonHeaders } from './api.js';
import type { Fault, Faults, RateLimit, Verdict } from './faults.js';
import { sleep } from './faults.js';
import { htmlPage, truncate, violate } from './mangle.js';
import { hex } from './random.js';
import type { Random } from './random.js';
import { Refusal, refusalBody } from './refusal.js';
import type { RequestLog } from './request-log.js';
import type { World } from './state.js';
import { createWindowLimit } from './window-limit.js';

/** What the transport has to do. */
export type Outcome =
  { readonly kind: 'reply'; readonly reply: Reply; readonly pauseMs: number } | { readonly kind: 'reset' };

export interface Exchange {
  /** `gone`: aborted when the client gives up. */
  readonly handle: (request: ApiRequest, gone?: AbortSignal) => Promise<Outcome>;
  readonly setRateLimit: (limit: RateLimit | null) => void;
  /** How many calls hang whose client still waits. */
  readonly hanging: () => number;
  /** Lets the calls that hang go on; with `drop` their connections are cut and nothing is applied. */
  readonly release: (drop: boolean) => void;
}

/** What a bare status fault says. */
const USUAL_CODES: Readonly<Record<number, string>> = {
  400: 'bad_request',
  401: 'invalid_api_key',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  429: 'rate_limit_exceeded',
  500: 'internal_server_error',
  503: 'maintenance',
};

export function createExchange(init: {
  readonly world: World;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly log: RequestLog;
  readonly requestIds: Random;
}): Exchange {
  const { world, clock, faults, log } = init;
  const limit = createWindowLimit(clock);
  const held = new Map<(drop: boolean) => void, AbortSignal | undefined>();
  let rateLimit: RateLimit | null = null;

  const refuse = (refusal: Refusal, requestId: string): Reply => ({
    status: refusal.status,
    headers: { ...jsonHeaders(requestId), ...refusal.options.headers },
    body: refusalBody(refusal, world.switches, requestId),
  });

  const overLimit = (request: ApiRequest): Refusal | null => {
    const key = request.headers['xi-api-key'];
    if (rateLimit === null || key === undefined) return null;
    if (limit.take(`key ${key}`, rateLimit.perSecond, 1000)) return null;
    const { retryAfter } = rateLimit;
    const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
    return new Refusal(429, 'rate_limit_exceeded', 'Too many requests.', { headers });
  };

  const hold = (gone: AbortSignal | undefined): Promise<boolean> =>
    new Promise((resolve) => {
      held.set(resolve, gone);
    });

  const answer = async (
    request: ApiRequest,
    requestId: string,
    { fault }: Verdict,
    gone: AbortSignal | undefined,
  ): Promise<Outcome> => {
    const tooMany = overLimit(request);
    if (tooMany !== null) return reply(refuse(tooMany, requestId));
    const apply = (): Reply => callApi(world, limit, request, requestId);
    if (fault?.kind === 'hang') {
      const early = fault.applied === true ? apply() : null;
      const dropped = await hold(gone);
      return dropped ? { kind: 'reset' } : reply(early ?? apply());
    }
    return faulty(fault, apply, (refusal) => refuse(refusal, requestId));
  };

  return {
    async handle(request, gone) {
      const requestId = hex(init.requestIds, 32);
      const close = log.open(request, clock.now(), requestId);
      const verdict = faults.judge(request);
      if (verdict.latencyMs > 0) await sleep(clock, verdict.latencyMs);
      const outcome = await answer(request, requestId, verdict, gone);
      close(outcome.kind === 'reply' ? outcome.reply.status : null);
      if (outcome.kind === 'reset') return outcome;
      const headers = { ...outcome.reply.headers, ...verdict.headers };
      return { ...outcome, reply: { ...outcome.reply, headers } };
    },
    setRateLimit: (next) => (rateLimit = next),
    hanging: () => [...held.values()].filter((gone) => gone?.aborted !== true).length,
    release(drop) {
      const waiting = [...held.keys()];
      held.clear();
      for (const resume of waiting) resume(drop);
    },
  };
}

function reply(content: Reply, pauseMs = 0): Outcome {
  return { kind: 'reply', reply: content, pauseMs };
}

/** Carries out every fault but `hang`. */
function faulty(
  fault: Exclude<Fault, { kind: 'latency' | 'headers' | 'hang' }> | null,
  apply: () => Reply,
  refuse: (refusal: Refusal) => Reply,
): Outcome {
  switch (fault?.kind) {
    case undefined:
      return reply(apply());
    case 'status': {
      if (fault.applied === true) apply();
      const usual = refuse(new Refusal(fault.status, USUAL_CODES[fault.status] ?? 'internal_error', 'A fault.'));
      const body = fault.body === undefined ? usual.body : asText(fault.body);
      return reply({ status: fault.status, headers: { ...usual.headers, ...fault.headers }, body });
    }
    case 'reset':
      if (fault.applied === true) apply();
      return { kind: 'reset' };
    case 'html':
      if (fault.applied !== false) apply();
      return reply(htmlPage(fault.status ?? 200));
    case 'violation':
      return reply(violate(apply(), fault.violation));
    case 'truncate':
      return reply(truncate(apply(), fault.keep));
    case 'slowBody':
      return reply(apply(), fault.ms);
    case 'redirect':
      return reply({ status: fault.status ?? 302, headers: { location: fault.location }, body: '' });
  }
}

function asText(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}
