/** Whether an IdP gets its answers while many hostile and slow connections want them, too. */
import { mkdtempSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { userId, userName } from './directory.mjs';
import { runScript, sleep, startBridge, startSandbox, TOKEN, untilIdle } from './processes.mjs';

const USERS = 1_000;
/** What Entra is documented to need. */
const PER_SECOND = 25;
const TITLE = 'hostile connections';
/** Every so many requests comes on a connection of its own, as after the IdP has moved. */
const NEW_CONNECTION_EVERY = 5;

/** See measure.mjs: adds its rows to `run.others`. */
export async function measureHostile(run) {
  if (!run.wants(TITLE)) return;
  const isSmoke = run.plan.rounds === 1;
  const [connections, seconds] = isSmoke ? [24, 1] : [350, 20];
  run.note(`${connections} ${TITLE}`);
  const file = path.join(mkdtempSync(path.join(run.folder, 'hostile-')), 'bridge.db');
  runScript('seed.mjs', [file, USERS]);
  const sandbox = await startSandbox(0, 0);
  const bridge = await startBridge(file, sandbox);
  await untilIdle(bridge.pid);
  const alone = await traffic(bridge, seconds);
  const attackers = new Worker(new URL('attackers.mjs', import.meta.url), {
    workerData: { port: Number(new URL(bridge.base).port), connections },
  });
  await sleep(isSmoke ? 200 : 3_000);
  const beset = await traffic(bridge, seconds);
  const opened = await openedBy(attackers);
  await attackers.terminate();
  await bridge.stop();
  await sandbox.stop();
  const size = `${PER_SECOND} requests/s`;
  const add = (what, value, unit, target = {}) => run.others.push({ what, size, value, unit, ...target });
  const under = `under ${connections} ${TITLE}`;
  add(`${under}: answered`, beset.answered, '%', { least: 100 });
  add(`${under}: p50`, beset.p50, 'ms');
  add(`${under}: p99`, beset.p99, 'ms', { target: 1_000 });
  add(`${under}: opened anew after they were cut`, opened / (seconds + 3), 'connections/s');
  add(`without them: p50`, alone.p50, 'ms');
  add(`without them: p99`, alone.p99, 'ms');
  for (const problem of beset.problems) run.note(problem);
}

const openedBy = (worker) =>
  new Promise((resolve) => {
    worker.once('message', resolve);
    worker.postMessage('opened');
  });

/**
 * Sends at a steady rate, whether the last answer has come or not, and without a second try. A request's
 * time begins when it was due.
 */
async function traffic(bridge, seconds) {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const times = [];
  const problems = new Set();
  const amount = PER_SECOND * seconds;
  const begun = performance.now();
  const sent = [];
  for (let n = 0; n < amount; n++) {
    const due = begun + (n * 1000) / PER_SECOND;
    await sleep(Math.max(0, due - performance.now()));
    const { method, url, body } = requestOf(n);
    const one = ask(bridge.base + url, { method, body, agent: n % NEW_CONNECTION_EVERY === 0 ? false : agent });
    sent.push(one.then(() => times.push(performance.now() - due)).catch(({ message }) => problems.add(message)));
  }
  await Promise.all(sent);
  agent.destroy();
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? Infinity;
  return { answered: (100 * times.length) / amount, p50: at(0.5), p99: at(0.99), problems };
}

/** Look-ups, as an IdP sends most of the time, and every fourth request a write. */
function requestOf(n) {
  const who = (n * 37) % USERS;
  if (n % 4 !== 0)
    return { method: 'GET', url: `/Users?filter=${encodeURIComponent(`userName eq "${userName(who)}"`)}` };
  const operation = { op: 'replace', path: 'title', value: `Engineer ${n}` };
  const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp'];
  return {
    ...{ method: 'PATCH', url: `/Users/${userId(who)}` },
    body: JSON.stringify({ schemas, Operations: [operation] }),
  };
}

function ask(url, { method, body, agent }) {
  const headers = {
    authorization: `Bearer ${TOKEN}`,
    ...(body === undefined
      ? {}
      : { 'content-type': 'application/scim+json', 'content-length': Buffer.byteLength(body) }),
  };
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, agent, headers, timeout: 10_000 }, (response) => {
      response.resume();
      response.on('end', () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`${method}: ${response.statusCode}`));
      });
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error('no answer within ten seconds')));
    request.on('error', reject);
    request.end(body);
  });
}
