/** What is not one request after another: many at once, a whole sync, an initial load. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DOMAIN, groupId, userDocument, userId } from './directory.mjs';
import { load, medians, once } from './load.mjs';
import { changeMembers, GROUP_WITH_MEMBERS, SLOW_FILTER, USER_OPERATIONS } from './operations.mjs';
import { command, cpuMs, rssMb, sleep, startBridge, startSandbox, untilIdle } from './processes.mjs';

const people = (from, count) => Array.from({ length: count }, (_, k) => userId(from + k));

/** A filter that has to look at every user, alone and beside look-ups that must not wait for it. */
export async function slowFilter(bridge, users, { rounds }) {
  const next = SLOW_FILTER.next(users);
  const alone = medians(
    await repeat(rounds, () => load(bridge, next, { amount: users > 50_000 ? 3 : 10, connections: 1 })),
  );
  const [, beside] = await Promise.all([
    load(bridge, next, { amount: 5, connections: 1 }),
    load(bridge, USER_OPERATIONS[0].next(users), { seconds: Math.max(0.3, (alone.p50 * 5) / 1000), connections: 1 }),
  ]);
  return { ...alone, waitMs: beside.max };
}

/** 32 clients that each add one member at the same moment. */
export async function parallelAdds(bridge, size) {
  const ids = people(size, 32);
  const path_ = `/Groups/${groupId(size)}`;
  await once(bridge, { method: 'PATCH', path: path_, body: changeMembers('Remove', ids), status: [200, 204] });
  await Promise.all(
    ids.map((id) =>
      once(bridge, { method: 'PATCH', path: path_, body: changeMembers('Add', [id]), status: [200, 204] }),
    ),
  );
  const { json } = await once(bridge, { path: path_ });
  const there = new Set(json.members.map(({ value }) => value));
  await once(bridge, { method: 'PATCH', path: path_, body: changeMembers('Remove', ids), status: [200, 204] });
  return { lost: ids.filter((id) => !there.has(id)).length };
}

/** Many members in one request, with the plans for all of them afterwards. */
export async function addMany(bridge, size, count, { rounds }) {
  const ids = people(size + 100, count);
  const measured = await repeat(rounds, async () => {
    const path_ = `/Groups/${groupId(size)}?excludedAttributes=members`;
    const added = await once(bridge, {
      method: 'PATCH',
      path: path_,
      body: changeMembers('Add', ids),
      status: [200, 204],
    });
    await once(bridge, { method: 'PATCH', path: path_, body: changeMembers('Remove', ids), status: [200, 204] });
    return { ms: added.ms, cpuAnswer: added.cpuAnswer, cpu: added.cpu };
  });
  return medians(measured);
}

export async function wholeGroup(bridge, size, { rounds }) {
  const next = GROUP_WITH_MEMBERS.next(size);
  await load(bridge, next, { amount: 5, connections: 1 });
  return medians(await repeat(rounds, () => load(bridge, next, { amount: 10, connections: 1 })));
}

/** A full sync in which nothing has changed. */
export async function fullSync(folder, { members, groups, rounds }) {
  const sandbox = await startSandbox(members, groups);
  const bridge = await startBridge(path.join(mkdtempSync(path.join(folder, 'sync-')), 'bridge.db'), sandbox);
  try {
    await untilImported(bridge, members);
    const measured = await repeat(rounds, async () => {
      await untilIdle(bridge.pid);
      await sandbox.control('clear-requests');
      await bridge.ask('watchDelay');
      const before = cpuMs(bridge.pid);
      const report = JSON.parse(await command(bridge, ['sync', '--json']));
      await untilIdle(bridge.pid);
      if (report.problem !== null || report.membersChanged + report.groupsChanged !== 0)
        throw new Error(`the sync was none without changes: ${JSON.stringify(report)}`);
      return {
        stallMs: await bridge.ask('delay'),
        cpu: cpuMs(bridge.pid) - before,
        calls: (await sandbox.control('requests')).length,
      };
    });
    return { ...medians(measured), stallMs: Math.max(...measured.map(({ stallMs }) => stallMs)) };
  } finally {
    await bridge.stop();
    await sandbox.stop();
  }
}

async function untilImported(bridge, members) {
  for (const deadline = performance.now() + 60_000; performance.now() < deadline; await sleep(100)) {
    const { json } = await once(bridge, { path: '/Users?count=1' });
    if (json.totalResults >= members) return untilIdle(bridge.pid);
  }
  throw new Error('the members were not imported in time');
}

/** An IdP that provisions everybody into an empty bridge; each of them is invited. */
export async function initialLoad(folder, users) {
  const sandbox = await startSandbox(0, 0);
  const bridge = await startBridge(path.join(mkdtempSync(path.join(folder, 'initial-')), 'bridge.db'), sandbox);
  try {
    await untilIdle(bridge.pid);
    let n = 0;
    const before = cpuMs(bridge.pid);
    const begun = performance.now();
    const next = () => ({ method: 'POST', path: '/Users', body: userDocument(++n, { active: true }), status: 201 });
    const quarters = [];
    for (let quarter = 0; quarter < 4; quarter++) quarters.push(await loadOnly(bridge, next, Math.floor(users / 4)));
    const answered = performance.now();
    const invited = await untilInvited(sandbox, n);
    const ended = performance.now();
    await untilIdle(bridge.pid);
    return {
      users: n,
      perSecond: n / ((answered - begun) / 1000),
      slowestQuarter: Math.min(...quarters),
      fastestQuarter: Math.max(...quarters),
      lost: n - invited,
      allInvitedAfterSeconds: (ended - begun) / 1000,
      cpu: (cpuMs(bridge.pid) - before) / n,
      rss: rssMb(bridge.pid),
    };
  } finally {
    await bridge.stop();
    await sandbox.stop();
  }
}

/** How many calls it takes to invite so many people whom an IdP creates one after another. */
export async function inviteCalls(folder, users, { verified }) {
  const sandbox = await startSandbox(0, 0);
  const own = mkdtempSync(path.join(folder, 'invites-'));
  const mapping = path.join(own, 'mapping.yaml');
  writeFileSync(mapping, `verifiedDomains: [${verified ? DOMAIN : ''}]\n`);
  if (verified) await sandbox.control('set-verified-domains', { domains: [DOMAIN] });
  const more = { MAPPING_FILE: mapping };
  const bridge = await startBridge(path.join(own, 'bridge.db'), sandbox, undefined, more);
  try {
    await untilIdle(bridge.pid);
    let n = 0;
    const next = () => ({ method: 'POST', path: '/Users', body: userDocument(++n, { active: true }), status: 201 });
    await load(bridge, next, { amount: users, underWay: true });
    const invited = await untilInvited(sandbox, n);
    await untilIdle(bridge.pid);
    if (invited !== n) throw new Error(`${invited} of ${n} users were invited`);
    const requests = await sandbox.control('requests', { method: 'POST' });
    return { users: n, calls: requests.length };
  } finally {
    await bridge.stop();
    await sandbox.stop();
  }
}

/** Users per second, without waiting for what follows from them. */
async function loadOnly(bridge, next, amount) {
  return (await load(bridge, next, { amount, underWay: true })).perSecond;
}

async function untilInvited(sandbox, users) {
  let invited = 0;
  for (const deadline = performance.now() + 900_000; performance.now() < deadline; await sleep(200)) {
    invited = (await sandbox.control('state')).invites.length;
    if (invited >= users) break;
  }
  return invited;
}

async function repeat(times, work) {
  const results = [];
  for (let round = 0; round < times; round++) results.push(await work(round));
  return results;
}

/** How long a start takes on this database, and what it occupies. The last of the servers is left running. */
export async function starts(file, sandbox, { rounds }) {
  const measured = [];
  for (let round = 1; ; round++) {
    const last = await startBridge(file, sandbox);
    await untilIdle(last.pid);
    measured.push({ ms: last.startMs, cpu: last.startCpu, rssBefore: last.startRss, rssIdle: rssMb(last.pid) });
    if (round === rounds) return { ...medians(measured), last };
    await last.stop();
  }
}

export function removeFolder(folder) {
  rmSync(folder, { recursive: true, force: true });
}
