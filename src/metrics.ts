/**
 * The metrics of one bridge, for Prometheus. What happens is counted when it happens; what is so is
 * asked of store and engine at the scrape, cheaply, so that no gauge can be stale.
 *
 * Every label has few values: no id, no address and nothing that a client chose, but for the label
 * of a token, which an administrator chose. docs/metrics.md is made from this file.
 */
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Clock } from './clock.js';
import { DOORS, FAILURE_REASONS, type AuthFailure } from './auth/auth-failures.js';
import { currentTokens } from './auth/current-tokens.js';
import type { LimiterState } from './reconcile/limiter.js';
import type { UpstreamCall } from './reconcile/limited-gateway.js';
import type { ReconcilerState } from './reconcile/reconciler.js';
import type { RequestEvent } from './scim/request-log.js';
import { fingerprintOf } from './domain/audit-fingerprint.js';
import type { AuditCheckpoint, Numbers, TokenRecord } from './store/port.js';

export const METRIC_PREFIX = 'scim_bridge_';

export interface MetricsSources {
  readonly clock: Clock;
  readonly version: string;
  readonly numbers: () => Promise<Numbers>;
  readonly tokens: () => Promise<readonly TokenRecord[]>;
  readonly engine: () => ReconcilerState;
  readonly limiter: () => LimiterState;
  readonly auditHead: () => Promise<AuditCheckpoint | null>;
}

export interface MetricDescription {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labels: readonly string[];
}

export interface Metrics {
  onRequest(event: RequestEvent): void;
  onCall(call: UpstreamCall): void;
  onAuthFailure(failure: Pick<AuthFailure, 'door' | 'reason'>): void;
  /** The text that Prometheus reads. */
  text(): Promise<string>;
  readonly contentType: string;
  /** Begins and ends the measuring of the event loop. */
  start(): void;
  stop(): void;
}

/** Answers of the bridge wait for ElevenLabs up to PROVISION_WAIT_MS (3 s by default). */
const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const CALL_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

const PHASES: readonly ReconcilerState['phase'][] = [
  'starting',
  'serving',
  'keyRejected',
  'otherWorkspace',
  'stopping',
];
const USER_STATUSES = [
  'none',
  'invitePending',
  'invited',
  'member',
  'locked',
  'held',
  'failed',
  'removed',
  'protected',
] as const;
const LINK_STATUSES = ['linked', 'unlinked', 'ambiguous', 'readOnly'] as const;
const OPEN_STATES = ['planned', 'sending', 'ambiguous', 'held', 'refused'] as const;
const INVITE_STATES = [
  'planned',
  'sending',
  'invited',
  'accepted',
  'revoked',
  'expired',
  'ambiguous',
  'refused',
] as const;

const DAY_MS = 86_400_000;

export function createMetrics(sources: MetricsSources): Metrics {
  const registry = new Registry();
  const counters = createCounters(registry);
  const loop = monitorEventLoopDelay({ resolution: 20 });
  const gauges = createGauges(registry);
  return {
    onRequest({ method, template, status, latencyMs }) {
      const route = template ?? 'none';
      counters.requests.inc({ method: knownMethod(method), route, status: String(status) });
      counters.requestDuration.observe({ route }, latencyMs / 1000);
    },
    onCall({ endpoint, outcome, latencyMs }) {
      counters.calls.inc({ endpoint, outcome });
      counters.callDuration.observe({ endpoint }, latencyMs / 1000);
    },
    onAuthFailure: ({ door, reason }) => counters.authFailures.inc({ door, reason }),
    async text() {
      await collect(gauges, sources, loop);
      return registry.metrics();
    },
    contentType: registry.contentType,
    start: () => void loop.enable(),
    stop: () => void loop.disable(),
  };
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** A client may send any word as a method. */
const knownMethod = (method: string): string => (METHODS.has(method) ? method : 'other');

function createCounters(registry: Registry) {
  const registers = [registry];
  return {
    requests: new Counter({
      name: `${METRIC_PREFIX}requests_total`,
      help: 'SCIM requests answered, by method, path template and status; route "none": there is no such endpoint.',
      labelNames: ['method', 'route', 'status'],
      registers,
    }),
    requestDuration: new Histogram({
      name: `${METRIC_PREFIX}request_duration_seconds`,
      help: 'Time from the head of a SCIM request to the end of its answer, the wait for ElevenLabs included.',
      labelNames: ['route'],
      buckets: REQUEST_BUCKETS,
      registers,
    }),
    authFailures: new Counter({
      name: `${METRIC_PREFIX}auth_failures_total`,
      help: `Failed authentications, by door (${DOORS.join(', ')}) and reason (${FAILURE_REASONS.join(', ')}).`,
      labelNames: ['door', 'reason'],
      registers,
    }),
    calls: new Counter({
      name: `${METRIC_PREFIX}upstream_calls_total`,
      help: 'Calls made to ElevenLabs, by name and outcome (ok, transient, refused, alreadySo, keyRejected, scopeMissing, bug).',
      labelNames: ['endpoint', 'outcome'],
      registers,
    }),
    callDuration: new Histogram({
      name: `${METRIC_PREFIX}upstream_call_duration_seconds`,
      help: 'Time of one call to ElevenLabs, by name.',
      labelNames: ['endpoint'],
      buckets: CALL_BUCKETS,
      registers,
    }),
  };
}

function createGauges(registry: Registry) {
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> =>
    new Gauge<L>({ name: METRIC_PREFIX + name, help, labelNames: [...labelNames], registers: [registry] });
  return {
    info: gauge('info', 'Always 1; the version of the bridge is a label.', ['version']),
    dryRun: gauge(
      'dry_run',
      '1 while nothing is sent to ElevenLabs: DRY_RUN, or a restored database that was not accepted yet.',
    ),
    phase: gauge('phase', '1 for the present relation to the workspace, 0 for the others.', ['phase']),
    queue: gauge('queue_entries', 'Users and groups whose plan is to be computed, now or later.'),
    overdue: gauge(
      'queue_overdue_seconds',
      'For how long the oldest due entry of the queue has waited; 0 = nothing is due.',
    ),
    changes: gauge(
      'changes_open',
      'Changes that have not come to an end. refused: refused for good and to be tried again; held: an administrator has to look.',
      ['state'],
    ),
    oldestChange: gauge(
      'oldest_change_age_seconds',
      'Age of the oldest change that is planned, under way or unclear; 0 = none.',
    ),
    oldestHeld: gauge(
      'oldest_held_age_seconds',
      'Age of the oldest held change; 0 = none. The IdP was told that it was done.',
    ),
    users: gauge('users', 'SCIM users by status.', ['status']),
    members: gauge('workspace_members', 'Members of the workspace as last read.'),
    groups: gauge('groups', 'SCIM groups by the state of their link.', ['link_status']),
    invites: gauge('invites', 'Invites by state.', ['state']),
    drift: gauge('drift_open', 'Differences made by hand in the workspace that were not repaired.'),
    ambiguousMembers: gauge(
      'ambiguous_members',
      'Users whose member several members of the workspace may be, because their addresses count as one.',
    ),
    lastSync: gauge(
      'last_sync_timestamp_seconds',
      'When the workspace was last read in full; 0 = not since the start.',
    ),
    lastMembers: gauge(
      'last_members_reading_timestamp_seconds',
      'When the members were last read; 0 = not since the start.',
    ),
    doubted: gauge(
      'reading_doubted',
      '1 while the last reading of the workspace is not believed, and changes nothing.',
    ),
    blind: gauge('members_unreadable', '1 while the API key may not list members: acceptance cannot be noticed.'),
    tokenExpiry: gauge(
      'token_expiry_days',
      'Days until a token expires; negative = expired. Tokens without an end, and those replaced by rotation, are absent.',
      ['kind', 'label'],
    ),
    breaker: gauge('upstream_breaker_open', '1 while calls to ElevenLabs are held back after repeated faults.'),
    queued: gauge('upstream_calls_queued', 'Calls to ElevenLabs that wait for their turn.'),
    loopLag: gauge('event_loop_lag_seconds', 'Delay of the event loop since the last scrape, by quantile.', [
      'quantile',
    ]),
    memory: gauge('resident_memory_bytes', 'Memory of the process.'),
    auditRows: gauge('audit_last_row', 'Number of the newest row of the audit log.'),
    auditHead: gauge(
      'audit_last_hash',
      'First 12 hexadecimal digits of the hash of that row, as a number: a checkpoint for `audit verify`.',
    ),
    bytes: gauge('store_bytes', 'Size of the database.'),
  };
}

async function collect(
  gauges: ReturnType<typeof createGauges>,
  sources: MetricsSources,
  loop: IntervalHistogram,
): Promise<void> {
  const now = sources.clock.now();
  const numbers = await sources.numbers();
  gauges.info.set({ version: sources.version }, 1);
  setEach((status, count) => gauges.users.set({ status }, count), USER_STATUSES, numbers.users);
  setEach((value, count) => gauges.groups.set({ link_status: value }, count), LINK_STATUSES, numbers.groups);
  setEach((value, count) => gauges.invites.set({ state: value }, count), INVITE_STATES, numbers.invites);
  setEach((value, count) => gauges.changes.set({ state: value }, count), OPEN_STATES, numbers.open);
  gauges.members.set(numbers.members);
  gauges.queue.set(numbers.agenda);
  gauges.overdue.set(age(numbers.oldestDueAt, now));
  gauges.oldestChange.set(age(numbers.oldestOpenAt, now));
  gauges.oldestHeld.set(age(numbers.oldestHeldAt, now));
  gauges.drift.set(numbers.driftOpen);
  gauges.ambiguousMembers.set(numbers.ambiguousMembers);
  gauges.bytes.set(numbers.bytes);
  const head = await sources.auditHead();
  gauges.auditRows.set(head?.id ?? 0);
  gauges.auditHead.set(head === null ? 0 : fingerprintOf(head.hash));
  gauges.memory.set(process.memoryUsage.rss());
  collectEngine(gauges, sources);
  gauges.tokenExpiry.reset();
  for (const token of currentTokens(await sources.tokens(), now)) {
    if (token.expiresAt === null) continue;
    gauges.tokenExpiry.set({ kind: token.kind, label: token.label }, (token.expiresAt - now) / DAY_MS);
  }
  for (const [quantile, percent] of [
    ['0.5', 50],
    ['0.99', 99],
    ['1', 100],
  ] as const)
    gauges.loopLag.set({ quantile }, seconds(loop.percentile(percent)));
  loop.reset();
}

function collectEngine(gauges: ReturnType<typeof createGauges>, sources: MetricsSources): void {
  const { phase, readings, dryRun } = sources.engine();
  gauges.dryRun.set(dryRun === null ? 0 : 1);
  for (const known of PHASES) gauges.phase.set({ phase: known }, known === phase ? 1 : 0);
  gauges.lastSync.set((readings.lastFullAt ?? 0) / 1000);
  gauges.lastMembers.set((readings.lastMembersAt ?? 0) / 1000);
  gauges.doubted.set(readings.doubt === null ? 0 : 1);
  gauges.blind.set(readings.blind ? 1 : 0);
  const { breaker, queued } = sources.limiter();
  gauges.breaker.set(breaker === 'closed' ? 0 : 1);
  gauges.queued.set(queued);
}

/** All values are there from the start: an alert on a series that is absent would never fire. */
function setEach<V extends string>(
  set: (value: V, count: number) => void,
  values: readonly V[],
  counts: Readonly<Partial<Record<V, number>>>,
): void {
  for (const value of values) set(value, counts[value] ?? 0);
}

const age = (since: number | null, now: number): number => (since === null ? 0 : Math.max(0, (now - since) / 1000));

/** Nanoseconds; the histogram answers NaN before its first sample. */
const seconds = (nanoseconds: number): number => (Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9) : 0);

/** All metrics, for the documentation. */
export function describeMetrics(): readonly MetricDescription[] {
  const registry = new Registry();
  createCounters(registry);
  createGauges(registry);
  return registry.getMetricsAsArray().map((metric) => {
    const { name, help, type, labelNames } = metric as unknown as {
      readonly name: string;
      readonly help: string;
      readonly type?: string;
      readonly labelNames?: readonly string[];
    };
    const labels = (labelNames ?? []).filter((label) => label !== 'le');
    return { name, help, type: type ?? typeOf(metric), labels };
  });
}

function typeOf(metric: unknown): string {
  if (metric instanceof Counter) return 'counter';
  return metric instanceof Histogram ? 'histogram' : 'gauge';
}
