/** Where alerts may be sent: nobody may use the bridge to reach what only its machine can reach. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isPublicAddress, postWebhook, resolveTarget, type ResolvedAddress } from '../../src/webhook-target.js';
import { createFakeClock } from '../support/fake-clock.js';

const v4 = (address: string): ResolvedAddress => ({ address, family: 4 });
const SECRET_PATH = '/services/T000/very-secret-path';

describe('addresses that are not public', () => {
  it.each([
    ...['127.0.0.1', '127.8.8.8', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254'],
    ...['100.64.0.1', '100.100.100.200', '0.0.0.0', '192.0.0.192', '198.18.0.1', '224.0.0.1', '255.255.255.255'],
    ...['::1', '::', '::ffff:127.0.0.1', '::ffff:a00:1', '64:ff9b::a00:1', 'fc00::1', 'fd00:ec2::254', 'fe80::1'],
    ...['ff02::1', '2001:db8::1', '2002:7f00:1::', '2001:0:7f00:1::', 'fe80::1%eth0', 'localhost', '1', ''],
  ])('%s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(['1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111', '2a00:1450:4001::1'])(
    'but %s is',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );
});

describe('a webhook target', () => {
  const resolveTo =
    (...addresses: readonly ResolvedAddress[]) =>
    async () =>
      addresses;
  const target = (url: string, allowPrivate = false) => ({ url, allowPrivate });

  it.each([
    ['loopback by number', 'https://127.0.0.1/'],
    ['loopback in another notation', 'https://0x7f.1/'],
    ['loopback as one number', 'https://2130706433/'],
    ['loopback of IPv6', 'https://[::1]/'],
    ['the metadata service', 'https://169.254.169.254/latest/meta-data/'],
    ['the metadata service in IPv6', 'https://[fd00:ec2::254]/'],
    ['a private network', 'https://10.0.0.8/'],
  ])('may not be %s', async (_what, url) => {
    await expect(resolveTarget(target(url), resolveTo())).rejects.toThrow('not public');
  });

  it('may not be a name with any address that is not public', async () => {
    const url = 'https://hooks.example/';
    await expect(resolveTarget(target(url), resolveTo(v4('1.1.1.1'), v4('10.0.0.1')))).rejects.toThrow('not public');
    await expect(resolveTarget(target(url), resolveTo())).rejects.toThrow('no address');
    expect(await resolveTarget(target(url), resolveTo(v4('1.1.1.1')))).toEqual(v4('1.1.1.1'));
    expect(await resolveTarget(target(url, true), resolveTo(v4('10.0.0.1')))).toEqual(v4('10.0.0.1'));
  });

  it('needs TLS, unless private targets are allowed', async () => {
    await expect(resolveTarget(target('http://hooks.example/'), resolveTo(v4('1.1.1.1')))).rejects.toThrow('https://');
    await expect(resolveTarget(target('ftp://hooks.example/', true), resolveTo(v4('1.1.1.1')))).rejects.toThrow();
  });
});

describe('a webhook call', () => {
  let server: Server;
  let port: number;
  let answer: { status: number; headers: Record<string, string> };
  let received: { request: IncomingMessage; body: string }[];
  const clock = createFakeClock();

  beforeEach(async () => {
    received = [];
    answer = { status: 204, headers: {} };
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        received.push({ request, body });
        if (answer.status > 0) response.writeHead(answer.status, answer.headers).end('whatever');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const url = () => `http://hooks.example:${String(port)}${SECRET_PATH}`;
  const allowed = () => ({ url: url(), allowPrivate: true });

  it('sends JSON to the address that was checked, under the name of the host', async () => {
    let asked = 0;
    const resolve = async () => {
      asked += 1;
      return [v4('127.0.0.1')];
    };
    await postWebhook(allowed(), { alert: 'held' }, { clock, resolve });
    expect(asked).toBe(1);
    expect(received[0]?.request.headers).toMatchObject({
      host: `hooks.example:${String(port)}`,
      'content-type': 'application/json',
    });
    expect([received[0]?.request.url, received[0]?.body]).toEqual([SECRET_PATH, '{"alert":"held"}']);
  });

  it('is not led to loopback by a name server that answers otherwise the second time', async () => {
    const answers = [[v4('1.1.1.1')], [v4('127.0.0.1')], [v4('127.0.0.1')]];
    let asked = 0;
    const resolve = async () => answers[asked++] ?? [];
    // The address that was checked cannot be reached from a test, and no other one is tried.
    await expect(
      postWebhook({ url: `https://hooks.example:${String(port)}/`, allowPrivate: false }, {}, { clock, resolve }),
    ).rejects.toThrow('was not reached');
    expect([asked, received.length]).toEqual([1, 0]);
  });

  it('follows no redirect', async () => {
    answer = { status: 307, headers: { location: `http://127.0.0.1:${String(port)}/inside` } };
    await expect(postWebhook(allowed(), {}, { clock, resolve: async () => [v4('127.0.0.1')] })).rejects.toThrow('307');
    expect(received.length).toBe(1);
  });

  it('gives up in time, and shows nothing of the URL in any error', async () => {
    answer = { status: 0, headers: {} };
    const resolve = async () => [v4('127.0.0.1')];
    const silent = postWebhook(allowed(), {}, { clock, resolve, timeoutMs: 1000 }).catch((error: unknown) => error);
    while (received.length === 0) await clock.advanceAsync(0);
    clock.advance(1000);
    const errors = [await silent];
    for (const broken of [
      { ...allowed(), url: `https://hooks.example:${String(port)}${SECRET_PATH}` },
      { ...allowed(), url: `http://hooks.example:1${SECRET_PATH}` },
    ]) {
      errors.push(await postWebhook(broken, {}, { clock, resolve }).catch((error: unknown) => error));
    }
    for (const error of errors) {
      expect(error).toMatchObject({ name: 'WebhookError' });
      expect(String((error as Error).stack) + JSON.stringify(error)).not.toContain('secret');
      expect((error as Error).cause).toBeUndefined();
    }
  });
});
