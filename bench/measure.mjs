/** The run from its first process to its last: what is measured on which server, in which order. */
import { mkdtempSync } from 'node:fs';
import path from 'node:path';
import { changeMembers, COMPARED, GROUP_OPERATIONS, USER_OPERATIONS } from './operations.mjs';
import { groupId, userId } from './directory.mjs';
import { measureHostile } from './hostile.mjs';
import { load, medians, once } from './load.mjs';
import { rssMb, runScript, startBridge, startFloor, startSandbox, startScimmy, untilIdle } from './processes.mjs';
import { profileSummary } from './report.mjs';
import {
  addMany,
  fullSync,
  initialLoad,
  inviteCalls,
  parallelAdds,
  slowFilter,
  starts,
  wholeGroup,
} from './scenarios.mjs';

const WARM_UP_REQUESTS = 2_000;
const WARM_UP_PART = 200;
/** At most, for what is slow. */
const WARM_UP_SECONDS = 3;
/** Requests of a round where time is not to decide (`--smoke`). */
const FEW = 16;

/** See run.mjs. */
export async function measure({ plan, folder, only, profiles, note }) {
  const run = { plan, folder, profiles, note, wants: (name) => name.toLowerCase().includes(only) };
  run.requests = [];
  run.others = [];
  run.floorRounds = [];
  run.floor = await startFloor();
  await warmUp(run, run.floor, floorRequest);
  run.floorRounds.push(await load(run.floor, floorRequest, { amount: FEW }));
  const sandbox = await startSandbox(0, 0);
  await measureUsers(run, sandbox);
  await measureGroups(run, sandbox);
  await sandbox.stop();
  await measureSync(run);
  await measureInitialLoad(run);
  await measureInvites(run);
  await measureScimmy(run);
  await measureHostile(run);
  return { floor: medians(run.floorRounds), requests: run.requests, others: run.others };
}

const floorRequest = () => ({ path: '/Users/1' });
const counted = (number, what) => `${number.toLocaleString('en-US')} ${what}`;
const other = (run, what, size, value, unit, target = {}) => run.others.push({ what, size, value, unit, ...target });

async function seeded(run, users, groups = []) {
  const file = path.join(mkdtempSync(path.join(run.folder, 'seeded-')), 'bridge.db');
  run.note(`seeding ${counted(users, 'users')} ...`);
  runScript('seed.mjs', [file, users, ...groups]);
  return file;
}

/**
 * Answers how many requests make a round. A server is compiled while it runs: before some thousand
 * requests the figures would be those of the interpreter. Counted and not timed, for a busy
 * machine gets fewer of them done.
 */
async function warmUp({ plan }, target, next) {
  if (plan.seconds === 0) return FEW;
  const deadline = performance.now() + WARM_UP_SECONDS * 1000;
  let perSecond = 0;
  for (let done = 0; done < WARM_UP_REQUESTS && performance.now() < deadline; done += WARM_UP_PART)
    ({ perSecond } = await load(target, next, { amount: WARM_UP_PART, underWay: true }));
  return Math.max(FEW, Math.round((perSecond * plan.seconds) / 8) * 8);
}

/** One operation on servers (or groups) of growing size, round about, so that noise hits all of them alike. */
async function measureOperation(run, operation, targets) {
  if (!run.wants(operation.name)) return;
  run.note(operation.name);
  const measured = [];
  for (const { target, size, label } of targets) {
    const next = operation.next(size);
    measured.push({ target, label, next, amount: await warmUp(run, target, next), rounds: [] });
  }
  const floorAmount = run.plan.seconds === 0 ? FEW : 400;
  for (let round = 0; round < run.plan.rounds; round++) {
    for (const { target, next, amount, rounds } of measured) rounds.push(await load(target, next, { amount }));
    run.floorRounds.push(await load(run.floor, floorRequest, { amount: floorAmount }));
  }
  if (run.profiles !== null) await profile(run, operation.name, measured.at(-1));
  const rows = measured.map(({ label, rounds }) => ({ operation: operation.name, size: label, ...medians(rounds) }));
  rows.forEach((row, index) => {
    const isLast = index === rows.length - 1;
    run.requests.push({
      ...row,
      growth: isLast && index > 0 ? row.cpu / rows[0].cpu : null,
      target: { ratio: operation.ratio, ...(isLast && index > 0 ? { growth: operation.growth } : {}) },
    });
  });
}

/** One more round, after those that count: the profiler itself takes time all the while. */
async function profile(run, name, { target, next, amount }) {
  const file = path.join(run.profiles, `${name.replace(/[^a-z0-9]+/gi, '-').toLowerCase()}.cpuprofile`);
  await target.ask('startProfile');
  await load(target, next, { amount, underWay: true });
  await target.ask('writeProfile', file);
  run.note(`${file}\n${profileSummary(file)}`);
}

async function measureUsers(run, sandbox) {
  const { plan } = run;
  const bridges = [];
  for (const size of plan.users) {
    const label = counted(size, 'users');
    const file = await seeded(run, size);
    // The first one finds nothing in the cache of the file system.
    if (plan.rounds > 1) await (await startBridge(file, sandbox)).stop();
    const start = await starts(file, sandbox, { rounds: Math.min(3, plan.rounds) });
    bridges.push({ size, label, start, target: start.last });
  }
  for (const { size, start, label } of bridges) {
    const isLast = size === plan.users.at(-1);
    other(run, 'start to the first SCIM answer', label, start.ms, 'ms', { target: 1_000 });
    other(run, 'start to the first SCIM answer, CPU', label, start.cpu, 'CPU ms');
    if (isLast && bridges.length > 1)
      other(run, 'start, growth of CPU', label, start.cpu / bridges[0].start.cpu, 'x', { target: 1.5 });
    other(run, 'RSS at the first answer', label, start.rssBefore, 'MB', { target: 110 });
    other(run, 'RSS idle, SDK loaded', label, start.rssIdle, 'MB');
  }
  for (const operation of USER_OPERATIONS) await measureOperation(run, operation, bridges);
  for (const { target, label } of bridges) {
    const limit = label === bridges.at(-1).label ? { target: 280 } : {};
    other(run, 'RSS after all of these requests', label, rssMb(target.pid), 'MB', limit);
  }
  if (run.wants('filter without an index')) {
    run.note('filter without an index');
    for (const { target, size, label } of bridges) {
      const filter = await slowFilter(target, size, { rounds: Math.min(3, plan.rounds) });
      other(run, 'filter without an index', label, filter.p50, 'ms', { target: 150 });
      other(run, 'longest wait of a look-up beside it', label, filter.waitMs, 'ms', { target: 50 });
    }
  }
  for (const { target } of bridges) await target.stop();
}

async function measureGroups(run, sandbox) {
  const { plan } = run;
  const largest = plan.groups.at(-1);
  const target = await startBridge(await seeded(run, largest + plan.many + 200, plan.groups), sandbox);
  await untilIdle(target.pid);
  await checkMembership(target, largest);
  const targets = plan.groups.map((size) => ({ target, size, label: counted(size, 'members') }));
  for (const operation of GROUP_OPERATIONS) await measureOperation(run, operation, targets);
  run.note('groups, other');
  for (const size of plan.groups.filter((each) => each >= Math.min(1_000, largest))) {
    const label = counted(size, 'members');
    const whole = await wholeGroup(target, size, { rounds: Math.min(3, plan.rounds) });
    other(run, 'GET group with members', label, whole.cpu, 'CPU ms', size === 10_000 ? { target: 30 } : {});
    const many = await addMany(target, size, plan.many, { rounds: Math.min(3, plan.rounds) });
    const what = `PATCH group, ${counted(plan.many, 'members')} at once`;
    other(run, `${what}, until answered`, label, many.ms, 'ms', { target: 40 });
    other(run, `${what}, with all plans made`, label, many.cpu, 'CPU ms');
    const { lost } = await parallelAdds(target, size);
    other(run, '32 parallel adds, lost', label, lost, 'members', { target: 0 });
  }
  await target.stop();
}

/** That the requests of the bench do what they are taken for. */
async function checkMembership(target, size) {
  const path_ = `/Groups/${groupId(size)}`;
  const id = userId(size);
  const isMember = async () => (await once(target, { path: path_ })).json.members.some(({ value }) => value === id);
  for (const op of ['Add', 'Remove']) {
    await once(target, { method: 'PATCH', path: path_, body: changeMembers(op, [id]), status: [200, 204] });
    if ((await isMember()) !== (op === 'Add')) throw new Error(`${op} of a member did nothing`);
  }
}

async function measureSync(run) {
  if (!run.wants('full sync')) return;
  run.note('full sync');
  const { sync, rounds } = run.plan;
  const label = `${counted(sync.members, 'members')}, ${counted(sync.groups, 'groups')}`;
  const { stallMs, cpu, calls } = await fullSync(run.folder, { ...sync, rounds: Math.min(3, rounds) });
  other(run, 'full sync, nothing changed: longest stall of the event loop', label, stallMs, 'ms', { target: 50 });
  other(run, 'full sync, nothing changed: CPU', label, cpu, 'CPU ms');
  other(run, 'full sync, nothing changed: calls to ElevenLabs', label, calls, 'calls', { target: 2 });
}

async function measureInitialLoad(run) {
  if (!run.wants('initial load')) return;
  run.note('initial load');
  const loaded = await initialLoad(run.folder, run.plan.initial);
  const label = counted(loaded.users, 'users');
  other(run, 'initial load, answered and on disk', label, loaded.perSecond, 'users/s', { least: 300 });
  other(run, 'initial load, slowest quarter', label, loaded.slowestQuarter, 'users/s', { least: 300 });
  other(run, 'initial load, the last invite sent after', label, loaded.allInvitedAfterSeconds, 's');
  other(run, 'initial load, users without an invite', label, loaded.lost, 'users', { target: 0 });
  other(run, 'initial load, invite included', label, loaded.cpu, 'CPU ms per user');
}

/** New users whom nobody waits for: a call each, or far fewer where the domain is verified. */
async function measureInvites(run) {
  if (!run.wants('invite calls')) return;
  run.note('invite calls');
  const { economy } = run.plan;
  const alone = await inviteCalls(run.folder, economy, { verified: false });
  const together = await inviteCalls(run.folder, economy, { verified: true });
  const label = counted(alone.users, 'users');
  other(run, 'invite calls', label, alone.calls, 'calls', { target: alone.users });
  other(run, 'invite calls, verified domain', label, together.calls, 'calls', { target: 20 });
}

/** A plain scimmy server, for comparison: a few requests, since each may take seconds. */
async function measureScimmy(run) {
  if (!run.wants('scimmy')) return;
  run.note('plain scimmy');
  const { users, groups } = run.plan.scimmy;
  const target = await startScimmy(users, groups);
  const measureOne = async (name, size, label, next) => {
    const first = await load(target, next, { amount: 3, connections: 1 });
    const amount = Math.max(3, Math.min(200, Math.round(400 / first.p50)));
    const rounds = [];
    for (let round = 0; round < Math.min(3, run.plan.rounds); round++)
      rounds.push(await load(target, next, { amount, connections: 1 }));
    run.requests.push({ operation: `plain scimmy: ${name}`, size: label, ...medians(rounds), growth: null });
  };
  for (const { name, next } of COMPARED) await measureOne(name, users, counted(users, 'users'), next(users));
  const [change] = GROUP_OPERATIONS;
  for (const size of groups) await measureOne(change.name, size, counted(size, 'members'), change.next(size));
  await target.stop();
}
