/**
 * Attackers that write many requests without waiting for answers, in a process of their own so that
 * they slow down nobody but the bridge. Usage: node pipelining-attack.mjs '<options as JSON>'.
 *
 * options: port, from (local address), connections, request (text), bytes (written at once by each
 * connection), everyMs (0: again as soon as it was taken), leaveAfterMs (0: stays and comes back when cut).
 */
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

const { port, from, connections, request, bytes, everyMs, leaveAfterMs, tls } = JSON.parse(process.argv[2]);
const chunk = Buffer.from(request.repeat(Math.max(1, Math.floor(bytes / request.length))));
const BACK_AFTER_MS = 50;
let written = 0;

function attack() {
  const raw = connect({ port, host: '127.0.0.1', localAddress: from });
  const socket = tls === true ? connectTls({ socket: raw, rejectUnauthorized: false }) : raw;
  let timer;
  const write = () => {
    if (socket.destroyed) return;
    written += 1;
    const hasRoom = socket.write(chunk);
    if (leaveAfterMs > 0) return;
    if (everyMs > 0) timer = setTimeout(write, everyMs);
    else if (hasRoom) timer = setTimeout(write, 1);
    else socket.once('drain', write);
  };
  socket.once(tls === true ? 'secureConnect' : 'connect', write);
  socket.resume();
  socket.on('error', () => undefined);
  socket.on('close', () => {
    clearTimeout(timer);
    if (leaveAfterMs === 0) setTimeout(attack, BACK_AFTER_MS);
  });
  raw.on('error', () => undefined);
  return raw;
}

const open = Array.from({ length: connections }, attack);
if (leaveAfterMs > 0) {
  setTimeout(() => {
    for (const socket of open) socket.resetAndDestroy();
    process.stdout.write('left\n');
  }, leaveAfterMs);
}
process.stdout.write('attacking\n');
process.on('SIGTERM', () => {
  process.stdout.write(`written ${String(written)}\n`, () => process.exit(0));
});
