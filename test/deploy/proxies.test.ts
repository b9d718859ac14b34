/**
 * The samples for nginx and Caddy, and the front of the chart, as the real programs run them, with the
 * bridge behind: TLS, whose address the bridge sees, and what the identity provider gets while the bridge is away.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ensureBuilt, startProcess } from '../support/bridge-process.js';
import type { BridgeProcess } from '../support/bridge-process.js';
import { until } from '../support/until.js';
import { newUser } from './first-request.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const NAME = 'scim.example.com';
const TOKEN = 'the-token-of-the-identity-provider-in-this-test';

let ca: string;
let folder: string;

beforeAll(() => {
  ensureBuilt();
  folder = mkdtempSync(path.join(tmpdir(), 'proxies-'));
  makeCertificates();
  ca = readFileSync(path.join(folder, 'ca.pem'), 'utf8');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A test CA, and a certificate of it for the name in the samples. */
function makeCertificates(): void {
  const openssl = (...args: string[]): void => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Test CA');
  openssl('req', ...key, '-keyout', 'site.key', '-out', 'site.csr', '-subj', `/CN=${NAME}`);
  writeFileSync(path.join(folder, 'ext'), `subjectAltName=DNS:${NAME}\n`);
  const issuer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'ext', '-days', '2'];
  openssl('x509', '-req', '-in', 'site.csr', '-out', 'site.pem', ...issuer);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Exactly one occurrence: a sample that has changed fails the test instead of being passed by. */
function put(text: string, changes: Readonly<Record<string, string>>): string {
  return Object.entries(changes).reduce((now, [from, to]) => {
    expect(now.split(from)).toHaveLength(2);
    return now.replace(from, to);
  }, text);
}

const sample = (file: string): string => readFileSync(path.join(root, 'deploy', file), 'utf8');

interface Proxy {
  readonly name: string;
  readonly isTls: boolean;
  readonly trust: string;
  /** Starts the program in `place`; the sample with the ports of this test. */
  start(place: string, port: number, bridgePort: number): ChildProcess;
}

const nginx: Proxy = {
  ...{ name: 'nginx', isTls: true, trust: '1' },
  start(place, port, bridgePort) {
    const site = put(sample('nginx/scim-bridge.conf'), {
      'listen 443 ssl': `listen 127.0.0.1:${port} ssl`,
      '/etc/letsencrypt/live/scim.example.com/fullchain.pem': path.join(folder, 'site.pem'),
      '/etc/letsencrypt/live/scim.example.com/privkey.pem': path.join(folder, 'site.key'),
      'http://127.0.0.1:8080': `http://127.0.0.1:${bridgePort}`,
    });
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (each) => `${each}_temp_path ${place}/${each};`,
    );
    const main = [
      `pid ${place}/pid; error_log ${place}/error.log; events {}`,
      `http { access_log ${place}/access.log; ${temporary.join(' ')}`,
      ...[site, '}'],
    ];
    return startNginx(place, main.join('\n'));
  },
};

const front: Proxy = {
  // The sender of the tests stands for the ingress controller.
  ...{ name: "the chart's front", isTls: false, trust: '2' },
  start(place, port, bridgePort) {
    const text = sample('helm/files/front.conf')
      .replace(/^#.*\n/, '')
      .replaceAll('/tmp/', `${place}/`);
    const conf = put(text, {
      'listen 8080': `listen 127.0.0.1:${port}`,
      'http://BRIDGE': `http://127.0.0.1:${bridgePort}`,
      RETRY_AFTER: '10',
    });
    return startNginx(place, conf);
  },
};

function startNginx(place: string, conf: string): ChildProcess {
  writeFileSync(path.join(place, 'nginx.conf'), conf);
  return spawn('nginx', ['-p', place, '-c', path.join(place, 'nginx.conf'), '-g', 'daemon off;'], { stdio: 'ignore' });
}

const caddy: Proxy = {
  ...{ name: 'Caddy', isTls: true, trust: '1' },
  start(place, port, bridgePort) {
    const tls = `tls ${folder}/site.pem ${folder}/site.key`;
    const site = put(sample('caddy/Caddyfile'), {
      'scim.example.com {': `${NAME}:${port} {\n\tbind 127.0.0.1\n\t${tls}`,
      'reverse_proxy 127.0.0.1:8080': `reverse_proxy 127.0.0.1:${bridgePort}`,
    });
    writeFileSync(path.join(place, 'Caddyfile'), `{\n\tadmin off\n\tauto_https disable_redirects\n}\n${site}`);
    const env = { PATH: process.env['PATH'], HOME: place, XDG_DATA_HOME: place, XDG_CONFIG_HOME: place };
    const args = ['run', '--adapter', 'caddyfile', '--config', path.join(place, 'Caddyfile')];
    return spawn('caddy', args, { cwd: place, env, stdio: 'ignore' });
  },
};

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

describe.each([nginx, caddy, front])('$name in front of the bridge', (proxy) => {
  let place: string;
  let port: number;
  let bridgePort: number;
  let program: ChildProcess;
  let bridge: BridgeProcess;

  const startBridge = async (): Promise<void> => {
    bridge = startProcess(['serve'], {
      cwd: place,
      env: {
        ...{ PORT: String(bridgePort), SCIM_TOKEN: TOKEN, ADMIN_TOKEN: `${TOKEN}-of-the-page` },
        ...{ PUBLIC_URL: `https://${NAME}`, TRUST_PROXY: proxy.trust },
        ALLOWED_IPS: '127.0.0.1',
      },
    });
    await bridge.says(/"Serving\."/);
  };

  beforeEach(async () => {
    place = mkdtempSync(path.join(folder, 'place-'));
    [port, bridgePort] = [await freePort(), await freePort()];
    mkdirSync(path.join(place, 'data'));
    program = proxy.start(place, port, bridgePort);
    await startBridge();
    await until(
      () =>
        send('/healthz').then(
          ({ status }) => status === 200,
          () => false,
        ),
      'the proxy serves',
    );
  });

  afterEach(async () => {
    const ended = [once(program, 'close'), bridge.ended];
    program.kill('SIGTERM');
    bridge.kill('SIGKILL');
    await Promise.all(ended);
  });

  /** A request of an identity provider at `from`; by way of an ingress controller, where the front is meant for one. */
  async function send(
    at: string,
    options: { readonly body?: string; readonly from?: string; readonly token?: string; readonly forged?: string } = {},
  ): Promise<Answer> {
    const { body, from = '127.0.0.1', token = TOKEN, forged } = options;
    const forwarded = [forged, proxy.isTls ? undefined : from].filter((each) => each !== undefined);
    const request = (proxy.isTls ? httpsRequest : httpRequest)({
      ...{ host: '127.0.0.1', port, path: at, method: body === undefined ? 'GET' : 'POST', agent: false },
      ...(proxy.isTls && { ca, servername: NAME, localAddress: from }),
      headers: {
        ...{ host: NAME, authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' },
        ...(forwarded.length > 0 && { 'x-forwarded-for': forwarded.join(', ') }),
      },
    });
    const answered = new Promise<Answer>((resolve, reject) => {
      request.on('error', reject);
      request.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
        response.on('error', reject);
      });
    });
    request.end(body);
    return answered;
  }

  it('passes requests on, whose answers name the public address; a refusal of the bridge passes as it is', async () => {
    let answer = await send('/scim/v2/Users', { body: newUser('ada') });
    // The first reading of the workspace may take longer than a request waits for it.
    await until(async () => {
      if (answer.status === 503) answer = await send('/scim/v2/Users', { body: newUser('ada') });
      return answer.status !== 503;
    }, 'the first reading is done');
    expect(answer.status).toBe(201);
    expect(JSON.parse(answer.body)).toMatchObject({
      meta: { location: expect.stringMatching(`^https://${NAME}/scim/v2/Users/`) },
    });
    const refused = await send('/scim/v2/Users', { body: '{"schemas":' });
    expect([refused.status, JSON.parse(refused.body)]).toEqual([
      400,
      expect.objectContaining({ scimType: 'invalidSyntax' }),
    ]);
  });

  it('lets the bridge see the address of the client, and no address that the client makes up', async () => {
    const refused = await send('/scim/v2/Users', { from: '127.0.0.9', forged: '127.0.0.1' });
    expect(refused.status).toBe(403);
    await bridge.says(/"address":"127\.0\.0\.9","msg":"request turned away by ALLOWED_IPS"/);
  });

  it('answers 429 with Retry-After while the bridge is away, and serves it when it is back', async () => {
    bridge.kill('SIGTERM');
    expect(await bridge.ended).toBe(0);
    const away = await send('/scim/v2/Users', { body: newUser('ada') });
    expect(away).toMatchObject({ status: 429, headers: { 'retry-after': '10' } });
    expect(away.headers['content-type']).toContain('application/scim+json');
    expect(JSON.parse(away.body)).toMatchObject({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: '429',
    });
    await startBridge();
    await until(async () => (await send('/scim/v2/Users')).status === 200, 'the bridge is served again');
  });
});
