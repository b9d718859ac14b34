/**
 * The upgrade of a package behind nginx, with an identity provider that sends 25 requests a second and
 * repeats what is answered with 429 or 503. Prints what was refused meanwhile, for how long, and fails
 * where a user is lost or is there twice.
 *
 *   node scripts/drills/upgrade-under-load.mjs [package.tgz]
 *
 * Installs into a temporary folder; needs nginx, and the network only on loopback.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { prepare, root } from '../prepare.mjs';
import { collectAddon, makePackage } from '../release/package.mjs';

const PER_SECOND = 25;
const BEFORE_SECONDS = 5;
const AFTER_SECONDS = 8;
const TOKEN = 'the-token-of-the-identity-provider-in-this-drill';

const seconds = (since) => ((performance.now() - since) / 1000).toFixed(1);

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

function packageAtHand(folder) {
  if (process.argv[2] !== undefined) return path.resolve(process.argv[2]);
  prepare({ build: true });
  collectAddon(root, path.join(folder, 'addons'));
  return makePackage({ root, addons: path.join(folder, 'addons'), out: folder });
}

function install(place, archive) {
  mkdirSync(place, { recursive: true });
  const args = ['install', '--prefix', place, '--no-audit', '--no-fund', '--loglevel=error', archive];
  const env = { ...process.env, npm_config_registry: 'http://127.0.0.1:9', npm_config_fetch_retries: '0' };
  const { status, stderr } = spawnSync('npm', args, { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

function startBridge(place, data, port) {
  const env = { PATH: process.env.PATH, PORT: String(port), SCIM_TOKEN: TOKEN, ADMIN_TOKEN: `${TOKEN}-page` };
  Object.assign(env, {
    TRUST_PROXY: '1',
    DATABASE_PATH: path.join(data, 'bridge.db'),
    DEFAULT_SEAT_TYPE: 'workspace_lite_member',
  });
  return spawn(path.join(place, 'node_modules/.bin/elevenlabs-scim'), ['serve'], { cwd: data, env, stdio: 'ignore' });
}

function startNginx(place, port, bridgePort) {
  mkdirSync(place);
  const sample = readFileSync(path.join(root, 'deploy/helm/files/front.conf'), 'utf8').replace(/^#.*\n/, '');
  const conf = sample
    .replaceAll('/tmp/', `${place}/`)
    .replace('listen 8080', `listen 127.0.0.1:${port}`)
    .replace('BRIDGE', `127.0.0.1:${bridgePort}`)
    .replace('RETRY_AFTER', '1');
  writeFileSync(path.join(place, 'nginx.conf'), conf);
  return spawn('nginx', ['-p', place, '-c', path.join(place, 'nginx.conf'), '-g', 'daemon off;'], { stdio: 'ignore' });
}

/** One user whom the identity provider creates, repeated until it is accepted. */
async function create(url, number, seen) {
  const address = `user${number}@acme.example`;
  const body = JSON.stringify({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    ...{ userName: address, emails: [{ value: address, primary: true }], active: true },
  });
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/scim+json' };
  for (;;) {
    const answer = await fetch(`${url}/scim/v2/Users`, { method: 'POST', headers, body }).catch((error) => error);
    const outcome = answer instanceof Error ? 'no answer' : String(answer.status);
    seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
    if (!(answer instanceof Error)) await answer.arrayBuffer();
    // 409: it was created, and the answer was lost.
    if (outcome === '201' || outcome === '409') return;
    if (!['429', '503', 'no answer'].includes(outcome)) throw new Error(`${address} was refused with ${outcome}`);
    await sleep(1000);
  }
}

async function accepted(url) {
  for (let tries = 0; tries < 600; tries++) {
    const answer = await fetch(`${url}/healthz`).catch(() => null);
    const state = answer?.status === 200 ? await answer.json() : null;
    if (state?.workspace?.hasReading) return;
    await sleep(100);
  }
  throw new Error('the bridge does not serve');
}

async function userCount(url) {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const filter = encodeURIComponent('userName sw "user"');
  const answer = await fetch(`${url}/scim/v2/Users?filter=${filter}&count=0`, { headers });
  return (await answer.json()).totalResults;
}

const folder = mkdtempSync(path.join(tmpdir(), 'bridge-upgrade-'));
const running = [];
try {
  const archive = packageAtHand(folder);
  const data = path.join(folder, 'data');
  mkdirSync(data);
  const [port, bridgePort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;

  const began = performance.now();
  install(path.join(folder, 'old'), archive);
  running.push(startNginx(path.join(folder, 'nginx'), port, bridgePort));
  const old = startBridge(path.join(folder, 'old'), data, bridgePort);
  running.push(old);
  await accepted(url);
  const first = new Map();
  await create(url, 0, first);
  console.log(`From an empty folder to the first accepted request: ${seconds(began)} s, 2 commands (install, start).`);
  install(path.join(folder, 'new'), archive);

  const seen = new Map();
  const work = [];
  let number = 0;
  let sending = true;
  const sender = (async () => {
    while (sending) {
      work.push(create(url, ++number, seen));
      await sleep(1000 / PER_SECOND);
    }
  })();
  await sleep(BEFORE_SECONDS * 1000);
  const stopped = performance.now();
  old.kill('SIGTERM');
  await once(old, 'exit');
  running.push(startBridge(path.join(folder, 'new'), data, bridgePort));
  await accepted(url);
  console.log(`Away for ${seconds(stopped)} s.`);
  await sleep(AFTER_SECONDS * 1000);
  sending = false;
  await sender;
  await Promise.all(work);
  const users = await userCount(url);
  console.log(`${number} users were sent, answers: ${[...seen].map(([what, n]) => `${what}: ${n}`).join(', ')}`);
  console.log(`${users} users are there.`);
  if (users !== number + 1) throw new Error(`${number + 1 - users} users are lost.`);
} finally {
  for (const child of running) child.kill('SIGTERM');
  await Promise.all(
    running.map((child) => (child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null)),
  );
  rmSync(folder, { recursive: true, force: true });
}
