/** What is held is said loudly: in the log, by the metrics, on the page, and to the webhook. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { ensureBuilt } from '../support/bridge-process.js';
import { addressOf, startProcessBridge, type ProcessBridge } from '../support/process-bridge.js';

const ADMIN_TOKEN = 'esb_admin_a-token-for-tests-of-no-further-use';

interface Post {
  readonly method: string | undefined;
  readonly type: string | undefined;
  readonly body: { readonly text: string; readonly kind: string; readonly severity: string; readonly facts: object };
}

let webhook: Server;
let bridge: ProcessBridge;
const posts: Post[] = [];

async function take(request: IncomingMessage): Promise<void> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
  posts.push({ method: request.method, type: request.headers['content-type'], body: JSON.parse(text) });
}

beforeAll(async () => {
  ensureBuilt();
  webhook = createServer((request, response) => {
    void take(request).then(() => response.writeHead(204).end());
  });
  await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));
  const { port } = webhook.address() as AddressInfo;
  bridge = await startProcessBridge({
    seed: minimalSeed({
      members: ['owner', 'ann', 'bob'].map((name) => ({ email: addressOf(name), owner: name === 'owner' })),
    }),
    env: {
      ...{ ADMIN_TOKEN, DEPROVISION_LIMIT: '1', INVITE_LIMIT: '1' },
      ...{ ALERT_WEBHOOK_URL: `http://127.0.0.1:${String(port)}/hook`, ALERT_WEBHOOK_ALLOW_PRIVATE: 'true' },
    },
  });
}, 180_000);
afterAll(async () => {
  await bridge.close();
  webhook.closeAllConnections();
  await new Promise((resolve) => webhook.close(resolve));
});

const ask = async (where: string): Promise<string> => {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, connection: 'close' };
  return (await fetch(bridge.origin + where, { headers })).text();
};
const heldByMetric = async (): Promise<number> =>
  Number(/^scim_bridge_changes_open\{state="held"\} (\d+)$/m.exec(await ask('/metrics'))?.[1]);
const logOf = (alert: string): readonly string[] =>
  bridge.process
    .stdout()
    .split('\n')
    .filter((line) => line.includes(`"alert":"${alert}"`));

/** The one alert of this kind, once it has come. */
async function told(kind: string): Promise<Post> {
  const of = () => posts.filter(({ body }) => body.kind === kind);
  await bridge.until(() => of().length > 0, `the alert ${kind}`);
  expect(of()).toHaveLength(1);
  return of()[0]!;
}

describe('beyond a limit', () => {
  it('people who would lose access', async () => {
    for (const name of ['ann', 'bob']) await bridge.setActive(String((await bridge.createUser(name)).body.id), false);
    expect(await told('brake')).toEqual({
      method: 'POST',
      type: 'application/json',
      body: {
        text: expect.stringMatching(
          /^\[critical\] Held, and more may follow: .*bob@workspace\.example.*DEPROVISION_LIMIT.*held list/,
        ),
        kind: 'brake',
        severity: 'critical',
        at: expect.stringMatching(/^20\d\d-\d\d-\d\dT/),
        facts: { change: 'lock', policy: 'brake', subject: expect.any(String), reason: expect.any(String) },
      },
    });
    expect(logOf('brake')).toEqual([expect.stringContaining('"level":"error"')]);
    expect(await heldByMetric()).toBe(1);
    expect(Number(/^scim_bridge_oldest_held_age_seconds (\S+)$/m.exec(await ask('/metrics'))?.[1])).toBeGreaterThan(0);
    expect(await ask('/admin')).toContain('1 change held');
  }, 60_000);

  it('e-mails that would go out', async () => {
    for (const name of ['cem', 'dora', 'eli']) expect((await bridge.createUser(name)).status).toBe(201);
    const { body } = await told('inviteLimit');
    expect(body).toMatchObject({ severity: 'warning', facts: { change: 'invite', policy: 'inviteLimit' } });
    expect(body.text).toContain('INVITE_LIMIT');
    expect(logOf('inviteLimit')).toHaveLength(1);
    await bridge.until(async () => (await heldByMetric()) === 3, 'three held changes');
    expect(await ask('/admin')).toContain('3 changes held');
    expect(bridge.mails()).toEqual({ [addressOf('cem')]: 1 });
  }, 60_000);
});
