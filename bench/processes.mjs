/** Starts, watches and ends the processes of a run. All of them are children, and all end with it. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
export const TOKEN = 'bench-token-0123456789abcdef0123456789abcdef';
const CONTROL_TOKEN = 'bench-control-0123456789abcdef';
const inBench = (name) => path.join(root, 'bench', name);
const MAIN = path.join(root, 'dist', 'main.js');

const children = new Set();

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function start(args, options = {}) {
  const child = spawn(process.execPath, args, {
    cwd: options.cwd ?? root,
    env: { PATH: process.env.PATH, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', ...(options.ipc === true ? ['ipc'] : [])],
  });
  children.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk) => (stderr = (stderr + chunk).slice(-20_000)));
  const process_ = { child, pid: child.pid, ended: false, stdout: () => stdout, output: () => stdout + stderr };
  process_.exit = new Promise((resolve) =>
    child.on('close', () => {
      process_.ended = true;
      children.delete(child);
      resolve();
    }),
  );
  return process_;
}

export async function stop(running) {
  if (running.ended) return;
  running.child.kill('SIGTERM');
  await Promise.race([running.exit, sleep(10_000)]);
  if (!running.ended) running.child.kill('SIGKILL');
}

export async function stopAll() {
  for (const child of children) child.kill('SIGKILL');
}

/** Runs a script to its end; throws with its output if it fails. */
export function runScript(name, args) {
  const result = spawnSync(process.execPath, [inBench(name), ...args.map(String)], { cwd: root, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`${name} failed:\n${result.stdout}${result.stderr}`);
}

async function untilAnswers(running, url, headers) {
  for (;;) {
    if (running.ended) throw new Error(`a server ended before it answered:\n${running.output()}`);
    try {
      const response = await fetch(url, { headers });
      await response.text();
      if (response.status < 500) return response;
    } catch {
      // Not listening yet.
    }
    await sleep(4);
  }
}

/** A server that is loaded: where it is, and whose CPU time counts. */
async function startServer(name, args, probePath) {
  const port = await freePort();
  const running = start([inBench(name), port, ...args].map(String));
  const base = `http://127.0.0.1:${port}/scim/v2`;
  await untilAnswers(running, `${base}${probePath}`, {});
  return { ...running, base, stop: () => stop(running) };
}

export const startFloor = () => startServer('floor-server.mjs', [], '/Users/1');
export const startScimmy = (users, groupSizes) =>
  startServer('scimmy-server.mjs', [users, ...groupSizes], '/ServiceProviderConfig');

export async function startSandbox(members, groups) {
  const running = start([inBench('sandbox-server.mjs'), 0, CONTROL_TOKEN, members, groups].map(String));
  while (!running.output().includes('\n')) {
    if (running.ended) throw new Error(`the sandbox ended:\n${running.output()}`);
    await sleep(10);
  }
  const { url, apiKey } = JSON.parse(running.output().split('\n', 1)[0]);
  const control = async (operation, body = {}) => {
    const response = await fetch(`${url}/__sandbox/${operation}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${CONTROL_TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`sandbox ${operation}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  return { url, apiKey, control, stop: () => stop(running) };
}

/** The bridge on the database `file`. `startMs` = from the start of the process to its first SCIM answer. */
export async function startBridge(file, sandbox, firstPath = '/Users?count=1', more = {}) {
  const port = await freePort();
  const env = {
    DATABASE_PATH: file,
    PORT: String(port),
    SCIM_TOKEN: TOKEN,
    ELEVENLABS_API_KEY: sandbox.apiKey,
    ELEVENLABS_BASE_URL: sandbox.url,
    PROVISION_WAIT_MS: '0',
    LOG_LEVEL: 'warn',
    ...more,
  };
  const begun = performance.now();
  const running = start(['--import', inBench('probe.mjs'), MAIN, 'serve'], { env, ipc: true, cwd: path.dirname(file) });
  const base = `http://127.0.0.1:${port}/scim/v2`;
  const first = await untilAnswers(running, `${base}${firstPath}`, { authorization: `Bearer ${TOKEN}` });
  const startMs = performance.now() - begun;
  const [startCpu, startRss] = [cpuMs(running.pid), rssMb(running.pid)];
  if (first.status !== 200) throw new Error(`the first answer was ${first.status}:\n${running.output()}`);
  return {
    ...running,
    ...{ base, file, env, startMs, startCpu, startRss },
    ask: askOf(running),
    stop: () => stop(running),
  };
}

function askOf({ child }) {
  let last = 0;
  return (bench, argument) =>
    new Promise((resolve, reject) => {
      const id = ++last;
      const listen = (message) => {
        if (message?.bench !== id) return;
        child.off('message', listen);
        if (message.error === undefined) resolve(message.answer);
        else reject(new Error(message.error));
      };
      child.on('message', listen);
      child.send({ bench, argument, id });
    });
}

/** Runs a command of the bridge beside the server, on the same database. */
export async function command(bridge, args) {
  const running = start([MAIN, ...args], { env: bridge.env, cwd: path.dirname(bridge.file) });
  await running.exit;
  if (running.child.exitCode !== 0) throw new Error(`${args.join(' ')} failed:\n${running.output()}`);
  return running.stdout();
}

/** CPU time of a process in ms so far: user and system, all threads. */
export function cpuMs(pid) {
  const tasks = `/proc/${pid}/task`;
  // Nanoseconds where the kernel keeps them; the ticks of /proc/<pid>/stat are 10 ms.
  if (existsSync(`${tasks}/${pid}/schedstat`)) {
    let sum = 0;
    for (const task of readdirSync(tasks)) {
      const text = readFileSync(`${tasks}/${task}/schedstat`, 'utf8');
      sum += Number(text.slice(0, text.indexOf(' ')));
    }
    return sum / 1e6;
  }
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

export function rssMb(pid) {
  const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match[1]) / 1024;
}

/** Waits until the process has nothing to do any more: what a request leaves to be done later counts as its cost. */
export async function untilIdle(pid, limitMs = 60_000) {
  const deadline = performance.now() + limitMs;
  let last = cpuMs(pid);
  // Twice quiet: on a busy machine it may have had no turn in between.
  for (let quiet = 0; quiet < 2 && performance.now() < deadline;) {
    await sleep(25);
    const now = cpuMs(pid);
    quiet = now - last < 1.5 ? quiet + 1 : 0;
    last = now;
  }
}
