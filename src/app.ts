import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { publicUrlFor } from './config.js';
import type { Bridge, StartBridge } from './serve.js';

/** Opens everything and serves. */
export const startBridge: StartBridge = async ({ config, log, print }): Promise<Bridge> => {
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/healthz' ? 200 : 404;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ status: response.statusCode === 200 ? 'ok' : 'unknown' }));
  });
  server.listen(config.port, config.host);
  await once(server, 'listening');
  const url = publicUrlFor(config, (server.address() as AddressInfo).port);
  log.info({ url }, 'Serving.');
  print(`SCIM base URL  ${url}/scim/v2`);
  return {
    url,
    async close() {
      server.close();
      server.closeIdleConnections();
      await once(server, 'close');
    },
  };
};
