/** Clients that are slow, many, or speak no HTTP; who may come at all; TLS. Before any body is read. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import pino from 'pino';
import { addressMatcher } from '../../src/http/allowed-ips.js';
import { createConnections } from '../../src/http/connection-limits.js';
import { trustedProxies } from '../../src/http/applications.js';
import { serveHttp, type HttpServer } from '../../src/http/server.js';
import { loadConfig } from '../../src/config.js';
import { startTestBridge, TOKEN, type TestBridge } from '../support/bridge.js';
import { createFakeClock } from '../support/fake-clock.js';
import { exchange, openRaw, statusOf, type RawConnection } from './raw.js';

const ERROR_URN = 'urn:ietf:params:scim:api:messages:2.0:Error';
const USER_URN = 'urn:ietf:params:scim:schemas:core:2.0:User';
const portOf = (bridge: TestBridge): number => Number(new URL(bridge.scimUrl).port);
const bodyOf = (answer: string): unknown => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));

describe('slow and many connections', () => {
  let bridge: TestBridge;
  const open: RawConnection[] = [];
  beforeEach(async () => {
    bridge = await startTestBridge();
  });
  afterEach(async () => {
    for (const { socket } of open.splice(0)) socket.destroy();
    await bridge.close();
  });

  const floodWith = async (count: number, text: string): Promise<void> => {
    for (let index = 0; index < count; index += 1) {
      const connection = await openRaw(portOf(bridge));
      connection.send(text);
      open.push(connection);
    }
  };

  /** One request over a connection that is kept, as IdPs do. */
  const keptRequest = (agent: Agent): Promise<{ status: number; reused: boolean }> =>
    new Promise((resolve, reject) => {
      const sent = httpRequest(`${bridge.scimUrl}/Users?count=1`, {
        agent,
        headers: { authorization: `Bearer ${TOKEN}` },
      });
      sent.on('response', (response) => {
        response.resume();
        response.on('end', () => resolve({ status: response.statusCode ?? 0, reused: sent.reusedSocket }));
      });
      sent.on('error', reject);
      sent.end();
    });

  it.each([
    ['that never finish their headers', `GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\nX-Slow: `],
    ['that never send anything', ''],
    [
      'that never send their body',
      `POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nContent-Type: application/scim+json\r\nContent-Length: 100000\r\n\r\n{`,
    ],
  ])(
    '350 hostile ones %s: valid requests from the same address go on, on old and new connections',
    async (_what, text) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      expect((await keptRequest(agent)).status).toBe(200);
      await floodWith(350, text);
      expect(await keptRequest(agent)).toEqual({ status: 200, reused: true });
      for (let index = 0; index < 20; index += 1) {
        expect((await bridge.scim('GET', '/Users?count=1')).status).toBe(200);
      }
      expect((await bridge.createUser('zoe')).status).toBe(201);
      await bridge.clock.advanceAsync(5_000);
      await floodWith(1, text);
      expect(bridge.app.connections.strangers).toBeLessThanOrEqual(64);
      const isCut = (): number => open.filter((connection) => connection.isClosed()).length;
      await bridge.until(() => isCut() >= 350 - 64, 'the oldest were cut');
      agent.destroy();
    },
  );

  describe.each([
    ['without a proxy', {}],
    ['through a trusted proxy', { TRUST_PROXY: '127.0.0.1' }],
  ])('300 new connections with valid tokens, %s', (_how, env) => {
    const request = `GET /scim/v2/Users?count=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`;
    const answersOf = async (opened: readonly RawConnection[]): Promise<ReadonlySet<number>> =>
      new Set(await Promise.all(opened.map(async (one) => statusOf(await one.until(/\r\n\r\n/)))));
    beforeEach(() => bridge.restart(env));

    it('are all answered where each asks as soon as it is open', async () => {
      const opened = await Promise.all(
        Array.from({ length: 300 }, async () => {
          const connection = await openRaw(portOf(bridge));
          open.push(connection);
          connection.send(request);
          return connection;
        }),
      );
      expect(await answersOf(opened)).toEqual(new Set([200]));
    });

    it('are all answered where all are open before any asks, and once more', async () => {
      const opened = await Promise.all(Array.from({ length: 300 }, () => openRaw(portOf(bridge))));
      open.push(...opened);
      for (const connection of opened) connection.send(request);
      expect(await answersOf(opened)).toEqual(new Set([200]));
      await bridge.clock.advanceAsync(5_000);
      const more = await Promise.all(Array.from({ length: 300 }, () => openRaw(portOf(bridge))));
      open.push(...more);
      for (const connection of more) connection.send(request);
      expect(await answersOf(more)).toEqual(new Set([200]));
      expect(opened.filter((connection) => connection.isClosed())).toEqual([]);
    });
  });

  it('a request without a valid token is answered before its body has come', async () => {
    const answer = await exchange(
      portOf(bridge),
      'POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer esb_guess\r\n' +
        'Content-Type: application/scim+json\r\nContent-Length: 900000\r\n\r\n{',
    );
    expect(statusOf(answer)).toBe(401);
  });

  it.each(['/oauth/token', '/admin/login'])(
    'a form for %s that is too large is refused before it has come',
    async (at) => {
      const answer = await exchange(
        portOf(bridge),
        `POST ${at} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 900000\r\n\r\na`,
      );
      expect([statusOf(answer), /^connection: close/im.test(answer)]).toEqual([413, true]);
    },
  );

  it('a body that is too large by its own word is refused before it has come, from the holder of a token, too', async () => {
    const answer = await exchange(
      portOf(bridge),
      `POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n` +
        'Content-Type: application/scim+json\r\nContent-Length: 4000000000\r\n\r\n{',
    );
    expect([statusOf(answer), /^connection: close/im.test(answer)]).toEqual([413, true]);
  });

  it('a body that trickles in under a valid token is given up', async () => {
    const connection = await openRaw(portOf(bridge));
    open.push(connection);
    connection.send(
      `POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n` +
        'Content-Type: application/scim+json\r\nContent-Length: 1000\r\n\r\n{',
    );
    await bridge.until(() => bridge.clock.pending().includes(30_000), 'the body is awaited');
    await bridge.clock.advanceAsync(30_000);
    expect(statusOf(await connection.until(/\r\n\r\n/))).toBe(408);
  });
});

describe('bounds of unknown connections', () => {
  const fakeSocket = (remoteAddress: string, remotePort: number) => {
    const listeners: (() => void)[] = [];
    const socket = {
      ...{ remoteAddress, remotePort },
      isCut: false,
      destroy() {
        socket.isCut = true;
        for (const listener of listeners) listener();
        return socket;
      },
      once(_event: string, listener: () => void) {
        listeners.push(listener);
        return socket;
      },
    };
    return socket;
  };
  type Fake = ReturnType<typeof fakeSocket>;
  const add = (connections: ReturnType<typeof createConnections>, socket: Fake): void =>
    connections.add(socket as unknown as Parameters<typeof connections.add>[0]);

  const limits = { perAddress: 2, inAll: 3, graceMs: 5_000, atMost: 6 };
  const isCut = (sockets: readonly Fake[]): boolean[] => sockets.map((socket) => socket.isCut);

  it('cut the oldest of an address, then the oldest of all, when their time is over, and never one that is trusted', () => {
    const clock = createFakeClock();
    const connections = createConnections({ clock, limits });
    const sockets = [1, 2, 3].map((port) => fakeSocket('192.0.2.1', port));
    connections.trust(sockets[0]!); // unknown: nothing happens
    add(connections, sockets[0]!);
    connections.trust(sockets[0]!);
    add(connections, sockets[1]!);
    add(connections, sockets[2]!);
    expect(isCut(sockets)).toEqual([false, false, false]);
    clock.advance(limits.graceMs);
    add(connections, fakeSocket('192.0.2.1', 4));
    expect(isCut(sockets)).toEqual([false, true, false]);
    const others = [fakeSocket('192.0.2.2', 1), fakeSocket('192.0.2.3', 1)];
    for (const other of others) add(connections, other);
    expect([sockets[2]!.isCut, others[0]!.isCut, connections.strangers]).toEqual([true, false, 3]);
  });

  it('give every connection time to show its token, up to as many as a process can have open', () => {
    const connections = createConnections({ clock: createFakeClock(), limits });
    const sockets = [1, 2, 3, 4, 5, 6, 7].map((port) => fakeSocket('192.0.2.1', port));
    for (const socket of sockets.slice(0, 6)) add(connections, socket);
    expect(isCut(sockets)).toEqual(sockets.map(() => false));
    add(connections, sockets[6]!);
    expect(isCut(sockets)).toEqual([true, false, false, false, false, false, false]);
  });

  it('count none of a trusted proxy', () => {
    const clock = createFakeClock();
    const connections = createConnections({ clock, limits, isTrustedProxy: trustedProxies(['192.0.2.0/24']) });
    const sockets = Array.from({ length: 20 }, (_, port) => fakeSocket('192.0.2.1', port));
    for (const socket of sockets) {
      clock.advance(limits.graceMs);
      add(connections, socket);
    }
    expect([connections.strangers, isCut(sockets).includes(true)]).toEqual([0, false]);
    add(connections, fakeSocket('198.51.100.1', 1));
    expect(connections.strangers).toBe(1);
  });

  it('forget a connection that has closed', () => {
    const connections = createConnections({ clock: createFakeClock(), limits: { ...limits, perAddress: 1 } });
    const first = fakeSocket('2001:db8::1', 1);
    add(connections, first);
    first.destroy();
    expect(connections.strangers).toBe(0);
    const second = fakeSocket('2001:db8::1', 1);
    add(connections, second);
    expect(second.isCut).toBe(false);
  });
});

describe('what is no HTTP', () => {
  let bridge: TestBridge;
  beforeAll(async () => {
    bridge = await startTestBridge();
  });
  afterAll(() => bridge.close());
  const authorized = `Host: x\r\nAuthorization: Bearer ${TOKEN}\r\n`;

  it.each([
    ['garbage', 'hello\r\n\r\n', 400],
    ['a header without a name', `GET /scim/v2/Users HTTP/1.1\r\n${authorized}: x\r\n\r\n`, 400],
    [
      'a header with a space before the colon',
      `GET /scim/v2/Users HTTP/1.1\r\n${authorized}Content-Length : 5\r\n\r\n`,
      400,
    ],
    ['a folded header', `GET /scim/v2/Users HTTP/1.1\r\n${authorized}X-A: b\r\n c\r\n\r\n`, 400],
    ['a zero byte in a header', `GET /scim/v2/Users HTTP/1.1\r\n${authorized}X-A: b\0c\r\n\r\n`, 400],
    [
      'a length and chunks at once (smuggling CL.TE)',
      `POST /scim/v2/Users HTTP/1.1\r\n${authorized}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG`,
      400,
    ],
    [
      'two lengths',
      `POST /scim/v2/Users HTTP/1.1\r\n${authorized}Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}`,
      400,
    ],
    [
      'chunks under a disguise (smuggling TE.TE)',
      `POST /scim/v2/Users HTTP/1.1\r\n${authorized}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    [
      'a chunk size that is none',
      `POST /scim/v2/Users HTTP/1.1\r\n${authorized}Content-Type: application/scim+json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
      400,
    ],
    ['two hosts', `GET /scim/v2/Users HTTP/1.1\r\nHost: evil.example\r\n${authorized}\r\n`, 400],
    [
      'more headers than are looked at',
      `GET /scim/v2/Users HTTP/1.1\r\n${authorized}${'X-A: b\r\n'.repeat(100)}\r\n`,
      431,
    ],
    ['no Host', `GET /scim/v2/Users HTTP/1.1\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`, 400],
    ['an expectation that nobody can meet', `GET /scim/v2/Users HTTP/1.1\r\n${authorized}Expect: 200-ok\r\n\r\n`, 417],
    ['headers of 20 KB', `GET /scim/v2/Users HTTP/1.1\r\n${authorized}X-A: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
  ])('is answered in the words of SCIM and ends the connection: %s', async (_what, bytes, status) => {
    const before = (await bridge.scim('GET', '/Users')).body.totalResults;
    const answer = await exchange(portOf(bridge), bytes);
    expect(statusOf(answer)).toBe(status);
    expect(answer).toMatch(/content-type: application\/scim\+json/i);
    expect(bodyOf(answer)).toMatchObject({ schemas: [ERROR_URN], status: String(status) });
    expect(answer.match(/HTTP\/1\.1 \d/g)).toHaveLength(1); // nothing smuggled was answered
    expect((await bridge.scim('GET', '/Users')).body.totalResults).toBe(before);
  });

  it('a request that does not come to its end in time is answered 408 and cut', async () => {
    const clock = createFakeClock();
    const server = await serveHttp((_request, response) => response.end('never'), {
      ...{
        host: '127.0.0.1',
        port: 0,
        tls: null,
        connections: createConnections({ clock }),
        clock,
        log: pino({ level: 'silent' }),
      },
      server: { headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 50 },
    });
    const answer = await exchange(server.port, 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    expect(statusOf(answer)).toBe(408);
    expect(bodyOf(answer)).toMatchObject({ schemas: [ERROR_URN], status: '408' });
    await server.close(0);
  });
});

describe('one connection', () => {
  let bridge: TestBridge;
  beforeAll(async () => {
    bridge = await startTestBridge();
  });
  afterAll(() => bridge.close());

  it('has requests of several clients on it, and nothing of one is seen in another', async () => {
    const { id } = (await bridge.createUser('zoe')).body;
    const at = `/scim/v2/Users/${String(id)}`;
    const request = (line: string, token: string | null, rest = '\r\n'): string =>
      `${line} HTTP/1.1\r\nHost: x\r\n${token === null ? '' : `Authorization: Bearer ${token}\r\n`}${rest}`;
    const withBody = (text: string): string =>
      `Content-Type: application/json\r\nContent-Length: ${String(text.length)}\r\n\r\n${text}`;
    const sent: readonly (readonly [request: string, status: number, etag: boolean])[] = [
      [request(`GET ${at}`, TOKEN), 200, true],
      [request(`GET ${at}`, null), 401, false],
      [request(`GET ${at}`, TOKEN, 'If-None-Match: *\r\n\r\n'), 304, true],
      [request('GET /scim/v2/Users/none', TOKEN), 404, false],
      [request(`PATCH ${at}`, TOKEN, withBody('{"Operations":')), 400, false],
      [request(`DELETE ${at}`, 'esb_guess'), 401, false],
      [request(`HEAD ${at}?attributes=userName`, TOKEN), 200, true],
      [request('POST /scim/v2/Users/none', TOKEN, withBody('GET / HTTP/1.1')), 405, false],
      [request('GET /scim/v2/Groups', TOKEN), 200, false],
      [request('GET /scim/v2/Users/%2Esearch', TOKEN), 404, false],
      [request(`GET ${at}`, TOKEN, 'Connection: close\r\n\r\n'), 200, true],
    ];
    const answers = (await exchange(portOf(bridge), sent.map(([text]) => text).join(''))).split(/(?=HTTP\/1\.1 \d)/);
    expect(answers.map((answer) => [statusOf(answer), /^etag:/im.test(answer)])).toEqual(
      sent.map(([, status, etag]) => [status, etag]),
    );
    const requestIds = answers.map((answer) => /^x-request-id: (.+)$/im.exec(answer)?.[1]);
    expect(new Set(requestIds).size).toBe(sent.length);
    for (const answer of answers.filter((text) => statusOf(text) >= 400))
      expect(bodyOf(answer)).toMatchObject({ schemas: [ERROR_URN], status: String(statusOf(answer)) });
    expect(bodyOf(answers.at(-1)!)).toEqual(bodyOf(answers[0]!));
  });

  it('may name the whole URL, as a proxy does: the host in it says nothing', async () => {
    const ask = async (target: string, status: number): Promise<string> => {
      const answer = await exchange(
        portOf(bridge),
        `GET ${target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\nConnection: close\r\n\r\n`,
      );
      expect([target, statusOf(answer)]).toEqual([target, status]);
      return answer;
    };
    expect(await ask('http://evil.example/scim/v2/Users?count=0', 200)).not.toContain('evil.example');
    await ask('HTTPS://evil.example:8080/scim/v2/Users/none', 404);
    await ask('http://evil.example/healthz', 200);
    await ask('http://evil.example?x=/scim/v2/Users', 404);
    await ask('ftp://evil.example/scim/v2/Users', 404);
  });
});

describe('Expect: 100-continue', () => {
  let bridge: TestBridge;
  beforeAll(async () => {
    bridge = await startTestBridge();
  });
  afterAll(() => bridge.close());
  const body = JSON.stringify({
    schemas: [USER_URN],
    userName: 'zoe@workspace.example',
    emails: [{ value: 'zoe@workspace.example' }],
  });
  const head = (token: string): string =>
    `POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nExpect: 100-continue\r\n` +
    `Content-Type: application/scim+json\r\nContent-Length: ${String(body.length)}\r\n\r\n`;

  it('asks for no body from who has no valid token, and ends the connection', async () => {
    const answer = await exchange(portOf(bridge), head('esb_guess'));
    expect(statusOf(answer)).toBe(401);
    expect(answer).not.toContain('100 Continue');
    expect(answer).toMatch(/connection: close/i);
  });

  it('asks the holder of a valid token', async () => {
    const connection = await openRaw(portOf(bridge));
    connection.send(head(TOKEN));
    expect(await connection.until(/100 Continue/)).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    connection.send(body);
    expect(await connection.until(/201 Created/)).toContain('zoe@workspace.example');
    connection.socket.destroy();
  });
});

describe('the allow-list', () => {
  const start = (env: Record<string, string>) => startTestBridge({ env });
  const from = async (bridge: TestBridge, forwarded?: string, at = '/Users') =>
    (await bridge.scim('GET', at, undefined, forwarded === undefined ? {} : { 'x-forwarded-for': forwarded })).status;

  it('knows addresses and networks of both families', () => {
    const isAllowed = addressMatcher(['192.0.2.1', '198.51.100.0/24', '2001:db8::/32']);
    for (const address of ['192.0.2.1', '::ffff:192.0.2.1', '::ffff:c000:201', '198.51.100.255', '2001:db8:1::1'])
      expect([address, isAllowed(address)]).toEqual([address, true]);
    // As some proxies write them.
    for (const address of ['192.0.2.1:4711', '[2001:db8::1]:4711', '[2001:db8::1]'])
      expect([address, isAllowed(address)]).toEqual([address, true]);
    for (const address of [
      '192.0.2.2:1',
      '[192.0.2.1',
      '192.0.2.1:',
      '192.0.2.1:x',
      '[2001:db9::1]:1',
      '::ffff:c633:6501',
    ])
      expect([address, isAllowed(address)]).toEqual([address, false]);
    for (const address of ['192.0.2.2', '198.51.101.0', '2001:db9::1', '', 'localhost', '192.0.2.1 ', '::1'])
      expect([address, isAllowed(address)]).toEqual([address, false]);
  });

  it('believes no header where no proxy is trusted, and says so in the log', async () => {
    const bridge = await start({ ALLOWED_IPS: '203.0.113.0/24' });
    expect([await from(bridge), await from(bridge, '203.0.113.7')]).toEqual([403, 403]);
    expect(bridge.logLines.filter((line) => line.includes('TRUST_PROXY is not set')).length).toBe(1);
    const answer = await bridge.scim('POST', '/Users', {});
    expect(answer.body).toMatchObject({
      schemas: [ERROR_URN],
      status: '403',
      detail: expect.stringContaining('ALLOWED_IPS'),
    });
    expect((await fetch(bridge.scimUrl.replace('/scim/v2', '/oauth/token'), { method: 'POST' })).status).toBe(403);
    expect((await fetch(bridge.scimUrl.replace('/scim/v2', '/healthz'))).status).toBe(200);
    await bridge.close();
  });

  it('believes the trusted proxy, and nothing that the client put before it', async () => {
    const bridge = await start({ ALLOWED_IPS: '203.0.113.0/24', TRUST_PROXY: '1' });
    expect(await from(bridge, '203.0.113.7')).toBe(200);
    expect(await from(bridge, '203.0.113.7:4711')).toBe(200);
    expect(await from(bridge, '203.0.113.7, 198.51.100.1')).toBe(403);
    expect(await from(bridge, '198.51.100.1')).toBe(403);
    await bridge.close();
  });

  it('lets its own addresses in', async () => {
    const bridge = await start({ ALLOWED_IPS: '127.0.0.0/8, ::1' });
    expect(await from(bridge)).toBe(200);
    await bridge.close();
  });
});

describe('TLS', () => {
  let folder: string;
  let server: HttpServer;
  const clock = createFakeClock();
  const logLines: string[] = [];
  const makeCertificate = (name: string): void => {
    const subject = `/CN=${name}`;
    const files = ['-keyout', path.join(folder, `${name}.key`), '-out', path.join(folder, `${name}.crt`)];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
    execFileSync('openssl', ['req', '-x509', ...curve, '-nodes', '-days', '2', '-subj', subject, ...files], {
      stdio: 'ignore',
    });
  };
  const use = (cert: string, key = cert): void => {
    writeFileSync(path.join(folder, 'tls.crt'), readFileSync(path.join(folder, `${cert}.crt`)));
    writeFileSync(path.join(folder, 'tls.key'), readFileSync(path.join(folder, `${key}.key`)));
  };
  const subjectNow = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connectTls({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      });
      socket.on('error', reject);
    });
  const protocolOf = (maxVersion: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'): Promise<string> =>
    new Promise((resolve) => {
      const options = {
        port: server.port,
        host: '127.0.0.1',
        rejectUnauthorized: false,
        ciphers: 'DEFAULT@SECLEVEL=0',
      };
      const socket = connectTls({ ...options, minVersion: 'TLSv1', maxVersion }, () => {
        resolve(socket.getProtocol() ?? '');
        socket.destroy();
      });
      socket.on('error', () => resolve('refused'));
    });

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'tls-'));
    makeCertificate('first');
    makeCertificate('second');
    use('first');
    const app = express().get('/', (_request, response) => response.json({ ok: true }));
    const log = pino({ level: 'info' }, { write: (line: string) => logLines.push(line) });
    const tls = { certFile: path.join(folder, 'tls.crt'), keyFile: path.join(folder, 'tls.key') };
    server = await serveHttp(app, {
      host: '127.0.0.1',
      port: 0,
      tls,
      connections: createConnections({ clock }),
      clock,
      log,
    });
  });
  afterAll(async () => {
    await server.close(0);
    rmSync(folder, { recursive: true });
  });

  it('is 1.2 at least', async () => {
    expect([await protocolOf('TLSv1.1'), await protocolOf('TLSv1.2'), await protocolOf('TLSv1.3')]).toEqual([
      'refused',
      'TLSv1.2',
      'TLSv1.3',
    ]);
  });

  describe('with a certificate of RSA, with which 1.2 knows more ciphers', () => {
    let other: HttpServer;
    beforeAll(async () => {
      const files = { certFile: path.join(folder, 'rsa.crt'), keyFile: path.join(folder, 'rsa.key') };
      const names = ['-keyout', files.keyFile, '-out', files.certFile, '-subj', '/CN=rsa', '-days', '2'];
      execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...names], { stdio: 'ignore' });
      const log = pino({ level: 'silent' });
      const answer = express().get('/', (_request, response) => response.json({ ok: true }));
      other = await serveHttp(answer, {
        ...{ host: '127.0.0.1', port: 0, tls: files, connections: createConnections({ clock }), clock, log },
      });
    });
    afterAll(() => other.close(0));
    const cipherOf = (ciphers: string): Promise<string> =>
      new Promise((resolve) => {
        const options = { port: other.port, host: '127.0.0.1', rejectUnauthorized: false, ciphers };
        const socket = connectTls({ ...options, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }, () => {
          resolve(socket.getCipher().name);
          socket.destroy();
        });
        socket.on('error', () => resolve('refused'));
      });

    it.each(['ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-RSA-CHACHA20-POLY1305'])(
      'speaks %s',
      async (cipher) => expect(await cipherOf(cipher)).toBe(cipher),
    );

    it.each([
      ['without forward secrecy', 'AES128-GCM-SHA256'],
      ['without forward secrecy', 'AES256-GCM-SHA384'],
      ['without authenticated encryption', 'ECDHE-RSA-AES128-SHA'],
      ['without authenticated encryption', 'ECDHE-RSA-AES256-SHA384'],
      ['with neither', 'AES128-SHA'],
    ])('refuses what is %s: %s', async (_why, cipher) => {
      // A client that offers more gets the better one; the offer is real.
      expect(await cipherOf(`${cipher}:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0`)).toBe('ECDHE-RSA-AES128-GCM-SHA256');
      expect(await cipherOf(`${cipher}:@SECLEVEL=0`)).toBe('refused');
    });
  });

  it('takes a new certificate without a restart, and keeps the old one while the files do not fit together', async () => {
    expect(await subjectNow()).toBe('first');
    use('second', 'first');
    clock.advance(10_000);
    expect(await subjectNow()).toBe('first');
    clock.advance(10_000);
    expect(logLines.filter((line) => line.includes('stays in force')).length).toBe(1);
    use('second');
    clock.advance(10_000);
    expect(await subjectNow()).toBe('second');
    expect(logLines.join('')).not.toContain('PRIVATE KEY');
  });

  it('serves requests', async () => {
    const status = await new Promise((resolve, reject) => {
      httpsRequest({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
  });

  it('that cannot be used ends the start with 78 and the names of the files', async () => {
    const tls = { certFile: path.join(folder, 'first.crt'), keyFile: path.join(folder, 'second.key') };
    const log = pino({ level: 'silent' });
    const starting = serveHttp(express(), {
      host: '127.0.0.1',
      port: 0,
      tls,
      connections: createConnections({ clock }),
      clock,
      log,
    });
    await expect(starting).rejects.toMatchObject({ exitCode: 78, message: expect.stringContaining('TLS_KEY_FILE') });
  });
});

describe('listening to the world', () => {
  const warnings = (env: Record<string, string>): string =>
    loadConfig({ HOST: '0.0.0.0', ...env }, () => '-').warnings.join('\n');

  it('is warned of where the number of proxies is believed, and the list of addresses with it', () => {
    const claims = 'can claim any address';
    const list = { ALLOWED_IPS: '203.0.113.0/24' };
    expect(warnings({ TRUST_PROXY: '1', ...list })).toContain(claims);
    expect(warnings({ TRUST_PROXY: '10.0.0.0/8', ...list })).not.toContain(claims);
    expect(warnings({ TRUST_PROXY: '1', ...list, HOST: '127.0.0.1' })).not.toContain(claims);
    expect(warnings({ TRUST_PROXY: '1' })).not.toContain(claims);
  });

  it('without encryption is warned of loudly, and only then', () => {
    expect(warnings({})).toContain('tokens cross the network in clear text');
    expect(warnings({ TLS_CERT_FILE: 'a', TLS_KEY_FILE: 'b' })).toBe('');
    expect(warnings({ TRUST_PROXY: '1' })).toBe('');
    expect(warnings({ HOST: '127.0.0.1' })).toBe('');
    expect(warnings({ HOST: '127.0.0.1', ADMIN_HOST: '0.0.0.0', ADMIN_PORT: '9000' })).toContain(
      'ADMIN_HOST is 0.0.0.0',
    );
  });
});
