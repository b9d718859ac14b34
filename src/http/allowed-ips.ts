/**
 * ALLOWED_IPS: who may reach SCIM and the token endpoint at all. Decided by the address that
 * TRUST_PROXY lets the bridge believe: without it that of the connection, whatever a header says.
 */
import { BlockList, isIP } from 'node:net';
import type { RequestHandler } from 'express';
import { clientAddress } from '../domain/client-address.js';
import { ScimError } from '../errors.js';
import type { Log } from '../log.js';
import { errorBody, SCIM_JSON } from '../scim/reply.js';

/** Whether an address is on the list. */
export function addressMatcher(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return (address) => {
    const plain = clientAddress(address);
    return plain !== null && list.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4');
  };
}

export interface AllowedIpsOptions {
  /** Null: everybody. */
  readonly networks: readonly string[] | null;
  /** Whether any proxy is believed. */
  readonly behindProxy: boolean;
  readonly log: Log;
  readonly newRequestId: () => string;
}

/** Middleware: 403 for everybody who is not on the list, before anything else is looked at. */
export function allowedIps({ networks, behindProxy, log, newRequestId }: AllowedIpsOptions): RequestHandler {
  if (networks === null) return (_request, _response, next) => next();
  const isAllowed = addressMatcher(networks);
  let hasWarned = behindProxy;
  return (request, response, next) => {
    if (!hasWarned && request.headers['x-forwarded-for'] !== undefined) {
      hasWarned = true;
      log.warn(
        { address: request.ip },
        'Requests come through a proxy, and TRUST_PROXY is not set: ALLOWED_IPS is compared with the address of the proxy.',
      );
    }
    const address = request.ip ?? '';
    if (isAllowed(address)) {
      next();
      return;
    }
    const requestId = newRequestId();
    log.warn({ requestId, address }, 'request turned away by ALLOWED_IPS');
    const error = new ScimError(
      403,
      `The address ${address.slice(0, 60)} is not on the list of allowed addresses (ALLOWED_IPS).`,
    );
    response
      .status(403)
      .set({ 'Cache-Control': 'no-store', 'X-Request-Id': requestId, Connection: 'close', 'Content-Type': SCIM_JSON })
      .send(errorBody(error, requestId));
  };
}
