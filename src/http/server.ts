/** The servers that listen: their times, sizes and ends. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '../clock.js';
import type { Config } from '../config.js';
import type { Log } from '../log.js';
import type { Connections } from './connection-limits.js';
import { answerRawRequests, checkHeaders, takeAbsoluteForm } from './raw-requests.js';
import { readTlsAtStart, reloadTls } from './tls.js';

export interface HttpServer {
  readonly port: number;
  /** Stops accepting, answers what is under way for at most `graceMs`, then cuts the rest. */
  close(graceMs: number): Promise<void>;
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: Config['tls'];
  readonly connections: Connections;
  readonly clock: Clock;
  readonly log: Log;
  /** Other times and sizes than the usual ones. */
  readonly server?: ServerOptions;
}

/**
 * Times that a client gets. A body is given less by whoever reads it, after authentication; these
 * are for everything before. Idle connections live longer than the 60 s after which load balancers
 * give theirs up, so that it is never the bridge that closes one on which a request is coming.
 */
const SERVER_OPTIONS: ServerOptions = {
  headersTimeout: 15_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 16 * 1024,
  // Node would answer without a body; checkHeaders does it.
  requireHostHeader: false,
};
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Listens. Rejects with the system's error where it cannot. */
export async function serveHttp(handler: RequestListener, options: ListenOptions): Promise<HttpServer> {
  const { host, port, connections, clock } = options;
  const begin = checkHeaders(takeAbsoluteForm(handler), randomUUID);
  const { input } = connections;
  const listener: RequestListener = (request, response) => {
    input.admit(request, response, () => begin(request, response));
  };
  const { server, stopReloading } = createFor(options, listener);
  server.maxHeadersCount = 0; // checkHeaders counts them
  server.on('connection', (socket) => connections.add(socket));
  server.on(options.tls === null ? 'connection' : 'secureConnection', (socket: Socket) => input.add(socket));
  answerRawRequests(server, listener, randomUUID);
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close(graceMs) {
      stopReloading();
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      const cancel = clock.after(graceMs, () => server.closeAllConnections());
      await closed;
      cancel();
    },
  };
}

function createFor(
  { tls, clock, log, server: other }: ListenOptions,
  listener: RequestListener,
): { readonly server: Server; readonly stopReloading: () => void } {
  if (tls === null)
    return { server: createServer({ ...SERVER_OPTIONS, ...other }, listener), stopReloading: () => undefined };
  const context = readTlsAtStart(tls);
  const options = { ...SERVER_OPTIONS, ...other, ...context, handshakeTimeout: HANDSHAKE_TIMEOUT_MS };
  const server = createTlsServer(options, listener);
  return { server, stopReloading: reloadTls(server, tls, context, { clock, log }) };
}
