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
import type { OperationsStore, ReadingCall, RefusedRequest, StatisticsStore } from '../store/port.js';

/** Names of the hourly counters; the page draws them. */
export const HOURLY = {
  requests: 'requests',
  requestFailures: 'requestFailures',
  calls: 'calls',
  callFailures: 'callFailures',
} as const;

const FLUSH_MS = 5_000;
/** What was turned away is looked for at once, by commands in processes of their own. */
const SOON_MS = 1_000;
const HOUR_MS = 3_600_000;
/** At one reading per 30 s this is more than a day; faults make more. */
const READINGS_KEPT = { rows: 5_000, days: 7 } as const;
/** A user that an IdP tries in vain every 40 minutes makes 36 a day. */
const REFUSED_KEPT = { rows: 5_000, days: 30 } as const;
/** While the database cannot be written, memory must not grow without end. */
const MOST_WAITING = 1_000;

/** Requests without a valid token, since the last one that had one. */
export interface Strangers {
  readonly count: number;
  /** Wall time of the last of them; null where there is none. */
  readonly lastAt: number | null;
}

/** A setting. */
const STRANGERS = 'strangers';
const NO_STRANGERS: Strangers = { count: 0, lastAt: null };

/** As of the last seconds. */
export async function readStrangers(store: Pick<OperationsStore, 'setting'>): Promise<Strangers> {
  const text = await store.setting(STRANGERS);
  return text === null ? NO_STRANGERS : (JSON.parse(text) as Strangers);
}

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
  onRequest(event: RequestEvent, refusals: readonly RequestRefusal[]): void;
  /** Newest first. */
  recentRequests(): readonly RecentRequest[];
  onCall(call: UpstreamCall): void;
  start(): void;
  /** Writes what has been gathered. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

export function createTelemetry(parts: {
  readonly store: StatisticsStore & Pick<OperationsStore, 'setSetting'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}): Telemetry {
  const { store, clock, log, metrics } = parts;
  let counts = new Map<string, number>();
  let calls: ReadingCall[] = [];
  let refused: RefusedRequest[] = [];
  let recent: readonly RecentRequest[] = [];
  /** Null: nothing has come since the start, so that what was written before still holds. */
  let strangers: Strangers | null = null;
  let writtenStrangers: Strangers | null = null;
  let isStarted = false;
  let isSoon = false;
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
      if (strangers !== null && strangers !== writtenStrangers) {
        const known = strangers;
        await store.setSetting(STRANGERS, JSON.stringify(known));
        writtenStrangers = known;
      }
    } catch (error) {
      // Numbers for people: not worth a retry, and never a failure of what they count.
      log.debug({ err: error }, 'counters could not be stored');
    }
  };
  const tick = (delayMs: number): void => {
    cancel = clock.after(delayMs, () => {
      isSoon = false;
      void flush();
      tick(FLUSH_MS);
    });
  };
  const flushSoon = (): void => {
    if (isSoon || !isStarted) return;
    isSoon = true;
    cancel();
    tick(SOON_MS);
  };
  return {
    onRequest(event, refusals) {
      metrics.onRequest(event);
      count(HOURLY.requests);
      if (event.outcome !== 'ok') count(HOURLY.requestFailures);
      const { requestId, method, template, status, idp, tokenLabel } = event;
      const at = clock.now();
      recent = [{ at, requestId, method, template, status, idp, tokenLabel }, ...recent.slice(0, RECENT_KEPT - 1)];
      const before = strangers;
      strangers = countStrangers(before, event, at);
      // Strangers are only counted: they could fill the table.
      const kept = isStranger(event) || isLookUp(event) ? [] : refusals.slice(0, MOST_WAITING - refused.length);
      refused.push(...kept.map((refusal) => ({ at, requestId, tokenLabel, ...refusal })));
      if (kept.length > 0 || strangers !== before) flushSoon();
    },
    recentRequests: () => recent,
    onCall(call) {
      logCall(log, call);
      metrics.onCall(call);
      count(HOURLY.calls);
      if (call.outcome !== 'ok') count(HOURLY.callFailures);
      if (call.tag?.ledgerId === undefined && calls.length < MOST_WAITING) calls.push(toRow(call));
    },
    start() {
      isStarted = true;
      tick(FLUSH_MS);
    },
    flush,
    async stop() {
      isStarted = false;
      cancel();
      await flush();
    },
  };
}

interface Keep {
  readonly rows: number;
  readonly since: number;
}

const isStranger = ({ tokenLabel, outcome }: RequestEvent): boolean =>
  tokenLabel === null && outcome === 'unauthorized';

function countStrangers(before: Strangers | null, event: RequestEvent, at: number): Strangers | null {
  if (event.tokenLabel !== null) return NO_STRANGERS;
  return isStranger(event) ? { count: (before?.count ?? 0) + 1, lastAt: at } : before;
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
