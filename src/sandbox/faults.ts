/**
 * Faults on demand. A rule matches calls by method, path, body, and count, and makes the ones it
 * fires on go wrong. Latency and headers add up; of the other faults the first that fires wins.
 */
import { z } from 'zod';
import type { Clock } from '../clock.js';
import type { Random } from './random.js';
import type { ApiRequest } from './api.js';

const applied = z.boolean().optional();
const headers = z.record(z.string(), z.string());

/**
 * Ways to break the schema of a good answer.
 * - `missingIsOwner`: members without `is_owner`.
 * - `noOwner` / `twoOwners`: members with no owner, with a second one.
 * - `groupsAsArray`: groups as a list, not an object.
 * - `brokenJson`: the text breaks off in the middle. `emptyBody`: no text at all. `emptyObject`: `{}`.
 */
const violation = z.enum([
  'missingIsOwner',
  'noOwner',
  'twoOwners',
  'groupsAsArray',
  'brokenJson',
  'emptyBody',
  'emptyObject',
]);
export type Violation = z.infer<typeof violation>;

const fault = z.discriminatedUnion('kind', [
  /** Answers this status; with `applied` the call has taken effect nevertheless. */
  z.object({
    kind: z.literal('status'),
    status: z.int(),
    body: z.unknown().optional(),
    headers: headers.optional(),
    applied,
  }),
  /** Cuts the connection without an answer. */
  z.object({ kind: z.literal('reset'), applied }),
  /** Answers nothing until released. */
  z.object({ kind: z.literal('hang'), applied }),
  /** A page of a proxy in place of the answer; the call has taken effect unless `applied` is false. */
  z.object({ kind: z.literal('html'), status: z.int().optional(), applied }),
  z.object({ kind: z.literal('violation'), violation }),
  /** A list, or an object of groups, with only so many of its entries. */
  z.object({ kind: z.literal('truncate'), keep: z.int().min(0) }),
  /** Sends one half of the body, waits, sends the other. */
  z.object({ kind: z.literal('slowBody'), ms: z.number().min(0) }),
  z.object({ kind: z.literal('redirect'), location: z.string(), status: z.int().optional() }),
  /** Waits before the call is looked at. */
  z.object({ kind: z.literal('latency'), ms: z.number().min(0) }),
  /** Adds headers to the answer. */
  z.object({ kind: z.literal('headers'), headers }),
]);
export type Fault = z.infer<typeof fault>;

export const faultRule = z.object({
  id: z.string().optional(),
  method: z.string().optional(),
  // `*` stands for anything within one segment, a final `**` for the rest.
  path: z.string().optional(),
  /** Only calls whose body holds this text, such as an address. */
  bodyIncludes: z.string().optional(),
  /** Only the nth matching call, counted from 1; or these. */
  nth: z.union([z.int(), z.array(z.int())]).optional(),
  /** Seeded. */
  probability: z.number().min(0).max(1).optional(),
  /** Fires at most so often. */
  times: z.int().optional(),
  fault,
});
export type FaultRule = z.infer<typeof faultRule>;

export interface LatencyRange {
  readonly min: number;
  readonly max: number;
}

export interface RateLimit {
  readonly perSecond: number;
  /** Sent as `Retry-After`, seconds, if given. */
  readonly retryAfter?: number | undefined;
}

/** What the rules make of one call. */
export interface Verdict {
  readonly latencyMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly fault: Exclude<Fault, { kind: 'latency' | 'headers' }> | null;
}

export interface Faults {
  readonly add: (rule: FaultRule) => string;
  /** Without an id: all. */
  readonly clear: (id?: string) => void;
  readonly setLatency: (range: LatencyRange | null) => void;
  readonly judge: (request: ApiRequest) => Verdict;
}

interface ActiveRule {
  readonly rule: FaultRule;
  readonly pattern: RegExp | null;
  seen: number;
  fired: number;
}

export function createFaults(random: Random): Faults {
  const rules = new Map<string, ActiveRule>();
  let latency: LatencyRange | null = null;
  let made = 0;

  const fires = (active: ActiveRule, isFree: boolean): boolean => {
    const { nth, probability, times } = active.rule;
    active.seen += 1;
    if (!isFree) return false;
    if (nth !== undefined && !(Array.isArray(nth) ? nth.includes(active.seen) : nth === active.seen)) return false;
    if (times !== undefined && active.fired >= times) return false;
    if (probability !== undefined && random() >= probability) return false;
    active.fired += 1;
    return true;
  };

  return {
    add(rule) {
      made += 1;
      const id = rule.id ?? `fault-${made}`;
      rules.set(id, { rule, pattern: rule.path === undefined ? null : pathPattern(rule.path), seen: 0, fired: 0 });
      return id;
    },
    clear(id) {
      if (id === undefined) rules.clear();
      else rules.delete(id);
    },
    setLatency: (range) => (latency = range),
    judge(request) {
      let latencyMs = latency === null ? 0 : latency.min + random() * (latency.max - latency.min);
      let extra: Record<string, string> = {};
      let first: Verdict['fault'] = null;
      for (const active of rules.values()) {
        const { fault: found } = active.rule;
        const addsUp = found.kind === 'latency' || found.kind === 'headers';
        if (!matches(active, request) || !fires(active, addsUp || first === null)) continue;
        if (found.kind === 'latency') latencyMs += found.ms;
        else if (found.kind === 'headers') extra = { ...extra, ...found.headers };
        else first = found;
      }
      return { latencyMs, headers: extra, fault: first };
    },
  };
}

function matches({ rule, pattern }: ActiveRule, request: ApiRequest): boolean {
  const [path = ''] = request.url.split('?', 1);
  return (
    (rule.method === undefined || rule.method.toUpperCase() === request.method) &&
    (pattern === null || pattern.test(path)) &&
    (rule.bodyIncludes === undefined || request.body.includes(rule.bodyIncludes))
  );
}

/** Compiles a path pattern of fault rules and request counts. */
export function pathPattern(path: string): RegExp {
  const source = path
    .split('/')
    .map((segment) => (segment === '**' ? '.*' : segment.split('*').map(escape).join('[^/]*')))
    .join('/');
  return new RegExp(`^${source}$`);
}

function escape(text: string): string {
  return text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
}

/** Resolves after `ms` of the clock. */
export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}
