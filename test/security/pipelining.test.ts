/**
 * Clients that send requests without waiting for answers, against a real process. How long a valid
 * client waits is measured in CPU time of the bridge where the system tells it: that is the work which
 * the bridge puts before the client, and does not depend on what else the machine does.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import path from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ensureBuilt } from '../support/bridge-process.js';
import { startProcessBridge, TOKEN, type ProcessBridge } from '../support/process-bridge.js';

const ATTACK = path.resolve('test', 'security', 'pipelining-attack.mjs');
const UNKNOWN_PATH = 'GET /x HTTP/1.1\r\nHost: x\r\n\r\n';
const MOST_WAIT_MS = 250;
const ADMIN_TOKEN = 'esb_admin_a-token-for-tests-of-no-further-use';

let bridge: ProcessBridge | null = null;
const attackers: ChildProcess[] = [];
beforeAll(ensureBuilt, 180_000);
afterEach(async () => {
  for (const attacker of attackers.splice(0)) attacker.kill('SIGKILL');
  await bridge?.close();
  bridge = null;
});

async function start(env: Readonly<Record<string, string>> = {}): Promise<ProcessBridge> {
  bridge = await startProcessBridge({ env: { LOG_LEVEL: 'error', ...env } });
  return bridge;
}

/** Milliseconds that the bridge has worked: on the CPU where Linux says so, else of the clock. */
function workOf({ pid }: ProcessBridge): number {
  const file = `/proc/${String(pid)}/schedstat`;
  if (!existsSync(file)) return performance.now();
  return Number(readFileSync(file, 'utf8').split(' ')[0]) / 1e6;
}

interface Attack {
  readonly port: number;
  readonly from?: string;
  readonly connections?: number;
  readonly request?: string;
  readonly bytes?: number;
  readonly everyMs?: number;
  readonly leaveAfterMs?: number;
}

async function attack(options: Attack): Promise<ChildProcess> {
  const whole = {
    from: '127.0.0.1',
    connections: 60,
    request: UNKNOWN_PATH,
    bytes: 65_536,
    everyMs: 0,
    leaveAfterMs: 0,
  };
  const child = spawn(process.execPath, [ATTACK, JSON.stringify({ ...whole, ...options })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  attackers.push(child);
  await once(child.stdout, 'data');
  return child;
}

interface Asked {
  readonly port: number;
  readonly at?: string;
  readonly from: string;
  readonly agent?: Agent | false;
  readonly token?: string;
}

const ask = ({ port, at = '/scim/v2/Users?count=1', from, agent = false, token = TOKEN }: Asked): Promise<number> =>
  new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    const sent = httpRequest({ host: '127.0.0.1', port, path: at, localAddress: from, agent, headers });
    sent.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    sent.on('error', reject);
    sent.end();
  });

/** The worst wait of so many requests, one after the other; each has to be answered with 200. */
async function worstWait(of: ProcessBridge, asked: Asked, times = 60): Promise<number> {
  let worst = 0;
  for (let index = 0; index < times; index += 1) {
    const before = workOf(of);
    expect(await ask(asked)).toBe(200);
    worst = Math.max(worst, workOf(of) - before);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return worst;
}

describe('sixty connections of one address that pipeline without a token', () => {
  it.each([
    ['all the time', 0],
    ['again and again', 400],
  ])(
    '64 KB each, %s: nobody else waits long, from the same address or another',
    async (_how, everyMs) => {
      const of = await start();
      const { port } = of;
      const kept = new Agent({ keepAlive: true, maxSockets: 1 });
      expect(await ask({ port, from: '127.0.0.1', agent: kept })).toBe(200);
      await attack({ port, everyMs });
      const waits = {
        other: await worstWait(of, { port, from: '127.0.0.2' }),
        kept: await worstWait(of, { port, from: '127.0.0.1', agent: kept }),
        same: await worstWait(of, { port, from: '127.0.0.1' }),
      };
      kept.destroy();
      expect(Object.entries(waits).filter(([, ms]) => ms > MOST_WAIT_MS)).toEqual([]);
    },
    120_000,
  );

  it('on ADMIN_PORT hold up neither it nor SCIM', async () => {
    const of = await start({ ADMIN_PORT: '0', ADMIN_TOKEN });
    const [, adminUrl = ''] = await of.process.says(/(http\S+)\/admin/);
    const port = Number(new URL(adminUrl).port);
    await attack({ port });
    const admin = { port, at: '/admin', token: ADMIN_TOKEN };
    expect(await worstWait(of, { ...admin, from: '127.0.0.2' }, 20)).toBeLessThanOrEqual(MOST_WAIT_MS);
    expect(await worstWait(of, { port: of.port, from: '127.0.0.1' }, 20)).toBeLessThanOrEqual(MOST_WAIT_MS);
  }, 120_000);
});

describe('the holder of a token that pipelines heavy pages on 200 connections and leaves', () => {
  it('costs others little: what it asked for is not made any more', async () => {
    const of = await start();
    for (let batch = 0; batch < 10; batch += 1) expect((await createMany(of, batch, 60)).status).toBe(200);
    const { port } = of;
    const request = `GET /scim/v2/Users?count=1000 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`;
    const attacker = await attack({
      ...{ port, connections: 200, request, bytes: 50 * request.length, leaveAfterMs: 300 },
    });
    const meanwhile = await worstWait(of, { port, from: '127.0.0.2' }, 5);
    if (!attacker.killed) await new Promise((resolve) => setTimeout(resolve, 300));
    const after = await worstWait(of, { port, from: '127.0.0.1' }, 20);
    expect([meanwhile, after].filter((ms) => ms > 1_000)).toEqual([]);
  }, 120_000);
});

function createMany(of: ProcessBridge, batch: number, count: number) {
  const addresses = Array.from({ length: count }, (_, index) => `u${String(batch)}-${String(index)}@workspace.example`);
  return of.scim('POST', '/Bulk', {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
    Operations: addresses.map((address, index) => ({
      ...{ method: 'POST', path: '/Users', bulkId: `b${String(index)}` },
      data: {
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
        ...{ userName: address, emails: [{ value: address, primary: true }], active: false },
      },
    })),
  });
}
