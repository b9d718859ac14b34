/**
 * What the system takes away from a running bridge: room on the disk, the database, writing at all,
 * open files. Real processes and real limits. Each time the outcome is defined (503 with Retry-After,
 * or exit code 78 at the start), nothing that was acknowledged is lost or done twice, and the bridge
 * goes on without a restart when it is over.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { ensureBuilt, startProcess } from '../support/bridge-process.js';
import { addressOf, startProcessBridge, TOKEN, type Answer, type ProcessBridge } from '../support/process-bridge.js';
import { snapshotWorkspace } from '../support/workspace-snapshot.js';
import { openRaw, type RawConnection } from './raw.js';

const runs = (program: string, args: readonly string[]): boolean => spawnSync(program, args).status === 0;
/** Limits of another process are a matter of Linux. */
const hasLimits = runs('prlimit', ['--version']);
const canTrace = runs('strace', ['-e', 'trace=none', 'true']);
const onLinux = hasLimits ? it : it.skip;
const whereTraced = canTrace ? it : it.skip;

const HANGING_INVITE = {
  method: 'POST',
  path: '/v1/workspace/invites/add',
  times: 1,
  fault: { kind: 'hang', applied: true },
} as const;

let bridge: ProcessBridge | null = null;
beforeAll(ensureBuilt, 180_000);
afterEach(async () => {
  await bridge?.close();
  bridge = null;
});

async function start(options: Parameters<typeof startProcessBridge>[0] = {}): Promise<ProcessBridge> {
  const seed = minimalSeed({ members: [{ email: addressOf('owner'), owner: true }, { email: addressOf('leaver') }] });
  bridge = await startProcessBridge({ seed, ...options });
  return bridge;
}

const limit = (of: ProcessBridge, what: string): void =>
  void execFileSync('prlimit', ['--pid', String(of.pid), what], { stdio: 'pipe' });

const statusIn = async (of: ProcessBridge, name: string): Promise<unknown> => {
  const filter = encodeURIComponent(`userName eq "${addressOf(name)}"`);
  const { body } = await of.scim('GET', `/Users?filter=${filter}`);
  return body.Resources[0]?.['urn:ietf:params:scim:schemas:extension:elevenlabs:2.0:User'].status;
};

const isRefused = ({ status, headers, body }: Answer): void => {
  expect([status, Number(headers.get('retry-after')) >= 1]).toEqual([503, true]);
  expect(body).toMatchObject({ status: '503', detail: expect.stringContaining('Nothing was changed') });
};

/**
 * A bridge with an invite on its way whose answer comes while nothing can be written, and a leaver
 * whose lock is still to be sent.
 */
async function withWorkUnderWay(of: ProcessBridge): Promise<string> {
  const leaver = (await of.createUser('leaver')).body.id as string;
  await of.until(async () => (await statusIn(of, 'leaver')) === 'member', 'the adoption');
  of.sandbox.control.addFault(HANGING_INVITE);
  expect((await of.createUser('underway')).status).toBe(201);
  await of.until(() => of.sandbox.control.hanging() === 1, 'the invite under way');
  return leaver;
}

/** Nobody can write: the IdP hears 503, reading goes on, and what was answered meanwhile is not forgotten. */
async function refusesEverything(of: ProcessBridge, leaver: string): Promise<void> {
  isRefused(await of.createUser('refused'));
  isRefused(await of.setActive(leaver, false));
  of.sandbox.control.releaseHanging();
  expect((await of.scim('GET', '/Users?count=1')).status).toBe(200);
  expect((await fetch(`${of.origin}/healthz`)).status).toBe(200);
  expect(of.process.child.exitCode).toBeNull();
}

/** The trouble is over: everything goes on by itself, once. */
async function recovers(of: ProcessBridge, leaver: string): Promise<void> {
  await of.until(async () => (await of.createUser('later')).status !== 503, 'a write that is taken');
  expect((await of.setActive(leaver, false)).status).toBe(200);
  for (const name of ['underway', 'later'])
    await of.until(async () => (await statusIn(of, name)) === 'invited', `the invite of ${name}`);
  await of.until(() => snapshotWorkspace(of.sandbox).members[addressOf('leaver')]?.locked === true, 'the lock');
  expect(of.mails()).toEqual({ [addressOf('underway')]: 1, [addressOf('later')]: 1 });
  expect(await statusIn(of, 'refused')).toBeUndefined();
  expect(of.process.child.exitCode).toBeNull();
}

describe('a disk without room', () => {
  onLinux(
    'refuses writes with 503, answers what is read, and goes on when there is room',
    async () => {
      const of = await start();
      const leaver = await withWorkUnderWay(of);
      // The soft limit: no byte beyond what the write-ahead log has now.
      limit(of, `--fsize=${String(statSync(`${of.database}-wal`).size)}:`);
      await refusesEverything(of, leaver);
      limit(of, '--fsize=unlimited:');
      await recovers(of, leaver);
    },
    120_000,
  );

  onLinux(
    'ends nothing where the log stands on it',
    async () => {
      const log = (directory: string): string => path.join(directory, 'log.txt');
      const read = (directory: string): string =>
        existsSync(log(directory)) ? readFileSync(log(directory), 'utf8') : '';
      const of = await start({
        through: ['sh', '-c', 'exec "$0" "$@" >> log.txt'],
        greeting: read,
        env: { LOG_LEVEL: 'debug' },
      });
      limit(of, `--fsize=${String(statSync(log(of.directory)).size)}:`);
      const before = read(of.directory).length;
      for (let index = 0; index < 5; index += 1) expect((await of.scim('GET', '/Users?count=1')).status).toBe(200);
      expect(read(of.directory).length).toBe(before);
      limit(of, '--fsize=unlimited:');
      expect((await of.createUser('logged')).status).toBe(201);
      await of.until(() => read(of.directory).slice(before).includes('"method":"POST"'), 'a line in the log');
      of.process.kill('SIGTERM');
      expect(await of.process.ended).toBe(0);
    },
    120_000,
  );
});

describe('a disk that fails every write', () => {
  whereTraced.each([
    ['full', 'ENOSPC', /full/],
    ['read-only', 'EROFS', /fault|read-only/],
    ['broken', 'EIO', /fault/],
  ])(
    '%s: writes are refused with 503, and go on when it is over',
    async (_what, code, words) => {
      const of = await start();
      const leaver = await withWorkUnderWay(of);
      const calls = 'pwrite64,ftruncate,fsync,fdatasync';
      const tracer = spawn(
        'strace',
        ['-f', '-e', `trace=${calls}`, '-e', `inject=${calls}:error=${code}`, '-p', String(of.pid)],
        {
          stdio: ['ignore', 'ignore', 'pipe'],
        },
      );
      let attached = '';
      tracer.stderr.setEncoding('utf8').on('data', (text: string) => (attached += text.slice(0, 200)));
      try {
        await of.until(() => attached.includes('attached'), 'the tracer');
        expect((await of.createUser('refused')).body.detail).toMatch(words);
        await refusesEverything(of, leaver);
      } finally {
        tracer.kill('SIGINT');
        await once(tracer, 'close');
      }
      await recovers(of, leaver);
    },
    120_000,
  );
});

describe('a database that another process holds', () => {
  it('costs the bridge one wait and the IdP a 503, and is used again when it is free', async () => {
    const of = await start();
    const leaver = await withWorkUnderWay(of);
    const other = new Database(of.database);
    other.exec('BEGIN IMMEDIATE');
    try {
      await refusesEverything(of, leaver);
      // Everything else goes on meanwhile: no write waits for the lock as long as the first one did.
      const begun = performance.now();
      await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(async (name) => isRefused(await of.createUser(name))));
      expect(performance.now() - begun).toBeLessThan(6 * 2_000);
    } finally {
      other.exec('ROLLBACK');
      other.close();
    }
    await recovers(of, leaver);
  }, 120_000);
});

describe('a bridge without open files to spare', () => {
  onLinux(
    'answers on its connections, cuts new ones at once, and takes them again',
    async () => {
      const of = await start();
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const kept = (method: string, at: string, body?: object): Promise<{ status: number; reused: boolean }> =>
        new Promise((resolve, reject) => {
          const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/scim+json' };
          const sent = httpRequest(`${of.origin}/scim/v2${at}`, { method, agent, headers });
          sent.on('response', (response) => {
            response.resume();
            response.on('end', () => resolve({ status: response.statusCode ?? 0, reused: sent.reusedSocket }));
          });
          sent.on('error', reject);
          sent.end(body && JSON.stringify(body));
        });
      expect((await kept('GET', '/Users?count=1')).status).toBe(200);
      const openFiles = (): number => readdirSync(`/proc/${String(of.pid)}/fd`).length;
      const most = openFiles() + 4;
      limit(of, `--nofile=${String(most)}:`);
      const strangers: RawConnection[] = [];
      const floods = async (): Promise<void> => {
        for (let index = 0; index < 10; index += 1) strangers.push(await openRaw(of.port));
      };
      await of.until(async () => {
        await floods();
        return strangers.filter((one) => one.isClosed()).length > 20;
      }, 'new connections that are cut');
      // Its own calls to the workspace need files, too.
      const body = {
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
        userName: addressOf('kept'),
        emails: [{ value: addressOf('kept'), primary: true }],
        active: true,
      };
      expect(await kept('POST', '/Users', body)).toEqual({ status: 201, reused: true });
      expect(await kept('GET', '/Users?count=1')).toEqual({ status: 200, reused: true });
      expect(of.process.child.exitCode).toBeNull();
      for (const { socket } of strangers) socket.destroy();
      limit(of, '--nofile=1024:');
      agent.destroy();
      await of.until(
        () =>
          of.createUser('later').then(
            ({ status }) => status === 201 || status === 409,
            () => false,
          ),
        'a new connection',
      );
      for (const name of ['kept', 'later'])
        await of.until(async () => (await statusIn(of, name)) === 'invited', `the invite of ${name}`);
      expect(of.mails()).toEqual({ [addressOf('kept')]: 1, [addressOf('later')]: 1 });
    },
    120_000,
  );
});

describe('a database that cannot be used at the start', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'unusable-'));
    chmodSync(folder, 0o755);
  });
  afterEach(() => {
    chmodSync(folder, 0o755);
    rmSync(folder, { recursive: true, force: true });
  });
  /**
   * Permissions do not bind root: then the bridge runs without that privilege, but as root, who may be the
   * only one to enter the folder of the clone.
   */
  const asSomebody = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] : [];
  const canBeSomebody =
    asSomebody.length === 0 || runs(asSomebody[0]!, [...asSomebody.slice(1), process.execPath, '--version']);
  const ends = async (file: string, through = asSomebody): Promise<readonly [unknown, string]> => {
    const started = startProcess(['serve'], {
      cwd: '/',
      env: { PORT: '0', SANDBOX: 'true', DATABASE_PATH: file },
      through,
    });
    const code = await started.ended;
    expect(started.stdout()).toBe('');
    return [code, started.stderr()];
  };
  const makeDatabase = (file: string): void => {
    const made = spawnSync(process.execPath, [path.resolve('dist', 'main.js'), 'migrate'], {
      env: { DATABASE_PATH: file, SANDBOX: 'true' },
    });
    expect(made.status).toBe(0);
  };
  const unprivileged = canBeSomebody ? it : it.skip;

  unprivileged('ends the start with 78 and the name of the folder that cannot be made', async () => {
    chmodSync(folder, 0o555);
    const [code, words] = await ends(path.join(folder, 'data', 'x.db'));
    expect([code, words]).toEqual([78, expect.stringContaining(path.join(folder, 'data'))]);
  });

  unprivileged('ends the start with 78 where file and folder are read-only, and leaves the file as it is', async () => {
    const file = path.join(folder, 'x.db');
    makeDatabase(file);
    const before = readFileSync(file);
    for (const name of readdirSync(folder)) {
      chmodSync(path.join(folder, name), 0o444);
    }
    chmodSync(folder, 0o555);
    const [code, words] = await ends(file);
    expect([code, words]).toEqual([78, expect.stringMatching(/read-only|cannot be (opened|used)/)]);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  onLinux('ends the start with 78 where there is no room for it', async () => {
    const [code, words] = await ends(path.join(folder, 'x.db'), ['prlimit', '--fsize=20000:']);
    expect([code, words]).toEqual([78, expect.stringContaining('x.db')]);
  });

  it('ends the start with 78 where it is no database, and leaves the file as it is', async () => {
    const file = path.join(folder, 'x.db');
    writeFileSync(file, 'no database '.repeat(1000), { mode: 0o600 });
    const [code, words] = await ends(file, []);
    expect([code, words]).toEqual([78, expect.stringContaining('no database')]);
    expect(readFileSync(file, 'utf8')).toBe('no database '.repeat(1000));
  });

  it('ends the start with 75 while another process writes to it: the same start works later', async () => {
    const file = path.join(folder, 'x.db');
    makeDatabase(file);
    const other = new Database(file);
    other.exec('BEGIN IMMEDIATE');
    const [code, words] = await ends(file, []);
    expect([code, words]).toEqual([75, expect.stringContaining('another process')]);
    other.exec('ROLLBACK');
    other.close();
  });
});
