/** The sandbox by itself, for trying other clients or the bridge of another checkout against it. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.js';
import { systemClock } from '../clock.js';
import { demoSeed } from './demo-seed.js';
import { seededRandom } from './random.js';
import type { Sandbox } from './sandbox.js';
import { createSandbox } from './sandbox.js';
import type { Seed } from './seed.js';
import type { Switches } from './switches.js';

export interface StandaloneOptions {
  readonly port?: number;
  readonly host?: string;
  /** Default: the demo workspace. */
  readonly seed?: Seed;
  readonly switches?: Partial<Switches>;
  /** Milliseconds until an invite is accepted; null (default): when told to. */
  readonly autoAcceptMs?: number | null;
  readonly controlToken?: string;
  readonly clock?: Clock;
  /** Gets the text to show, line by line. */
  readonly write: (line: string) => void;
}

/** Starts a sandbox, says how to use it, and serves until closed. */
export async function runSandbox(
  options: StandaloneOptions,
): Promise<{ readonly url: string; readonly sandbox: Sandbox; readonly close: () => Promise<void> }> {
  const sandbox = createSandbox({
    clock: options.clock ?? systemClock,
    seed: options.seed ?? demoSeed(),
    switches: options.switches ?? {},
    random: seededRandom(randomBytes(4).readUInt32LE()),
    controlToken: options.controlToken ?? randomBytes(16).toString('hex'),
  });
  const autoAcceptMs = options.autoAcceptMs ?? null;
  sandbox.control.autoAccept(autoAcceptMs);
  const { url, close } = await sandbox.listen({ port: options.port ?? 0, host: options.host ?? '127.0.0.1' });
  for (const line of usage(sandbox, url, autoAcceptMs)) options.write(line);
  return { url, sandbox, close };
}

function usage(sandbox: Sandbox, url: string, autoAcceptMs: number | null): readonly string[] {
  const key = sandbox.apiKey();
  const control = `curl -s -H 'Authorization: Bearer ${sandbox.controlToken}' ${url}/__sandbox`;
  const api = `curl -s -H 'xi-api-key: ${key}'`;
  const json = `-H 'content-type: application/json'`;
  return [
    'Sandbox workspace (in memory, gone when this process ends)',
    '',
    `  URL            ${url}`,
    `  API key        ${key}`,
    `  Control token  ${sandbox.controlToken}`,
    `  Invites are    ${autoAcceptMs === null ? 'accepted when you say so' : `accepted after ${autoAcceptMs} ms`}`,
    '',
    'The workspace API:',
    `  ${api} ${url}/v1/workspace/members`,
    `  ${api} ${json} -d '{"email":"new@acme.example"}' ${url}/v1/workspace/invites/add`,
    '',
    'What only people can do, and the weather:',
    `  ${control}/mailbox`,
    `  ${control}/accept -d '{"email":"new@acme.example"}'`,
    `  ${control}/set-switches -d '{"duplicateInvite":400}'`,
    `  ${control}/add-fault -d '{"path":"/v1/workspace/**","times":2,"fault":{"kind":"status","status":503}}'`,
    `  ${control}/help`,
    '',
    'The bridge against it:',
    `  ELEVENLABS_BASE_URL=${url} ELEVENLABS_API_KEY=${key} npm start`,
  ];
}
