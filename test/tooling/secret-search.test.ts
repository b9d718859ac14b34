/** The search that every test with a bridge ends with does find what is there. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { searchForSecrets, type SecretSearch } from '../support/secret-search.js';

const SECRET = 'esb_admin_a-secret-for-the-search';

async function answered(handler: RequestListener): Promise<SecretSearch> {
  const search = searchForSecrets({ ADMIN_TOKEN: SECRET, SCIM_TOKEN: '', ALERT_WEBHOOK_URL: undefined });
  const server = createServer(search.watch(handler)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  await (await fetch(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}/page?x=1`)).text();
  server.closeAllConnections();
  server.close();
  return search;
}

describe('the search for secrets', () => {
  it.each<[string, RequestListener]>([
    ['a body', (_request, response) => response.end(`token: ${SECRET}`)],
    [
      'two pieces of a body',
      (_request, response) => {
        response.write(SECRET.slice(0, 12));
        response.end(Buffer.from(SECRET.slice(12)));
      },
    ],
    ['a header', (_request, response) => response.setHeader('X-Hint', SECRET).end()],
  ])('finds one in %s', async (_where, handler) => {
    const search = await answered(handler);
    expect(() => search.check([])).toThrow('ADMIN_TOKEN in the answer to GET /page');
  });

  it('finds one in the log', async () => {
    const search = await answered((_request, response) => response.end('nothing'));
    expect(() => search.check(['one line', `{"msg":"${SECRET}"}`])).toThrow('ADMIN_TOKEN in the log');
  });

  it('is content where there is none', async () => {
    const search = await answered((_request, response) => response.end('nothing'));
    expect(() => search.check(['one line'])).not.toThrow();
  });
});
