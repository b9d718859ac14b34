/**
 * Proves the Dockerfile where there is no Docker: reads it, performs its own instructions in a
 * fresh folder, starts what comes out as the container would, and checks what an operator relies
 * on. Because the instructions come from the Dockerfile, the two cannot diverge; an instruction
 * that is not understood here fails the run.
 *
 *   node docker/verify.mjs [--reuse <node_modules>]
 *
 * --reuse takes an installed node_modules in place of `npm ci`: saves compiling SQLite once more.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const reuse = process.argv[2] === '--reuse' ? path.resolve(process.argv[3] ?? 'node_modules') : null;

function check(condition, message) {
  if (!condition) throw new Error(message);
}

/** Instructions as {keyword, rest}; continued lines joined, comments dropped. */
function parseDockerfile(text) {
  const joined = text.replace(/^\s*#.*\n/gm, '').replace(/\\\n\s*/g, ' ');
  return joined
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, keyword, rest] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
      check(keyword !== undefined, `Dockerfile line not understood: ${line}`);
      return { keyword, rest };
    });
}

/** A stage: its folder stands for `/`, and what its instructions leave behind. */
function newStage(base, folder) {
  mkdirSync(path.join(folder, 'usr/local/bin'), { recursive: true });
  return { base, folder, workdir: '/', env: {}, labels: {}, user: 'root', cmd: null, healthcheck: null, volume: null };
}

const inStage = (stage, file) => path.join(stage.folder, path.resolve(stage.workdir, file));

/** Whether .dockerignore lets the path into the build; it lists what is allowed. */
function allowedByDockerignore(source) {
  const lines = readFileSync(path.join(root, '.dockerignore'), 'utf8').split('\n');
  check(lines.includes('*'), '.dockerignore does not start from nothing');
  return lines.some((line) => line.startsWith('!') && line.slice(1).replace(/\/$/, '') === source.replace(/\/$/, ''));
}

function copy(stage, stages, rest) {
  const words = rest.split(/\s+/);
  const from = words[0].startsWith('--from=') ? words.shift().slice('--from='.length) : null;
  const target = words.pop();
  for (const source of words) {
    check(from !== null || allowedByDockerignore(source), `.dockerignore leaves out ${source}, which is copied`);
    const origin = from === null ? path.join(root, source) : path.join(stages.get(from).folder, source);
    check(existsSync(origin), `COPY ${source}: there is no such file`);
    const into = target === './' ? path.basename(source) : target;
    mkdirSync(path.dirname(inStage(stage, into)), { recursive: true });
    cpSync(origin, inStage(stage, into), { recursive: true, verbatimSymlinks: true });
  }
}

/** A shell command, with the absolute paths that it names moved into the stage. */
function relocate(stage, command) {
  return command
    .replace(/chown node:node \S+/g, 'true')
    .replace(/(?<=\s)\/(app|data|usr\/local\/bin)(?=[/\s]|$)/g, (_, name) => path.join(stage.folder, name));
}

function shell(stage, command) {
  const result = spawnSync('bash', ['-euc', relocate(stage, command)], {
    cwd: inStage(stage, '.'),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  check(result.status === 0, `RUN ${command}\n${result.stdout}${result.stderr}`);
}

function installFromReuse(stage) {
  const target = inStage(stage, 'node_modules');
  // Hard links: quick, and what is deleted here stays there. npm rewrites its record, so that is a copy.
  const linked = spawnSync('cp', ['-al', reuse, target]).status === 0;
  if (!linked) {
    rmSync(target, { recursive: true, force: true });
    cpSync(reuse, target, { recursive: true, verbatimSymlinks: true });
  }
  const record = '.package-lock.json';
  rmSync(path.join(target, record));
  cpSync(path.join(reuse, record), path.join(target, record));
}

/** Values of ARG before the first stage. */
const buildArguments = new Map();

/** Performs one instruction; answers the stage that the next one belongs to. */
function perform({ keyword, rest }, stage, stages, folder) {
  console.log(`${keyword} ${rest.length > 100 ? `${rest.slice(0, 97)}...` : rest}`);
  switch (keyword) {
    case 'ARG': {
      const [, name, value] = /^(\w+)=(\S+)$/.exec(rest) ?? [];
      check(stage === null && name !== undefined, `ARG ${rest}: not understood`);
      buildArguments.set(name, value);
      return stage;
    }
    case 'LABEL': {
      const [, name, quoted, bare] = /^([\w.]+)=(?:"([^"]+)"|(\S+))$/.exec(rest) ?? [];
      check(name !== undefined, `LABEL ${rest}: not understood`);
      stage.labels[name] = quoted ?? bare;
      return stage;
    }
    case 'FROM': {
      const [image, , name = 'final'] = rest.split(/\s+/);
      const base = image.replace(/^\$\{(\w+)\}$/, (_, argument) => buildArguments.get(argument));
      const next = newStage(base, path.join(folder, name));
      stages.set(name, next);
      return next;
    }
    case 'WORKDIR':
      stage.workdir = rest;
      mkdirSync(inStage(stage, '.'), { recursive: true });
      return stage;
    case 'COPY':
      copy(stage, stages, rest);
      return stage;
    case 'RUN':
      if (reuse !== null && /^npm ci\b/.test(rest)) installFromReuse(stage);
      else shell(stage, rest);
      return stage;
    case 'ENV': {
      const [, name, value] = /^(\w+)=(\S*)$/.exec(rest) ?? [];
      check(name !== undefined, `ENV ${rest}: not understood`);
      stage.env[name] = value;
      return stage;
    }
    case 'USER':
      stage.user = rest;
      return stage;
    case 'VOLUME':
      stage.volume = rest;
      return stage;
    case 'HEALTHCHECK':
      stage.healthcheck = JSON.parse(/ CMD (\[.*\])$/.exec(rest)[1]);
      return stage;
    case 'CMD':
      stage.cmd = JSON.parse(rest);
      return stage;
    case 'EXPOSE':
    case 'STOPSIGNAL':
      return stage;
    default:
      throw new Error(`${keyword}: verify.mjs does not know this instruction; teach it`);
  }
}

function checkImage(stages, image) {
  const majors = [...stages.values()].map((stage) => /^node:(\d+)-bookworm/.exec(stage.base)?.[1]);
  check(
    majors.every((major) => major !== undefined && major === majors[0]),
    'stages differ in their Node major',
  );
  for (const label of ['title', 'description', 'licenses']) {
    check(image.labels[`org.opencontainers.image.${label}`] !== undefined, `the image has no label ${label}`);
  }
  check(image.user === 'node', 'the image runs as root');
  check(image.volume === '/data', 'the data is not on a volume');
  check(image.env.HOST === '0.0.0.0', 'HOST is not 0.0.0.0');
  check(image.cmd.join(' ') === 'node dist/main.js', `CMD is ${image.cmd.join(' ')}`);
  for (const absent of ['typescript', 'jest', '@elevenlabs/elevenlabs-js/dist']) {
    check(!existsSync(inStage(image, `node_modules/${absent}`)), `${absent} is in the image`);
  }
  const size = spawnSync('du', ['-sm', inStage(image, '.')], { encoding: 'utf8' }).stdout.split('\t')[0];
  console.log(`The application takes ${size} MB.`);
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return String(port);
}

/** The environment of a container: nothing of ours but PATH. */
const containerEnv = (image, extra) => ({ PATH: process.env.PATH, ...image.env, ...extra });

function runIn(image, command, extra) {
  const options = { cwd: inStage(image, '.'), env: containerEnv(image, extra), encoding: 'utf8', timeout: 30_000 };
  return spawnSync(command[0], command.slice(1), options);
}

async function waitHealthy(image, env, server) {
  for (let attempt = 0; attempt < 120; attempt++) {
    check(server.exitCode === null, `the server ended with ${server.exitCode}`);
    if (runIn(image, image.healthcheck, env).status === 0) return;
    await sleep(250);
  }
  throw new Error('the health check did not succeed within 30 s');
}

async function tryImage(image) {
  const refused = runIn(image, image.cmd, {});
  check(refused.status === 78, `without an API key it ends with ${refused.status}, not 78\n${refused.stderr}`);

  const env = { PORT: await freePort(), SANDBOX: 'true' };
  check(runIn(image, image.healthcheck, env).status === 1, 'the health check succeeds without a server');
  const options = { cwd: inStage(image, '.'), env: containerEnv(image, env), stdio: ['ignore', 'pipe', 'pipe'] };
  const server = spawn(image.cmd[0], image.cmd.slice(1), options);
  let output = '';
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk) => (output += chunk));
  try {
    await waitHealthy(image, env, server);
    const health = await fetch(`http://127.0.0.1:${env.PORT}/healthz`);
    check(health.status === 200, `/healthz answers ${health.status}`);
    console.log(`/healthz answers ${health.status}, the health check succeeds.`);
    server.kill('SIGTERM');
    const stopped = await Promise.race([once(server, 'exit'), sleep(10_000, null)]);
    check(stopped !== null, 'SIGTERM did not end the server within the 10 s that Docker waits');
    check(stopped[0] === 0, `after SIGTERM it ended with ${stopped[0] ?? stopped[1]}`);
    console.log('SIGTERM ends it with 0.');
  } catch (error) {
    console.error(output);
    throw error;
  } finally {
    if (server.exitCode === null) server.kill('SIGKILL');
  }
}

const folder = mkdtempSync(path.join(tmpdir(), 'bridge-image-'));
try {
  const stages = new Map();
  let stage = null;
  for (const instruction of parseDockerfile(readFileSync(path.join(root, 'docker/Dockerfile'), 'utf8'))) {
    stage = perform(instruction, stage, stages, folder);
  }
  checkImage(stages, stage);
  await tryImage(stage);
  console.log('The image is sound.');
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
