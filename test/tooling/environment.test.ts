import { connect } from 'node:net';
import { createServer, request, type Server } from 'node:http';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ElevenLabsClient, ElevenLabsError } from '@elevenlabs/elevenlabs-js';

describe('the test environment', () => {
  let server: Server;
  let port: number;

  beforeAll(async () => {
    server = createServer((_request, response) => {
      response.statusCode = 404;
      response.setHeader('content-type', 'application/json');
      response.end('{"detail":{"status":"gone"}}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });

  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  it.each(['192.0.2.1', 'api.elevenlabs.io', '2001:db8::1'])('refuses a socket to %s', async (host) => {
    const socket = connect({ host, port: 443 });
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toContain(`connection to ${host} refused`);
  });

  it('refuses fetch to another machine', async () => {
    const failure: unknown = await fetch('https://api.elevenlabs.io/v1/user').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TypeError);
    expect(String((failure as Error).cause)).toContain('connection to api.elevenlabs.io refused');
  });

  it('judges a name by what the caller’s own lookup answers', async () => {
    const answer = (address: string) =>
      new Promise<string>((resolve) => {
        const lookup = ((_name: string, options: { all?: boolean }, callback: (...args: unknown[]) => void) => {
          if (options.all === true) callback(null, [{ address, family: 4 }]);
          else callback(null, address, 4);
        }) as never;
        const outgoing = request({ host: 'hook.example', port, lookup, agent: false }, (response) => {
          response.resume();
          resolve(String(response.statusCode));
        });
        outgoing.on('error', (error) => {
          resolve(error.message);
        });
        outgoing.end();
      });
    expect(await answer('127.0.0.1')).toBe('404');
    expect(await answer('192.0.2.1')).toContain('connection to hook.example refused');
  });

  it('gives the real SDK, which reaches loopback', async () => {
    const client = new ElevenLabsClient({ apiKey: 'k', environment: `http://127.0.0.1:${port}`, maxRetries: 0 });
    const failure: unknown = await client.user.get().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ElevenLabsError);
    expect(failure).toBeInstanceOf(Error);
    expect((failure as ElevenLabsError).statusCode).toBe(404);
  });

  it('widens instanceof for the built-in classes only', () => {
    class Own extends Error {}
    const foreign: unknown = (() => {
      try {
        return readFileSync('/does/not/exist');
      } catch (error) {
        return error;
      }
    })();
    expect(foreign instanceof Error).toBe(true);
    expect(foreign instanceof TypeError).toBe(false);
    expect(foreign instanceof Own).toBe(false);
    expect(new Own() instanceof Error).toBe(true);
    expect({ name: 'Error' } instanceof Error).toBe(false);
  });
});
