/** A sandbox that listens, and a way to call it without the SDK, to see the wire. */
import type { Clock } from '../../src/clock.js';
import type { Sandbox } from '../../src/sandbox/sandbox.js';
import { createSandbox } from '../../src/sandbox/sandbox.js';
import type { Seed } from '../../src/sandbox/seed.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import type { Switches } from '../../src/sandbox/switches.js';
import { createFakeClock } from '../support/fake-clock.js';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body, if it is JSON. */
  readonly json: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- answers of any shape
}

export interface Started {
  readonly sandbox: Sandbox;
  readonly url: string;
  /** Calls the API; `key` null sends none. */
  readonly call: (method: string, path: string, body?: unknown, key?: string | null) => Promise<Answer>;
  /** Calls the control interface. */
  readonly order: (name: string, body?: unknown, token?: string) => Promise<Answer>;
  readonly close: () => Promise<void>;
}

export async function start(
  options: { readonly clock?: Clock; readonly seed?: Seed; readonly switches?: Partial<Switches> } = {},
): Promise<Started> {
  const sandbox = createSandbox({
    clock: options.clock ?? createFakeClock(),
    seed: options.seed ?? minimalSeed(),
    switches: options.switches ?? {},
  });
  const { url, close } = await sandbox.listen();
  const send = async (path: string, method: string, headers: Record<string, string>, body: unknown) => {
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    return read(await fetch(`${url}${path}`, { method, headers, redirect: 'manual', ...(text && { body: text }) }));
  };
  return {
    sandbox,
    url,
    close,
    call: (method, path, body, key = sandbox.apiKey()) =>
      send(path, method, key === null ? {} : { 'xi-api-key': key }, body),
    order: (name, body, token = sandbox.controlToken) =>
      send(`/__sandbox/${name}`, body === undefined ? 'GET' : 'POST', { authorization: `Bearer ${token}` }, body),
  };
}

async function read(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true && text !== '';
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
}
