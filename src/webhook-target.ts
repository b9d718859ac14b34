/**
 * The one address besides ElevenLabs that the bridge sends to: ALERT_WEBHOOK_URL. Whoever may set it
 * must not reach what only this machine can: loopback, private networks, link-local addresses with
 * the metadata service of a cloud.
 *
 * The name is resolved once, every answer is checked, and the connection goes to a checked address:
 * a name server that answers otherwise the second time (DNS rebinding) is not asked again. Redirects
 * are not followed. The URL is a secret; no error of this file shows more of it than nothing.
 */
import { lookup as systemLookup } from 'node:dns/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import type { Clock } from './clock.js';

export interface WebhookTarget {
  readonly url: string;
  /** http:// and addresses that are not public may be used, too. */
  readonly allowPrivate: boolean;
}

/** Nothing was sent, or it was not taken. The message says why, without the URL. */
export class WebhookError extends Error {
  override readonly name = 'WebhookError';
}

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** All addresses of a name. */
export type Resolve = (hostname: string) => Promise<readonly ResolvedAddress[]>;

const resolveBySystem: Resolve = (hostname) => systemLookup(hostname, { all: true });

/** Special-purpose ranges (IANA registries for IPv4 and IPv6), none of which is a place on the internet. */
const RESERVED_IPV4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24'],
  ...['203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
];
/** Within 2000::/3, the only part of IPv6 that is in public use: Teredo, documentation, 6to4. */
const RESERVED_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

const reserved = new BlockList();
for (const [ranges, family] of [
  [RESERVED_IPV4, 'ipv4'],
  [RESERVED_IPV6, 'ipv6'],
] as const) {
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/');
    reserved.addSubnet(address, Number(prefix), family);
  }
}
const publicIpv6 = new BlockList();
publicIpv6.addSubnet('2000::', 3, 'ipv6');

/** Whether an address is a place on the public internet. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !reserved.check(address, 'ipv4');
    case 6:
      return publicIpv6.check(address, 'ipv6') && !reserved.check(address, 'ipv6');
    default:
      return false;
  }
}

/** The address to connect to; throws WebhookError where the target may not be used. */
export async function resolveTarget(
  { url, allowPrivate }: WebhookTarget,
  resolve: Resolve = resolveBySystem,
): Promise<ResolvedAddress> {
  const { protocol, hostname } = new URL(url);
  if (protocol !== 'https:' && !(allowPrivate && protocol === 'http:'))
    throw new WebhookError('The webhook must start with https://.');
  const host = hostname.replace(/^\[|\]$/g, '');
  const family = isIP(host);
  const addresses = family === 0 ? await resolveName(host, resolve) : [{ address: host, family }];
  const [first] = addresses;
  if (first === undefined) throw new WebhookError('The host of the webhook has no address.');
  // All of them: which one is used is nothing to rely on.
  if (!allowPrivate && !addresses.every(({ address }) => isPublicAddress(address)))
    throw new WebhookError(
      'The host of the webhook has an address that is not public; ALERT_WEBHOOK_ALLOW_PRIVATE=true would allow it.',
    );
  return first;
}

async function resolveName(host: string, resolve: Resolve): Promise<readonly ResolvedAddress[]> {
  try {
    return await resolve(host);
  } catch (error) {
    throw new WebhookError(`The host of the webhook cannot be resolved (${codeOf(error)}).`);
  }
}

export interface PostOptions {
  readonly clock: Clock;
  /** For everything together, the answer included. */
  readonly timeoutMs?: number;
  readonly resolve?: Resolve;
}

const TIMEOUT_MS = 10_000;

/** Sends one JSON document. Rejects with WebhookError unless the answer is 2xx. */
export async function postWebhook(target: WebhookTarget, payload: unknown, options: PostOptions): Promise<void> {
  const { clock, timeoutMs = TIMEOUT_MS, resolve = resolveBySystem } = options;
  const pinned = await resolveTarget(target, resolve);
  const status = await post(target.url, JSON.stringify(payload), pinned, { clock, timeoutMs });
  if (status < 200 || status > 299) throw new WebhookError(`The webhook answered ${String(status)}.`);
}

function post(
  url: string,
  body: string,
  pinned: ResolvedAddress,
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
): Promise<number> {
  const send = new URL(url).protocol === 'http:' ? httpRequest : httpsRequest;
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'User-Agent': 'elevenlabs-scim-bridge',
  };
  return new Promise((resolve, reject) => {
    // No agent: a connection that is kept was made to an address that was checked some other time.
    const request = send(url, { method: 'POST', headers, agent: false, lookup: onlyTo(pinned) });
    const cancel = clock.after(timeoutMs, () =>
      request.destroy(new WebhookError('The webhook did not answer in time.')),
    );
    request.once('response', (response) => {
      response.destroy(); // whatever it says beyond the status does not matter
      resolve(response.statusCode ?? 0);
    });
    request.once('error', (error) => {
      reject(
        error instanceof WebhookError ? error : new WebhookError(`The webhook was not reached (${codeOf(error)}).`),
      );
    });
    request.once('close', cancel);
    request.end(body);
  });
}

/** A name resolution that knows one answer. */
function onlyTo({ address, family }: ResolvedAddress): LookupFunction {
  return (_hostname, options, callback) => {
    if (options.all === true) callback(null, [{ address, family }]);
    else callback(null, address, family);
  };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown reason';
}
