/** One round of load: a number of requests over some connections, and what they cost the server. */
import autocannon from 'autocannon';
import { cpuMs, TOKEN, untilIdle } from './processes.mjs';

const HEADERS = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/scim+json' };
/** Every so many answers one is read and checked. */
const SAMPLE_EVERY = 50;

/**
 * `next()` gives `{method, path, body, check}`; `check(json, status)` answers what is wrong, or
 * nothing. Statuses other than `2xx` are wrong in any case.
 */
export async function load(target, next, { amount, seconds, connections = 8, underWay = false }) {
  const wrong = [];
  const latencies = [];
  let seen = 0;
  const complain = (what) => wrong.length < 5 && wrong.push(what);
  const request = {
    setupRequest(prepared, context) {
      const { method = 'GET', path, body, check, status } = next();
      Object.assign(context, { check, status });
      return { ...prepared, method, path: new URL(target.base).pathname + path, body: body && JSON.stringify(body) };
    },
    onResponse(status, body, context) {
      const expected = [context.status ?? 200].flat();
      if (!expected.includes(status)) complain(`${status} instead of ${expected}: ${body.slice(0, 300)}`);
      else if (context.check !== undefined && seen++ % SAMPLE_EVERY === 0) {
        const problem = context.check(body === '' ? null : JSON.parse(body));
        if (problem) complain(`${problem}: ${body.slice(0, 300)}`);
      }
    },
  };
  // `underWay`: what earlier requests left to be done is part of it.
  if (!underWay) await untilIdle(target.pid);
  const cpuBefore = cpuMs(target.pid);
  const begun = performance.now();
  let last = begun;
  const run = autocannon({
    url: new URL(target.base).origin,
    connections: amount === undefined ? connections : Math.min(connections, amount),
    ...(amount === undefined ? { duration: seconds } : { amount }),
    headers: HEADERS,
    requests: [request],
    sampleInt: 20,
    timeout: 60,
  });
  run.on('response', (_client, _status, _bytes, ms) => {
    latencies.push(ms);
    last = performance.now();
  });
  const result = await run;
  if (result.errors > 0 || result.timeouts > 0) complain(`${result.errors} errors, ${result.timeouts} timeouts`);
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
  if (!underWay) await untilIdle(target.pid);
  const requests = latencies.length;
  latencies.sort((a, b) => a - b);
  return {
    requests,
    cpu: (cpuMs(target.pid) - cpuBefore) / requests,
    perSecond: requests / ((last - begun) / 1000),
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    max: latencies.at(-1),
  };
}

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The medians of several rounds, field by field. */
export const medians = (rounds) =>
  Object.fromEntries(Object.keys(rounds[0]).map((key) => [key, median(rounds.map((round) => round[key]))]));

/** One request by hand: its answer, how long it took, and what it cost until the server was idle again. */
export async function once(target, { method = 'GET', path, body, status = 200 }) {
  await untilIdle(target.pid);
  const cpuBefore = cpuMs(target.pid);
  const begun = performance.now();
  const response = await fetch(target.base + path, {
    method,
    headers: HEADERS,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const ms = performance.now() - begun;
  if (![status].flat().includes(response.status))
    throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 300)}`);
  const cpuAnswer = cpuMs(target.pid) - cpuBefore;
  await untilIdle(target.pid);
  return { json: text === '' ? null : JSON.parse(text), ms, cpuAnswer, cpu: cpuMs(target.pid) - cpuBefore };
}
