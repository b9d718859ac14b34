/**
 * Clients without a token that want the server's attention, in a thread of their own: each comes back
 * as soon as it has been cut. Half come from the address of the IdP, as behind one proxy, the others
 * from several addresses, all of this machine.
 */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { clearInterval, setInterval } from 'node:timers';
import { parentPort, workerData } from 'node:worker_threads';

const { port, connections } = workerData;
const HOST = 'Host: bridge.example\r\n';
const BACK_AFTER_MS = 100;
const AGAIN_AFTER_MS = 200;
const ADDRESSES = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5'];

/** What a connection sends at first, and again and again. */
const KINDS = [
  // Slow loris: headers that never end.
  { first: () => `GET /scim/v2/Users HTTP/1.1\r\n${HOST}`, more: () => `X-${randomBytes(2).toString('hex')}: a\r\n` },
  // A body that never ends, of somebody who is nobody, and of a form that anybody may send.
  {
    first: () =>
      `POST /oauth/token HTTP/1.1\r\n${HOST}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9000\r\n\r\n`,
    more: () => 'a',
  },
  {
    first: () =>
      `POST /scim/v2/Bulk HTTP/1.1\r\n${HOST}Authorization: Bearer ${randomBytes(32).toString('base64url')}\r\n` +
      'Content-Type: application/scim+json\r\nTransfer-Encoding: chunked\r\n\r\n',
    more: () => '10\r\naaaaaaaaaaaaaaaa\r\n',
  },
  { first: () => randomBytes(512), more: () => randomBytes(64) },
  // Guesses, one after the other.
  { first: guess, more: guess },
  // Nothing at all.
  { first: () => '', more: () => '' },
];

function guess() {
  const token = `esb_${randomBytes(32).toString('base64url')}`;
  return `GET /scim/v2/Users?count=1 HTTP/1.1\r\n${HOST}Authorization: Bearer ${token}\r\n\r\n`;
}

let opened = 0;

function attack(index) {
  const { first, more } = KINDS[index % KINDS.length];
  const localAddress = index % 2 === 0 ? '127.0.0.1' : ADDRESSES[(index >> 1) % ADDRESSES.length];
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  opened += 1;
  let timer;
  socket.on('connect', () => {
    socket.write(first());
    timer = setInterval(() => socket.write(more()), AGAIN_AFTER_MS);
  });
  socket.resume();
  socket.on('error', () => undefined);
  socket.on('close', () => {
    clearInterval(timer);
    setTimeout(attack, BACK_AFTER_MS, index);
  });
}

for (let index = 0; index < connections; index++) attack(index);
parentPort.on('message', () => parentPort.postMessage(opened));
