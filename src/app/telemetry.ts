/**
 * What the bridge remembers of requests and calls: log lines, metrics, counters by the hour for the
 * page, and one row per reading. Counters are gathered in memory and written every few seconds, since
 * a durable write per request would cost more than the request; a crash loses those seconds.
 */
import type { Clock } from '../clock.js';
import type { Log } from '../log.js';
import type { Metrics } from '../metrics.js';
import type { UpstreamCall } from '../reconcile/limited-gateway.js';
import type { RequestEvent, RequestRefusal } from '../scim/request-log.js';
import type { ReadingCall, RefusedRequest, StatisticsStore } from '../store/port.js';

/** Names of the hourly counters; the page draws them. */
export const HOURLY = {
  requests: 'requests',
  requestFailures: 'requestFailures',
  unauthenticated: 'unauthenticated',
  calls: 'calls',
  callFailures: 'callFailures',
} as const;

const FLUSH_MS = 5_000;
const HOUR_MS = 3_600_000;
/** At one reading per 30 s this is more than a day; faults make more. */
const READINGS_KEPT = { rows: 5_000, days: 7 } as const;
/** A user that an IdP tries in vain every 40 minutes makes 36 a day. */
const REFUSED_KEPT = { rows: 5_000, days: 30 } as const;
/** While the database cannot be written, memory must not grow without end. */
const MOST_WAITING = 1_000;

/** One of the last requests, for whoever sets up an IdP. */
export interface RecentRequest extends Pick<
  RequestEvent,
  'requestId' | 'method' | 'template' | 'status' | 'idp' | 'tokenLabel'
> {
  readonly at: number;
}

/** In memory alone: a restart forgets them. */
const RECENT_KEPT = 50;

export interface Telemetry {
  onRequest(event: RequestEvent, refusal: RequestRefusal | null): void;
  /** Newest first. */
  recentRequests(): readonly RecentRequest[];
  onCall(call: UpstreamCall): void;
  start(): void;
  /** Writes what has been gathered. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

export function createTelemetry(parts: {
  readonly store: StatisticsStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}): Telemetry {
  const { store, clock, log, metrics } = parts;
  let counts = new Map<string, number>();
  let calls: ReadingCall[] = [];
  let refused: RefusedRequest[] = [];
  let recent: readonly RecentRequest[] = [];
  let cancel: () => void = () => undefined;

  const count = (name: string): void => {
    const key = `${String(Math.floor(clock.now() / HOUR_MS))} ${name}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  };
  const flush = async (): Promise<void> => {
    const [gathered, made, turnedAway] = [counts, calls, refused];
    if (gathered.size === 0 && made.length === 0) return;
    counts = new Map();
    calls = [];
    refused = [];
    const keep = ({ rows, days }: typeof READINGS_KEPT | typeof REFUSED_KEPT): Keep => ({
      rows,
      since: clock.now() - days * 24 * HOUR_MS,
    });
    try {
      if (gathered.size > 0) await store.addHourly([...gathered].map(toHourly));
      if (turnedAway.length > 0) await store.addRefusedRequests(turnedAway, keep(REFUSED_KEPT));
      if (made.length > 0) await store.addReadingCalls(made, keep(READINGS_KEPT));
    } catch (error) {
      // Numbers for people: not worth a retry, and never a failure of what they count.
      log.debug({ err: error }, 'counters could not be stored');
    }
  };
  const tick = (): void => {
    cancel = clock.after(FLUSH_MS, () => {
      void flush();
      tick();
    });
  };
  return {
    onRequest(event, refusal) {
      metrics.onRequest(event);
      count(HOURLY.requests);
      if (event.outcome !== 'ok') count(HOURLY.requestFailures);
      const { requestId, method, template, status, idp, tokenLabel } = event;
      const request = { at: clock.now(), requestId, method, template, status, tokenLabel };
      recent = [{ ...request, idp }, ...recent.slice(0, RECENT_KEPT - 1)];
      // Strangers are counted only: they could fill the table.
      if (tokenLabel === null && event.outcome === 'unauthorized') count(HOURLY.unauthenticated);
      else if (refusal !== null && !isLookUp(event) && refused.length < MOST_WAITING)
        refused.push({ ...request, ...refusal });
    },
    recentRequests: () => recent,
    onCall(call) {
      logCall(log, call);
      metrics.onCall(call);
      count(HOURLY.calls);
      if (call.outcome !== 'ok') count(HOURLY.callFailures);
      if (call.tag?.ledgerId === undefined && calls.length < MOST_WAITING) calls.push(toRow(call));
    },
    start: tick,
    flush,
    async stop() {
      cancel();
      await flush();
    },
  };
}

interface Keep {
  readonly rows: number;
  readonly since: number;
}

/** IdPs ask for what is no more: that is an answer, and no refusal. */
const isLookUp = ({ method, status }: RequestEvent): boolean =>
  (method === 'GET' || method === 'HEAD') && status === 404;

function toHourly([key, count]: [string, number]): { hour: number; name: string; count: number } {
  const [hour = '', name = ''] = key.split(' ');
  return { hour: Number(hour), name, count };
}

function toRow({ endpoint, startedAt, latencyMs, outcome, status, requestId, error }: UpstreamCall): ReadingCall {
  return { endpoint, startedAt, latencyMs, outcome, status, requestId, error: error?.message ?? null };
}

/** One line per call, with the id of the request that caused it; the log hashes the address. */
function logCall(log: Log, { endpoint, outcome, status, latencyMs, requestId, tag, error }: UpstreamCall): void {
  log.info(
    {
      endpoint,
      outcome,
      status,
      latencyMs: Math.round(latencyMs),
      upstreamRequestId: requestId,
      requestId: tag?.requestId ?? null,
      subject: tag?.subject ?? null,
      ledgerId: tag?.ledgerId ?? null,
      person: tag?.address ?? null,
    },
    'upstream call',
  );
  // The one level at which addresses are written, so that a person can be followed by name.
  if (tag?.address !== undefined || error !== null)
    log.debug(
      { endpoint, person: tag?.address ?? null, error: error?.message ?? null, upstreamRequestId: requestId },
      'upstream call in detail',
    );
}
